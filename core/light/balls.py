"""Pictures of a matt grey ball and a chrome ball in a light, for the panel."""

from __future__ import annotations

import numpy as np

from .environment import lookup
from .octahedral import sample_table
from .reflection import reflected

GREY_REFLECTANCE = 0.18


def ball_normals(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Camera-space normals of a ball that fills a square picture, (S, S, 3), and its coverage, (S, S) float32."""
    steps = (2 * (np.arange(size) + 0.5) / size - 1).astype(np.float32)
    x, y = np.meshgrid(steps, -steps)
    radius = np.hypot(x, y)
    coverage = np.clip((1 - radius) * size / 2 + 0.5, 0, 1)
    inside = np.minimum(1, 0.9999 / np.maximum(radius, 1e-6))  # the rim's pixels take the normal of the rim
    normals = np.stack((x * inside, y * inside, np.sqrt(np.maximum(1 - (radius * inside) ** 2, 0))), axis=-1)
    return normals, coverage.astype(np.float32)


def grey_and_chrome(table: np.ndarray, pixels: np.ndarray, camera_to_map: np.ndarray, size: int) -> np.ndarray:
    """Draw both balls, seen by an orthographic camera.

    Args:
        table: (S, S, 3), the value of a white matt surface by its camera-space normal (`Light.turned`).
        pixels: (H, 2H, 3) radiance of the same light in the axes of its map, in the same units.
        camera_to_map: (3, 3), takes camera-space directions into the map.
        size: px of a ball.

    Returns:
        (size, 2 size, 4) float32: grey then chrome, scene-linear, coverage in the last channel.
    """
    normals, coverage = ball_normals(size)
    grey = sample_table(table, normals) * np.float32(GREY_REFLECTANCE)
    ahead = np.broadcast_to(np.array((0, 0, -1), np.float32), normals.shape)
    chrome = lookup(pixels, reflected(ahead, normals) @ camera_to_map.T.astype(np.float32))
    pictures = [np.concatenate((ball, coverage[..., None]), -1) for ball in (grey, chrome)]
    return np.concatenate(pictures, axis=1).astype(np.float32)
