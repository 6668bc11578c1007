"""The environment as the camera sees it: view rays, and the radiance along them."""

from __future__ import annotations

import math

import numpy as np

from ..errors import ParameterError
from .environment import lookup, resize


def camera_rays(
    width: float,
    height: float,
    fov_degrees: float = 40.0,
    pixel_aspect: float = 1.0,
    window: tuple[float, float, int, int] | None = None,
) -> np.ndarray:
    """Unit vectors from the eye through the pixel centres, in camera space: X right, Y up, looking down -Z.

    Args:
        width, height: of the display window, px.
        fov_degrees: horizontal field of view of the display window, more than 0 and less than 180 deg.
        pixel_aspect: width of a pixel over its height.
        window: (x, y, width, height) of the requested pixels, in the display window's pixels, y down; it may lie outside.
            None is the display window.

    Returns:
        (H, W, 3) float32, H and W those of the window; row 0 is up.
    """
    if not 0 < fov_degrees < 180:
        raise ParameterError(f"the field of view must be more than 0 and less than 180 deg; got {fov_degrees}")
    if not pixel_aspect > 0:
        raise ParameterError(f"the pixel aspect must be more than 0; got {pixel_aspect}")
    left, top, columns, rows = window or (0, 0, round(width), round(height))
    focal = width / 2 / math.tan(math.radians(fov_degrees) / 2)  # px of the width
    rays = np.empty((rows, columns, 3), np.float32)
    rays[..., 0] = (left + np.arange(columns) + 0.5 - width / 2) / focal
    rays[..., 1] = ((height / 2 - top - np.arange(rows) - 0.5) / pixel_aspect / focal)[:, None]
    rays[..., 2] = -1
    return rays / np.sqrt(np.einsum("...k,...k", rays, rays))[..., None]


def focal_of(rays: np.ndarray) -> float:
    """The focal length, in pixels of the width, of a picture with the view rays (h, w, 3) in camera space (`camera_rays`)."""
    left, right = rays[0, 0, 0] / -rays[0, 0, 2], rays[0, -1, 0] / -rays[0, -1, 2]
    return (rays.shape[1] - 1) / max(float(right - left), 1e-6)


def backdrop(pixels: np.ndarray, rays: np.ndarray, rotation: np.ndarray | None = None) -> np.ndarray:
    """What the camera sees of a map: radiance along the rays.

    Args:
        pixels: (H, W, 3) float32, latitude-longitude.
        rays: (h, w, 3) unit, in world space: `camera_rays(...) @ camera.rotation.T`; for the default camera, the
            unchanged `camera_rays`.
        rotation: (3, 3) turn of the environment (`environment.rotation_matrix`); None leaves it.

    Returns:
        (h, w, 3) float32. A map finer than the rays is averaged down to them first, so that nothing flickers.
    """
    rows = round(math.pi / _spacing(rays))
    if pixels.shape[0] > 1.5 * rows:
        pixels = resize(pixels, max(rows, 4))
    return lookup(pixels, rays if rotation is None else rays @ np.asarray(rotation, np.float32))


def _spacing(rays: np.ndarray) -> float:
    """The angle between two neighbouring rays in the middle of the picture, radians."""
    row, column = rays.shape[0] // 2, rays.shape[1] // 2
    if rays.shape[1] < 2:
        return math.pi / 4
    return max(float(np.linalg.norm(rays[row, column] - rays[row, column - 1])), 1e-5)
