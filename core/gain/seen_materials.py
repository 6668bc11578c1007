"""The materials of what a network tells apart: skin, hair and cloth; everything else is taken as matte.

Skin mirrors 2.8 % at right angles, 0.7 of what glass or paint does, and its roughness is that of the oily layer (Weyrich et al.
2006). What hair mirrors of a lamp is spread along a line across the strands; of all directions of strands together it is a broad
and weaker reflection. Cloth and things are left matte: one picture does not tell how they shine.
"""

from __future__ import annotations

import numpy as np

from ..shape.seen import PARTS
from .materials import Materials

SHINE = {"skin": 0.7, "hair": 0.7, "cloth": 0.0}  # of `materials.DIELECTRIC`
ROUGHNESS = {"skin": 0.45, "hair": 0.5, "cloth": 0.8}


def materials_of(parts: np.ndarray) -> Materials:
    """The materials of a picture's parts (h, w, 3), 0 to 1 each, in the order of `PARTS`."""
    shine = parts @ np.array([SHINE[name] for name in PARTS], np.float32)  # (h, w)
    weighed = parts * np.array([SHINE[name] for name in PARTS], np.float32)
    rough = weighed @ np.array([ROUGHNESS[name] for name in PARTS], np.float32)
    roughness = np.where(shine > 0, rough / np.maximum(shine, np.float32(1e-6)), np.float32(0.5))
    return Materials(None, roughness.astype(np.float32), np.zeros_like(shine), shine, seen=True)
