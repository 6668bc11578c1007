"""How near one picture comes to the truth: PSNR, SSIM, both once the exposure is right, and the error in stops.

Pictures are (H, W, 3) float32 linear Rec.709, the place `inside` (H, W) bool. Display-encoded means the sRGB curve after
clipping to 0..1, at the exposure the numbers have: none is added.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

from ..pictures.curves import encode_srgb

LUMINANCE = np.array((0.2126, 0.7152, 0.0722), np.float32)  # ITU-R BT.709
FLOOR = 1e-3
"""Added before a logarithm: about seven stops under mid grey, where a display shows black."""

_SSIM_SIGMA, _SSIM_RADIUS = 1.5, 5  # a Gaussian window of 11 x 11, Wang et al. 2004
_SSIM_C1, _SSIM_C2 = 0.01**2, 0.03**2


def luminance(linear: np.ndarray) -> np.ndarray:
    """CIE Y of linear Rec.709, (H, W)."""
    return linear @ LUMINANCE


def stops(linear: np.ndarray) -> np.ndarray:
    """log2 of linear light over `FLOOR`; what is below black counts as black."""
    return np.log2(np.maximum(linear, 0) + FLOOR)


def psnr(pred: np.ndarray, truth: np.ndarray, inside: np.ndarray) -> float:
    """Peak signal-to-noise ratio in dB of the display-encoded pictures, over all pixels inside and their channels.

    Infinite when they are alike.
    """
    difference = encode_srgb(pred[inside]) - encode_srgb(truth[inside])
    error = float(np.mean(np.square(difference, dtype=np.float64)))
    return float("inf") if error == 0 else -10 * float(np.log10(error))


def alignment(pred: np.ndarray, truth: np.ndarray, inside: np.ndarray) -> float:
    """The one factor that brings `pred` nearest to `truth`: least squares on linear light.

    Only pixels whose truth a display does not clip take part, where there are any: else a few highlights would decide.
    1 where `pred` is black.
    """
    shown = inside & (truth <= 1).all(axis=-1)
    chosen = shown if shown.any() else inside
    p, t = pred[chosen].astype(np.float64), truth[chosen].astype(np.float64)
    energy = float(np.sum(p * p))
    return float(np.sum(p * t)) / energy if energy > 0 else 1.0


def ssim(pred: np.ndarray, truth: np.ndarray, inside: np.ndarray) -> float:
    """Structural similarity of the display-encoded pictures: mean of the map inside, 1 when they are alike.

    Gaussian window 11 x 11, sigma 1.5, C1 = 0.01^2, C2 = 0.03^2, range 1, population covariance, a channel at a time
    (Wang et al. 2004). Outside, the truth stands in for `pred`, so that windows over the edge judge what is inside.
    """
    a, b = encode_srgb(np.where(inside[..., None], pred, truth)), encode_srgb(truth)
    mean_a, mean_b = _window(a), _window(b)
    variance_a, variance_b = _window(a * a) - mean_a**2, _window(b * b) - mean_b**2
    covariance = _window(a * b) - mean_a * mean_b
    likeness = (2 * mean_a * mean_b + _SSIM_C1) * (2 * covariance + _SSIM_C2)
    likeness /= (mean_a**2 + mean_b**2 + _SSIM_C1) * (variance_a + variance_b + _SSIM_C2)
    return float(likeness[inside].mean())


def log_rmse(pred: np.ndarray, truth: np.ndarray, inside: np.ndarray) -> float:
    """Root mean square error of linear light in stops, over all channels; unlike PSNR it sees highlights and shadows."""
    return rms(stops(pred[inside]) - stops(truth[inside]))


def rms(values: np.ndarray) -> float:
    """The root mean square, computed in float64."""
    return float(np.sqrt(np.mean(np.square(values, dtype=np.float64))))


def _window(picture: np.ndarray) -> np.ndarray:
    return gaussian_filter(picture.astype(np.float64), _SSIM_SIGMA, radius=_SSIM_RADIUS, axes=(0, 1))
