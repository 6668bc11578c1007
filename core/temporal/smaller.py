"""Working frames at the size at which flicker is measured: flicker is coarse, and the time it takes grows with the pixels."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..pictures.resample import resize, working_shape
from .align import RADIUS, Sight

LARGEST = 256
"""px of the longer side, at most."""
_KEPT = 4 * (2 * RADIUS + 1)


@dataclass(frozen=True)
class Small:
    """An `align.Sight` that was made smaller."""

    code: np.ndarray
    matte: np.ndarray
    normals: np.ndarray
    known: np.ndarray | None
    hint: np.ndarray
    residual: np.ndarray


class Smaller:
    """Makes windows small, each frame once, since windows overlap. Safe for several threads."""

    def __init__(self) -> None:
        self._made: OrderedDict[int, tuple[Sight, Sight]] = OrderedDict()
        self._one_at_a_time = threading.Lock()

    def window(self, window: Sequence[Sight | None]) -> list[Sight | None]:
        """The window at a size of at most `LARGEST`; frames that are small enough are returned unchanged."""
        return [None if frame is None else self._small(frame) for frame in window]

    def _small(self, frame: Sight) -> Sight:
        height, width = frame.matte.shape
        shape = working_shape(height, width, LARGEST)
        if shape == frame.matte.shape:
            return frame
        with self._one_at_a_time:
            if id(frame) not in self._made:
                # A frame is kept with its smaller one, because Python may give the id() of a freed object to another.
                self._made[id(frame)] = frame, made(frame, shape)
                while len(self._made) > _KEPT:
                    self._made.popitem(last=False)
            return self._made[id(frame)][1]


def made(frame: Sight, shape: tuple[int, int]) -> Small:
    """A frame at a smaller size (h, w)."""
    code, matte, hint, residual = (resize(a, shape) for a in (frame.code, frame.matte, frame.hint, frame.residual))
    facing = resize(frame.normals, shape)
    normals = facing / np.maximum(np.sqrt((facing * facing).sum(-1, keepdims=True)), 1e-6)
    known = None if frame.known is None else resize(frame.known.astype(np.float32), shape)
    return Small(code, matte, normals.astype(np.float32), known, hint, residual)
