"""The subject's own colour where it covers a pixel only in part: at soft edges and in hair.

Such a pixel is a mixture, `matte * own + (1 - matte) * behind`, and only the subject's part takes the new light. Its colour is
estimated from local means of both sides, corrected by the observed pixel, from coarse to fine ("Approximate Fast Foreground
Colour Estimation", Forte 2021). The means are smooth, so they are computed on smaller pictures.
"""

from __future__ import annotations

import cv2
import numpy as np

from ..pictures.resample import resize

RADII = ((1 / 24, 16), (1 / 96, 4), (1 / 340, 2))  # of the passes: share of the longer side, and the least radius in px
NEAREST = 4.0  # px, least width of an edge that is searched for mixed pixels
OUTER = 0.02  # a matte within this of 0 or 1 is one or the other, in the search for edges
SURE = 4  # power on the matte when each side is averaged, so that mixed pixels count little
COARSE = 2  # px, about the radius of a mean on the smaller picture of its pass


def own_light(picture: np.ndarray, matte: np.ndarray) -> np.ndarray:
    """The subject's own light along the edges of its matte, (H, W, 3); `picture` elsewhere. See `foreground`.

    An edge is a place that is near to 0 and near to 1. A matte that lies between them over a wider area is no mixture but an
    artist's choice of how much is relit.
    """
    soft = (matte > 0) & (matte < 1)
    if not soft.any():
        return picture
    reach = np.float32(max(NEAREST, RADII[0][0] * max(matte.shape)))
    edge = soft
    for side in (matte > OUTER, matte < 1 - OUTER):  # near to 0, and near to 1
        edge = edge & (cv2.distanceTransform(side.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5) < reach)
    if not edge.any():
        return picture
    own = picture.copy()
    own[edge] = foreground(picture, matte)[edge]
    return own


def foreground(picture: np.ndarray, matte: np.ndarray) -> np.ndarray:
    """The subject's own colour wherever the matte is above 0.

    Args:
        picture: (H, W, 3) scene-linear, subject and what is behind it mixed by the matte; non-finite pixels are ignored.
        matte: (H, W), 0 to 1.

    Returns:
        (H, W, 3) float32, zero or more, and no more than the matte leaves room for: `matte * own` is at most `picture` where
        that is not negative. Equal to `picture` where the matte is 0 or 1, and where the picture is not finite.
    """
    finite = np.asarray(np.isfinite(picture).all(axis=-1))  # (H, W)
    seen = picture if finite.all() else np.where(finite[..., None], picture, 0)
    seen, matte = np.asarray(seen, np.float32), np.asarray(matte, np.float32)
    full, radii = matte.shape, [max(least, round(share * max(matte.shape))) for share, least in RADII]
    levels, parts = [], (seen, matte, finite.astype(np.float32))
    for radius in reversed(radii):  # each from the finer one
        step = max(1, radius // COARSE)
        parts = tuple(resize(p, (-(-full[0] // step), -(-full[1] // step))) for p in parts)
        levels.insert(0, (parts, round(radius / step)))
    front = back = levels[0][0][0]
    for (small, thin, known), radius in levels:
        front, back = _refined(small, resize(front, thin.shape), resize(back, thin.shape), thin, known, radius)
    soft = (matte > 0) & (matte < 1) & finite
    a = matte[soft][:, None]  # (P, 1)
    mean_front, mean_back = (resize(p, full)[soft] for p in (front, back))
    own = mean_front + a * (seen[soft] - a * mean_front - (1 - a) * mean_back)
    most = np.maximum(seen[soft], 0) / np.maximum(a, np.float32(1e-6))
    found = picture.astype(np.float32)
    found[soft] = np.clip(own, 0, most)
    return found


def _refined(
    seen: np.ndarray, front: np.ndarray, back: np.ndarray, matte: np.ndarray, finite: np.ndarray, radius: int
) -> tuple[np.ndarray, np.ndarray]:
    """One pass at any size (h, w): better colours (h, w, 3) of the subject and of what is behind it."""
    a = matte[..., None]
    mean_front = _mean(front, (matte**SURE * finite)[..., None], radius)
    mean_back = _mean(back, ((1 - matte) ** SURE * finite)[..., None], radius)
    missing = seen - a * mean_front - (1 - a) * mean_back
    return np.maximum(mean_front + a * missing, 0), np.maximum(mean_back + (1 - a) * missing, 0)


def _mean(light: np.ndarray, weight: np.ndarray, radius: int) -> np.ndarray:
    """Weighted mean over a square of `radius`; where the square has no weight, the mean of the whole picture."""
    size = (2 * radius + 1, 2 * radius + 1)
    total = cv2.blur(light * weight, size, borderType=cv2.BORDER_REFLECT_101)
    mass = cv2.blur(weight, size, borderType=cv2.BORDER_REFLECT_101)[..., None]
    everywhere = (light * weight).mean(axis=(0, 1)) / max(float(weight.mean()), 1e-6)
    return np.where(mass > 1e-4, total / np.maximum(mass, 1e-4), everywhere)
