"""Planes and colours as pictures of three channels.

The same arithmetic by numpy's broadcasting over a last axis of one or three takes several times as long, because its inner loops
are then three numbers long. The numbers are the same.
"""

from __future__ import annotations

import cv2
import numpy as np


def thrice(plane: np.ndarray) -> np.ndarray:
    """A plane (n, W) or (n, W, 1) as (n, W, 3), with the same value in each channel."""
    plane = plane.reshape(plane.shape[:2])
    return cv2.merge([plane, plane, plane])


def in_colour(plane: np.ndarray, colour: np.ndarray) -> np.ndarray:
    """A plane (n, W) or (n, W, 1) times a colour (3,), (n, W, 3)."""
    plane = plane.reshape(plane.shape[:2])
    return cv2.merge([plane * part for part in colour])


def along(colour: np.ndarray, width: int) -> np.ndarray:
    """A colour (3,) repeated along a row, (W, 3), to calculate with the rows of a picture."""
    return np.tile(colour, (width, 1))


def planes(picture: np.ndarray) -> list[np.ndarray]:
    """The channels of a picture (..., 3) as arrays (...) of their own."""
    flat = np.ascontiguousarray(picture).reshape(1, -1, picture.shape[-1])
    return [plane.reshape(picture.shape[:-1]) for plane in cv2.split(flat)]
