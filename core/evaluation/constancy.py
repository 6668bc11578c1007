"""What a new light must not change: fine detail, the hue of what is lit white, the sharpness of edges.

A true change of light moves these a little too (a new shadow has an edge), so each is also measured on the truth.
Pictures are (H, W, 3) float32 linear Rec.709.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.ndimage import convolve, distance_transform_edt, gaussian_filter

from ..pictures.curves import encode_srgb
from .metrics import luminance, stops

DETAIL_SIGMA = 2.0
"""px: finer than this is detail, coarser is light."""
BAND = 8
"""px on both sides of the matte's edge in which sharpness is measured."""
WHITE = 1.1
"""Light that changes alike in all channels, within this factor, changes by white."""

_LAPLACIAN = np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]], np.float64)
_SOBEL = np.outer([1, 2, 1], [-1, 0, 1]) / 8.0
_LEAST = 16  # pixels; fewer are not measured

# Linear Rec.709 to Oklab, Ottosson 2020, columns as published.
_TO_LMS = np.array([[0.4122214708, 0.5363325363, 0.0514459929],
                    [0.2119034982, 0.6806995451, 0.1073969566],
                    [0.0883024619, 0.2817188376, 0.6299787005]])  # fmt: skip
_LMS_TO_AB = np.array([[1.9779984951, -2.4285922050, 0.4505937099], [0.0259040371, 0.7827717662, -0.8086757660]])


class Sharpness(NamedTuple):
    """Of the display-encoded luma in a band along an edge: variance of its Laplacian, mean squared Sobel gradient."""

    laplacian: float
    tenengrad: float


def detail_correlation(picture: np.ndarray, plate: np.ndarray, inside: np.ndarray) -> float | None:
    """Pearson correlation of the fine detail of two pictures' log luminance, -1 to 1.

    Detail is what a Gaussian of `DETAIL_SIGMA` px takes away; the blur stays inside, so edges against the background do not
    count. None where either has no detail.
    """
    a, b = (_detail(luminance(p), inside) for p in (picture, plate))
    spread = float(np.sqrt(np.mean(a * a) * np.mean(b * b)))
    return float(np.mean(a * b)) / spread if spread > 1e-9 else None


def hue_drift(picture: np.ndarray, plate: np.ndarray, truth: np.ndarray, inside: np.ndarray) -> float | None:
    """Mean turn of the hue against the plate, in degrees of Oklab, where the light truly changed by white alone.

    Weighted by the plate's chroma, since grey has no hue. None where no light changed by white, or all of it is grey.
    """
    gain = stops(truth) - stops(plate)
    white = inside & (np.ptp(gain, axis=-1) < np.log2(WHITE))
    if white.sum() < _LEAST:
        return None
    before, after = _chroma(plate[white]), _chroma(picture[white])
    weight = np.abs(before)
    if weight.mean() < 1e-3:
        return None
    turned = np.abs(np.angle(after * np.conj(before)))
    return float(np.degrees(np.sum(weight * turned) / weight.sum()))


def sharpness(picture: np.ndarray, inside: np.ndarray) -> Sharpness | None:
    """The sharpness of the picture along the edge of the matte, within `BAND` px on both sides; None where the matte has no edge.

    Laplacian variance (Pech-Pacheco et al. 2000) and Tenengrad (Krotkov 1988), on display-encoded luma of 0..1.
    """
    if inside.all() or not inside.any():
        return None
    band = np.logical_and(*(np.asarray(distance_transform_edt(side)) <= BAND for side in (inside, ~inside)))
    luma = encode_srgb(luminance(picture)).astype(np.float64)
    across, down = convolve(luma, _SOBEL), convolve(luma, _SOBEL.T)
    return Sharpness(float(convolve(luma, _LAPLACIAN)[band].var()), float((across**2 + down**2)[band].mean()))


def _detail(y: np.ndarray, inside: np.ndarray) -> np.ndarray:
    log_y = stops(y).astype(np.float64)
    weight = gaussian_filter(inside.astype(np.float64), DETAIL_SIGMA)
    blurred = gaussian_filter(log_y * inside, DETAIL_SIGMA) / np.maximum(weight, 1e-6)
    detail = (log_y - blurred)[inside]
    return detail - detail.mean()


def _chroma(linear: np.ndarray) -> np.ndarray:
    """The two chroma coordinates of Oklab as a complex number, a + ib."""
    a_b = np.cbrt(np.maximum(linear, 0).astype(np.float64) @ _TO_LMS.T) @ _LMS_TO_AB.T
    return a_b[..., 0] + 1j * a_b[..., 1]
