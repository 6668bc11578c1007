"""An environment as a few thousand distant lights, each at the centre of the light it represents.

Every sum over the sphere (irradiance, harmonics, reflection) uses them, so that a map of any size costs the same and a sun
smaller than a block keeps its exact direction.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .environment import AP1_LUMINANCE, integrate, overlap_matrix

BLOCK_ROWS = 64


@dataclass(frozen=True)
class Emitters:
    """N distant lights.

    `energy` is (N, 3) float32, radiance times solid angle. `directions` is (N, 3) float32, the luminance-weighted mean
    direction over the block, slightly shorter than 1 because a block is not a point: a cosine integrated over the
    block is exactly the dot product with it, unless the block is cut by the horizon.
    """

    energy: np.ndarray
    directions: np.ndarray


def emitters(pixels: np.ndarray, rows: int = BLOCK_ROWS) -> Emitters:
    """Gather a map into the blocks of a (rows, 2 rows) grid; black blocks are left out.

    Args:
        pixels: (H, W, 3) float32 radiance, a latitude-longitude map of any size.
    """
    height, width = pixels.shape[:2]
    columns = 2 * rows
    around = overlap_matrix(width, columns, lambda t: 2 * np.pi * t)
    energy = integrate(pixels, overlap_matrix(height, rows, lambda t: -np.cos(np.pi * t)), around)
    # These weights only affect the position of the light in its block; those of the working space would give the same picture.
    luminance = pixels @ np.asarray(AP1_LUMINANCE, np.float32)
    total = energy @ np.asarray(AP1_LUMINANCE, np.float32)
    moment = _moments(luminance[..., None], rows, columns)
    lit = total > 0
    return Emitters(energy[lit], (moment[lit] / total[lit, None]).astype(np.float32))


def _moments(luminance: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Integrals of luminance times direction over each block, (rows, columns, 3), exact for constant pixels."""
    height, width = luminance.shape[:2]
    # Antiderivatives along t = v of sin^2 and sin cos of theta, and along t = u of sin, cos and 1 of phi.
    level_rows = overlap_matrix(height, rows, lambda t: (np.pi * t - np.sin(np.pi * t) * np.cos(np.pi * t)) / 2)
    upward_rows = overlap_matrix(height, rows, lambda t: np.sin(np.pi * t) ** 2 / 2)
    sine = overlap_matrix(width, columns, lambda t: np.cos(2 * np.pi * (0.5 - t)))
    cosine = overlap_matrix(width, columns, lambda t: -np.sin(2 * np.pi * (0.5 - t)))
    around = overlap_matrix(width, columns, lambda t: 2 * np.pi * t)
    return np.concatenate(
        (
            integrate(luminance, level_rows, sine),
            integrate(luminance, upward_rows, around),
            integrate(luminance, level_rows, cosine),
        ),
        axis=-1,
    )
