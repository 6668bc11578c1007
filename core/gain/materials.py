"""The gain of surfaces whose materials are given: replaces the old reflection by the new one at the plate's own resolution.

A surface has a matte part and a GGX reflection (metallic workflow: USD Preview Surface, glTF). Under the old light a and the
new light b, both at unit level, its value is

    was = D E_a + s R_a        is = D E_b + s R_b

with D = albedo (1 - metallic), E the light that a matte surface receives (with shadows and the network's residual), R the light
that is reflected at the surface's roughness (`light.glossy`) and s the share of light that is reflected. The plate is
multiplied by is / was. Detail of the plate is kept up to four times `was`, so that a highlight that `was` does not contain is
not multiplied. A sharp metal shows `is` alone, because what remains of the old reflection in the plate would be an error. Where
the two lights are equal the gain is exactly zero, and it stays continuous around it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ..light.glossy import Mirror, specular
from ..light.octahedral import sample_table
from ..light.reflection import reflected
from ..pictures.curves import decode_srgb
from ..shape.highlight import Sheen
from .analytic import DARKEST
from .neighbours import Neighbours

if TYPE_CHECKING:
    from .arrival import RigArrival

DIELECTRIC = 0.04  # share of light at normal incidence that glass, skin or paint reflects
ROUGHNESS = 0.5  # used where no roughness is given
SHARP = 0.1  # roughness of metals up to which the plate's own reflection is removed
SOFT = 0.35  # roughness of metals from which it is kept
MOST = 4.0  # multiple of `was` up to which the plate's light is kept
MET = 0.1  # natural log of the change of light from which `MOST` and the removal act in full
FAINT = 1e-3  # of a light at unit level
LEAST_SHINE = 0.02  # from which a surface mirrors
LEAST = 100  # pixels from which a given albedo is judged
CLEARLY = 0.8  # an albedo fits the plate clearly better than another with less than this share of its deviation
NOTABLE = 0.06  # least difference of the two deviations, natural log


@dataclass(frozen=True)
class Materials:
    """The materials of the subject's surfaces, over the data window, float32.

    `albedo` is (H, W, 3) linear in the working space, 0 to 1, the base colour of metals too; None where it was not given.
    `roughness` (H, W) is perceptual roughness, 0 to 1; `metallic` (H, W) 0 to 1. `shine` (H, W) scales what surfaces that are no
    metal reflect; None is 1, that of `DIELECTRIC`. `seen` says that a network told them apart and nobody gave them.
    """

    albedo: np.ndarray | None
    roughness: np.ndarray
    metallic: np.ndarray
    shine: np.ndarray | None = None
    seen: bool = False

    def each(self, changed: Callable[[np.ndarray], np.ndarray]) -> Materials:
        """The same with every picture changed."""
        return replace(self, **{name: changed(picture) for name, picture in self.pictures.items()})

    @property
    def pictures(self) -> dict[str, np.ndarray]:
        """Those of the fields that are pictures, and are there."""
        return {name: value for name, value in vars(self).items() if isinstance(value, np.ndarray)}

    def shine_of(self, rows: slice) -> np.ndarray | np.float32:
        """The shine of some rows, (n, W, 1); metals have all of it."""
        if self.shine is None:
            return np.float32(1)
        metal = self.metallic[rows]
        return (metal + self.shine[rows] * (1 - metal))[..., None]


@dataclass(frozen=True)
class Side:
    """One light at unit level for reflections: the map, the rotation (3, 3) from camera space into it, and the table (S, S, 3)
    of what matte surfaces receive."""

    mirror: Mirror
    to_map: np.ndarray
    table: np.ndarray


@dataclass(frozen=True)
class Gloss:
    """The lights of one frame on a subject of given materials.

    `rays`, `across` and `down` (H, W, 3) are those of `light.backdrop.camera_rays` and `light.glossy.steps_of`. `source` is
    None where the old light is not known; it is then taken as even white light. `scale` is a
    factor on the new light that is part of the analytic gain (`gain.analytic.alone`). `level` is the level of the old light in
    the plate's units. `assumed` is the mean light of the plate on the subject in its units, where `level` does not say it.
    `neighbours` is what the subject mirrors of itself; None where its shape is not traced. `relights` is whether what surfaces
    mirror of the old light is replaced; else only the lights of a rig are mirrored.
    """

    materials: Materials
    rays: np.ndarray
    across: np.ndarray
    down: np.ndarray
    target: Side
    source: Side | None
    scale: float = 1.0
    level: float = 1.0
    assumed: float | None = None
    neighbours: Neighbours | None = None
    relights: bool = True

    def gain(
        self,
        matte: np.ndarray,
        plate: np.ndarray,
        normals: np.ndarray,
        rows: slice,
        epsilon: float,
        arriving: np.ndarray | None,
    ) -> np.ndarray:
        """The log gain of some rows, (n, W, 3).

        Args:
            matte: (n, W, 3) log gain that a matte surface would have.
            plate: (n, W, 3) un-premultiplied light.
            normals: (n, W, 3) unit camera-space vectors.
            epsilon: of the law, in the plate's units.
            arriving: (n, W, 3) the share of the old light that arrives, or None for 1.
        """
        if not self.materials.seen:
            return self._gain(matte, plate, normals, rows, epsilon, arriving)
        there = self._shiny(rows)
        of_matte, of_plate, of_normals = (
            picture[there][:, None] for picture in (matte, plate, normals)
        )  # (P, 1, 3) each
        of_source = None if arriving is None else arriving[there][:, None]
        part = self._at(rows, there)
        gain = matte.copy()
        gain[there] = part._gain(of_matte, of_plate, of_normals, slice(None), epsilon, of_source)[:, 0]
        return gain

    def _gain(
        self,
        matte: np.ndarray,
        plate: np.ndarray,
        normals: np.ndarray,
        rows: slice,
        epsilon: float,
        arriving: np.ndarray | None,
    ) -> np.ndarray:
        was, matte_was, spec, _ = self._was(plate, normals, rows, arriving)
        mirrored = self._mirrored(self.target, normals, rows)
        if self.neighbours is not None:
            mirrored = self.neighbours.over(mirrored, self.neighbours.new, rows)
        new = matte_was * np.exp(matte) + spec * mirrored * np.float32(self.scale)
        change = np.log((new + FAINT) / (was + FAINT))
        met = np.minimum(np.abs(change).max(-1, keepdims=True) / MET, 1)  # (n, W, 1), 0 where nothing changes
        kept = np.log(np.maximum(plate, 0) + epsilon) - np.log(was * np.float32(self.level) + epsilon)
        held = np.minimum(kept, np.log(MOST)) * (1 - self._let_go(rows))
        wanted = np.exp(change + kept * (1 - met) + held * met) * (was * np.float32(self.level) + epsilon) - epsilon
        gain = _gain_to(np.maximum(wanted, 0), np.maximum(plate, 0), epsilon)
        return np.where(met > 0, gain, 0).astype(np.float32)

    def with_rig(
        self,
        over_own: list[np.ndarray],
        rig: RigArrival,
        plate: np.ndarray,
        normals: np.ndarray,
        rows: slice,
        epsilon: float,
        arriving: np.ndarray | None,
    ) -> list[np.ndarray]:
        """What each light of a rig adds to the plate's gain, (n, W, 3) each: its matte part and its mirror image.

        `over_own` is changed in place and returned.

        Only what of the plate is matte reflection grows with the light on matte surfaces; what is mirrored is light of its own.

        Args:
            over_own: (n, W, 3) each, the lights over the plate's own on matte surfaces.
            plate, normals, rows, epsilon, arriving: as `gain`.
        """
        there = self._shiny(rows)
        part = self._at(rows, there)
        plate, normals = plate[there][:, None], normals[there][:, None]  # (P, 1, 3) each
        whole = slice(None)
        of_source = None if arriving is None else arriving[there][:, None]
        was, matte_was, _, at_right_angles = part._was(plate, normals, whole, of_source)
        shine = part.materials.shine_of(whole)
        share = matte_was / np.maximum(was, FAINT)  # (P, 1, 3)
        sheen = Sheen.of(normals, part.rays, part.materials.roughness, part.across, part.down)
        own = self.level * rig.mean if self.assumed is None else self.assumed
        unit = np.float32(own) / (np.maximum(plate, 0) + np.float32(epsilon))
        for over, light in zip(over_own, rig.lights, strict=True):
            first, second = np.split(light.mirrored(sheen, rows, there), 2, axis=-1)  # (P, 1, 1) each
            mirrored = (at_right_angles * first + shine * second) * np.array(light.light.energy, np.float32)
            over[there] = (over[there][:, None] * share + mirrored * unit)[:, 0]
        return over_own

    def _shiny(self, rows: slice) -> tuple[np.ndarray, np.ndarray]:
        """The pixels of some rows that mirror anything, as indices of rows and columns, (P,) each; all without `shine`."""
        shine = self.materials.shine
        there = np.ones_like(self.materials.roughness[rows], bool) if shine is None else shine[rows] > LEAST_SHINE
        row, column = np.nonzero(there)
        return row, column

    def _at(self, rows: slice, there: tuple[np.ndarray, np.ndarray]) -> Gloss:
        """The same on P pixels of some rows, whose pictures are (P, 1) and (P, 1, 3)."""

        def picked(picture: np.ndarray) -> np.ndarray:
            return picture[rows][there][:, None]

        rays, across, down = (picked(picture) for picture in (self.rays, self.across, self.down))
        return replace(self, materials=self.materials.each(picked), rays=rays, across=across, down=down)

    def _was(
        self, plate: np.ndarray, normals: np.ndarray, rows: slice, arriving: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """The value of the surface under the old light at unit level, its matte part, and the reflected share, (n, W, 3) each.

        The last is that share at right angles, without the surface's roughness.
        """
        received = np.ones_like(normals)
        if self.source is not None:
            received = np.maximum(sample_table(self.source.table, normals), np.float32(DARKEST))
        if arriving is not None:
            received = received * arriving
        mirrored = np.ones_like(normals) if self.source is None else self._mirrored(self.source, normals, rows)
        if self.neighbours is not None:
            mirrored = self.neighbours.over(mirrored, self.neighbours.was, rows)
        metal = self.materials.metallic[rows][..., None]
        albedo = self._albedo(plate, received, mirrored, rows)
        cosine = np.clip(-np.einsum("hwk,hwk->hw", self.rays[rows], normals), 0, 1)
        scale, bias = specular(cosine, self.materials.roughness[rows])
        shine = self.materials.shine_of(rows)
        at_right_angles = DIELECTRIC * (1 - metal) * shine + albedo * metal
        spec = at_right_angles * scale[..., None] + bias[..., None] * shine
        matte_was = albedo * (1 - metal) * received
        return matte_was + spec * mirrored, matte_was, spec, at_right_angles

    def _albedo(self, plate: np.ndarray, received: np.ndarray, mirrored: np.ndarray, rows: slice) -> np.ndarray:
        """The given albedo, else the one with which the surface looks like the plate, (n, W, 3)."""
        if self.materials.albedo is not None:
            return self.materials.albedo[rows]
        metal = self.materials.metallic[rows][..., None]
        light = (received * (1 - metal) + mirrored * metal) * np.float32(self.level)
        return np.clip(plate / np.maximum(light, 1e-6), 0, 1)

    def _mirrored(self, side: Side, normals: np.ndarray, rows: slice) -> np.ndarray:
        """The light that is reflected, (n, W, 3)."""
        turn = side.to_map.T.astype(np.float32)
        directions = reflected(self.rays[rows], normals) @ turn
        across, down = self.across[rows] @ turn, self.down[rows] @ turn
        return side.mirror.seen(directions, self.materials.roughness[rows], across, down)

    def _let_go(self, rows: slice) -> np.ndarray:
        """How much of the plate's own reflection is removed, (n, W, 1), 0 to 1."""
        metal, rough = self.materials.metallic[rows], self.materials.roughness[rows]
        sharp = np.ones_like(rough) if self.source is None else np.clip((SOFT - rough) / (SOFT - SHARP), 0, 1)
        return (metal * sharp)[..., None]


def level_of(
    gloss: Gloss, plate: np.ndarray, normals: np.ndarray, weight: np.ndarray, luminance_weights: np.ndarray
) -> float:
    """The level of the old light, in the plate's units: the median of the plate divided by its expected value at level 1.

    Args:
        plate: (H, W, 3) un-premultiplied. normals: (H, W, 3). weight: (H, W) of the matte.
    """
    weights = np.asarray(luminance_weights, np.float32)
    sparse, some = _sparse(gloss, weight.shape, 192)
    was = sparse._was(plate[some], normals[some], slice(None), None)[0] @ weights  # (h, w)
    seen = plate[some] @ weights
    fits = (weight[some] > 0.9) & (seen > 0) & (was > FAINT)
    return float(np.median(seen[fits] / was[fits])) if fits.any() else 1.0


def doubt_of_albedo(gloss: Gloss, plate: np.ndarray, normals: np.ndarray, weight: np.ndarray) -> str | None:
    """What is wrong with a given albedo, as an artist is told it; None where nothing is known against it.

    Under the known old light, the plate over what the surface is expected to show should be the same everywhere, on surfaces
    that are no metal. The mean deviation of its log is compared with that of the albedo decoded from sRGB, and with that of the
    albedo's median everywhere.

    Args:
        plate: (H, W, 3) un-premultiplied. normals: (H, W, 3). weight: (H, W) of the matte.
    """
    albedo = gloss.materials.albedo
    if albedo is None or gloss.source is None:
        return None
    sparse, some = _sparse(gloss, weight.shape, 64)
    albedo, seen = albedo[some], np.maximum(plate[some], 0)
    fits = (weight[some] > 0.9) & (sparse.materials.metallic < 0.1)
    if fits.sum() < LEAST:
        return None
    dim = np.float32(FAINT * 10)

    def deviation(other: np.ndarray) -> float:
        there = replace(sparse, materials=replace(sparse.materials, albedo=other.astype(np.float32)))
        was = there._was(plate[some], normals[some], slice(None), None)[0]
        log = np.log((seen / np.float32(gloss.level) + dim) / (was + dim))[fits]  # (P, 3)
        return float(np.abs(log - np.median(log, 0)).mean())

    given, flat = deviation(albedo), deviation(np.broadcast_to(np.median(albedo[fits], 0), albedo.shape))
    decoded = deviation(decode_srgb(albedo))
    if decoded < CLEARLY * min(given, flat) and given - decoded > NOTABLE:
        return "it looks encoded for a display; give it linear, as the plate is"
    if flat < CLEARLY * given and given - flat > NOTABLE:
        return "it does not fit the plate; it may be of another shot or frame"
    return None


def _sparse(gloss: Gloss, shape: tuple[int, ...], longer: int) -> tuple[Gloss, tuple[slice, slice]]:
    """A gloss over some of the pixels of a picture (H, W), about `longer` along its longer side; and which pixels those are."""
    step = max(1, max(shape) // longer)
    some = (slice(None, None, step), slice(None, None, step))
    less = gloss.materials.each(lambda picture: picture[some])
    sparse = replace(gloss, materials=less, rays=gloss.rays[some], across=gloss.across[some], down=gloss.down[some])
    return sparse, some


def _gain_to(wanted: np.ndarray, plate: np.ndarray, epsilon: float) -> np.ndarray:
    """The log gain whose law (`gain.law`) brings `plate` to `wanted`, at level 1."""
    brighter = (wanted + epsilon) / (plate + epsilon)
    darker = np.maximum(wanted, 1e-6 * epsilon) / np.maximum(plate, 1e-6 * epsilon)
    return np.log(np.where(wanted >= plate, brighter, darker))
