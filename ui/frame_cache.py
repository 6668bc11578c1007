"""The pictures of a shot's frames that were shown last, so that scrubbing and playing request each only once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

from PySide6.QtGui import QImage

BUDGET = 768_000_000  # bytes: some 370 frames at 960 x 540


@dataclass(frozen=True)
class Shown:
    """A picture, the facts it came with, and the longer side it was asked for: px, 0 for all there are."""

    image: QImage
    facts: dict[str, Any]
    size: int


class FrameCache:
    """Pictures by frame, all with one key; those shown longest ago are removed when they take too many bytes."""

    def __init__(self, budget: int = BUDGET) -> None:
        self._budget = budget
        self._key: Hashable = None
        self._kept: OrderedDict[int, Shown] = OrderedDict()
        self._bytes = 0

    def setKey(self, key: Hashable) -> bool:
        """Set what the pictures are made with. Where it changes, the pictures kept before are dropped, and True is returned."""
        if key == self._key:
            return False
        self._key = key
        self.clear()
        return True

    def key(self) -> Hashable:
        """What the pictures are made with."""
        return self._key

    def clear(self) -> None:
        """Forget every picture, because files changed."""
        self._kept.clear()
        self._bytes = 0

    def put(self, frame: int, shown: Shown) -> None:
        """Keep a picture, in place of what is there of the frame."""
        self._drop(frame)
        self._kept[frame] = shown
        self._bytes += shown.image.sizeInBytes()
        while self._bytes > self._budget and len(self._kept) > 1:
            self._drop(next(iter(self._kept)))

    def get(self, frame: int) -> Shown | None:
        """The picture of a frame, None when there is none."""
        if frame in self._kept:
            self._kept.move_to_end(frame)
        return self._kept.get(frame)

    def frames(self) -> frozenset[int]:
        """The frames there is a picture of."""
        return frozenset(self._kept)

    def _drop(self, frame: int) -> None:
        dropped = self._kept.pop(frame, None)
        self._bytes -= dropped.image.sizeInBytes() if dropped else 0
