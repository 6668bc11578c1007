"""Bands of rows, in which whole frames are worked on: a band of a 4K frame stays in the processor's cache."""

from __future__ import annotations

from collections.abc import Iterator

ROWS = 64


def bands(height: int) -> Iterator[slice]:
    """Rows of a frame, in fixed bands: the same for any number of threads, so the bits are the same."""
    for start in range(0, height, ROWS):
        yield slice(start, min(height, start + ROWS))
