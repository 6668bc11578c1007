"""Which absolute frames a frame's result depends on, whichever frames are rendered.

A network takes one frame, or all frames of the shot. The deflicker head takes a frame with `radius` neighbours on each side.
Frames that do not exist, or that lie beyond a cut, are holes in such a window.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Literal, Protocol, TypeVar

import numpy as np

Span = Literal["frame", "shot"]
"""How many frames a network takes in one call: one, or all frames of the shot."""

SAME_TAKE = 0.5  # correlation of two neighbours' thumbnails below which a cut lies between them

T = TypeVar("T")


class OnCanvas(Protocol):
    """A frame whose `canvas`, its data and display window, tells which others lie over it pixel for pixel."""

    @property
    def canvas(self) -> object: ...


C = TypeVar("C", bound=OnCanvas)


def depends_on(frame: int, span: Span, radius: int, on_disk: Iterable[int]) -> list[int]:
    """The numbers of the frames on disk that decide the result of `frame`, ascending.

    Args:
        frame: absolute frame number.
        span: how many frames the network takes in one call.
        radius: neighbours on each side that the deflicker head takes, 0 without a head.
        on_disk: numbers of the frames that exist.
    """
    there = set(on_disk)
    if span == "shot":
        return sorted(there)
    return [n for n in range(frame - radius, frame + radius + 1) if n in there]


def same_canvas(window: Sequence[C | None], middle: int) -> list[C | None]:
    """A window without the frames that do not lie pixel for pixel over its entry `middle`; they become holes."""
    here = window[middle]
    assert here is not None
    return [frame if frame is not None and frame.canvas == here.canvas else None for frame in window]


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
