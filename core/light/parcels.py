"""An environment as lights for tracing: its small lamps at their exact positions, and parcels of the broad rest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .emitters import BLOCK_ROWS, emitters
from .irradiance import Light
from .lamps import split

LAMPS = 4  # largest number of lamps kept at their exact positions
SMALL = np.radians(12.0)  # radius of the largest of them; larger ones are part of the broad light
PARCELS = LAMPS + 2 * BLOCK_ROWS * BLOCK_ROWS


@dataclass(frozen=True)
class Parcels:
    """Lights in camera space at unit level: `directions` (N, 3), `energy` (N, 3), radiance times solid angle, float32.

    The first are small lamps, `radius` (L,) radians wide; the others are parcels of the broad rest, whose directions
    may be shorter than 1 (`emitters`).
    """

    directions: np.ndarray
    energy: np.ndarray
    radius: np.ndarray

    @classmethod
    def of(cls, parcels: np.ndarray, to_map: np.ndarray) -> Parcels:
        """Parcels (N, 7) of a map, turned into camera space; `to_map` (3, 3) turns camera-space directions into the map."""
        directions = parcels[:, :3] @ np.asarray(to_map, np.float32)
        return cls(directions, parcels[:, 3:6], parcels[:LAMPS, 6])


def parcels_of(pixels: np.ndarray, whole: Light, lamps: int = LAMPS) -> np.ndarray:
    """Small lamps and the rest of a map, (PARCELS, 7) float32: direction, energy at unit level, radius in radians.

    The first LAMPS rows are small lamps, black where there are fewer.

    Args:
        pixels: (H, 2H, 3) float32 radiance.
        whole: the light of the map that these pixels are, or are a part of: energy is divided by its level.
        lamps: how many lamps to search for, at most LAMPS.
    """
    found = split(pixels, lamps, whole.luminance_weights)
    small = [k for k, lamp in enumerate(found.lamps) if np.radians(lamp.angular_radius) < SMALL]
    parcels = np.zeros((PARCELS, 7), np.float32)
    parcels[:, 2] = 1.0
    for row, k in enumerate(small):
        lamp = found.lamps[k]
        parcels[row] = (*lamp.direction, *lamp.energy, np.radians(lamp.angular_radius))
    lamp_pixels = np.isin(found.labels, [k + 1 for k in small])
    rest = emitters(np.where(lamp_pixels[..., None], np.float32(0), pixels))
    parcels[LAMPS : LAMPS + len(rest.energy), :3] = rest.directions
    parcels[LAMPS : LAMPS + len(rest.energy), 3:6] = rest.energy
    k = whole.level
    return parcels / np.array([1, 1, 1, k, k, k, 1], np.float32)
