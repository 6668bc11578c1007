"""A form made from the declaration of the parameters: one row each, by group. `python -m relamp.ui.knob_form`.

What differs from its default is marked and can be reset. A value that the form cannot show as one number, such as a curve,
stays as it is until it is reset or typed over.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable
from typing import Any

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QScrollArea,
    QSizePolicy,
    QSpinBox,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from ..core.errors import ParameterError
from ..core.parameters import Curve, Knob, RelightParameters, default_of, knobs, parse
from . import theme

AUTO = "auto"
FOLDED = ("published",)  # groups that few need


class KnobForm(QWidget):
    """Rows for the parameters named, or for all of them."""

    valueChanged = Signal(str, object)
    """A parameter's name and its new value."""
    refused = Signal(str)
    """What was typed cannot be: a sentence."""

    def __init__(self, names: Iterable[str] | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        wanted = None if names is None else set(names)
        self._rows: dict[str, _Row] = {}
        self._groups: dict[str, _Group] = {}
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        grid = QGridLayout(self)
        grid.setContentsMargins(8, 4, 8, 8)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(1, 1)
        group = ""
        for name, knob in knobs(RelightParameters):
            if wanted is not None and name not in wanted:
                continue
            if knob.group != group:
                group = knob.group
                self._groups[group] = _Group(group, grid, self)
            self._rows[name] = _Row(name, knob, grid, self)
            self._groups[group].add(self._rows[name])
        for group in FOLDED:
            self.setFolded(group, True)
        grid.setRowStretch(grid.rowCount(), 1)

    def names(self) -> tuple[str, ...]:
        """The parameters it shows."""
        return tuple(self._rows)

    def value(self, name: str) -> Any:
        """The value of a parameter, as `RelightParameters` takes it."""
        return self._rows[name].value

    def setValue(self, name: str, value: Any) -> None:
        """Show a value; `valueChanged` is emitted when it is another."""
        self._rows[name].set(value)

    def reset(self, name: str) -> None:
        """Set a parameter to its default."""
        self.setValue(name, default_of(name))

    def changed(self) -> tuple[str, ...]:
        """The parameters that are not at their defaults."""
        return tuple(name for name, row in self._rows.items() if row.differs)

    def editor(self, name: str) -> QWidget:
        """The widget that edits a parameter."""
        return self._rows[name].editor

    def setFolded(self, group: str, on: bool) -> None:
        """Fold a group away, but for what differs from its default, or show all of it."""
        if group in self._groups:
            self._groups[group].heading.setChecked(not on)


class _Group:
    """A heading that folds its rows; those that differ from their defaults stay to be seen."""

    def __init__(self, name: str, grid: QGridLayout, form: KnobForm) -> None:
        self._rows: list[_Row] = []
        self.heading = QToolButton(form)
        self.heading.setText(name.capitalize())
        self.heading.setProperty("role", "heading")
        self.heading.setCheckable(True)
        self.heading.setChecked(True)
        self.heading.setArrowType(Qt.ArrowType.DownArrow)
        self.heading.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.heading.toggled.connect(self._fold)
        grid.addWidget(self.heading, grid.rowCount(), 0, 1, 3)

    def add(self, row: _Row) -> None:
        self._rows.append(row)

    def _fold(self, open: bool) -> None:
        self.heading.setArrowType(Qt.ArrowType.DownArrow if open else Qt.ArrowType.RightArrow)
        for row in self._rows:
            row.set_visible(open or row.differs)


class _Row:
    """A label, an editor and a reset button."""

    def __init__(self, name: str, knob: Knob, grid: QGridLayout, form: KnobForm) -> None:
        self._name, self._form = name, form
        self.value = default_of(name)
        self.label = QLabel(name.replace("_", " "), form)
        self.editor = _make_editor(name, knob, form)
        self._reset = QToolButton(form)
        self._reset.setText("↺")
        self._reset.setProperty("quiet", "true")
        self._reset.setAccessibleName(f"reset {name}")
        self._reset.setToolTip("Back to the default")
        self._reset.setFixedWidth(16)
        self._reset.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._reset.clicked.connect(lambda: form.reset(name))
        tip = _tooltip(name, knob)
        self.label.setToolTip(tip)
        self.editor.setToolTip(tip)
        self.editor.setAccessibleName(name.replace("_", " "))
        self.label.setBuddy(self.editor)
        row = grid.rowCount()
        grid.addWidget(self.label, row, 0)
        grid.addWidget(self.editor, row, 1)
        grid.addWidget(self._reset, row, 2)
        self._mark()
        self.editor.edited.connect(self._edited)  # type: ignore[attr-defined]

    def set_visible(self, on: bool) -> None:
        for widget in (self.label, self.editor, self._reset):
            widget.setVisible(on)

    @property
    def differs(self) -> bool:
        return self.value != default_of(self._name)

    def set(self, value: Any) -> None:
        if value == self.value:
            return
        with QSignalBlocker(self.editor):
            self.editor.show_value(value)  # type: ignore[attr-defined]
        self._take(value)

    def _edited(self) -> None:
        try:
            value = self.editor.read_value()  # type: ignore[attr-defined]
            RelightParameters(**{self._name: value})
        except ParameterError as error:
            self._form.refused.emit(str(error))
            with QSignalBlocker(self.editor):
                self.editor.show_value(self.value)  # type: ignore[attr-defined]
            return
        if value != self.value:
            self._take(value)

    def _take(self, value: Any) -> None:
        self.value = value
        self._mark()
        self._form.valueChanged.emit(self._name, value)

    def _mark(self) -> None:
        self.label.setProperty("changed", "true" if self.differs else "false")
        self.label.style().unpolish(self.label)
        self.label.style().polish(self.label)
        if self.differs:
            self.set_visible(True)  # a folded group does not hide what was changed
        # Kept in the layout, so that rows do not move while one types.
        self._reset.setText("↺" if self.differs else " ")
        self._reset.setEnabled(self.differs)


class _Float(QDoubleSpinBox):
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

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


class _Number(QWidget):
    """One float, or a curve that is shown as such."""

    edited = Signal()

    def __init__(self, knob: Knob, parent: QWidget, count: int = 1) -> None:
        super().__init__(parent)
        box = QHBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(3)
        self.spins = [_Float(knob, self) for _ in range(count)]
        self._curve: Curve | None = None
        self._keys = QLabel(self)
        self._keys.setProperty("role", "quiet")
        self._keys.hide()
        for spin in self.spins:
            spin.setMinimumWidth(44)
            if count > 1:
                spin.setSuffix("")  # three of them in a row have room for numbers only
                spin.setProperty("tight", "true")
            box.addWidget(spin, 1)
            spin.valueChanged.connect(self.edited)
        box.addWidget(self._keys, 1)
        self.setFocusProxy(self.spins[0])

    def show_value(self, value: Any) -> None:
        self._curve = value if isinstance(value, Curve) else None
        self._keys.setVisible(self._curve is not None)
        for spin in self.spins:
            spin.setVisible(self._curve is None)
        if isinstance(value, Curve):
            self._keys.setText(f"animated, {len(value.keys)} keys")
            self._keys.setToolTip(str(value))
            return
        for spin, number in zip(self.spins, value if isinstance(value, tuple) else (value,), strict=True):
            with QSignalBlocker(spin):
                spin.setValue(number)

    def read_value(self) -> Any:
        if self._curve is not None:
            return self._curve
        if len(self.spins) == 1:
            return self.spins[0].value()
        return tuple(spin.value() for spin in self.spins)


class _Whole(QSpinBox):
    edited = Signal()

    def __init__(self, knob: Knob, parent: QWidget) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setRange(int(knob.lo), int(knob.hi))
        self.setSuffix(f" {knob.unit}" if knob.unit else "")
        self.setKeyboardTracking(False)
        self.valueChanged.connect(self.edited)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()

    def show_value(self, value: Any) -> None:
        self.setValue(value)

    def read_value(self) -> Any:
        return self.value()


class _Choice(QComboBox):
    edited = Signal()

    def __init__(self, name: str, knob: Knob, parent: QWidget) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumWidth(80)
        optional = default_of(name) is None
        self.addItems([*([AUTO] if optional else []), *knob.choices])
        self.currentTextChanged.connect(self.edited)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()

    def show_value(self, value: Any) -> None:
        self.setCurrentText(AUTO if value is None else value)

    def read_value(self) -> Any:
        text = self.currentText()
        return None if text == AUTO else text


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
            button.setMinimumWidth(44)
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


def _make_editor(name: str, knob: Knob, parent: QWidget) -> QWidget:
    default = default_of(name)
    if knob.kind == "choice":
        made: Any = _Choice(name, knob, parent)
    elif knob.kind == "bool":
        made = _Switch(parent)
    elif knob.kind == "vector":
        made = _Number(knob, parent, count=3)
    elif knob.kind == "float" and default is not None:
        made = _Number(knob, parent)
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


def _tooltip(name: str, knob: Knob) -> str:
    """The declaration's sentence, then limits and the option's name on a command line."""
    facts = []
    if math.isfinite(knob.lo) and math.isfinite(knob.hi):
        facts.append(f"{knob.lo:g} to {knob.hi:g} {knob.unit}".strip())
    if knob.choices:
        facts.append(", ".join(knob.choices))
    facts.append("PLATE" if name == "plate" else f"--{name.replace('_', '-')}")
    return f"<p>{knob.help}</p><p style='color:{theme.QUIET}'>{'; '.join(facts)}</p>"


def main() -> int:
    """Show every parameter."""
    application = QApplication(sys.argv)
    theme.apply(application)
    scroll = QScrollArea()
    form = KnobForm()
    holder = QWidget()
    QVBoxLayout(holder).addWidget(form)
    scroll.setWidget(holder)
    scroll.setWidgetResizable(True)
    scroll.resize(420, 720)
    form.valueChanged.connect(lambda name, value: scroll.setWindowTitle(f"{name} = {value}"))
    form.refused.connect(scroll.setWindowTitle)
    scroll.show()
    return application.exec()


if __name__ == "__main__":
    sys.exit(main())
