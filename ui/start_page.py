"""What the picture's place shows before there is a plate: ways to begin."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from .layouts import clear

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"  # in a checkout; a wheel has none
RECENT = 4  # names listed


class StartPage(QWidget):
    """Buttons for the example, a file, and what was open lately."""

    exampleWanted = Signal()
    openWanted = Signal()
    recentWanted = Signal(str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        says = QLabel("Drop a plate here, or a job, a map, a matte or a rig", self)
        says.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.example = QPushButton("Open the example shot", self)
        self.example.setToolTip("Open the shot that comes with Relamp")
        self.example.clicked.connect(self.exampleWanted)
        self.example.setVisible(example_plate().is_file())
        self.open = QPushButton("Open a plate or a job …", self)
        self.open.setToolTip("Choose a plate or a saved job (Ctrl+O)")
        self.open.clicked.connect(self.openWanted)
        self._recent = QVBoxLayout()
        box = QVBoxLayout(self)
        box.setSpacing(8)
        box.addStretch(1)
        for widget in (says, self.example, self.open):
            box.addWidget(widget, 0, Qt.AlignmentFlag.AlignHCenter)
        box.addLayout(self._recent)
        box.addStretch(1)
        for button in (self.example, self.open):
            button.setMinimumWidth(200)

    def setRecent(self, paths: Iterable[str]) -> None:
        """List what was open lately."""
        clear(self._recent)
        for path in list(paths)[:RECENT]:
            button = QPushButton(Path(path).name, self)
            button.setToolTip(path)
            button.setFlat(True)
            button.clicked.connect(lambda _=False, path=path: self.recentWanted.emit(path))
            self._recent.addWidget(button, 0, Qt.AlignmentFlag.AlignHCenter)


def example_plate() -> Path:
    """A frame of the example shot; not there where Relamp was installed without it."""
    return EXAMPLES / "plate" / "plate.1001.exr"


def example_maps() -> list[Path]:
    """The example's environments, without the one it was shot under."""
    return sorted(file for file in (EXAMPLES / "environments").glob("*.exr") if file.stem != "source")
