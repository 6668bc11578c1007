"""The backbone `relamp`: a network estimates the shape of the subject, and both lights are traced on that shape.

Normals, relief and albedo come from the shape network; given normals replace the estimated ones. How much of a light reaches
each point is traced through the relief. The gain divides by the source light where there is one, else by the plate's brightness
as a function of the normal. The colour of the change is that of the lights alone. Lights are computed in the working space; the
network was trained in ACEScg, so the plate is converted to ACEScg for it. No random numbers are used: the same conditions give
the same result.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch

from ...errors import DeviceError
from ...gain.arrival import Arrival, TracedLights
from ...gain.traced import Depth
from ...gain.traced import Shape as TracedShape
from ...light.by_facing import log_light_by_facing
from ...light.environment import AP1_LUMINANCE
from ...light.octahedral import octahedral_directions, sample_table
from ...pictures.curves import decode_log_tensor, encode_log_tensor
from ...shape.depth import relief_of, seen_along
from ...shape.estimators import parts as parts_file
from ...shape.estimators.own import SHIPPED, Seen, load, see
from ...shape.estimators.shape_network import Shape
from ...shape.seen import PARTS, SeenShape
from ...temporal.windows import Span
from ..answer import Answer
from .conditions import Conditions, LightBatch, analytic_hint, lit

INTRA_OP_THREADS = 1  # on every machine, because another number can change the last bits; frames run beside each other
DELIT = 0.5  # exponent of the albedo that the luminance is divided by: the estimated albedo holds some of the light
DARK_ALBEDO = 0.03  # luminance; least albedo that is used as a divisor
LEAST_SKIN = 0.02  # share of the subject from which its skin begins to decide its exposure
BLACK_ALBEDO = 1e-4  # least reflectance; spaces other than ACEScg may give values at or below zero


@dataclass(frozen=True)
class SubjectShape:
    """The properties of a frame that do not depend on the new light.

    `conditions` are the frame's, under any light. `found` is its estimated shape with its parts, `normals` (B, 3, h, w) unit
    camera-space vectors, and `height` (B, h, w) the relief in pixels.
    """

    conditions: Conditions
    found: Seen
    normals: torch.Tensor
    height: torch.Tensor

    @property
    def doubt(self) -> torch.Tensor:
        """The expected error of the estimated normals in radians, (B, 1, h, w)."""
        return self.found.shape.doubt

    @cached_property
    def albedo(self) -> torch.Tensor:
        """Reflectance in the plate's space, (B, 3, h, w)."""
        return _from_acescg(self.found.shape.log_albedo.exp(), self.conditions.to_acescg)

    @cached_property
    def own_light(self) -> torch.Tensor:
        """The natural log of the plate's brightness as a function of the normal, (B, 1, h, w)."""
        c = self.conditions
        albedo = _luminance(self.found.shape.log_albedo.exp()).clamp_min(DARK_ALBEDO)
        luminance = _luminance(decode_log_tensor(_in_acescg(c))) / albedo**DELIT
        return log_light_by_facing(luminance, self.normals, c.matte)

    @cached_property
    def exposed(self) -> torch.Tensor:
        """Where the subject's exposure is measured, (B, 1, h, w), 0 to 1: on its skin, where it shows enough of it."""
        matte = self.conditions.matte
        skin = matte * self.found.parts[:, PARTS.index("skin")][:, None]
        share = skin.sum((2, 3), keepdim=True) / matte.sum((2, 3), keepdim=True).clamp_min(1e-6)
        believed = ((share - LEAST_SKIN) / LEAST_SKIN).clamp(0, 1)
        return matte + believed * (skin - matte)

    @cached_property
    def shape(self) -> TracedShape:
        """The shape on which lights are traced."""
        c = self.conditions
        doubt = self.doubt * (c.normals_known <= 0.5)
        planes = (_picture(self.normals), _picture(c.matte)[..., 0], self.height[0].float().cpu().numpy())
        return TracedShape.of(*planes, _picture(doubt)[..., 0], _picture(c.rays))


class Relamp:
    """The backbone `relamp`; see `answer.Backbone` and `answer.Network`. `weights` are the SHA-256 of both files."""

    name = "relamp"
    used: tuple[str, ...] = ()
    wants_source = False  # without a source light, the plate's brightness as a function of the normal is used
    levelled = True
    any_working_space = True
    sees_background = False  # the light is traced, and a background is not part of it
    steps = False
    span: Span = "frame"
    gives: frozenset[str] = frozenset({"albedo", "confidence"})

    def __init__(self, device: str = "cpu", path: Path = SHIPPED, parts: Path | None = parts_file.SHIPPED) -> None:
        """Load the weights onto `device`.

        Args:
            path: of the shape network. parts: of the network of parts that reads its features; None sees no parts.

        Raises:
            InputError: the weights are missing, damaged, or differ from the ledger.
            DeviceError: there is no such device.
        """
        if device.startswith("cuda") and not torch.cuda.is_available():
            raise DeviceError("there is no CUDA device here; use --device cpu")
        loaded = load(path, device)
        reader = None if parts is None else parts_file.load(parts, loaded.digest, device)
        self.weights = loaded.digest if reader is None else f"{loaded.digest}+{reader.digest}"
        self.card = loaded.card
        self._network, self._parts, self._device = loaded.network, reader and reader.network, device
        self._kept: SubjectShape | None = None

    @property
    def network(self) -> Relamp:
        """This object, which is both backbone and network."""
        return self

    def seeded(self, steps: int | None) -> bool:
        """False: no random numbers are used."""
        return False

    def relight(
        self, conditions: Sequence[Conditions], *, frames: Sequence[int], steps: int | None = None, seed: int = 0
    ) -> list[Answer]:
        """Relight frames one by one; see `answer.Network`. `frames`, `steps` and `seed` have no effect."""
        with torch.inference_mode():
            torch.set_num_threads(INTRA_OP_THREADS)
            return [self.answer(c) for c in conditions]

    def see(self, code: np.ndarray, matte: np.ndarray) -> SeenShape:
        """The shape in one frame; see `answer.Seeing`."""
        planes = torch.from_numpy(np.ascontiguousarray(code.transpose(2, 0, 1)))[None].to(self._device)
        with torch.inference_mode():
            torch.set_num_threads(INTRA_OP_THREADS)
            weight = torch.from_numpy(np.ascontiguousarray(matte))[None, None].to(self._device)
            found = see(self._network, planes, weight, self._parts)
        normals, relief, albedo, doubt = (_picture(plane) for plane in found.shape)
        return SeenShape(normals, relief[..., 0], albedo, doubt[..., 0], _picture(found.parts))

    def answer(self, c: Conditions) -> Answer:
        """Relight one frame, B = 1, in as many threads as torch has."""
        c = c.to(self._device)
        subject = self._subject(c)
        # 1. The analytic gain: both lights on the normals, unoccluded; (1, 3, h, w) natural logs.
        target, source = lit(c.target, subject.normals), lit(c.source, subject.normals)
        hint = analytic_hint(target, source, c.source_known[:, None, None, None], c.matte, c.luminance_weights)
        # 2. The share of each light that arrives, with shadows and reflected light; (1, 3, h, w) natural logs.
        known = bool(c.source_known > 0)
        share = torch.zeros_like(hint)
        if c.shadows > 0:
            shape = subject.shape
            source_light = _arrival(shape, c.source, c.shadows) if known else None
            traced = TracedLights(_arrival(shape, c.target, c.shadows), source_light)
            added = traced.log_share(shape.normals, slice(None))  # (h, w, 3)
            share = torch.from_numpy(added.transpose(2, 0, 1))[None].to(hint)
        residual, level = share, torch.zeros(1, 1, 1, 1)
        if not known:
            # The plate's brightness as a function of the normal, (1, 1, h, w), replaces the source light.
            residual = share - subject.own_light
            if c.keeps_level:  # Replace the level of the mean log light by that of the mean traced light.
                level = _mean(target, c) - _brighter(target + share, subject)
                residual = residual + level
        # 3. Pictures (h, w, C); the confidence is exp(-doubt), 1 where normals are given.
        doubt = torch.where(c.normals_known > 0.5, torch.zeros_like(subject.doubt), subject.doubt)
        return Answer(
            residual=_picture(residual),
            hint=_picture(hint),
            normals=_picture(subject.normals),
            albedo=_picture(subject.albedo),
            confidence=_picture((-doubt).exp())[..., 0],
            height=subject.height[0].float().cpu().numpy(),
            doubt=_picture(doubt)[..., 0],
            share=_picture(share),
            own=None if known else _picture(subject.own_light)[..., 0],
            level=level.float().cpu().numpy().reshape(1),
            parts=_picture(subject.found.parts),
        )

    def _subject(self, c: Conditions) -> SubjectShape:
        """The subject of a frame. The last one is kept, because it stays the same while an artist turns a light."""
        kept = self._kept
        if kept is None or not _same_subject(kept.conditions, c):
            self._kept = kept = self._estimated(c)
        return kept

    def _estimated(self, c: Conditions) -> SubjectShape:
        found = c.seen or see(self._network, _in_acescg(c), c.matte, self._parts)
        normals = facing(found.shape, c)
        # Given normals determine the relief better than the network's relief does, which cost a curtain 2.4 dB.
        given = bool((c.normals_known * c.matte).sum() > 0.5 * c.matte.sum())
        if c.depth is None:
            height = relief_of(seen_along(normals, c.rays), c.matte, None if given else found.shape.relief)
        else:
            height = _heights_of_depth(c.depth, c, normals)
        return SubjectShape(c, found, normals, height)


def _same_subject(one: Conditions, other: Conditions) -> bool:
    """Whether two frames are equal except for their light and their background."""
    if (one.depth is None) != (other.depth is None) or one.depth_kind != other.depth_kind:
        return False
    pairs = [
        (getattr(one, name), getattr(other, name))
        for name in ("code", "matte", "rays", "normals", "normals_known", "to_acescg")
    ]
    if (one.seen is None) != (other.seen is None):
        return False
    if one.seen is not None and other.seen is not None:
        pairs += zip((*one.seen.shape, one.seen.parts), (*other.seen.shape, other.seen.parts), strict=True)
    if one.depth is not None and other.depth is not None:
        pairs.append((one.depth, other.depth))
    return all(torch.equal(a, b) for a, b in pairs)


def facing(found: Shape, c: Conditions) -> torch.Tensor:
    """The normals used for lighting, (B, 3, h, w): the given ones, else those of the shape network."""
    return torch.where(c.normals_known > 0.5, c.normals, found.normals)


def _arrival(shape: TracedShape, light: LightBatch, strength: float) -> Arrival:
    """The light of a batch of one on the shape; its table is turned into camera space, (S, S, 3)."""
    table = light.diffuse[0].float().exp().permute(1, 2, 0).cpu().numpy()
    towards = octahedral_directions(len(table)) @ light.to_map[0].float().cpu().numpy().T
    return shape.lit(sample_table(table, towards), light.in_camera(), strength)


def _heights_of_depth(depth: torch.Tensor, c: Conditions, normals: torch.Tensor) -> torch.Tensor:
    """Heights toward the viewer in pixels, (1, h, w), of the given depth (1, 1, h, w)."""
    far, rays, facing, matte, known = (_picture(p.float()) for p in (depth, c.rays, normals, c.matte, c.normals_known))
    given = Depth(far[..., 0], c.depth_kind)
    return torch.from_numpy(given.heights(rays, facing, matte[..., 0], known[..., 0] > 0.5)[0])[None].to(normals)


def _in_acescg(c: Conditions) -> torch.Tensor:
    """The log-encoded proxy in ACEScg, (B, 3, h, w)."""
    if _is_identity(c.to_acescg):
        return c.code
    return encode_log_tensor(_converted(decode_log_tensor(c.code), c.to_acescg))


def _from_acescg(albedo: torch.Tensor, to_acescg: torch.Tensor) -> torch.Tensor:
    """An albedo in ACEScg, (B, 3, h, w), in the space that `to_acescg` converts from."""
    if _is_identity(to_acescg):
        return albedo
    return _converted(albedo, torch.linalg.inv(to_acescg)).clamp(BLACK_ALBEDO, 1)


def _is_identity(matrix: torch.Tensor) -> bool:
    return torch.equal(matrix, torch.eye(3).to(matrix))


def _converted(planes: torch.Tensor, matrix: torch.Tensor) -> torch.Tensor:
    return torch.einsum("ij,bjhw->bihw", matrix.to(planes), planes)


def _mean(log_light: torch.Tensor, c: Conditions) -> torch.Tensor:
    """The mean over the matte of the log luminance of a light, (B, 1, 1, 1)."""
    weights = c.luminance_weights.to(log_light)[:, None, None]
    luminance = (log_light.exp() * weights).sum(1, keepdim=True).log()
    return (luminance * c.matte).sum((2, 3), keepdim=True) / c.matte.sum((2, 3), keepdim=True).clamp_min(1e-6)


def _brighter(log_light: torch.Tensor, subject: SubjectShape) -> torch.Tensor:
    """The log of how much brighter a light (B, 3, h, w), over the plate's own, makes the subject in the mean, (B, 1, 1, 1).

    With the mean of logs, one hard lamp that leaves most of a face dark would make the lit part far too bright.
    """
    c = subject.conditions
    weights = c.luminance_weights.to(log_light)[:, None, None]
    gain = (log_light.exp() * weights).sum(1, keepdim=True) / subject.own_light.exp()  # (B, 1, h, w)
    plate = subject.exposed * (decode_log_tensor(c.code) * weights).sum(1, keepdim=True)
    return (
        ((plate * gain).sum((2, 3), keepdim=True) / plate.sum((2, 3), keepdim=True).clamp_min(1e-6))
        .clamp_min(1e-6)
        .log()
    )


def _luminance(planes: torch.Tensor) -> torch.Tensor:
    """The luminance of planes in ACEScg, (B, 1, h, w)."""
    return (planes * planes.new_tensor(AP1_LUMINANCE)[:, None, None]).sum(1, keepdim=True)


def _picture(plane: torch.Tensor) -> np.ndarray:
    """A plane (1, C, h, w) as a picture (h, w, C)."""
    return plane[0].float().cpu().numpy().transpose(1, 2, 0).copy()
