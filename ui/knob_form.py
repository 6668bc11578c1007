"""A form made from the declaration of the parameters: one row each, by section. `python -m relamp.ui.knob_form`.

What differs from its default is marked and can be reset. A value that the form cannot show as one number, such as a curve,
stays as it is until it is reset or typed over.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable
from typing import Any

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QApplication,
    QGridLayout,
    QLabel,
    QScrollArea,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from ..core.errors import ParameterError
from ..core.parameters import Knob, RelightParameters, default_of, knob_of
from . import theme
from .editors import make_editor
from .sections import Section, every_section, label_of


class KnobForm(QWidget):
    """Rows for the parameters of some sections, or for all of them by the groups they are declared in."""

    valueChanged = Signal(str, object)
    """A parameter's name and its new value."""
    refused = Signal(str)
    """What was typed cannot be: a sentence."""

    def __init__(self, sections: Iterable[Section] | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: dict[str, _Row] = {}
        self._groups: dict[str, _Group] = {}
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        grid = QGridLayout(self)
        grid.setContentsMargins(8, 4, 8, 8)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(1, 1)
        for section in every_section() if sections is None else sections:
            group = self._groups[section.title] = _Group(section.title, grid, self)
            for name in section.names:
                self._rows[name] = _Row(name, knob_of(name), grid, self)
                group.add(self._rows[name])
            self.setFolded(section.title, section.folded)
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

    def label(self, name: str) -> str:
        """What the form calls a parameter."""
        return self._rows[name].label.text()

    def shown(self) -> tuple[str, ...]:
        """The parameters whose rows are not folded away."""
        return tuple(name for name, row in self._rows.items() if not row.editor.isHidden())

    def sections(self) -> tuple[str, ...]:
        """The titles of its sections, in their order."""
        return tuple(self._groups)

    def setFolded(self, title: str, on: bool) -> None:
        """Fold a section away, but for what differs from its default, or show all of it."""
        self._groups[title].heading.setChecked(not on)


class _Group:
    """A heading that folds its rows; those that differ from their defaults stay to be seen."""

    def __init__(self, name: str, grid: QGridLayout, form: KnobForm) -> None:
        self._rows: list[_Row] = []
        self.heading = QToolButton(form)
        self.heading.setText(name)
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
            row.open = open
            row.set_visible(open or row.differs)


class _Row:
    """A label, an editor and a reset button."""

    def __init__(self, name: str, knob: Knob, grid: QGridLayout, form: KnobForm) -> None:
        self._name, self._form = name, form
        self.value = default_of(name)
        self.open = True
        self.label = QLabel(label_of(name), form)
        self.editor = make_editor(name, knob, form)
        self._reset = QToolButton(form)
        self._reset.setText("↺")
        self._reset.setProperty("quiet", "true")
        self._reset.setAccessibleName(f"reset {name}")
        self._reset.setToolTip("Set this back to its default")
        self._reset.setFixedWidth(16)
        self._reset.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._reset.clicked.connect(lambda: form.reset(name))
        tip = _tooltip(name, knob)
        self.label.setToolTip(tip)
        self.editor.setToolTip(tip)
        self.editor.setAccessibleName(label_of(name))
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
        self.set_visible(self.open or self.differs)  # a folded group does not hide what was changed
        # Kept in the layout, so that rows do not move while one types.
        self._reset.setText("↺" if self.differs else " ")
        self._reset.setEnabled(self.differs)


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
