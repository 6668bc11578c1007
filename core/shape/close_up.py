"""Close-ups: where a subject is small in its frame, parts of the picture are estimated separately. Floor 1.

The shape network works at one size of picture, in which a face of a tenth of the frame has few pixels. Therefore each separate
part of the matte is cropped to a box and estimated again, and so is the head of a tall part, such as a standing person. The
result in the box replaces that of the larger picture, or fades into it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from ..pictures.resample import resize
from .seen import SeenShape

SMALL = 0.75  # share of the frame's longer side; a larger part gets no close-up
LEAST = 0.04  # share of the frame's longer side; a smaller part is ignored
MARGIN = 0.15  # share of a box's longer side added around it
STEPS = 64  # grid steps per side of a frame; boxes lie on the grid, so that they stay the same under small motion
TALL = 1.9  # height over width from which the top of a part is taken as a head
HEAD = 0.2  # share of such a part's height
NECK = 0.2  # share of a head's height; columns that reach less far into it are shoulders
THERE = 0.1  # matte from which a pixel is part of a subject
FADE = 0.12  # share of a box's longer side over which it fades into the larger picture


@dataclass(frozen=True)
class Box:
    """A part of a picture, as shares of its height and width from the top left."""

    top: float
    left: float
    bottom: float
    right: float

    def rows(self, height: int) -> slice:
        """The rows of a picture of that height; at least one."""
        return _span(self.top, self.bottom, height)

    def columns(self, width: int) -> slice:
        """The columns of a picture of that width; at least one."""
        return _span(self.left, self.right, width)


def close_ups(matte: np.ndarray) -> list[Box]:
    """The parts of a matte (h, w), 0 to 1, that get a close-up, larger ones first; a head after its body."""
    height, width = matte.shape
    longer = max(height, width)
    _, labels, stats, _ = cv2.connectedComponentsWithStats((matte > THERE).astype(np.uint8), connectivity=8)
    found: list[tuple[int, int, int, int]] = []
    for number, (left, top, across, down, _) in enumerate(stats[1:], start=1):
        if max(across, down) < LEAST * longer:
            continue
        if max(across, down) < SMALL * longer:
            found.append((top, left, top + down, left + across))
        if down > TALL * across:
            found.append(_top_of(labels[top : top + down, left : left + across] == number, top, left))
    found.sort(key=lambda box: -max(box[2] - box[0], box[3] - box[1]))
    return [_with_margin(box, height, width) for box in found]


def covers(boxes: Sequence[Box], matte: np.ndarray) -> bool:
    """Whether a single box contains all of a matte, so that the whole picture need not be estimated."""
    if len(boxes) != 1:
        return False
    outside = matte.copy()
    outside[boxes[0].rows(matte.shape[0]), boxes[0].columns(matte.shape[1])] = 0
    return not bool((outside > THERE).any())


def nothing_seen(shape: tuple[int, int]) -> SeenShape:
    """A flat grey wall facing the camera, into which boxes are put where the whole picture was not estimated."""
    facing = np.broadcast_to(np.array((0, 0, 1), np.float32), (*shape, 3)).copy()
    flat = np.zeros(shape, np.float32)
    grey, no_part = np.full((*shape, 3), np.log(0.3), np.float32), np.zeros((*shape, 3), np.float32)
    return SeenShape(facing, flat, grey, flat.copy(), no_part)


def put_in(whole: SeenShape, part: SeenShape, box: Box, matte: np.ndarray, alone: bool) -> SeenShape:
    """Combine the shape of a larger picture with the shape estimated in a box of it.

    Args:
        whole: at the size of `matte` (h, w).
        part: of the box, at any size; its relief is in units of the box's longer side.
        alone: only the box was estimated. It keeps its own level of relief and albedo, and does not fade.
    """
    rows, columns = box.rows(matte.shape[0]), box.columns(matte.shape[1])
    inside = matte[rows, columns]
    shape = (inside.shape[0], inside.shape[1])
    unit = np.float32(max(shape) / max(matte.shape))  # the box's longer side in units of the whole picture's
    new = part.each(lambda plane: resize(plane, shape))
    new = replace(new, relief=new.relief * unit)
    old = whole.each(lambda plane: plane[rows, columns])
    share = np.ones(shape, np.float32) if alone else _fading(shape)
    if not alone:  # a close-up gives form, but not its distance or albedo relative to other parts
        weight = inside * share
        relief, albedo = _level(new.relief, old.relief, weight), _level(new.log_albedo, old.log_albedo, weight)
        new = replace(new, relief=relief, log_albedo=albedo)
    mixed = whole.each(np.copy)
    for plane, before, after in zip(mixed.planes, old.planes, new.planes, strict=True):
        plane[rows, columns] = before + (share[..., None] if plane.ndim == 3 else share) * (after - before)
    length = np.maximum(np.linalg.norm(mixed.normals, axis=-1, keepdims=True), np.float32(1e-6))
    return replace(mixed, normals=mixed.normals / length, log_albedo=np.minimum(mixed.log_albedo, 0))


def _span(begin: float, end: float, size: int) -> slice:
    first = min(round(begin * size), size - 1)
    return slice(first, max(first + 1, round(end * size)))


def _top_of(part: np.ndarray, top: int, left: int) -> tuple[int, int, int, int]:
    """The box of the head of a part (h, w) bool that is tall, which lies at (top, left)."""
    down = max(1, round(HEAD * part.shape[0]))
    columns = np.flatnonzero(part[:down].mean(axis=0) > NECK)
    if not len(columns):
        columns = np.flatnonzero(part[:down].any(axis=0))
    return top, left + int(columns[0]), top + down, left + int(columns[-1]) + 1


def _with_margin(box: tuple[int, int, int, int], height: int, width: int) -> Box:
    """A box in pixels as shares of the picture, with its margin and on the grid."""
    top, left, bottom, right = box
    margin = MARGIN * max(bottom - top, right - left)
    step = max(height, width) / STEPS
    first = [max(0.0, np.floor((edge - margin) / step) * step) for edge in (top, left)]
    last = [min(size, np.ceil((edge + margin) / step) * step) for edge, size in ((bottom, height), (right, width))]
    return Box(first[0] / height, first[1] / width, last[0] / height, last[1] / width)


def _fading(shape: tuple[int, int]) -> np.ndarray:
    """A weight (h, w), 1 inside a box and 0 at its edge."""
    reach = max(1.0, FADE * max(shape))
    down, across = ((np.minimum(np.arange(n), np.arange(n)[::-1]) + 0.5) / reach for n in shape)
    t = np.clip(np.minimum(down[:, None], across[None]), 0, 1).astype(np.float32)
    return t * t * (3 - 2 * t)


def _level(plane: np.ndarray, like: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """A plane shifted to the weighted mean of another."""
    weight = weight[..., None] if plane.ndim == 3 else weight
    apart = ((like - plane) * weight).sum((0, 1)) / max(float(weight.sum()), 1e-6)
    return plane + apart.astype(np.float32)
