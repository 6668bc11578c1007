"""Bands of rows, in which whole frames are processed, because a band of a 4K frame fits in the processor's cache."""

from __future__ import annotations

from collections.abc import Iterator

ROWS = 64


def bands(height: int) -> Iterator[slice]:
    """The rows of a frame in fixed bands. They are the same for any number of threads, so results are the same, too."""
    for start in range(0, height, ROWS):
        yield slice(start, min(height, start + ROWS))
