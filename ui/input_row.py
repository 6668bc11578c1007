"""One input of a shot: a path that is typed, chosen or dropped, and a sentence on what was found there."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QFileDialog, QGridLayout, QLabel, QLineEdit, QToolButton, QWidget

NAME_WIDTH = 72  # px of the names in front of the fields
PICTURES = "Pictures (*.exr *.hdr);;All files (*)"


class InputRow(QWidget):
    """A path and a sentence under it."""

    pathChanged = Signal(str)

    def __init__(self, label: str, tip: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._path = ""
        self._button: QToolButton | None = None
        self.setAcceptDrops(True)
        self.setToolTip(f"<p>{tip}</p>")
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(4)
        grid.setVerticalSpacing(1)
        name = QLabel(label, self)
        name.setFixedWidth(NAME_WIDTH)
        self._field = QLineEdit(self)
        self._field.setPlaceholderText("drop a file here")
        self._field.setMinimumWidth(90)
        self._field.setAcceptDrops(False)  # the row takes drops, for its whole width
        self._field.setAccessibleName(label)
        self._field.editingFinished.connect(lambda: self.setPath(self._field.text().strip()))
        name.setBuddy(self._field)
        browse, clear = QToolButton(self), QToolButton(self)
        browse.setText("…")
        browse.setProperty("tight", "true")
        browse.setAccessibleName(f"choose {label}")
        browse.clicked.connect(self._browse)
        clear.setText("✕")
        clear.setProperty("quiet", "true")
        clear.setAccessibleName(f"clear {label}")
        clear.clicked.connect(lambda: self.setPath(""))
        self._sentence = QLabel(self)
        self._sentence.setWordWrap(True)
        self._sentence.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._sentence.hide()
        for column, widget in enumerate((name, self._field, browse, clear)):
            grid.addWidget(widget, 0, column)
        grid.addWidget(self._sentence, 1, 1, 1, 3)
        grid.setColumnStretch(1, 1)

    def addButton(self, text: str, tip: str, act: Callable[[], None]) -> QToolButton:
        """Add a button under the field that fills the row by another way; it is there as long as the row is empty."""
        self._button = QToolButton(self)
        self._button.setText(text)
        self._button.setToolTip(tip)
        self._button.setProperty("small", "true")
        self._button.clicked.connect(act)
        layout = self.layout()
        assert isinstance(layout, QGridLayout)
        layout.addWidget(self._button, 2, 1, 1, 3, Qt.AlignmentFlag.AlignLeft)
        return self._button

    def path(self) -> str:
        """The path, as given."""
        return self._path

    def setPath(self, path: str) -> None:
        """Set the path; `pathChanged` is emitted when it is another."""
        self._field.setText(path)
        if self._button is not None:
            self._button.setVisible(not path)
        if path != self._path:
            self._path = path
            self.setSentence("")
            self.pathChanged.emit(path)

    def sentence(self) -> str:
        """The sentence under the path."""
        return self._sentence.text()

    def setSentence(self, text: str, wrong: bool = False) -> None:
        """Set the sentence: what was found, or what is wrong."""
        self._sentence.setText(text)
        self._sentence.setProperty("role", "wrong" if wrong else "quiet")
        self._sentence.style().unpolish(self._sentence)
        self._sentence.style().polish(self._sentence)
        self._sentence.setVisible(bool(text))

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        paths = [url.toLocalFile() for url in event.mimeData().urls() if url.isLocalFile()]
        if paths:
            event.acceptProposedAction()
            self.setPath(sorted(paths)[0])

    def _browse(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, self._field.accessibleName(), self._path, PICTURES)
        if path:
            self.setPath(path)
