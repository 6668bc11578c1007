"""Planes of one frame steadied by those of its neighbours, brought along the plate's motion and averaged robustly.

What a network sees of each frame alone flickers. A neighbour counts where the motion can be undone and the plate looks the
same; of those that count, the ones far from the others' middle are doubted (Welsch's weights around the weighted median), so
that one frame seen wrongly does not pull its neighbours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from .align import RADIUS, Aligner
from .flow import warp

LIKE = 0.15  # code (0.65 stops) by which a pixel may differ from where it came from and still be half believed
DOUBTED = 1.5  # of the usual distance from the median, from which a neighbour is doubted
LEAST = 0.01  # the usual distance is taken as at least so much: what differs by less is averaged as it is


class Seen(Protocol):
    """One frame at the working size: `code` (h, w, 3) log proxy, `matte` (h, w), `planes` by name, (h, w) or (h, w, C)."""

    @property
    def code(self) -> np.ndarray: ...
    @property
    def matte(self) -> np.ndarray: ...
    @property
    def planes(self) -> Mapping[str, np.ndarray]: ...


def steadied(window: Sequence[Seen | None], aligner: Aligner) -> dict[str, np.ndarray]:
    """The planes of the frame in the middle of a window, averaged with its neighbours'.

    Args:
        window: 2 RADIUS + 1 frames, None where there is none; the middle one must be there.
        aligner: remembers the motion between frames, since windows overlap.
    """
    middle = window[RADIUS]
    assert middle is not None
    moved: list[tuple[Seen, np.ndarray, np.ndarray]] = []  # neighbour, where its pixels are, how far to believe it
    for offset, track in aligner.tracks(window).items():
        there = window[RADIUS + offset]
        assert there is not None
        both = warp(np.dstack([there.code, there.matte]), track.back)  # (h, w, 4)
        apart = both[..., :3] - middle.code
        apart -= np.median(apart[middle.matte > 0.5], axis=0) if (middle.matte > 0.5).any() else 0
        same = np.clip(1 - np.abs(both[..., 3] - middle.matte), 0, 1) ** 2
        moved.append((there, track.back, track.sure * same / (1 + (np.abs(apart).mean(-1) / LIKE) ** 2)))
    if not moved:
        return dict(middle.planes)
    weights = np.stack([np.ones_like(middle.matte), *(sure for _, _, sure in moved)])  # (N, h, w)
    return {
        name: robust_mean(np.stack([plane, *(warp(there.planes[name], back) for there, back, _ in moved)]), weights)
        for name, plane in middle.planes.items()
    }


def robust_mean(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The mean over the first axis, of those that do not stand apart.

    Args:
        values: (N, h, w) or (N, h, w, C).
        weights: (N, h, w), 0 to 1.
    """
    planes = values if values.ndim == 4 else values[..., None]  # (N, h, w, C)
    median = _weighted_median(planes, weights)
    distance = np.sqrt(((planes - median) ** 2).sum(-1))  # (N, h, w)
    usual = np.maximum(_weighted_median(distance[..., None], weights)[..., 0], LEAST)
    trust = (weights * np.exp(-((distance / (DOUBTED * 2 * usual)) ** 2)))[..., None]
    mean = (planes * trust).sum(0) / np.maximum(trust.sum(0), 1e-12)
    return (mean if values.ndim == 4 else mean[..., 0]).astype(np.float32)


def _weighted_median(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Of (N, h, w, C) by weights (N, h, w), channel by channel: (h, w, C)."""
    order = np.argsort(values, axis=0)
    held = np.take_along_axis(np.broadcast_to(weights[..., None], values.shape), order, axis=0)
    reached = np.cumsum(held, axis=0) >= held.sum(axis=0) / 2
    first = np.argmax(reached, axis=0)[None]
    return np.take_along_axis(np.take_along_axis(values, order, axis=0), first, axis=0)[0]
