"""The share of light that the ground still gets beside a subject: a multiply for the background.

    share = (sum over lights of E_k (1 - h_k)) / (sum of E_k)

E_k is what light k alone gives the ground there, and h_k the share of it that the subject hides (`shape.cast`). Small lamps and
the lights of a rig each throw their own shadow; the broad rest of an environment is gathered from `DIRECTIONS` over the ground.
Where the ground is not known, near the horizon and far from the subject, the share goes to 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ..light.parcels import Parcels
from ..pictures.bands import bands
from ..shape.cast import Casters, Thrown
from ..shape.ground import Plane, sureness
from ..shape.placed import PlacedLight
from ..shape.shadow import Surface
from .guide import enlarged_rows

DIRECTIONS = 160  # of the sky, from which broad light is gathered
SHARPNESS = 120.0  # k of the lobe exp(k (cos - 1)) that spreads a parcel of light over them
WIDER = 1.0  # times the radius of a direction's part of the sky, so that parts overlap
COARSE = 160  # px, longer side of the surface that throws the shadow of broad light
WORKED = 320  # px, longer side of the picture on which that shadow is computed
LINE = 1024  # points of the ground that are read at once
WEAKEST = 0.01  # share of a light's energy; a lamp with less is part of the broad light
DARKEST = 1e-6
SOFT_SIDE = 0.1  # radians; a near light that is wider throws its shadow from the coarse surface

Cut = tuple[bool, bool, bool, bool]
"""Whether the left, upper, right and lower edge of a picture is the edge of what the camera saw."""


@dataclass(frozen=True)
class Standing:
    """A subject on its ground, prepared for any light: `fine` throws the shadows of lamps, `coarse` those of broad light.

    `doubt` is the expected error of the shape in radians.
    """

    plane: Plane
    fine: Casters
    coarse: Casters
    doubt: float

    @classmethod
    def of(cls, surface: Surface, plane: Plane, cut: Cut) -> Standing:
        """Prepare a surface over a plane in its pixels."""
        tall = float(np.ptp(np.nonzero(surface.standing)[0])) if surface.standing.any() else 1.0
        sure = sureness(surface, cut, tall)
        fine = Casters.of(surface, plane, sure)
        small, k = surface, 1
        while max(small.top.shape) > COARSE:
            small, k = small.halved, 2 * k
        size = plane.shape[0] / k, plane.shape[1] / k
        smaller = Plane(plane.normal, plane.offset / k, small.focal, small.centre, size)
        doubt = float(np.mean(surface.doubt))
        return cls(plane, fine, Casters.of(small, smaller, sure[::k, ::k]), doubt)

    @cached_property
    def sky(self) -> np.ndarray:
        """Directions (DIRECTIONS, 3) over the ground, in camera space, each for as much of an even sky's light."""
        k = np.arange(DIRECTIONS) + 0.5
        rise, turn = np.sqrt(k / DIRECTIONS), k * math.pi * (3 - math.sqrt(5))
        normal = self.plane.normal
        one = np.cross(normal, [0.0, 0.0, 1.0] if abs(normal[2]) < 0.9 else [1.0, 0.0, 0.0])
        one /= np.linalg.norm(one)
        flat = np.sqrt(1 - rise**2)
        sides = (flat * np.cos(turn))[:, None] * one + (flat * np.sin(turn))[:, None] * np.cross(normal, one)
        return sides + rise[:, None] * normal

    @cached_property
    def open(self) -> np.ndarray:
        """The share of each of `sky` that reaches the ground, (DIRECTIONS, h, w); light that turns needs nothing else."""
        height, width = self.plane.shape
        scale = min(1.0, WORKED / max(height, width))
        shape = max(1, round(height * scale)), max(1, round(width * scale))
        points, before = self.coarse.plane.points(slice(0, shape[0]), shape)
        seen = before & (self.coarse.known(points) > 0)  # (h, w)
        made, count = np.ones((DIRECTIONS, *shape), np.float32), int(seen.sum())
        if not count:
            return made
        points = np.resize(points[seen], (math.ceil(count / LINE), LINE, 3))  # OpenCV reads no longer lines
        for index, direction in enumerate(self.sky):
            rise = float(direction @ self.plane.normal)
            thrown = self.coarse.from_afar(direction, WIDER / math.sqrt(DIRECTIONS * rise), self.doubt)
            if thrown is not None:
                made[index][seen] -= thrown.hides(points).ravel()[:count]
        return made

    def broad(self, light: Parcels, first: int, lamps: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        """What broad light gives the ground (3,), and the share of it that arrives, (h, w, 3).

        Args:
            light: its parcels from `first` on are broad, and so are the lamps with the numbers `lamps`.
        """
        chosen = np.concatenate([np.array(lamps, np.int64), np.arange(first, len(light.energy))])
        directions, energy = light.directions[chosen], light.energy[chosen]
        given = energy * np.maximum(directions @ self.plane.normal.astype(np.float32), 0)[:, None]  # (N, 3)
        lit = given.sum(1) > 0
        near = np.exp(np.float32(SHARPNESS) * (directions[lit] @ self.sky.T.astype(np.float32) - 1))  # (N, DIRECTIONS)
        near /= np.maximum(near.sum(1, keepdims=True), np.float32(1e-12))
        parts = near.T @ given[lit]  # (DIRECTIONS, 3)
        total = parts.sum(0)
        share = np.tensordot(self.open, parts / np.maximum(total, np.float32(DARKEST)), (0, 0))  # (h, w, 3)
        return total / np.float32(np.pi), np.where(total > DARKEST, share, 1).astype(np.float32)


@dataclass(frozen=True)
class Near:
    """A light of a rig over the ground, in pixels of the surface, with the shadow of each of its emitters."""

    light: PlacedLight
    shadows: tuple[Thrown | None, ...]

    @classmethod
    def of(cls, light: PlacedLight, standing: Standing) -> Near:
        """A light in pixels of the surface with what the subject hides of it."""
        if not light.shadows:
            return cls(light, ())
        if light.towards is not None:
            return cls(light, (standing.fine.from_afar(np.array(light.towards), light.radius, standing.doubt),))
        emitters, half = list(light.emitters()), light.half_width()
        away = max(float(np.linalg.norm(emitters[0] - standing.fine.foot)), 1.0)
        casters, k = standing.fine, 1.0
        if len(emitters) > 1 or half / away > SOFT_SIDE:
            casters, k = standing.coarse, standing.coarse.plane.shape[1] / standing.plane.shape[1]
        thrown = (casters.from_near(position * k, half * k, standing.doubt) for position in emitters)
        return cls(light, tuple(None if t is None else t.scaled(1 / k) for t in thrown))

    def given(self, normals: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What the light gives points (n, W, 3) of the ground without the subject, and with it, (n, W, 3) each."""
        whole = self.light.given(normals, points)
        if not any(self.shadows):
            return whole, whole
        if self.light.towards is not None:
            thrown = self.shadows[0]
            return whole, whole if thrown is None else whole * (1 - thrown.hides(points))[..., None]
        seen, total = np.zeros(points.shape[:-1], np.float32), np.zeros(points.shape[:-1], np.float32)
        for position, thrown in zip(self.light.emitters(), self.shadows, strict=True):
            part = self.light.from_point(position, normals, points)
            total += part
            seen += part if thrown is None else part * (1 - thrown.hides(points))
        return whole, whole * (seen / np.maximum(total, np.float32(1e-20)))[..., None]


@dataclass(frozen=True)
class GroundShadow:
    """The shadow of a subject on its ground under the lights of one frame, of the size `shape` (H, W).

    `lamps` are what small lamps give the ground (3,) and their shadows; `broad` (3,) what the rest gives, and `arrives`
    (h, w, 3) the share of it that gets there; `near` the lights of a rig. `own` is light whose shadow the ground
    already has: that of the plate, where the plate keeps it. `strength`, 0 to 1, scales the shadow.
    """

    standing: Standing
    shape: tuple[int, int]
    strength: float
    lamps: tuple[tuple[np.ndarray, Thrown | None], ...] = ()
    broad: np.ndarray | None = None
    arrives: np.ndarray | None = None
    near: tuple[Near, ...] = ()
    own: float = 0.0

    def lit(self, light: Parcels, factor: float) -> GroundShadow:
        """This with an environment, whose light counts `factor` times."""
        normal, count = self.standing.plane.normal.astype(np.float32), len(light.radius)
        total = max(float(light.energy.sum()), 1e-12)
        strong = [k for k in range(count) if light.energy[k].sum() >= WEAKEST * total]
        lamps = []
        for k in strong:
            given = light.energy[k] * max(float(light.directions[k] @ normal), 0) / np.float32(np.pi)
            thrown = self.standing.fine.from_afar(light.directions[k], float(light.radius[k]), self.standing.doubt)
            lamps.append((given * np.float32(factor), thrown))
        broad, arrives = self.standing.broad(light, count, [k for k in range(count) if k not in strong])
        return replace(self, lamps=tuple(lamps), broad=broad * np.float32(factor), arrives=arrives)

    def share(self, rows: slice) -> np.ndarray:
        """The share of the light that the ground behind the pixels of `rows` still gets, (n, W, 3) from 0 to 1."""
        points, before = self.standing.plane.points(rows, self.shape)  # (n, W, 3), (n, W)
        normals = np.broadcast_to(self.standing.plane.normal.astype(np.float32), points.shape)
        whole = np.full(points.shape, self.own, np.float32)
        left = whole.copy()
        for given, thrown in self.lamps:
            whole += given
            left += given if thrown is None else given * (1 - thrown.hides(points))[..., None]
        if self.broad is not None and self.arrives is not None:
            whole += self.broad
            left += self.broad * enlarged_rows(self.arrives, rows, self.shape)
        for light in self.near:
            free, arriving = light.given(normals, points)
            whole, left = whole + free, left + arriving
        share = np.clip(left / np.maximum(whole, np.float32(DARKEST)), 0, 1)
        trusted = np.float32(self.strength) * np.where(before, self.standing.fine.known(points), 0)
        return (1 - trusted[..., None] * (1 - share)).astype(np.float32)

    def picture(self) -> np.ndarray:
        """`share` of the whole frame, (H, W, 3)."""
        return np.concatenate([self.share(rows) for rows in bands(self.shape[0])])
