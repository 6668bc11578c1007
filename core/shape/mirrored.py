"""What the surfaces of a subject mirror of the subject itself: the share of each reflection, and the point that it shows.

Reflections are followed over the relief as the rays of a lamp's shadow are (`shadow`); the direction differs by point, and the
lobe of a rough surface is as wide as a lamp. They do not depend on the light, so those of the last shapes are kept while a
light is turned.
"""

from __future__ import annotations

import hashlib
import math
import threading
from dataclasses import dataclass

import numpy as np
from cachetools import LRUCache, cached

from ..pictures.bands import each_band
from .shadow import FINER, SHARPEST, WIDEST, Surface, walked

LARGEST = 512  # px, longer side at which reflections are followed
LOBE = 2.0  # half width of the lobe of a reflection, radians per alpha
KEPT = 4  # shapes whose reflections are kept, 2 MB each


@dataclass(frozen=True)
class Met:
    """What reflections meet, over a picture (h, w).

    `hidden` (h, w) float32 is the share of each reflection that shows the subject, 0 to 1, and `place` (h, w) int32 the flat
    index of the point that it shows, -1 where `hidden` is 0.
    """

    hidden: np.ndarray
    place: np.ndarray


def coarse(surface: Surface) -> Surface:
    """The surface at the size at which reflections are followed."""
    while max(surface.top.shape) > LARGEST:
        surface = surface.halved
    return surface


def _content(surface: Surface, directions: np.ndarray, roughness: np.ndarray) -> bytes:
    doubt = np.asarray(surface.doubt, np.float32)
    facts = repr((surface.spacing, surface.focal, surface.centre, surface.thickness)).encode()
    parts = (surface.top, surface.normals, doubt, directions, roughness)
    return hashlib.sha256(b"".join((facts, *(part.tobytes() for part in parts)))).digest()


@cached(LRUCache(KEPT), key=_content, lock=threading.Lock())
def followed(surface: Surface, directions: np.ndarray, roughness: np.ndarray) -> Met:
    """Follow the reflections of a surface over its own relief.

    Args:
        directions: (h, w, 3) unit, camera space, in which the surface mirrors. roughness: (h, w), 0 to 1.
    """
    hidden, place = np.zeros(surface.top.shape, np.float32), np.full(surface.top.shape, -1, np.int32)

    def follow(rows: slice) -> None:
        row, column = np.nonzero(surface.standing[rows])
        if not row.size:
            return
        row = row + rows.start
        wide = np.clip(LOBE * roughness[row, column] ** 2, SHARPEST, WIDEST).astype(np.float32)
        met = np.full(row.shape, -1, np.int32)
        hidden[row, column] = 1 - walked(surface, directions[row, column].T, wide, row, column, FINER, math.inf, met)
        place[row, column] = met

    each_band(len(hidden), follow)
    return Met(hidden, place)
