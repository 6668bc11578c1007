"""The contact sheet of `relamp passes` in display colours: one row per frame, one column per pass."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from ..errors import InputError
from ..light.sheet import write_png
from ..pictures import exr
from ..pictures.curves import encode_srgb
from ..pictures.rec709 import display_code
from ..pictures.resample import resize, working_shape
from ..pictures.screen import Screen
from .passes_plan import FILE_NAMES, PassesPlan
from .plan import RENDER, SKIP

TILE = 360  # px of a picture's longer side
_CAPTION = 26
_GROUND = 38  # 8-bit, a dark neutral grey


def write_sheet(plan: PassesPlan, png: str) -> None:
    """Draw the written passes of a plan's first, middle and last frame.

    Raises:
        InputError: a frame cannot be read again, or there is none.
        UsageError: a file exists at `png` and `--overwrite` was not given.
        OutputError: it cannot be written.
    """
    written = [task for task in plan.tasks if task.action != SKIP]
    tasks = [task for task in written if task.action == RENDER] or written
    if not tasks:
        raise InputError(f"{png}: no frame has passes to draw; every plate asked for is missing")
    picked = [tasks[i] for i in sorted({0, len(tasks) // 2, len(tasks) - 1})]
    screen, rows = Screen(plan.colour), []
    for task in picked:
        frame = exr.read_frame(task.out, colour=plan.colour)
        light = plan.colour.to_working(frame.rgb, frame.colorspace) * np.float32(plan.job.measured.anchor or 1.0)
        tiles = [_tile(screen.encode(np.nan_to_num(light, posinf=0, neginf=0))[..., :3] / 255, f"{task.frame}")]
        for name in plan.layers:
            layer = frame.layer("depth" if name == "depth" else FILE_NAMES.get(name, name))
            if name == "albedo":
                layer = plan.colour.to_working(layer, frame.colorspace) @ plan.colour.to_acescg.T
            tiles.append(_tile(shown(name, layer), name))
        rows.append(np.concatenate(tiles, 1))
    write_png(Path(png), np.concatenate(rows), plan.parameters.overwrite)


def shown(name: str, layer: np.ndarray) -> np.ndarray:
    """A pass as display-encoded values (H, W, 3), 0 to 1; `layer` is (H, W, C) as it is in a file, albedo in ACEScg."""
    if name == "normals":
        there = np.abs(layer).sum(-1, keepdims=True) > 0
        return np.where(there, layer / 2 + 0.5, 0)
    if name == "albedo":
        return display_code(layer)
    plane = layer[..., 0]
    if name == "depth":  # near is bright
        there = plane > 0
        low, high = np.quantile(plane[there], (0.01, 0.99)) if there.any() else (0.0, 1.0)
        plane = np.where(there, 1 - 0.85 * np.clip((plane - low) / max(high - low, 1e-9), 0, 1), 0)
        return np.repeat(plane[..., None], 3, -1)
    return np.repeat(encode_srgb(plane)[..., None], 3, -1)


def _tile(code: np.ndarray, caption: str) -> np.ndarray:
    height, width = code.shape[:2]
    shape = working_shape(height, width, TILE)
    small = resize(np.ascontiguousarray(code, np.float32), shape)
    tile = np.full((shape[0] + _CAPTION, shape[1] + 4, 3), _GROUND, np.uint8)
    tile[_CAPTION:, : shape[1]] = np.round(255 * np.clip(small, 0, 1))
    cv2.putText(tile, caption, (4, 18), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (200, 200, 200), 1, cv2.LINE_AA)
    return tile
