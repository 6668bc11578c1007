"""The library: environments and rigs as pictures, to light with by a click. Folders of the artist's own can be added."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from PySide6.QtCore import QPointF, QRectF, QSettings, QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QImage, QPainter, QPixmap, QRadialGradient
from PySide6.QtWidgets import (
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from ..core import rig_library
from . import theme
from .session import Session
from .start_page import example_maps

THUMB = QSize(144, 72)
MAPS = (".exr", ".hdr")
MOST = 200  # maps of a folder
KEPT = "library"  # the setting that holds the artist's folders


class Library(QDialog):
    """A window beside the panel; it stays open while one tries lights."""

    mapChosen = Signal(str)
    """The path of an environment."""
    rigChosen = Signal(str)
    """The name of a preset of lights."""

    def __init__(self, session: Session, settings: QSettings, parent: QWidget) -> None:
        super().__init__(parent)
        self._session, self._settings = session, settings
        self.setWindowTitle("Library of lights")
        self.resize(520, 560)
        theme.dress(self)
        self.maps, self.rigs = _icons(self), _icons(self)
        self.maps.itemClicked.connect(lambda item: self.mapChosen.emit(item.data(Qt.ItemDataRole.UserRole)))
        self.rigs.itemClicked.connect(lambda item: self.rigChosen.emit(item.data(Qt.ItemDataRole.UserRole)))
        add = QPushButton("Add a folder of maps …", self)
        add.clicked.connect(self._add_folder)
        head = QHBoxLayout()
        head.addWidget(QLabel("Environments: each replaces the light of the shot", self), 1)
        head.addWidget(add)
        box = QVBoxLayout(self)
        box.addLayout(head)
        box.addWidget(self.maps, 3)
        box.addWidget(QLabel("Lights: each is added to the rig of the shot", self))
        box.addWidget(self.rigs, 2)
        for preset in rig_library.presets():
            item = QListWidgetItem(QIcon(diagram(rig_library.lights_of(preset.name))), preset.label, self.rigs)
            item.setData(Qt.ItemDataRole.UserRole, preset.name)
            item.setToolTip(preset.says)
        for folder in self.folders():
            self._list(folder)
        for file in example_maps():
            self._add_map(file)

    def folders(self) -> list[str]:
        """The artist's own folders of maps."""
        kept = self._settings.value(KEPT, [])
        return [kept] if isinstance(kept, str) else list(kept or [])  # type: ignore[call-overload]

    def addFolder(self, folder: str) -> None:
        """List the maps of a folder, now and next time."""
        if folder and folder not in self.folders():
            self._settings.setValue(KEPT, [*self.folders(), folder])
            self._list(folder)

    def _add_folder(self) -> None:
        self.addFolder(QFileDialog.getExistingDirectory(self, "A folder of lat-long maps"))

    def _list(self, folder: str) -> None:
        there = Path(folder)
        files = sorted(file for file in there.iterdir() if file.suffix.lower() in MAPS) if there.is_dir() else []
        for file in files[:MOST]:
            self._add_map(file)

    def _add_map(self, file: Path) -> None:
        blank = QPixmap(THUMB)
        blank.fill(QColor(theme.PICTURE))
        item = QListWidgetItem(QIcon(blank), file.stem.replace("_", " "), self.maps)
        item.setData(Qt.ItemDataRole.UserRole, str(file))
        item.setToolTip(str(file))

        def ready(image: QImage) -> None:
            if image.isNull():
                item.setToolTip(f"{file} cannot be read as an environment")
                item.setFlags(Qt.ItemFlag.NoItemFlags)
                return
            item.setIcon(QIcon(QPixmap.fromImage(image.scaled(
                THUMB, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation
            ))))  # fmt: skip

        self._session.askMap(str(file), ready)


def diagram(lights: list[dict[str, Any]]) -> QPixmap:
    """A plan of lights from above: the subject in the middle, the camera below, a glow where each light stands."""
    pixmap = QPixmap(THUMB)
    pixmap.fill(QColor(theme.PICTURE))
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    centre = QPointF(THUMB.width() / 2, THUMB.height() / 2)
    painter.setPen(Qt.PenStyle.NoPen)
    for light in lights:
        across, toward = _from_above(light)
        away = math.hypot(across, toward) or 1.0
        at = centre + QPointF(26 * across / away, 26 * toward / away)
        warm = QColor("#ffb066") if light.get("kelvin", 6500) < 4500 else QColor("#fff3dc")
        glow = QRadialGradient(at, 13)
        glow.setColorAt(0, warm)
        glow.setColorAt(1, QColor(0, 0, 0, 0))
        painter.setBrush(glow)
        painter.drawEllipse(at, 13, 13)
    painter.setBrush(QColor(theme.QUIET))
    painter.drawEllipse(centre, 7, 7)
    painter.setBrush(QColor(theme.LINE))
    painter.drawRect(QRectF(centre.x() - 5, THUMB.height() - 8, 10, 5))
    painter.end()
    return pixmap


def _from_above(light: dict[str, Any]) -> tuple[float, float]:
    """Where a light is from the subject: to the right, and toward the camera."""
    if light["kind"] == "distant":
        return light["direction"][0], light["direction"][2]
    return light["position"][0] - rig_library.MIDDLE[0], light["position"][2] - rig_library.MIDDLE[2]


def _icons(parent: QWidget) -> QListWidget:
    made = QListWidget(parent)
    made.setViewMode(QListWidget.ViewMode.IconMode)
    made.setIconSize(THUMB)
    made.setResizeMode(QListWidget.ResizeMode.Adjust)
    made.setMovement(QListWidget.Movement.Static)
    made.setSpacing(6)
    made.setWordWrap(True)
    return made
