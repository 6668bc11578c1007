"""The enlargement of a residual from the working size to the frame's, guided by the full-size normals, depth and matte.

In each window of the working size the residual is fitted as a linear function of the guide's channels; the coefficients are
enlarged, and not the residual. Everything is float32, (H, W, C).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True)
class GuidedResidual:
    """A coarse residual as a local linear function of the guide: (h, w, G + 1, 3) float32, the constant last."""

    coefficients: np.ndarray


@dataclass(frozen=True)
class Guide:
    """What a coarse residual is fitted to so that it can be enlarged along the guide's edges; the same for every residual.

    The guided filter (He, Sun & Tang 2013) with several guide channels: in each window the residual is a linear function
    of the guide, least squares weighted by the matte. `planes` (h, w, G + 1) are the guide, the constant last; `weight` is
    (h, w, 1); `inverse` (h, w, G + 1, G + 1) solves a window.
    """

    planes: np.ndarray
    weight: np.ndarray
    inverse: np.ndarray
    size: tuple[int, int]

    @classmethod
    def of(cls, guide: np.ndarray, weight: np.ndarray, radius: int = 3) -> Guide:
        """Make a guide ready.

        Args:
            guide: (h, w, G) at the working size: normals, depth and matte. A channel that should not influence the fit is
                left out or scaled down.
            weight: (h, w) of the matte; where it is 0 the residual is ignored.
        """
        ones = np.ones((*guide.shape[:2], 1), np.float32)
        x = np.concatenate([guide, ones], -1)
        w = (weight + 1e-4)[..., None]
        size = (2 * radius + 1, 2 * radius + 1)
        n = x.shape[-1]
        products = np.concatenate([w * x[..., i : i + 1] * x for i in range(n)], -1)
        matrix = _box(products, size).reshape(*guide.shape[:2], n, n)
        mass = matrix[..., -1, -1]
        # The ridge acts on the slopes only. A flat guide gives the window's mean instead of an unstable slope.
        ridge = np.diag([1e-2] * (n - 1) + [0]).astype(np.float32)
        inverse = np.linalg.inv((matrix + mass[..., None, None] * ridge).astype(np.float64))
        return cls(x, w, inverse.astype(np.float32), size)

    def fit(self, residual: np.ndarray) -> GuidedResidual:
        """Fit a residual, (h, w, 3) log gain at the working size."""
        x, n = self.planes, self.planes.shape[-1]
        lit = self.weight * residual
        targets = np.concatenate([x[..., i : i + 1] * lit for i in range(n)], -1)
        right = _box(targets, self.size).reshape(*x.shape[:2], n, 3)
        solved = self.inverse @ right
        smooth = _box(solved.reshape(*x.shape[:2], -1), self.size)
        return GuidedResidual(smooth.reshape(*x.shape[:2], n, 3))


def guide_residual(residual: np.ndarray, guide: np.ndarray, weight: np.ndarray, radius: int = 3) -> GuidedResidual:
    """`Guide.fit` for a guide that is used once."""
    return Guide.of(guide, weight, radius).fit(residual)


def enlarge_residual(guided: GuidedResidual, guide: np.ndarray, rows: slice, height: int) -> np.ndarray:
    """The residual at full size for `rows`: the coefficients are enlarged bilinearly, then applied to the full-size guide.

    Args:
        guide: (n, W, G), the full-size guide of `rows` only.
        rows: which rows of the `height` full-size rows; the result for a row does not depend on the slice.

    Returns:
        (n, W, 3) log gain.
    """
    coarse = guided.coefficients
    h, w, n, channels = coarse.shape
    wide = enlarged_rows(coarse.reshape(h, w, n * channels), rows, (height, guide.shape[1]))
    out = wide[..., -channels:].copy()
    for i in range(n - 1):
        out += guide[..., i : i + 1] * wide[..., channels * i : channels * (i + 1)]
    return out


def enlarged_rows(planes: np.ndarray, rows: slice, shape: tuple[int, int]) -> np.ndarray:
    """Some rows (n, W, C) of planes (h, w, C) enlarged bilinearly to `shape` (H, W); unchanged if the planes have that size."""
    h, w = planes.shape[:2]
    if (h, w) == shape:
        return planes[rows]
    y = (np.arange(rows.start, rows.stop) + 0.5) * (h / shape[0]) - 0.5
    low = np.clip(np.floor(y).astype(int), 0, h - 1)
    high = np.minimum(low + 1, h - 1)
    t = np.clip(y - low, 0, 1).astype(np.float32)[:, None, None]
    return _widen(planes[low] * (1 - t) + planes[high] * t, shape[1])


def _box(stack: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    planes = [cv2.blur(np.ascontiguousarray(stack[..., i]), size) for i in range(stack.shape[-1])]
    return np.stack(planes, -1)


def _widen(lines: np.ndarray, width: int) -> np.ndarray:
    """Rows (n, w, C) enlarged bilinearly to (n, width, C)."""
    wide = cv2.resize(np.ascontiguousarray(lines), (width, len(lines)), interpolation=cv2.INTER_LINEAR)
    return wide.reshape(len(lines), width, -1)
