"""Renders a shot: as many frames at once as there are threads, each written completely or not at all.

Frames are independent tasks over fixed bands of rows, so the pixels are the same for any number of threads, any split
into chunks and any resume. Memory holds only the frames in progress.
"""

from __future__ import annotations

import logging
import math
import tempfile
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from .. import VERSION
from ..atomic import remove_unfinished
from ..counted import counted
from ..errors import FramesFailedError, OutputError, StoppedError, UsageError, one_line, outcome
from ..frames import format_frames
from ..logs import stage
from ..pictures import exr
from ..pictures.bands import at_work, working
from ..process import Stop, last_words, pin_opencv
from ..progress import Event, Listener
from ..report import Report, report_path, require_place
from ..report import save as save_report
from .background_level import say_behind
from .deliver import write
from .frame import Shot, relight_frame
from .outputs import finished as finished_before
from .plan import SKIP, FrameTask, Plan
from .prepare import describe

if TYPE_CHECKING:
    from ..temporal.residual_store import ResidualStore
    from .passes_plan import PassesPlan

    AnyPlan = Plan | PassesPlan

log = logging.getLogger("relamp")


class Work(Protocol):
    """The work on the frames of a plan; called from several threads."""

    def write(self, task: FrameTask) -> None:
        """Make and write the frame of one task, completely or not at all."""
        ...

    def skipped(self, task: FrameTask) -> None:
        """Record that a task will not be done, so that nothing need be kept for it."""
        ...


class _Relighting:
    """`Work` of a render."""

    def __init__(self, shot: Shot) -> None:
        self._shot = shot

    def write(self, task: FrameTask) -> None:
        relit = relight_frame(self._shot, task)
        write(self._shot.plan, task, relit.frame, relit.finished, relit.law)

    def skipped(self, task: FrameTask) -> None:
        self._shot.frames.skipped(task)


def render(
    plan: Plan,
    on_event: Listener | None = None,
    stop: Stop | None = None,
    store: ResidualStore | None = None,
) -> Report:
    """Render every frame of a plan; see `deliver_frames`.

    `store` is the storage through which the chunks of a job share the network's predictions.
    """
    return deliver_frames(
        plan, lambda: _Relighting(_told_level(Shot.of(plan, store=store))), describe(plan), on_event, stop
    )


def deliver_frames(
    plan: AnyPlan,
    work: Callable[[], Work],
    description: str,
    on_event: Listener | None = None,
    stop: Stop | None = None,
) -> Report:
    """Make and write every frame of a plan.

    Args:
        work: returns the `Work` on each frame; called once the folder is known to be writable.
        description: of the plan, one fact per line, for the log.
        on_event: called once per frame, from the calling thread.
        stop: when set, frames in progress are finished and no new ones are started.

    Returns:
        The report, also written beside the frames.

    Raises:
        FramesFailedError: some frames failed, were skipped, or do not exist any more at the end.
        UsageError: a file that is no report exists at the report's path, or a frame would replace a file without permission.
        StoppedError: `stop` was set; finished frames are kept.
        RelampError: the error of the first frame that failed, without `keep_going`.

    When a signal ends the process before the frames in progress are finished, they are dropped and the report is written.
    """
    p = plan.parameters
    folder = plan.tasks[0].out.parent
    expected = tuple(task.frame for task in plan.tasks)
    path = report_path(folder, plan.inputs.out.name, expected, not p.frames or set(expected) >= set(plan.on_disk))
    require_place(path)
    _make_folder(folder, p.create_dir)
    exr.remove_stale(folder)
    _check_writable(folder)
    _log_start(plan, description)
    report = Report(expected, str(plan.inputs.out))
    save_report(report, path)  # a process that is killed leaves what was expected of it
    send = _Progress(len(plan.tasks), on_event or (lambda _: None))
    try:
        with last_words(lambda: _abandon(report, path)):
            _run(work(), plan, report, send, stop or Stop())
    except BaseException:
        _note_vanished(plan, report)
        with suppress(OutputError, UsageError):  # the first error is the one to report
            save_report(report, path)
        raise
    _note_vanished(plan, report)
    save_report(report, path)
    if report.failed or report.skipped:
        raise FramesFailedError(_incomplete(report))
    return report


class _Progress:
    """Counts frames and sends an event for each."""

    def __init__(self, total: int, listener: Listener) -> None:
        self._total, self._listener, self._index = total, listener, 0

    def __call__(self, frame: int, status: str, seconds: float = 0.0, reason: str = "") -> None:
        self._index += 1
        self._listener(Event(frame, status, self._index, self._total, seconds, reason))


def _abandon(report: Report, path: Path) -> str:
    """End at once: remove partly written frames and write the report of the finished ones; returns the message."""
    remove_unfinished(path.parent)
    save_report(report, path)
    return _stopped(report)


def _run(work: Work, plan: AnyPlan, report: Report, send: _Progress, stop: Stop) -> None:
    p = plan.parameters
    pin_opencv()
    pending: deque[tuple[FrameTask, Future[float]]] = deque()
    with working(p.threads), ThreadPoolExecutor(p.threads, thread_name_prefix="frame") as pool:
        try:
            for task in plan.tasks:
                if stop.is_set():
                    break
                if task.action == SKIP:
                    report.skipped[task.frame] = f"{plan.inputs.plate.path(task.frame)} is missing"
                    send(task.frame, "skipped", reason=report.skipped[task.frame])
                    continue
                if p.skip_existing != "off" and _is_settled(plan, task, report, send):
                    work.skipped(task)
                    continue
                pending.append((task, pool.submit(_one_frame, work, task)))
                while len(pending) > p.threads:  # one more than there are threads, so that no thread is idle
                    _collect(*pending.popleft(), plan, report, send)
            while pending:
                _collect(*pending.popleft(), plan, report, send)
        finally:
            _drop(pending, report, send)
    if stop.is_set() and report.missing:
        raise StoppedError(_stopped(report), stop.signal_number)


def _collect(task: FrameTask, future: Future[float], plan: AnyPlan, report: Report, send: _Progress) -> None:
    error = _settle(task, future, report, send)
    if error is not None and (isinstance(error, OutputError) or not plan.parameters.keep_going):
        raise error


def _settle(task: FrameTask, future: Future[float], report: Report, send: _Progress) -> BaseException | None:
    """Wait for a frame, record its result, and return its error, if any."""
    error = future.exception()
    if error is None:
        report.written.append(task.frame)
        send(task.frame, "done", future.result())
    else:
        _note_failed(task, error, report, send)
    return error


def _note_failed(task: FrameTask, error: BaseException, report: Report, send: _Progress) -> None:
    report.failed[task.frame] = one_line(outcome(error)[1])
    log.debug("frame %d failed", task.frame, exc_info=error)
    send(task.frame, "failed", reason=report.failed[task.frame])


def _drop(pending: deque[tuple[FrameTask, Future[float]]], report: Report, send: _Progress) -> None:
    """After a failure: cancel the frames that are not started; wait for the others and record their results."""
    waiting = [(task, future) for task, future in pending if not future.cancel()]
    for task, future in waiting:
        _settle(task, future, report, send)


def _is_settled(plan: AnyPlan, task: FrameTask, report: Report, send: _Progress) -> bool:
    """Whether a task needs no rendering, because its output is a finished frame or a file that may not be replaced.

    Without `keep_going`, raises `UsageError` for a file that may not be replaced.
    """
    try:
        done, why = finished_before(plan, task)
    except UsageError as error:
        _note_failed(task, error, report, send)
        if not plan.parameters.keep_going:
            raise
        return True
    if why:
        log.warning(why)
    if done:
        report.kept.append(task.frame)
        send(task.frame, "kept")
    return done


def _one_frame(work: Work, task: FrameTask) -> float:
    """Make and write one frame; returns the seconds it took."""
    begun = time.monotonic()
    with at_work():
        work.write(task)
    return time.monotonic() - begun


def _note_vanished(plan: AnyPlan, report: Report) -> None:
    """Record frames that were finished and do not exist any more as failed."""
    for frames in (report.written, report.kept):
        for frame in [n for n in frames if not plan.inputs.out.path(n).exists()]:
            frames.remove(frame)
            report.failed[frame] = f"{plan.inputs.out.path(frame)} was removed while the shot was rendered"


def _make_folder(folder: Path, create: bool) -> None:
    if folder.is_dir():
        return
    if not create:
        raise OutputError(f"there is no folder {folder}; make it, or leave out --no-create-dir")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {folder}: {error.strerror}") from None


def _check_writable(folder: Path) -> None:
    """Raise `OutputError` if the folder cannot be written, before the first frame is made."""
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise OutputError(f"{folder or '.'}: nothing can be written there ({error.strerror})") from None


def _told_level(shot: Shot) -> Shot:
    """The shot, once the log says by how much the light was changed for the subject's exposure."""
    if shot.plan.keeps_by_facing:
        log.info(
            "level     the light is changed by %+.2f stops to keep the subject's exposure", math.log2(shot.lights.kept)
        )
    if shot.plan.parameters.level_mode() == "background":
        say_behind(shot.plan.job.measured.behind or 0.0)
    return shot


def _log_start(plan: AnyPlan, description: str) -> None:
    log.info("relamp %s, %s, %d threads", VERSION, plan.parameters.device, plan.parameters.threads)
    for line in description.splitlines():
        log.info(line)
    stage(f"rendering {len(plan.tasks)} {'frame' if len(plan.tasks) == 1 else 'frames'}")


def _stopped(report: Report) -> str:
    return f"stopped; {counted(len(report.written), 'frame')} written, still missing: {format_frames(report.missing)}"


def _incomplete(report: Report) -> str:
    there = len(report.written) + len(report.kept)
    words = [f"{there} of {counted(len(report.expected), 'frame')} {'is' if there == 1 else 'are'} there"]
    if report.failed:
        frame, reason = next(iter(sorted(report.failed.items())))
        words.append(f"failed: {format_frames(report.failed)} (frame {frame}: {reason})")
    if report.skipped:
        words.append(f"skipped, their plates are missing: {format_frames(report.skipped)}")
    return "; ".join(words)
