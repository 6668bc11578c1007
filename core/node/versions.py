"""Where a node's bakes lie, one folder a version, and what a bake may write over.

<root>/<node>/v003/<node>.1001.exr      a bake, with its job beside it: <node>.relamp.job.json
<root>/<node>/preview/3f2a9c01/...      single frames, one folder for each look, the last few kept
<root>/<node>/passes/own-5b0c77e2/...   passes, one folder for each estimator and its settings
<root>/<node>/rigs/9d3e41aa.json        rigs, one file for each state of the lights
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from .. import job as jobs
from ..errors import InputError, UsageError
from ..frames import format_frames, parse_frames
from ..job import RelightJob
from .request import look_key, same_look

KEPT_PREVIEWS = 4
_VERSION = re.compile(r"v(\d{3,})")
_PREVIEW = re.compile(r"[0-9a-f]{8}")


@dataclass(frozen=True)
class Place:
    """One folder of frames, with a folder in it for each of `views` where there are several."""

    folder: Path
    name: str
    views: tuple[str, ...] = ()

    @property
    def pattern(self) -> str:
        """The frames' path with `####`, and with `%V` where there are views."""
        return str(self.folder / ("%V" if self.views else "") / f"{self.name}.####.exr")

    @property
    def first_view(self) -> str:
        """The pattern of the first view, or of the only one."""
        return self.pattern.replace("%V", self.views[0]) if self.views else self.pattern

    @property
    def job_file(self) -> Path:
        """The job the frames are made from."""
        return self.folder / f"{self.name}.relamp.job.json"

    @property
    def inputs(self) -> Path:
        """Where a host writes pictures for the worker."""
        return self.folder / "inputs"

    def frames(self) -> tuple[int, ...]:
        """The frames that are there in every view, ascending."""
        name = re.compile(rf"{re.escape(self.name)}\.(-?\d{{4,}})\.exr")
        sets = []
        for view in self.views or ("",):
            found = (name.fullmatch(entry) for entry in _entries(self.folder / view))
            sets.append({int(match[1]) for match in found if match})
        return tuple(sorted(set.intersection(*sets)))


@dataclass(frozen=True)
class Bakes:
    """All bakes of one node: `root` is the folder of a script's bakes, `node` the node's name."""

    root: Path
    node: str

    @property
    def name(self) -> str:
        """The node's name as files carry it: letters, digits, `_` and `-`."""
        return re.sub(r"[^A-Za-z0-9_-]+", "_", self.node) or "Relamp"

    @property
    def folder(self) -> Path:
        return self.root / self.name

    def version(self, number: int, views: tuple[str, ...] = ()) -> Place:
        """The place of version `number`."""
        return Place(self.folder / f"v{number:03d}", self.name, views)

    def versions(self) -> tuple[int, ...]:
        """The versions that hold a bake or its beginning, ascending."""
        found = (_VERSION.fullmatch(entry) for entry in _entries(self.folder))
        numbers = sorted(int(match[1]) for match in found if match)
        return tuple(number for number in numbers if _entries(self.version(number).folder))

    def next_version(self) -> int:
        """One above the highest version there is."""
        return max(self.versions(), default=0) + 1

    def preview(self, job: RelightJob) -> Place:
        """The place of single frames with the pixels of `job`; other settings have another place, so that no cache shows
        an old picture.
        """
        return Place(self.folder / "preview" / look_key(job), self.name, job.parameters.views)

    def passes(self, job: RelightJob) -> Place:
        """The place of the passes that `job` makes; an estimator with other settings has another place."""
        how = f"{job.parameters.estimator or 'own'}-{look_key(job)}"
        return Place(self.folder / "passes" / how, f"{self.name}_passes", job.parameters.views)

    def rig(self, text: str) -> Path:
        """The file of a rig, or of its camera, named by what it holds: no file changes under a bake made with it."""
        return self.folder / "rigs" / f"{hashlib.sha256(text.encode()).hexdigest()[:8]}.json"

    def drop_old_previews(self, keep: Place) -> None:
        """Remove all but the newest preview folders and `keep`."""
        there = self.folder / "preview"
        folders = [there / entry for entry in _entries(there) if _PREVIEW.fullmatch(entry)]
        folders.sort(key=_age, reverse=True)
        for folder in [found for found in folders if found != keep.folder][KEPT_PREVIEWS - 1 :]:
            shutil.rmtree(folder, ignore_errors=True)


def check_may_bake(place: Place, number: int, job: RelightJob, over: bool, written: bool) -> None:
    """Refuse to bake over frames that may be in use, unless asked to.

    The same settings continue where a stopped bake ended, and may add frames. Where a host wrote the inputs (`written`) it
    cannot be known whether they are the same pictures, and the measurements of the shot depend on those that were written;
    then only the same frames continue, and only while some are missing.

    Raises:
        UsageError: the version holds other frames; the sentence says what to do.
    """
    there = place.frames()
    if over or not there:
        return
    before = _job_of(place)
    alike = before is not None and same_look(before, job)
    if before is not None and alike:
        asked = _frames(job)
        if not written or (asked == _frames(before) and not asked <= set(there)):
            return
    made = "made with these settings" if alike else "made with other settings"
    raise UsageError(
        f"v{number:03d} already holds frames {format_frames(there)}, {made}; "
        "press Version up, or tick bake over to replace them"
    )


def _frames(job: RelightJob) -> set[int]:
    return set(parse_frames(job.parameters.frames or ""))


def _job_of(place: Place) -> RelightJob | None:
    try:
        return jobs.load(place.job_file)
    except (InputError, UsageError):
        return None  # frames of unknown settings are other settings


def _entries(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _age(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except OSError:
        return 0.0
