"""Which absolute frames a frame's result depends on, whoever asks and whichever frames are rendered.

A network that looks at several frames sees windows of a fixed length that start at multiples of half of it, so every
frame lies in two (in one at length 1) and takes more from the one it is nearer the middle of. The deflicker head looks a
radius to both sides. Frames that are not there, or lie beyond a cut, are holes. Floor 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Literal, TypeVar

import numpy as np

Span = int | Literal["frame", "shot"]
"""How many frames a network looks at together: each alone, windows of so many, or the whole shot in one call."""

SAME_TAKE = 0.5  # correlation of two neighbours' thumbnails below which a cut lies between them

T = TypeVar("T")


def hop(length: int) -> int:
    """Frames from one window's start to the next."""
    return max(1, length // 2)


def windows(frame: int, length: int) -> list[tuple[int, float]]:
    """The starts of the windows of `length` that hold a frame, ascending, and how much each says; shares sum to 1.

    >>> windows(1001, 8)
    [(996, 0.625), (1000, 0.375)]
    """
    step = hop(length)
    last = frame // step * step
    starts = [start for start in range(last - length, last + 1, step) if start <= frame < start + length]
    near = [min(frame - start + 0.5, start + length - frame - 0.5) for start in starts]
    return [(start, weight / sum(near)) for start, weight in zip(starts, near, strict=True)]


def depends_on(frame: int, span: Span, radius: int, on_disk: Iterable[int]) -> list[int]:
    """The frames that decide the result of `frame`, ascending: those of its windows, and of its neighbours', on disk.

    Args:
        span: of the network.
        radius: of the head, 0 without one.
        on_disk: the frames there are.
    """
    there = set(on_disk)
    if span == "shot":
        return sorted(there)
    near = [n for n in range(frame - radius, frame + radius + 1) if n in there]
    if span == "frame":
        return near
    wanted = {n for f in near for start, _ in windows(f, span) for n in range(start, start + span)}
    return sorted(wanted & there)


def same_take(window: Sequence[T | None], middle: int, thumb: Callable[[T], np.ndarray]) -> list[T | None]:
    """A window without what lies beyond a cut, as seen from its entry `middle`; where there was a frame there is a hole.

    Args:
        thumb: the thumbnail of an entry, less its mean (`working_frame.thumb`).
    """
    kept: list[T | None] = [None] * len(window)
    here = window[middle]
    assert here is not None
    kept[middle] = here
    for indices in (range(middle + 1, len(window)), range(middle - 1, -1, -1)):
        last = thumb(here)
        for i in indices:
            entry = window[i]
            if entry is None:
                continue
            now = thumb(entry)
            if is_cut(last, now):
                break
            kept[i], last = entry, now
    return kept


def is_cut(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two thumbnails, each less its mean, are of different takes: their structure no longer agrees."""
    size = float(np.sqrt((one * one).sum() * (other * other).sum()))
    return size > 1e-6 and float((one * other).sum()) < SAME_TAKE * size


def filled(window: Sequence[T | None]) -> list[T]:
    """A window whose holes repeat the nearest frame, the earlier of two, so that it always has its length.

    Raises `ValueError` for a window of holes.
    """
    there = [i for i, entry in enumerate(window) if entry is not None]
    if not there:
        raise ValueError("a window without a single frame")
    nearest = [min(there, key=lambda j: (abs(i - j), j)) for i in range(len(window))]
    return [entry for j in nearest if (entry := window[j]) is not None]
