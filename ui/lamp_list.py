"""The lamps of the new light with a fader each, to preview what a comp can do with the lamp layers of a render.

A lamp's fader multiplies its layer, and the picture is the sum of the layers; nothing is rendered again. `python -m
relamp.ui.lamp_list`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QSlider,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from . import theme

WHOLE = 100  # of a fader: the layer as it is
MOST = 300


@dataclass(frozen=True)
class LampFacts:
    """What is shown of a lamp: its part of the light, 0 to 1, and its colour, linear with a luminance of 1."""

    share: float
    colour: tuple[float, float, float] = (1.0, 1.0, 1.0)


class LampList(QWidget):
    """Faders of the lamps, strongest first, and of the rest of the light."""

    gainsChanged = Signal(object)
    """A gain for each lamp and last for the rest; () where all are as they are."""
    writeToggled = Signal(bool)
    """Whether a render writes the lamps as layers."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._faders: list[_Fader] = []
        self._count = 0
        self._grid = QGridLayout()
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(6)
        self._grid.setVerticalSpacing(2)
        self._grid.setColumnStretch(2, 1)
        self._none = QLabel("No environment is chosen, so there are no lamps.", self)
        self._none.setWordWrap(True)
        self._none.setProperty("role", "quiet")
        self.write = QCheckBox("write as layers", self)
        self.write.setToolTip(
            "Write each lamp as a layer that can be dimmed in the comp; lamp1, lamp2 … and rest add up to the beauty"
        )
        self.write.toggled.connect(self.writeToggled)
        self._reset = QToolButton(self)
        self._reset.setText("↺")
        self._reset.setProperty("quiet", "true")
        self._reset.setAccessibleName("set all lamps back")
        self._reset.setToolTip("Set all lamps back to 1")
        self._reset.clicked.connect(self.reset)
        foot = QHBoxLayout()
        foot.addWidget(self.write, 1)
        foot.addWidget(self._reset)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(4)
        box.addWidget(self._none)
        box.addLayout(self._grid)
        box.addLayout(foot)
        self._show_what_there_is()

    def setLamps(self, lamps: Iterable[LampFacts], count: int) -> None:
        """Show the lamps that were found; `count` is how many layers there are, lamps or not. Faders start anew."""
        lamps = list(lamps)[:count]
        for fader in self._faders:
            fader.remove()
        self._faders, self._count = [], count if lamps else 0
        if lamps:
            names = [str(number) for number in range(1, len(lamps) + 1)]
            rest = LampFacts(max(0.0, 1.0 - sum(lamp.share for lamp in lamps)), (0.55, 0.55, 0.55))
            for row, (name, lamp) in enumerate(zip([*names, "rest"], [*lamps, rest], strict=True)):
                fader = _Fader(name, lamp, self, self._grid, row)
                fader.slider.valueChanged.connect(self._changed)
                fader.solo.toggled.connect(self._changed)
                self._faders.append(fader)
        self._show_what_there_is()
        self._changed()

    def gains(self) -> tuple[float, ...]:
        """What each layer is multiplied with: lamps, then the rest; () where all are as they are."""
        alone = any(fader.solo.isChecked() for fader in self._faders)
        gains = [fader.gain() if not alone or fader.solo.isChecked() else 0.0 for fader in self._faders]
        if all(gain == 1.0 for gain in gains):
            return ()
        missing = self._count + 1 - len(gains)  # layers that are black
        return (*gains[:-1], *([1.0] * missing), gains[-1])

    def setGain(self, index: int, gain: float) -> None:
        """Move the fader of a lamp, or of the rest when `index` is -1."""
        self._faders[index].slider.setValue(round(gain * WHOLE))

    def setSolo(self, index: int, on: bool) -> None:
        """Show a lamp alone, beside the others that are alone."""
        self._faders[index].solo.setChecked(on)

    def count(self) -> int:
        """How many faders there are, that of the rest included."""
        return len(self._faders)

    def setWrites(self, on: bool) -> None:
        """Show whether a render writes the layers."""
        with QSignalBlocker(self.write):
            self.write.setChecked(on)

    def reset(self) -> None:
        """All lamps as they are."""
        for fader in self._faders:
            with QSignalBlocker(fader.slider), QSignalBlocker(fader.solo):
                fader.slider.setValue(WHOLE)
                fader.solo.setChecked(False)
        self._changed()

    def _changed(self) -> None:
        for fader in self._faders:
            fader.mark()
        gains = self.gains()
        self._reset.setEnabled(bool(gains))
        self.gainsChanged.emit(gains)

    def _show_what_there_is(self) -> None:
        for widget in (self.write, self._reset):
            widget.setVisible(bool(self._faders))
        self._none.setVisible(not self._faders)


class _Fader:
    """A row of the list: swatch, name, slider, value, and a button that shows the lamp alone."""

    def __init__(self, name: str, lamp: LampFacts, parent: QWidget, grid: QGridLayout, row: int) -> None:
        self.slider = _Slider(parent)
        self.slider.setAccessibleName(f"lamp {name}")
        self.slider.setToolTip("Multiplies this lamp's layer in the viewer only; a double click sets it back to 1")
        self.solo = QToolButton(parent)
        self.solo.setText("solo")
        self.solo.setCheckable(True)
        self.solo.setProperty("small", "true")
        self.solo.setAccessibleName(f"lamp {name} alone")
        self.solo.setToolTip("Show this lamp alone")
        self._name = QLabel(f"{name}  {100 * lamp.share:.0f} %", parent)
        self._name.setMinimumWidth(54)
        self._value = QLabel(parent)
        self._value.setMinimumWidth(34)
        self._value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._widgets = (_Swatch(lamp.colour, parent), self._name, self.slider, self._value, self.solo)
        for column, widget in enumerate(self._widgets):
            grid.addWidget(widget, row, column)
        self.mark()

    def gain(self) -> float:
        return self.slider.value() / WHOLE

    def mark(self) -> None:
        """Show the value, and whether it differs from 1."""
        self._value.setText(f"×{self.gain():.2f}")
        changed = "true" if self.gain() != 1.0 else "false"
        if self._value.property("changed") != changed:
            self._value.setProperty("changed", changed)
            self._value.style().unpolish(self._value)
            self._value.style().polish(self._value)

    def remove(self) -> None:
        for widget in self._widgets:
            widget.hide()
            widget.deleteLater()


class _Slider(QSlider):
    def __init__(self, parent: QWidget) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.setRange(0, MOST)
        self.setPageStep(25)
        self.setSingleStep(5)
        self.setValue(WHOLE)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.setValue(WHOLE)


class _Swatch(QWidget):
    """A lamp's colour, as bright as a screen shows it."""

    def __init__(self, colour: tuple[float, float, float], parent: QWidget) -> None:
        super().__init__(parent)
        most = max(max(colour), 1e-6)
        self._colour = QColor.fromRgbF(*(min(1.0, max(0.0, c / most)) ** (1 / 2.2) for c in colour))
        self.setFixedSize(10, 10)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._colour)
        painter.drawEllipse(self.rect())
        painter.end()


def main() -> int:
    """Show three lamps."""
    application = QApplication(sys.argv)
    theme.apply(application)
    lamps = LampList()
    lamps.setLamps([LampFacts(0.5, (1.2, 0.9, 0.5)), LampFacts(0.2), LampFacts(0.1, (0.5, 1.0, 1.6))], 4)
    lamps.gainsChanged.connect(lambda gains: lamps.setWindowTitle(str(gains)))
    lamps.resize(320, 140)
    lamps.show()
    return application.exec()


if __name__ == "__main__":
    sys.exit(main())
