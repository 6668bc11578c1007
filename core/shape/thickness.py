"""How thick things are assumed to be whose front alone is seen: as bodies of a round cross-section with the same outline.

A ball is as thick as a ball, an arm as a cylinder: at a distance d from the outline, inside a circle of radius r that touches the
outline, the thickness is 2 sqrt(d (2 r - d)). r is the local radius, that of the largest circle inside the outline that covers
the point ("local thickness", Hildebrand & Rueegsegger 1997).
"""

from __future__ import annotations

import cv2
import numpy as np

from ..pictures.resample import working_shape

LONGEST = 320  # px, longer side at which the local radius, which is smooth, is computed
ALIGNED = 64  # bytes, of which the address of a distance picture is a multiple
FINER = 1.15  # factor from one radius to the next


def round_thickness(within: np.ndarray) -> np.ndarray:
    """The thickness at each point, (h, w) float32 in pixels, 0 on outlines.

    Args:
        within: (h, w) uint8, 0 on outlines and outside, 1 inside.
    """
    inside = _distance(within)  # (h, w), endless where there is no outline
    inside = np.minimum(inside, np.float32(max(within.shape)))
    return 2 * np.sqrt(inside * (2 * _local_radius(inside) - inside))


def _distance(within: np.ndarray) -> np.ndarray:
    """The distance of each point from the nearest 0 of (h, w) uint8, (h, w) float32.

    OpenCV rounds the roots at the ends of its vectors differently, and where these ends are depends on the address of the result
    in memory. At an address of its choice it would give other last bits from one run to the next.
    """
    room = np.empty(within.size + ALIGNED // 4, np.float32)
    first = -room.ctypes.data % ALIGNED // 4
    found = room[first : first + within.size].reshape(within.shape)
    return np.asarray(cv2.distanceTransform(within, cv2.DIST_L2, cv2.DIST_MASK_PRECISE, found))


def _local_radius(inside: np.ndarray) -> np.ndarray:
    """The radius of the largest covering circle, (h, w), from the distance to the outline (h, w); at least this distance."""
    height, width = inside.shape
    size = working_shape(height, width, LONGEST)
    block = max(1, round(max(height, width) / LONGEST))
    largest = cv2.dilate(inside, np.ones((block, block), np.uint8))  # thin things must not fall between the samples
    small = cv2.resize(largest, size[::-1], interpolation=cv2.INTER_NEAREST)  # (h', w')
    found, radius = small.copy(), 1.0
    while radius * block < small.max():
        away = _distance((small < radius * block).astype(np.uint8))
        found[away < radius] = np.maximum(found[away < radius], np.float32(radius * block))
        radius *= FINER
    return np.maximum(cv2.resize(found, (width, height), interpolation=cv2.INTER_LINEAR), inside)
