"""Looks at the size that flicker is looked for at: light that flickers is coarse, and time goes by the pixel."""

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
    """Makes windows small, each look once, since windows overlap. Safe for several threads."""

    def __init__(self) -> None:
        self._made: OrderedDict[int, tuple[Sight, Sight]] = OrderedDict()
        self._one_at_a_time = threading.Lock()

    def window(self, window: Sequence[Sight | None]) -> list[Sight | None]:
        """A window no larger than LARGEST; looks that are small enough are themselves."""
        return [None if look is None else self._small(look) for look in window]

    def _small(self, look: Sight) -> Sight:
        height, width = look.matte.shape
        shape = working_shape(height, width, LARGEST)
        if shape == look.matte.shape:
            return look
        with self._one_at_a_time:
            if id(look) not in self._made:
                # A look is kept with its smaller one, so that no other can come to have its identity.
                self._made[id(look)] = look, made(look, shape)
                while len(self._made) > _KEPT:
                    self._made.popitem(last=False)
            return self._made[id(look)][1]


def made(look: Sight, shape: tuple[int, int]) -> Small:
    """A look at a smaller size (h, w)."""
    code, matte, hint, residual = (resize(a, shape) for a in (look.code, look.matte, look.hint, look.residual))
    facing = resize(look.normals, shape)
    normals = facing / np.maximum(np.sqrt((facing * facing).sum(-1, keepdims=True)), 1e-6)
    known = None if look.known is None else resize(look.known.astype(np.float32), shape)
    return Small(code, matte, normals.astype(np.float32), known, hint, residual)
