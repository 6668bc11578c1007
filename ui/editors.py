"""The editors of parameters: a field, a slider, a switch or a choice, by what a parameter is declared to be.

Each shows a value with `show_value`, gives it with `read_value`, and signals `edited` when an artist changes it.
"""

from __future__ import annotations

import math
from typing import Any

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QSizePolicy,
    QSlider,
    QSpinBox,
    QToolButton,
    QWidget,
)

from ..core.parameters import Curve, Knob, default_of, parse
from .sections import CHOICES, SLIDERS

AUTO = "auto"
_NOTCHES = 200  # of a slider


class _Still:
    """Mixed into a widget that has a value: the wheel scrolls the form, and changes the value only where it has the focus."""

    def wheelEvent(self: Any, event: QWheelEvent) -> None:
        if self.hasFocus():
            super().wheelEvent(event)  # pyright: ignore[reportAttributeAccessIssue]
        else:
            event.ignore()


class _Float(_Still, QDoubleSpinBox):
    """A number that the wheel does not change by accident."""

    def __init__(self, knob: Knob, parent: QWidget) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        lo, hi = (limit if math.isfinite(limit) else math.copysign(1e9, limit) for limit in (knob.lo, knob.hi))
        self.setRange(lo, hi)
        self.setDecimals(3)
        self.setSingleStep(0.05 if hi - lo <= 2 else 0.25 if hi - lo <= 100 else 1.0)
        self.setSuffix({"deg": "°"}.get(knob.unit, f" {knob.unit}" if knob.unit else ""))
        self.setKeyboardTracking(False)

    def textFromValue(self, value: float) -> str:
        text = super().textFromValue(value)
        point = self.locale().decimalPoint()
        return text.rstrip("0").rstrip(point) if point in text else text


class Slider(_Still, QSlider):
    """A slider over `low` to `high` that the wheel does not move by accident."""

    moved = Signal(float)

    def __init__(self, low: float, high: float, parent: QWidget) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self._low, self._high = low, high
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setRange(0, _NOTCHES)
        self.setPageStep(_NOTCHES // 10)
        self.setMinimumWidth(40)
        self.valueChanged.connect(lambda notch: self.moved.emit(self._number(notch)))

    def show_number(self, number: float) -> None:
        """Stand where a number is, or at the nearest end."""
        share = (number - self._low) / (self._high - self._low)
        with QSignalBlocker(self):
            self.setValue(round(_NOTCHES * min(max(share, 0.0), 1.0)))

    def _number(self, notch: int) -> float:
        return round(self._low + (self._high - self._low) * notch / _NOTCHES, 3)


class Number(QWidget):
    """One float or several, or a curve that is shown as such. One may have a slider beside its field."""

    edited = Signal()

    def __init__(self, knob: Knob, parent: QWidget, count: int = 1, slides: tuple[float, float] | None = None) -> None:
        super().__init__(parent)
        box = QHBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(3)
        self.spins = [_Float(knob, self) for _ in range(count)]
        self._curve: Curve | None = None
        self._keys = QLabel(self)
        self._keys.setProperty("role", "quiet")
        self._keys.hide()
        self.slider = Slider(*slides, self) if slides else None
        if self.slider is not None:
            box.addWidget(self.slider, 1)
            self.slider.moved.connect(self.spins[0].setValue)
            self.spins[0].valueChanged.connect(self.slider.show_number)
            self.spins[0].setFixedWidth(74)
        for spin in self.spins:
            spin.setMinimumWidth(44)
            if count > 1:
                spin.setSuffix("")  # three of them in a row have room for numbers only
                spin.setProperty("tight", "true")
            box.addWidget(spin, 0 if slides else 1)
            spin.valueChanged.connect(self.edited)
        box.addWidget(self._keys, 1)
        self.setFocusProxy(self.spins[0])

    def show_value(self, value: Any) -> None:
        self._curve = value if isinstance(value, Curve) else None
        self._keys.setVisible(self._curve is not None)
        for spin in self.spins:
            spin.setVisible(self._curve is None)
        if self.slider is not None:
            self.slider.setVisible(self._curve is None)
        if isinstance(value, Curve):
            self._keys.setText(f"animated, {len(value.keys)} keys")
            self._keys.setToolTip(str(value))
            return
        for spin, number in zip(self.spins, value if isinstance(value, tuple) else (value,), strict=True):
            with QSignalBlocker(spin):
                spin.setValue(number)
            if self.slider is not None:
                self.slider.show_number(number)

    def read_value(self) -> Any:
        if self._curve is not None:
            return self._curve
        if len(self.spins) == 1:
            return self.spins[0].value()
        return tuple(spin.value() for spin in self.spins)


class _Whole(_Still, QSpinBox):
    edited = Signal()

    def __init__(self, knob: Knob, parent: QWidget) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setRange(int(knob.lo), int(knob.hi))
        self.setSuffix(f" {knob.unit}" if knob.unit else "")
        self.setKeyboardTracking(False)
        self.valueChanged.connect(self.edited)

    def show_value(self, value: Any) -> None:
        self.setValue(value)

    def read_value(self) -> Any:
        return self.value()


class _Choice(_Still, QComboBox):
    edited = Signal()

    def __init__(self, name: str, knob: Knob, parent: QWidget) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumWidth(80)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        words = CHOICES.get(name, {})
        for value in (*((None,) if default_of(name) is None else ()), *knob.choices):
            self.addItem(AUTO if value is None else words.get(value, value), value)
        self.currentIndexChanged.connect(self.edited)

    def show_value(self, value: Any) -> None:
        self.setCurrentIndex(self.findData(value))

    def read_value(self) -> Any:
        return self.currentData()


class _Switch(QCheckBox):
    edited = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.toggled.connect(self.edited)

    def show_value(self, value: Any) -> None:
        self.setChecked(value)

    def read_value(self) -> Any:
        return self.isChecked()


class _Names(QWidget):
    """A button for each name there is."""

    edited = Signal()

    def __init__(self, knob: Knob, parent: QWidget) -> None:
        super().__init__(parent)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(3)
        self.buttons: dict[str, QToolButton] = {}
        across = 3 if max(map(len, knob.choices)) < 6 else 2
        for index, choice in enumerate(knob.choices):
            button = QToolButton(self)
            button.setText(choice)
            button.setCheckable(True)
            button.toggled.connect(self.edited)
            button.setProperty("tight", "true")
            button.setMinimumWidth(40)
            button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            grid.addWidget(button, index // across, index % across)
            self.buttons[choice] = button

    def show_value(self, value: Any) -> None:
        for name, button in self.buttons.items():
            with QSignalBlocker(button):
                button.setChecked(name in value)

    def read_value(self) -> Any:
        return tuple(name for name, button in self.buttons.items() if button.isChecked())


class _Text(QLineEdit):
    """Anything that is typed as on the command line; empty is the default."""

    edited = Signal()

    def __init__(self, name: str, knob: Knob, parent: QWidget) -> None:
        super().__init__(parent)
        self._name = name
        self.setMinimumWidth(80)
        default = default_of(name)
        self.setPlaceholderText(AUTO if default in (None, ()) else str(default))
        self.editingFinished.connect(self.edited)

    def show_value(self, value: Any) -> None:
        shown = ",".join(value) if isinstance(value, tuple) else f"{value:g}" if isinstance(value, float) else value
        self.setText("" if value is None else str(shown))

    def read_value(self) -> Any:
        text = self.text().strip()
        return parse(self._name, text) if text else default_of(self._name)


class _Path(QWidget):
    """A path, typed or chosen."""

    edited = Signal()

    def __init__(self, name: str, knob: Knob, parent: QWidget) -> None:
        super().__init__(parent)
        box = QHBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(3)
        self._text = _Text(name, knob, self)
        browse = QToolButton(self)
        browse.setText("…")
        browse.setProperty("tight", "true")
        browse.setAccessibleName(f"choose {name}")
        browse.clicked.connect(self._browse)
        box.addWidget(self._text, 1)
        box.addWidget(browse)
        self._text.edited.connect(self.edited)
        self.setFocusProxy(self._text)

    def show_value(self, value: Any) -> None:
        self._text.show_value(value)

    def read_value(self) -> Any:
        return self._text.read_value()

    def _browse(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, self.accessibleName(), self._text.text())
        if path:
            self._text.setText(path)
            self.edited.emit()


def make_editor(name: str, knob: Knob, parent: QWidget) -> QWidget:
    default = default_of(name)
    if knob.kind == "choice":
        made: Any = _Choice(name, knob, parent)
    elif knob.kind == "bool":
        made = _Switch(parent)
    elif knob.kind == "vector":
        made = Number(knob, parent, count=3)
    elif knob.kind == "float" and default is not None:
        made = Number(knob, parent, slides=SLIDERS.get(name))
    elif knob.kind == "int" and default is not None:
        made = _Whole(knob, parent)
    elif knob.kind == "names" and knob.choices:
        made = _Names(knob, parent)
    elif knob.kind in ("picture", "file"):
        made = _Path(name, knob, parent)
    else:
        made = _Text(name, knob, parent)
    with QSignalBlocker(made):
        made.show_value(default)
    return made
