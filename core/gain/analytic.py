"""The analytic answer: how much more light a matte surface gets under one environment than under another.

A light is tabulated once per direction a surface can face, so that a frame of any size is one look-up a pixel. What
comes out is a log gain per pixel and channel, at unit level (design: only F knows how bright a light is).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..light.octahedral import sample_table

# The darkest side of a light, of its mean: no light of a real place is blacker, and a gain must stay a number.
DARKEST = 0.01


@dataclass(frozen=True)
class Hint:
    """The log gain of every camera-space normal: (S, S, 3) float32 on octahedral directions."""

    table: np.ndarray

    def at(self, normals: np.ndarray) -> np.ndarray:
        """Log gain, (..., 3) float32, for unit camera-space normals (..., 3)."""
        return sample_table(self.table, normals)


def between(target: np.ndarray, source: np.ndarray) -> Hint:
    """The gain from one turned light to another, both at unit level; equal lights give exactly zero."""
    return Hint(_log(target) - _log(source))


def over_even(target: np.ndarray) -> Hint:
    """The gain of a turned light, (S, S, 3), over even white light at unit level, in which everything reads 1."""
    return Hint(_log(target))


def alone(
    target: np.ndarray,
    normals: np.ndarray,
    weight: np.ndarray,
    luminance_weights: np.ndarray,
    source: np.ndarray | None = None,
) -> Hint:
    """The gain when nothing is known of where the source's light comes from.

    It is the target's shading less its mean over the matte (`mean_over`), so that the subject keeps its level; less that of
    `source`, (S, S, 3), where so much is known of the source that its mean can be told.
    """
    level = target if source is None else source
    return Hint(_log(target) - np.float32(mean_over(level, normals, weight, luminance_weights)))


def mean_over(target: np.ndarray, normals: np.ndarray, weight: np.ndarray, luminance_weights: np.ndarray) -> float:
    """The mean over the matte of a light's log shading, 0 without a matte.

    It is one number for the three channels, that of log luminance, so the colour of the light stays.

    Args:
        target: turned light, (S, S, 3).
        normals: (h, w, 3) of the frame, any size.
        weight: (h, w) of the matte.
    """
    shading = sample_table(np.maximum(target, DARKEST), normals) @ np.asarray(luminance_weights, np.float32)
    return float(np.average(np.log(shading), weights=weight)) if weight.sum() > 0 else 0.0


def _log(table: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(table, DARKEST)).astype(np.float32)
