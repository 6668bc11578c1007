"""A line over the panel that asks something without stopping the work, and the rule that lets undo reach beyond a field."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from PySide6.QtCore import QEvent, QObject
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QLineEdit, QPushButton, QWidget


class Banner(QFrame):
    """A sentence and a button for each answer; hidden while it asks nothing."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "banner")
        self._box = QHBoxLayout(self)
        self._box.setContentsMargins(10, 4, 6, 4)
        self.hide()

    def ask(self, sentence: str, answers: Iterable[tuple[str, Callable[[], None] | None]]) -> None:
        """Ask, in place of what was asked before. A click runs its answer, if any, and hides the banner."""
        while self._box.count():
            item = self._box.takeAt(0)
            widget = None if item is None else item.widget()
            if widget is not None:
                widget.deleteLater()
        self._box.addWidget(QLabel(sentence, self), 1)
        self.answers = {}
        for text, act in answers:
            button = self.answers[text] = QPushButton(text, self)
            button.clicked.connect(lambda _=False, act=act: self._answer(act))
            self._box.addWidget(button)
        self.show()

    def _answer(self, act: Callable[[], None] | None) -> None:
        self.hide()
        if act is not None:
            act()


class UndoBeyondField(QObject):
    """Lets a field undo its own typing while it is being typed in, and leaves undo to the panel otherwise."""

    def __init__(self, field: QLineEdit) -> None:
        super().__init__(field)
        self._field = field
        field.installEventFilter(self)
        field.editingFinished.connect(lambda: field.setModified(False))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if (
            event.type() == QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and not self._field.isModified()
        ):
            keys = QKeySequence.StandardKey
            if event.matches(keys.Undo) or event.matches(keys.Redo):
                event.ignore()
                return True
        return False
