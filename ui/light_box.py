"""The controls of the light: the dial, tilt and exposure, and two balls under it."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QRectF, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QPainter, QPixmap
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSlider, QToolButton, QVBoxLayout, QWidget

from ..core.parameters import Curve
from . import theme
from .env_dial import EnvDial, LampMark

BALL = 66  # px
STOPS = 6.0


class LightBox(QWidget):
    """Shows and changes `env_rotate` and `env_exposure`."""

    rotateChanged = Signal(object)
    """(rx, ry, rz) in degrees."""
    exposureChanged = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rotate = (0.0, 0.0, 0.0)
        self.dial = EnvDial(self)
        self.dial.valueChanged.connect(self._turned)
        self._balls = QLabel(self)
        self._balls.setFixedSize(2 * BALL, BALL)
        self._balls.setToolTip("A grey and a chrome ball lit by this light, as the camera sees them")
        self._exposure = QSlider(Qt.Orientation.Horizontal, self)
        self._exposure.setRange(round(-10 * STOPS), round(10 * STOPS))
        self._exposure.setAccessibleName("exposure of the light")
        self._exposure.setToolTip("Brightens or dims the new light, in stops")
        self._exposure.valueChanged.connect(self._exposed)
        self._stops = QLabel("+0.0 stops", self)
        self._stops.setMinimumWidth(62)
        self._stops.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        none = QToolButton(self)
        none.setText("↺")
        none.setProperty("quiet", "true")
        none.setToolTip("Set the turn and the brightness back to those of the file")
        none.clicked.connect(self.reset)
        self._turn = QLabel(self)
        self._turn.setProperty("role", "quiet")
        self._turn.setWordWrap(True)
        self._turn.hide()
        side = QVBoxLayout()
        side.setSpacing(4)
        line = QHBoxLayout()
        line.addWidget(self._exposure, 1)
        line.addWidget(self._stops)
        line.addWidget(none)
        self._tools = QHBoxLayout()
        self._tools.addStretch(1)
        side.addStretch(1)
        side.addLayout(line)
        side.addLayout(self._tools)
        side.addWidget(self._turn)
        side.addStretch(1)
        below = QHBoxLayout()
        below.setSpacing(10)
        below.addWidget(self._balls)
        below.addLayout(side, 1)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(self.dial)
        box.addLayout(below)
        self.setBalls(QImage())

    def addTool(self, widget: QWidget) -> None:
        """Add a button beside the balls."""
        self._tools.insertWidget(self._tools.count() - 1, widget)

    def setRotate(self, value: Any) -> None:
        """Show `env_rotate`; a curve is named and kept until the light is turned."""
        if isinstance(value, Curve):
            self._turn.setText(f"turn animated, {len(value.keys)} keys")
            self._turn.show()
            return
        self._rotate = tuple(value)
        with QSignalBlocker(self.dial):
            self.dial.setValue(self._rotate[1])
        self.dial.update()
        self._show_turn()

    def turn(self) -> str:
        """The sentence on how the light is turned; empty where it is not turned."""
        return self._turn.text() if self._turn.isVisibleTo(self) else ""

    def _show_turn(self) -> None:
        # Without a picture the dial shows no turn, and it never shows a tilt.
        self._turn.setText("turned by X {:g}, Y {:g}, Z {:g} degrees".format(*self._rotate))
        self._turn.setVisible(any(self._rotate))

    def setExposure(self, value: Any) -> None:
        """Show `env_exposure`."""
        if isinstance(value, Curve):
            self._stops.setText("animated")
            return
        with QSignalBlocker(self._exposure):
            self._exposure.setValue(round(10 * value))
        self._stops.setText(f"{value:+.1f} stops")

    def setEnvironment(self, image: QImage, lamps: list[dict[str, Any]]) -> None:
        """Show a map and its lamps; a null image for none."""
        self.dial.setPicture(image)
        self.dial.setLamps(LampMark(lamp["u"], lamp["v"], lamp["share"], lamp["radius"]) for lamp in lamps)

    def setBalls(self, image: QImage) -> None:
        """Show the two balls; a null image for none."""
        if image.isNull():
            self._balls.setPixmap(self._no_balls())
            return
        ratio = self.devicePixelRatioF()
        pixmap = QPixmap.fromImage(image).scaled(
            self.ballSize(), Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
        )
        pixmap.setDevicePixelRatio(ratio)
        self._balls.setPixmap(pixmap)

    def _no_balls(self) -> QPixmap:
        """The place of the balls while there are none."""
        pixmap = QPixmap(self.ballSize())
        pixmap.setDevicePixelRatio(self.devicePixelRatioF())
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.PICTURE))
        for left in (0, BALL):
            painter.drawEllipse(QRectF(left, 0, BALL, BALL))
        painter.end()
        return pixmap

    def ballSize(self) -> QSize:
        """Pixels of the screen that both balls take."""
        return QSize(2 * BALL, BALL) * self.devicePixelRatioF()

    def reset(self) -> None:
        """Set the light to how it is in its file."""
        self._rotate = (0.0, 0.0, 0.0)
        with QSignalBlocker(self.dial):
            self.dial.setValue(0.0)
        self.dial.update()
        self._show_turn()
        self.rotateChanged.emit(self._rotate)
        self._exposure.setValue(0)

    def _turned(self, degrees: float) -> None:
        self._rotate = (self._rotate[0], degrees, self._rotate[2])
        self._show_turn()
        self.rotateChanged.emit(self._rotate)

    def _exposed(self, tenths: int) -> None:
        self._stops.setText(f"{tenths / 10:+.1f} stops")
        self.exposureChanged.emit(tenths / 10)
