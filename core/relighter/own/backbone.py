"""What `--backbone relamp` does: the shape of the subject is seen, or given, and every light is traced on it.

A network sees normals, relief and albedo in the plate; what light the form hides is traced through the relief; the plate's own
light is the one that is given, else the brightness by facing that the plate shows. The colour of the change is that of the lights
alone. Nothing here draws chance: the same conditions give the same answer. Floor 2.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ...errors import DeviceError
from ...light.by_facing import log_light_by_facing
from ...light.environment import AP1_LUMINANCE
from ...shape.depth import relief_of, without_rims
from ...shape.estimators.own import SHIPPED, load, see
from ...shape.estimators.shape_network import Shape
from ...shape.trace import Traced, log_share, trace
from ...temporal.windows import Span
from ..answer import Answer
from .conditions import Conditions, analytic_hint, decode_planes, lit

INTRA_OP_THREADS = 2  # never the machine's: other counts can give other last bits
SMALL = 256 * 256  # px of a frame: below, two threads wait for each other on a busy machine longer than they gain
DELIT = (
    0.5  # share in logs of the seen albedo that is taken off to read the plate's own light: all of it takes light along
)
DARK_ALBEDO = 0.03
_ALONE = threading.Lock()


@dataclass(frozen=True)
class Seen:
    """What a frame shows, whatever its light: `normals` (B, 3, h, w), `log_albedo` (B, 3, h, w), `doubt` (B, 1, h, w) in radians,
    the shape made ready for lights, and the log of the plate's own light by facing, (B, 1, h, w)."""

    normals: torch.Tensor
    log_albedo: torch.Tensor
    doubt: torch.Tensor
    shape: Traced
    own_light: torch.Tensor


class Relamp:
    """See the module. `weights` is the SHA-256 of the shape network's file in hex."""

    name = "relamp"
    used: tuple[str, ...] = ()
    wants_source = False  # the plate's own light is read off by facing
    levelled = True
    steps = False
    span: Span = "frame"
    gives: frozenset[str] = frozenset({"albedo", "confidence"})

    def __init__(self, device: str = "cpu", path: Path = SHIPPED) -> None:
        """Load the weights onto `device`.

        Raises:
            InputError: without weights.
            DeviceError: without the device.
        """
        if device.startswith("cuda") and not torch.cuda.is_available():
            raise DeviceError("there is no CUDA device here; use --device cpu")
        loaded = load(path, device)
        self.weights, self.card = loaded.digest, loaded.card
        self._network, self._device = loaded.network, device
        self._kept: tuple[tuple[torch.Tensor, ...], Seen] | None = None

    @property
    def network(self) -> Relamp:
        """Itself: the part of a backbone that looks at pictures."""
        return self

    def seeded(self, steps: int | None) -> bool:
        """Nothing is drawn."""
        return False

    def relight(
        self, conditions: Sequence[Conditions], *, frames: Sequence[int], steps: int | None = None, seed: int = 0
    ) -> list[Answer]:
        """Relight some frames, each alone; `frames`, `steps` and `seed` change nothing."""
        # One call at a time: frames are parallel elsewhere, and torch's threads are shared by the whole process.
        with _ALONE, torch.inference_mode():
            height, width = conditions[0].code.shape[-2:]
            torch.set_num_threads(1 if height * width < SMALL else INTRA_OP_THREADS)
            return [self.answer(c) for c in conditions]

    def answer(self, c: Conditions) -> Answer:
        """The answer to one frame, B = 1, worked out in the threads that torch has; no other call of it may run meanwhile."""
        c = c.to(self._device)
        seen = self._see(c)
        target, source = lit(c.target, seen.normals), lit(c.source, seen.normals)
        known = c.source_known[:, None, None, None]
        hint = analytic_hint(target, source, known, c.matte)
        share = log_share(seen.shape, c.target.placed)
        if bool(c.source_known > 0):
            residual = share - log_share(seen.shape, c.source.placed)
        else:
            residual = share - seen.own_light + _mean(target, c.matte) - _mean(target + share, c.matte)
        doubt = torch.where(c.normals_known > 0.5, torch.zeros_like(seen.doubt), seen.doubt)
        planes = [_picture(p) for p in (residual, hint, seen.normals, seen.log_albedo.exp(), (-doubt).exp())]
        return Answer(*planes[:4], planes[4][..., 0])

    def _see(self, c: Conditions) -> Seen:
        """What a frame shows. The last one is kept: while a light is turned it stays the same."""
        key = (c.code, c.matte, c.normals, c.normals_known)
        kept = self._kept
        if kept is None or not all(torch.equal(a, b) for a, b in zip(kept[0], key, strict=True)):
            self._kept = kept = (key, self._look(c))
        return kept[1]

    def _look(self, c: Conditions) -> Seen:
        found = see(self._network, c.code, c.matte)
        normals = facing(found, c)
        doubt = found.doubt * (c.normals_known <= 0.5)
        # Normals that are given say more of the relief than a network does: held to its relief, a curtain lost 2.4 dB.
        given = bool((c.normals_known * c.matte).sum() > 0.5 * c.matte.sum())
        field = relief_of(normals, c.matte, None if given else found.relief)
        albedo = _luminance(found.log_albedo.exp()).clamp_min(DARK_ALBEDO)
        luminance = _luminance(decode_planes(c.code)) / albedo**DELIT
        own_light = log_light_by_facing(luminance, normals, c.matte)
        return Seen(normals, found.log_albedo, found.doubt, trace(normals, field, c.matte, doubt), own_light)


def facing(found: Shape, c: Conditions) -> torch.Tensor:
    """The normals that lights are put on, (B, 3, h, w): those given, and those found in the picture where none are."""
    return torch.where(c.normals_known > 0.5, c.normals, without_rims(found.normals, c.matte))


def _mean(log_light: torch.Tensor, matte: torch.Tensor) -> torch.Tensor:
    """The mean over the matte of the log luminance of a light, (B, 1, 1, 1)."""
    luminance = _luminance(log_light.exp()).log()
    return (luminance * matte).sum((2, 3), keepdim=True) / matte.sum((2, 3), keepdim=True).clamp_min(1e-6)


def _luminance(planes: torch.Tensor) -> torch.Tensor:
    return (planes * planes.new_tensor(AP1_LUMINANCE)[:, None, None]).sum(1, keepdim=True)


def _picture(plane: torch.Tensor) -> np.ndarray:
    return plane[0].float().cpu().numpy().transpose(1, 2, 0).copy()
