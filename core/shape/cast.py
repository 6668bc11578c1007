"""The shadow that a subject throws on the ground: what share of a light's disc it hides from each point of a plane.

All of the subject is on one side of the plane, so a point of it hides the light from exactly one point of the plane, whatever
lies between. The subject is taken as points: its front, which the picture shows, its back, which is assumed (`Surface.bottom`),
and points between neighbours, so that there are no holes. They are drawn into a picture seen from the light, blurred by as much
as the light's disc is wide at their distance from the ground, and points of the ground read their share there.

Everything is deterministic; the picture seen from the light does not depend on which points of the ground are asked for.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np

from .ground import FOOT, KNOWN, UNKNOWN, Plane
from .shadow import STEP, Surface, points_of

CELL = 1.25  # px of the surface to a cell of the picture seen from a light
LARGEST = 1400  # cells, longer side of that picture
SHARPEST = 0.7  # cells, least standard deviation of a blur
LEVELS = 8  # blurs, each twice as wide as the one before
PATCH = 3  # cells; holes up to this width between the points of a thing are closed
NEARBY = ((1.0, 4.0), (1e-3, 16.0), (1e-6, 64.0))  # weights and widths, cells, of the means that say how wide a blur is
APART = 1.0  # px; neighbours farther apart get points between them
MOST_BETWEEN = 24  # of those
LOWEST_LIGHT = 0.02  # least sine of a light's elevation over the ground that throws a shadow
ASIDE = 0.15  # least cosine from a near light's axis to what it throws
BACK = 0.25  # share of the assumed thickness by which the back of a thing is uncertain


@dataclass(frozen=True)
class Casters:
    """The points of a subject that hide light from the ground, in pixels of its surface.

    `points` (N, 3), `over` (N,) their height over the plane, `sure` (N,) how much each hides, 0 to 1, and `vague` (N,) how
    far off it may be. `tall` is the subject's height and `foot` (3,) the middle of where it stands.
    """

    plane: Plane
    points: np.ndarray
    over: np.ndarray
    sure: np.ndarray
    vague: np.ndarray
    tall: float
    foot: np.ndarray

    @classmethod
    def of(cls, surface: Surface, plane: Plane, sure: np.ndarray) -> Casters:
        """The points of a surface (h, w) over a plane in its pixels; `sure` (h, w) is `ground.sureness`."""
        front = points_of(surface.height, surface.focal, surface.centre)  # (h, w, 3)
        back = points_of(np.where(surface.standing, surface.bottom, 0), surface.focal, surface.centre)
        thick = np.linalg.norm(front - back, axis=-1)
        planes = np.concatenate([front, sure[..., None], 0 * thick[..., None]], -1)  # (h, w, 5)
        behind = np.concatenate([back, sure[..., None], np.float32(BACK) * thick[..., None]], -1)
        drop = STEP * max(surface.top.shape)
        found = np.concatenate(
            [_linked(p, surface, drop) for p in (planes, behind)] + [_joined(planes, behind, surface)]
        )
        over = found[:, :3] @ plane.normal.astype(np.float32) - np.float32(plane.offset)
        above = over > 0
        found, over = found[above], over[above]
        if not over.size:
            return cls(plane, found[:, :3], over, found[:, 3], found[:, 4], 1.0, np.zeros(3))
        tall, lowest = (float(q) for q in np.quantile(over, (1 - FOOT, FOOT)))
        foot = found[over <= lowest, :3].mean(0, dtype=np.float64)
        return cls(plane, found[:, :3], over, found[:, 3], found[:, 4], max(tall, 1.0), foot)

    def known(self, points: np.ndarray) -> np.ndarray:
        """How far the ground at points (..., 3) can be known, from 1 near the subject to 0 far from it."""
        away = np.linalg.norm(points - self.foot.astype(np.float32), axis=-1) / np.float32(self.tall)
        t = np.clip((UNKNOWN - away) / np.float32(UNKNOWN - KNOWN), 0, 1)
        return t * t * (3 - 2 * t)

    def from_afar(self, direction: np.ndarray, radius: float, doubt: float = 0.0) -> Thrown | None:
        """The shadow of a distant light; None where it throws none on this plane.

        Args:
            direction: (3,) unit, toward the light. radius: half its angle, radians.
            doubt: the expected error of the shape in radians, by which shadows are blurred.
        """
        direction = np.asarray(direction, np.float64)
        rise = float(direction @ self.plane.normal)
        if rise < LOWEST_LIGHT or not self.over.size:
            return None
        axes = np.stack(_across(direction))  # (2, 3)
        at = self.points @ axes.T.astype(np.float32)  # (N, 2)
        spread = self.over / np.float32(rise) * np.float32(math.tan(min(radius, 1.0)) + doubt)
        return Thrown.of(axes, np.zeros(3), None, at, spread + self.vague, self.sure, CELL)

    def from_near(self, position: np.ndarray, radius: float, doubt: float = 0.0) -> Thrown | None:
        """The shadow of a small light at a position (3,) px, of a radius in px; None where it throws none on this plane."""
        position = np.asarray(position, np.float64)
        above = float(position @ self.plane.normal) - self.plane.offset
        lower = self.over < above
        if above <= 0 or not lower.any():
            return None
        axis = self.points[lower].mean(0, dtype=np.float64) - position
        axis /= max(float(np.linalg.norm(axis)), 1e-6)
        axes = np.stack(_across(axis))
        away = (self.points - position.astype(np.float32)) @ axis.astype(np.float32)  # (N,) along the axis
        far = np.linalg.norm(self.points - position.astype(np.float32), axis=-1)
        seen = lower & (away > ASIDE * far) & (far > 1)
        if not seen.any():
            return None
        away, over = away[seen], self.over[seen]
        at = (self.points[seen] - position.astype(np.float32)) @ axes.T.astype(np.float32) / away[:, None]
        # The disc of the light, seen from the ground past a point, at the distance at which the picture has its unit.
        spread = np.float32(radius) * over / np.float32(above) / away + np.float32(doubt) * over / np.float32(above)
        cell = CELL / max(float(np.median(away)), 1.0)
        return Thrown.of(axes, position, axis, at, spread + self.vague[seen] / away, self.sure[seen], cell)


@dataclass(frozen=True)
class Thrown:
    """What a subject hides of one light, in the picture seen from that light: `hidden` (H, W) from 0 to 1.

    `axes` (2, 3) are that picture's; a light that is near has an `origin` (3,) and an `axis` (3,) to look along. `corner` (2,) is
    the position of the picture's first cell and `cell` the size of one.
    """

    axes: np.ndarray
    origin: np.ndarray
    axis: np.ndarray | None
    corner: np.ndarray
    cell: float
    hidden: np.ndarray

    @classmethod
    def of(
        cls,
        axes: np.ndarray,
        origin: np.ndarray,
        axis: np.ndarray | None,
        at: np.ndarray,
        spread: np.ndarray,
        sure: np.ndarray,
        cell: float,
    ) -> Thrown:
        """Draw points at (N, 2), each hiding `sure` (N,) of a light whose disc has the radius `spread` (N,) there."""
        low, high = at.min(0), at.max(0)
        cell = max(cell, float((high - low).max()) / LARGEST, 1e-9)
        widest = SHARPEST * 2 ** (LEVELS - 1)
        wide = np.clip(
            spread / np.float32(2 * cell), SHARPEST, widest
        )  # a disc's standard deviation is half its radius
        edge = math.ceil(3 * float(wide.max())) + PATCH
        corner = low - edge * cell
        columns, rows = (math.ceil(float(side) / cell) + 2 * edge + 1 for side in high - low)
        place = np.rint((at - corner) / np.float32(cell)).astype(np.int64)
        flat = np.clip(place[:, 1], 0, rows - 1) * columns + np.clip(place[:, 0], 0, columns - 1)
        size = rows * columns
        count = np.bincount(flat, minlength=size).reshape(rows, columns)
        mean = np.maximum(count, 1)
        hides = (np.bincount(flat, sure, size).reshape(rows, columns) / mean).astype(np.float32)
        level = np.bincount(flat, np.log2(wide / SHARPEST), size).reshape(rows, columns) / mean
        hidden = _blurred(*_closed(hides, level.astype(np.float32), count > 0))
        return cls(axes, origin, axis, corner, cell, hidden)

    def scaled(self, factor: float) -> Thrown:
        """The same for points in a unit of which `factor` are one of this one's; of a near light alone."""
        return replace(self, origin=self.origin * factor)

    def hides(self, points: np.ndarray) -> np.ndarray:
        """The share of the light that is hidden from points of the ground (n, W, 3), (n, W) from 0 to 1."""
        away = points - self.origin.astype(np.float32)
        at = away @ self.axes.T.astype(np.float32)  # (n, W, 2)
        before = np.ones(points.shape[:-1], bool)
        if self.axis is not None:
            along = away @ self.axis.astype(np.float32)
            before = along > ASIDE * np.linalg.norm(away, axis=-1)
            at = at / np.where(before, along, 1)[..., None]
        place = (at - self.corner.astype(np.float32)) / np.float32(self.cell)
        place = np.clip(place, -2, np.float32(max(self.hidden.shape) + 2)).astype(np.float32)
        read = cv2.remap(self.hidden, place[..., 0], place[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
        return np.where(before, read, 0).astype(np.float32)


def _closed(hides: np.ndarray, level: np.ndarray, drawn: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What cells hide and their blur, with holes between drawn cells closed."""
    near = np.ones((PATCH, PATCH), np.uint8)
    whole = cv2.morphologyEx(drawn.astype(np.uint8), cv2.MORPH_CLOSE, near) > 0
    size = (PATCH, PATCH)
    mass = np.maximum(cv2.blur(drawn.astype(np.float32), size), np.float32(1e-6))
    filled = [np.where(drawn, p, cv2.blur(np.where(drawn, p, 0), size) / mass) * whole for p in (hides, level)]
    return filled[0].astype(np.float32), filled[1].astype(np.float32)


def _blurred(hides: np.ndarray, level: np.ndarray) -> np.ndarray:
    """What cells hide, at each cell blurred by the mean level of the drawn cells near it."""
    near = _spread(level, hides)
    total = np.zeros_like(hides)
    for k in range(LEVELS):
        part = np.clip(1 - np.abs(near - k), 0, 1)
        if part.any():
            total += part * _gaussian(hides, SHARPEST * 2**k)
    return np.minimum(total, 1)


def _spread(level: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """The mean level near each cell, from the drawn cells around it and, where there are none, from farther ones."""
    mass, total = np.full_like(level, 1e-12), np.zeros_like(level)
    for share, sigma in NEARBY:
        mass += np.float32(share) * _gaussian(weight, sigma)
        total += np.float32(share) * _gaussian(weight * level, sigma)
    return np.clip(total / mass, 0, LEVELS - 1)


def _gaussian(picture: np.ndarray, sigma: float) -> np.ndarray:
    """A Gaussian blur with zeros outside; a wide one is computed on a smaller picture."""
    k = 1
    while sigma / k > 4:
        k *= 2
    if k == 1:
        return cv2.GaussianBlur(picture, (0, 0), sigma, borderType=cv2.BORDER_CONSTANT)
    h, w = picture.shape
    padded = np.pad(picture, ((0, -h % k), (0, -w % k)))
    small = cv2.resize(padded, (padded.shape[1] // k, padded.shape[0] // k), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), sigma / k, borderType=cv2.BORDER_CONSTANT)
    return cv2.resize(small, padded.shape[::-1], interpolation=cv2.INTER_LINEAR)[:h, :w]


def _linked(planes: np.ndarray, surface: Surface, drop: float) -> np.ndarray:
    """The standing pixels of planes (h, w, 5), position first, and pixels between neighbours of one thing, (N, 5)."""
    found = [planes[surface.standing]]
    for one, other in ((np.s_[:, 1:], np.s_[:, :-1]), (np.s_[1:], np.s_[:-1])):
        same = surface.standing[one] & surface.standing[other]
        same &= np.abs(surface.top[one] - surface.top[other]) < drop
        found.append(_between(planes[one][same], planes[other][same]))
    return np.concatenate(found)


def _joined(front: np.ndarray, back: np.ndarray, surface: Surface) -> np.ndarray:
    """Pixels between front and back (h, w, 5) along the outline of things, (N, 5)."""
    rim = surface.standing & ~(cv2.erode(surface._within(), np.ones((3, 3), np.uint8), borderValue=0) > 0)
    return _between(front[rim], back[rim])


def _between(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Points between pairs of points (N, 5), position first, no farther apart than `APART`, (M, 5)."""
    gap = np.linalg.norm(one[:, :3] - other[:, :3], axis=-1)
    count = np.minimum(np.ceil(gap / APART).astype(np.int64) - 1, MOST_BETWEEN).clip(0)
    pair = np.repeat(np.arange(len(one)), count)
    first = np.repeat(np.cumsum(count) - count, count)
    share = ((np.arange(len(pair)) - first + 1) / (count[pair] + 1)).astype(np.float32)[:, None]
    return one[pair] * (1 - share) + other[pair] * share


def _across(axis: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two unit directions at right angles to a direction and to each other."""
    above = np.array([0.0, 1.0, 0.0]) if abs(axis[1]) < 0.9 else np.array([0.0, 0.0, 1.0])
    one = np.cross(above, axis)
    one /= np.linalg.norm(one)
    return one, np.cross(axis, one)
