"""A textured picture that pans, seen with residuals of one's choice: windows for the deflicker head."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import torch
from safetensors.torch import save_file

from relamp.core.temporal.align import RADIUS
from relamp.core.temporal.head import SCHEMA, Head
from relamp.core.temporal.working_frame import WorkingFrame

SIZE = (48, 64)


def pan(
    frames: int = 2 * RADIUS + 1, step: float = 2.0, size: tuple[int, int] = SIZE, seed: int = 0
) -> list[np.ndarray]:
    """Log proxies (h, w, 3) of a picture that moves `step` px to the right a frame."""
    noise = np.random.default_rng(seed).normal(0, 1, (size[0], 4 * size[1])).astype(np.float32)
    wide = cv2.GaussianBlur(noise, (0, 0), 2) * 1.5
    return [np.repeat(moved(wide, step * t, size)[..., None], 3, axis=2) for t in range(frames)]


def moved(wide: np.ndarray, x: float, size: tuple[int, int] = SIZE) -> np.ndarray:
    """A window of a wide picture that has moved `x` px to the right."""
    start = np.array([[1, 0, size[1] - x], [0, 1, 0]], np.float32)
    return cv2.warpAffine(wide, start, (size[1], size[0]), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)


def look(code: np.ndarray, residual: np.ndarray, hint: np.ndarray | None = None, **more: np.ndarray) -> WorkingFrame:
    """A frame that is subject all over, a wall before the camera unless there are other `normals`."""
    matte = np.ones(code.shape[:2], np.float32)
    wall = np.broadcast_to(np.array((0, 0, 1), np.float32), code.shape)
    shade = np.zeros_like(code) if hint is None else hint
    return WorkingFrame(code, matte, residual=residual.astype(np.float32), hint=shade, **{"normals": wall, **more})


def random_head(path: Path, seed: int = 0) -> Path:
    """Weights of a head by chance, its last layers among them: it does something, nothing useful."""
    torch.manual_seed(seed)
    head = Head()
    with torch.no_grad():
        for parameter in head.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    card = {"schema": SCHEMA, "name": "random", "licence": "Apache-2.0"}
    save_file(head.state_dict(), str(path), {"relamp": json.dumps(card)})
    return path
