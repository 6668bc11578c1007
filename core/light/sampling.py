"""Bilinear reads of a picture at fractional pixels, fast enough for a 4K frame of directions."""

from __future__ import annotations

import cv2
import numpy as np

CHUNK = 16384  # one row of cv2.remap, under its limit of 32767 and small enough to stay in cache


def bilinear(picture: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Read `picture` between its pixels.

    Args:
        picture: (H, W, 3) float32, at most 32766 pixels a side. Pixel (0, 0) has its centre at x = y = 0.
        x: (...) float32 columns. Positions outside the picture take its nearest pixel.
        y: (...) float32 rows, same shape.

    Returns:
        (..., 3) float32; 0 where x or y is not finite.
    """
    # Four channels: cv2.remap has a vector path for 1 and 4, and takes four times as long for 3.
    source = np.zeros((*picture.shape[:2], 4), np.float32)
    source[..., :3] = picture
    columns = np.ascontiguousarray(x, np.float32).reshape(1, -1)
    rows = np.ascontiguousarray(y, np.float32).reshape(1, -1)
    out = np.empty((columns.shape[1], 3), np.float32)
    for start in range(0, len(out), CHUNK):
        stop = start + CHUNK
        out[start:stop] = _remap(source, columns[:, start:stop], rows[:, start:stop])
    return out.reshape(*np.shape(x), 3)


def _remap(source: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    finite = np.isfinite(x) & np.isfinite(y)
    if finite.all():
        read = cv2.remap(source, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return cv2.cvtColor(read, cv2.COLOR_BGRA2BGR)[0]  # the first three channels, far faster than a slice
    kept = (np.where(finite, x, 0).astype(np.float32), np.where(finite, y, 0).astype(np.float32))
    read = cv2.remap(source, *kept, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)[0, :, :3]
    return np.where(finite[0, :, None], read, 0)
