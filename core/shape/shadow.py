"""The shadow of a small lamp on a relief: for each point, how much of the lamp it sees.

From each point a ray is walked toward the lamp over the picture. What it passes behind or in front of hides nothing; what it
meets hides the part of the lamp's disc that it covers. Only the front of a thing is seen, so how thick it is has to be assumed:
twice as far as it reaches from its nearest outline, as a ball is, so that thin things throw thin shadows and a ball before
a wall is no column that reaches to the wall.

Heights are projective: f (Z0 / Z - 1) pixels for a depth Z, with f the focal length in pixels and Z0 any depth. Straight lines of
the scene are then straight lines over the picture, so the walk is exact under perspective; with f infinite the view is parallel.
Rows are worked out in bands, each from the whole relief, so the result does not depend on the split.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from ..pictures.bands import bands

GROWTH = 1.04  # from one step of a walk to the next; the first are of a pixel
SHARPEST = 0.01  # radians, half width: a smaller lamp's shadow is as soft as this
DOUBTED = 1.0  # of the expected error of the shape, by which a lamp counts as wider
UNSURE = 0.6  # of the distance of two samples of the relief: heights are no finer, so edges are no sharper
STEP = 0.03  # of the longer side: what drops by more from pixel to pixel is an outline
THINNEST = 2.0  # px of a thing at its outline
THICKNESS = 2.0  # of the distance to the nearest outline
FLATTEST = 0.05  # least z of a normal: the slope of what faces away is as steep as this
FLAT = 0.05  # least share of a ray that goes across the picture: one nearer to the view meets nothing that is seen
NOWHERE = -1e5  # height where nothing stands
LEAST_OPEN = 0.1  # of a disc that stands over the surface's own plane: a smaller part is not divided by


@dataclass(frozen=True)
class Surface:
    """A relief at the size that shadows are worked out at, everything (h, w) or (h, w, 3) float32.

    `height` is in pixels toward the viewer, `normals` are unit camera-space vectors, and `standing` (h, w) bool says where
    there is anything. `doubt` is the expected error of the shape in radians. `spacing` is the distance in pixels of two
    heights that were really known: 1, and more where the relief was enlarged. `focal` is the focal length in pixels,
    infinite for a parallel view, and `centre` (x, y) where the camera looks, in pixels from the left and the top.
    `thickness` scales the assumed thickness.
    """

    height: np.ndarray
    normals: np.ndarray
    standing: np.ndarray
    doubt: np.ndarray | float = 0.0
    spacing: float = 1.0
    focal: float = math.inf
    centre: tuple[float, float] = (0.0, 0.0)
    thickness: float = 1.0

    @cached_property
    def top(self) -> np.ndarray:
        """Heights, (h, w), `NOWHERE` where nothing stands."""
        return np.where(self.standing, self.height, np.float32(NOWHERE)).astype(np.float32)

    @cached_property
    def bottom(self) -> np.ndarray:
        """How far things reach away from the viewer, (h, w), in the unit of `height`."""
        inside = cv2.distanceTransform(self._within(), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        return self.top - np.float32(self.thickness) * (THINNEST * self.spacing + np.float32(THICKNESS) * inside)

    @cached_property
    def highest(self) -> float:
        """The nearest point of anything."""
        return float(self.top.max(initial=NOWHERE))

    @cached_property
    def lowest(self) -> float:
        """The farthest point of anything, as far as its thickness is assumed."""
        return float(self.bottom[self.standing].min(initial=0))

    def _within(self) -> np.ndarray:
        """(h, w) uint8, 0 on outlines: where nothing stands, and where a thing drops to what is behind it."""
        edge = STEP * max(self.top.shape)
        drop = self.top - cv2.erode(self.top, np.ones((3, 3), np.uint8))
        return (self.standing & (drop < edge)).astype(np.uint8)


def lamp_visibility(surface: Surface, direction: np.ndarray, radius: float) -> np.ndarray:
    """What share of a small lamp each point sees, (h, w) float32 from 0 to 1; 1 where nothing stands, or faces away from it.

    Args:
        direction: (3,) unit, camera space, toward the lamp.
        radius: half the lamp's angle in radians.
    """
    seen = np.ones(surface.top.shape, np.float32)
    wide = max(radius, SHARPEST)
    lit = surface.standing & (surface.normals @ direction.astype(np.float32) > -wide)  # (h, w)
    for rows in bands(len(seen)):
        if lit[rows].any():
            seen[rows][lit[rows]] = _walked(surface, direction, wide, *np.nonzero(lit[rows]), rows.start)
    return seen


def point_visibility(surface: Surface, position: np.ndarray, radius: float) -> np.ndarray:
    """What share of a small lamp that stands in the scene each point sees, (h, w) float32 from 0 to 1, as `lamp_visibility`.

    Things hide it only as far as it stands. The view is taken as parallel.

    Args:
        position: (3,) px, right and up from the middle of the picture, and toward the viewer as heights are.
        radius: of the lamp, px.
    """
    height, width = surface.top.shape
    seen = np.ones((height, width), np.float32)
    for rows in bands(height):
        row, column = np.nonzero(surface.standing[rows])
        row = row + rows.start
        x, y = column - np.float32((width - 1) / 2), np.float32((height - 1) / 2) - row
        way = position.astype(np.float32) - np.stack([x, y, surface.height[row, column]], -1)  # (P, 3)
        far = np.maximum(np.linalg.norm(way, axis=-1), np.float32(1))
        wide = np.clip(np.float32(radius) / far, np.float32(SHARPEST), np.float32(1))
        lit = (surface.normals[row, column] * way).sum(-1) > -wide * far
        if lit.any():
            row, column, way = row[lit], column[lit], way[lit]
            reach = np.hypot(way[:, 0], way[:, 1])
            towards = (way / far[lit][:, None]).T  # (3, P)
            seen[row, column] = _walked(surface, towards, wide[lit], row, column, reach=reach)
    return seen


def _walked(
    surface: Surface,
    direction: np.ndarray,
    wide: np.ndarray | float,
    row: np.ndarray,
    column: np.ndarray,
    first: int = 0,
    reach: np.ndarray | float = math.inf,
) -> np.ndarray:
    """`lamp_visibility` of P points by row, counted from `first`, and column, (P,).

    The `direction` (3,) or (3, P) and the half width `wide` may be of each point its own; what is farther away over the picture
    than `reach` px is behind the lamp.
    """
    row = row + first
    height, width = surface.top.shape
    start = surface.height[row, column]
    right, up, rise, (slope_right, slope_up), flat = _rays(surface, direction, row, column, start)
    doubt = surface.doubt[row, column] if isinstance(surface.doubt, np.ndarray) else np.float32(surface.doubt)
    # The disc's half width, in px for a pixel away.
    half = (np.asarray(wide, np.float32) + np.float32(DOUBTED) * doubt) / np.maximum(flat, np.float32(FLAT)) ** 2
    unsure = np.float32(UNSURE * surface.spacing)
    top, bottom = surface.top.ravel(), surface.bottom.ravel()
    hidden = np.zeros_like(start)
    for step in _steps(surface, start, rise):
        to_right, to_up = np.rint(right * step).astype(np.int32), np.rint(up * step).astype(np.int32)
        there_row, there_column = row - to_up, column + to_right
        inside = (there_row >= 0) & (there_row < height) & (there_column >= 0) & (there_column < width)
        inside &= step < reach
        if not inside.any():
            break
        there = np.where(inside, there_row * width + there_column, 0)
        scale = np.float32(0.5) / (half * step + unsure)
        middle = start + step * rise
        own = (
            start + unsure + to_right * slope_right + to_up * slope_up
        )  # the surface's own plane: what it hides is in the cosine
        covered = np.clip((top[there] - middle) * scale + np.float32(0.5), 0, 1)
        covered -= np.clip((np.maximum(bottom[there], own) - middle) * scale + np.float32(0.5), 0, 1)
        np.maximum(hidden, np.where(inside, covered, 0), out=hidden)
    # The part of the disc that stands over the surface's own plane: only that can be hidden.
    slope = right * slope_right + up * slope_up
    over = 1 - np.clip((slope - rise) / (2 * half) + np.float32(0.5), 0, 1)
    hidden = np.where(flat > FLAT, np.clip(hidden / np.maximum(over, np.float32(LEAST_OPEN)), 0, 1), 0)
    return 1 - hidden * hidden * (3 - 2 * hidden)


def _rays(
    surface: Surface, direction: np.ndarray, row: np.ndarray, column: np.ndarray, start: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, tuple[np.ndarray, np.ndarray], np.ndarray]:
    """Of the rays from P points toward a lamp, (P,) each: unit steps right and up, and what a ray rises in height for a step.

    Then what the surface's own plane rises for a pixel to the right and for one up, and which share of the ray goes across the
    picture.
    """
    x, y, z = (np.asarray(v, np.float32) for v in direction)  # () or (P,)
    n = surface.normals[row, column]
    away = np.float32(0 if math.isinf(surface.focal) else 1 / surface.focal)
    u = (column + np.float32(0.5) - np.float32(surface.centre[0])) * away  # slope of the view ray, to the right and up
    v = (np.float32(surface.centre[1]) - row - np.float32(0.5)) * away
    across_x, across_y = x + u * z, y + v * z
    flat = np.maximum(np.hypot(across_x, across_y), np.float32(1e-6))
    scale = 1 + start * away
    tilt = -scale / np.maximum(n[:, 2] - n[:, 0] * u - n[:, 1] * v, np.float32(FLATTEST))
    return across_x / flat, across_y / flat, scale * z / flat, (tilt * n[:, 0], tilt * n[:, 1]), flat


def _steps(surface: Surface, start: np.ndarray, rise: np.ndarray) -> list[np.float32]:
    """Distances of a walk in pixels, each once, as far as anything may stand in the way of any of the rays."""
    reach = math.hypot(*surface.top.shape)
    if rise.min() > 0:
        reach = min(reach, float(((surface.highest - start) / rise).max()) + 2 * surface.spacing)
    elif rise.max() < 0:
        reach = min(reach, float(((start - surface.lowest) / -rise).max()) + 2 * surface.spacing)
    steps, step = [], 1.0
    while step < reach:
        steps.append(np.float32(round(step)))
        step = max(step + 1, step * GROWTH)
    return steps
