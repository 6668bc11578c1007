"""Snapshots: looks that were kept, as thumbnails, to come back to or to compare with the current one.

A click on a thumbnail brings its job back, as a step that can be undone. Its A/B button shows its picture behind the wipe.
"""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QIcon, QImage, QPixmap
from PySide6.QtWidgets import QHBoxLayout, QLabel, QScrollArea, QToolButton, QVBoxLayout, QWidget

from ..core.job import RelightJob
from .look import Snapshot

THUMB = QSize(96, 54)
MOST = 26  # snapshots, A to Z


class Snapshots(QScrollArea):
    """A row of thumbnails; hidden while there are none."""

    chosen = Signal(object)
    """A `Snapshot` whose job is to come back."""
    compared = Signal(object)
    """A `Snapshot` to compare with, None to compare with the plate again."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._kept: list[Snapshot] = []
        self._cells: list[_Cell] = []
        self.setWidgetResizable(True)
        self.setFixedHeight(THUMB.height() + 36)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        holder = QWidget(self)
        self._box = QHBoxLayout(holder)
        self._box.setContentsMargins(0, 2, 0, 2)
        self._box.setSpacing(6)
        self._box.addStretch(1)
        self.setWidget(holder)
        self.hide()

    def snapshots(self) -> tuple[Snapshot, ...]:
        """What was kept, oldest first."""
        return tuple(self._kept)

    def keep(self, job: RelightJob, frame: int, image: QImage) -> Snapshot:
        """Keep a look under the next free letter; the oldest goes where there are too many."""
        if len(self._kept) == MOST:
            self.drop(self._kept[0])
        taken = {kept.name for kept in self._kept}
        name = next(letter for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" if letter not in taken)
        kept = Snapshot(name, job, frame, image)
        cell = _Cell(kept, self)
        self._kept.append(kept)
        self._cells.append(cell)
        self._box.insertWidget(self._box.count() - 1, cell)
        self.show()
        return kept

    def drop(self, snapshot: Snapshot) -> None:
        """Forget a look."""
        index = self._kept.index(snapshot)
        del self._kept[index]
        cell = self._cells.pop(index)
        if cell.compare.isChecked():
            self.compared.emit(None)
        cell.deleteLater()
        self.setVisible(bool(self._kept))

    def cell(self, name: str) -> _Cell:
        """The thumbnail of a letter, with its buttons."""
        return next(cell for cell in self._cells if cell.snapshot.name == name)

    def compare(self, cell: _Cell, on: bool) -> None:
        """Compare with one look, and with no other."""
        for other in self._cells:
            if other is not cell:
                other.compare.setChecked(False)
        self.compared.emit(cell.snapshot if on else None)


class _Cell(QWidget):
    def __init__(self, snapshot: Snapshot, strip: Snapshots) -> None:
        super().__init__(strip)
        self.snapshot = snapshot
        self.picture = QToolButton(self)
        small = snapshot.image.scaled(
            THUMB, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
        )
        self.picture.setIcon(QIcon(QPixmap.fromImage(small)))
        self.picture.setIconSize(THUMB)
        self.picture.setProperty("quiet", "true")
        self.picture.setToolTip(f"Return to the look {snapshot.name}, kept at frame {snapshot.frame}")
        self.picture.clicked.connect(lambda: strip.chosen.emit(snapshot))
        self.compare = QToolButton(self)
        self.compare.setText("A/B")
        self.compare.setCheckable(True)
        self.compare.setProperty("small", "true")
        self.compare.setToolTip("Compare this look with the current one by the wipe")
        self.compare.clicked.connect(lambda on: strip.compare(self, on))
        drop = QToolButton(self)
        drop.setText("✕")
        drop.setProperty("quiet", "true")
        drop.setAccessibleName(f"forget {snapshot.name}")
        drop.clicked.connect(lambda: strip.drop(snapshot))
        self.drop = drop
        line = QHBoxLayout()
        line.addWidget(QLabel(snapshot.name, self), 1)
        line.addWidget(self.compare)
        line.addWidget(drop)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(1)
        box.addWidget(self.picture)
        box.addLayout(line)
