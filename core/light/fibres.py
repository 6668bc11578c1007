"""The light that a mass of hair receives: fibres let light through, so that light from the side and from behind reaches them."""

from __future__ import annotations

import numpy as np

from .octahedral import octahedral_directions

WRAP = 0.5
SIZE = 64  # a side of a table


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
    normals = octahedral_directions(SIZE).reshape(-1, 3)
    received = risen_on_fibres(normals @ directions.T) @ energy / np.float32(np.pi)  # (SIZE SIZE, 3)
    return received.astype(np.float32).reshape(SIZE, SIZE, 3)
