"""Relamp's own relighter: a small denoiser of the residual log gain over the analytic hint, trained on its light stage.

Deterministic: the same conditions, steps and seed give the same answer, and every frame of a shot starts from the same
noise. One step is the mean and does not depend on the seed. Floor 2.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch

from ...errors import DeviceError
from ...temporal.windows import Span
from ..conditions import Conditions, LightBatch
from ..sampling import sample
from ..weights import SHIPPED, load
from . import Answer

INTRA_OP_THREADS = 2  # always: other counts can give other last bits
WORKING_SIZE = 160  # px of the longer side it does best at
STEPS = 1  # by default; see ARCHITECTURE.md

Group = TypeVar("Group", Conditions, LightBatch)


class Relamp:
    """See the module. `weights` is the SHA-256 of the weights' file in hex."""

    name = "relamp"
    used: tuple[str, ...] = ()
    wants_source = False
    gives: frozenset[str] = frozenset()

    def __init__(self, device: str = "cpu", path: Path = SHIPPED, *, temporal: bool = True) -> None:
        """Load the weights onto `device`; raises `InputError` without them, `DeviceError` without the device.

        Args:
            temporal: use the weights' temporal layers, when they have any.
        """
        if device == "cuda" and not torch.cuda.is_available():
            raise DeviceError("there is no CUDA device here; use --device cpu")
        loaded = load(path, device)
        self.weights, self.card = loaded.digest, loaded.card
        self._network, self._device = loaded.network, device
        self._alone = threading.Lock()
        self._seen: tuple[torch.Tensor, torch.Tensor, torch.Tensor] | None = None
        # A network with temporal layers says how many frames they were trained on.
        window = int(getattr(loaded.network, "window", 0)) if temporal else 0
        self.span: Span = window or "frame"

    @property
    def network(self) -> Relamp:
        """Itself: the part of a backbone that looks at pictures."""
        return self

    def seeded(self, steps: int | None) -> bool:
        """Whether the seed matters: one step is the mean."""
        return (steps or STEPS) > 1

    def relight(
        self, conditions: Sequence[Conditions], *, frames: Sequence[int], steps: int | None = None, seed: int = 0
    ) -> list[Answer]:
        """Relight some frames, each alone, or together as one window when the span is a number.

        Args:
            conditions: of `conditions.build`, one a frame.
            frames: their absolute numbers; nothing depends on them.
            steps: of denoising; 1 is the mean, and what None means.
            seed: of the shot's one noise.
        """
        groups = [[c] for c in conditions] if self.span == "frame" else [list(conditions)]
        # One call at a time: frames are parallel elsewhere, and torch's threads are shared by the whole process.
        with self._alone, torch.inference_mode():
            torch.set_num_threads(INTRA_OP_THREADS)
            return [answer for group in groups for answer in self._together(_joined(group), steps or STEPS, seed)]

    def _together(self, conditions: Conditions, steps: int, seed: int) -> list[Answer]:
        c = conditions.to(self._device)
        f = self._network.told(c, self._see(c))
        noise = torch.randn(1, *f.hint.shape[1:], generator=torch.Generator().manual_seed(seed)).to(self._device)
        noise = noise.expand_as(f.hint)  # every frame's the same: noise that changes by frame is flicker
        residual = sample(lambda estimate, level: self._network.denoiser(f, estimate, level), noise, steps)
        planes = (_pictures(residual), _pictures(f.hint), _pictures(f.planes[:, 4:7]))
        return [Answer(*of_frame) for of_frame in zip(*planes, strict=True)]

    def _see(self, c: Conditions) -> torch.Tensor:
        """The network's own normals. Those of the last pictures are kept: while a light is turned they stay the same."""
        kept = self._seen
        if kept is None or not (torch.equal(kept[0], c.code) and torch.equal(kept[1], c.matte)):
            self._seen = kept = (c.code, c.matte, self._network.see(c))
        return kept[2]


def _joined(group: Sequence[Group]) -> Group:
    """Batches of one frame each as one batch."""
    if len(group) == 1:
        return group[0]
    joined: dict[str, Any] = {}
    for field in fields(group[0]):
        parts = [getattr(one, field.name) for one in group]
        joined[field.name] = torch.cat(parts) if isinstance(parts[0], torch.Tensor) else _joined(parts)
    return type(group[0])(**joined)


def _pictures(planes: torch.Tensor) -> list[np.ndarray]:
    return [plane.transpose(1, 2, 0).copy() for plane in planes.float().cpu().numpy()]
