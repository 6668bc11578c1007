"""The lights of the virtual stage: a sphere cut into cells, and small suns.

Every direction is in camera space (X right, Y up, Z to the viewer). A cell is the part of the sphere that is nearer to
its centre than to any other, so the cells cover the sphere exactly once: the weight of a cell under an environment is
the mean radiance over it, and the weights of a uniform environment of 1 are all 1. numpy only.
"""

from __future__ import annotations

import numpy as np

CELLS = 48
SUNS = 12
GOLDEN_ANGLE = np.pi * (3.0 - np.sqrt(5.0))


def fibonacci_directions(count: int) -> np.ndarray:
    """(count, 3) unit directions spread evenly over the sphere along a golden-angle spiral."""
    i = np.arange(count) + 0.5
    y = 1.0 - 2.0 * i / count
    r = np.sqrt(1.0 - y * y)
    return np.stack([r * np.cos(GOLDEN_ANGLE * i), y, r * np.sin(GOLDEN_ANGLE * i)], axis=1)


def random_rotation(rng: np.random.Generator) -> np.ndarray:
    """(3, 3) rotation matrix, uniform over all turns (a random unit quaternion)."""
    w, x, y, z = (q := rng.normal(size=4)) / np.linalg.norm(q)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


def cell_corners(centres: np.ndarray) -> list[np.ndarray]:
    """The corners of each centre's cell, in order around it.

    Args:
        centres: (N, 3) unit directions, no four of them on one empty circle (a turned Fibonacci sphere is such).

    Returns:
        N arrays (K, 3) of unit directions: circumcentres of the empty triangles around the centre (spherical Voronoi
        diagram as the dual of the convex hull).
    """
    n = len(centres)
    triples = np.stack(np.meshgrid(*[np.arange(n)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    triples = triples[(triples[:, 0] < triples[:, 1]) & (triples[:, 1] < triples[:, 2])]
    a, b, c = (centres[triples[:, k]] for k in range(3))
    normal = np.cross(b - a, c - a)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    side = normal @ centres.T - (normal * a).sum(1, keepdims=True)
    above, below = (side > 1e-9).sum(1) == 0, (side < -1e-9).sum(1) == 0
    normal[below] *= -1.0
    empty = above | below
    faces, corners = triples[empty], normal[empty]
    cells = []
    for i, centre in enumerate(centres):
        around = corners[(faces == i).any(axis=1)]
        u = np.cross(centre, np.eye(3)[np.argmin(np.abs(centre))])
        u /= np.linalg.norm(u)
        turn = np.arctan2(around @ np.cross(centre, u), around @ u)
        cells.append(around[np.argsort(turn)])
    return cells


def cell_solid_angles(centres: np.ndarray) -> np.ndarray:
    """(N,) solid angle of each centre's cell in sr; they add up to 4 pi (Van Oosterom and Strackee 1983)."""
    areas = []
    for centre, corners in zip(centres, cell_corners(centres), strict=True):
        after = np.roll(corners, -1, axis=0)
        volume = np.abs(np.cross(corners, after) @ centre)
        cosines = 1.0 + (corners * after).sum(1) + corners @ centre + after @ centre
        areas.append(2.0 * np.arctan2(volume, cosines).sum())
    return np.array(areas)
