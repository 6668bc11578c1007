"""The subject's own surfaces as they are seen in its reflections, under the old light and the new one."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..shape.mirrored import Met
from .guide import enlarged_rows

LONE = 5  # px, side of the median that removes single bright points: highlights, seen from where they are none
SOFT = 1.2  # px, standard deviation of the filter after it


@dataclass(frozen=True)
class Neighbours:
    """Reflections of the subject in itself, over (h, w), at unit level; enlarged to the frame's size `shape` (H, W).

    `hidden` (h, w, 1) is the share of each reflection that shows the subject; `was` and `new` (h, w, 3) are that share times
    the light that is seen there, under the old light and the new one.
    """

    hidden: np.ndarray
    was: np.ndarray
    new: np.ndarray
    shape: tuple[int, int]

    @classmethod
    def of(cls, met: Met, was: np.ndarray, new: np.ndarray, strength: float, shape: tuple[int, int]) -> Neighbours:
        """Look up what is met in pictures (h, w, 3) of the subject under both lights."""
        hidden = met.hidden[..., None] * np.float32(strength)
        at = np.maximum(met.place, 0)
        met_was, met_new = (_lobed(hidden * light.reshape(-1, 3)[at]) for light in (was, new))
        return cls(_lobed(hidden), met_was, met_new, shape)

    def over(self, mirrored: np.ndarray, light: np.ndarray, rows: slice) -> np.ndarray:
        """What surfaces mirror, (n, W, 3): `mirrored` of the environment, hidden by the subject; `light` is `was` or `new`."""
        return mirrored * (1 - enlarged_rows(self.hidden, rows, self.shape)) + enlarged_rows(light, rows, self.shape)


def _lobed(plane: np.ndarray) -> np.ndarray:
    """A plane (h, w, C) smoothed, because one ray stands for the lobe of a reflection."""
    settled = cv2.medianBlur(np.ascontiguousarray(plane, np.float32), LONE)
    return cv2.GaussianBlur(settled, (0, 0), SOFT).reshape(plane.shape)
