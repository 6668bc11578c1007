"""Transfer curves: the sRGB curve of displays, and the log curve that encodes light for networks.

Each curve acts on every value of an array of any shape, and is followed by its inverse. `torch` is not imported here: the
tensor forms use the methods of the tensors they are given, so that reading a picture does not load it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch

MIDDLE_GREY = 0.18
FLOOR = 0.002  # light added before the log, at the exposure of the proxy; darker light is noise
STRETCH = 3.0  # natural logs per unit of code; codes are within about -1.5 and 3


def encode_srgb(linear: np.ndarray) -> np.ndarray:
    """Encode linear light for a display by the sRGB curve (IEC 61966-2-1), clipped to 0..1; the data type is kept.

    >>> [round(float(v), 4) for v in encode_srgb(np.array([-1.0, 0.0, 0.002, 0.18, 1.0, 40.0]))]
    [0.0, 0.0, 0.0258, 0.4614, 1.0, 1.0]
    """
    clipped = np.clip(linear, 0, 1)
    return np.where(clipped <= 0.0031308, 12.92 * clipped, 1.055 * clipped ** (1 / 2.4) - 0.055)


def decode_srgb(display: np.ndarray) -> np.ndarray:
    """The inverse of `encode_srgb`: display codes, clipped to 0..1, as linear light, float32.

    >>> [round(float(v), 4) for v in decode_srgb(np.array([0.0, 0.0258, 0.4614, 1.0]))]
    [0.0, 0.002, 0.18, 1.0]
    """
    x = np.clip(display, 0, 1)
    return np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4).astype(np.float32)


def encode_log(light: np.ndarray) -> np.ndarray:
    """Scene-linear light at the proxy's exposure as log code, float32; middle grey is about 0, negative light counts as 0.

    code = ln((x + 0.002) / 0.18) / 3.
    """
    return (np.log((np.maximum(light, 0) + FLOOR) / MIDDLE_GREY) / STRETCH).astype(np.float32)


def decode_log(code: np.ndarray) -> np.ndarray:
    """The inverse of `encode_log`, float32; never below 0."""
    return np.maximum(np.exp(code * STRETCH) * MIDDLE_GREY - FLOOR, 0).astype(np.float32)


def encode_log_tensor(light: torch.Tensor) -> torch.Tensor:
    """`encode_log` for a tensor; type and device are kept."""
    return ((light.clamp_min(0) + FLOOR) / MIDDLE_GREY).log() / STRETCH


def decode_log_tensor(code: torch.Tensor) -> torch.Tensor:
    """`decode_log` for a tensor; type and device are kept."""
    return ((code * STRETCH).exp() * MIDDLE_GREY - FLOOR).clamp_min(0)
