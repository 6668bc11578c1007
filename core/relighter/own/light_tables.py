"""A light as the network is told of it: logs of what surfaces receive and mirror, by direction, at unit level.

One table for matte surfaces and one for each of three roughnesses (`light.reflection`). Logs have a floor (no light of
a real place is blacker) and a ceiling above any sun, so the numbers a network sees are bounded.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...gain.analytic import DARKEST
from ...light.emitters import BLOCK_ROWS, emitters
from ...light.irradiance import Light
from ...light.lamps import split
from ...light.reflection import ROUGHNESSES, reflection_tables

BRIGHTEST = 1e6
GLOSSY_SIZE = 128  # a side of the glossy tables
LAMPS = 4  # that are kept at their exact place
SMALL = np.radians(12.0)  # radius of the largest of them; larger ones are part of the broad light
PARCELS = LAMPS + 2 * BLOCK_ROWS * BLOCK_ROWS


@dataclass(frozen=True)
class LightTables:
    """Tables in the axes of the light's own map.

    `diffuse` is (S, S, 3) and `glossy` (R, S', S', 3) float32, natural logs of light at unit level by octahedral
    direction; roughnesses are those of `light.reflection.ROUGHNESSES`. `parcels` is (PARCELS, 7) float32, the light as distant
    lights: direction, energy (radiance at unit level times solid angle), radius in radians. The first LAMPS are small lamps,
    black where there are fewer, the others what is left, in blocks. None where a light is tables alone.
    """

    diffuse: np.ndarray
    glossy: np.ndarray
    parcels: np.ndarray | None = None

    @classmethod
    def of(cls, pixels: np.ndarray, light: Light) -> LightTables:
        """The tables of a lat-long environment, (H, 2H, 3), of which `light` is the matte half."""
        glossy = np.stack(reflection_tables(pixels, ROUGHNESSES, GLOSSY_SIZE)) / np.float32(light.level)
        return cls(bounded_log(light.table), bounded_log(glossy), _parcels(pixels, light) / _scale(light.level))


def bounded_log(light: np.ndarray) -> np.ndarray:
    """Natural log of light at unit level between the floor and the ceiling, float32."""
    return np.log(np.clip(light, DARKEST, BRIGHTEST)).astype(np.float32)


def _parcels(pixels: np.ndarray, light: Light) -> np.ndarray:
    """Small lamps and the rest of a map, (PARCELS, 7), at the map's own level."""
    found = split(pixels, LAMPS, light.luminance_weights)
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
    return parcels


def _scale(level: float) -> np.ndarray:
    """What brings parcels to unit level."""
    return np.array([1, 1, 1, level, level, level, 1], np.float32)
