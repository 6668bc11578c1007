"""Removes stair steps from a depth with the help of normals. The causes are half floats, enlarged pictures and noise.

A stair step of one pixel would cast a shadow, while normals are exact there. Every height is moved toward the heights predicted
by its four neighbours and the normals between them (Jacobi's iteration of the screened Poisson problem). Where a neighbour
differs by more than the steps are high there is an edge, which is kept.
"""

from __future__ import annotations

import numpy as np

from ..pictures.bands import bands

GRAINLESS = 0.15  # px; lower steps cast no shadow
EDGE = 4.0  # times the median height of the steps; a higher one is an edge
DOUBLED = 1.5  # times the slope, in addition: doubled pixels make steps as high as two pixels of the slope
ITERATIONS = 12
HELD = 0.15  # weight of the depth itself relative to one neighbour
FACING = 0.1  # least cosine to the viewer of normals that are used
SPARSE = 4  # one row in this many is used to measure the height of the steps


def without_grain(heights: np.ndarray, rays: np.ndarray, normals: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Heights without stair steps; the same array where there are none.

    Args:
        heights: (h, w) projective, in pixels (`depth_fit.Fit.heights`).
        rays: (h, w, 3) unit, from the eye outward. normals: (h, w, 3) unit, camera space.
        known: (h, w) bool, where depth and normals are given.
    """
    focal = np.float32(1 / max(float(rays[0, 1, 0] / -rays[0, 1, 2] - rays[0, 0, 0] / -rays[0, 0, 2]), 1e-6))
    nearness = heights + focal  # focal times Z0 / Z; its growth factor from pixel to pixel follows from the normal
    some = slice(None, None, SPARSE)
    factor, usable = _along_rows(rays[some], normals[some], known[some])
    stairs = np.abs(nearness[some, 1:] - nearness[some, :-1] * factor)[usable]
    height = float(np.median(stairs)) if stairs.size else 0.0
    if height < GRAINLESS:
        return heights
    smooth = np.empty_like(heights)
    for rows in bands(len(heights)):  # with as many extra rows as the iterations reach, so that bands have no seams
        first, last = max(0, rows.start - ITERATIONS), min(len(heights), rows.stop + ITERATIONS)
        part = slice(first, last)
        found = _smoothed(nearness[part], rays[part], normals[part], known[part], EDGE * height)
        smooth[rows] = found[rows.start - first : rows.stop - first] - focal
    return smooth


def _smoothed(
    nearness: np.ndarray, rays: np.ndarray, normals: np.ndarray, known: np.ndarray, edge: float
) -> np.ndarray:
    """Some rows of the nearness, (n, w), after all iterations."""
    turned = (a.swapaxes(0, 1) for a in (rays, normals, known))
    across = _joined(nearness, *_along_rows(rays, normals, known), edge)
    down = tuple(np.ascontiguousarray(a.T) for a in _joined(nearness.T, *_along_rows(*turned), edge))
    sides = ((across, np.s_[:, :-1], np.s_[:, 1:]), (down, np.s_[:-1], np.s_[1:]))
    mass = np.full_like(nearness, HELD)
    for (forth, back), before, after in sides:
        mass[after] += forth > 0
        mass[before] += back > 0
    found = nearness
    for _ in range(ITERATIONS):
        total = HELD * nearness
        for (forth, back), before, after in sides:
            total[after] += forth * found[before]
            total[before] += back * found[after]
        found = total / mass
    return found


def _along_rows(rays: np.ndarray, normals: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The growth factor of nearness from each pixel to the next in its row, (h, w - 1), and whether it is known."""
    between = normals[:, 1:] + normals[:, :-1]  # (h, w - 1, 3), of length up to 2
    facing, beside = (-np.einsum("ijk,ijk->ij", r, between) / -r[..., 2] for r in (rays[:, :-1], rays[:, 1:]))
    usable = known[:, 1:] & known[:, :-1] & (facing > 2 * FACING) & (beside > 2 * FACING)
    return np.where(usable, beside / np.where(usable, facing, 1), 1).astype(np.float32), usable


def _joined(nearness: np.ndarray, factor: np.ndarray, usable: np.ndarray, edge: float) -> tuple[np.ndarray, np.ndarray]:
    """The growth factors of nearness forward and backward, (h, w - 1) each; 0 across an edge."""
    told = nearness[:, :-1] * factor
    slope = np.abs(told - nearness[:, :-1])
    joined = usable & (np.abs(nearness[:, 1:] - told) < edge + DOUBLED * slope)
    return np.where(joined, factor, 0), np.where(joined, 1 / factor, 0)
