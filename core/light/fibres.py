"""The light that a mass of hair receives: fibres let light through, so that light from the side and from behind reaches them."""

from __future__ import annotations

import numpy as np

from .octahedral import octahedral_coordinates, octahedral_directions

WRAP = 0.5
SIZE = 32  # a side of a table; the kernel is wide
CELLS = 16  # a side of the cells in which lights are gathered


def risen_on_fibres(cosine: np.ndarray, radius: np.ndarray | np.float32 | None = None) -> np.ndarray:
    """The share of a light that hair receives (...), for the cosine (...) between its outward normal and the light.

    `radius`, half the light's angle, makes no difference: the kernel is wider than any light.
    """
    return np.maximum(cosine + np.float32(WRAP), 0) / np.float32((1 + WRAP) ** 2)


def fibre_table(directions: np.ndarray, energy: np.ndarray) -> np.ndarray:
    """The light on hair, (SIZE, SIZE, 3) over octahedral directions of its outward normal; 1 under an even light of radiance 1.

    Args:
        directions: (N, 3) of distant lights. energy: (N, 3) radiance times solid angle.
    """
    toward, power = _gathered(directions, energy / np.float32(np.pi))
    received = risen_on_fibres(octahedral_directions(SIZE) @ toward.T) @ power  # (SIZE, SIZE, 3)
    return received.astype(np.float32)


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
