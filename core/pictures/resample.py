"""Resizes pictures: averaged by area to a smaller size, bilinear to a larger size."""

from __future__ import annotations

import cv2
import numpy as np

SHORTEST = 0.1  # least length of a mean of unit normals; a shorter one has no reliable direction


def working_shape(height: int, width: int, longer: int) -> tuple[int, int]:
    """The size (h, w) of a frame's proxy: its longer side is at most `longer` px."""
    scale = min(1.0, longer / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))


def resize(picture: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """A picture (H, W) or (H, W, C) at another size: by area to a smaller size, bilinear to a larger one."""
    if picture.shape[:2] == shape:
        return picture
    shrinks = shape[0] <= picture.shape[0] and shape[1] <= picture.shape[1]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(picture, (shape[1], shape[0]), interpolation=how)


def shrink_normals(
    normals: np.ndarray, known: np.ndarray, shape: tuple[int, int], least: float
) -> tuple[np.ndarray, np.ndarray]:
    """Unit normals at a smaller size (h, w), averaged by area over where they are known.

    Args:
        normals: (H, W, 3) unit vectors; those that are not known are left out of the mean.
        known: (H, W) bool.
        least: share of a small pixel, 0 to 1, over which normals must be known for its normal to be known.

    Returns:
        (h, w, 3) float32, (0, 0, 1) where no normal is known, and (h, w) bool, where one is.
    """
    mass = resize(known.astype(np.float32), shape)  # (h, w)
    there = normals if known.all() else np.where(known[..., None], normals, np.float32(0))
    facing = resize(there.astype(np.float32, copy=False), shape)  # (h, w, 3), shorter than 1
    length = np.sqrt((facing * facing).sum(-1, keepdims=True))
    sure = (mass > least) & (length[..., 0] > SHORTEST)
    unit = np.where(sure[..., None], facing / np.maximum(length, 1e-6), np.array([0, 0, 1], np.float32))
    return unit.astype(np.float32), sure
