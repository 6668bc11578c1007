"""Relamp's own relighter: a small denoiser of the residual log gain over the analytic hint, trained on its light stage.

Deterministic: the same conditions, steps and seed give the same answer, and every frame of a shot starts from the same
noise. One step is the mean and does not depend on the seed. Floor 2.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch.nn.functional import avg_pool2d, pad

from ...errors import DeviceError
from ...temporal.windows import Span
from ..answer import Answer
from ..weights import SHIPPED, load
from .conditions import Conditions, Features, LightBatch, decode_planes, encode_planes
from .denoiser import Intrinsics
from .sampling import sample

INTRA_OP_THREADS = 2  # never the machine's: other counts can give other last bits
SMALL = (
    256 * 256
)  # px of a frame: below, what two threads gain is lost again in waiting for each other on a busy machine
STEPS = 1  # by default; see ARCHITECTURE.md
UNCHANGED = 0.05  # natural logs that lights may differ by and still count as nearly the same
SOFTNESS = 4 / 96  # half the width that backgrounds are blurred by, of the picture's longer side

Group = TypeVar("Group", Conditions, LightBatch)
_ALONE = threading.Lock()


class Relamp:
    """See the module. `weights` is the SHA-256 of the weights' file in hex."""

    name = "relamp"
    used: tuple[str, ...] = ()
    wants_source = True  # told the light the plate was shot under it does better, also where that is fitted
    levelled = False
    steps = True
    span: Span = "frame"
    gives: frozenset[str] = frozenset({"albedo"})

    def __init__(self, device: str = "cpu", path: Path = SHIPPED) -> None:
        """Load the weights onto `device`.

        Raises:
            InputError: without weights.
            DeviceError: without the device.
        """
        if device == "cuda" and not torch.cuda.is_available():
            raise DeviceError("there is no CUDA device here; use --device cpu")
        loaded = load(path, device)
        self.weights, self.card = loaded.digest, loaded.card
        self._network, self._device = loaded.network, device
        self._seen: tuple[torch.Tensor, torch.Tensor, Intrinsics] | None = None

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
        """Relight some frames, each alone.

        Args:
            conditions: of `conditions.build`, one a frame.
            frames: their absolute numbers, which change nothing.
            steps: of denoising; 1 is the mean, and what None means.
            seed: of the shot's one noise.
        """
        # One call at a time: frames are parallel elsewhere, and torch's threads are shared by the whole process.
        with _ALONE, torch.inference_mode():
            height, width = conditions[0].code.shape[-2:]
            torch.set_num_threads(1 if height * width < SMALL else INTRA_OP_THREADS)
            return [self._answers(c, steps or STEPS, seed)[0] for c in conditions]

    def _answers(self, conditions: Conditions, steps: int, seed: int) -> list[Answer]:
        """One answer a frame."""
        c, network = softened(conditions.to(self._device)), self._network
        seen = self._see(c)
        f = network.told(c, seen)
        noise = torch.randn(1, *f.hint.shape[1:], generator=torch.Generator().manual_seed(seed)).to(self._device)
        noise = noise.expand_as(f.hint)  # every frame's the same: noise that changes by frame is flicker
        residual = sample(lambda estimate, level: network.denoiser(f, estimate, level), noise, steps)
        residual = residual * changed(f, c)
        planes = [_pictures(p) for p in (residual, f.hint, f.planes[:, 4:7], seen.log_albedo.exp())]
        return [Answer(*of_frame) for of_frame in zip(*planes, strict=True)]

    def _see(self, c: Conditions) -> Intrinsics:
        """The network's own intrinsic images. The last ones are kept: while a light is turned they stay the same."""
        kept = self._seen
        if kept is None or not (torch.equal(kept[0], c.code) and torch.equal(kept[1], c.matte)):
            self._seen = kept = (c.code, c.matte, self._network.see(c))
        return kept[2]


def changed(f: Features, c: Conditions) -> torch.Tensor:
    """How much of a residual counts, (B, 1, 1, 1): 0 where light comes as it was, so that no change changes nothing; else 1.

    Told by the root mean square difference of the logs of the two lights, on the subject and over the sphere.
    """
    matte = c.matte / c.matte.sum((2, 3), keepdim=True).clamp_min(1e-3)
    here = ((f.target - f.source) ** 2 * matte).sum((2, 3)).mean(1)
    around = ((f.target_map - f.source_map) ** 2).mean((1, 2, 3))
    return torch.where(c.source_known > 0, -torch.expm1(-(here + around) / UNCHANGED**2), 1.0)[:, None, None, None]


def softened(c: Conditions) -> Conditions:
    """Backgrounds as training's were, out of focus: a box of 9 px of 96."""
    radius = round(SOFTNESS * max(c.code.shape[-2:]))
    wide = pad(decode_planes(c.background), (radius,) * 4, mode="replicate")
    return replace(c, background=encode_planes(avg_pool2d(wide, 2 * radius + 1, stride=1)))


def joined(group: Sequence[Group]) -> Group:
    """Batches of one frame each as one batch."""
    if len(group) == 1:
        return group[0]
    together: dict[str, Any] = {}
    for field in fields(group[0]):
        parts = [getattr(one, field.name) for one in group]
        if parts[0] is not None:
            together[field.name] = torch.cat(parts) if isinstance(parts[0], torch.Tensor) else joined(parts)
    return type(group[0])(**together)


def _pictures(planes: torch.Tensor) -> list[np.ndarray]:
    return [plane.transpose(1, 2, 0).copy() for plane in planes.float().cpu().numpy()]
