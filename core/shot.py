"""The shot: frames in, frames out, as many at once as there are threads, each written whole or not at all.

Frames are independent tasks over fixed bands of rows, so the pixels are the same for any number of threads, any split
into chunks and any resume. Memory holds the frames in work and no more. Floor 3.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from . import VERSION
from . import plan as plans
from .deliver import write
from .errors import FramesFailedError, OutputError, RelampError, StoppedError
from .finish import Shading, finish
from .frames import format_frames
from .gain import Law
from .grain import measure as measure_noise
from .hint import Light, between
from .illumination import camera_to_map
from .intake import gather, read_plate, warn_about
from .parameters import at_frame
from .pictures import exr
from .plan import SKIP, FrameTask, Plan
from .prepare import describe
from .progress import Event, Listener
from .report import Report, report_path
from .report import save as save_report

log = logging.getLogger("relamp")

# The smallest light there is, at the proxy's exposure, where middle grey is 0.18. It lets light fall on black, and errs by
# EPSILON / 0.18 on grey: at 0.02 that is a tenth, and the relight of a matte ball lost 9 dB; at 0.002 it is a hundredth.
EPSILON = 0.002


def render(plan: Plan, on_event: Listener | None = None, stop: threading.Event | None = None) -> Report:
    """Render every frame of a plan.

    Args:
        on_event: told once a frame, from the calling thread.
        stop: when set, frames in work are finished and no more begun.

    Returns:
        The report, also written beside the frames.

    Raises:
        FramesFailedError: some frames failed or were skipped.
        StoppedError: `stop` was set; finished frames are kept.
        RelampError: the first frame that failed, without `keep_going`.
    """
    p = plan.parameters
    folder = plan.tasks[0].out.parent
    _make_folder(folder, p.create_dir)
    exr.remove_stale(folder)
    _log_start(plan)
    report = Report(tuple(task.frame for task in plan.tasks))
    tell = _Teller(len(plan.tasks), on_event or (lambda _: None))
    try:
        _run(plan, report, tell, stop or threading.Event())
    finally:
        name = plan.inputs.out.name
        whole = report.expected == plans.frames_wanted(replace(p, frames=None), plan.inputs.plate, plan.on_disk)
        save_report(report, report_path(folder, name, report.expected, whole))
    if report.failed or report.skipped:
        raise FramesFailedError(_incomplete(report))
    return report


class _Teller:
    """Counts frames and passes events on."""

    def __init__(self, total: int, listener: Listener) -> None:
        self._total, self._listener, self._index = total, listener, 0

    def __call__(self, frame: int, status: str, seconds: float = 0.0, reason: str = "") -> None:
        self._index += 1
        self._listener(Event(frame, status, self._index, self._total, seconds, reason))


def _run(plan: Plan, report: Report, tell: _Teller, stop: threading.Event) -> None:
    p = plan.parameters
    # One thread inside each call of OpenCV: other counts could give other last bits, and frames are the parallel unit.
    cv2.setNumThreads(1)
    pending: deque[tuple[FrameTask, Future[float]]] = deque()
    with ThreadPoolExecutor(p.threads, thread_name_prefix="frame") as pool:
        try:
            for task in plan.tasks:
                if stop.is_set():
                    break
                if task.action == SKIP:
                    report.skipped[task.frame] = f"{plan.inputs.plate.path(task.frame)} is missing"
                    tell(task.frame, "skipped", reason=report.skipped[task.frame])
                    continue
                if p.skip_existing != "off" and _is_finished(plan, task):
                    report.kept.append(task.frame)
                    tell(task.frame, "kept")
                    continue
                shading, law = frame_light(plan, task)
                while len(pending) >= p.threads:
                    _collect(*pending.popleft(), plan, report, tell)
                pending.append((task, pool.submit(_one_frame, plan, task, shading, law)))
            while pending:
                _collect(*pending.popleft(), plan, report, tell)
        finally:
            _drop(pending, report)
    if stop.is_set() and report.missing:
        number = getattr(stop, "signal_number", 15)
        raise StoppedError(
            f"stopped; {len(report.written)} frames written, still missing: {format_frames(report.missing)}", number
        )


def _collect(task: FrameTask, future: Future[float], plan: Plan, report: Report, tell: _Teller) -> None:
    try:
        seconds = future.result()
    except RelampError as error:
        report.failed[task.frame] = str(error)
        tell(task.frame, "failed", reason=str(error))
        if not plan.parameters.keep_going or isinstance(error, OutputError):
            raise
    else:
        report.written.append(task.frame)
        tell(task.frame, "done", seconds)


def _drop(pending: deque[tuple[FrameTask, Future[float]]], report: Report) -> None:
    """After a failure: what has not begun never begins; what is in work is finished and kept."""
    for task, future in pending:
        if not future.cancel() and future.exception() is None:
            report.written.append(task.frame)


def _is_finished(plan: Plan, task: FrameTask) -> bool:
    done, why = plans.finished(plan, task)
    if why:
        log.warning(why)
    return done


def frame_light(plan: Plan, task: FrameTask) -> tuple[Shading, Law]:
    """The light of one frame before its camera, and the numbers of its change."""
    p = plan.parameters
    camera = plan.camera.at(task.frame).rotation
    to_map = camera_to_map(at_frame(p.env_rotate, task.frame), camera)
    light = plan.target.light(task.frame)
    target = light.turned(to_map)
    source_light = _source_light(plan, task.frame)
    source = source_light.turned(camera_to_map((0.0, 0.0, 0.0), camera))
    level = 2.0 ** at_frame(p.env_exposure, task.frame)
    if p.level_mode() == "absolute":
        level *= light.level / source_light.level
    lamps: tuple[np.ndarray, ...] = ()
    if "lamps" in p.layers:
        lamps = tuple(lamp.turned(to_map) for lamp in plan.target.lamps(task.frame, p.lamps).lights)
    shading = Shading(between(target, source), target, source, source_light.level, lamps)
    anchor = plan.job.measured.anchor or 1.0
    return shading, Law(float(level), float(at_frame(p.mix, task.frame)), EPSILON / anchor, p.grain)


def _source_light(plan: Plan, frame: int) -> Light:
    if plan.source is not None:
        return plan.source.light(frame)
    assert plan.job.measured.source_light is not None
    return _fitted_light(plan.job.measured.source_light, tuple(plan.colour.luminance_weights))


def _one_frame(plan: Plan, task: FrameTask, shading: Shading, law: Law) -> float:
    """Read, relight and write one frame; the seconds it took."""
    begun = time.monotonic()
    frame = read_plate(task, plan.inputs, plan.parameters, plan.colour)
    subject = gather(frame, task, plan.inputs, plan.parameters, plan.colour, plan.camera.at(task.frame))
    if task is plan.tasks[0]:
        warn_about(subject, plan.parameters)
    if frame.nonfinite.nan or frame.nonfinite.inf:
        log.warning("frame %d: the plate holds %s pixels; they pass through as they are", task.frame, frame.nonfinite)
    if law.grain != "off":
        law = replace(law, noise=measure_noise(subject.plate))
    finished = finish(subject, shading, law, plan.parameters.layers)
    write(plan, task, frame, finished, law)
    return time.monotonic() - begun


def _make_folder(folder: Path, create: bool) -> None:
    if folder.is_dir():
        return
    if not create:
        raise OutputError(f"there is no folder {folder}; make it, or leave out --no-create-dir")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {folder}: {error.strerror}") from None


@lru_cache(maxsize=2)
def _fitted_light(rows: tuple[tuple[tuple[float, float, float], ...], ...], weights: tuple[float, ...]) -> Light:
    return Light.of(np.array(rows, np.float32), np.array(weights))


def _log_start(plan: Plan) -> None:
    log.info("relamp %s, %s, %d threads", VERSION, plan.parameters.device, plan.parameters.threads)
    log.info(describe(plan))


def _incomplete(report: Report) -> str:
    words = [f"{len(report.written) + len(report.kept)} of {len(report.expected)} frames are there"]
    if report.failed:
        frame, reason = next(iter(sorted(report.failed.items())))
        words.append(f"failed: {format_frames(report.failed)} (frame {frame}: {reason})")
    if report.skipped:
        words.append(f"skipped, their plates are missing: {format_frames(report.skipped)}")
    return "; ".join(words)
