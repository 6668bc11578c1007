"""The environment as a picture that is dragged to turn the light. `python -m relamp.ui.env_dial [PICTURE]`.

The picture is latitude-longitude with its centre behind the camera, as the file lies. Dragging moves it round and round;
+ turns as `env_rotate` does about Y, to the left. Arrow keys turn by a degree (with Shift by ten), a double click sets 0.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QKeyEvent, QLinearGradient, QMouseEvent, QPainter, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QApplication, QWidget

from . import theme

# Where the camera's own directions are in a map that is not turned, and stay while it is.
MARKS = ((0.0, "ahead"), (0.25, "right"), (0.5, "behind"), (0.75, "left"))
RULER = 16  # px of the strip with the marks


@dataclass(frozen=True)
class LampMark:
    """A lamp in the picture: its place (u, v), 0 to 1, its part of the light, 0 to 1, and its radius in degrees."""

    u: float
    v: float
    share: float
    radius: float = 1.0


class EnvDial(QWidget):
    """A dial whose scale is the light itself; `value` is the turn about Y in degrees, -180 to 180."""

    valueChanged = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._picture = QImage()
        self._lamps: tuple[LampMark, ...] = ()
        self._value = 0.0
        self._held: QPointF | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.OpenHandCursor)
        self.setMinimumSize(160, 96)
        self.setToolTip(
            "Drag to turn the light; the arrow keys turn it by one degree, and a double click turns it back"
        )

    def value(self) -> float:
        """The turn in degrees."""
        return self._value

    def setValue(self, degrees: float) -> None:
        """Set the turn, any number of degrees; it is kept as -180 to 180."""
        degrees = round((degrees + 180.0) % 360.0 - 180.0, 2)
        if degrees != self._value:
            self._value = degrees
            self.valueChanged.emit(degrees)
            self.update()

    def setPicture(self, image: QImage) -> None:
        """The light, latitude-longitude, display-encoded, not turned about Y; a null image for none."""
        self._picture = image
        self.update()

    def setLamps(self, lamps: Iterable[LampMark]) -> None:
        """The lamps to mark, strongest first, by their place in the picture that is not turned."""
        self._lamps = tuple(lamps)
        self.update()

    def lamps(self) -> tuple[LampMark, ...]:
        """The lamps that are marked, strongest first."""
        return self._lamps

    def lampPosition(self, index: int) -> QPointF:
        """Where a lamp is drawn now, in the widget's pixels."""
        lamp, area = self._lamps[index], self._area()
        u = (lamp.u - self._value / 360.0) % 1.0
        return QPointF(area.left() + u * area.width(), area.top() + lamp.v * area.height())

    def sizeHint(self) -> QSize:
        return QSize(320, 160 + RULER)

    def heightForWidth(self, width: int) -> int:
        return width // 2 + RULER

    def hasHeightForWidth(self) -> bool:
        return True

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.SmoothPixmapTransform | QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), QColor(theme.PICTURE))
        area = self._area()
        if self._picture.isNull():
            painter.setPen(QColor(theme.QUIET))
            painter.drawText(area, Qt.AlignmentFlag.AlignCenter, "no environment")
        else:
            self._paint_map(painter, area)
            for index, lamp in reversed(tuple(enumerate(self._lamps))):  # the strongest over the others
                self._paint_lamp(painter, self.lampPosition(index), lamp, index + 1)
        self._paint_ruler(painter, area)
        if self.hasFocus():
            painter.setPen(QPen(QColor(theme.ACCENT), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5))
        painter.end()

    def _paint_map(self, painter: QPainter, area: QRectF) -> None:
        # One pixmap of the right size, tiled: two pictures side by side would show a seam between them.
        size = area.size().toSize()
        whole = QPixmap.fromImage(
            self._picture.scaled(size, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation)
        )
        painter.drawTiledPixmap(area, whole, QPointF(round(self._value / 360.0 % 1.0 * size.width()), 0))

    def _paint_lamp(self, painter: QPainter, at: QPointF, lamp: LampMark, number: int) -> None:
        radius = max(5.0, lamp.radius / 180.0 * self._area().height() + 3)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for colour, width in ((QColor(0, 0, 0, 160), 3.0), (QColor(theme.ACCENT), 1.4)):
            painter.setPen(QPen(colour, width))
            painter.drawEllipse(at, radius, radius)
        text = f"{number}  {100 * lamp.share:.0f} %"
        box = QRectF(painter.fontMetrics().boundingRect(text)).adjusted(-3, -1, 3, 1)
        beside = at.x() + radius + 4
        if beside + box.width() > self._area().right():
            beside = at.x() - radius - 4 - box.width()
        box.moveTo(beside, at.y() - box.height() / 2)
        painter.fillRect(box, QColor(0, 0, 0, 140))
        painter.setPen(QColor(theme.TEXT))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)

    def _paint_ruler(self, painter: QPainter, area: QRectF) -> None:
        shade = QLinearGradient(0, area.bottom(), 0, self.height())
        shade.setColorAt(0, QColor(theme.FIELD))
        shade.setColorAt(1, QColor(theme.WINDOW))
        painter.fillRect(QRectF(0, area.bottom(), self.width(), RULER), shade)
        font = painter.font()
        font.setPixelSize(10)
        painter.setFont(font)
        painter.setPen(QColor(theme.QUIET))
        for u, name in MARKS:
            x = area.left() + u * area.width()
            painter.drawLine(QPointF(x, area.bottom()), QPointF(x, area.bottom() + 4))
            painter.drawText(QPointF(x + 3, area.bottom() + 12), name)
        painter.setPen(QColor(theme.ACCENT if self._value else theme.QUIET))
        turn = QRectF(0, area.bottom(), self.width() - 4, RULER)
        painter.drawText(turn, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, f"{self._value:+.1f}°")

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._held = event.position()
        self.setCursor(Qt.CursorShape.ClosedHandCursor)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._held is None:
            return
        moved = event.position().x() - self._held.x()
        self._held = event.position()
        fine = 0.1 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1.0
        self.setValue(self._value - fine * 360.0 * moved / max(1.0, self._area().width()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._held = None
        self.setCursor(Qt.CursorShape.OpenHandCursor)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.setValue(0.0)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = 10.0 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1.0
        turns = {Qt.Key.Key_Left: step, Qt.Key.Key_Right: -step}
        if event.key() in turns:
            self.setValue(self._value + turns[Qt.Key(event.key())])
        else:
            super().keyPressEvent(event)

    def _area(self) -> QRectF:
        return QRectF(0, 0, self.width(), max(1, self.height() - RULER))


def main() -> int:
    """Turn a picture."""
    application = QApplication(sys.argv)
    theme.apply(application)
    dial = EnvDial()
    if len(sys.argv) > 1:
        dial.setPicture(QImage(sys.argv[1]))
    dial.resize(640, 320 + RULER)
    dial.valueChanged.connect(lambda degrees: dial.setWindowTitle(f"{degrees:.1f} deg"))
    dial.show()
    return application.exec()


if __name__ == "__main__":
    sys.exit(main())
