"""The tab of passes: what the plate is made of, who says so, a look at each, and a button that makes them."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QPushButton, QToolButton, QVBoxLayout, QWidget

from ..core.parameters import ESTIMATORS, knob_of
from .input_row import InputRow
from .sections import label_of

# Each pass with the stage of the viewer that shows it.
PASSES = (
    ("normals", "normals"), ("depth", "depth"), ("albedo", "base"), ("roughness", "roughness"), ("metallic", "metallic"),
)  # fmt: skip
ESTIMATOR_WORDS = {
    None: "Relamp's own network", "own": "Relamp's own, albedo too", "moge": "MoGe (downloaded)",
    "david": "DAViD (downloaded)", "marigold": "Marigold (downloaded)",
}  # fmt: skip


class PassesTab(QWidget):
    """Inputs for passes, their makers, and the estimator."""

    wanted = Signal()
    """The passes of the shot are to be made."""
    shown = Signal(str)
    """A stage of the viewer is to be shown."""
    estimatorChanged = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.inputs = {
            name: InputRow(label_of(name), knob_of(name).help, self) for name in ("passes", *(p for p, _ in PASSES))
        }
        self.estimator = QComboBox(self)
        self.estimator.setAccessibleName("estimator")
        self.estimator.setToolTip(f"<p>{knob_of('estimator').help}</p>")
        self.estimator.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        for value in (None, *ESTIMATORS):
            self.estimator.addItem(ESTIMATOR_WORDS.get(value, str(value)), value)
        self.estimator.currentIndexChanged.connect(
            lambda index: self.estimatorChanged.emit(self.estimator.itemData(index))
        )
        self.make = QPushButton("Make passes", self)
        self.make.setToolTip("Make the passes that the estimator can make, for every frame, and use them")
        self.make.clicked.connect(self.wanted)
        self.makers: dict[str, QLabel] = {}
        self._stages: dict[str, str] = {}
        self.show_buttons: dict[str, QToolButton] = {}
        box = QVBoxLayout(self)
        box.setContentsMargins(8, 8, 8, 8)
        box.setSpacing(6)
        box.addWidget(self.inputs["passes"])
        line = QHBoxLayout()
        line.addWidget(self.estimator, 1)
        line.addWidget(self.make)
        box.addLayout(line)
        for name, stage in PASSES:
            box.addWidget(self.inputs[name])
            box.addLayout(self._line(name, stage))
        box.addLayout(self._line("matte", "matte"))
        box.addLayout(self._line("confidence", "confidence"))
        box.addStretch(1)
        self.makers["matte"].setText("matte")
        self.makers["confidence"].setText("shape confidence")

    def setMakers(self, passes: list[dict[str, Any]]) -> None:
        """Show who made each pass: `name`, `says` and `given`, as the worker tells them."""
        given = {one["name"] for one in passes if one["given"]}
        # A render mirrors in an albedo where surfaces are told, too; else the one it would write is looked at.
        self._stages["albedo"] = "base" if given & {"roughness", "metallic"} else "albedo"
        for one in passes:
            label = self.makers[one["name"]]
            label.setText(one["says"])
            label.setToolTip(one["says"])
            label.setProperty("role", "good" if one["given"] else "quiet")
            label.style().unpolish(label)
            label.style().polish(label)
            # A render sees normals and an albedo in any case; what no file holds of the rest cannot be looked at.
            self.show_buttons[one["name"]].setEnabled(one["given"] or one["name"] in ("normals", "albedo"))

    def setEstimator(self, value: str | None) -> None:
        """Show the estimator."""
        with QSignalBlocker(self.estimator):
            self.estimator.setCurrentIndex(self.estimator.findData(value))

    def _line(self, name: str, stage: str) -> QHBoxLayout:
        """The maker of a pass, and a button that shows it."""
        maker = self.makers[name] = QLabel("", self)
        maker.setProperty("role", "quiet")
        maker.setWordWrap(True)
        button = self.show_buttons[name] = QToolButton(self)
        button.setText("Show")
        button.setProperty("small", "true")
        button.setAccessibleName(f"show {name}")
        button.setToolTip("Show this pass in the viewer")
        self._stages[name] = stage
        button.clicked.connect(lambda: self.shown.emit(self._stages[name]))
        line = QHBoxLayout()
        line.setContentsMargins(12, 0, 0, 4)
        line.addWidget(maker, 1)
        line.addWidget(button)
        return line
