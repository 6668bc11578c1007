"""Converts ACEScg to the input of published networks: linear Rec.709, encoded for a display."""

from __future__ import annotations

import numpy as np

from .curves import decode_srgb, encode_srgb

# ACEScg to linear Rec.709, Bradford (as OpenColorIO's own transform), on column vectors.
TO_REC709 = np.array(
    [[1.7050510, -0.6217921, -0.0832589], [-0.1302564, 1.1408048, -0.0105483], [-0.0240034, -0.1289690, 1.1529724]]
)
FROM_REC709 = np.linalg.inv(TO_REC709)


def display_code(light: np.ndarray) -> np.ndarray:
    """Scene-linear ACEScg (..., 3), already exposed, to display-encoded values from 0 to 1, clipped; float64."""
    return encode_srgb(light @ TO_REC709.T)


def from_display(display: np.ndarray) -> np.ndarray:
    """Display-encoded (..., 3) from 0 to 1 to scene-linear ACEScg, float32."""
    return (decode_srgb(display) @ FROM_REC709.T).astype(np.float32)


def from_linear(light: np.ndarray) -> np.ndarray:
    """Linear Rec.709 (..., 3) to ACEScg, float32."""
    return (light @ FROM_REC709.T).astype(np.float32)
