"""The light on the pixels of a subject that are hair, which fibres let through (`light.fibres`) and spread."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..light.fibres import fibre_table
from ..light.parcels import Parcels

LEAST = 0.02  # share of hair in a pixel from which it is lit as hair
BESIDE = 8.0  # a pixel counts as beside hair where an eighth of what is around it is hair
SHARP = 0.3  # px; hair that spreads light less far is left alone
SPREAD = 0.05  # of the root of its area: how far hair spreads the light inside it, which softens shadows on it


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


def spread(share: np.ndarray, visible: np.ndarray) -> np.ndarray:
    """The visible share of a light where hair spreads it, (h, w, 1), from that at each point, (h, w, 1) of any size.

    Strands are finer than pixels. The shadow of a fringe on a forehead would be dots, so it is as soft as the hair beside it.

    Args:
        share: (H, W), 0 to 1, of hair in each pixel of the frame.
    """
    height, width = visible.shape[:2]
    hair = cv2.resize(share, (width, height), interpolation=cv2.INTER_AREA)
    sigma = SPREAD * float(np.sqrt((hair > 0.5).sum()))
    if sigma < SHARP:
        return visible
    soft, around = (cv2.GaussianBlur(plane, (0, 0), sigma)[..., None] for plane in (visible[..., 0], hair))
    return visible + np.clip(BESIDE * around, 0, 1) * (soft - visible)
