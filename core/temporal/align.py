"""A window of frames brought onto its middle one along the motion of the plate: what the deflicker head is told. Floor 1.

The plate is what moves and what never flickers, so motion is read from it alone: between neighbours that are there, and
chained outward from the middle. Everything here depends on the frames of the window and nothing else.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from .flow import SMALLEST, dense, warp, within

RADIUS = 3
"""Frames on each side of the middle."""
NEIGHBOURS = tuple(i for i in range(-RADIUS, RADIUS + 1) if i)
"""Offsets of the neighbours, in the order of every array here."""

_DARKEST, _RANGE = -1.0, 2.2  # of the log code shown to the flow: 0.009 to 6.6 of anchored light
_LIKE = 0.1  # code (0.43 stops) by which a pixel may differ from where it came from and still be half believed
_KEPT_LINKS = 32


class Sight(Protocol):
    """One frame at the working size; `core.temporal.look.Look` is one.

    `code` (h, w, 3) log proxy of the plate, `matte` (h, w) 0 to 1, `hint` and `residual` (h, w, 3) log gains.
    """

    @property
    def code(self) -> np.ndarray: ...
    @property
    def matte(self) -> np.ndarray: ...
    @property
    def hint(self) -> np.ndarray: ...
    @property
    def residual(self) -> np.ndarray: ...


@dataclass(frozen=True)
class Link:
    """Motion from one frame to another one nearby.

    `back` is (h, w, 2) px: a pixel of this frame lies at its own (x, y) plus `back` in the other. `sure` is (h, w), 0 to 1,
    whether both show the same point.
    """

    back: np.ndarray
    sure: np.ndarray


@dataclass(frozen=True)
class Track:
    """A neighbour of a middle frame: `back` (h, w, 2) px and `sure` (h, w) as of a `Link`, over all links between."""

    back: np.ndarray
    sure: np.ndarray


@dataclass(frozen=True)
class Aligned:
    """The neighbours on the middle frame, float32, N = 6 neighbours in the order of `NEIGHBOURS`.

    difference: (N, h, w, 3) residual less the middle one's, log gain. light: (N, h, w, 3) the same of the hints: how the light
    truly changed. plate: (N, h, w) how unlike the plates' codes are. confidence: (N, h, w) 0 to 1, exactly 0 where there is no
    neighbour. matte: (h, w) of the middle.
    """

    difference: np.ndarray
    light: np.ndarray
    plate: np.ndarray
    confidence: np.ndarray
    matte: np.ndarray


class Aligner:
    """Aligns windows and remembers the motion between frames, since windows overlap. Safe for several threads."""

    def __init__(self) -> None:
        self._links: OrderedDict[tuple[int, int], tuple[np.ndarray, np.ndarray, Link]] = OrderedDict()
        self._one_at_a_time = threading.Lock()

    def align(self, window: Sequence[Sight | None]) -> Aligned:
        """Bring a window onto its middle frame.

        Args:
            window: 2 RADIUS + 1 frames, None where there is none; the middle one must be there.
        """
        return bring(window, self.tracks(window))

    def tracks(self, window: Sequence[Sight | None]) -> dict[int, Track]:
        """Where the middle frame's pixels are in the neighbours that can be followed, by their offset."""
        middle = window[RADIUS]
        if len(window) != 2 * RADIUS + 1 or middle is None:
            raise ValueError(f"a window is {2 * RADIUS + 1} frames with one in the middle; got {len(window)}")
        shape, found = middle.matte.shape, {}
        for side in (-1, 1):
            here, back, sure = middle, np.zeros((*shape, 2), np.float32), np.ones(shape, np.float32)
            for offset in range(side, side * (RADIUS + 1), side):
                there = window[RADIUS + offset]
                if there is None:
                    continue
                link = self.link(here.code, there.code)
                sure = sure * warp(link.sure, back) * within(back)
                back = back + warp(link.back, back)
                found[offset] = Track(back, sure)
                here = there
        return found

    def link(self, here: np.ndarray, there: np.ndarray) -> Link:
        """The motion from one log proxy (h, w, 3) to another; worked out once a pair."""
        key = (id(here), id(there))
        with self._one_at_a_time:
            known = self._links.get(key)
            if known is not None:
                self._links.move_to_end(key)
                return known[2]
        found = link(here, there)
        with self._one_at_a_time:
            # The arrays are kept with their link, so that no other array can come to have their identity.
            self._links[key] = (here, there, found)
            while len(self._links) > _KEPT_LINKS:
                self._links.popitem(last=False)
        return found


def link(here: np.ndarray, there: np.ndarray) -> Link:
    """The motion from one log proxy (h, w, 3) to another of the same size; none where they are too small to tell."""
    shape = here.shape[:2]
    a, b = _shown(here), _shown(there)
    if min(shape) < SMALLEST:
        back, again = np.zeros((2, *shape, 2), np.float32)
    else:
        back, again = dense(a, b), dense(b, a)
    returned = warp(again, back)
    apart = _length(back + returned)
    tolerance = 0.5 + 0.1 * (_length(back) + _length(returned))
    sure = (within(back) / (1 + (apart / tolerance) ** 4)).astype(np.float32)
    return Link(back, sure)


def bring(window: Sequence[Sight | None], tracks: Mapping[int, Track]) -> Aligned:
    """Bring the neighbours of a window onto its middle frame along their tracks."""
    middle = window[RADIUS]
    assert middle is not None
    shape = middle.matte.shape
    difference, light = np.zeros((2, len(NEIGHBOURS), *shape, 3), np.float32)
    plate, confidence = np.zeros((2, len(NEIGHBOURS), *shape), np.float32)
    inside = middle.matte > 0.5
    for i, offset in enumerate(NEIGHBOURS):
        there, track = window[RADIUS + offset], tracks.get(offset)
        if there is None or track is None:
            continue
        difference[i] = warp(there.residual, track.back) - middle.residual
        light[i] = warp(there.hint, track.back) - middle.hint
        apart = warp(there.code, track.back) - middle.code
        # The plate's own light may change with the frame: what all of it does is no mismatch.
        apart = apart - np.median(apart[inside] if inside.any() else apart.reshape(-1, 3), axis=0)
        plate[i] = np.abs(apart).mean(axis=-1)
        same = (1 - np.abs(warp(there.matte, track.back) - middle.matte)).clip(0, 1)
        confidence[i] = track.sure * same * same / (1 + (plate[i] / _LIKE) ** 2)
    return Aligned(difference, light, plate, confidence, np.ascontiguousarray(middle.matte, np.float32))


def _shown(code: np.ndarray) -> np.ndarray:
    return np.rint(255 * np.clip((code.mean(axis=-1) - _DARKEST) / _RANGE, 0, 1)).astype(np.uint8)


def _length(vectors: np.ndarray) -> np.ndarray:
    return np.sqrt((vectors * vectors).sum(-1))
