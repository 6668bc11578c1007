"""Pictures of a shot's frames as they were last shown, so that scrubbing and playing ask for each only once."""

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
    """Pictures by frame, all of one look; those not seen for longest go first when there are too many bytes."""

    def __init__(self, budget: int = BUDGET) -> None:
        self._budget = budget
        self._look: Hashable = None
        self._kept: OrderedDict[int, Shown] = OrderedDict()
        self._bytes = 0

    def setLook(self, look: Hashable) -> bool:
        """Say what pictures are of from now on; what was kept of another look is forgotten, and True returned."""
        if look == self._look:
            return False
        self._look = look
        self.clear()
        return True

    def look(self) -> Hashable:
        """What the pictures are of."""
        return self._look

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
