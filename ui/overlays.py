"""Several overlays over one picture: drawn in their order, asked in the opposite one what a press takes hold of."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter

from .plate_view import Overlay


class Overlays:
    """An `Overlay` that consists of others, the last on top."""

    def __init__(self, *overlays: Overlay) -> None:
        self._overlays = overlays
        self._held: Overlay | None = None

    def paint(self, painter: QPainter, frame: QRectF) -> None:
        """Draw all of them."""
        for overlay in self._overlays:
            overlay.paint(painter, frame)

    def press(self, at: QPointF, frame: QRectF) -> bool:
        """Take hold of what is under the pointer; False where that is nothing of any of them."""
        self._held = next((overlay for overlay in reversed(self._overlays) if overlay.press(at, frame)), None)
        return self._held is not None

    def move(self, at: QPointF, frame: QRectF) -> None:
        """Drag what is held."""
        if self._held is not None:
            self._held.move(at, frame)

    def release(self) -> None:
        """Let go."""
        if self._held is not None:
            self._held.release()
        self._held = None
