"""Prepares a job for rendering: checks it against the files on disk and measures its shot. Floor 3."""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from ..frames import format_frames, parse_frames
from ..job import RelightJob, with_parameters
from ..light import rig_file
from ..light.camera import shot_camera
from ..light.sources import Illumination, MapLight, lighting
from ..logs import stage
from ..parameters import RelightParameters, knobs
from ..pictures import exr
from ..pictures.colour import Colour
from ..pictures.resample import working_shape
from ..pictures.sequence import Sequence, fill_view
from ..process import pin_opencv
from ..relighter import load, resolve_device
from ..relighter.answer import Backbone, Demanding
from ..relighter.models.estimator_files import LoadedEstimator
from ..relighter.models.estimator_files import load as load_estimator
from ..relighter.models.folder import Models
from ..relighter.ratio import Ratio
from ..temporal import Head, load_head
from . import checks, probes
from .background_level import measured_behind
from .ground import ground_of, measured_ground, wants_ground
from .outputs import found_outputs
from .plan import BLACK, RENDER, SKIP, FrameTask, Inputs, Plan, resolve_inputs

log = logging.getLogger("relamp")


def views(job: RelightJob) -> Iterator[RelightJob]:
    """The job once for each view, with %V and %v in its paths filled in; the job itself when it has no views.

    Raises:
        UsageError: the views would be written to the same files, or no path has %V and the plate lacks one of the views.
    """
    p = job.parameters
    if not p.views:
        yield job
        return
    paths = [name for name, k in knobs() if k.kind in ("picture", "file")]
    filled = [{name: fill_view(value, view) for name in paths if (value := getattr(p, name))} for view in p.views]
    checks.check_views(p, any(value != getattr(p, name) for name, value in filled[0].items() if name != "out"))
    for view, given in zip(p.views, filled, strict=True):
        yield with_parameters(job, views=(view,), **given)


def prepare_views(job: RelightJob) -> list[Plan]:
    """Prepare one plan for each view of a job, so that errors of all views are found before the first is rendered.

    Raises:
        UsageError: as `views` and `prepare`, or there is no plate, no light or no `out`.
        InputError: an input is missing or unreadable.
    """
    job.require("plate", "env", "out")
    plans: list[Plan] = []
    for view in views(job):
        # One colour config for all views, so that its warnings are logged once.
        shared = [plan.colour for plan in plans if plan.parameters.config == view.parameters.config]
        plans.append(prepare(view, colour=shared[0] if shared else None))
    return plans


def prepare(job: RelightJob, backbone: Backbone | None = None, colour: Colour | None = None) -> Plan:
    """Check a job and decide what will be done, before any work; measure the shot unless the job contains measurements.

    Args:
        backbone: the job's backbone, where it is already loaded.
        colour: the job's colour config, likewise.

    Raises:
        UsageError: settings that cannot work, or outputs that would be overwritten.
        InputError: an input is missing or unreadable.
    """
    p = job.parameters
    pin_opencv()
    colour = colour or Colour(p.config)
    if p.colorspace:
        colour.resolve(p.colorspace)
    inputs = resolve_inputs(p)
    checks.check_options(p)
    on_disk = inputs.plate.frames_on_disk()
    wanted = frames_wanted(p, inputs.plate, on_disk)
    checks.check_frames(p, inputs, wanted, on_disk)
    tasks = make_tasks(p, inputs, wanted, on_disk)
    found = found_outputs(tasks)
    checks.check_files(p, inputs, tasks)
    camera = shot_camera(p.camera, str(inputs.plate))
    stage("reading the light")
    with ThreadPoolExecutor(1, thread_name_prefix="load") as loader, probes.threads(p) as pool:
        loading = loader.submit(load, p) if backbone is None else None
        source = _checked(_maps(p.source_env, colour, p), tasks) if p.source_env else None
        # If lights are only added, the plate's own light stays. A known source light is then also the target.
        target = source if p.keeps_light() and source else _checked(lighting(p, colour, camera), tasks)
        rig = rig_file.load(p.rig) if p.rig else None
        # No sample and no table depends on the backbone; they are made while it is loaded.
        plan = Plan(job, inputs, colour, target, source, camera, tasks, on_disk, backbone or Ratio(), None, found, rig)
        samples = {} if job.measured.anchor is not None else probes.sampled(plan, pool)
        if loading is not None:
            for light in (target, source):
                if light is not None and p.backbone == "relamp":
                    light.light(tasks[0].frame)
            stage(f"loading {p.backbone}")
            plan = replace(plan, backbone=loading.result())
        checks.check_backbone(p, colour, plan.backbone, source is not None)
        plan = replace(plan, head=_head(p), estimator=_estimator(p))
        if not probes.complete(plan):
            plan = replace(plan, job=RelightJob(p, probes.measured(plan, samples or probes.sampled(plan, pool))))
    if p.level_mode() == "background" and plan.job.measured.behind is None:
        plan = replace(plan, job=RelightJob(p, replace(plan.job.measured, behind=measured_behind(plan))))
    if _needs_ground(plan):
        plan = replace(plan, job=RelightJob(p, replace(plan.job.measured, ground=measured_ground(plan))))
    checks.check_ground(p, ground_of(plan))
    if p.anchor is not None:  # the job may hold an older measurement
        plan = replace(plan, job=RelightJob(p, replace(plan.job.measured, anchor=p.anchor)))
    return plan


def frames_wanted(parameters: RelightParameters, plate: Sequence, on_disk: tuple[int, ...]) -> tuple[int, ...]:
    """The frames to deliver: `--frames`, else the plate's from first to last in its own step, including gaps."""
    if parameters.frames:
        return parse_frames(parameters.frames)
    first, last = min(on_disk), max(on_disk)
    # A shot animated on twos is complete: its step is the most frequent distance between frames, not always 1.
    distances = Counter(b - a for a, b in pairwise(on_disk))
    step, count = distances.most_common(1)[0] if distances else (1, 0)
    on_step = count > 1 and all((frame - first) % step == 0 for frame in on_disk)
    if on_step and step > 1:
        log.warning("%s has every %d. frame; taken as a shot on steps of %d (else give --frames)", plate, step, step)
    return tuple(range(first, last + 1, step if on_step else 1))


def make_tasks(
    parameters: RelightParameters, inputs: Inputs, wanted: tuple[int, ...], on_disk: tuple[int, ...]
) -> tuple[FrameTask, ...]:
    """One task for each frame wanted, with the missing-frame policy applied (`checks.check_frames` comes first)."""
    present = set(wanted) if inputs.plate.is_still else set(on_disk)
    return tuple(_task(frame, frame in present, parameters.missing, on_disk, inputs) for frame in wanted)


def files_read(plans: Iterable[Plan]) -> set[Path]:
    """All files that these plans read: the pictures of all frames, the camera and the colour config."""
    read: set[Path] = set()
    for plan in plans:
        p = plan.parameters
        read |= plan.inputs.files(task.frame for task in plan.tasks)
        read |= {Path(file) for file in (p.camera, p.rig, p.config or os.environ.get("OCIO")) if file}
    return read


def describe(plan: Plan) -> str:
    """The text of `--dry-run`: the resolved frames, paths, settings and a memory estimate, one fact per line."""
    p = plan.parameters
    counts = {action: [t.frame for t in plan.tasks if t.action == action] for action in (RENDER, BLACK, SKIP)}
    first = plan.tasks[0]
    plates = [plan.inputs.plate.path(task.plate_frame) for task in plan.tasks]
    height, width = checks.of_first_readable(plates, exr.display_window).shape
    channels = checks.of_first_readable(plates, lambda path: exr.colour_channels(path, p.layer, p.view()))
    channels += f" of view {p.view()}" if p.view() else ""
    rig = plan.rig.at_frame(first.frame) if plan.rig else ()
    lines = [
        f"frames    {format_frames(counts[RENDER])}{_also(counts)}",
        f"plate     {plan.inputs.plate.path(first.plate_frame)} ({width} x {height}, {channels})",
        f"out       {first.out}",
        f"light     {plan.target}",
        *([f"rig       {p.rig} ({', '.join(light.name for light in rig) or 'no lights'})"] if p.rig else []),
        f"source    {plan.source or 'fitted to the plate'}",
        *_given(p),
        f"working   {plan.colour.working_space} ({plan.colour.config_id})",
        f"relight   {p.backbone}, level {p.level_mode()}, exposure factor {plan.job.measured.anchor:.4g}",
        f"memory    about {_memory_estimate(width, height, p):.1f} GB{_networks(plan, height, width)}",
    ]
    return "\n".join(lines)


def _given(p: RelightParameters) -> list[str]:
    """A line for each other input, and for what is written beside the beauty, where the job has it."""
    names = ("matte", "passes", "normals", "depth", "camera", "ground")
    given = {name: getattr(p, name) for name in names}
    given |= {"over": p.background if p.over else None, "layers": ", ".join(p.layers)}
    return [f"{name:<9} {value}" for name, value in given.items() if value]


def _task(frame: int, present: bool, policy: str, on_disk: tuple[int, ...], inputs: Inputs) -> FrameTask:
    out = inputs.out.path(frame)
    if present:
        return FrameTask(frame, RENDER, frame, out)
    earlier = [f for f in on_disk if f < frame]
    nearest = earlier[-1] if earlier else on_disk[0]
    return FrameTask(frame, {"skip": SKIP, "hold": RENDER, "black": BLACK}[policy], nearest, out)


def _maps(path: str, colour: Colour, parameters: RelightParameters) -> Illumination:
    if parameters.env_colorspace:
        colour.resolve(parameters.env_colorspace)
    return MapLight(Sequence.parse(path), colour, parameters.env_colorspace)


def _checked(light: Illumination, tasks: tuple[FrameTask, ...]) -> Illumination:
    light.require(tuple(task.frame for task in tasks if task.action != SKIP))
    light.environment(tasks[0].frame)  # a map that cannot be read stops the job before its first frame
    return light


def _head(parameters: RelightParameters) -> Head | None:
    """The deflicker head, where it is enabled and its strength is above 0."""
    p = parameters
    return load_head(p.device) if p.deflicker and p.deflicker_strength > 0 else None


def _estimator(parameters: RelightParameters) -> LoadedEstimator | None:
    """The estimator that the job names; None for `own` with the backbone `relamp`, which uses that one by default."""
    p = parameters
    if p.estimator is None or (p.estimator == "own" and p.backbone == "relamp"):
        return None
    return load_estimator(p.estimator, Models(p.models), p.accept, resolve_device(p.device), p.seed)


def _needs_ground(plan: Plan) -> bool:
    """Whether the ground under the subject must be looked for."""
    p = plan.parameters
    return wants_ground(p) and p.ground in (None, "found") and plan.job.measured.ground is None


def _also(counts: dict[str, list[int]]) -> str:
    words = [f", {format_frames(counts[action])} {action}" for action in (BLACK, SKIP) if counts[action]]
    return "".join(words)


def _networks(plan: Plan, height: int, width: int) -> str:
    """The memory of downloaded networks beside that, their device, and how many frames they process together."""
    backbone = plan.backbone
    if not isinstance(backbone, Demanding):
        return ""
    small_height, small_width = working_shape(height, width, plan.parameters.working_side())
    frames = len(plan.on_disk) if plan.span == "shot" else 1
    whole = f", {frames} frames at once" if plan.span == "shot" else ""
    return f"; networks about {backbone.memory(small_width, small_height, frames):.1f} GB on their device{whole}"


def _memory_estimate(width: int, height: int, parameters: RelightParameters) -> float:
    """Gigabytes: the arrays of one frame times the frames in progress, plus the memory of Python and its libraries."""
    floats = 30 + 3 * len(parameters.layers) + (3 * parameters.lamps if "lamps" in parameters.layers else 0)
    return 0.4 + parameters.threads * width * height * floats * 4 / 1e9
