"""Grain: measures how strong it is in a plate, and separates it from the picture.

Film and sensor noise grows with the signal (photon noise) on top of a floor (read noise), so its variance is taken as
offset + slope * level per channel. A neighbourhood that varies more than that holds detail, which is not grain.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..pictures.channels import along

WINDOW = 5  # px; grain is finer than this, shading is not
_BLOCK = 16
_BINS = 8
_CALM = 1.12  # the mean of block variances of white noise, divided by their 20 % quantile
_STRIP = 2 * _BLOCK
_MOST_PIXELS = 1_000_000


@dataclass(frozen=True)
class Noise:
    """Variance of the grain per channel: `offset + slope * level`, both (3,) float32, in the plate's units."""

    offset: np.ndarray
    slope: np.ndarray

    @property
    def silent(self) -> bool:
        """Whether there is no measurable grain, as in a clean render."""
        return not (self.offset.any() or self.slope.any())


def measure(rgb: np.ndarray) -> Noise:
    """Measure the noise of a picture.

    The second difference of Immerkaer (1996) does not respond to slopes. At each level of brightness, the noise is measured in
    the blocks that vary least.

    Args:
        rgb: (H, W, 3) float32 linear light; non-finite pixels and pixels without light are left out.
    """
    picture = _strips(rgb)
    picture = np.where(np.isfinite(picture), picture, 0).astype(np.float32, copy=False)
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32) / 6
    squared = cv2.filter2D(picture, -1, kernel, borderType=cv2.BORDER_REFLECT_101) ** 2
    levels, variances = _blocks(picture), _blocks(squared)
    offset, slope = np.zeros(3, np.float32), np.zeros(3, np.float32)
    for channel in range(3):
        offset[channel], slope[channel] = _fit(levels[:, channel], variances[:, channel])
    return Noise(offset, slope)


def split(rgb: np.ndarray, noise: Noise) -> np.ndarray:
    """The grain of a picture: the part that Wiener's filter (Lee 1980) removes from each pixel.

    Args:
        rgb: (H, W, 3) float32, finite.

    Returns:
        (H, W, 3) float32; `rgb` minus this is the base. Zero where the neighbourhood varies more than grain would.
    """
    size = (WINDOW, WINDOW)
    mean = cv2.boxFilter(rgb, -1, size, borderType=cv2.BORDER_REFLECT_101)
    variance = cv2.boxFilter(rgb * rgb, -1, size, borderType=cv2.BORDER_REFLECT_101)
    variance -= mean * mean
    expected = np.maximum(mean, 0)
    expected *= along(noise.slope, rgb.shape[1])
    expected += along(noise.offset, rgb.shape[1])
    # A variance of 25 samples is uncertain by a third. Up to twice the expected variance all of it is taken as grain; at three
    # times it, nothing is.
    variance /= np.maximum(expected, 1e-12, out=expected)
    share = np.clip(np.subtract(3, variance, out=variance), 0, 1, out=variance)
    return np.multiply(share, np.subtract(rgb, mean, out=mean), out=mean)


def _strips(rgb: np.ndarray) -> np.ndarray:
    """Strips of rows spread over the picture, a million pixels at most, which is enough for two numbers per channel."""
    height, width = rgb.shape[:2]
    strips = height // _STRIP
    step = max(1, round(strips * _STRIP * width / _MOST_PIXELS))
    chosen = [rgb[i * _STRIP : (i + 1) * _STRIP] for i in range(step // 2, strips, step)]
    return np.concatenate(chosen) if chosen else rgb


def _blocks(picture: np.ndarray) -> np.ndarray:
    height, width = (size // _BLOCK for size in picture.shape[:2])
    if height * width < _BINS:
        return np.zeros((0, 3), np.float32)
    cut = picture[: height * _BLOCK, : width * _BLOCK]
    return cut.reshape(height, _BLOCK, width, _BLOCK, 3).mean(axis=(1, 3)).reshape(-1, 3)


def _fit(levels: np.ndarray, variances: np.ndarray) -> tuple[float, float]:
    lit = levels > 0
    levels, variances = levels[lit].astype(np.float64), variances[lit].astype(np.float64)
    if levels.size < _BINS:
        return 0.0, 0.0
    edges = np.quantile(levels, np.linspace(0, 1, _BINS + 1))
    which = np.clip(np.searchsorted(edges, levels, "right") - 1, 0, _BINS - 1)
    bins = [b for b in range(_BINS) if (which == b).any()]
    x = np.array([levels[which == b].mean() for b in bins])
    y = np.array([np.quantile(variances[which == b], 0.2) for b in bins]) * _CALM
    scale = 1 / np.maximum(x, x.mean() * 1e-3)  # relative errors, so that dark blocks count as much as bright ones
    offset, slope = _at_least_zero(np.stack([np.ones_like(x), x], 1) * scale[:, None], y * scale)
    return float(offset), float(slope)


def _at_least_zero(columns: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The two numbers, zero or more, by which two `columns` (n, 2) add up to `wanted` (n,) with the least squared error.

    Two unknowns have three cases. The general solver, in `scipy.optimize`, takes longer to import than a frame to measure.
    """
    both = np.linalg.lstsq(columns, wanted, rcond=None)[0]
    if (both >= 0).all():
        return both
    alone = np.diag(np.maximum(columns.T @ wanted, 0) / (columns**2).sum(0))  # each row uses one column
    return alone[np.argmin([((columns @ one - wanted) ** 2).sum() for one in alone])]
