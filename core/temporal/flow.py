"""Dense motion between two frames of a plate, and pictures moved along it.

Classical optical flow, OpenCV's DIS (Kroeger et al. 2016): no network, and the same bits as long as OpenCV runs
single-threaded (`process.pin_opencv`; DIS propagates within stripes, a stripe a thread).
"""

from __future__ import annotations

import cv2
import numpy as np

PRESETS = {"medium": cv2.DISOPTICAL_FLOW_PRESET_MEDIUM, "fast": cv2.DISOPTICAL_FLOW_PRESET_FAST}
SMALLEST = 16
"""px, the shorter side: DIS finds nothing in smaller pictures."""


def dense(source: np.ndarray, target: np.ndarray, preset: str = "medium") -> np.ndarray:
    """Where each pixel of `source` has gone in `target`: (H, W, 2) float32 px, x to the right, y down.

    Args:
        source, target: (H, W) uint8 display-encoded luma, `SMALLEST` px or more.
        preset: of DIS, medium or fast.
    """
    finder = cv2.DISOpticalFlow.create(PRESETS[preset])
    at_rest = np.zeros((*source.shape[:2], 2), np.float32)
    return np.asarray(finder.calc(source, target, at_rest), np.float32)


def warp(
    picture: np.ndarray, back: np.ndarray, interpolation: int = cv2.INTER_LINEAR, into: np.ndarray | None = None
) -> np.ndarray:
    """Bring another frame onto this one: (H, W) or (H, W, C) sampled at `back` px from each pixel, edges held.

    `into` is an array of the result's shape and type to write to.
    """
    x, y = _places(back)
    return cv2.remap(picture, x, y, interpolation, dst=into, borderMode=cv2.BORDER_REPLICATE)


def within(back: np.ndarray) -> np.ndarray:
    """Pixels that come from inside the other picture, (H, W) bool."""
    height, width = back.shape[:2]
    x, y = _places(back)
    return (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)


def _places(back: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    height, width = back.shape[:2]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return x + back[..., 0], y + back[..., 1]
