"""Functions of direction as square tables: the octahedral map, sampled at every pixel of a frame.

The sphere is unfolded onto a square (Cigolle et al. 2014, "A Survey of Efficient Representations for Independent Unit
Vectors"): the half with z >= 0 is the diamond in the middle, the other half its four corners. No poles, no seam but the
border, no trigonometry. A table is (S, S, 3) float32; row r, column c holds the direction of
p = (2 (c + 0.5) / S - 1, 2 (r + 0.5) / S - 1).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..pictures.channels import planes
from .sampling import bilinear

CHUNK = 1 << 16  # directions at a time, so that temporaries stay in cache


def octahedral_directions(size: int) -> np.ndarray:
    """Unit directions of the cells of a table, (size, size, 3) float32."""
    centres = (2 * (np.arange(size) + 0.5) / size - 1).astype(np.float64)
    x, y = np.meshgrid(centres, centres)
    z = 1 - np.abs(x) - np.abs(y)
    fold = np.maximum(-z, 0)  # outside the diamond, x and y are folded toward the axes
    d = np.stack((x - np.copysign(fold, x), y - np.copysign(fold, y), z), axis=-1)
    return (d / np.linalg.norm(d, axis=-1, keepdims=True)).astype(np.float32)


def octahedral_coordinates(d: np.ndarray) -> np.ndarray:
    """The coordinates of directions of any length in the square, (..., 3) to (..., 2) float32 in -1 to 1.

    NaN where a direction has no length or is not finite.
    """
    return np.stack(_unfold(d), axis=-1)


def _unfold(d: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """x and y of `octahedral_coordinates`, (...) each."""
    x, y, z = planes(np.asarray(d, np.float32))
    with np.errstate(all="ignore"):  # invalid normals are expected in a plate
        length = np.abs(x) + np.abs(y) + np.abs(z)
        scale = np.where(np.isfinite(length), 1 / length, np.float32(np.inf))
        px, py = x * scale, y * scale
        behind = z < 0
        if behind.any():
            fx, fy = px[behind], py[behind]
            px[behind], py[behind] = np.copysign(1 - np.abs(fy), fx), np.copysign(1 - np.abs(fx), fy)
        lost = ~np.isfinite(scale)
        if lost.any():
            px[lost], py[lost] = np.nan, np.nan
        return px, py


@dataclass(frozen=True, eq=False)
class Facing:
    """Directions (..., 3) of any length, along which several tables are read: where they lie in the square is worked out once."""

    directions: np.ndarray

    @classmethod
    def of(cls, d: np.ndarray | Facing) -> Facing:
        """`d` itself, if it is prepared already."""
        return d if isinstance(d, Facing) else cls(np.asarray(d))

    @cached_property
    def unfolded(self) -> list[tuple[np.ndarray, np.ndarray, np.ndarray | None]]:
        """For `CHUNK` directions at a time: x and y of `octahedral_coordinates`, (n,) each, and where they are NaN, or None."""
        flat, found = self.directions.reshape(-1, 3), []
        for start in range(0, len(flat), CHUNK):
            x, y = _unfold(flat[start : start + CHUNK])
            lost = np.isnan(x)
            found.append((x, y, lost if lost.any() else None))
        return found


def sample_table(table: np.ndarray, d: np.ndarray | Facing) -> np.ndarray:
    """Read a table along directions, bilinear and continuous over the folded border.

    Args:
        table: (S, S, 3) float32, S even.
        d: (..., 3) directions of any length.

    Returns:
        (..., 3) float32. A direction without length or not finite gets the mean of the table.
    """
    size, facing = table.shape[0], Facing.of(d)
    half, first = np.float32(size / 2), np.float32((size + 1) / 2)  # the border is one cell, centres are at 1 ... size
    bordered = _with_border(table)
    out = np.empty((facing.directions.size // 3, 3), np.float32)
    for index, (x, y, lost) in enumerate(facing.unfolded):
        read = bilinear(bordered, x * half + first, y * half + first)
        if lost is not None:
            read[lost] = table.mean(axis=(0, 1))
        out[index * CHUNK : index * CHUNK + len(read)] = read
    return out.reshape(facing.directions.shape)


def _with_border(table: np.ndarray) -> np.ndarray:
    """The table with one more cell on each side: across an edge lies the same edge, mirrored; across a corner, -Z."""
    tall = np.concatenate((table[:1, ::-1], table, table[-1:, ::-1]), axis=0)
    mirrored = tall[::-1]
    return np.concatenate((mirrored[:, :1], tall, mirrored[:, -1:]), axis=1)
