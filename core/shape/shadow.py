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

FINER = 1.015  # as GROWTH, for lamps behind the picture's plane
GROWTH = 1.04  # from one step of a walk to the next; the first are of a pixel
WIDEST = 1.0  # radians: a lamp that is nearer counts as no wider
SHARPEST = 0.01  # radians, half width: a smaller lamp's shadow is as soft as this
DOUBTED = 1.0  # of the expected error of the shape, by which a lamp counts as wider
UNSURE = 0.6  # of the distance of two samples of the relief: heights are no finer, so edges are no sharper
STEP = 0.03  # of the longer side: what drops by more from pixel to pixel is an outline
THINNEST = 2.0  # px of a thing at its outline
THICKNESS = 2.0  # of the distance to the nearest outline
FLATTEST = 0.05  # least z of a normal: the slope of what faces away is as steep as this
FLAT = 0.05  # least share of a ray that goes across the picture: one nearer to the view meets nothing that is seen
MIXED = 0.7  # px, standard deviation of what mixes pixels on an outline
NOWHERE = -1e5  # height where nothing stands
WHOLE = 128  # px of the longer side: a larger picture is walked through only where a smaller one shows an edge
EVEN = 0.01  # least difference of visibilities that is an edge
CULL = 6  # steps, after which the rays that have met something, or have nothing more before them, are left out
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

    @cached_property
    def halved(self) -> Surface:
        """The same at half the size, by every second point: a mean would stand between a thing and what is behind it."""
        doubt = self.doubt[::2, ::2] if isinstance(self.doubt, np.ndarray) else self.doubt
        centre = self.centre[0] / 2, self.centre[1] / 2
        return Surface(
            self.height[::2, ::2] / 2, self.normals[::2, ::2], self.standing[::2, ::2], doubt, max(1.0, self.spacing / 2),
            self.focal / 2, centre, self.thickness,
        )  # fmt: skip

    def _within(self) -> np.ndarray:
        """(h, w) uint8, 0 on outlines: where nothing stands, and where a thing drops to what is behind it."""
        edge = STEP * max(self.top.shape)
        drop = self.top - cv2.erode(self.top, np.ones((3, 3), np.uint8))
        return (self.standing & (drop < edge)).astype(np.uint8)


def lamp_visibility(surface: Surface, direction: np.ndarray, radius: float) -> np.ndarray:
    """What share of a small lamp each point sees, (h, w) float32 from 0 to 1; 1 where nothing stands, or faces away from it.

    A large surface is first worked out at half its size, and then only where that shows an edge.

    Args:
        direction: (3,) unit, camera space, toward the lamp.
        radius: half the lamp's angle in radians.
    """
    wide = max(radius, SHARPEST)
    wanted = surface.standing & (surface.normals @ direction.astype(np.float32) > -wide)  # (h, w)
    seen = np.ones(surface.top.shape, np.float32)
    if max(surface.top.shape) > WHOLE:
        smaller = lamp_visibility(surface.halved, direction, radius)
        height, width = surface.top.shape
        seen = cv2.resize(smaller, (width, height), interpolation=cv2.INTER_LINEAR)
        edges = cv2.resize(_edges(smaller, surface.halved.standing), (width, height), interpolation=cv2.INTER_NEAREST)
        seen[~wanted] = 1
        wanted &= edges > 0
    for rows in bands(len(seen)):
        if wanted[rows].any():
            row, column = np.nonzero(wanted[rows])
            seen[rows][row, column] = _walked(surface, direction, wide, row + rows.start, column)
    return seen


def mixed_at_outlines(surface: Surface, seen: np.ndarray) -> np.ndarray:
    """A visibility (h, w) whose pixels on the outlines of things are mixed with their neighbours, as the plate's own are.

    A pixel of the plate that shows two things has the depth of one of them, so beside an outline single pixels are hidden and
    their neighbours are not. A relief that is coarser than its picture has no such outlines and is left alone.
    """
    if surface.spacing > 1:
        return seen
    near, top = np.ones((3, 3), np.uint8), surface.top
    lowest = cv2.erode(np.where(surface.standing, top, np.float32(-NOWHERE)), near)
    steps = surface.standing & (cv2.dilate(top, near) - lowest > STEP * max(top.shape))
    outline = cv2.dilate(steps.astype(np.uint8), near)
    settled = np.where(outline, cv2.medianBlur(seen, 3), seen)
    return np.where(outline, cv2.GaussianBlur(settled, (5, 5), MIXED), settled)


def _edges(seen: np.ndarray, standing: np.ndarray) -> np.ndarray:
    """Where a visibility (h, w) is not the same as beside it, or nothing stands there, (h, w) uint8."""
    near = np.ones((3, 3), np.uint8)
    differs = cv2.dilate(seen, near) - cv2.erode(seen, near) > EVEN
    return cv2.dilate((differs | ~standing).astype(np.uint8), near)


def point_visibility(surface: Surface, position: np.ndarray, radius: float) -> np.ndarray:
    """What share of a small lamp that stands in the scene each point sees, (h, w) float32 from 0 to 1, as `lamp_visibility`.

    Things hide it only as far as it stands.

    Args:
        position: (3,) px, as `points_of`.
        radius: of the lamp, px.
    """
    seen = np.ones(surface.top.shape, np.float32)
    for rows in bands(len(seen)):
        row, column = np.nonzero(surface.standing[rows])
        points = points_of(surface.height[rows], surface.focal, surface.centre, rows.start)[row, column]  # (P, 3)
        row = row + rows.start
        way = position.astype(np.float32) - points
        far = np.maximum(np.linalg.norm(way, axis=-1), np.float32(1))
        wide = np.clip(np.float32(radius) / far, np.float32(SHARPEST), np.float32(WIDEST))
        lit = (surface.normals[row, column] * way).sum(-1) > -wide * far
        if lit.any():
            row, column, towards = row[lit], column[lit], (way[lit] / far[lit][:, None]).T  # (P,), (3, P)
            reach = _reach(surface, position, row, column)
            seen[row, column] = _walked(surface, towards, wide[lit], row, column, reach)
    return seen


def points_of(height: np.ndarray, focal: float, centre: tuple[float, float], first: int = 0) -> np.ndarray:
    """Where the points of some rows of a relief are, (n, w, 3): right, up and toward the viewer of its optical axis at height 0.

    The unit is a pixel at height 0.

    Args:
        height: (n, w) of these rows, the first of which is the row `first`. focal, centre: see `Surface`.
    """
    n, w = height.shape
    x = np.arange(w, dtype=np.float32) + np.float32(0.5 - centre[0])
    y = np.float32(centre[1] - 0.5 - first) - np.arange(n, dtype=np.float32)
    nearer = np.float32(1) if math.isinf(focal) else 1 / np.maximum(1 + height / np.float32(focal), np.float32(1e-3))
    return np.stack([x * nearer + 0 * height, y[:, None] * nearer + 0 * height, height * nearer], -1)


def _reach(surface: Surface, position: np.ndarray, row: np.ndarray, column: np.ndarray) -> np.ndarray:
    """How far over the picture a lamp is from P points, (P,) px; infinite where it is beside or behind the camera."""
    x, y, z = position
    nearer = 1.0 if math.isinf(surface.focal) else 1 - z / surface.focal  # of its distance to that of height 0
    if nearer <= 1e-3:
        return np.full(len(row), np.inf, np.float32)
    right = x / nearer + surface.centre[0] - 0.5 - column
    up = y / nearer - (surface.centre[1] - 0.5 - row)
    return np.hypot(right, up).astype(np.float32)


def _walked(
    surface: Surface,
    direction: np.ndarray,
    wide: np.ndarray | float,
    row: np.ndarray,
    column: np.ndarray,
    reach: np.ndarray | float = math.inf,
) -> np.ndarray:
    """`lamp_visibility` of P points by row and column, (P,).

    The `direction` (3,) or (3, P) and the half width `wide` may be of each point its own; what is farther away over the picture
    than `reach` px is behind the lamp.
    """
    height, width = surface.top.shape
    start = surface.height[row, column]
    right, up, rise, (slope_right, slope_up), flat = _rays(surface, direction, row, column, start)
    doubt = surface.doubt[row, column] if isinstance(surface.doubt, np.ndarray) else np.float32(surface.doubt)
    # The disc's half width, in px for a pixel away.
    half = (np.asarray(wide, np.float32) + np.float32(DOUBTED) * doubt) / np.maximum(flat, np.float32(FLAT)) ** 2
    unsure = np.float32(UNSURE * surface.spacing)
    top, bottom = surface.top.ravel(), surface.bottom.ravel()
    hidden = np.zeros_like(start)
    on = np.flatnonzero(flat > FLAT)  # of the rays that are still walked
    far = reach + np.zeros_like(start)
    state = np.stack([start, right, up, rise, slope_right, slope_up, half + np.zeros_like(start), far])[:, on]
    place = np.stack([row, column]).astype(np.int32)[:, on]
    before = np.float32(0)
    for count, step in enumerate(_steps(surface, start, rise)):
        from_, right_, up_, rise_, slope_right_, slope_up_, half_, reach_ = state
        to_right, to_up = np.rint(right_ * step).astype(np.int32), np.rint(up_ * step).astype(np.int32)
        there_row, there_column = place[0] - to_up, place[1] + to_right
        inside = (there_row >= 0) & (there_row < height) & (there_column >= 0) & (there_column < width)
        inside &= step < reach_
        there = np.where(inside, there_row * width + there_column, 0)
        # Since the step before, the ray passed all heights between that one's and this one's.
        scale = np.float32(0.5) / (half_ * step + unsure + np.float32(0.5) * np.abs(rise_) * (step - before - 1))
        before = step
        middle = from_ + step * rise_
        own = (
            from_ + unsure + to_right * slope_right_ + to_up * slope_up_
        )  # its own plane: the cosine knows what that hides
        covered = np.clip((top[there] - middle) * scale + np.float32(0.5), 0, 1)
        covered -= np.clip((np.maximum(bottom[there], own) - middle) * scale + np.float32(0.5), 0, 1)
        hidden[on] = np.maximum(hidden[on], np.where(inside, covered, 0))
        if count % CULL == CULL - 1:
            edge = half_ * step + unsure
            alive = inside & (hidden[on] < 1) & ((rise_ <= 0) | (middle - edge < surface.highest))
            on, state, place = on[alive], state[:, alive], place[:, alive]
            if not on.size:
                break
    # The part of the disc that stands over the surface's own plane: only that can be hidden.
    slope = right * slope_right + up * slope_up
    over = 1 - np.clip((slope - rise) / (2 * half) + np.float32(0.5), 0, 1)
    hidden = np.clip(hidden / np.maximum(over, np.float32(LEAST_OPEN)), 0, 1)
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
    at_row, at_column = row.astype(np.float32), column.astype(np.float32)
    u = (at_column + np.float32(0.5 - surface.centre[0])) * away  # slope of the view ray, to the right and up
    v = (np.float32(surface.centre[1] - 0.5) - at_row) * away
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
    # Rays that go back meet the thin edges of things: longer steps would miss some, and shadows would have the teeth of a comb.
    growth = GROWTH if rise.min() > 0 else FINER
    steps, step = [], 1.0
    while step < reach:
        steps.append(np.float32(round(step)))
        step = max(step + 1, step * growth)
    return steps
