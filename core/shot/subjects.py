"""The full-size frames of a shot: read once when two want one at the same time, and kept ahead as far as memory goes.

A frame that is looked at as another's neighbour is small work but a whole read. Those that are still to be rendered
themselves wait for their turn within a budget of bytes; beyond it they are read again. Floor 3.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from ..gain.finish import Subject
from ..pictures.frame import Frame
from .plan import SKIP, FrameTask, Plan
from .read import gather, read_plate

BUDGET = 256e6  # bytes of frames that wait for their turn: three of HD, none of 4K

Key = tuple[int, int]
"""The frame whose light it is, and the frame of the plate: another one where `--missing hold` has a gap to fill."""


@dataclass(frozen=True)
class Taken:
    """A frame and what the light finds in it."""

    frame: Frame
    subject: Subject

    @property
    def size(self) -> int:
        """Bytes it holds."""
        s = self.subject
        arrays = [self.frame.rgb, self.frame.alpha, s.plate, s.alpha, s.weight, s.normals, s.known]
        arrays += [part.pixels.array for part in self.frame.source.parts if "pixels" in vars(part)]
        roots = {id(root): root.nbytes for a in arrays if a is not None for root in (_root(a),)}
        return sum(roots.values())


@dataclass
class _Entry:
    future: Future[Taken] = field(default_factory=Future)
    users: int = 0


class Subjects:
    """The frames of a plan; from any number of threads."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._coming = {(task.frame, task.plate_frame): task for task in plan.tasks if task.action != SKIP}
        self._entries: dict[Key, _Entry] = {}
        self._lock = threading.Lock()

    @contextmanager
    def taken(self, task: FrameTask) -> Iterator[Taken]:
        """A task's own frame, for its one turn. Raises what reading it raises."""
        key = (task.frame, task.plate_frame)
        try:
            with self._open(key, task) as taken:
                yield taken
        finally:
            self.passed(task)

    @contextmanager
    def glimpsed(self, key: Key) -> Iterator[Taken]:
        """Any frame, for a look. Raises what reading it raises."""
        known = self._coming.get(key)
        with self._open(key, known or FrameTask(key[0], "render", key[1], self._plan.tasks[0].out), known) as taken:
            yield taken

    def passed(self, task: FrameTask) -> None:
        """A task had its turn, or needs none: its frame need not wait for it."""
        with self._lock:
            self._coming.pop((task.frame, task.plate_frame), None)
            self._tidy()

    @contextmanager
    def _open(self, key: Key, task: FrameTask, carry: object = True) -> Iterator[Taken]:
        with self._lock:
            entry = self._entries.get(key)
            mine = entry is None
            if entry is None:
                entry = self._entries[key] = _Entry()
            entry.users += 1
        try:
            if mine:
                self._read(entry.future, task, bool(carry))
            yield entry.future.result()
        finally:
            with self._lock:
                entry.users -= 1
                self._tidy()

    def _read(self, future: Future[Taken], task: FrameTask, carry: bool) -> None:
        plan = self._plan
        camera = plan.camera.at(task.frame)
        try:
            frame = read_plate(task, plan.inputs, plan.parameters, plan.colour, carry=carry)
            subject = gather(frame, task, plan.inputs, plan.parameters, plan.colour, camera)
            future.set_result(Taken(frame, subject))
        except BaseException as error:
            future.set_exception(error)

    def _tidy(self) -> None:
        """Let go of what nobody uses, but for the nearest of what is to come."""
        room = BUDGET
        for key in sorted(self._entries):
            entry = self._entries[key]
            if entry.users:
                continue
            waits = key in self._coming and entry.future.exception() is None
            size = entry.future.result().size if waits else 0
            if not waits or size > room:
                del self._entries[key]
            room -= size


def _root(array: np.ndarray) -> np.ndarray:
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array
