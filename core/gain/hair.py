"""The light on the pixels of a subject that are hair, which fibres let through (`light.fibres`)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..light.fibres import fibre_table
from ..light.parcels import Parcels

LEAST = 0.02  # share of hair in a pixel from which it is lit as hair


@dataclass(frozen=True)
class Hair:
    """`share` (H, W), 0 to 1, of hair in each pixel, and `table` (S, S, 3), what it receives of one light where nothing is in the
    way, for camera-space directions of its outward normal."""

    share: np.ndarray
    table: np.ndarray

    @classmethod
    def of(cls, share: np.ndarray, light: Parcels) -> Hair:
        """The light on hair of a light as distant lamps and parcels in camera space."""
        return cls(share, fibre_table(light.directions, light.energy))
