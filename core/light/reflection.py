"""Glossy reflection of an environment: maps blurred by a GGX lobe.

The first half of the split sum (Karis 2013, "Real Shading in Unreal Engine 4"): view, normal and reflection are taken as
one while blurring, so the lobe depends on one angle only, and each map is a convolution that keeps a uniform light
uniform. Roughness is perceptual, alpha = roughness^2 (Burley 2012; USD Preview Surface, glTF).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ..errors import ParameterError
from .emitters import emitters
from .environment import direction_to_uv, directions, lookup, splat
from .octahedral import octahedral_directions

ROWS = 128
ROUGHNESSES = (0.1, 0.3, 0.6)


def prefilter(pixels: np.ndarray, roughness: float) -> np.ndarray:
    """The map as reflected by a surface of this roughness.

    Args:
        pixels: (H, W, 3) float32 radiance, latitude-longitude.
        roughness: 0 to 1; below about 0.1 the pixel size of the result (1.4 degrees) is the limit.

    Returns:
        (128, 256, 3) float32 radiance by reflected direction; a uniform map of 1 stays 1.
    """
    return _blur(_spectrum(pixels), roughness)


def reflection_tables(
    pixels: np.ndarray, roughnesses: tuple[float, ...] = ROUGHNESSES, size: int = 256
) -> list[np.ndarray]:
    """One octahedral table (size, size, 3) for each roughness, for `sample_table(table, reflected(rays, normals))`."""
    spectrum = _spectrum(pixels)
    d = octahedral_directions(size)
    return [lookup(_blur(spectrum, roughness), d) for roughness in roughnesses]


def reflected(rays: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """The reflected direction, (..., 3) float32.

    Args:
        rays: (..., 3) unit, from the eye outward (`backdrop.camera_rays`).
        normals: (..., 3) unit, in the same space as the rays; non-finite values stay non-finite.
    """
    rays, normals = np.asarray(rays, np.float32), np.asarray(normals, np.float32)
    with np.errstate(all="ignore"):  # invalid normals are expected in a plate
        return rays - 2 * np.einsum("...k,...k", rays, normals)[..., None] * normals


def _spectrum(pixels: np.ndarray) -> np.ndarray:
    """Fourier transform along the rows of the map's energy on the grid of the result, (129, 128, 3) complex64."""
    return np.fft.rfft(_grid_energy(pixels), axis=1).transpose(1, 0, 2).astype(np.complex64)


def _grid_energy(pixels: np.ndarray) -> np.ndarray:
    """The map's energy on the grid of the result, (128, 256, 3)."""
    lights = emitters(pixels, ROWS)
    # Parcels at their exact directions, so that a sun between two pixels does not move to one of them.
    return splat(lights.energy, direction_to_uv(lights.directions), ROWS, 2 * ROWS)


def _blur(spectrum: np.ndarray, roughness: float) -> np.ndarray:
    """Each row of the result is a sum of circular convolutions of the rows of the map: products of their transforms."""
    blurred = (_lobe(float(roughness)) @ spectrum).transpose(1, 0, 2)  # (129, 128, 128) @ (129, 128, 3)
    out = np.fft.irfft(blurred, n=2 * ROWS, axis=1).astype(np.float32)
    return np.maximum(out, 0)  # only rounding of the transform can be negative, because energy and lobe are not


@lru_cache(maxsize=16)
def _lobe(roughness: float) -> np.ndarray:
    """Transform along azimuth of the lobe between every two rows, normalised, (129, 128, 128) complex64."""
    if not 0 <= roughness <= 1:
        raise ParameterError(f"roughness must be 0 to 1; got {roughness}")
    grid = directions(ROWS, 2 * ROWS).astype(np.float64)
    ahead = grid[:, (ROWS + np.arange(ROWS + 1)) % (2 * ROWS)]  # half a turn, because the lobe is even
    cosine = np.einsum("ik,jak->aij", grid[:, ROWS], ahead)
    # A lobe narrower than the grid would fall between its pixels, so it is at least half a pixel wide.
    alpha = np.hypot(roughness**2, np.pi / ROWS / 2)
    half_vector = (1 + cosine) / 2  # (n.h)^2 with n = r
    weight = np.maximum(cosine, 0) / (1 + (alpha**2 - 1) * half_vector) ** 2
    weight = np.concatenate((weight, weight[-2:0:-1]))
    weight /= np.einsum("aij,j->i", weight, _uniform_energy())[None, :, None]
    return np.fft.rfft(weight, axis=0).astype(np.complex64)


def _uniform_energy() -> np.ndarray:
    """Energy per pixel of each row for a uniform map of 1, (128,): solid angles, but for the rows at the poles."""
    return _grid_energy(np.ones((ROWS, 2 * ROWS, 3), np.float32))[..., 0].mean(axis=1)
