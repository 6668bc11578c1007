"""`relamp status OUT`: what a sequence of relit frames has, lacks and failed at, and why, whoever rendered it.

It looks at the frames' own headers and at the reports that renders leave beside them (`report`), nothing else. Floor 3.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import click

from .. import plain_json
from ..counted import counted
from ..errors import FramesFailedError, InputError
from ..frames import format_frames, parse_frames
from ..pictures import exr
from ..pictures.sequence import Sequence
from ..report import SCHEMA
from ..shot.inspect import as_pattern, only_sequence


@dataclass
class Status:
    """What is known of a sequence.

    `expected` are the frames somebody asked for, or those from the first to the last on disk. `broken`, `failed` and
    `skipped` hold the reason by frame; `failed` and `skipped` only where there is no frame. `made` counts frames by how
    they were made; `foreign` are frames that are not Relamp's.
    """

    sequence: str
    expected: tuple[int, ...]
    there: tuple[int, ...]
    broken: dict[int, str] = field(default_factory=dict)
    failed: dict[int, str] = field(default_factory=dict)
    skipped: dict[int, str] = field(default_factory=dict)
    foreign: tuple[int, ...] = ()
    made: dict[str, int] = field(default_factory=dict)

    @property
    def missing(self) -> tuple[int, ...]:
        """Expected frames that are not there, or not whole."""
        return tuple(frame for frame in self.expected if frame not in self.there or frame in self.broken)

    @property
    def whole(self) -> bool:
        """Whether every expected frame is there and can be read."""
        return not self.missing and not self.broken


EXAMPLES = """\b
Example:
  relamp status relit.####.exr --frames 1001-1024
"""


@click.command("status", epilog=EXAMPLES)
@click.argument("out", metavar="OUT")
@click.option(
    "-F", "--frames", metavar="TEXT", help="The frames that are expected. Without it, those that the reports expect."
)
@click.option("--verify", is_flag=True, help="Read the pixels, too, not only the headers.")
@click.option("--json", "as_json", is_flag=True, help="Write JSON, for programs.")
def command(out: str, frames: str | None, verify: bool, as_json: bool) -> None:
    """Show which frames of the sequence OUT exist, are missing or failed, and why. OUT is a pattern, one frame, or the folder."""
    found = status_of(out, parse_frames(frames) if frames else None, verify=verify)
    click.echo(json.dumps(as_data(found), indent=1) if as_json else describe(found))
    if not found.whole:
        raise FramesFailedError(
            f"{out}: {len(found.expected) - len(found.missing)} of {counted(len(found.expected), 'frame')} "
            f"{'is' if len(found.expected) - len(found.missing) == 1 else 'are'} there"
        )


def status_of(out: str, frames: tuple[int, ...] | None = None, *, verify: bool = False) -> Status:
    """The status of a sequence: a pattern such as `relit.####.exr`, one of its frames, or the folder it lies in alone.

    Raises:
        InputError: there is neither a frame nor a report of it.
        UsageError: a folder with several sequences.
    """
    sequence = Sequence.parse(as_pattern(only_sequence(out) if os.path.isdir(out) else out))
    reports = _reports(sequence)
    try:
        there = sequence.frames_on_disk()
    except InputError:
        if not reports and not frames:
            raise
        there = ()
    expected = frames or _expected(reports, there)
    found = Status(str(sequence), expected, there)
    for frame in there:
        _look_at(sequence.path(frame), frame, found, verify)
    for frame in found.missing:
        for kind, reasons in (("failed", found.failed), ("skipped", found.skipped)):
            for report in reports:  # the latest one that speaks of it
                if str(frame) in report.get(kind, {}):
                    reasons[frame] = report[kind][str(frame)]
    return found


def describe(found: Status) -> str:
    """A status for people, a fact a line."""
    lines = [found.sequence, f"expected  {format_frames(found.expected) or 'nothing'} ({len(found.expected)})"]
    lines.append(f"there     {format_frames(found.there) or 'nothing'} ({len(found.there)})")
    if found.missing:
        lines.append(f"missing   {format_frames(found.missing)} ({len(found.missing)})")
    for word, reasons in (("broken", found.broken), ("failed", found.failed), ("skipped", found.skipped)):
        lines += [f"{word:10}{format_frames(frames)}: {reason}" for reason, frames in _by_reason(reasons).items()]
    if found.foreign:
        lines.append(f"foreign   {format_frames(found.foreign)}: not made by Relamp")
    for made, count in found.made.items():
        lines.append(f"made      {count} by {made}")
    return "\n".join(lines)


def as_data(found: Status) -> dict[str, Any]:
    """A status for programs: plain JSON values, frames as ranges."""
    data = asdict(found) | {"missing": found.missing, "whole": found.whole}
    for name in ("expected", "there", "foreign", "missing"):
        data[name] = format_frames(data[name])
    return data


def _look_at(path: Path, frame: int, found: Status, verify: bool) -> None:
    try:
        header = exr.header(path)
        if verify:
            exr.verify(path)
    except InputError as error:
        found.broken[frame] = str(error)
        found.there = tuple(f for f in found.there if f != frame)
        return
    if "relamp/version" not in header:
        found.foreign = (*found.foreign, frame)
        return
    env = str(header.get("relamp/env", "?")).rpartition(" ")[0]
    made = f"relamp {header['relamp/version']}, {header.get('relamp/model', '?')}, {env}"
    found.made[made] = Counter(found.made)[made] + 1


def _reports(sequence: Sequence) -> list[dict[str, Any]]:
    """The reports of a sequence, oldest first: of the whole shot, and of its parts."""
    folder = sequence.path(1).parent
    found = []
    for path in folder.glob("*.relamp.json"):
        if path.name.partition(".relamp.json")[0].rpartition(".")[0] != sequence.name and not path.name.startswith(
            f"{sequence.name}.relamp"
        ):
            continue
        try:
            data = plain_json.loads(path.read_text(encoding="utf-8"))
            written = path.stat().st_mtime
        except (OSError, ValueError):
            continue  # a report is a courtesy; the frames are what counts
        if isinstance(data, dict) and data.get("schema") == SCHEMA:
            found.append((written, data))
    return [data for _, data in sorted(found, key=lambda pair: pair[0])]


def _expected(reports: list[dict[str, Any]], there: tuple[int, ...]) -> tuple[int, ...]:
    asked = {frame for report in reports if report.get("expected") for frame in parse_frames(report["expected"])}
    if not asked and there:
        asked = set(range(there[0], there[-1] + 1))
    return tuple(sorted(asked | set(there)))


def _by_reason(reasons: dict[int, str]) -> dict[str, list[int]]:
    """Frames by their reason; where each has a reason of its own, one line each."""
    grouped: dict[str, list[int]] = {}
    for frame, reason in sorted(reasons.items()):
        grouped.setdefault(reason, []).append(frame)
    return grouped
