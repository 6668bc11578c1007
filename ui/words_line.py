"""The light in words: a field that completes and marks words, what was understood, and the vocabulary as menus."""

from __future__ import annotations

import re
from typing import Any

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QColor, QInputMethodEvent, QTextCharFormat
from PySide6.QtWidgets import (
    QApplication,
    QCompleter,
    QGridLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QSizePolicy,
    QToolButton,
    QWidget,
)

from . import theme

ACROSS = 4  # chips in a row
TYPED = 350  # ms after the last key before the words are read
_CHIPS = ("lights", "sky", "time of day", "where a light stands", "colour", "strength", "size", "contrast")
_CHIP_WORDS = {"where a light stands": "where", "time of day": "time"}


class _LastWord(QCompleter):
    """Completes the last words of a line, which may have a space in them, and keeps those before."""

    def splitPath(self, path: str) -> list[str]:
        words = path.lower().split(",")[-1].lstrip()
        for start in range(len(words)):
            if (start == 0 or words[start - 1] == " ") and any(t.startswith(words[start:]) for t in self.terms):
                return [words[start:]]
        return [words]

    def pathFromIndex(self, index: Any) -> str:
        whole = self.widget().text()  # type: ignore[attr-defined]
        return whole[: len(whole) - len(self.splitPath(whole)[0])] + str(index.data())

    terms: tuple[str, ...] = ()


class WordsLine(QWidget):
    """`edited` gives the words when they are to be used; `typed` while they are written."""

    edited = Signal(str)
    typed = Signal(str)

    def __init__(self, tip: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.field = QLineEdit(self)
        self.field.setPlaceholderText("low warm sun from the left, cool sky")
        self.field.setAccessibleName("light in words")
        self.field.setToolTip(f"<p>{tip}</p>")
        self.field.editingFinished.connect(lambda: self.edited.emit(self.field.text().strip()))
        self._timer = QTimer(self, singleShot=True, interval=TYPED)
        self._timer.timeout.connect(lambda: self.typed.emit(self.field.text().strip()))
        self.field.textEdited.connect(lambda _: self._timer.start())
        self._understood = QLabel(self)
        self._understood.setWordWrap(True)
        self._understood.hide()
        self._chips = QGridLayout()
        self._chips.setSpacing(3)
        self.row_of_chips = QWidget(self)
        self.row_of_chips.setLayout(self._chips)
        self._chips.setContentsMargins(0, 0, 0, 0)
        self.chips: dict[str, QToolButton] = {}
        box = QGridLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setVerticalSpacing(3)
        box.addWidget(self.field, 0, 0)
        box.addWidget(self._understood, 1, 0)

    def setVocabulary(self, topics: dict[str, list[str]]) -> None:
        """Complete these words, and offer them by topic."""
        terms = sorted({term for words in topics.values() for term in words})
        completer = _LastWord(terms, self.field)
        completer.terms = tuple(terms)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.field.setCompleter(completer)
        for number, topic in enumerate(name for name in _CHIPS if name in topics):
            chip = self.chips[topic] = QToolButton(self)
            chip.setText(_CHIP_WORDS.get(topic, topic))
            chip.setProperty("small", "true")
            chip.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)  # they share the width there is
            chip.setMinimumWidth(40)
            chip.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
            menu = QMenu(chip)
            for term in topics[topic]:
                said = f"from the {term}" if topic == "where a light stands" and term in ("left", "right") else term
                menu.addAction(term, lambda said=said: self.append(said))
            chip.setMenu(menu)
            self._chips.addWidget(chip, number // ACROSS, number % ACROSS)

    def append(self, words: str) -> None:
        """Add words at the end, and use them."""
        self.field.setText(f"{self.field.text().strip()} {words}".strip())
        self.edited.emit(self.field.text())

    def setText(self, text: str) -> None:
        """Show words."""
        if text != self.field.text():
            self.field.setText(text)

    def understood(self) -> str:
        """The sentence under the field."""
        return self._understood.text()

    def setUnderstood(self, sentence: str) -> None:
        """Say back what the words mean; an empty sentence for no words."""
        self._say(sentence, "quiet")
        self._mark([])

    def setRefused(self, sentence: str) -> None:
        """Say why the words cannot be used, and mark those that the sentence names."""
        self._say(sentence, "wrong")
        text = self.field.text().lower()
        named = re.findall(r"'([^']+)'", sentence)
        spans = [(match.start(), match.end()) for word in named for match in _found(word.lower(), text)]
        self._mark([span for span in spans if span != (0, len(text))] or spans)

    def marked(self) -> list[str]:
        """The words that are marked as not understood."""
        return [self.field.text()[start:end] for start, end in self._spans]

    _spans: tuple[tuple[int, int], ...] = ()

    def _say(self, sentence: str, role: str) -> None:
        self._understood.setText(sentence)
        self._understood.setProperty("role", role)
        self._understood.style().unpolish(self._understood)
        self._understood.style().polish(self._understood)
        self._understood.setVisible(bool(sentence))

    def _mark(self, spans: list[tuple[int, int]]) -> None:
        """Underline parts of the line. A line edit takes formats of its text only as an input method gives them."""
        self._spans = tuple(spans)
        wrong = QTextCharFormat()
        wrong.setUnderlineStyle(QTextCharFormat.UnderlineStyle.WaveUnderline)
        wrong.setUnderlineColor(QColor(theme.WRONG))
        wrong.setForeground(QColor(theme.WRONG))
        kind = QInputMethodEvent.AttributeType.TextFormat
        at = self.field.cursorPosition()
        marks = [QInputMethodEvent.Attribute(kind, start - at, end - start, wrong) for start, end in spans]
        QApplication.sendEvent(self.field, QInputMethodEvent("", marks))


def _found(word: str, text: str) -> list[re.Match[str]]:
    return list(re.finditer(rf"(?<!\w){re.escape(word)}(?!\w)", text))
