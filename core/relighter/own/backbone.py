"""The backbone `relamp`: a network estimates the shape of the subject, and both lights are traced on that shape.

Normals, relief and albedo come from the shape network; normals that are given replace the estimated ones. How much of a light
reaches each point is traced through the relief. The light that the plate was shot under is the source light where there is one,
else the plate's brightness as a function of where a surface faces. The colour of the change is that of the lights alone. No
random numbers are used: the same conditions give the same answer.
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
from ...shape.depth_fit import Fit
from ...shape.estimators.own import SHIPPED, load, see
from ...shape.estimators.shape_network import Shape
from ...shape.placed import received
from ...shape.trace import Traced, log_share, trace
from ...temporal.windows import Span
from ..answer import Answer
from .conditions import Conditions, analytic_hint, decode_planes, lit

INTRA_OP_THREADS = 2  # a constant, whatever the machine has: another count can give other last bits
SMALL = 256 * 256  # px; smaller frames run in one thread, since two spend longer waiting for each other than they gain
DELIT = 0.5  # exponent of the albedo that the luminance is divided by: the estimated albedo holds some of the light
DARK_ALBEDO = 0.03  # luminance; a lower albedo is not divided by
_ALONE = threading.Lock()


@dataclass(frozen=True)
class Subject:
    """What a new light does not change in a frame.

    `normals` (B, 3, h, w) unit camera-space vectors, `log_albedo` (B, 3, h, w) natural log of reflectance, `doubt` (B, 1, h, w)
    expected error of the normals in radians, `shape` what lights are traced on, and `own_light` (B, 1, h, w), natural log of the
    plate's brightness by facing.
    """

    normals: torch.Tensor
    log_albedo: torch.Tensor
    doubt: torch.Tensor
    shape: Traced
    own_light: torch.Tensor


class Relamp:
    """The backbone `relamp`; see `answer.Backbone` and `answer.Network`. `weights` is the SHA-256 of the shape network's file."""

    name = "relamp"
    used: tuple[str, ...] = ()
    wants_source = False  # where no source light is given, the plate's brightness by facing takes its place
    levelled = True
    sees_background = False  # its light is traced, and a background gives none of it
    steps = False
    span: Span = "frame"
    gives: frozenset[str] = frozenset({"albedo", "confidence"})

    def __init__(self, device: str = "cpu", path: Path = SHIPPED) -> None:
        """Load the weights onto `device`.

        Raises:
            InputError: the weights are missing, damaged, or not those of the ledger.
            DeviceError: there is no such device.
        """
        if device.startswith("cuda") and not torch.cuda.is_available():
            raise DeviceError("there is no CUDA device here; use --device cpu")
        loaded = load(path, device)
        self.weights, self.card = loaded.digest, loaded.card
        self._network, self._device = loaded.network, device
        self._kept: tuple[Conditions, Subject] | None = None

    @property
    def network(self) -> Relamp:
        """This object, which is backbone and network in one."""
        return self

    def seeded(self, steps: int | None) -> bool:
        """False: no random numbers are used."""
        return False

    def relight(
        self, conditions: Sequence[Conditions], *, frames: Sequence[int], steps: int | None = None, seed: int = 0
    ) -> list[Answer]:
        """Relight frames one by one; see `answer.Network`. `frames`, `steps` and `seed` have no effect."""
        # One call at a time: frames are parallel in the shot loop, and the number of torch's threads is the whole process's.
        with _ALONE, torch.inference_mode():
            height, width = conditions[0].code.shape[-2:]
            torch.set_num_threads(1 if height * width < SMALL else INTRA_OP_THREADS)
            return [self.answer(c) for c in conditions]

    def answer(self, c: Conditions) -> Answer:
        """Relight one frame, B = 1, in as many threads as torch has. Not safe for several threads; `relight` is."""
        c = c.to(self._device)
        subject = self._subject(c)
        # 1. The hint: both lights on the normals, with nothing in the way; (1, 3, h, w) natural logs.
        target, source = lit(c.target, subject.normals), lit(c.source, subject.normals)
        hint = analytic_hint(target, source, c.source_known[:, None, None, None], c.matte)
        # 2. What the form hides and gives back of each light; (1, 3, h, w) natural logs of shares.
        share = log_share(subject.shape, c.target.placed)
        if c.keeps_light:
            hint = residual = torch.zeros_like(share)
        elif bool(c.source_known > 0):
            residual = share - log_share(subject.shape, c.source.placed)
        else:  # The brightness by facing (1, 1, h, w) stands for the source light; the subject's mean stays the hint's.
            residual = share - subject.own_light + _mean(target, c.matte) - _mean(target + share, c.matte)
        # 3. Pictures (h, w, C); the confidence is exp(-doubt), 1 where normals are given.
        doubt = torch.where(c.normals_known > 0.5, torch.zeros_like(subject.doubt), subject.doubt)
        return Answer(
            residual=_picture(residual),
            hint=_picture(hint),
            normals=_picture(subject.normals),
            albedo=_picture(subject.log_albedo.exp()),
            confidence=_picture((-doubt).exp())[..., 0],
            added=self._added(c, subject, source),
        )

    def _added(self, c: Conditions, subject: Subject, source: torch.Tensor) -> np.ndarray | None:
        """What each light of a rig gives over the light that the plate was shot under, (L, h, w, 3); None without a rig.

        Args:
            source: (1, 3, h, w) logs of the source light on the normals, where it is known.
        """
        if c.rig is None:
            return None
        own = subject.own_light
        if bool(c.source_known > 0):
            own = source + log_share(subject.shape, c.source.placed)
            own = own - _mean(own, c.matte)
        given = received(subject.shape, c.rig.placed(subject.shape))  # (L, 3, h, w)
        return (given / own.exp()).cpu().numpy().transpose(0, 2, 3, 1).copy()

    def _subject(self, c: Conditions) -> Subject:
        """The subject of a frame. The last frame's is kept: it stays the same while an artist turns a light."""
        kept = self._kept
        if kept is None or not _same_subject(kept[0], c):
            self._kept = kept = (c, self._estimated(c))
        return kept[1]

    def _estimated(self, c: Conditions) -> Subject:
        found = see(self._network, c.code, c.matte)
        normals = facing(found, c)
        doubt = found.doubt * (c.normals_known <= 0.5)
        # Given normals determine the relief better than the network does: with the network's relief a curtain lost 2.4 dB.
        given = bool((c.normals_known * c.matte).sum() > 0.5 * c.matte.sum())
        if c.depth is None:
            field = relief_of(normals, c.matte, None if given else found.relief)
        else:
            field = _heights_of_depth(c.depth, c, normals)
        albedo = _luminance(found.log_albedo.exp()).clamp_min(DARK_ALBEDO)
        luminance = _luminance(decode_planes(c.code)) / albedo**DELIT
        own_light = log_light_by_facing(luminance, normals, c.matte)
        return Subject(normals, found.log_albedo, found.doubt, trace(normals, field, c.matte, doubt), own_light)


def _same_subject(one: Conditions, other: Conditions) -> bool:
    """Whether two frames differ in nothing but their light and their background."""
    if (one.depth is None) != (other.depth is None) or one.depth_kind != other.depth_kind:
        return False
    pairs = [
        (getattr(one, name), getattr(other, name)) for name in ("code", "matte", "rays", "normals", "normals_known")
    ]
    if one.depth is not None and other.depth is not None:
        pairs.append((one.depth, other.depth))
    return all(torch.equal(a, b) for a, b in pairs)


def facing(found: Shape, c: Conditions) -> torch.Tensor:
    """The normals that lights fall on, (B, 3, h, w): those given, else those that the shape network estimated."""
    return torch.where(c.normals_known > 0.5, c.normals, without_rims(found.normals, c.matte))


def _heights_of_depth(depth: torch.Tensor, c: Conditions, normals: torch.Tensor) -> torch.Tensor:
    """Heights toward the viewer in pixels, (1, h, w), of the depth (1, 1, h, w) that is given."""
    far, rays, facing, matte = (_picture(p.float()) for p in (depth, c.rays, normals, c.matte))
    fit = Fit.of(far[..., 0], c.depth_kind, rays, facing, matte[..., 0])
    return torch.from_numpy(fit.heights(far[..., 0], rays, matte[..., 0]))[None].to(normals)


def _mean(log_light: torch.Tensor, matte: torch.Tensor) -> torch.Tensor:
    """The mean over the matte of the log luminance of a light, (B, 1, 1, 1)."""
    luminance = _luminance(log_light.exp()).log()
    return (luminance * matte).sum((2, 3), keepdim=True) / matte.sum((2, 3), keepdim=True).clamp_min(1e-6)


def _luminance(planes: torch.Tensor) -> torch.Tensor:
    return (planes * planes.new_tensor(AP1_LUMINANCE)[:, None, None]).sum(1, keepdim=True)


def _picture(plane: torch.Tensor) -> np.ndarray:
    """(1, C, h, w) as (h, w, C)."""
    return plane[0].float().cpu().numpy().transpose(1, 2, 0).copy()
