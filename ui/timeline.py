"""The frames of a shot as a strip: the current frame, those whose pictures are kept, and those that are missing.

`python -m relamp.ui.timeline`. Dragging scrubs. Kept frames are underlined; gaps of the plate are marked.
"""

from __future__ import annotations

import bisect
import sys
from collections.abc import Iterable

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QApplication, QWidget

from . import theme

STILL = 3.0  # px to each side of a shot's only frame
EDGE = 10  # px left and right of the first and the last frame
NARROWEST = 46  # px between two numbers


class Timeline(QWidget):
    """`value` is the current frame."""

    valueChanged = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._frames: tuple[int, ...] = ()
        self._cached: frozenset[int] = frozenset()
        self._value = 0
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("timeline")
        self.setMinimumSize(64, 26)
        self.setToolTip("Drag to change the frame; underlined frames are computed and play at full speed")

    def frames(self) -> tuple[int, ...]:
        """The frames there are, rising."""
        return self._frames

    def setFrames(self, frames: Iterable[int]) -> None:
        """Show other frames; the value moves to the nearest of them."""
        self._frames = tuple(sorted(set(frames)))
        self.setEnabled(len(self._frames) > 1)
        if self._frames:
            self._value = self.nearest(self._value)
        self.update()

    def setCached(self, frames: frozenset[int]) -> None:
        """Mark the frames whose pictures are kept."""
        if frames != self._cached:
            self._cached = frames
            self.update()

    def cached(self) -> frozenset[int]:
        """The frames marked as worked out."""
        return self._cached

    def value(self) -> int:
        """The current frame."""
        return self._value

    def setValue(self, frame: int) -> None:
        """Go to a frame, or the nearest there is."""
        frame = self.nearest(frame)
        if frame != self._value:
            self._value = frame
            self.valueChanged.emit(frame)
            self.update()

    def nearest(self, frame: int) -> int:
        """The frame there is that is nearest to `frame`."""
        return min(self._frames, key=lambda other: abs(other - frame), default=frame)

    def step(self, by: int) -> int:
        """The frame `by` frames on, round from the last to the first."""
        if not self._frames:
            return self._value
        return self._frames[(bisect.bisect_left(self._frames, self._value) + by) % len(self._frames)]

    def sizeHint(self) -> QSize:
        return QSize(480, 26)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        groove = QRectF(0, self.height() - 7, self.width(), 4)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.FIELD))
        painter.drawRoundedRect(groove, 2, 2)
        if self._frames:
            self._paint_frames(painter, groove)
            self._paint_numbers(painter)
            self._paint_head(painter)
        painter.end()

    def _paint_frames(self, painter: QPainter, groove: QRectF) -> None:
        first, last = self._frames[0], self._frames[-1]
        half = max(0.75, 0.5 * self._pitch()) if last > first else STILL
        there = set(self._frames)
        if last - first + 1 != len(there) and last - first < 100_000:
            painter.setBrush(QColor(theme.WRONG))
            for frame in range(first, last + 1):
                if frame not in there:
                    painter.drawRect(QRectF(self._x(frame) - half, groove.top(), 2 * half, groove.height()))
        painter.setBrush(QColor(theme.DEEP))
        for frame in self._cached & there:
            painter.drawRect(QRectF(self._x(frame) - half, groove.top(), 2 * half, groove.height()))

    def _paint_numbers(self, painter: QPainter) -> None:
        font = painter.font()
        font.setPixelSize(10)
        painter.setFont(font)
        painter.setPen(QColor(theme.QUIET))
        first, last = self._frames[0], self._frames[-1]
        for frame in _round_numbers(first, last, NARROWEST / max(self._pitch(), 1e-6)):
            x = self._x(frame)
            painter.drawLine(QPointF(x, self.height() - 9), QPointF(x, self.height() - 12))
            self._paint_number(painter, x, str(frame))

    def _paint_number(self, painter: QPainter, x: float, text: str) -> None:
        width = painter.fontMetrics().horizontalAdvance(text) + 2
        left = min(max(0.0, x - width / 2), self.width() - width)
        painter.drawText(QRectF(left, 0, width, 13), Qt.AlignmentFlag.AlignCenter, text)

    def _paint_head(self, painter: QPainter) -> None:
        x = self._x(self._value)
        colour = QColor(theme.ACCENT if self.isEnabled() else theme.QUIET)
        painter.setPen(QPen(colour, 2))
        painter.drawLine(QPointF(x, self.height() - 12), QPointF(x, self.height()))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.setValue(self._frame_at(event.position().x()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton:
            self.setValue(self._frame_at(event.position().x()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
        if event.key() in steps and self._frames:
            self.setValue(self.step(steps[Qt.Key(event.key())]))
        else:
            super().keyPressEvent(event)

    def _pitch(self) -> float:
        return (self.width() - 2 * EDGE) / max(1, self._frames[-1] - self._frames[0])

    def _x(self, frame: int) -> float:
        return EDGE + (frame - self._frames[0]) * self._pitch()

    def _frame_at(self, x: float) -> int:
        return round(self._frames[0] + (x - EDGE) / self._pitch()) if self._frames else 0


def _round_numbers(first: int, last: int, apart: float) -> list[int]:
    """Round frame numbers at least `apart` frames from one another, and the first."""
    step = next((s * 10**power for power in range(9) for s in (1, 2, 5) if s * 10**power >= apart), last - first + 1)
    return [first, *(frame for frame in range(-(-first // step) * step, last + 1, step) if frame - first >= apart)]


def main() -> int:
    """Show a shot with a gap."""
    application = QApplication(sys.argv)
    theme.apply(application)
    strip = Timeline()
    strip.setFrames([*range(1001, 1040), *range(1044, 1101)])
    strip.setCached(frozenset(range(1001, 1020)))
    strip.valueChanged.connect(lambda frame: strip.setWindowTitle(str(frame)))
    strip.resize(700, 26)
    strip.show()
    return application.exec()


if __name__ == "__main__":
    sys.exit(main())
