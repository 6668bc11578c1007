"""The shots that are rendered, were rendered or wait: progress, time left, and what went wrong, a row each."""

from __future__ import annotations

import time
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QLabel, QProgressBar, QScrollArea, QToolButton, QVBoxLayout, QWidget


class RenderRow(QWidget):
    """One render."""

    cancelled = Signal()
    opened = Signal()

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._begun: float | None = None
        self._failed: dict[int, str] = {}
        self.state = "waiting"
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 2, 0, 2)
        grid.setVerticalSpacing(1)
        self._name = QLabel(name, self)
        self._bar = QProgressBar(self)
        self._bar.setRange(0, 1)
        self._bar.setValue(0)
        self._bar.setFormat("waiting")
        self._button = QToolButton(self)
        self._button.setText("Cancel")
        self._button.clicked.connect(lambda: (self.opened if self.state == "done" else self.cancelled).emit())
        self._words = QLabel(self)
        self._words.setWordWrap(True)
        self._words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._words.hide()
        grid.addWidget(self._name, 0, 0)
        grid.addWidget(self._bar, 0, 1)
        grid.addWidget(self._button, 0, 2)
        grid.addWidget(self._words, 1, 0, 1, 3)
        grid.setColumnStretch(1, 1)

    def words(self) -> str:
        """What is said under the bar."""
        return self._words.text()

    def advance(self, event: dict[str, Any]) -> None:
        """Take one frame's end, as the worker tells it."""
        self.state = "rendering"
        now = time.monotonic()
        if self._begun is None:
            self._begun = now - float(event["seconds"])
        index, total = int(event["index"]), int(event["total"])
        left = (now - self._begun) / index * (total - index)
        self._bar.setRange(0, total)
        self._bar.setValue(index)
        self._bar.setFormat(f"{index} of {total}, {_clock(left)} left" if index < total else f"{total} of {total}")
        if event["status"] == "failed":
            self._failed[int(event["frame"])] = str(event["reason"])
            self._say("\n".join(f"frame {frame}: {reason}" for frame, reason in self._failed.items()), wrong=True)

    def finish(self, written: int, kept: int) -> None:
        """The render is done."""
        self.state = "done"
        self._bar.setRange(0, 1)
        self._bar.setValue(1)
        self._bar.setFormat(f"{written} frames" + (f", {kept} kept" if kept else ""))
        self._button.setText("Show")

    def fail(self, sentence: str, stopped: bool = False) -> None:
        """The render ended with an error, or was stopped."""
        self.state = "stopped" if stopped else "failed"
        self._bar.setFormat(self.state)
        self._button.hide()
        reasons = [f"frame {frame}: {reason}" for frame, reason in self._failed.items()]
        self._say(
            "\n".join([sentence, *(line for line in reasons if line.split(": ", 1)[1] not in sentence)]), not stopped
        )

    def _say(self, text: str, wrong: bool) -> None:
        self._words.setProperty("role", "wrong" if wrong else "quiet")
        self._words.style().unpolish(self._words)
        self._words.style().polish(self._words)
        self._words.setText(text)
        self._words.show()


class RenderQueue(QScrollArea):
    """Rows, the newest at the bottom."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        holder = QWidget(self)
        self._box = QVBoxLayout(holder)
        self._box.setContentsMargins(0, 0, 4, 0)
        self._box.addStretch(1)
        self.setWidget(holder)
        self._rows: list[RenderRow] = []

    def rows(self) -> tuple[RenderRow, ...]:
        """All rows, oldest first."""
        return tuple(self._rows)

    def busy(self) -> bool:
        """Whether anything is rendered or waits."""
        return any(row.state in ("waiting", "rendering") for row in self._rows)

    def add(self, name: str) -> RenderRow:
        """A row for another render."""
        row = RenderRow(name, self)
        self._box.insertWidget(self._box.count() - 1, row)
        self._rows.append(row)
        return row


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}" if minutes else f"{rest} s"
