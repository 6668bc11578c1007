"""An environment from the background plate: the plate is part of the light, and the rest is extrapolated from it.

The picture is placed in the map at its own directions. Beyond its edges it is continued mirrored and stretched, so that the left
of the map resembles the left of the picture, above its top and below its bottom. It is blurred more with the distance from the
picture; opposite the camera only the mean remains. Clipped highlights are made brighter, more so the smaller they are, because a
small white patch is a lamp and a large one a sky.

Every number of the map is a smooth function of the one picture it comes from, so a steady background gives a steady light
and a changing one changes the light, independent of which frames are rendered.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from ..errors import InputError
from .environment import directions

ROWS = 64
LONGER = 96  # px, longer side of the picture that is used; light from a background is soft
LEVELS = (0.0, 0.06, 0.15, 0.4)  # blur at 0, 30, 90 and 180 degrees off the picture, as shares of its longer side
# Measured on procedural places (`benchmarks/background_light.py`): light from above is stronger than from below, and unseen
# directions are nearer to the mean than the extrapolated picture.
UNSEEN = 1.2
UPWARD = 0.8
SURENESS = 0.7  # power on unseen directions, relative to the picture's mean
ALIKE = 2e-4  # largest difference from the picture's white of clipped pixels; grain makes other pixels differ by more
CLIP_SHARE = (1e-3, 4e-3)  # share of such pixels at which clipping is likely, and certain
FLAT_SHARE = (0.4, 0.6)  # share of such pixels from which the picture is white and not clipped
LIFT_MOST = 16.0
LIFT_AREA = 0.1  # factor times share: a highlight of 1 % becomes ten times brighter


def from_background(picture: np.ndarray, rays: np.ndarray, rows: int = ROWS) -> np.ndarray:
    """The light that a background plate shows.

    Args:
        picture: (h, w, 3) scene-linear background over the display window, working space; pixels that are not finite or below
            zero count as black.
        rays: (h', w', 3) unit, world space, the view rays of the same window (`camera_rays(...) @ camera.rotation.T`), any size.
        rows: rows of the map.

    Returns:
        (rows, 2 rows, 3) float32 radiance in the plate's units, a latitude-longitude map.

    Raises:
        InputError: the picture is black.
    """
    clean = np.where(np.isfinite(picture) & (picture > 0), picture, 0).astype(np.float32)
    if not clean.max() > 0:
        raise InputError("the background is black, so it tells of no light; give --env, or another --background")
    small = _small(lift_clipped(clean))
    across, up, off = _unfold(directions(rows, 2 * rows), rays)
    made = _softened(small, across, up, off)
    unseen = np.clip(off / np.radians(30.0), 0, 1)[..., None]
    height = directions(rows, 2 * rows)[..., 1:2]
    mean = np.maximum(small.mean(axis=(0, 1), dtype=np.float64), 1e-6 * float(small.max()))
    guessed = UNSEEN * np.exp(UPWARD * height) * mean * (made / mean) ** SURENESS
    return (made + unseen * (guessed - made)).astype(np.float32)


def lift_clipped(picture: np.ndarray) -> np.ndarray:
    """Estimate some of the light that the camera clipped in highlights.

    A picture counts as clipped when more pixels than by chance are exactly as bright as its brightest. They are multiplied
    by `LIFT_AREA` over their share, at most `LIFT_MOST`, smoothly from four fifths of the white on.

    Args:
        picture: (h, w, 3), zero or more.

    Returns:
        (h, w, 3) float32; `picture` itself where nothing is clipped.
    """
    brightest = picture.max(axis=-1)
    step = 1 + max(brightest.shape) // 1024  # enough pixels to measure a share
    brightest_some = brightest[::step, ::step]
    white = float(np.quantile(brightest_some, 0.9998))
    if white <= 0:
        return picture
    share = float((brightest_some >= (1 - ALIKE) * white).mean())
    sure = _ease(share, *CLIP_SHARE) * (1 - _ease(share, *FLAT_SHARE))
    lift = 1 + sure * (float(np.clip(LIFT_AREA / max(share, 1e-6), 1.0, LIFT_MOST)) - 1)
    if lift == 1:
        return picture
    amount = _ease(brightest / white, 0.8, 1.0)[..., None]
    return (picture * (1 + amount * (lift - 1))).astype(np.float32)


def _small(picture: np.ndarray) -> np.ndarray:
    height, width = picture.shape[:2]
    scale = min(1.0, LONGER / max(height, width))
    size = max(2, round(width * scale)), max(2, round(height * scale))
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA)


def _unfold(d: np.ndarray, rays: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The picture coordinates of each direction, 0 to 1 across and up, and its angle from the picture, radians."""
    right, above, back = _axes(rays)
    x, y, z = (d @ axis for axis in (right, above, -back))
    half = _half_angles(rays, right, above, -back)
    azimuth, elevation = np.arctan2(x, z), np.arcsin(np.clip(y, -1, 1))
    off = np.hypot(
        np.maximum(np.abs(azimuth) - half[0], 0) * np.cos(elevation), np.maximum(np.abs(elevation) - half[1], 0)
    )
    across = _mirrored(azimuth, half[0], np.pi)
    up = _mirrored(elevation, half[1], np.pi / 2)
    # Inside the picture the lens maps tangents; outside, angles are used.
    return 0.5 + across / 2, 0.5 + up / 2, np.where(z > 0, off, np.maximum(off, np.pi / 2 - half[0]))


def _mirrored(angle: np.ndarray, half: float, end: float) -> np.ndarray:
    """A coordinate, -1 to 1 over the picture by tangents; beyond it, it returns toward the middle, which it reaches at `end`."""
    inside = np.tan(np.clip(np.abs(angle), 0, half)) / np.tan(half)
    outside = 1 - np.clip((np.abs(angle) - half) / max(end - half, 1e-6), 0, 1) * (1.0 if end > 2 else 0.5)
    return np.sign(angle) * np.where(np.abs(angle) <= half, inside, outside)


def _axes(rays: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Right, up and back of the camera in the world, (3,) each."""
    ahead = rays.reshape(-1, 3).mean(axis=0, dtype=np.float64)
    ahead /= np.linalg.norm(ahead)
    right = rays[rays.shape[0] // 2, -1].astype(np.float64) - rays[rays.shape[0] // 2, 0]
    right -= ahead * (right @ ahead)
    right /= np.linalg.norm(right)
    return right, np.cross(-ahead, right), -ahead


def _half_angles(rays: np.ndarray, right: np.ndarray, above: np.ndarray, ahead: np.ndarray) -> tuple[float, float]:
    """Half of the picture's field of view, across and up, radians."""
    depth = rays @ ahead
    across, up = np.abs(rays @ right / depth).max(), np.abs(rays @ above / depth).max()
    return float(np.arctan(across)), float(np.arctan(up))


def _softened(picture: np.ndarray, across: np.ndarray, up: np.ndarray, off: np.ndarray) -> np.ndarray:
    """Sample the picture, with more blur the further a direction is from it."""
    height, width = picture.shape[:2]
    x = (across * width - 0.5).astype(np.float32)
    y = ((1 - up) * height - 0.5).astype(np.float32)
    stack = []
    for level in LEVELS:
        sigma = level * max(height, width)
        blurred = picture if sigma == 0 else cv2.GaussianBlur(picture, (0, 0), sigma, borderType=cv2.BORDER_REFLECT)
        stack.append(cv2.remap(blurred, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))
    stack.append(np.broadcast_to(picture.mean(axis=(0, 1)), stack[0].shape))
    places = np.interp(off, np.radians((0, 10, 30, 90, 180)), np.arange(len(stack)))
    low = np.minimum(places.astype(int), len(stack) - 2)
    share = (places - low)[..., None]
    levels = np.stack(stack)
    rows, columns = np.indices(low.shape)
    return levels[low, rows, columns] * (1 - share) + levels[low + 1, rows, columns] * share


def _ease(value: np.ndarray | float, low: float, high: float) -> Any:
    """Smoothstep from 0 at `low` to 1 at `high`."""
    t = np.clip((np.asarray(value, np.float64) - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)
