"""The tab of lights: the rig as a list, the values of the selected light, and the library to add from."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtGui import QColor, QMouseEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QColorDialog,
    QComboBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from ..core import rig_library
from ..core.parameters import Curve, Knob
from . import theme
from .editors import Number
from .rig import RigEditor

KELVIN = 6500.0  # a light without a colour
KINDS = {"distant": "distant", "sphere": "sphere", "spot": "spot", "area": "area"}
MODES = ((None, "auto"), ("add", "added to the plate's own"), ("replace", "instead of the plate's own"))


def _number(says: str, unit: str, lo: float, hi: float) -> Knob:
    return Knob(says, "float", "light", unit, lo, hi)


# The values of a light: key, name, declaration, the slider's range, kinds that have it, and its value where none is given.
_ROWS: tuple[tuple[str, str, Knob, tuple[float, float], tuple[str, ...], float], ...] = (
    ("stops", "brightness", _number(
        "Brightness of the light; at 0 it lights the subject as strongly as the plate's own light does.", "stops", -20, 20),
     (-6, 6), tuple(KINDS), 0),
    ("kelvin", "colour", _number(
        "Colour temperature of the light: a candle has 1850 K, tungsten 3200 K, white 6500 K, shade 8000 K.", "K", 1000, 40000),
     (1500, 12000), tuple(KINDS), KELVIN),
    ("size", "size", _number(
        "The angle under which the subject sees the light; a larger light throws softer shadows.", "deg", 0.01, 90),
     (0.1, 90), ("distant",), 0.5),
    ("size", "radius", _number(
        "Radius of the light in the depth's unit; a larger light throws softer shadows.", "", 1e-6, 1e6),
     (0.002, 0.5), ("sphere", "spot"), 0.05),
    ("out", "distance", _number(
        "Distance of the light from the spot of the subject that it lights, in the depth's unit.", "", -1e6, 1e6),
     (0.02, 2.0), ("sphere", "spot", "area"), 0.3),
    ("angle", "cone", _number("The full angle of the cone.", "deg", 1, 170), (1, 120), ("spot",), 30),
    ("softness", "soft edge", _number("The share of the cone in which the light fades.", "", 0, 1), (0, 1), ("spot",), 0.2),
)  # fmt: skip


class LightsTab(QWidget):
    """Shows and changes the lights of an editor."""

    modeChanged = Signal(object)
    """What the lights do to the plate's own: `add`, `replace`, or None where Relamp decides."""
    placingChanged = Signal(bool)
    """Whether a press on the picture places the selected light."""

    def __init__(self, rig: RigEditor, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rig = rig
        self.rows: list[LightRow] = []
        box = QVBoxLayout(self)
        box.setContentsMargins(8, 8, 8, 8)
        box.setSpacing(6)
        box.addLayout(self._adding())
        self.words = QLineEdit(self)
        self.words.setPlaceholderText("or in words: warm rim from behind left")
        self.words.setAccessibleName("lights in words")
        self.words.returnPressed.connect(self._add_words)
        box.addWidget(self.words)
        self._list = QVBoxLayout()
        self._list.setSpacing(2)
        box.addLayout(self._list)
        self._none = QLabel("No lights yet. Add one, then drag it over the picture.", self)
        self._none.setWordWrap(True)
        self._none.setProperty("role", "quiet")
        box.addWidget(self._none)
        box.addLayout(self._mode_line())
        self.ground = QCheckBox("draw the ground", self)
        self.ground.setToolTip(
            "Draw the ground as a grid, the horizon and the world's axes; drag the handles to move the ground (G)"
        )
        box.addWidget(self.ground)
        self.details = LightDetails(rig, self)
        self.details.placing.toggled.connect(self.placingChanged)
        box.addWidget(self.details)
        box.addStretch(1)
        rig.changed.connect(self._show)
        self._show()

    def setMode(self, mode: str | None) -> None:
        """Show what the lights do to the plate's own light."""
        with QSignalBlocker(self.mode):
            self.mode.setCurrentIndex(self.mode.findData(mode))

    def _adding(self) -> QHBoxLayout:
        self.add = QToolButton(self)
        self.add.setText("Add a light")
        self.add.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self.add)
        menu.setToolTipsVisible(True)
        for preset in rig_library.presets():
            menu.addAction(preset.label, lambda name=preset.name: self._rig.add(name)).setToolTip(preset.says)
        self.add.setMenu(menu)
        self.three = QToolButton(self)
        self.three.setText("Three-point")
        self.three.setToolTip("Add a key, a fill and a rim light")
        self.three.clicked.connect(lambda: self._rig.add("three-point"))
        line = QHBoxLayout()
        line.addWidget(self.add)
        line.addWidget(self.three)
        line.addStretch(1)
        return line

    def _mode_line(self) -> QHBoxLayout:
        self.mode = QComboBox(self)
        self.mode.setAccessibleName("what the lights do to the plate's own")
        self.mode.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        for value, text in MODES:
            self.mode.addItem(text, value)
        self.mode.currentIndexChanged.connect(lambda index: self.modeChanged.emit(self.mode.itemData(index)))
        line = QHBoxLayout()
        line.addWidget(QLabel("lights are", self))
        line.addWidget(self.mode, 1)
        return line

    def _add_words(self) -> None:
        if self.words.text().strip():
            self._rig.addWords(self.words.text().strip())
            self.words.clear()

    def _show(self) -> None:
        lights = self._rig.lights()
        while len(self.rows) > len(lights):
            self.rows.pop().deleteLater()
        while len(self.rows) < len(lights):
            row = LightRow(self._rig, len(self.rows), self)
            self.rows.append(row)
            self._list.addWidget(row)
        for row in self.rows:
            row.refresh()
        self._none.setVisible(not lights)
        self.details.refresh()


class LightRow(QFrame):
    """A light of the list: on or off, colour, name and brightness."""

    def __init__(self, rig: RigEditor, index: int, parent: QWidget) -> None:
        super().__init__(parent)
        self._rig, self._index = rig, index
        self.on = QCheckBox(self)
        self.on.setAccessibleName(f"light {index + 1} on")
        self.on.toggled.connect(lambda on: rig.set(index, on=None if on else False))
        self.swatch = QToolButton(self)
        self.swatch.setFixedSize(14, 14)
        self.swatch.setToolTip("Choose the colour of this light as red, green and blue")
        self.swatch.clicked.connect(self._choose_colour)
        self.name = QLabel(self)
        self.name.setMinimumWidth(40)
        self.stops = Number(_ROWS[0][2], self, slides=_ROWS[0][3])
        self.stops.edited.connect(lambda: _write(rig, index, "stops", self.stops.read_value()))
        remove = QToolButton(self)
        remove.setText("✕")
        remove.setProperty("quiet", "true")
        remove.setAccessibleName(f"remove light {index + 1}")
        remove.setToolTip("Remove this light")
        remove.clicked.connect(lambda: rig.remove(index))
        self.remove = remove
        line = QHBoxLayout(self)
        line.setContentsMargins(4, 2, 4, 2)
        line.setSpacing(5)
        for widget, stretch in ((self.on, 0), (self.swatch, 0), (self.name, 1), (self.stops, 2), (remove, 0)):
            line.addWidget(widget, stretch)

    def refresh(self) -> None:
        """Show the light's values."""
        light = self._rig.lights()[self._index]
        with QSignalBlocker(self.on), QSignalBlocker(self.stops):
            self.on.setChecked(light.get("on", True))
            self.stops.show_value(_shown(light.get("stops", 0.0)))
        self.name.setText(str(light["name"]))
        facts = self._rig.facts
        self.setToolTip(facts[self._index]["says"] if self._index < len(facts) else "")
        colour = QColor.fromRgbF(*facts[self._index]["colour"]) if self._index < len(facts) else QColor(theme.DIM)
        self.swatch.setStyleSheet(
            f"background: {colour.name()}; border: 1px solid {theme.LINE}; border-radius: 7px; min-height: 0;"
        )
        selected = "true" if self._index == self._rig.selected() else "false"
        if self.property("selected") != selected:
            self.setProperty("selected", selected)
            self.style().unpolish(self)
            self.style().polish(self)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._rig.select(self._index)

    def _choose_colour(self) -> None:
        self._rig.select(self._index)
        facts = self._rig.facts
        start = QColor.fromRgbF(*facts[self._index]["colour"]) if self._index < len(facts) else QColor("white")
        chosen = QColorDialog.getColor(start, self, str(self._rig.lights()[self._index]["name"]))
        if chosen.isValid():
            set_colour(self._rig, self._index, chosen)


class LightDetails(QWidget):
    """The values of the selected light, each with a slider; nothing where none is selected."""

    def __init__(self, rig: RigEditor, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rig = rig
        self.name = QLineEdit(self)
        self.name.setAccessibleName("name of the light")
        self.name.editingFinished.connect(self._rename)
        self.kind = QLabel(self)
        self.placing = QToolButton(self)
        self.placing.setText("Place on the subject")
        self.placing.setCheckable(True)
        self.placing.setToolTip("Press or drag on the picture; the light moves to where it lights that spot")
        self.copy = QToolButton(self)
        self.copy.setText("Copy")
        self.copy.setToolTip("Add a copy of this light")
        self.copy.clicked.connect(lambda: rig.duplicate(rig.selected()))
        self.shadows = QCheckBox("throws shadows", self)
        self.shadows.toggled.connect(lambda on: rig.set(rig.selected(), shadows=None if on else False))
        self.tint = QLabel(self)
        self.tint.setProperty("role", "quiet")
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 6, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(1, 1)
        grid.addWidget(self.name, 0, 0, 1, 2)
        line = QHBoxLayout()
        line.addWidget(self.placing)
        line.addWidget(self.copy)
        line.addStretch(1)
        grid.addLayout(line, 1, 0, 1, 2)
        grid.addWidget(QLabel("kind", self), 2, 0)
        grid.addWidget(self.kind, 2, 1)
        self.editors: list[tuple[str, tuple[str, ...], float, QLabel, Number]] = []
        for row, (key, text, knob, slides, kinds, default) in enumerate(_ROWS, 3):
            label, editor = QLabel(text, self), Number(knob, self, slides=slides)
            label.setToolTip(knob.help)
            editor.setToolTip(knob.help)
            editor.setAccessibleName(f"{text} of the light")
            editor.edited.connect(lambda key=key, editor=editor: self._edited(key, editor))
            grid.addWidget(label, row, 0)
            grid.addWidget(editor, row, 1)
            self.editors.append((key, kinds, default, label, editor))
        grid.addWidget(self.shadows, len(_ROWS) + 3, 0, 1, 2)
        grid.addWidget(self.tint, len(_ROWS) + 4, 0, 1, 2)

    def editor(self, key: str) -> Number:
        """The editor of a value of the selected light."""
        return next(editor for name, _, _, _, editor in self.editors if name == key and not editor.isHidden())

    def refresh(self) -> None:
        """Show the selected light."""
        index = self._rig.selected()
        self.setVisible(index >= 0)
        if index < 0:
            return
        light = self._rig.lights()[index]
        if not self.name.isModified():
            self.name.setText(str(light["name"]))
        self.kind.setText(KINDS[light["kind"]])
        for key, kinds, default, label, editor in self.editors:
            there = light["kind"] in kinds and (key != "out" or "at" in light)
            label.setVisible(there)
            editor.setVisible(there)
            if there:
                with QSignalBlocker(editor):
                    editor.show_value(_shown(light.get(key, default)))
        with QSignalBlocker(self.shadows):
            self.shadows.setChecked(light.get("shadows", True))
        self.tint.setText("its colour is red, green and blue; the slider makes it kelvin again")
        self.tint.setVisible("colour" in light)
        self.tint.setWordWrap(True)

    def _edited(self, key: str, editor: Number) -> None:
        _write(self._rig, self._rig.selected(), key, editor.read_value())

    def _rename(self) -> None:
        index = self._rig.selected()
        if index >= 0 and self.name.text().strip():
            self._rig.set(index, name=self.name.text().strip()[:100])
        self.name.setModified(False)


def set_colour(rig: RigEditor, index: int, colour: QColor) -> None:
    """Give a light a colour of the screen, sRGB, which a rig file holds as linear Rec.709."""
    linear = [_linear(part) for part in (colour.redF(), colour.greenF(), colour.blueF())]
    rig.set(index, colour=[round(max(part, 1e-4), 5) for part in linear], kelvin=None)


def _linear(code: float) -> float:
    return code / 12.92 if code <= 0.04045 else ((code + 0.055) / 1.055) ** 2.4


def _write(rig: RigEditor, index: int, key: str, value: Any) -> None:
    if isinstance(value, Curve) or index < 0:
        return
    rig.set(index, **({"kelvin": value, "colour": None} if key == "kelvin" else {key: value}))


def _shown(value: Any) -> Any:
    """A value of a rig file as an editor shows it: keys over frames as a curve."""
    if isinstance(value, dict):
        return Curve(tuple((int(frame), float(number)) for frame, number in value["keys"]))
    return float(value)
