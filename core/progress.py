"""What a render says while it runs: one event a frame, told in the dialect of whoever listens.

`plain` is one line a frame on stderr, `bar` a bar on a terminal, `json`, `openjd` and `deadline` are for programs that
read stdout (Open Job Description messages; Deadline's default progress handler). Every line is flushed.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TextIO

from .errors import one_line
from .process import deafen

DIALECTS = ("auto", "plain", "bar", "json", "openjd", "deadline", "none")


@dataclass(frozen=True)
class Event:
    """One frame's end: `status` is done, kept (already finished), skipped or failed; `index` counts from 1."""

    frame: int
    status: str
    index: int
    total: int
    seconds: float = 0.0
    reason: str = ""


Listener = Callable[[Event], None]


class Progress:
    """Tells events to a person or a farm; a context manager, because a bar has to be closed."""

    def __init__(self, dialect: str = "auto", out: TextIO | None = None, err: TextIO | None = None) -> None:
        self._out = out or sys.stdout
        self._err = err or sys.stderr
        self._dialect = ("bar" if self._err.isatty() else "plain") if dialect == "auto" else dialect
        self._start = time.monotonic()
        self._shown: Any = None

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._shown is not None:
            self._shown.stop()

    def __call__(self, event: Event) -> None:
        """Tell one event."""
        getattr(self, f"_{self._dialect}")(event)

    def failed(self, sentence: str) -> None:
        """Tell a farm why the whole task fails."""
        if self._dialect == "openjd":
            self._say(self._out, f"openjd_fail: {one_line(sentence)}")

    def _plain(self, event: Event) -> None:
        words = f"frame {event.frame} {event.status}"
        if event.status == "done":
            words += f" {event.seconds:.2f}s"
        words += f" {event.index}/{event.total}"
        if event.index < event.total:
            words += f" eta {_clock(self._left(event))}"
        self._say(self._err, f"{words}: {event.reason}" if event.reason else words)

    def _none(self, event: Event) -> None:
        """Nothing: the exit code and the report say it all."""

    def _json(self, event: Event) -> None:
        self._say(self._out, json.dumps(vars(event)))

    def _openjd(self, event: Event) -> None:
        self._say(self._out, f"openjd_progress: {100 * event.index / event.total:.1f}")
        self._say(self._out, f"openjd_status: frame {event.frame} {event.status}")
        self._plain(event)

    def _deadline(self, event: Event) -> None:
        self._say(self._out, f"Progress: {100 * event.index // event.total}%")
        self._plain(event)

    def _bar(self, event: Event) -> None:
        if self._shown is None:
            # Only a terminal pays for importing rich.
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
            from rich.progress import Progress as Bar

            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
            self._shown = Bar(*columns, console=Console(file=self._err))
            self._shown.start()
            self._shown.add_task("relight", total=event.total)
        if event.reason:
            self._shown.console.print(f"frame {event.frame} {event.status}: {event.reason}", markup=False)
        self._shown.update(self._shown.task_ids[0], completed=event.index, description=f"frame {event.frame}")

    def _say(self, stream: TextIO, line: str) -> None:
        try:
            print(line, file=stream, flush=True)
        except BrokenPipeError:  # whoever read it has gone; the frames are what counts
            deafen(stream)

    def _left(self, event: Event) -> float:
        return (time.monotonic() - self._start) / event.index * (event.total - event.index)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02d}m{rest:02d}s" if hours else f"{minutes}m{rest:02d}s" if minutes else f"{rest}s"
