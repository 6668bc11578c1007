"""Aligns a window of frames to its middle one along the plate's motion, as input of the deflicker head. Floor 1.

Motion is estimated from the plate alone, because the plate does not flicker: between neighbouring frames that exist, and chained
outward from the middle. All results depend only on the frames of the window.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import cv2
import numpy as np

from .flow import SMALLEST, dense, warp, within

RADIUS = 3
"""Frames on each side of the middle."""
NEIGHBOURS = tuple(i for i in range(-RADIUS, RADIUS + 1) if i)
"""Offsets of the neighbours, in the order of every array here."""

_DARKEST, _RANGE = -1.0, 2.2  # range of the log code for the flow: 0.009 to 6.6 of anchored light
_LIKE = 0.1  # difference in code (0.43 stops) between matched pixels at which confidence is halved
_KEPT_LINKS, _KEPT_STACKS = 32, 4 * (2 * RADIUS + 1)
_MEDIAN_SIZE = 64  # px, longer side at which a median is taken; enough for three numbers


class Followed(Protocol):
    """A frame for motion estimation: `code` (h, w, 3) log-encoded proxy of the plate, `matte` (h, w) 0 to 1."""

    @property
    def code(self) -> np.ndarray: ...
    @property
    def matte(self) -> np.ndarray: ...


class Sight(Followed, Protocol):
    """One frame at the working size; `core.temporal.working_frame.WorkingFrame` is one.

    `code` (h, w, 3) log-encoded proxy of the plate, `matte` (h, w) 0 to 1, `normals` (h, w, 3) unit vectors, `hint` (the analytic
    gain) and `residual` (h, w, 3) log gains. `known` (h, w) is 1 where the normals were given, 0 where a network estimated them;
    None means all were given.
    """

    @property
    def normals(self) -> np.ndarray: ...
    @property
    def known(self) -> np.ndarray | None: ...
    @property
    def hint(self) -> np.ndarray: ...
    @property
    def residual(self) -> np.ndarray: ...


@dataclass(frozen=True)
class Link:
    """Motion from one frame to another one nearby.

    `back` is (h, w, 2) px: a pixel at (x, y) of this frame is at (x, y) plus `back` in the other one. `sure` (h, w), 0 to 1, is
    the confidence that both show the same point.
    """

    back: np.ndarray
    sure: np.ndarray

    @cached_property
    def both(self) -> np.ndarray:
        """`back` and `sure` as one picture, (h, w, 3)."""
        return np.dstack([self.back, self.sure])


@dataclass(frozen=True)
class Track:
    """A neighbour of a middle frame: `back` (h, w, 2) px and `sure` (h, w) as in a `Link`, over all links between them."""

    back: np.ndarray
    sure: np.ndarray


@dataclass(frozen=True)
class Aligned:
    """The neighbours on the middle frame, float32, N = 6 neighbours in the order of `NEIGHBOURS`.

    difference: (N, h, w, 3) residual minus the middle one's, log gain. light: (N, h, w, 3) the same difference of the analytic
    gains, which is the true change of light. plate: (N, h, w) difference of the plates' codes. confidence: (N, h, w) 0 to 1,
    exactly 0 where there is no neighbour. matte: (h, w) of the middle frame.
    """

    difference: np.ndarray
    light: np.ndarray
    plate: np.ndarray
    confidence: np.ndarray
    matte: np.ndarray


class Aligner:
    """Aligns windows and caches the motion between frames, because windows overlap. Safe for several threads."""

    def __init__(self) -> None:
        self._links: OrderedDict[tuple[int, int], tuple[np.ndarray, np.ndarray, Link]] = OrderedDict()
        self._stacks: OrderedDict[tuple[int, bool], tuple[Sight, np.ndarray]] = OrderedDict()
        self._one_at_a_time = threading.Lock()

    def align(self, window: Sequence[Sight | None]) -> Aligned:
        """Align a window to its middle frame.

        Args:
            window: 2 RADIUS + 1 frames, None for a missing one; the middle one must exist.
        """
        if len(window) != 2 * RADIUS + 1:
            raise ValueError(f"a window is {2 * RADIUS + 1} frames with one in the middle; got {len(window)}")
        return bring(window, self.tracks(window), self._stacked)

    def _stacked(self, sight: Sight, normals: bool) -> np.ndarray:
        key = (id(sight), normals)
        with self._one_at_a_time:
            if key in self._stacks:
                return self._stacks[key][1]
        made = stack(sight, normals)
        with self._one_at_a_time:
            self._stacks[key] = sight, made  # kept with its sight, so that no other object can get the same id
            while len(self._stacks) > _KEPT_STACKS:
                self._stacks.popitem(last=False)
        return made

    def tracks(self, window: Sequence[Followed | None]) -> dict[int, Track]:
        """The positions of the middle frame's pixels in the neighbours that can be tracked, by their offset.

        Args:
            window: an odd number of frames, None for a missing one; the middle one must exist.
        """
        radius = len(window) // 2
        middle = window[radius]
        if len(window) % 2 == 0 or middle is None:
            raise ValueError(f"a window has one of its frames in the middle; got {len(window)}")
        shape, found = middle.matte.shape, {}
        for side in (-1, 1):
            here, back, sure = middle, np.zeros((*shape, 2), np.float32), np.ones(shape, np.float32)
            for offset in range(side, side * (radius + 1), side):
                there = window[radius + offset]
                if there is None:
                    continue
                link = self.link(here.code, there.code)
                both = warp(link.both, back)
                sure = sure * both[..., 2] * within(back)
                back = back + both[..., :2]
                found[offset] = Track(back, sure)
                here = there
        return found

    def link(self, here: np.ndarray, there: np.ndarray) -> Link:
        """The motion from one log-encoded proxy (h, w, 3) to another; computed once per pair."""
        key = (id(here), id(there))
        with self._one_at_a_time:
            known = self._links.get(key)
            if known is not None:
                self._links.move_to_end(key)
                return known[2]
        found = links(here, there)
        with self._one_at_a_time:
            # The arrays are kept with their links, so that no other array can get the same id.
            self._links[key] = (here, there, found[0])
            self._links[key[1], key[0]] = (here, there, found[1])
            while len(self._links) > _KEPT_LINKS:
                self._links.popitem(last=False)
        return found[0]


def links(here: np.ndarray, there: np.ndarray) -> tuple[Link, Link]:
    """The motion from one log-encoded proxy (h, w, 3) to another of the same size, and back; zero where they are too small."""
    shape = here.shape[:2]
    a, b = _shown(here), _shown(there)
    if min(shape) < SMALLEST:
        forth, back = np.zeros((2, *shape, 2), np.float32)
    else:
        forth, back = dense(a, b), dense(b, a)
    return Link(forth, _sure(forth, back)), Link(back, _sure(back, forth))


def _sure(forth: np.ndarray, back: np.ndarray) -> np.ndarray:
    """How well the backward motion undoes the forward motion, (h, w), 0 to 1."""
    returned = warp(back, forth)
    tolerance = 0.5 + 0.1 * (_length(forth) + _length(returned))
    return (within(forth) / (1 + (_length(forth + returned) / tolerance) ** 4)).astype(np.float32)


def bring(
    window: Sequence[Sight | None],
    tracks: Mapping[int, Track],
    stacked: Callable[[Sight, bool], np.ndarray] | None = None,
) -> Aligned:
    """Align the neighbours of a window to its middle frame along their tracks.

    Normals that a network estimates flicker, and with them the analytic gain and the residual. Where normals are estimated, the
    neighbour's residual is therefore corrected by the change that its normals make under the middle frame's light. `stacked` is
    `stack`, or a version of it with a cache.
    """
    middle = window[RADIUS]
    assert middle is not None
    stacked = stacked or stack
    shape = middle.matte.shape
    difference, light = np.zeros((2, len(NEIGHBOURS), *shape, 3), np.float32)
    plate, confidence = np.zeros((2, len(NEIGHBOURS), *shape), np.float32)
    step = max(1, max(shape) // _MEDIAN_SIZE)
    inside = middle.matte[::step, ::step] > 0.5
    inside = inside if inside.any() else np.ones_like(inside)
    guessed = None if middle.known is None or middle.known.all() else _Facing(middle)
    here = stacked(middle, guessed is not None)
    # One array is reused for all neighbours; allocating one for each would take as long as the sums.
    moved, apart = np.empty_like(here), np.empty((*shape, 3), np.float32)
    for i, offset in enumerate(NEIGHBOURS):
        there, track = window[RADIUS + offset], tracks.get(offset)
        if there is None or track is None:
            continue
        # One remap and one difference of all planes together are several times as fast as one for each.
        warp(stacked(there, guessed is not None), track.back, into=moved)
        turned = None if guessed is None else guessed.change(moved[..., 10:])
        cv2.subtract(moved, here, dst=moved)
        cv2.mixChannels([moved], [difference[i], light[i], apart], list(np.repeat(range(9), 2)))
        if turned is not None:
            difference[i] += turned
            light[i] -= turned
        # The plate's own light may change in time; a change common to the whole subject is no mismatch.
        usual = np.median(apart[::step, ::step][inside], axis=0)
        cv2.absdiff(apart, np.array([*usual, 0.0], np.float64), dst=apart)
        cv2.transform(apart, np.full((1, 3), 1 / 3, np.float32), dst=plate[i])
        same = 1 - np.abs(moved[..., 9])
        confidence[i] = track.sure * same * same / (1 + (plate[i] / _LIKE) ** 2)
    return Aligned(difference, light, plate, confidence, np.ascontiguousarray(middle.matte, np.float32))


def stack(sight: Sight, normals: bool) -> np.ndarray:
    """Residual, analytic gain, code, matte and, if asked for, normals as one picture, (h, w, 10 or 13) float32."""
    parts = [sight.residual, sight.hint, sight.code, sight.matte[..., None]]
    return np.concatenate([*parts, sight.normals] if normals else parts, axis=-1, dtype=np.float32)


class _Facing:
    """The middle frame's analytic gain as a quadratic function of the normal, least squares over the matte."""

    def __init__(self, middle: Sight) -> None:
        assert middle.known is not None
        self._guessed = (1 - middle.known.astype(np.float32))[..., None]
        self._basis = _quadratic(middle.normals)
        weight = (middle.matte + 1e-4)[..., None]
        x, y = ((weight * a).reshape(-1, a.shape[-1]).astype(np.float64) for a in (self._basis, middle.hint))
        ridge = 1e-3 * float((x * x).sum()) / x.shape[1] * np.eye(x.shape[1])
        self._slopes = np.linalg.solve(x.T @ x + ridge, x.T @ y).astype(np.float32)

    def change(self, normals: np.ndarray) -> np.ndarray:
        """The change of the analytic gain with these normals, (h, w, 3); 0 where the normals were given."""
        return self._guessed * ((_quadratic(normals) - self._basis) @ self._slopes)


def _quadratic(normals: np.ndarray) -> np.ndarray:
    """Real spherical harmonics of order 2 but for their factors, (h, w, 9)."""
    x, y, z = np.moveaxis(normals.astype(np.float32), -1, 0)
    return np.stack([np.ones_like(x), x, y, z, x * y, y * z, z * x, x * x - y * y, 3 * z * z - 1], -1)


def _shown(code: np.ndarray) -> np.ndarray:
    grey = cv2.transform(np.ascontiguousarray(code, np.float32), np.full((1, 3), 1 / 3, np.float32))
    return np.rint(255 * np.clip((grey - _DARKEST) / _RANGE, 0, 1)).astype(np.uint8)


def _length(vectors: np.ndarray) -> np.ndarray:
    return cv2.magnitude(*cv2.split(vectors))
