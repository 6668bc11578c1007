"""The light in a mirror: unwraps a chrome ball, or any other mirror, into a map.

Each pixel is radiance from the direction that is reflected at its normal. Directions without a pixel are filled from their
neighbours, with more blur the further they are. The mirror is taken to reflect all light, unless `reflectance` is given.
"""

from __future__ import annotations

import cv2
import numpy as np

from ..errors import InputError
from .environment import direction_to_uv, resize, solid_angles, splat
from .reflection import reflected

ROWS = 64
FINE = 4  # factor of the finer map into which pixels are placed, so that they are not blurred before averaging
MINIMUM_PIXELS = 64


def unwrap(
    rgb: np.ndarray,
    normals: np.ndarray,
    rays: np.ndarray,
    weights: np.ndarray,
    *,
    reflectance: float = 1.0,
    rows: int = ROWS,
) -> np.ndarray:
    """Unwrap the reflection in a mirror.

    Args:
        rgb: (..., 3) un-premultiplied, scene-linear, working space.
        normals: (..., 3) unit, world space.
        rays: (..., 3) unit, from the eye outward, world space.
        weights: (...) of the mirror's matte; pixels below 0.9 are ignored, because their colour is mixed.
        reflectance: share of the light that the mirror reflects, above 0 to 1.
        rows: rows of the map.

    Returns:
        (rows, 2 rows, 3) float32 radiance, a latitude-longitude map.

    Raises:
        InputError: fewer than 64 usable pixels, or all of them black.
    """
    rgb, normals, rays = (np.asarray(a, np.float32).reshape(-1, 3) for a in (rgb, normals, rays))
    weights = np.asarray(weights, np.float32).ravel()
    toward = np.einsum("nk,nk->n", rays, normals)
    kept = (weights > 0.9) & np.isfinite(rgb).all(-1) & np.isfinite(normals).all(-1) & (toward < 0)
    if kept.sum() < MINIMUM_PIXELS:
        raise InputError(
            f"only {int(kept.sum())} pixels of a mirror have a matte, a normal and a finite colour;"
            f" unwrapping it needs {MINIMUM_PIXELS}: check the matte and the normals"
        )
    light = np.maximum(rgb[kept], 0) / np.float32(reflectance)
    if not light.any():
        raise InputError("the mirror is black inside the matte, so it shows no light")
    uv = direction_to_uv(reflected(rays[kept], normals[kept]))
    height, width = rows * FINE, 2 * rows * FINE
    laid = splat(np.concatenate((light, np.ones((len(light), 1), np.float32)), -1), uv, height, width).astype(
        np.float32
    )
    return resize(_filled(laid, height, width), rows)


def _filled(laid: np.ndarray, height: int, width: int) -> np.ndarray:
    """Means where there are pixels; elsewhere normalised convolution with increasingly wide Gaussians."""
    area = (solid_angles(height, width) / solid_angles(height, width).max()).astype(np.float32)[:, None, None]
    sums = laid * np.where(laid[..., 3:] > 0, area, 0)
    mean = laid[..., :3] / np.maximum(laid[..., 3:], 1e-6)
    out, open_ = mean.copy(), laid[..., 3] < 1e-3
    for sigma in (1.5, 4.0, 12.0, 40.0, 120.0):
        wide = np.concatenate((sums, sums, sums), axis=1)
        wide = cv2.GaussianBlur(wide, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)[:, width : 2 * width]
        reached = open_ & (wide[..., 3] > 1e-4)
        out[reached] = wide[reached][:, :3] / wide[reached][:, 3:]
        open_ &= ~reached
    out[open_] = sums[..., :3].sum(axis=(0, 1)) / max(float(sums[..., 3].sum()), 1e-9)
    return out
