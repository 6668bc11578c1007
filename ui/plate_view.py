"""The viewer: a picture to zoom and pan, with another one behind a wipe. `python -m relamp.ui.plate_view PICTURE [BEFORE]`.

Wheel or + and - zoom about the pointer, dragging pans, F fits, 1 shows pixel for pixel, W turns the wipe on and off, and
its line is dragged. Pictures arrive display-encoded; nothing here changes a colour.
"""

from __future__ import annotations

import sys
from typing import Protocol

from PySide6.QtCore import QElapsedTimer, QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QWidget

from . import theme

SMALLEST, LARGEST = 1 / 64, 64.0
PATIENCE = 250  # ms before a sign says that something is worked out
GRIP = 8  # px around the wipe's line that take hold of it


class Overlay(Protocol):
    """Something drawn over the picture, in the frame of the screen that the picture takes, that may be dragged."""

    def paint(self, painter: QPainter, frame: QRectF) -> None: ...
    def press(self, at: QPointF, frame: QRectF) -> bool: ...
    def move(self, at: QPointF, frame: QRectF) -> None: ...
    def release(self) -> None: ...


class PlateView(QWidget):
    """Shows `picture`, and `before` left of the wipe."""

    pointed = Signal(float, float)
    """The pointer is over the picture at (x, y), 0 to 1 from its top left."""
    left = Signal()
    """The pointer left the picture."""
    wipeChanged = Signal(float)
    """The wipe was moved: 0 to 1 of the picture's width."""
    wipeToggled = Signal(bool)
    zoomChanged = Signal(float)
    """Screen pixels to a pixel of the plate."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._picture, self._before = QImage(), QImage()
        self._message, self._tag = "", ""
        self._busy, self._small, self._turn = "", False, 0
        self._begun = QElapsedTimer()
        self._turning = QTimer(self, interval=80)
        self._turning.timeout.connect(self._turned)
        self._size = QSize()
        self._aspect = 1.0
        self._scale, self._centre, self._fits = 1.0, QPointF(0.5, 0.5), True
        self._wipe, self._wiping = 0.5, False
        self._held: QPointF | None = None
        self._holds_wipe, self._holds_overlay = False, False
        self._overlay: Overlay | None = None
        self._sides = ("before", "after")
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(240, 160)

    def picture(self) -> QImage:
        """What is shown."""
        return self._picture

    def setPicture(self, image: QImage, size: QSize | None = None, pixel_aspect: float = 1.0) -> None:
        """Show a picture that stands for a plate of `size` pixels; zoom and pan stay where they are."""
        self._picture = image
        self._size, self._aspect = size or image.size(), pixel_aspect
        self._message = ""
        if self._fits:
            self.fit()
        self.update()

    def setBefore(self, image: QImage) -> None:
        """What is left of the wipe; a null image for nothing."""
        self._before = image
        self.update()

    def setSides(self, left: str, right: str) -> None:
        """What is on the left and on the right of the wipe."""
        self._sides = (left, right)
        self.update()

    def setMessage(self, text: str) -> None:
        """Show a sentence over the picture, such as why there is none."""
        self._message = text
        self.update()

    def message(self) -> str:
        """The sentence over the picture."""
        return self._message

    def setTag(self, text: str) -> None:
        """Say in the picture's corner what it is, such as a preview."""
        self._tag = text
        self.update()

    def tag(self) -> str:
        """What the picture is said to be."""
        return self._tag

    def setBusy(self, text: str, small: bool = False) -> None:
        """Turn a sign over the picture while something is worked out, with the seconds it has taken; an empty text ends it.

        A `small` sign stands in the corner: the picture there is an older one of the same kind.
        """
        if text and not self._busy:
            self._begun.start()
            self._turning.start()
        elif not text:
            self._turning.stop()
        self._busy, self._small = text, small
        self.update()

    def busy(self) -> str:
        """What is being worked out, as the sign says it; empty when nothing is."""
        return self._busy

    def _turned(self) -> None:
        self._turn = (self._turn + 30) % 360
        self.update()

    def setOverlay(self, overlay: Overlay) -> None:
        """Draw something over the picture; it is asked first what a press takes hold of."""
        self._overlay = overlay
        self.update()

    def frame(self) -> QRectF:
        """Where the whole picture lies in the widget."""
        return self._frame()

    def wipe(self) -> float:
        """Where the wipe is, 0 to 1 of the picture's width."""
        return self._wipe

    def setWipe(self, position: float) -> None:
        """Move the wipe."""
        position = min(max(position, 0.0), 1.0)
        if position != self._wipe:
            self._wipe = position
            self.wipeChanged.emit(position)
            self.update()

    def setWiping(self, on: bool) -> None:
        """Turn the wipe on or off."""
        if on != self._wiping:
            self._wiping = on
            self.wipeToggled.emit(on)
            self.update()

    def zoom(self) -> float:
        """Screen pixels to a pixel of the plate; 1 is pixel for pixel."""
        return self._scale * self.devicePixelRatioF()

    def setZoom(self, zoom: float, about: QPointF | None = None) -> None:
        """Zoom, keeping what is under `about` (the middle when None) where it is."""
        about = about or QPointF(self.rect().center())
        before = self._to_picture(about)
        self._fits = False
        self._scale = min(max(zoom, SMALLEST), LARGEST) / self.devicePixelRatioF()
        self._centre += before - self._to_picture(about)
        self.zoomChanged.emit(self.zoom())
        self.update()

    def fit(self) -> None:
        """Show the whole picture, and keep doing so when the window changes."""
        self._fits, self._centre = True, QPointF(0.5, 0.5)
        if not self._size.isEmpty():
            width = self._size.width() * self._aspect
            self._scale = min(self.width() / width, self.height() / self._size.height())
            self.zoomChanged.emit(self.zoom())
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(960, 540)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(theme.PICTURE))
        if not self._picture.isNull():
            self._paint_pictures(painter)
            if self._overlay is not None:
                self._overlay.paint(painter, self._frame())
        if self._message:
            self._paint_message(painter)
        elif self._busy and self._begun.elapsed() >= PATIENCE:
            self._paint_busy(painter)
        if self._tag and not self._picture.isNull():
            self._label(painter, QPointF(8, self.height() - 28), self._tag)
        painter.end()

    def _paint_busy(self, painter: QPainter) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._small:
            self._paint_ring(painter, QRectF(self.width() - 30, 10, 20, 20), 2.5)
            return
        text = f"{self._busy} … {self._begun.elapsed() // 1000} s"
        room = painter.fontMetrics().boundingRect(text).width()
        box = QRectF(0, 0, max(room, 60) + 40, 96)
        box.moveCenter(QPointF(self.rect().center()))
        painter.fillRect(box, QColor(20, 20, 20, 220))
        self._paint_ring(painter, QRectF(box.center().x() - 18, box.top() + 14, 36, 36), 4)
        painter.setPen(QColor(theme.TEXT))
        painter.drawText(box.adjusted(0, 58, 0, -10), Qt.AlignmentFlag.AlignCenter, text)

    def _paint_ring(self, painter: QPainter, box: QRectF, width: float) -> None:
        for colour, span in ((QColor(0, 0, 0, 120), 360), (QColor(theme.ACCENT), 100)):
            painter.setPen(QPen(colour, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
            painter.drawArc(box, -16 * self._turn, -16 * span)

    def _paint_pictures(self, painter: QPainter) -> None:
        frame = self._frame()
        # Up close an artist wants to see the pixels, not a blur of them.
        shown = frame.width() * self.devicePixelRatioF() / max(1, self._picture.width())
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, shown < 3)
        painter.drawImage(frame, self._picture)
        if not self._wiping or self._before.isNull():
            return
        line = frame.left() + self._wipe * frame.width()
        painter.save()
        painter.setClipRect(QRectF(frame.left(), frame.top(), line - frame.left(), frame.height()))
        painter.drawImage(frame, self._before)
        painter.restore()
        painter.setPen(QPen(QColor(theme.ACCENT), 1))
        painter.drawLine(QPointF(line, frame.top()), QPointF(line, frame.bottom()))
        self._label(painter, QPointF(line - 8, frame.top() + 8), self._sides[0], right=True)
        self._label(painter, QPointF(line + 8, frame.top() + 8), self._sides[1])

    def _label(self, painter: QPainter, at: QPointF, text: str, right: bool = False) -> None:
        box = painter.fontMetrics().boundingRect(text).adjusted(-5, -2, 5, 2)
        box.moveTopLeft(at.toPoint())
        if right:
            box.moveRight(int(at.x()))
        painter.fillRect(box, QColor(0, 0, 0, 130))
        painter.setPen(QColor(theme.TEXT))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
        painter.setPen(QPen(QColor(theme.ACCENT), 1))

    def _paint_message(self, painter: QPainter) -> None:
        area = self.rect().adjusted(24, 24, -24, -24)
        flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
        box = painter.fontMetrics().boundingRect(area, flags, self._message).adjusted(-14, -10, 14, 10)
        if not self._picture.isNull():
            painter.fillRect(box, QColor(20, 20, 20, 220))
        painter.setPen(QColor(theme.TEXT))
        painter.drawText(area, flags, self._message)

    def resizeEvent(self, event: QResizeEvent) -> None:
        if self._fits:
            self.fit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        self.setZoom(self.zoom() * 1.2 ** (event.angleDelta().y() / 120), event.position())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._held = event.position()
        self._holds_wipe = self._over_wipe(event.position())
        if not self._holds_wipe and self._overlay is not None and not self._picture.isNull():
            self._holds_overlay = self._overlay.press(event.position(), self._frame())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._held is not None and self._holds_wipe:
            self.setWipe(self._to_picture(event.position()).x())
        elif self._held is not None and self._holds_overlay and self._overlay is not None:
            self._overlay.move(event.position(), self._frame())
        elif self._held is not None:
            frame, moved = self._frame(), event.position() - self._held
            self._fits = False
            self._centre -= QPointF(moved.x() / max(frame.width(), 1), moved.y() / max(frame.height(), 1))
            self._held = event.position()
            self.update()
        else:
            over = self._over_wipe(event.position())
            self.setCursor(Qt.CursorShape.SplitHCursor if over else Qt.CursorShape.ArrowCursor)
        self._point(event.position())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._holds_overlay and self._overlay is not None:
            self._overlay.release()
        self._held, self._holds_wipe, self._holds_overlay = None, False, False

    def leaveEvent(self, event: object) -> None:
        self.left.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, here = event.key(), QPointF(self.mapFromGlobal(self.cursor().pos()))
        about = here if self.rect().contains(here.toPoint()) else None
        if key == Qt.Key.Key_F:
            self.fit()
        elif key == Qt.Key.Key_1:
            self.setZoom(1.0, about)
        elif key == Qt.Key.Key_W:
            self.setWiping(not self._wiping)
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.setZoom(self.zoom() * 1.25, about)
        elif key == Qt.Key.Key_Minus:
            self.setZoom(self.zoom() / 1.25, about)
        else:
            super().keyPressEvent(event)

    def _frame(self) -> QRectF:
        """Where the picture lies in the widget."""
        width = self._size.width() * self._aspect * self._scale
        height = self._size.height() * self._scale
        left = self.width() / 2 - self._centre.x() * width
        top = self.height() / 2 - self._centre.y() * height
        return QRectF(left, top, width, height)

    def _to_picture(self, point: QPointF) -> QPointF:
        frame = self._frame()
        return QPointF(
            (point.x() - frame.left()) / max(frame.width(), 1e-6), (point.y() - frame.top()) / max(frame.height(), 1e-6)
        )

    def _over_wipe(self, point: QPointF) -> bool:
        frame = self._frame()
        line = frame.left() + self._wipe * frame.width()
        return self._wiping and not self._before.isNull() and abs(point.x() - line) <= GRIP

    def _point(self, point: QPointF) -> None:
        at = self._to_picture(point)
        if not self._picture.isNull() and 0 <= at.x() < 1 and 0 <= at.y() < 1:
            self.pointed.emit(at.x(), at.y())
        else:
            self.left.emit()


def main() -> int:
    """Show one or two pictures."""
    application = QApplication(sys.argv)
    theme.apply(application)
    view = PlateView()
    pictures = [QImage(path) for path in sys.argv[1:3]]
    if pictures:
        view.setPicture(pictures[0])
        view.setBefore(pictures[-1] if len(pictures) > 1 else QImage())
        view.setWiping(len(pictures) > 1)
    else:
        view.setMessage("python -m relamp.ui.plate_view PICTURE [BEFORE]")
    view.show()
    return application.exec()


if __name__ == "__main__":
    sys.exit(main())
