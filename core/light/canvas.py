"""Paints a lat-long map: skies, disks, panels and tubes, whose energy is exact even if they cover few pixels.

Azimuth 0 is +Z, 90 is +X; the frame is that of `environment` (+Y up, image centre = +Z). Colours are
linear light in any space that the caller chooses.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .environment import directions as latlong_directions
from .environment import solid_angles

UP = np.array((0.0, 1.0, 0.0), np.float32)


class Canvas:
    """A lat-long map while it is painted.

    Args:
        height: rows; columns are twice that.
        yaw: degrees by which the scene is turned about +Y; positive moves +Z towards +X, in the map to the left.
        seconds: the time; moves clouds, leaves and flames.
        gains: factor of each lamp in the order in which they are painted, 1 for all that are not named.

    Attributes:
        directions: (H, W, 3) unit vectors in the turned scene, +Y up.
        solid_angle: (H, 1) steradians of one pixel.
        pixels: (H, W, 3) float32 radiance so far.
        lamps: (direction, irradiance on a surface facing it) of everything painted as a lamp.
    """

    def __init__(self, height: int, *, yaw: float = 0.0, seconds: float = 0.0, gains: Sequence[float] = ()) -> None:
        sin, cos = np.sin(np.radians(-yaw)), np.cos(np.radians(-yaw))
        turn = np.array(((cos, 0.0, sin), (0.0, 1.0, 0.0), (-sin, 0.0, cos)), np.float32)
        self.directions = np.asarray(latlong_directions(height, 2 * height), np.float32) @ turn.T
        self.solid_angle = np.asarray(solid_angles(height, 2 * height), np.float32)[:, None]
        self.pixels = np.zeros((height, 2 * height, 3), np.float32)
        self.seconds = seconds
        self.lamps: list[tuple[np.ndarray, np.ndarray]] = []
        self._gains = gains

    @property
    def pixel(self) -> float:
        """Height of a pixel in radians, which sets the edge width that avoids aliasing."""
        return np.pi / self.pixels.shape[0]

    def irradiance(self, normals: np.ndarray) -> np.ndarray:
        """Irradiance of what is painted so far on `normals` (K, 3); (K, 3)."""
        lit = self.pixels * self.solid_angle[..., None]
        cosine = np.maximum(self.directions.reshape(-1, 3) @ normals.T.astype(np.float32), 0.0)
        return cosine.T @ lit.reshape(-1, 3)

    def lamp(self, mask: np.ndarray, solid_angle: float, direction: np.ndarray, radiance: np.ndarray) -> None:
        """Add a lamp of a shape, exact in energy.

        Args:
            mask: (H, W) of the shape, at least one pixel wide; its integral is scaled to `solid_angle`.
            solid_angle: steradians of the true shape.
            direction: (3,) of its centre.
            radiance: (3,) of its surface.
        """
        gain = self._gains[len(self.lamps)] if len(self.lamps) < len(self._gains) else 1.0
        measured = float((mask * self.solid_angle).sum(dtype=np.float64))
        radiance = np.asarray(radiance, np.float32) * gain
        self.lamps.append((direction, radiance * solid_angle))
        if measured > 0.0:
            self.pixels += mask[..., None] * (radiance * (solid_angle / measured))

    def disk(self, direction: np.ndarray, radius_deg: float, radiance: np.ndarray, soft_deg: float = 0.0) -> None:
        """Add a round lamp with an edge that fades over `soft_deg`."""
        radius = np.radians(radius_deg)
        angle = np.arccos(np.clip(self.directions @ direction, -1.0, 1.0))
        mask = ramp(angle, radius, max(2.0 * self.pixel, np.radians(soft_deg)))
        self.lamp(mask, 2.0 * np.pi * (1.0 - np.cos(radius)), direction, radiance)

    def panel(
        self,
        direction: np.ndarray,
        size_deg: tuple[float, float],
        radiance: np.ndarray,
        *,
        roll_deg: float = 0.0,
        soft_deg: float = 0.0,
        hot: float = 0.0,
        bars: tuple[int, int] = (1, 1),
    ) -> None:
        """Add a rectangle: softbox, window or sign.

        Args:
            direction: (3,) of the centre.
            size_deg: full width and height.
            radiance: (3,).
            roll_deg: turn about the direction.
            soft_deg: width over which the edge fades.
            hot: how much darker the corners are than the centre, 0 to 1.
            bars: panes across and up; with more than one there are dark bars between them.
        """
        forward, right, up = _frame(direction, roll_deg)
        depth = self.directions @ forward
        safe = np.maximum(depth, 1e-3)
        across, above = self.directions @ right / safe, self.directions @ up / safe
        half = np.tan(np.radians(np.asarray(size_deg)) / 2.0)
        edge = max(2.0 * self.pixel, np.radians(soft_deg))
        mask = ramp(np.abs(across), half[0], edge) * ramp(np.abs(above), half[1], edge) * (depth > 0.0)
        squared = (across / half[0]) ** 2 + (above / half[1]) ** 2
        mask = mask * (1.0 - hot * np.clip(squared / 2.0, 0.0, 1.0))
        for place, extent, count in ((across, half[0], bars[0]), (above, half[1], bars[1])):
            if count > 1 and extent / count > 2.0 * self.pixel:  # thinner panes would alias
                mask = mask * (np.abs(np.mod(place / (2.0 * extent) * count + 0.5 * count, 1.0) - 0.5) < 0.44)
        area = float(np.prod(half))
        self.lamp(
            mask, 4.0 * float(np.arcsin(area / np.sqrt((1 + half[0] ** 2) * (1 + half[1] ** 2)))), forward, radiance
        )

    def tube(self, start: np.ndarray, end: np.ndarray, width_deg: float, radiance: np.ndarray) -> None:
        """Add a straight tube between two directions."""
        middle = unit(start + end)
        chord = end - start
        along = np.clip(((self.directions - start) @ chord) / max(float(chord @ chord), 1e-9), 0.0, 1.0)
        distance = np.linalg.norm(self.directions - (start + along[..., None] * chord), axis=-1)
        width = np.radians(width_deg)
        mask = ramp(distance, width / 2.0, 2.0 * self.pixel)
        length = 2.0 * float(np.arcsin(min(np.linalg.norm(chord) / 2.0, 1.0)))
        self.lamp(mask, width * (length + width), middle, radiance)


def bearing(azimuth_deg: float, elevation_deg: float) -> np.ndarray:
    """Unit vector; azimuth 0 is +Z, 90 is +X."""
    azimuth, elevation = np.radians(azimuth_deg), np.radians(elevation_deg)
    flat = np.cos(elevation)
    return np.array((flat * np.sin(azimuth), np.sin(elevation), flat * np.cos(azimuth)), np.float32)


def _frame(direction: np.ndarray, roll_deg: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Forward, right and up of a panel seen from the middle."""
    forward = unit(direction)
    helper = UP if abs(forward[1]) < 0.99 else np.array((0.0, 0.0, 1.0), np.float32)
    right = unit(np.cross(forward, helper))
    up = np.cross(right, forward)
    cos, sin = np.cos(np.radians(roll_deg)), np.sin(np.radians(roll_deg))
    return forward, cos * right + sin * up, cos * up - sin * right


def unit(vector: np.ndarray) -> np.ndarray:
    """A vector (3,) scaled to length 1."""
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def ramp(value: np.ndarray, limit: np.ndarray | float, width: float) -> np.ndarray:
    """1 well below the limit, 0 well above, linear over `width` around it."""
    return np.clip(0.5 + (limit - value) / width, 0.0, 1.0)
