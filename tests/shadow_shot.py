"""A ball before a wall, with normals and depth, under a soft light; and a map with a sun, for the ball's shadow on the wall."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from relamp.core.light.backdrop import camera_rays
from relamp.core.light.environment import direction_to_uv
from relamp.core.light.irradiance import irradiance
from shots import Shot, soft_light, write_exr

FOV = 40.0
CENTRE, RADIUS, WALL = np.array([0.15, 0.1, -5.0]), 0.5, -6.0
SUN = np.array([0.55, 0.35, 0.75]) / np.linalg.norm([0.55, 0.35, 0.75])
CHANNELS = ("R", "G", "B", "N.X", "N.Y", "N.Z", "depth.Z")


def sunny(ambient: float = 0.3, height: int = 64) -> np.ndarray:
    """An even sky with one hot pixel toward `SUN`."""
    pixels = np.full((height, 2 * height, 3), ambient, np.float32)
    u, v = direction_to_uv(SUN)
    pixels[int(v * height), int(u * 2 * height)] = (1800.0, 1500.0, 1200.0)
    return pixels


def scene(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Normals (S, S, 3) in camera space and planar depth (S, S)."""
    rays = camera_rays(size, size, FOV).astype(np.float64)
    middle = rays @ CENTRE
    inside = middle**2 - CENTRE @ CENTRE + RADIUS**2
    near = middle - np.sqrt(np.maximum(inside, 0))
    ball = np.where(inside[..., None] > 0, rays * near[..., None] - CENTRE, 0) / RADIUS
    normals = np.where(inside[..., None] > 0, ball, [0, 0, 1])
    depth = np.where(inside > 0, near * -rays[..., 2], -WALL)
    return normals.astype(np.float32), depth.astype(np.float32)


def pixel(point: np.ndarray, size: int) -> tuple[int, int]:
    """Row and column of a camera-space point."""
    focal = size / 2 / np.tan(np.radians(FOV / 2))
    return int(size / 2 + focal * point[1] / point[2]), int(size / 2 - focal * point[0] / point[2])


def places(size: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """Pixels of the wall in the middle of the ball's shadow, and opposite it in the sun."""
    shadow = CENTRE - SUN * ((CENTRE[2] - WALL) / SUN[2])
    return pixel(shadow, size), pixel(np.array([-shadow[0], shadow[1], WALL]), size)


class ShadowShot(Shot):
    """One frame of it: `env_a` is the plate's light, `env_b` the map with the sun, `shaded` and `open` are pixels of the wall."""

    def __init__(self, folder: Path, kind: str = "half", size: int = 96) -> None:
        self.folder = folder
        self.plate = str(folder / "plate.####.exr")
        self.out = str(folder / "out" / "relit.####.exr")
        self.env_a = str(write_exr(folder / "a.exr", soft_light((0.0, 0.3, 1.0)), ("R", "G", "B")))
        self.env_b = str(write_exr(folder / "b.exr", sunny(), ("R", "G", "B")))
        normals, depth = scene(size)
        light = irradiance(soft_light((0.0, 0.3, 1.0)), normals) / np.pi * 0.4
        write_exr(self.plate_frame(1001), np.concatenate([light, normals, depth[..., None]], -1), CHANNELS, kind)
        self.shaded, self.open = places(size)
