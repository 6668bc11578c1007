"""Measures a plan's shot on a few of its frames: its exposure and, where it is needed, the light that it was shot under."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from ..errors import InputError
from ..frames import format_frames
from ..gain.proxy import PROBE_SIZE, probe_frames
from ..job import Measured, RelightJob
from ..logs import stage
from ..parameters import RelightParameters
from ..relighter import load
from .frame import Shot
from .kept_level import SIDE, facing_of
from .measure import Samples, anchor_of, measured_rows, samples_of, samples_of_working_frame, source_light_of
from .plan import RENDER, FrameTask, Plan
from .read import gather, read_plate

if TYPE_CHECKING:
    import numpy as np

    from .passes_plan import PassesPlan

log = logging.getLogger("relamp")

T = TypeVar("T")


def needs_fit(plan: Plan) -> bool:
    """Whether the plate's own light must be estimated, as divisor of the gain or for its level."""
    return plan.source is None and (plan.backbone.wants_source or plan.parameters.level_mode() == "absolute")


def complete(plan: Plan) -> bool:
    """Whether the job already holds everything that is measured by `measured`."""
    held = plan.job.measured
    fitted = held.source_light is not None or not needs_fit(plan)
    return held.anchor is not None and fitted and bool(held.facing or not plan.keeps_by_facing)


def threads(parameters: RelightParameters) -> ThreadPoolExecutor:
    """Threads that measure as many frames at once as are rendered at once."""
    return ThreadPoolExecutor(parameters.threads, thread_name_prefix="probe")


def sampled(plan: Plan, probes: ThreadPoolExecutor) -> dict[int, Future[Samples]]:
    """Start to sample the frames that the shot is measured on; samples by frame number."""
    return {frame: probes.submit(frame_samples, plan, frame) for frame in probe_frames(plan.on_disk)}


def measured(plan: Plan, samples_by_frame: dict[int, Future[Samples]]) -> Measured:
    """The shot's exposure and, where it is needed, its source light, measured on a few of its frames."""
    p, frames = plan.parameters, tuple(samples_by_frame)
    stage(f"measuring the plate's exposure on {_frames(frames)}")
    samples = list(probed(frames, lambda frame: samples_by_frame[frame].result()))
    anchor = anchor_of(samples, plan.colour.luminance_weights) if p.anchor is None else p.anchor
    found = Measured(frames, anchor, facing=_facing(plan, samples_by_frame) if plan.keeps_by_facing else ())
    if not needs_fit(plan):
        return found
    stage(f"fitting the light that the plate was shot under, on {_frames(frames)}")
    if plan.backbone.network is not None:
        samples = delit_samples(replace(plan, job=RelightJob(p, found)), frames)
    return replace(found, source_light=measured_rows(source_light_of(samples, plan.colour.luminance_weights)))


def _facing(plan: Plan, samples_by_frame: dict[int, Future[Samples]]) -> tuple[tuple[float, ...], ...]:
    """For each frame, the shares of its luminance by facing; zeros for a frame that cannot be read."""
    weights = plan.colour.luminance_weights
    return tuple(
        (0.0,) * SIDE**2 if isinstance(sample.exception(), InputError) else tuple(_shares(sample.result(), weights))
        for sample in samples_by_frame.values()
    )


def _shares(s: Samples, luminance_weights: np.ndarray) -> list[float]:
    return facing_of(s.rgb, s.normals, s.weights, luminance_weights)


def _frames(frames: tuple[int, ...]) -> str:
    return f"{'frame' if len(frames) == 1 else 'frames'} {format_frames(frames)}"


def delit_samples(plan: Plan, frames: tuple[int, ...]) -> list[Samples]:
    """Samples of some frames, with the shape and albedo of Relamp's own network; the plan's anchor must be known.

    Raises `InputError` if no frame can be read.

    The network and the size are the same for all backbones, previews and renders, so that all of them find the same level.
    """
    given, anchor = plan.parameters, plan.job.measured.anchor or 1.0
    # Only published networks use a prompt together with a map, and none of them runs here.
    prompt = "" if given.env else given.prompt
    p = replace(
        given,
        backbone="relamp",
        working_size=PROBE_SIZE,
        prompt=prompt,
        ensemble=1,
        steps=None,
        layers=(),
        temporal=False,
        shadows=0.0,  # nothing is lit here, so nothing need be traced
    )
    backbone = plan.backbone if plan.parameters.backbone == "relamp" else load(p)
    working = Shot.of(replace(plan, job=RelightJob(p, plan.job.measured), backbone=backbone)).working
    return list(
        probed(
            frames,
            lambda n: samples_of_working_frame(
                working.from_disk(n), anchor, plan.camera.at(n).rotation, plan.colour.to_acescg
            ),
        )
    )


def probed(frames: tuple[int, ...], measure: Callable[[int], T]) -> Iterator[T]:
    """The results of `measure` on the frames that can be read; raises the first `InputError` if none can be read."""
    left_out: list[tuple[int, InputError]] = []
    seen = False
    for frame in frames:
        try:
            yield measure(frame)
            seen = True
        except InputError as error:  # the measurement leaves the frame out; its error is reported when it is rendered
            left_out.append((frame, error))
    if left_out and not seen:
        raise left_out[0][1]
    for frame, error in left_out:
        log.warning("not measured on frame %d: %s", frame, error)


def frame_samples(plan: Plan | PassesPlan, number: int) -> Samples:
    """Samples of one frame of a plan by its number; raises `InputError` where it cannot be read."""
    task = FrameTask(number, RENDER, number, plan.tasks[0].out)
    camera = plan.camera.at(number)
    frame = read_plate(task, plan.inputs, plan.parameters, plan.colour, carry=False)
    return samples_of(gather(frame, task, plan.inputs, plan.parameters, plan.colour, camera), camera.rotation)
