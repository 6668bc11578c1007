"""The proxy: a small log-encoded picture of a frame that networks look at, always at the same exposure. Floor 1.

The exposure anchor brings the plate's middle to 0.18 before anything is encoded, so that a network sees the same
numbers whatever the plate's level is.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

MIDDLE_GREY = 0.18
FLOOR = 0.002  # light added before the log, in anchored units: what is darker is noise
STRETCH = 3.0  # natural logs in one unit of code: codes stay within about -1.5 and 3


@dataclass(frozen=True)
class Proxy:
    """A frame at the working size.

    `light` is (h, w, 3) float32, un-premultiplied and anchored, not yet encoded; `matte` is (h, w), 0 to 1; `normals` is
    (h, w, 3) unit camera-space vectors; `known` is (h, w) bool, where they are to be believed.
    """

    light: np.ndarray
    matte: np.ndarray
    normals: np.ndarray
    known: np.ndarray


def encode(light: np.ndarray) -> np.ndarray:
    """Anchored scene-linear light to log code, float32; middle grey is about 0, and negative light counts as none.

    code = ln((x + 0.002) / 0.18) / 3.
    """
    return (np.log((np.maximum(light, 0) + FLOOR) / MIDDLE_GREY) / STRETCH).astype(np.float32)


def decode(code: np.ndarray) -> np.ndarray:
    """The inverse of `encode`, float32; never below 0."""
    return np.maximum(np.exp(code * STRETCH) * MIDDLE_GREY - FLOOR, 0).astype(np.float32)


def working_shape(height: int, width: int, longer: int) -> tuple[int, int]:
    """(h, w) of a frame's proxy: its longer side is `longer` px, or what it was if that is less."""
    scale = min(1.0, longer / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))


def resize(picture: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """A picture (H, W) or (H, W, C) at another size: by area when it shrinks, linear when it grows."""
    if picture.shape[:2] == shape:
        return picture
    shrinks = shape[0] <= picture.shape[0] and shape[1] <= picture.shape[1]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(picture, (shape[1], shape[0]), interpolation=how)


def make(
    plate: np.ndarray,
    alpha: np.ndarray | None,
    weight: np.ndarray,
    normals: np.ndarray,
    known: np.ndarray,
    *,
    anchor: float,
    longer: int,
) -> Proxy:
    """The proxy of a frame at full resolution.

    Args:
        plate: (H, W, 3) premultiplied working-space light; what is not finite counts as black.
        alpha: (H, W), or None for 1 everywhere.
        weight: (H, W) of the matte, already divided by alpha (`law.matte_weight`).
        normals: (H, W, 3) unit camera-space vectors.
        known: (H, W) bool.
        anchor: the factor that brings the plate to the proxy's exposure.
        longer: px of the proxy's longer side, at most.
    """
    height, width = plate.shape[:2]
    shape = working_shape(height, width, longer)
    light = np.where(np.isfinite(plate), plate, 0).astype(np.float32)
    small = resize(light, shape)
    cover = np.ones(plate.shape[:2], np.float32) if alpha is None else np.clip(alpha, 0, 1).astype(np.float32)
    covered = resize(cover, shape)
    small = np.where(covered[..., None] > 1e-3, small / np.maximum(covered, 1e-3)[..., None], small)
    matte = np.clip(resize((weight * cover).astype(np.float32), shape), 0, 1)
    mass = resize(known.astype(np.float32), shape)
    facing = resize(np.where(known[..., None], normals, 0).astype(np.float32), shape)
    length = np.sqrt((facing * facing).sum(-1, keepdims=True))
    sure = (mass > 0.5) & (length[..., 0] > 0.1)
    unit = np.where(sure[..., None], facing / np.maximum(length, 1e-6), np.array([0, 0, 1], np.float32))
    return Proxy(small * np.float32(anchor), matte, unit.astype(np.float32), sure)
