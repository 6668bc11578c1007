"""Keeps the job on disk while it is worked on, so that nothing is lost when a program or a machine ends.

Every panel has a file of its own, locked as long as it lives. A file that nobody holds is work that was not saved.
"""

from __future__ import annotations

import contextlib
import uuid
from pathlib import Path

from PySide6.QtCore import QDateTime, QLockFile, QObject, QSettings, QStandardPaths, QTimer

from ..core import job as jobs
from ..core.atomic import replacing
from ..core.errors import RelampError
from ..core.job import RelightJob

LATER = 1500  # ms without a change after which the job is written


def folder_of(settings: QSettings) -> Path:
    """Where files of recovery lie: beside settings that are a file of their own, else in the user's data."""
    if settings.format() == QSettings.Format.IniFormat:
        return Path(settings.fileName()).with_suffix("") / "recovery"
    return (
        Path(QStandardPaths.writableLocation(QStandardPaths.StandardLocation.GenericDataLocation))
        / "relamp"
        / "recovery"
    )


class Recovery(QObject):
    """Writes the job of one panel now and then, and finds what others left behind."""

    def __init__(self, folder: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.folder = folder
        self._file = folder / f"{uuid.uuid4().hex}.json"
        self._lock: QLockFile | None = None
        self._job: RelightJob | None = None
        self._timer = QTimer(self, singleShot=True, interval=LATER)
        self._timer.timeout.connect(self.flush)

    def note(self, job: RelightJob) -> None:
        """Keep a job that has changed, soon."""
        self._job = job
        self._timer.start()

    def flush(self) -> None:
        """Write what was noted. A disk that is full or closed costs the recovery, never the work."""
        self._timer.stop()
        if self._job is None:
            return
        with contextlib.suppress(RelampError, OSError):
            self.folder.mkdir(parents=True, exist_ok=True)
            if self._lock is None:
                self._lock = QLockFile(f"{self._file}.lock")
                self._lock.tryLock(0)
            with replacing(self._file, True) as temporary:  # paths as they are: it is not beside the shot
                temporary.write_text(jobs.to_json(self._job), encoding="utf-8")
            self._job = None

    def saved(self) -> None:
        """Forget the job: it is where the artist saved it."""
        self._timer.stop()
        self._job = None
        self._file.unlink(missing_ok=True)

    def left(self) -> tuple[Path, str] | None:
        """The latest job that was not saved and that no panel holds, and when it was written; None where there is none."""
        files = sorted(self.folder.glob("*.json"), key=lambda file: file.stat().st_mtime, reverse=True)
        for file in files:
            lock = QLockFile(f"{file}.lock")
            if file != self._file and lock.tryLock(0):
                lock.unlock()
                when = QDateTime.fromSecsSinceEpoch(int(file.stat().st_mtime))
                return file, when.toString("d MMMM, HH:mm")
        return None

    def close(self) -> None:
        """End: what is not saved stays for next time."""
        self.flush()
        if self._lock is not None:
            self._lock.unlock()


def discard(file: Path) -> None:
    """Remove a job that was left."""
    file.unlink(missing_ok=True)
