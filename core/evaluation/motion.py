"""How steady a shot is along its motion: flicker, warping error, warp-SSIM and motion preservation.

Motion is classical dense optical flow, OpenCV's DIS (Kroeger et al. 2016, preset medium) on display-encoded luma: no network
is needed, and numbers are not comparable with published ones that follow RAFT. Everything is measured from a frame to the
next one, on pixels that both show. Pictures are (H, W, 3) float32 linear Rec.709.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..pictures.curves import encode_srgb
from ..temporal.flow import SMALLEST, dense, warp, within
from .metrics import luminance, rms, ssim, stops

__all__ = ["FLOW", "SMALLEST", "Motion", "flicker", "flow", "follow", "motion_error", "warp", "warping"]

FLOW = "DIS, OpenCV, preset medium"


@dataclass(frozen=True)
class Motion:
    """How the picture moved from the frame before.

    `back` is (H, W, 2) float32 px: a pixel of this frame was at its own (x, y) plus `back` in the frame before. `seen` is
    (H, W) bool, true where both frames show the same point: the forward and backward flow agree, after TC-Light's check.
    """

    back: np.ndarray
    seen: np.ndarray


def flow(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Where each pixel of `source` has gone in `target`: (H, W, 2) px, x to the right, y down."""
    return dense(_luma(source), _luma(target))


def follow(before: np.ndarray, now: np.ndarray) -> Motion:
    """The motion between two frames of the plate, found from the filmed frames alone."""
    forward, back = flow(before, now), flow(now, before)
    there = warp(forward, back)
    apart = np.linalg.norm(back + there, axis=-1)
    length = np.linalg.norm(back, axis=-1) + np.linalg.norm(there, axis=-1)
    return Motion(back, (apart < 0.5 * length + 0.5) & within(back))


def flicker(
    pred: tuple[np.ndarray, np.ndarray], truth: tuple[np.ndarray, np.ndarray], motion: Motion, inside: np.ndarray
) -> tuple[float, float] | None:
    """Change of brightness from the frame before that the truth does not have, in stops: (all of it, the picture's as a whole).

    The error in stops of each frame is followed along the motion: an error that moves with what is lit is no flicker, nor is
    a texture that moves, nor light that truly changes. All of it is the root mean square over the pixels, the whole is the
    absolute mean. None where nothing inside can be followed.

    Args:
        pred: frame before, this frame.
        truth: the same two.
        inside: (H, W) bool, the matte in both frames.
    """
    errors = [stops(luminance(p)) - stops(luminance(t)) for p, t in zip(pred, truth, strict=True)]
    followed = inside & motion.seen
    if not followed.any():
        return None
    change = (errors[1] - warp(errors[0].astype(np.float32), motion.back))[followed]
    return rms(change), abs(float(np.mean(change, dtype=np.float64)))


def warping(frames: tuple[np.ndarray, np.ndarray], motion: Motion, inside: np.ndarray) -> tuple[float, float] | None:
    """Warping error and warp-SSIM of a shot against itself: the frame before, moved onto this one.

    Root mean square difference of the display-encoded pictures (0 for a steady shot), and their SSIM (1). Light that truly
    changes counts, so the truth's own values belong beside them. None where nothing inside can be followed.
    """
    followed = inside & motion.seen
    if not followed.any():
        return None
    moved = warp(frames[0].astype(np.float32), motion.back, cv2.INTER_CUBIC)
    return rms((encode_srgb(moved) - encode_srgb(frames[1]))[followed]), ssim(moved, frames[1], followed)


def motion_error(pred: tuple[np.ndarray, np.ndarray], motion: Motion, inside: np.ndarray) -> float | None:
    """Motion preservation: mean distance in px between the motion seen in `pred` and that of what was filmed."""
    followed = inside & motion.seen
    if not followed.any():
        return None
    return float(np.linalg.norm(flow(pred[1], pred[0]) - motion.back, axis=-1)[followed].mean())


def _luma(linear: np.ndarray) -> np.ndarray:
    return np.round(255 * encode_srgb(luminance(linear))).astype(np.uint8)
