"""The light on the pixels of a subject that are hair, which fibres let through (`light.fibres`) and spread."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..light.fibres import fibre_table
from ..light.parcels import Parcels

LEAST = 0.02  # share of hair in a pixel from which it is lit as hair
SPREAD = 0.05  # of the root of its area: how far hair spreads the light inside it, which softens shadows on it


@dataclass(frozen=True)
class Hair:
    """`share` (H, W), 0 to 1, of hair in each pixel, and `table` (S, S, 3), what it receives of one light where nothing is in the
    way, for camera-space directions of its outward normal."""

    share: np.ndarray
    table: np.ndarray

    def spread(self, visible: np.ndarray) -> np.ndarray:
        """The visible share of a lamp in hair, (h, w, 1), from that at each point (h, w, 1) of a picture of any size."""
        larger = visible.shape[0] / self.share.shape[0]
        sigma = SPREAD * larger * float(np.sqrt((self.share > 0.5).sum()))
        return visible if sigma < 0.3 else cv2.GaussianBlur(visible[..., 0], (0, 0), sigma)[..., None]

    @classmethod
    def of(cls, share: np.ndarray, light: Parcels) -> Hair:
        """The light on hair of a light as distant lamps and parcels in camera space."""
        return cls(share, fibre_table(light.directions, light.energy))
