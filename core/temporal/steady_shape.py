"""What a network sees of a subject's shape, steadied over the neighbouring frames along the motion of the plate. Floor 1.

A network that sees one frame at a time sees a slightly other shape in each, and light that is traced on it flickers. So what it
sees of the neighbours is brought onto the middle frame and averaged; where a frame disagrees with the others it counts less.
Everything here depends on the frames of the window and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from ..shape.seen import SeenShape
from .align import Track
from .flow import warp

RADIUS = 2  # frames on each side
LIKE = 0.1  # code (0.43 stops) by which a pixel may differ from where it came from and still be half believed
# How far from the mean a frame counts half: normals (chord), relief (of the longer side), log albedo.
AGREED = (0.4, 0.02, 0.3)
ROUNDS = 2
ALBEDO_BLUR = 1 / 24  # of the longer side: what is finer in albedo is texture, and that of the middle frame

# Of the planes of `_stacked`; 8 is the matte.
_NORMALS, _RELIEF, _ALBEDO = slice(0, 3), slice(3, 4), slice(4, 7)
_DOUBT, _CODE, _PARTS = slice(7, 8), slice(9, 10), slice(10, 13)


@dataclass(frozen=True)
class SeenFrame:
    """A frame at the working size and what was seen of it: `code` (h, w, 3) its log proxy, `matte` (h, w) from 0 to 1.

    `canvas` tells frames that lie over each other pixel for pixel.
    """

    code: np.ndarray
    matte: np.ndarray
    shape: SeenShape
    canvas: object = None


def steadied(window: Sequence[SeenFrame | None], tracks: Mapping[int, Track]) -> SeenShape:
    """The shape of the middle frame of a window, averaged over those of its frames.

    Args:
        window: an odd number of frames, None where there is none; the middle one must be there.
        tracks: where the middle frame's pixels are in the others (`align.Aligner.tracks`).

    Returns:
        The shape; that of the middle frame to the last bit where no other can be followed.
    """
    middle = window[len(window) // 2]
    if middle is None:
        raise ValueError("a window needs its middle frame")
    here = _stacked(middle)  # (h, w, 13)
    found, weights = [here], [np.ones_like(middle.matte)]
    for offset, track in sorted(tracks.items()):
        there = window[len(window) // 2 + offset]
        if there is None:
            continue
        moved = warp(_stacked(there), track.back)  # (h, w, 13)
        weight = _followed(here, moved, track)
        moved[..., _RELIEF] -= _difference(moved, here, weight * middle.matte, _RELIEF)
        # The plate's own light may change with the frame, and what is seen of albedo with it.
        moved[..., _ALBEDO] -= _difference(moved, here, weight * middle.matte, _ALBEDO)
        found.append(moved)
        weights.append(weight)
    if len(found) == 1:
        return middle.shape
    planes, trust = np.stack(found), np.stack(weights)[..., None]  # (N, h, w, 13), (N, h, w, 1)
    normals, relief, albedo = (
        _agreed(planes[..., part], trust, agreed)
        for part, agreed in zip((_NORMALS, _RELIEF, _ALBEDO), AGREED, strict=True)
    )
    doubt, parts = ((planes[..., part] * trust).sum(0) / trust.sum(0) for part in (_DOUBT, _PARTS))
    change = smooth(albedo - here[..., _ALBEDO], middle.matte)
    return SeenShape(
        normals / np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), 1e-6),
        relief[..., 0],
        np.minimum(middle.shape.log_albedo + change, 0),
        doubt[..., 0],
        parts,
    )


def _stacked(frame: SeenFrame) -> np.ndarray:
    """Shape, matte, the code's mean over its channels, and parts as one picture, (h, w, 13) float32."""
    s = frame.shape
    shape = (s.normals, s.relief[..., None], s.log_albedo, s.doubt[..., None], frame.matte[..., None])
    return np.concatenate([*shape, frame.code.mean(-1, keepdims=True), s.parts], axis=-1, dtype=np.float32)


def _followed(here: np.ndarray, moved: np.ndarray, track: Track) -> np.ndarray:
    """How surely both pictures show the same points, (h, w), 0 to 1."""
    apart = moved[..., _CODE] - here[..., _CODE]
    inside = here[..., 8] > 0.5
    usual = np.median(apart[inside]) if inside.any() else np.float32(0)  # of a plate whose light changes
    same = 1 - np.abs(moved[..., 8] - here[..., 8])
    return track.sure * same * same / (1 + ((apart[..., 0] - usual) / LIKE) ** 2)


def _difference(moved: np.ndarray, here: np.ndarray, weight: np.ndarray, part: slice) -> np.ndarray:
    """By how much some planes differ on the whole, (C,)."""
    apart = (moved[..., part] - here[..., part]) * weight[..., None]
    return apart.sum((0, 1)) / max(float(weight.sum()), 1e-6)


def _agreed(planes: np.ndarray, trust: np.ndarray, apart: float) -> np.ndarray:
    """The mean over frames, (h, w, C), of planes (N, h, w, C) that are trusted so far (N, h, w, 1); outliers count less."""
    weight = trust
    for _ in range(ROUNDS):
        mean = (planes * weight).sum(0) / weight.sum(0)
        off = ((planes - mean) ** 2).sum(-1, keepdims=True)
        weight = trust / (1 + off / np.float32(apart * apart))
    return (planes * weight).sum(0) / weight.sum(0)


def smooth(change: np.ndarray, matte: np.ndarray) -> np.ndarray:
    """A change (h, w, C) without what is finer than albedo is steadied, averaged over the matte (h, w)."""
    side = 2 * max(1, round(ALBEDO_BLUR * max(matte.shape) / 2)) + 1
    weight = matte[..., None] + np.float32(1e-4)
    box = [cv2.blur(np.ascontiguousarray(a), (side, side)) for a in (change * weight, matte + np.float32(1e-4))]
    return box[0] / box[1][..., None]
