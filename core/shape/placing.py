"""Where the lights of a rig stand in front of a subject whose shape is known: from the rig's axes into the working picture's."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..light.rig import RigLight
from .placed import PlacedLight, middle_of, points_of
from .trace import Traced

DISTANCE = 2.0
"""How far the middle of the subject stands from the camera, in the unit of the rig, where no depth says so."""
SEEN = 3  # px of a side: the surface under a pixel is that of its neighbourhood


@dataclass(frozen=True)
class View:
    """How a camera's axes lie in a working picture.

    `scale` are working pixels per unit of length at the subject's middle, which is `distance` units away. (`x`, `y`) is the
    optical axis in working pixels, right and up from the picture's middle. `per_pixel` working pixels are one of the display
    window, whose upper left corner is at the column and row `corner` of the working picture. `to_camera` (3, 3) turns the axes of
    the rig into the camera's, which stands at `origin` (3,) in them.
    """

    scale: float
    distance: float
    x: float
    y: float
    per_pixel: tuple[float, float]
    corner: tuple[float, float]
    to_camera: np.ndarray
    origin: np.ndarray


@dataclass(frozen=True)
class RigView:
    """The lights of one frame, `colours` (L, 3) of luminance 1 in the working space, and how the camera sees them."""

    lights: tuple[RigLight, ...]
    colours: np.ndarray
    view: View

    def placed(self, shape: Traced) -> tuple[PlacedLight, ...]:
        """The lights in pixels of a shape with B = 1, in the rig's order."""
        return tuple(
            _placed(light, colour, self.view, shape) for light, colour in zip(self.lights, self.colours, strict=True)
        )


def _placed(light: RigLight, colour: np.ndarray, view: View, shape: Traced) -> PlacedLight:
    energy = tuple(float(c) for c in colour * 2.0**light.stops)
    aim = None if light.aim is None else _turned(light.aim, view)
    if light.kind == "distant":
        radius = math.radians(light.size) / 2
        return PlacedLight(light.name, energy, _turned(light.direction, view), radius=radius, shadows=light.shadows)  # type: ignore[arg-type]
    position = _position(light, view, shape)
    if light.kind == "area":
        sides = (light.size[0] * view.scale, light.size[1] * view.scale)
        return PlacedLight(light.name, energy, None, position, aim, sides=sides, shadows=light.shadows)  # type: ignore[arg-type]
    cone = _cone(light) if light.kind == "spot" else None
    radius = light.size * view.scale
    return PlacedLight(light.name, energy, None, position, aim, radius, cone=cone, shadows=light.shadows)  # type: ignore[arg-type]


def _turned(direction: tuple[float, ...], view: View) -> tuple[float, float, float]:
    """A direction of the rig's axes in the camera's, unit."""
    turned = view.to_camera @ np.asarray(direction, np.float64)
    x, y, z = turned / np.linalg.norm(turned)
    return float(x), float(y), float(z)


def _cone(light: RigLight) -> tuple[float, float]:
    """The cosines at which a spot's light begins to fade and has ended."""
    half = math.radians(light.angle) / 2
    return math.cos(half * (1 - light.softness)), math.cos(half)


def _position(light: RigLight, view: View, shape: Traced) -> tuple[float, float, float]:
    """Where a light stands, in pixels of the working picture."""
    if light.at is not None:
        return _before_surface(light, view, shape)
    x, y, z = view.to_camera @ (np.asarray(light.position, np.float64) - view.origin)
    depth = _height_of_middle(shape)
    return (
        float(x * view.scale + view.x),
        float(y * view.scale + view.y),
        float((z + view.distance) * view.scale + depth),
    )


def _before_surface(light: RigLight, view: View, shape: Traced) -> tuple[float, float, float]:
    """The point `out` units in front of the surface that is seen at the pixel `at`, along its normal."""
    height, width = shape.matte.shape[-2:]
    column = round(view.corner[0] + light.at[0] * view.per_pixel[0])
    row = round(view.corner[1] + light.at[1] * view.per_pixel[1])
    column, row = min(max(column, 0), width - 1), min(max(row, 0), height - 1)
    near = (
        slice(max(0, row - SEEN // 2), row + SEEN // 2 + 1),
        slice(max(0, column - SEEN // 2), column + SEEN // 2 + 1),
    )
    normal = shape.facing[0][(slice(None), *near)].mean((1, 2))
    normal = normal / normal.norm().clamp_min(1e-6)
    point = points_of(shape)[:, row, column] + normal * light.out * view.scale
    x, y, z = (float(v) for v in point)
    return x, y, z


def _height_of_middle(shape: Traced) -> float:
    return float(middle_of(points_of(shape), shape.matte)[2])


def view_of(
    shape: tuple[int, int],
    data: tuple[int, int, int, int],
    display: tuple[int, int, int, int],
    fov: float,
    to_camera: np.ndarray,
    origin: np.ndarray,
    distance: float = DISTANCE,
) -> View:
    """How a camera sees a rig in a working picture of `shape` (h, w) that covers the data window.

    Args:
        data, display: x, y, width and height of the plate's windows in its pixels. fov: degrees, of the display window's width.
        to_camera, origin: see `View`.
    """
    across, down = shape[1] / data[2], shape[0] / data[3]
    corner = ((display[0] - data[0]) * across, (display[1] - data[1]) * down)
    scale = display[2] * across / 2 / math.tan(math.radians(fov) / 2) / distance
    axis = (corner[0] + display[2] * across / 2, corner[1] + display[3] * down / 2)
    return View(
        scale, distance, axis[0] - shape[1] / 2, shape[0] / 2 - axis[1], (across, down), corner, to_camera, origin
    )
