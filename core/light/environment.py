"""Latitude-longitude environment maps: directions, rotation and resizing without loss of light.

This is the only definition of directions. Right-handed, +Y up, seen from inside, row 0 is up. For a unit direction
(x, y, z)::

    u = 0.5 - atan2(x, z) / (2 pi)      0 to 1, left to right
    v = acos(y) / pi                    0 to 1, top to bottom

so the centre of the image is +Z, a quarter from the left is +X, both edges are -Z: OpenEXR's latlong, USD's DomeLight,
Mitsuba's envmap. Pixel (i, j) has its centre at u = (j + 0.5) / W, v = (i + 0.5) / H. Directions are row vectors in the
last axis of an array; matrices act on column vectors, so a turned array is `d @ M.T`.

Pixels are (H, W, 3) float32 radiance in the working space, zero or more, unclamped: suns of 1e6 are ordinary.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import ArrayLike

from ..errors import ParameterError
from .sampling import bilinear

if TYPE_CHECKING:
    pass

AT_ONCE = 1024  # columns of a product at a time, so that temporaries stay in cache

# Luminance weights of ACEScg (AP1, D60): SMPTE ST 2065-1 primaries to XYZ, second row.
AP1_LUMINANCE = (0.2722287168, 0.6740817658, 0.0536895174)


def directions(height: int, width: int) -> np.ndarray:
    """Unit directions of the pixel centres of a map, (H, W, 3) float32."""
    theta = np.pi * (np.arange(height) + 0.5) / height
    phi = 2 * np.pi * (0.5 - (np.arange(width) + 0.5) / width)
    out = np.empty((height, width, 3), np.float32)
    out[..., 0] = np.outer(np.sin(theta), np.sin(phi))
    out[..., 1] = np.cos(theta)[:, None]
    out[..., 2] = np.outer(np.sin(theta), np.cos(phi))
    return out


def directions_at(rows: np.ndarray, columns: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Unit directions of some pixels of a map of `size` (H, W), (..., 3) float64."""
    theta = np.pi * (rows + 0.5) / size[0]
    phi = 2 * np.pi * (0.5 - (columns + 0.5) / size[1])
    return np.stack((np.sin(theta) * np.sin(phi), np.cos(theta), np.sin(theta) * np.cos(phi)), axis=-1)


def solid_angles(height: int, width: int) -> np.ndarray:
    """Solid angle of one pixel of each row, (H,) float64 steradians; times W they sum to 4 pi."""
    edges = np.cos(np.pi * np.arange(height + 1) / height)
    return 2 * np.pi / width * (edges[:-1] - edges[1:])


def direction_to_uv(d: np.ndarray) -> np.ndarray:
    """Image coordinates (u, v) in 0 to 1 of directions of any length, (..., 3) to (..., 2) float32.

    NaN where a direction is not finite.
    """
    x, y, z = (np.asarray(d[..., k], np.float32) for k in range(3))
    out = np.empty((*x.shape, 2), np.float32)
    out[..., 0] = 0.5 - np.arctan2(x, z) / np.float32(2 * np.pi)
    out[..., 1] = np.arctan2(np.hypot(x, z), y) / np.float32(np.pi)  # acos(y), exact at the poles, for any length
    infinite = np.isinf(x) | np.isinf(y) | np.isinf(z)
    if infinite.any():
        out[infinite] = np.nan
    return out


def lookup(pixels: np.ndarray, d: np.ndarray) -> np.ndarray:
    """Radiance from directions, bilinear between pixel centres, around the seam, held at the poles.

    Args:
        pixels: (H, W, 3) float32.
        d: (..., 3), any length.

    Returns:
        (..., 3) float32; 0 where a direction is not finite.
    """
    height, width = pixels.shape[:2]
    uv = direction_to_uv(np.asarray(d))
    wrapped = np.concatenate((pixels[:, -1:], pixels, pixels[:, :1]), axis=1)
    return bilinear(wrapped, uv[..., 0] * width + 0.5, uv[..., 1] * height - 0.5)


def rotation_matrix(rx: float, ry: float, rz: float) -> np.ndarray:
    """The matrix of `env_rotate`, M = Ry Rx Rz on column vectors (Nuke's and USD's ZXY), (3, 3) float64; degrees.

    It turns the environment: a light at +Z goes to +X (left in the image) with ry = 90, and a lookup along d reads the
    map at M^-1 d.
    """
    (cx, cy, cz), (sx, sy, sz) = np.cos(np.radians((rx, ry, rz))), np.sin(np.radians((rx, ry, rz)))
    about_x = np.array(((1, 0, 0), (0, cx, -sx), (0, sx, cx)))
    about_y = np.array(((cy, 0, sy), (0, 1, 0), (-sy, 0, cy)))
    about_z = np.array(((cz, -sz, 0), (sz, cz, 0), (0, 0, 1)))
    return about_y @ about_x @ about_z


def rotate(pixels: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Turn a map: the result shows at d what `pixels` shows at M^-1 d, with the same total energy in each channel.

    Suns smaller than a few pixels would gain or lose light in a resampling lookup. They are removed and moved as parcels of
    energy, and only the remaining map is resampled.

    Args:
        pixels: (H, W, 3) float32.
        matrix: (3, 3) rotation on column vectors, as `rotation_matrix` gives.

    Returns:
        (H, W, 3) float32, the same size.
    """
    matrix = np.asarray(matrix, np.float64)
    if matrix.shape != (3, 3) or not np.allclose(matrix @ matrix.T, np.eye(3), atol=1e-4):
        raise ParameterError(f"an environment is turned by a 3 x 3 rotation matrix; got {matrix.tolist()}")
    if np.allclose(matrix[1], (0, 1, 0), atol=1e-9):
        return _rotate_yaw(pixels, np.arctan2(matrix[0, 2], matrix[0, 0]))
    base = _without_peaks(pixels)
    turned = _gather(base, matrix)
    before, after = _energy(base), _energy(turned)
    turned *= np.divide(before, after, out=np.ones(3), where=after > 0).astype(np.float32)
    return turned + _move_parcels(pixels - base, matrix)


def resize(pixels: np.ndarray, height: int) -> np.ndarray:
    """Resize a map to (height, 2 height, 3) by area, weighted with solid angle; keeps the energy, at any ratio."""
    if height < 1:
        raise ParameterError(f"the height of an environment must be 1 or more; got {height}")
    rows = overlap_matrix(pixels.shape[0], height, lambda t: -np.cos(np.pi * t) * 2 * np.pi)
    columns = overlap_matrix(pixels.shape[1], 2 * height, lambda t: t)
    energy = integrate(pixels, rows, columns)
    return (energy / solid_angles(height, 2 * height)[:, None, None]).astype(np.float32)


def mean_radiance(pixels: np.ndarray) -> np.ndarray:
    """Mean radiance over the sphere, (3,) float64."""
    return _energy(pixels) / (4 * np.pi)


def level(pixels: np.ndarray, luminance_weights: ArrayLike = AP1_LUMINANCE) -> float:
    """The level of a light: luminance of its mean radiance over the sphere; 1 for a uniform white map of 1."""
    return float(mean_radiance(pixels) @ np.asarray(luminance_weights, np.float64))


@dataclass(frozen=True)
class Overlap:
    """A sparse matrix (target, source): row i has `values` (N,) float32 at the columns `cells` (N,), from `starts[i]` on.

    SciPy has sparse matrices, but importing it takes longer than most maps.
    """

    values: np.ndarray
    cells: np.ndarray
    starts: np.ndarray

    def __matmul__(self, rows: np.ndarray) -> np.ndarray:
        """The product (target, n) with `rows` (source, n) float32; each sum is taken in the order of the cells."""
        out = np.zeros((len(self.starts), rows.shape[1]), np.float32)
        for start in range(0, rows.shape[1], AT_ONCE):
            self._add(rows[:, start : start + AT_ONCE], out[:, start : start + AT_ONCE])
        return out

    def _add(self, rows: np.ndarray, sums: np.ndarray) -> None:
        counts = np.diff(self.starts, append=len(self.values))
        each = int(counts.max())
        regular = len(self.values) == len(rows) == each * len(sums)  # whole cells, the same number in each row
        for nth in range(each):
            longer = slice(None) if counts.min() > nth else np.flatnonzero(counts > nth)
            at = self.starts[longer] + nth
            sums[longer] += (rows[nth::each] if regular else rows[self.cells[at]]) * self.values[at, None]


def overlap_matrix(source: int, target: int, integral: Callable[[np.ndarray], np.ndarray]) -> Overlap:
    """Integrals of a function over the overlaps of `source` and `target` equal cells of 0 to 1.

    Args:
        integral: its antiderivative, on float64 arrays.

    Returns:
        (target, source). Each cell of the source is distributed completely, so sums are kept.
    """
    # Edges as whole numbers of 1 / (source * target): cells that coincide do so exactly.
    edges = np.union1d(np.arange(source + 1) * target, np.arange(target + 1) * source)
    values = np.diff(integral(edges / (source * target))).astype(np.float32)
    return Overlap(values, edges[:-1] // target, np.searchsorted(edges[:-1] // source, np.arange(target)))


def integrate(pixels: np.ndarray, rows: Overlap, columns: Overlap) -> np.ndarray:
    """Apply an `overlap_matrix` to the rows and one to the columns of (H, W, C); gives (h, w, C) float32."""
    height, width, channels = pixels.shape
    flat = np.ascontiguousarray(pixels, np.float32).reshape(height, width * channels)
    across = (rows @ flat).reshape(-1, width, channels)  # (h, W, C)
    height = len(across)
    done = columns @ across.transpose(1, 0, 2).reshape(width, -1)  # (w, h C)
    return np.ascontiguousarray(done.reshape(-1, height, channels).transpose(1, 0, 2))


def splat(energy: np.ndarray, uv: np.ndarray, height: int, width: int) -> np.ndarray:
    """Distribute parcels of energy among the four nearest pixels of a map; their sum is kept.

    Args:
        energy: (N, C).
        uv: (N, 2) image coordinates.

    Returns:
        (height, width, C) float64 energy per pixel.
    """
    x, y = uv[:, 0].astype(np.float64) * width - 0.5, np.clip(uv[:, 1].astype(np.float64) * height - 0.5, 0, height - 1)
    left, top = np.floor(x), np.floor(y)
    out = np.zeros((height * width, energy.shape[1]))
    for row, row_weight in ((top, 1 - (y - top)), (top + 1, y - top)):
        for column, weight in ((left, 1 - (x - left)), (left + 1, x - left)):
            index = np.minimum(row, height - 1).astype(np.int64) * width + column.astype(np.int64) % width
            for channel in range(energy.shape[1]):
                shares = energy[:, channel] * row_weight * weight
                out[:, channel] += np.bincount(index, shares, minlength=height * width)
    return out.reshape(height, width, -1)


def _energy(pixels: np.ndarray) -> np.ndarray:
    return solid_angles(*pixels.shape[:2]) @ pixels.sum(axis=1, dtype=np.float64)


def _rotate_yaw(pixels: np.ndarray, radians: float) -> np.ndarray:
    """Turn a map about +Y by shifting its rows: exact for whole pixels, and each row keeps its energy for any angle."""
    shift = radians / (2 * np.pi) * pixels.shape[1]
    whole = int(np.floor(shift + 1e-6))
    part = max(shift - whole, 0.0)
    near = np.roll(pixels, -whole, axis=1)
    if part < 1e-5:
        return near
    return (near * np.float32(1 - part) + np.roll(near, -1, axis=1) * np.float32(part)).astype(np.float32)


def _without_peaks(pixels: np.ndarray) -> np.ndarray:
    """The map with everything of a few pixels cut to twice the median of its 5 x 5 neighbours."""
    over_poles = np.roll(pixels, pixels.shape[1] // 2, axis=1)  # neighbours across the poles
    last = len(pixels) - 1
    above, below = over_poles[[min(1, last), 0]], over_poles[[last, max(last - 1, 0)]]
    padded = np.concatenate((above, pixels, below), axis=0)
    padded = np.concatenate((padded[:, -2:], padded, padded[:, :2]), axis=1)
    median = cv2.medianBlur(np.ascontiguousarray(padded), 5)[2:-2, 2:-2]
    base = np.minimum(pixels, 2 * median)
    # Only pixels that hold a millionth of the light are removed, so that grain of a large map does not make many parcels.
    worth = 1e-6 * _energy(pixels).max() / solid_angles(*pixels.shape[:2])
    lifted = (pixels - base).max(axis=-1) > worth[:, None]
    return np.where(lifted[..., None], base, pixels)


def _gather(pixels: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Resample by lookup, averaging 2 x 2 positions per pixel where the map is so small that this matters."""
    height, width = pixels.shape[:2]
    samples = 2 if height <= 1024 else 1
    back = matrix.astype(np.float32)  # M^-1 d is d @ M for rows
    out = np.empty_like(pixels)
    grid = directions(height * samples, width * samples)
    for top in range(0, height, 64):
        bottom = min(top + 64, height)
        seen = lookup(pixels, grid[top * samples : bottom * samples] @ back)
        out[top:bottom] = seen.reshape(bottom - top, samples, width, samples, 3).mean(axis=(1, 3))
    return out


def _move_parcels(peaks: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Turn a mostly black map by carrying the energy of each lit pixel, in 3 x 3 parcels, to its new position."""
    height, width = peaks.shape[:2]
    i, j = np.nonzero(peaks.any(axis=-1))
    fine = 3 * height, 3 * width
    rows = (3 * i[:, None, None] + np.arange(3)[:, None]).repeat(3, axis=2).ravel()
    columns = (3 * j[:, None, None] + np.arange(3)).repeat(3, axis=1).ravel()
    energy = peaks[rows // 3, columns // 3] * solid_angles(*fine)[rows, None]
    uv = direction_to_uv(directions_at(rows, columns, fine) @ matrix.T)
    landed = splat(energy, uv, height, width)
    return (landed / solid_angles(height, width)[:, None, None]).astype(np.float32)
