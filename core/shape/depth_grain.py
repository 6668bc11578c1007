"""The errors of a depth from pixel to pixel, taken off by the normals: half floats, enlarged pictures and noise make stairs.

A stair of a pixel throws a shadow, and normals are exact where stairs are. Every height is drawn to what its four neighbours and
the normals between them say of it (Jacobi's iteration of the screened Poisson problem); where a neighbour is farther off than the
stairs are high there is an edge, and nothing goes across.
"""

from __future__ import annotations

import numpy as np

from ..pictures.bands import bands

GRAINLESS = 0.15  # px: lower stairs throw no shadow
EDGE = 4.0  # times the median height of the stairs: a higher one is an edge
DOUBLED = (
    1.5  # times the slope, more: a picture enlarged by doubling its pixels has stairs as high as two steps of the slope
)
ITERATIONS = 12
HELD = 0.15  # weight of the depth itself against that of one neighbour
FACING = 0.1  # least cosine to the viewer of normals that tell a slope
SPARSE = 4  # one row in so many tells how high the stairs are


def without_grain(heights: np.ndarray, rays: np.ndarray, normals: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Heights without their stairs; the same array where there are none.

    Args:
        heights: (h, w) projective, in pixels (`depth_fit.Fit.heights`).
        rays: (h, w, 3) unit, from the eye outward. normals: (h, w, 3) unit, camera space.
        known: (h, w) bool, where the depth stands and the normals are given.
    """
    focal = np.float32(1 / max(float(rays[0, 1, 0] / -rays[0, 1, 2] - rays[0, 0, 0] / -rays[0, 0, 2]), 1e-6))
    nearness = heights + focal  # focal times Z0 / Z: from pixel to pixel it grows by a factor that the normal knows
    some = slice(None, None, SPARSE)
    factor, usable = _along_rows(rays[some], normals[some], known[some])
    stairs = np.abs(nearness[some, 1:] - nearness[some, :-1] * factor)[usable]
    height = float(np.median(stairs)) if stairs.size else 0.0
    if height < GRAINLESS:
        return heights
    smooth = np.empty_like(heights)
    for rows in bands(len(heights)):  # with as many rows more as an iteration reaches, so that bands do not show
        first, last = max(0, rows.start - ITERATIONS), min(len(heights), rows.stop + ITERATIONS)
        found = _smoothed(*(a[first:last] for a in (nearness, rays, normals, known)), EDGE * height)
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
    """By what factor nearness grows from each pixel to the next of its row, (h, w - 1), and whether that is known."""
    between = normals[:, 1:] + normals[:, :-1]  # of up to twice the unit length
    facing, beside = (-np.einsum("ijk,ijk->ij", r, between) / -r[..., 2] for r in (rays[:, :-1], rays[:, 1:]))
    usable = known[:, 1:] & known[:, :-1] & (facing > 2 * FACING) & (beside > 2 * FACING)
    return np.where(usable, beside / np.where(usable, facing, 1), 1).astype(np.float32), usable


def _joined(nearness: np.ndarray, factor: np.ndarray, usable: np.ndarray, edge: float) -> tuple[np.ndarray, np.ndarray]:
    """What nearness is multiplied with on the way forth and back, (h, w - 1) each; 0 across an edge."""
    told = nearness[:, :-1] * factor
    slope = np.abs(told - nearness[:, :-1])
    joined = usable & (np.abs(nearness[:, 1:] - told) < edge + DOUBLED * slope)
    return np.where(joined, factor, 0), np.where(joined, 1 / factor, 0)
