"""Places the lights of a rig in front of a subject whose shape is known: converts from the rig's axes to the picture's."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from ..light.rig import RigLight
from .placed import PlacedLight, Vector
from .shadow import points_of

DISTANCE = 2.0
"""Distance of the subject's middle from the camera, in the unit of the rig, where no depth gives it."""
SEEN = 3  # px per side of the neighbourhood that gives the surface at a pixel

Corners = tuple[int, int, int, int]
"""x, y, width and height of a window."""


@dataclass(frozen=True)
class View:
    """The view from a camera: maps the axes of a rig to a picture.

    `focal` is the focal length in pixels and `centre` (x, y) the optical axis in pixels from the left and the top. The subject's
    middle is `distance` units away. `per_pixel`, across and down, is the number of its pixels per pixel of the display window,
    whose upper left corner is at the column and row `corner` of the picture. `to_camera` (3, 3) turns the axes of the rig into
    the camera's; `origin` (3,) is the camera's position in the axes of the rig.
    """

    focal: float
    centre: tuple[float, float]
    distance: float
    per_pixel: tuple[float, float]
    corner: tuple[float, float]
    to_camera: np.ndarray
    origin: np.ndarray

    @classmethod
    def of(
        cls,
        shape: tuple[int, int],
        data: Corners,
        display: Corners,
        fov: float,
        to_camera: np.ndarray,
        origin: np.ndarray,
        distance: float = DISTANCE,
    ) -> View:
        """The view for a picture of `shape` (h, w) that covers the data window.

        Args:
            data, display: the plate's windows in its pixels. fov: degrees, of the display window's width.
            to_camera, origin, distance: see the class.
        """
        across, down = shape[1] / data[2], shape[0] / data[3]
        corner = ((display[0] - data[0]) * across, (display[1] - data[1]) * down)
        focal = display[2] * across / 2 / math.tan(math.radians(fov) / 2)
        centre = (corner[0] + display[2] * across / 2, corner[1] + display[3] * down / 2)
        return cls(focal, centre, distance, (across, down), corner, to_camera, origin)


def placed(
    light: RigLight, colour: np.ndarray, view: View, height: np.ndarray, normals: np.ndarray, matte: np.ndarray
) -> PlacedLight:
    """Place a light of a rig in front of a subject, in pixels of the picture.

    Args:
        light: with the values of one frame.
        colour: (3,) of luminance 1, in the working space.
        height: (h, w) of the subject toward the viewer, projective (`shadow`), px. normals: (h, w, 3). matte: (h, w).
    """
    r, g, b = (float(c) for c in colour * 2.0**light.stops)
    points = points_of(height, view.focal, view.centre)  # (h, w, 3)
    middle = middle_of(points, matte)
    plane = zero_plane(view, middle)
    scale = view.focal / plane  # px per unit
    aim = None if light.aim is None else _turned(light.aim, view)
    made = PlacedLight(light.name, (r, g, b), aim=aim, shadows=light.shadows, middle=middle)
    if light.kind == "distant":
        return replace(made, towards=_turned(light.direction, view), radius=math.radians(light.size) / 2)
    if light.at is None:
        x, y, z = view.to_camera @ (np.asarray(light.position, np.float64) - view.origin)
        position = _vector((x * scale, y * scale, (z + plane) * scale))
    else:
        position = _before(light, view, points, normals, scale)
    if light.kind == "area":
        return replace(made, position=position, sides=(light.size[0] * scale, light.size[1] * scale))
    cone = _cone(light) if light.kind == "spot" else None
    return replace(made, position=position, radius=light.size * scale, cone=cone)


def middle_of(points: np.ndarray, matte: np.ndarray) -> Vector:
    """The middle (3,) of the points (h, w, 3) of a subject, weighted by its matte (h, w)."""
    return _vector((points * matte[..., None]).sum((0, 1)) / max(float(matte.sum()), 1e-6))


def zero_plane(view: View, middle: Vector) -> float:
    """The distance of height 0 from the camera, in units, for a subject whose middle (3,) px is `view.distance` units away."""
    return view.distance / max(1 - middle[2] / view.focal, 1e-3)


def _turned(direction: tuple[float, ...], view: View) -> Vector:
    """A direction in the rig's axes turned into the camera's, unit."""
    turned = view.to_camera @ np.asarray(direction, np.float64)
    return _vector(turned / np.linalg.norm(turned))


def _cone(light: RigLight) -> tuple[float, float]:
    """The cosines at which a spot's light begins to fade and is zero."""
    half = math.radians(light.angle) / 2
    return math.cos(half * (1 - light.softness)), math.cos(half)


def _before(light: RigLight, view: View, points: np.ndarray, normals: np.ndarray, scale: float) -> Vector:
    """The point `out` units of `scale` px in front of the surface at the pixel `at`, along its normal, px."""
    height, width = points.shape[:2]
    column = min(max(round(view.corner[0] + light.at[0] * view.per_pixel[0]), 0), width - 1)
    row = min(max(round(view.corner[1] + light.at[1] * view.per_pixel[1]), 0), height - 1)
    half = SEEN // 2
    near = normals[max(0, row - half) : row + half + 1, max(0, column - half) : column + half + 1].mean((0, 1))
    normal = near / max(float(np.linalg.norm(near)), 1e-6)
    return _vector(points[row, column] + normal * light.out * scale)


def _vector(values: np.ndarray | tuple[float, float, float]) -> Vector:
    x, y, z = (float(v) for v in values)
    return x, y, z
