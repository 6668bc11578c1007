"""The analytic gain: how much more light a matte surface gets under one environment than under another.

A light is tabulated once per direction a surface can face, so that a frame of any size needs one look-up per pixel.
The result is a natural log gain per pixel and channel, for lights at unit level. The level of a light is applied later, as
`Law.level`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..light.octahedral import Facing, sample_table

# The least value of a table, as a share of the light's mean. Real places are not darker, and the log gain stays finite.
DARKEST = 0.01


@dataclass(frozen=True)
class Hint:
    """The log gain of every camera-space normal: (S, S, 3) float32 on octahedral directions."""

    table: np.ndarray

    def at(self, normals: np.ndarray | Facing) -> np.ndarray:
        """Log gain, (..., 3) float32, for unit camera-space normals (..., 3)."""
        return sample_table(self.table, normals)


def between(target: np.ndarray, source: np.ndarray) -> Hint:
    """The gain from one turned light to another, both at unit level; equal lights give exactly zero."""
    return Hint(_log(target) - _log(source))


def over_even(target: np.ndarray) -> Hint:
    """The gain of a turned light, (S, S, 3), over even white light at unit level, whose table is 1 everywhere."""
    return Hint(_log(target))


def alone(
    target: np.ndarray,
    normals: np.ndarray,
    weight: np.ndarray,
    luminance_weights: np.ndarray,
    source: np.ndarray | None = None,
) -> Hint:
    """The gain without division by a source light, because its directions are not known.

    The gain is the log shading of `target` (S, S, 3) minus a mean over the matte (`mean_over`). Without `source` this is the
    mean of `target`, so the subject keeps its level. With `source`, (S, S, 3), it is the mean of `source`.
    """
    level = target if source is None else source
    return Hint(_log(target) - np.float32(mean_over(level, normals, weight, luminance_weights)))


def mean_over(target: np.ndarray, normals: np.ndarray, weight: np.ndarray, luminance_weights: np.ndarray) -> float:
    """The mean of a light's log shading, weighted by the matte; 0 where the matte is empty.

    It is the mean of log luminance, one number for the three channels, so the colour of the light is kept.

    Args:
        target: turned light, (S, S, 3).
        normals: (h, w, 3) of the frame, any size.
        weight: (h, w) of the matte.
    """
    shading = sample_table(np.maximum(target, DARKEST), normals) @ np.asarray(luminance_weights, np.float32)
    return float(np.average(np.log(shading), weights=weight)) if weight.sum() > 0 else 0.0


def _log(table: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(table, DARKEST)).astype(np.float32)
