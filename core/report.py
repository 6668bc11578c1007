"""The report beside a sequence: which frames were expected, written, kept, skipped, failed and why. Floor 0."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .atomic import replacing
from .errors import UsageError
from .frames import format_frames

SCHEMA = "relamp.report/1"


@dataclass
class Report:
    """What became of every frame of one render; `failed` and `skipped` hold the reason by frame."""

    expected: tuple[int, ...]
    written: list[int] = field(default_factory=list)
    kept: list[int] = field(default_factory=list)
    skipped: dict[int, str] = field(default_factory=dict)
    failed: dict[int, str] = field(default_factory=dict)

    @property
    def missing(self) -> tuple[int, ...]:
        """Expected frames that have no output."""
        return tuple(frame for frame in self.expected if frame not in {*self.written, *self.kept})


def report_path(out: Path, name: str, expected: Iterable[int], whole: bool) -> Path:
    """Where a report goes: `<name>.relamp.json`, with the first and last frame for a part of a shot.

    Parts of one shot are rendered into one folder at the same time, so each writes a file of its own.
    """
    frames = tuple(expected)
    part = "" if whole else f".{frames[0]}-{frames[-1]}"
    return out / f"{name}{part}.relamp.json"


def require_place(path: Path) -> None:
    """Raise `UsageError` where a file that is no report lies in the place of one, as a job file may."""
    if os.path.lexists(path) and not is_report(path):
        raise UsageError(
            f"{path} is where the report of these frames goes, and the file there is no report; "
            "move it away, or give --out another name"
        )


def is_report(path: Path) -> bool:
    """Whether a file is a report that a render wrote."""
    return str(read(path).get("schema", "")).startswith("relamp.report/")


def read(path: Path) -> dict[str, Any]:
    """What a JSON file holds; nothing where it is no object or cannot be read."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}


def save(report: Report, path: Path) -> None:
    """Write a report, over nothing but an earlier report. Raises `OutputError`, and `UsageError` as `require_place`."""
    data = {
        "schema": SCHEMA,
        "expected": format_frames(report.expected),
        "written": format_frames(sorted(report.written)),
        "kept": format_frames(sorted(report.kept)),
        "skipped": {str(frame): report.skipped[frame] for frame in sorted(report.skipped)},
        "failed": {str(frame): report.failed[frame] for frame in sorted(report.failed)},
        "missing": format_frames(report.missing),
    }
    with replacing(path, is_report) as temporary:
        temporary.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
