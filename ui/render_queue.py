"""The renders that are in work, finished or waiting: progress, time left and failures, in a row each."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QProgressBar, QScrollArea, QToolButton, QVBoxLayout, QWidget

from ..core.counted import counted

STATES = ("waiting", "preparing", "rendering", "stopping", "done", "failed", "stopped")
# What the button of a row does in each state: its text and its tooltip.
_BUTTONS = {
    "waiting": ("Remove", "Take this job out of the queue; none of its frames is rendered"),
    "preparing": ("Stop", "Stop this job before its first frame"),
    "rendering": ("Stop", "Stop this job after the frames that are being rendered; finished frames are kept"),
    "stopping": ("Stop", "The job stops when the frames that are being rendered are finished"),
    "done": ("", ""),
    "failed": ("Resume", "Render the frames that are missing; finished frames are kept"),
    "stopped": ("Resume", "Render the frames that are missing; finished frames are kept"),
}
_MOST_REASONS = 40  # lines under a bar; what is left of a thousand failures is in the report beside the frames


class RenderRow(QWidget):
    """One render; `state` is one of `STATES`."""

    def __init__(self, name: str, tip: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._begun: float | None = None
        self._failed: dict[int, str] = {}
        self._finished = 0
        self._cancel: Callable[[], None] | None = None
        self._resume: Callable[[], None] | None = None
        self._show_frames: Callable[[], None] | None = None
        self.state = "waiting"
        self._name = QLabel(name, self)
        self._name.setToolTip(tip)
        self._bar = QProgressBar(self)
        self.show_button, self.button = _small("Show", self), _small("", self)
        self.show_button.setToolTip("Show the frames that are written already")
        self.show_button.clicked.connect(lambda: self._show_frames and self._show_frames())
        self.button.clicked.connect(self._pressed)
        self._words = QLabel(self)
        self._words.setWordWrap(True)
        self._words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 4, 0, 4)
        grid.setHorizontalSpacing(6)
        grid.setVerticalSpacing(2)
        grid.addWidget(self._name, 0, 0, 1, 3)
        grid.addWidget(self._bar, 1, 0)
        grid.addWidget(self.show_button, 1, 1)
        grid.addWidget(self.button, 1, 2)
        grid.addWidget(self._words, 2, 0, 1, 3)
        grid.setColumnStretch(0, 1)
        self._wait()

    def watch(self, cancel: Callable[[], None], show: Callable[[], None], resume: Callable[[], None]) -> None:
        """What its buttons do, from now on. Taken up anew, it waits."""
        self._cancel, self._show_frames, self._resume = cancel, show, resume
        self._wait()

    def words(self) -> str:
        """The text under the bar."""
        return self._words.text()

    def failures(self) -> dict[int, str]:
        """The frames that failed, with their reasons."""
        return dict(self._failed)

    def cancel(self) -> None:
        """Take a render that waits out of the queue, or stop one in work, whose frames in work are finished and kept."""
        if self.state in ("waiting", "preparing", "rendering") and self._cancel is not None:
            waited = self.state == "waiting"
            self._set("stopping", "removing" if waited else "stopping")
            if not waited:
                self._say(
                    [*self._reasons(), "frames in work are finished first, finished frames are kept"], wrong=False
                )
            self._cancel()

    def begin(self) -> None:
        """Show that the worker has taken the render up: it reads, measures and loads before its first frame."""
        if self.state == "waiting":
            self._set("preparing", "measuring the shot")

    def resume(self) -> None:
        """Resume a render that failed or was stopped; finished frames are kept."""
        if self.state in ("failed", "stopped") and self._resume is not None:
            self._resume()

    def advance(self, event: dict[str, Any]) -> None:
        """Count one frame, by the worker's event."""
        now = time.monotonic()
        if self._begun is None:
            self._begun = now - float(event["seconds"])
        index, total = int(event["index"]), int(event["total"])
        left = (now - self._begun) / index * (total - index)
        self._bar.setRange(0, total)
        self._bar.setValue(index)
        if event["status"] in ("failed", "skipped"):
            self._failed[int(event["frame"])] = str(event["reason"])
            self._say(self._reasons(), wrong=True)
        else:
            self._finished += 1
        words = f"{index} of {total}" + (f", {_clock(left)} left" if index < total else "")
        self._set("stopping" if self.state == "stopping" else "rendering", words)

    def finish(self, written: int, kept: int) -> None:
        """Show that the render is done."""
        self._finished = written + kept
        self._bar.setRange(0, 1)
        self._bar.setValue(1)
        self._set("done", counted(written, "frame") + (f", {kept} kept" if kept else ""))
        if not self._failed:
            self._say("", wrong=False)

    def fail(self, sentence: str, stopped: bool = False) -> None:
        """Show that the render ended with an error, or was stopped."""
        state = "stopped" if stopped else "failed"
        self._set(state, state)
        if any(reason in sentence for reason in self._failed.values()):  # listed frame by frame below
            are = "is" if self._finished == 1 else "are"
            sentence = f"{self._finished} of {counted(self._bar.maximum(), 'frame')} {are} there"
        self._say([sentence, *self._reasons()], wrong=not stopped)

    def _wait(self) -> None:
        self._begun, self._failed, self._finished = None, {}, 0
        self._bar.setRange(0, 1)
        self._bar.setValue(0)
        self._say("", wrong=False)
        self._set("waiting", "waiting")

    def _pressed(self) -> None:
        if self.state in ("failed", "stopped"):
            self.resume()
        else:
            self.cancel()

    def _set(self, state: str, words: str) -> None:
        self.state = state
        self._bar.setFormat(words)
        text, tip = _BUTTONS[state]
        self.button.setText(text)
        self.button.setToolTip(tip)
        self.button.setVisible(state != "done")
        self.button.setEnabled(state != "stopping")
        self.show_button.setVisible(self._finished > 0)

    def _reasons(self) -> list[str]:
        lines = [f"frame {frame}: {reason}" for frame, reason in sorted(self._failed.items())]
        more = len(lines) - _MOST_REASONS
        return lines if more <= 0 else [*lines[:_MOST_REASONS], f"frames: {more} more, in the report beside the frames"]

    def _say(self, lines: list[str] | str, wrong: bool) -> None:
        self._words.setProperty("role", "wrong" if wrong else "quiet")
        self._words.style().unpolish(self._words)
        self._words.style().polish(self._words)
        self._words.setText("\n".join(lines) if isinstance(lines, list) else lines)
        self._words.setVisible(bool(lines))


class RenderQueue(QScrollArea):
    """Rows, the newest at the bottom."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMinimumHeight(84)
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
        return any(row.state in ("waiting", "preparing", "rendering", "stopping") for row in self._rows)

    def add(self, name: str, tip: str = "") -> RenderRow:
        """Add a row for another render."""
        row = RenderRow(name, tip, self)
        self._box.insertWidget(self._box.count() - 1, row)
        self._rows.append(row)
        return row


def _small(text: str, parent: QWidget) -> QToolButton:
    made = QToolButton(parent)
    made.setText(text)
    made.setProperty("small", "true")
    return made


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}" if minutes else f"{rest} s"
