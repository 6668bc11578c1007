"""The ground that a subject stands on: a plane, given by an artist or found from the subject's depth.

A `Ground` is in the axes of the camera's world and in the unit of the depth; the camera of `--camera` stands in that world, and
without one the camera is at its origin and level. `Plane` is the same plane in the picture that shadows are computed in.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import UsageError
from .placing import View
from .shadow import Surface

LOWEST = 0.0003  # share of the subject's points that may be under the ground, because depth has errors
FOOT = 0.02  # share of the subject's points, the lowest, that stand on the ground
NEAR = 0.05  # share of the subject's height; surroundings within it of the expected ground may be ground
AROUND = 1.5  # times the subject's height; surroundings beyond it are not used to find the ground
ENOUGH = 60  # points of surroundings; fewer say nothing of the ground
STEEPEST = math.cos(math.radians(30.0))  # least cosine between a found ground and the level
REFITS = 4
CUT = 0.02  # share of the picture's width; a subject that touches the lower edge over more of it is cut off
KNOWN, UNKNOWN = (
    4.0,
    8.0,
)  # subject's heights from its foot; up to the first the ground is known, beyond the second it is not
FADE = 0.15  # share of the subject's height over which the shadow of a part fades toward where the picture cuts it off
NEAREST_HORIZON = 1e-3  # least slope of a view ray against the ground


@dataclass(frozen=True)
class Ground:
    """A plane in the axes of the world: points p with normal . p = offset. `normal` (3,) is unit and points up from it."""

    normal: tuple[float, float, float]
    offset: float

    @classmethod
    def of(cls, numbers: tuple[float, ...]) -> Ground:
        """The ground of four numbers, as a job stores it: the normal and the offset."""
        x, y, z, offset = numbers
        return cls((x, y, z), offset)

    @property
    def numbers(self) -> tuple[float, ...]:
        """The four numbers of `of`, of six digits."""
        return tuple(float(f"{value:.6g}") for value in (*self.normal, self.offset))


def given_ground(text: str) -> Ground:
    """The ground that `--ground` states.

    Args:
        text: `height,tilt`: how far the ground is below the origin of the world, and by how many degrees the camera looks down on
            it; the tilt may be left out. Or three points of the ground, nine numbers, in the axes of the world.

    Raises:
        UsageError: the three points are on one line.

    >>> given_ground("1.5,0")
    Ground(normal=(0.0, 1.0, 0.0), offset=-1.5)
    """
    values = [float(part) for part in re.split(r"[,;\s]+", text.strip())]
    if len(values) == 9:
        return _through(np.array(values).reshape(3, 3), text)
    tilt = math.radians(values[1] if len(values) > 1 else 0.0)
    normal = (0.0, math.cos(tilt), math.sin(tilt))
    return Ground(normal, -values[0] * normal[1])


def _through(points: np.ndarray, text: str) -> Ground:
    """The plane through three points (3, 3), with its normal upward."""
    normal = np.cross(points[1] - points[0], points[2] - points[0])
    length = float(np.linalg.norm(normal))
    if length <= 1e-9 * max(float(np.abs(points).max()) ** 2, 1e-9):
        raise UsageError(
            f"--ground {text} are three points on one line; give three corners of a triangle on the ground"
        )
    normal = normal / length * (1 if normal[1] >= 0 else -1)
    return Ground(_vector(normal), float(normal @ points[0]))


def found_ground(points: np.ndarray, standing: np.ndarray, around: np.ndarray, up: np.ndarray) -> Ground:
    """The ground under a subject: a plane through its lowest points, inclined as its surroundings where these are seen.

    Args:
        points: (h, w, 3) of the picture in the axes of the world. standing: (h, w) bool, where they are of the subject.
        around: (h, w) bool, where they are of other things that a depth shows.
        up: (3,) unit, the direction that is up where the surroundings do not say it.
    """
    subject = points[standing].astype(np.float64)
    lowest, highest = np.quantile(subject @ up, (LOWEST, 1 - LOWEST))
    tall = max(float(highest - lowest), 1e-6)
    beside = standing[:, 1:] & standing[:, :-1]
    pixel = (
        float(np.median(np.linalg.norm(points[:, 1:][beside] - points[:, :-1][beside], axis=-1)))
        if beside.any()
        else 0.0
    )
    # The lowest points are the middles of pixels, and the subject reaches to their lower edges.
    normal, offset = up.astype(np.float64), float(lowest) - pixel / 2
    foot = subject[subject @ up <= np.quantile(subject @ up, FOOT)].mean(0)
    seen = points[around].astype(np.float64)
    seen = seen[np.linalg.norm(seen - foot, axis=1) < AROUND * tall]
    for step in range(REFITS):
        close = seen[np.abs(seen @ normal - offset) < NEAR * tall * (1 + REFITS - step)]
        if len(close) < ENOUGH:
            break
        middle = close.mean(0)
        _, _, axes = np.linalg.svd((close - middle)[:: max(1, len(close) // 4000)], full_matrices=False)
        better = axes[2] * (1 if axes[2] @ up >= 0 else -1)
        if better @ up < STEEPEST:
            break
        normal, offset = better, float(better @ middle)
    return Ground(_vector(normal), offset)


def is_cut_off(coverage: np.ndarray) -> bool:
    """Whether the lower edge of a picture cuts off the subject, so that its foot is not seen; `coverage` (H, W), 0 to 1."""
    return float((coverage[-1] > 0.5).mean()) > CUT


@dataclass(frozen=True)
class Plane:
    """The ground in the picture of a surface, in its pixels (`shadow.points_of`): points p with normal . p = offset.

    `focal` and `centre` (x, y) are those of the surface, whose size is `shape` (h, w).
    """

    normal: np.ndarray
    offset: float
    focal: float
    centre: tuple[float, float]
    shape: tuple[float, float]

    @classmethod
    def of(cls, ground: Ground, view: View, per_unit: float, surface: Surface) -> Plane:
        """The plane of a ground in the axes of `view`, with `per_unit` pixels of the surface to a unit."""
        normal = view.to_camera @ np.array(ground.normal)
        offset = (ground.offset - float(np.array(ground.normal) @ view.origin)) * per_unit + normal[2] * surface.focal
        height, width = surface.top.shape
        return cls(normal, float(offset), surface.focal, surface.centre, (height, width))

    def points(self, rows: slice, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        """The points of the ground behind the pixels of some rows of a picture of the same view.

        Args:
            rows: of a picture of `shape` (H, W).

        Returns:
            (n, W, 3) float32 in pixels of the surface, and (n, W) bool, where the ground is before the camera; elsewhere
            the points mean nothing.
        """
        k = self.shape[1] / shape[1], self.shape[0] / shape[0]
        x = (np.arange(shape[1]) + 0.5) * k[0] - self.centre[0]
        y = self.centre[1] - (np.arange(rows.start, rows.stop) + 0.5) * k[1]
        slope = (self.normal[0] * x)[None] + (self.normal[1] * y)[:, None] - self.normal[2] * self.focal
        before = slope * np.sign(self.offset - self.normal[2] * self.focal) > NEAREST_HORIZON * self.focal
        along = np.where(before, (self.offset - self.normal[2] * self.focal) / np.where(before, slope, 1), 0)
        found = np.stack([x[None] * along, y[:, None] * along, self.focal * (1 - along)], -1)
        return found.astype(np.float32), before


def sureness(surface: Surface, cut: tuple[bool, bool, bool, bool], tall: float) -> np.ndarray:
    """How sure each point of the subject is to be its outermost, (h, w) from 0 to 1: less toward where the picture cuts it off.

    Args:
        cut: whether the left, upper, right and lower edge of the surface is the edge of what the camera saw.
        tall: the subject's height, px.
    """
    edge = np.zeros(surface.top.shape, bool)
    for side, is_cut in zip((np.s_[:, 0], np.s_[0], np.s_[:, -1], np.s_[-1]), cut, strict=True):
        edge[side] |= surface.standing[side] & is_cut
    if not edge.any():
        return np.ones(surface.top.shape, np.float32)
    from scipy.ndimage import distance_transform_edt

    away: Any = distance_transform_edt(~edge)
    t = np.clip(away / max(FADE * tall, 1.0), 0, 1).astype(np.float32)
    return t * t * (3 - 2 * t)


def _vector(values: np.ndarray) -> tuple[float, float, float]:
    x, y, z = (float(v) for v in values)
    return x, y, z
