"""What a relight does to a photograph that no light would do. There is no truth; each number should be small.

Pictures are (h, w, 3) float32 scene-linear with Rec.709 primaries. Differences of light are in stops.
"""

# pyright: reportMissingImports=false
# relamp is found where it is installed.

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from relamp.core.light.irradiance import irradiance_table

LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)  # ITU-R BT.709
DARK = 0.01  # luminance below which a photograph of 8 bits tells no light
INSIDE = 0.9  # of the matte


def chromaticity_moved(plate: np.ndarray, relit: np.ndarray, skin: np.ndarray) -> float:
    """By how much the mean chromaticity r, g, b of the skin moved, the largest of the three, as a share of what it was."""
    before, after = (_chromaticity(picture[skin].mean(0)) for picture in (plate, relit))
    return float(np.abs(after / before - 1).max())


def detail_lost(plate: np.ndarray, relit: np.ndarray, matte: np.ndarray) -> float:
    """1 less the correlation, inside the matte, of what is finer than a hundredth of the picture, in stops of luminance.

    It is 0 when forms and textures are all where they were.
    """
    chosen = _lit(plate, matte)
    before, after = (_fine(picture)[chosen] for picture in (plate, relit))
    return float(1 - np.corrcoef(before, after)[0, 1])


def touched_outside(plate: np.ndarray, relit: np.ndarray, matte: np.ndarray) -> int:
    """How many pixels without matte have other numbers than in the plate."""
    return int((plate != relit).any(-1)[matte == 0].sum())


def unexplained_colour(plate: np.ndarray, relit: np.ndarray, skin: np.ndarray, light: np.ndarray) -> float:
    """How far the change of the skin's colour lies outside the colours that the light has from anywhere, stops, 95th percentile.

    The plate is taken as white-balanced. A facing gets a red to green and a blue to green of its own; what the skin gained must
    lie between the least and the most of them.
    """
    table = irradiance_table(light)
    there = np.log2(table[..., (0, 2)] / table[..., 1:2]).reshape(-1, 2)
    gain = np.log2(np.maximum(relit[skin], 1e-6) / np.maximum(plate[skin], 1e-6))
    gained = gain[:, (0, 2)] - gain[:, 1:2]
    outside = np.maximum(there.min(0) - gained, gained - there.max(0))
    return float(np.percentile(np.maximum(outside, 0).max(1), 95))


def mirror_difference(relit: np.ndarray, relit_mirrored: np.ndarray, matte: np.ndarray) -> float:
    """How far a relight and that of the mirrored plate under the mirrored light lie apart, stops, 90th percentile."""
    return spread([relit, relit_mirrored[:, ::-1]], matte)


def spread(relit: Sequence[np.ndarray], matte: np.ndarray) -> float:
    """How far results that should be one lie apart in luminance, most from least, stops, 90th percentile over the matte."""
    chosen = np.logical_or.reduce([_lit(picture, matte) for picture in relit])
    levels = np.stack([_stops(picture)[chosen] for picture in relit])
    return float(np.percentile(levels.max(0) - levels.min(0), 90))


def _chromaticity(rgb: np.ndarray) -> np.ndarray:
    return rgb / rgb.sum()


def _stops(picture: np.ndarray) -> np.ndarray:
    return np.log2(np.maximum(picture @ LUMINANCE, DARK / 4))


def _fine(picture: np.ndarray) -> np.ndarray:
    stops = _stops(picture)
    return stops - cv2.GaussianBlur(stops, (0, 0), max(stops.shape) / 100)


def _lit(picture: np.ndarray, matte: np.ndarray) -> np.ndarray:
    return (matte > INSIDE) & (picture @ LUMINANCE > DARK)
