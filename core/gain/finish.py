"""Applies the analytic gain and the residual to the plate at full size, and makes the layers.

`finish` returns the beauty in the working space and the requested layers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from ..errors import UsageError
from ..light.octahedral import Facing, sample_table
from ..pictures.bands import bands, each_band
from ..pictures.channels import thrice
from .analytic import DARKEST
from .arrival import Arrival, TracedLights
from .guide import GuidedResidual, enlarge_residual
from .law import Law, base_of, blend, carry_outward, lacking, relight_band, touched, unpremultiply
from .materials import Gloss
from .subject import Shading, Subject


@dataclass(frozen=True)
class FinishInput:
    """The input of `finish` for one frame, over the plate's data window.

    `subject` has the normals that are used for lighting. `residual` is the network's log gain over the analytic one, fitted to
    its full-size `guide` (H, W, G); both are None where there is no network. `sides` are the layers that only the network
    predicts: `albedo` (H, W, 3), `confidence` (H, W). `traced` are the lights traced on the subject's shape; None means no
    shadows. `gloss` are the lights on its given materials; None treats every surface as matte.
    """

    subject: Subject
    shading: Shading
    residual: GuidedResidual | None = None
    guide: np.ndarray | None = None
    sides: Mapping[str, np.ndarray] = field(default_factory=dict)
    traced: TracedLights | None = None
    gloss: Gloss | None = None


@dataclass
class Finished:
    """A relit frame: `beauty` (H, W, 3) in the working space, `changed` (H, W, 3) bool, and layers by name.

    `lamps` are the parts of the beauty by lamp, (H, W, 3) each, the last one the rest.
    """

    beauty: np.ndarray
    changed: np.ndarray
    layers: dict[str, np.ndarray] = field(default_factory=dict)
    lamps: list[np.ndarray] = field(default_factory=list)


def finish(given: FinishInput, law: Law, layers: tuple[str, ...] = ()) -> Finished:
    """Relight one frame at its own resolution.

    Args:
        layers: names of `parameters.NEW_LAYERS` to compute beside the beauty.

    Returns:
        `beauty` holds relit light where `changed`; elsewhere it is the plate, and the caller writes the file's own values there.

    Raises:
        UsageError: `albedo` is asked for, and neither the network nor a source light gives it; or `visibility`, and no lights
            were traced.
    """
    subject, shading, traced = given.subject, given.shading, given.traced
    gain_of, parts_of = _gain(given, law, "lamps" in layers)
    beauty, changed = np.empty_like(subject.plate), np.zeros(subject.plate.shape, bool)
    finished = Finished(beauty, changed)
    if "ratio" in layers:
        finished.layers["ratio"] = np.ones_like(beauty)
    rig = traced.rig if traced is not None else None
    lamps: list[np.ndarray] = []
    if "lamps" in layers:
        lamps = [np.zeros_like(beauty) for _ in (*(rig.lights if rig else ()), *shading.lamps[:-1])]
    own = subject.own

    def relight(rows: slice) -> None:
        weight = subject.weight[rows]
        if not weight.any():
            beauty[rows] = subject.plate[rows]
            return
        band = _Band(given, rows, law)
        gain = gain_of(band)
        changed[rows] = touched(weight, gain, law)
        relit = relight_band(own, subject.alpha, gain, law, rows)
        blended = blend(subject.plate[rows], own[rows], relit, weight, law)
        beauty[rows] = blended if changed[rows].all() else np.where(changed[rows], blended, subject.plate[rows])
        if lamps:
            share = relit * thrice(weight * np.float32(law.mix))
            _share_out(lamps, share, parts_of(gain, band), rows)
        if "ratio" in layers:
            ratio = np.exp(gain) * np.float32(law.level)
            inside = weight > 0
            finished.layers["ratio"][rows] = ratio if inside.all() else np.where(inside[..., None], ratio, 1)

    each_band(beauty.shape[0], relight)
    finished.lamps = lamps
    finished.layers |= _layers(given, law, layers)
    return finished


@dataclass(frozen=True, eq=False)
class _Band:
    """Some rows of a frame, with what several steps need of them."""

    given: FinishInput
    rows: slice
    law: Law

    @cached_property
    def light(self) -> np.ndarray:
        """The un-premultiplied plate, (n, W, 3), without the grain that the law treats apart."""
        plate, alpha = self.given.subject.plate, self.given.subject.alpha
        return unpremultiply(base_of(plate, self.law, self.rows), None if alpha is None else alpha[self.rows])

    @cached_property
    def facing(self) -> Facing:
        """The normals, (n, W, 3)."""
        return Facing(self.given.subject.normals[self.rows])

    @cached_property
    def source_arriving(self) -> np.ndarray | None:
        """The share of the traced source light that arrives, (n, W, 3); None where it is not known."""
        traced = self.given.traced
        return None if traced is None or traced.source is None else traced.source.arriving(self.facing, self.rows)

    @cached_property
    def rig(self) -> list[np.ndarray]:
        """The lights of the rig over the plate's own light, (n, W, 3) each, with what given materials mirror of them."""
        traced, gloss = self.given.traced, self.given.gloss
        if traced is None or traced.rig is None:
            return []
        matte, rows = traced.rig.over_own(traced.source, self.facing, self.rows), self.rows
        seen = self.light, self.facing.directions, rows, self.law.epsilon, self.source_arriving
        return matte if gloss is None else gloss.with_rig(matte, traced.rig, *seen)


GainOf = Callable[["_Band"], np.ndarray]
PartsOf = Callable[[np.ndarray, "_Band"], list[np.ndarray]]


def _gain(given: FinishInput, law: Law, by_lamp: bool) -> tuple[GainOf, PartsOf]:
    """Functions that return the log gain of any rows, and the light of each lamp in it (see `_parts`).

    Soft matte edges need the whole frame's gain, to carry it outward; where `by_lamp`, what each lamp has of it goes with it, or
    a lamp that is dimmed in the comp would leave a line along the edge.
    """
    subject, residual, guide = given.subject, given.residual, given.guide
    height, rig = subject.plate.shape[0], given.traced and given.traced.rig
    keeps = rig is not None and rig.keeps  # the plate's own reflections stay with its own light

    def gain_of(band: _Band) -> np.ndarray:
        rows = band.rows
        gain = given.shading.hint.at(band.facing)  # (n, W, 3)
        if residual is not None and guide is not None:
            gain += enlarge_residual(residual, guide[rows], rows, height)
        if given.traced is not None:
            gain += given.traced.log_share(band.facing, rows, None if given.gloss is None else band.source_arriving)
        if given.gloss is not None and given.gloss.relights and not keeps:
            arriving = band.source_arriving
            gain = given.gloss.gain(gain, band.light, band.facing.directions, rows, law.epsilon, arriving)
        return _with_rig(gain, band.rig)

    coverage = subject.coverage
    if not lacking(subject.weight, coverage, subject.known).any():
        return gain_of, _parts
    gain = np.empty_like(subject.plate)
    by_band: dict[int, list[np.ndarray]] = {}

    def make(rows: slice) -> None:
        band = _Band(given, rows, law)
        gain[rows] = gain_of(band)
        if by_lamp:
            by_band[rows.start] = _shares(_parts(gain[rows], band))

    each_band(height, make)
    edge = (subject.weight, coverage, subject.known)
    ordered = [by_band[start] for start in sorted(by_band)]
    shares = [carry_outward(np.concatenate(rows), *edge) for rows in zip(*ordered, strict=True)]  # (H, W, 3) each
    carry_outward(gain, *edge)
    return lambda band: gain[band.rows], lambda _, band: [share[band.rows] for share in shares]


def _with_rig(gain: np.ndarray, rig: list[np.ndarray]) -> np.ndarray:
    """A log gain (n, W, 3) with the lights of a rig added; unchanged where the rig adds no light."""
    if not rig:
        return gain
    more = np.sum(rig, axis=0)
    return np.where(more > 0, np.log(np.exp(gain) + more), gain).astype(np.float32)


def _parts(gain: np.ndarray, band: _Band) -> list[np.ndarray]:
    """The light of each lamp on the surfaces of a band, (n, W, 3) each: of the rig, of the environment, and the rest."""
    shading, traced = band.given.shading, band.given.traced
    lamps = _received(shading.lamps, traced and traced.lamps, band)
    if traced is None or traced.rig is None:
        return lamps
    rest = np.maximum(np.exp(gain) - np.sum(band.rig, axis=0), 0)  # the light beside the rig, over the plate's own
    total = np.maximum(np.sum(lamps, axis=0), np.float32(1e-12)) if lamps else np.float32(1)
    return [*band.rig, *(lamp / total * rest for lamp in lamps or [np.float32(1)])]


def _received(tables: tuple[np.ndarray, ...], arrivals: tuple[Arrival, ...] | None, band: _Band) -> list[np.ndarray]:
    """The light of each source on the surfaces of a band, (n, W, 3) each; with shadows where they were traced."""
    if arrivals:
        return [arrival.received(band.facing, band.rows) for arrival in arrivals]
    return [np.maximum(sample_table(table, band.facing), 0) for table in tables]


def _share_out(lamps: list[np.ndarray], light: np.ndarray, parts: list[np.ndarray], rows: slice) -> None:
    """Give each lamp its part of `light`, in proportion to the light that this lamp alone gives the same surface."""
    for lamp, part in zip(lamps, _shares(parts)[:-1], strict=True):
        lamp[rows] = np.where(np.isfinite(light), light * part, 0)


def _shares(parts: list[np.ndarray]) -> list[np.ndarray]:
    """The share of each part in their sum, (n, W, 3) each; 0 where there is no light."""
    total = np.maximum(np.sum(parts, axis=0), np.float32(1e-12))
    return [part / total for part in parts]


def _layers(given: FinishInput, law: Law, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    """The layers of `names` that are not sums over bands, each (H, W) or (H, W, 3)."""
    subject, shading, sides, traced = given.subject, given.shading, given.sides, given.traced
    there = (subject.weight > 0)[..., None]
    level = np.float32(law.level)
    made: dict[str, np.ndarray] = {}
    if "normals" in names:
        made["normals"] = np.where(there & subject.known[..., None], subject.normals, 0).astype(np.float32)
    if "irradiance" in names:
        level *= np.float32(shading.source_level)
        received = _whole(subject, shading.target, None if traced is None else traced.target)
        made["irradiance"] = np.where(there, received * level, 0)
    if "visibility" in names:
        made["visibility"] = _visibility(subject, traced)
    if "shadow" in names:
        made["shadow"] = _shadow(subject, traced)
    if "albedo" in names:
        albedo = sides["albedo"] if "albedo" in sides else _albedo(subject, shading, traced)
        made["albedo"] = np.where(there, albedo, 0).astype(np.float32)
    if "confidence" in names:
        # The network does not run on a frame with an empty matte.
        made["confidence"] = np.where(there[..., 0], sides.get("confidence", 0), 0).astype(np.float32)
    return made


def _whole(subject: Subject, table: np.ndarray, arrival: Arrival | None) -> np.ndarray:
    """The light on the surfaces of a whole frame, (H, W, 3)."""
    if arrival is None:
        return sample_table(table, subject.normals)
    return np.concatenate([arrival.received(subject.normals[rows], rows) for rows in bands(len(subject.weight))])


def _visibility(subject: Subject, traced: TracedLights | None) -> np.ndarray:
    """The share of the new light that reaches each point directly, (H, W), 0 to 1; 0 outside the matte."""
    made = np.zeros(subject.weight.shape, np.float32)
    if not subject.weight.any():
        return made
    if traced is None:
        raise UsageError(
            "the visibility layer needs a shape to trace the light on, and this plate has no normals; give --normals, or "
            "--backbone relamp, which sees the shape itself"
        )
    for rows in bands(len(made)):
        made[rows] = traced.target.visibility(subject.normals[rows], rows)
    return np.where(subject.weight > 0, made, np.float32(0))


def _shadow(subject: Subject, traced: TracedLights | None) -> np.ndarray:
    """The share of the light that the ground still gets beside the subject, (H, W, 3), 0 to 1; 1 without a subject."""
    if not subject.weight.any():
        return np.ones_like(subject.plate)
    if traced is None or traced.ground is None:
        raise UsageError(
            "the shadow layer needs a shape that throws it, and this plate has none; give --depth, or --backbone relamp"
        )
    return traced.ground.picture()


def _albedo(subject: Subject, shading: Shading, traced: TracedLights | None) -> np.ndarray:
    """The albedo (H, W, 3) with which a matte surface looks like the plate under the source light."""
    if shading.source is None:
        raise UsageError("the albedo layer needs the light of the plate: give --source-env")
    received = _whole(subject, shading.source, None if traced is None else traced.source)
    shaded = np.maximum(received, DARKEST) * np.float32(shading.source_level)
    return unpremultiply(subject.plate, subject.alpha) / shaded
