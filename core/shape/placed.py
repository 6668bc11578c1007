"""The light that sources at places in the scene give to each point of a surface.

Positions are in pixels of one picture at height 0: right, up and toward the viewer from its optical axis (`shadow.points_of`). A
light's strength is stated at the middle of the subject, so the unit of lengths cancels. No random numbers are used.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from ..light.rig import straight_ahead
from .highlight import Sheen
from .shadow import SHARPEST, WIDEST, Surface, lamp_visibility, point_visibility, points_of

AREA_SIDE = 4  # an area light is computed from a grid of this many points per side
MIRRORED_SIDE = 2  # and its mirror image from so many rectangles per side, each of which is exact
NEAREST = 1.0  # px; least distance between a point and a light

Vector = tuple[float, float, float]
Kernel = Callable[[np.ndarray, "np.ndarray | np.float32"], np.ndarray]
"""What a surface receives of a light, by the cosine (...) toward its middle and half its angle in radians."""


@dataclass(frozen=True)
class PlacedLight:
    """One light of a frame, with lengths in pixels of the picture it is computed in.

    `towards` (3,) unit points to a distant light; other lights have a `position` (3,). `aim` (3,) unit is the direction in which
    a spot or an area shines. `radius` is half the angle of a distant light in radians, for other lights a length. `sides` are
    width and height of an area. `cone` are the cosines at which a spot's light begins to fade and is zero. `energy` (3,) is the
    light on a surface at the middle of the subject that faces the source, divided by the mean of the plate's own light on the
    subject. `middle` (3,) is the position of that middle.
    """

    name: str
    energy: Vector
    towards: Vector | None = None
    position: Vector | None = None
    aim: Vector | None = None
    radius: float = 0.0
    sides: tuple[float, float] | None = None
    cone: tuple[float, float] | None = None
    shadows: bool = True
    middle: Vector = (0.0, 0.0, 0.0)

    def scaled(self, factor: float) -> PlacedLight:
        """The same light in a picture whose sides are `factor` times as many pixels."""
        if self.position is None:
            return self
        sides = None if self.sides is None else (self.sides[0] * factor, self.sides[1] * factor)
        position, middle = (tuple(factor * v for v in point) for point in (self.position, self.middle))
        return replace(self, position=position, middle=middle, radius=self.radius * factor, sides=sides)

    def given(self, normals: np.ndarray, points: np.ndarray, kernel: Kernel | None = None) -> np.ndarray:
        """The unoccluded light on surfaces, (..., 3) zero or more.

        Args:
            normals: (..., 3) unit. points: (..., 3) their positions, px.
            kernel: how much of a light a surface receives by its cosine; that of a matte surface if it is None.
        """
        colour = np.array(self.energy, np.float32)
        received = kernel or risen
        if self.towards is not None:
            cosine = normals @ np.array(self.towards, np.float32)
            return received(cosine, np.float32(max(self.radius, SHARPEST)))[..., None] * colour
        total = np.zeros(points.shape[:-1], np.float32)
        for position in self.emitters():
            total += self.from_point(position, normals, points, kernel=received)
        return total[..., None] * (colour / self._reference(AREA_SIDE))

    def mirrored(self, sheen: Sheen, points: np.ndarray) -> np.ndarray:
        """What glossy surfaces at points (..., 3) px mirror of the light, unoccluded, before its colour, (..., 2).

        The two numbers are those of `Sheen.of_disc`, times the light that a matte surface would get.
        """
        if self.towards is not None:
            to = np.array(self.towards, np.float32)
            cosine = risen(sheen.normals @ to, np.float32(max(self.radius, SHARPEST)))
            return sheen.of_disc(to, math.sin(self.radius)) * cosine[..., None]
        total = np.zeros((*points.shape[:-1], 2), np.float32)
        for position in self.emitters(MIRRORED_SIDE):
            given = self.from_point(position, sheen.normals, points, MIRRORED_SIDE)  # (...), with its cosine
            total += self._seen_in(sheen, position, points) * given[..., None]
        return total / self._reference(MIRRORED_SIDE)

    def emitters(self, side: int = AREA_SIDE) -> Iterator[np.ndarray]:
        """The points, (3,) px, from which a light with a position is computed: its middle, or a grid on its area."""
        middle = np.array(self.position, np.float64)
        if self.sides is None or self.aim is None:
            yield middle
            return
        right, up = _axes(np.array(self.aim))
        steps = [(k + 0.5) / side - 0.5 for k in range(side)]
        for a in steps:
            for b in steps:
                yield middle + a * self.sides[0] * right + b * self.sides[1] * up

    def half_width(self, side: int = AREA_SIDE) -> float:
        """Half the width of the part that one emitter represents, px."""
        return self.radius if self.sides is None else max(self.sides) / side / 2

    def _seen_in(self, sheen: Sheen, position: np.ndarray, points: np.ndarray) -> np.ndarray:
        """One emitter as glossy surfaces mirror it (`Sheen.of_disc`), (..., 2)."""
        towards, far = _toward(position, points)
        if self.sides is None or self.aim is None:
            return sheen.of_disc(towards, np.clip(np.float32(self.radius) / far, 0, 1))
        wide, high = (side / MIRRORED_SIDE for side in self.sides)
        right, up = _axes(np.array(self.aim))
        around = ((-1, -1), (1, -1), (1, 1), (-1, 1))
        corners = [_toward(position + a * wide / 2 * right + b * high / 2 * up, points)[0] for a, b in around]
        shown = np.maximum(-(towards @ np.array(self.aim, np.float32)), np.float32(1e-3))
        return sheen.of_polygon(towards, corners, np.float32(wide * high) * shown / far**2)

    def _reference(self, side: int) -> np.float32:
        """The sum over emitters of their light on a surface at the middle that faces the source, if the source is aimed there."""
        far = max(float(np.linalg.norm(np.array(self.position) - self.middle)), NEAREST)
        return np.float32((1 if self.sides is None else side**2 * straight_ahead(*self.sides, far)) / far**2)

    def from_point(
        self,
        position: np.ndarray,
        normals: np.ndarray,
        points: np.ndarray,
        side: int = AREA_SIDE,
        kernel: Kernel | None = None,
    ) -> np.ndarray:
        """The light of one emitter on surfaces (..., 3), before its strength: cosines over the squared distance, (...)."""
        towards, far = _toward(position, points)
        wide = np.clip(np.float32(self.half_width(side)) / far, np.float32(SHARPEST), np.float32(WIDEST))
        return (kernel or risen)((normals * towards).sum(-1), wide) / far**2 * self._emission(towards)

    def _emission(self, towards: np.ndarray) -> np.ndarray | float:
        """The emission in a direction relative to straight ahead; `towards` (..., 3) points from the surface to the light."""
        if self.aim is None:
            return 1.0
        ahead = -(towards @ np.array(self.aim, np.float32))
        if self.cone is None:
            return np.maximum(ahead, 0)  # an area emits by the cosine, to its front only
        full, end = self.cone
        t = np.clip((ahead - np.float32(end)) / np.float32(max(full - end, 1e-6)), 0, 1)
        return t * t * (3 - 2 * t)


def visibility(surface: Surface, light: PlacedLight) -> np.ndarray:
    """The visible share of a light at each point of a surface, (h, w, 1) from 0 to 1; the light is in pixels of the surface."""
    if not light.shadows:
        return np.ones((*surface.top.shape, 1), np.float32)
    if light.towards is not None:
        return lamp_visibility(surface, np.array(light.towards, np.float32), light.radius)[..., None]
    points, half = points_of(surface.height, surface.focal, surface.centre), light.half_width()
    seen, whole = np.zeros(surface.top.shape, np.float32), np.zeros(surface.top.shape, np.float32)
    for position in light.emitters():
        given = light.from_point(position, surface.normals, points)
        if given.any():
            seen += given * point_visibility(surface, position, half)
            whole += given
    return np.where(whole > 0, seen / np.maximum(whole, np.float32(1e-20)), np.float32(1))[..., None]


def risen(cosine: np.ndarray, radius: np.ndarray | np.float32) -> np.ndarray:
    """The cosine (...) toward the middle of a disc, smooth where the disc crosses the horizon; 0 where it has set.

    Args:
        radius: half the disc's angle in radians, of one disc or of each point's.
    """
    return np.where(np.abs(cosine) < radius, (cosine + radius) ** 2 / (4 * radius), np.maximum(cosine, 0))


def _toward(position: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The unit vectors from points (..., 3) px to a position, and the distances (...) px, at least `NEAREST`."""
    way = position.astype(np.float32) - points
    far = np.maximum(np.linalg.norm(way, axis=-1), np.float32(NEAREST))
    return way / far[..., None], far


def _axes(aim: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The directions of the sides of an area that shines along `aim`; its width is level."""
    above = np.array([0.0, 1.0, 0.0]) if abs(aim[1]) < 0.99 else np.array([0.0, 0.0, 1.0])
    right = np.cross(aim, above)
    right /= np.linalg.norm(right)
    return right, np.cross(right, aim)
