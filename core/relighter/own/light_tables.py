"""A light as network input: logs of the light that surfaces receive and reflect, by direction, at unit level.

One table for matte surfaces and one for each of three roughnesses (`light.reflection`). Logs have a floor (real
places are not darker) and a ceiling above any sun, so the network's inputs are bounded.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...gain.analytic import DARKEST
from ...light.irradiance import Light
from ...light.parcels import parcels_of
from ...light.reflection import ROUGHNESSES, reflection_tables

BRIGHTEST = 1e6
GLOSSY_SIZE = 128  # a side of the glossy tables


@dataclass(frozen=True)
class LightTables:
    """Tables in the axes of the light's own map.

    `diffuse` is (S, S, 3) and `glossy` (R, S', S', 3) float32, natural logs of light at unit level by octahedral
    direction; roughnesses are those of `light.reflection.ROUGHNESSES`. `parcels` is (PARCELS, 7) float32, the light as distant
    lights (`light.parcels`); None where a light has tables alone. `glossy` is None for a network that does not read it.
    """

    diffuse: np.ndarray
    glossy: np.ndarray | None
    parcels: np.ndarray | None = None

    @classmethod
    def of(
        cls, pixels: np.ndarray, light: Light, parcels: np.ndarray | None = None, glossy: bool = True
    ) -> LightTables:
        """The tables of a lat-long environment, (H, 2H, 3), of which `light` is the part for matte surfaces.

        Args:
            parcels: `parcels_of` the same, where they are known already.
            glossy: whether to make the tables of glossy surfaces.
        """
        tables = None
        if glossy:
            reflected = np.stack(reflection_tables(pixels, ROUGHNESSES, GLOSSY_SIZE))
            tables = bounded_log(reflected / np.float32(light.level))
        return cls(bounded_log(light.table), tables, parcels_of(pixels, light) if parcels is None else parcels)


def bounded_log(light: np.ndarray) -> np.ndarray:
    """Natural log of light at unit level between the floor and the ceiling, float32."""
    return np.log(np.clip(light, DARKEST, BRIGHTEST)).astype(np.float32)
