"""Turns pictures upright whose header says that they were taken with the camera turned (EXIF tag 274, `Orientation`).

OpenEXR files are never turned.
"""

from __future__ import annotations

import numpy as np
import OpenImageIO as oiio


def upright_spec(spec: oiio.ImageSpec, file_format: str) -> oiio.ImageSpec:
    """A copy of a header, with the size of the upright picture."""
    turned = spec.copy()
    number = _orientation(spec, file_format)
    if number >= 5:  # rows and columns change places
        turned.width, turned.height = spec.height, spec.width
        turned.full_width, turned.full_height = spec.full_height, spec.full_width
        turned.x, turned.y, turned.full_x, turned.full_y = spec.y, spec.x, spec.full_y, spec.full_x
    if number > 1:
        turned.erase_attribute("Orientation")
    return turned


def upright(pixels: np.ndarray, spec: oiio.ImageSpec, file_format: str) -> np.ndarray:
    """Pixels (h, w, c) as the file holds them, turned upright by the file's header."""
    number = _orientation(spec, file_format)
    if number == 1:
        return pixels
    if number >= 5:
        pixels = pixels.swapaxes(0, 1)
    if number in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if number in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)


def _orientation(spec: oiio.ImageSpec, file_format: str) -> int:
    """The EXIF number, 1 to 8; 1 where there is none, and for OpenEXR, whatever a program wrote there."""
    number = spec.getattribute("Orientation") if file_format != "openexr" else None
    return number if isinstance(number, int) and 1 <= number <= 8 else 1
