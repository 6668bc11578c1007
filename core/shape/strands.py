"""Where the depth is that of strands: it differs from pixel to pixel in another way than the normals say, as in hair and fur.

A pixel of hair shows many strands and has the depth of one. Whether this one is in the shadow of its neighbour says little of the
pixel (in a path-traced head the two correlate by 0.2 to 0.4), so the mean over the pixels around it is used instead. Outlines are
not taken for strands, because the median over a block of pixels does not see them.
"""

from __future__ import annotations

import cv2
import numpy as np

BLOCK = 12  # px, side of the squares of which each has one median
SPARSE = 2  # one row in this many is used
LEAST = 0.1  # px, median difference from the normals' slope from pixel to pixel that is still that of a smooth surface
MOST = 0.25  # px, median difference from which on all is strands
FILLED = 0.25  # least share of a block whose differences are known
WIDTH = 2.0  # px, standard deviation of the filter that averages the shadows of strands
FACING = 0.1  # least cosine to the viewer of normals that are used


def strands_of(height: np.ndarray, slope: np.ndarray, facing: np.ndarray, standing: np.ndarray) -> np.ndarray:
    """How much each point is one of strands, (h, w) float32 from 0 to 1.

    Args:
        height: (h, w) in pixels. slope: (h, w) its growth per pixel to the right, by the normals.
        facing: (h, w) cosine of the normals to the viewer. standing: (h, w) bool, where there is a surface.
    """
    rows = slice(None, None, SPARSE)
    h, s, usable = height[rows], slope[rows], (standing & (facing > FACING))[rows]
    differences = np.abs(h[:, 1:] - h[:, :-1] - (s[:, 1:] + s[:, :-1]) / 2)  # (h', w - 1)
    differences = np.where(usable[:, 1:] & usable[:, :-1], differences, np.inf)
    high = BLOCK // SPARSE
    rest = [(0, -side % part) for side, part in zip(differences.shape, (high, BLOCK), strict=True)]
    differences = np.pad(differences, rest, constant_values=np.inf)
    blocks = differences.reshape(differences.shape[0] // high, high, differences.shape[1] // BLOCK, BLOCK).swapaxes(
        1, 2
    )
    ordered = np.sort(blocks.reshape(*blocks.shape[:2], -1), axis=-1)  # (blocks down, blocks across, samples)
    known = np.isfinite(ordered).sum(-1)
    middle = np.take_along_axis(ordered, np.maximum(known - 1, 0)[..., None] // 2, axis=-1)[..., 0]
    grain = np.where(known >= FILLED * ordered.shape[-1], middle, 0).astype(np.float32)
    whole = cv2.resize(grain, (grain.shape[1] * BLOCK, grain.shape[0] * BLOCK), interpolation=cv2.INTER_LINEAR)
    return np.clip((whole[: height.shape[0], : height.shape[1]] - LEAST) / (MOST - LEAST), 0, 1) * standing


def averaged(seen: np.ndarray, share: np.ndarray) -> np.ndarray:
    """A visibility (h, w) of which strands, by their `share` (h, w), have the mean of the strands around them."""
    if not share.any():
        return seen
    mass = np.maximum(cv2.GaussianBlur(share, (0, 0), WIDTH), np.float32(1e-4))
    mean = np.clip(cv2.GaussianBlur(seen * share, (0, 0), WIDTH) / mass, 0, 1)
    return np.where(share > 0, seen + share * (mean - seen), seen)
