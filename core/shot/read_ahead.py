"""The full-size frames of a shot. Threads that need the same frame share one read, and frames are kept within a budget.

A frame that is needed as a neighbour costs little computation but a whole read. Neighbours that will be rendered later are kept
until then within a budget of bytes; beyond the budget they are read again.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection, Hashable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np

from ..gain.subject import Subject
from ..pictures.frame import Frame
from .plan import RENDER, SKIP, FrameTask, Plan
from .read import gather, read_plate, warn_about

if TYPE_CHECKING:
    from .passes_plan import PassesPlan

log = logging.getLogger("relamp")

BUDGET = 256e6  # bytes of frames kept until they are rendered: three HD frames, or no 4K frame

Key = tuple[int, int]
"""The frame number that the light is taken from, and that of the plate; they differ where `--missing hold` fills a gap."""


def keys_of(key: Key, frames: Iterable[int], near: Collection[int]) -> list[Key | None]:
    """The keys of `frames`, with `key`, which may repeat another frame, for its own; None for a frame that is not in `near`."""
    return [key if f == key[1] else (f, f) if f in near else None for f in frames]


@dataclass(frozen=True)
class ReadFrame:
    """A frame as read, and its subject over the frame's data window."""

    frame: Frame
    subject: Subject

    @property
    def size(self) -> int:
        """Bytes in memory."""
        s = self.subject
        arrays = [self.frame.rgb, self.frame.alpha, s.plate, s.alpha, s.weight, s.normals, s.known, s.depth]
        arrays += [] if s.materials is None else list(s.materials.pictures.values())
        arrays += [part.pixels.array for part in self.frame.source.parts if "pixels" in vars(part)]
        roots = {id(root): root.nbytes for a in arrays if a is not None for root in (_root(a),)}
        return sum(roots.values())


class Frames(Protocol):
    """The source of a shot's frames, at any size."""

    def own(self, task: FrameTask) -> AbstractContextManager[ReadFrame]:
        """The frame of a task, to be relit once. Raises the errors of reading it."""
        ...

    def open(self, key: Key) -> AbstractContextManager[ReadFrame]:
        """Any frame, for its pixels alone. Raises the errors of reading it."""
        ...

    def skipped(self, task: FrameTask) -> None:
        """Record that a task will not be relit, so that its frame need not be kept."""
        ...

    def identity(self, key: Key) -> Hashable:
        """A key of the frame's pixels, for caches that may outlive a shot."""
        ...


@dataclass
class _Entry:
    future: Future[ReadFrame] = field(default_factory=Future)
    users: int = 0


class ReadAhead:
    """`Frames` of a plan from disk at full size; from any number of threads."""

    def __init__(self, plan: Plan | PassesPlan) -> None:
        self._plan = plan
        self._coming = {(task.frame, task.plate_frame): task for task in plan.tasks if task.action != SKIP}
        self._entries: dict[Key, _Entry] = {}
        self._lock = threading.Lock()
        self._warned = False

    @contextmanager
    def own(self, task: FrameTask) -> Iterator[ReadFrame]:
        """The frame of a task with all its channels; logs warnings about its alpha and shape."""
        try:
            with self._open((task.frame, task.plate_frame), task) as read:
                self._warn(read, task)
                yield read
        finally:
            self.skipped(task)

    @contextmanager
    def open(self, key: Key) -> Iterator[ReadFrame]:
        """Any frame; its other channels are read only where it will be rendered later."""
        known = self._coming.get(key)
        with self._open(key, known or FrameTask(key[0], RENDER, key[1], self._plan.tasks[0].out), known) as read:
            yield read

    def skipped(self, task: FrameTask) -> None:
        """Record that a task is rendered or will not be, so that its frame need not be kept."""
        with self._lock:
            self._coming.pop((task.frame, task.plate_frame), None)
            self._tidy()

    def identity(self, key: Key) -> Hashable:
        """`key` itself, because files are assumed not to change during a render."""
        return key

    def _warn(self, read: ReadFrame, task: FrameTask) -> None:
        with self._lock:
            first, self._warned = not self._warned, True
        if first:  # alpha and shape have the same properties in all frames of a shot
            warn_about(read.frame, read.subject, self._plan.parameters)
        nonfinite = read.frame.nonfinite
        if nonfinite.nan or nonfinite.inf:
            log.warning("frame %d: the plate holds %s pixels; they pass through as they are", task.frame, nonfinite)

    @contextmanager
    def _open(self, key: Key, task: FrameTask, carry: object = True) -> Iterator[ReadFrame]:
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

    def _read(self, future: Future[ReadFrame], task: FrameTask, carry: bool) -> None:
        plan = self._plan
        camera = plan.camera.at(task.frame)
        try:
            frame = read_plate(task, plan.inputs, plan.parameters, plan.colour, carry=carry)
            subject = gather(frame, task, plan.inputs, plan.parameters, plan.colour, camera)
            future.set_result(ReadFrame(frame, subject))
        except BaseException as error:
            future.set_exception(error)

    def _tidy(self) -> None:
        """Release the frames that no thread uses, except the nearest ones that are still to be rendered."""
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
