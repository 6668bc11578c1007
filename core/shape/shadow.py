"""The shadow of a small lamp on a relief: the visible share of the lamp at each point.

From each point a ray is marched toward the lamp over the picture. Things that the ray passes behind or in front of hide
nothing; a thing that it meets hides the part of the lamp's disc that it covers. The plate shows only the front of a thing, so
its thickness must be assumed (`thickness`): that of a ball for the outline of a ball. Thin things then cast thin shadows, and
a ball in front of a wall does not cast the shadow of a column that reaches to the wall.

Heights are projective: f (Z0 / Z - 1) pixels for a depth Z, with f the focal length in pixels and Z0 any depth. Straight lines of
the scene are then straight lines over the picture, so the walk is exact under perspective; with f infinite the view is parallel.
Rows are computed in bands, each from the whole relief, so the result does not depend on the split.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from ..pictures.bands import each_band
from .strands import averaged, strands_of
from .thickness import round_thickness

FINER = 1.015  # as GROWTH, for lamps behind the picture's plane
GROWTH = 1.04  # factor from one step of a march to the next; the first steps are of one pixel
WIDEST = 1.0  # radians; largest half width of a lamp, however near it is
SHARPEST = 0.01  # radians; least half width of a lamp
DOUBTED = 1.0  # share of the expected error of the shape that is added to the lamp's half width
UNSURE = 0.6  # share of the spacing of the relief's samples; heights, and so edges, are not finer
STEP = 0.03  # share of the longer side; a larger drop from pixel to pixel is an outline
THINNEST = 2.0  # px, thickness of a thing at its outline
FLATTEST = 0.05  # least z of a normal, which limits the slope of surfaces that face away
FLAT = 0.05  # least share of a ray across the picture; rays nearer to the view direction meet nothing visible
MIXED = 0.7  # px, standard deviation of the filter that mixes pixels on an outline
NOWHERE = -1e5  # height where there is no surface
WHOLE = 128  # px, longer side; a larger picture is marched only where a smaller one shows an edge
HALF = 0.5  # share of a disc; the first thing that hides so much of it is the one that is seen there
EVEN = 0.01  # least difference of visibilities that is an edge
CULL = 6  # steps, after which finished rays are left out
LEAST_OPEN = 0.1  # least share of a disc above the surface's own plane that is used as a divisor


@dataclass(frozen=True)
class Surface:
    """A relief at the size at which shadows are computed, everything (h, w) or (h, w, 3) float32.

    `height` is in pixels toward the viewer, `normals` are unit camera-space vectors, and `standing` (h, w) bool says where
    there is a surface. `doubt` is the expected error of the shape in radians. `spacing` is the distance in pixels between
    measured heights: 1, and more where the relief was enlarged. `focal` is the focal length in pixels,
    infinite for a parallel view, and `centre` (x, y) the optical axis, in pixels from the left and the top.
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
        """Heights, (h, w), `NOWHERE` where there is no surface."""
        return np.where(self.standing, self.height, np.float32(NOWHERE)).astype(np.float32)

    @cached_property
    def bottom(self) -> np.ndarray:
        """The assumed back of things, (h, w), in the unit of `height`."""
        thick = np.float32(self.thickness) * (THINNEST * self.spacing + round_thickness(self._within()))
        back = (self.height - thick) / (1 + thick / np.float32(self.focal))  # a projective height, too
        return np.where(self.standing, back, np.float32(NOWHERE))

    @cached_property
    def strands(self) -> np.ndarray:
        """How much each point is one of strands (`strands.strands_of`), (h, w) from 0 to 1."""
        away = 0 if math.isinf(self.focal) else 1 / self.focal
        rows, columns = (np.arange(side, dtype=np.float32) for side in self.height.shape)
        u, v = (columns + 0.5 - self.centre[0]) * away, (self.centre[1] - 0.5 - rows[:, None]) * away
        n = self.normals
        facing = n[..., 2] - n[..., 0] * u - n[..., 1] * v
        slope = -(1 + self.height * away) * n[..., 0] / np.maximum(facing, FLATTEST)
        return strands_of(self.height, slope, facing, self.standing)

    @cached_property
    def highest(self) -> float:
        """The height of the point nearest to the viewer."""
        return float(self.top.max(initial=NOWHERE))

    @cached_property
    def lowest(self) -> float:
        """The height of the farthest point, including assumed thickness."""
        return float(self.bottom[self.standing].min(initial=0))

    @cached_property
    def halved(self) -> Surface:
        """The same at half the size, by every second point; a mean would lie between a thing and its background."""
        doubt = self.doubt[::2, ::2] if isinstance(self.doubt, np.ndarray) else self.doubt
        centre = self.centre[0] / 2, self.centre[1] / 2
        return Surface(
            self.height[::2, ::2] / 2, self.normals[::2, ::2], self.standing[::2, ::2], doubt, max(1.0, self.spacing / 2),
            self.focal / 2, centre, self.thickness,
        )  # fmt: skip

    def _within(self) -> np.ndarray:
        """A mask (h, w) uint8, 0 on outlines: where there is no surface, and where a thing drops to its background."""
        edge = STEP * max(self.top.shape)
        drop = self.top - cv2.erode(self.top, np.ones((3, 3), np.uint8))
        return (self.standing & (drop < edge)).astype(np.uint8)


def lamp_visibility(surface: Surface, direction: np.ndarray, radius: float) -> np.ndarray:
    """The visible share of a small lamp at each point, (h, w) float32 from 0 to 1; 1 without a surface, or facing away.

    A large surface is first computed at half its size, and then at full size only where that shows an edge.

    Args:
        direction: (3,) unit, camera space, toward the lamp.
        radius: half the lamp's angle in radians.
    """
    wide, growth = max(radius, SHARPEST), _growth(float(direction[2]) > 0)
    wanted = surface.standing & (surface.normals @ direction.astype(np.float32) > -wide)  # (h, w)
    seen = np.ones(surface.top.shape, np.float32)
    if max(surface.top.shape) > WHOLE:
        smaller = lamp_visibility(surface.halved, direction, radius)
        height, width = surface.top.shape
        seen = cv2.resize(smaller, (width, height), interpolation=cv2.INTER_LINEAR)
        edges = cv2.resize(_edges(smaller, surface.halved.standing), (width, height), interpolation=cv2.INTER_NEAREST)
        seen[~wanted] = 1
        wanted &= edges > 0

    def walk(rows: slice) -> None:
        if wanted[rows].any():
            row, column = np.nonzero(wanted[rows])
            seen[rows][row, column] = walked(surface, direction, wide, row + rows.start, column, growth)

    each_band(len(seen), walk)
    return seen


def mixed_at_outlines(surface: Surface, seen: np.ndarray) -> np.ndarray:
    """A visibility (h, w) whose pixels on outlines and of strands are mixed with their neighbours, as in the plate.

    A pixel of the plate that shows two things has the depth of one of them, so beside an outline single pixels are hidden while
    their neighbours are not. A relief that is coarser than its picture has no such outlines and is not changed.
    """
    if surface.spacing > 1:
        return seen
    near, top = np.ones((3, 3), np.uint8), surface.top
    lowest = cv2.erode(np.where(surface.standing, top, np.float32(-NOWHERE)), near)
    steps = surface.standing & (cv2.dilate(top, near) - lowest > STEP * max(top.shape))
    outline = cv2.dilate(steps.astype(np.uint8), near)
    settled = np.where(outline, cv2.medianBlur(seen, 3), seen)
    mixed = np.where(outline, cv2.GaussianBlur(settled, (5, 5), MIXED), settled)
    return averaged(mixed, surface.strands)


def _edges(seen: np.ndarray, standing: np.ndarray) -> np.ndarray:
    """A mask (h, w) uint8 of where a visibility (h, w) differs from its neighbours, or there is no surface."""
    near = np.ones((3, 3), np.uint8)
    differs = cv2.dilate(seen, near) - cv2.erode(seen, near) > EVEN
    return cv2.dilate((differs | ~standing).astype(np.uint8), near)


def point_visibility(surface: Surface, position: np.ndarray, radius: float) -> np.ndarray:
    """The visible share of a small lamp at a position in the scene, (h, w) float32 from 0 to 1, as `lamp_visibility`.

    Only things between the point and the lamp hide it.

    Args:
        position: (3,) px, as `points_of`.
        radius: of the lamp, px.
    """
    seen = np.ones(surface.top.shape, np.float32)
    nearest = surface.highest if math.isinf(surface.focal) else surface.highest / (1 + surface.highest / surface.focal)
    growth = _growth(float(position[2]) > nearest)

    def walk(rows: slice) -> None:
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
            seen[row, column] = walked(surface, towards, wide[lit], row, column, growth, reach)

    each_band(len(seen), walk)
    return seen


def points_of(height: np.ndarray, focal: float, centre: tuple[float, float], first: int = 0) -> np.ndarray:
    """The positions of the points of some rows of a relief, (n, w, 3): right, up and toward the viewer.

    The origin is on the optical axis at height 0, and the unit is a pixel at height 0.

    Args:
        height: (n, w) of these rows, the first of which is the row `first`. focal, centre: see `Surface`.
    """
    n, w = height.shape
    x = np.arange(w, dtype=np.float32) + np.float32(0.5 - centre[0])
    y = np.float32(centre[1] - 0.5 - first) - np.arange(n, dtype=np.float32)
    nearer = np.float32(1) if math.isinf(focal) else 1 / np.maximum(1 + height / np.float32(focal), np.float32(1e-3))
    return np.stack([x * nearer + 0 * height, y[:, None] * nearer + 0 * height, height * nearer], -1)


def _reach(surface: Surface, position: np.ndarray, row: np.ndarray, column: np.ndarray) -> np.ndarray:
    """The distance over the picture from P points to a lamp, (P,) px; infinite where it is beside or behind the camera."""
    x, y, z = position
    nearer = 1.0 if math.isinf(surface.focal) else 1 - z / surface.focal  # distance of the lamp over that of height 0
    if nearer <= 1e-3:
        return np.full(len(row), np.inf, np.float32)
    right = x / nearer + surface.centre[0] - 0.5 - column
    up = y / nearer - (surface.centre[1] - 0.5 - row)
    return np.hypot(right, up).astype(np.float32)


def walked(
    surface: Surface,
    direction: np.ndarray,
    wide: np.ndarray | float,
    row: np.ndarray,
    column: np.ndarray,
    growth: float,
    reach: np.ndarray | float = math.inf,
    met: np.ndarray | None = None,
) -> np.ndarray:
    """`lamp_visibility` of P points by row and column, (P,).

    The `direction` (3,) or (3, P) and the half width `wide` may differ by point. Things farther away over the picture than
    `reach` px are behind the lamp. `growth` is that of the steps, the same for every point of a lamp: points that are marched in
    different steps would show a seam where they meet. `met` (P,) int32 receives, for each ray that meets something, the flat
    index of the first point that hides half of the disc, else of the one that hides most.
    """
    height, width = surface.top.shape
    start = surface.height[row, column]
    right, up, rise, (slope_right, slope_up), flat = _rays(surface, direction, row, column, start)
    doubt = surface.doubt[row, column] if isinstance(surface.doubt, np.ndarray) else np.float32(surface.doubt)
    # The disc's half width, in px per pixel of distance.
    half = (np.asarray(wide, np.float32) + np.float32(DOUBTED) * doubt) / np.maximum(flat, np.float32(FLAT)) ** 2
    unsure = np.float32(UNSURE * surface.spacing)
    top, bottom = surface.top.ravel(), surface.bottom.ravel()
    hidden = np.zeros_like(start)
    on = np.flatnonzero(flat > FLAT)  # indices of the rays that are still marched
    far = reach + np.zeros_like(start)
    state = np.stack([start, right, up, rise, slope_right, slope_up, half + np.zeros_like(start), far])[:, on]
    place = np.stack([row, column]).astype(np.int32)[:, on]
    before = np.float32(0)
    for count, step in enumerate(_steps(math.hypot(height, width), growth)):
        from_, right_, up_, rise_, slope_right_, slope_up_, half_, reach_ = state
        to_right, to_up = np.rint(right_ * step).astype(np.int32), np.rint(up_ * step).astype(np.int32)
        there_row, there_column = place[0] - to_up, place[1] + to_right
        inside = (there_row >= 0) & (there_row < height) & (there_column >= 0) & (there_column < width)
        inside &= step < reach_
        there = np.where(inside, there_row * width + there_column, 0)
        # Since the last step, the ray passed all heights between that step's and this one's.
        scale = np.float32(0.5) / (half_ * step + unsure + np.float32(0.5) * np.abs(rise_) * (step - before - 1))
        before = step
        middle = from_ + step * rise_
        # The point's own plane; the cosine already contains what that hides.
        own = from_ + unsure + to_right * slope_right_ + to_up * slope_up_
        covered = np.clip((top[there] - middle) * scale + np.float32(0.5), 0, 1)
        covered -= np.clip((np.maximum(bottom[there], own) - middle) * scale + np.float32(0.5), 0, 1)
        covered = np.where(inside, covered, 0)
        if met is not None:
            more = (covered > hidden[on]) & (hidden[on] < np.float32(HALF))
            met[on[more]] = there[more]
        hidden[on] = np.maximum(hidden[on], covered)
        if count % CULL == CULL - 1:
            edge = half_ * step + unsure
            alive = inside & (hidden[on] < 1)
            alive &= (rise_ <= 0) | (middle - edge < surface.highest)
            alive &= (rise_ >= 0) | (middle + edge > surface.lowest)
            on, state, place = on[alive], state[:, alive], place[:, alive]
            if not on.size:
                break
    # The part of the disc above the surface's own plane; only that can be hidden.
    slope = right * slope_right + up * slope_up
    over = 1 - np.clip((slope - rise) / (2 * half) + np.float32(0.5), 0, 1)
    hidden = np.clip(hidden / np.maximum(over, np.float32(LEAST_OPEN)), 0, 1)
    return 1 - hidden * hidden * (3 - 2 * hidden)


def _rays(
    surface: Surface, direction: np.ndarray, row: np.ndarray, column: np.ndarray, start: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, tuple[np.ndarray, np.ndarray], np.ndarray]:
    """For the rays from P points toward a lamp, (P,) each: unit steps right and up, and the rise of the ray per step.

    Then the rise of the surface's own plane per pixel to the right and up, and the share of the ray across the picture.
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


def _growth(rising: bool) -> float:
    """From one step of a march to the next, for a lamp in front of everything (`rising`) or not.

    Rays away from the viewer meet the thin edges of things. Longer steps would miss some, and shadows would be striped.
    """
    return GROWTH if rising else FINER


def _steps(reach: float, growth: float) -> list[np.float32]:
    """Distances of a march up to `reach`, px, each once."""
    steps, step = [], 1.0
    while step < reach:
        steps.append(np.float32(round(step)))
        step = max(step + 1, step * growth)
    return steps
