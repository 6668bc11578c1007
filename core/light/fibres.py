"""The light that a mass of hair receives: fibres let light through, and throw most of it on the way it came.

How bright hair is depends on the angle between its outward normal and the light, and more on that between the light and the
viewer: a light from behind makes a bright rim. Balls of hair of four colours and three styles, path-traced in Cycles under 23
suns (`benchmarks/hair_balls.py`), are described by

    k(n, l) = max((n.l + WRAP) / (1 + WRAP), 0)^2 p(-l.v) / norm(n.v)

with p the phase function of Henyey and Greenstein (1941) for the asymmetry `FORWARD`, and a norm by which an even light is as
bright as on a matte surface. The mean error of its logarithm is 0.23, of the cosine of matte surfaces 0.40.

Camera space: X right, Y up, Z to the viewer, who is taken to be far away.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from .octahedral import octahedral_coordinates, octahedral_directions

WRAP = 0.3  # cosine by which light reaches beyond the horizon
FORWARD = 0.8  # asymmetry of the scattering: 0 is even, 1 is straight on
SIZE = 32  # a side of a table; the kernel is wide
CELLS = 32  # a side of the cells in which lights are gathered
KNOTS = 4096  # directions over which the norm is summed
STEPS = 65  # cosines to the viewer at which it is known


def light_on_fibres(normals: np.ndarray, towards: np.ndarray) -> np.ndarray:
    """The share of a light that hair shows the viewer, (...), where a matte surface has the cosine; zero or more.

    Args:
        normals: (..., 3) unit, outward. towards: (3,) or (..., 3) unit, to the light.
    """
    cosine = (normals * towards).sum(-1, dtype=np.float32)
    return _reached(cosine) * _thrown(towards[..., 2]) / _norm(normals[..., 2])


def fibre_table(directions: np.ndarray, energy: np.ndarray) -> np.ndarray:
    """The light on hair, (SIZE, SIZE, 3) over octahedral directions of its outward normal; 1 under an even light of radiance 1.

    Args:
        directions: (N, 3) of distant lights in camera space. energy: (N, 3) radiance times solid angle.
    """
    toward, power = _gathered(directions, energy / np.float32(np.pi))
    normals = octahedral_directions(SIZE)
    received = _reached(normals @ toward.T) @ (power * _thrown(toward[:, 2])[:, None])  # (SIZE, SIZE, 3)
    return (received / _norm(normals[..., 2])[..., None]).astype(np.float32)


def _reached(cosine: np.ndarray) -> np.ndarray:
    """How much of a light reaches the fibres, by the cosine of their outward normal to it."""
    over = np.maximum(cosine + np.float32(WRAP), 0) / np.float32(1 + WRAP)
    return over * over


def _thrown(towards_viewer: np.ndarray | np.float32) -> np.ndarray:
    """How much of it they throw to the viewer, by the cosine between the light and the viewer."""
    g = np.float32(FORWARD)
    return ((1 - g * g) / (1 + g * g + 2 * g * np.asarray(towards_viewer, np.float32)) ** np.float32(1.5)).astype(
        np.float32
    )


def _norm(facing: np.ndarray) -> np.ndarray:
    """The sum of the kernel over all directions over pi, by the cosine of the normal to the viewer, (...)."""
    cosines, sums = _norms()
    return np.interp(facing, cosines, sums).astype(np.float32)


@lru_cache(maxsize=1)
def _norms() -> tuple[np.ndarray, np.ndarray]:
    turn = np.arange(KNOTS) + 0.5
    z = 1 - 2 * turn / KNOTS
    x = np.sqrt(1 - z * z) * np.cos(turn * np.pi * (1 + 5**0.5))  # a spiral that covers the sphere evenly
    facing = np.linspace(-1, 1, STEPS)
    reached = _reached(np.sqrt(1 - facing * facing)[:, None] * x + facing[:, None] * z)  # (STEPS, KNOTS)
    return facing, (reached * _thrown(z)).sum(-1) * (4 / KNOTS)


def _gathered(directions: np.ndarray, energy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Fewer lights that give the same on hair: those of each of `CELLS`² cells of directions at their middle, (M, 3) each."""
    at = np.clip(((octahedral_coordinates(directions) + 1) * (CELLS / 2)).astype(int), 0, CELLS - 1)  # (N, 2)
    cell = at[:, 1] * CELLS + at[:, 0]

    def summed(rows: np.ndarray) -> np.ndarray:
        return np.stack([np.bincount(cell, column, CELLS * CELLS) for column in rows.T], -1)

    weight = energy.sum(-1)
    moment, mass = summed(directions * weight[:, None]), np.bincount(cell, weight, CELLS * CELLS)
    there = mass > 0
    return moment[there] / mass[there, None], summed(energy)[there]
