"""Undo and redo: the jobs there were before each change. Standard library only."""

from __future__ import annotations

import time

from ..core.job import RelightJob

MOST = 200  # steps that are kept
TOGETHER = (
    1.0  # s: changes of one parameter that follow one another within this are one step, as while a slider is dragged
)


class History:
    """The jobs before and after the current one."""

    def __init__(self) -> None:
        self._before: list[RelightJob] = []
        self._after: list[RelightJob] = []
        self._last = ("", 0.0)

    def note(self, job: RelightJob, name: str = "") -> None:
        """Note that `job` is about to change: in its parameter `name`, or as a whole where that is empty."""
        now = time.monotonic()
        last, when = self._last
        self._last = (name, now)
        self._after.clear()
        if name and name == last and now - when < TOGETHER and self._before:
            return
        self._before = [*self._before, job][-MOST:]

    def can_undo(self) -> bool:
        """Whether there is a step to take back."""
        return bool(self._before)

    def can_redo(self) -> bool:
        """Whether a step that was taken back can be taken again."""
        return bool(self._after)

    def undo(self, job: RelightJob) -> RelightJob | None:
        """The job before the current one `job`, None where there is none."""
        return self._step(job, self._before, self._after)

    def redo(self, job: RelightJob) -> RelightJob | None:
        """The job after the current one, None where nothing was taken back."""
        return self._step(job, self._after, self._before)

    def _step(self, job: RelightJob, here: list[RelightJob], there: list[RelightJob]) -> RelightJob | None:
        if not here:
            return None
        there.append(job)
        self._last = ("", 0.0)
        return here.pop()
