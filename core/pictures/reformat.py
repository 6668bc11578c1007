"""Brings a picture of one format to another: fill, fit or centre, as the reformat nodes of compositing programs do."""

from __future__ import annotations

import numpy as np

from .frame import Window, place
from .resample import resize

HOWS = ("fill", "fit", "centre")


def reformat(
    pixels: np.ndarray, shape: tuple[int, int], how: str, pixel_aspect: float = 1.0, target_aspect: float = 1.0
) -> np.ndarray:
    """A picture over its whole format, at another format.

    Args:
        pixels: (h, w, c) scene-linear over the display window.
        shape: (H, W) of the new format.
        how: `fill` covers the format and cuts what is over, `fit` shows the whole picture with black beside it, `centre`
            changes no size; all put middle on middle.
        pixel_aspect, target_aspect: width of a pixel over its height, in the picture and in the new format.

    Returns:
        (H, W, c) float32; `pixels` itself where the formats are the same.
    """
    height, width = pixels.shape[:2]
    squeeze = pixel_aspect / target_aspect  # widths are compared in the target's pixels
    if (height, width) == shape and squeeze == 1:
        return pixels
    down, across = shape[0] / height, shape[1] / (width * squeeze)
    scale = {"fill": max(down, across), "fit": min(down, across), "centre": 1.0}[how]
    size = (max(1, round(height * scale)), max(1, round(width * squeeze * scale)))
    scaled = resize(np.ascontiguousarray(pixels, np.float32), size)
    around = Window((shape[1] - size[1]) // 2, (shape[0] - size[0]) // 2, size[1], size[0])
    return place(scaled, around, Window(0, 0, shape[1], shape[0]))
