"""The subject's own surfaces as they are seen in its reflections, under the old light and the new one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..shape.mirrored import Met
from .guide import enlarged_rows


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
        return cls(hidden, hidden * was.reshape(-1, 3)[at], hidden * new.reshape(-1, 3)[at], shape)

    def over(self, mirrored: np.ndarray, light: np.ndarray, rows: slice) -> np.ndarray:
        """What surfaces mirror, (n, W, 3): `mirrored` of the environment, hidden by the subject; `light` is `was` or `new`."""
        return mirrored * (1 - enlarged_rows(self.hidden, rows, self.shape)) + enlarged_rows(light, rows, self.shape)
