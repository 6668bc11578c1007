"""Prepares a job of passes: checks it against the files on disk, measures the plate's exposure, loads the estimator."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from ..errors import InputError, UsageError
from ..frames import format_frames
from ..gain.proxy import probe_frames
from ..job import Measured, RelightJob
from ..light.camera import shot_camera
from ..pictures import exr
from ..pictures.colour import Colour
from ..process import pin_opencv
from ..relighter import resolve_device
from ..relighter.models.estimator_files import LoadedEstimator
from ..relighter.models.estimator_files import load as load_estimator
from ..relighter.models.folder import Models
from . import checks
from .measure import anchor_of
from .outputs import found_outputs
from .passes_plan import FILE_NAMES, LAYERS, MATTE, PLANES, PassesPlan
from .plan import BLACK, RENDER, SKIP, Inputs, resolve_inputs
from .prepare import frames_wanted, make_tasks
from .probes import frame_samples, probed


def prepare_passes(job: RelightJob, layers: tuple[str, ...] = ()) -> PassesPlan:
    """Check a job of passes and decide what will be done, before any work; measure the plate's exposure.

    Args:
        layers: of `LAYERS`; empty means all that the estimator gives.

    Raises:
        UsageError: settings that cannot work, outputs that would be overwritten, or layers that the estimator does not give.
        InputError: an input or the estimator's files are missing or unreadable.
    """
    job.require("plate", "out")
    p = job.parameters
    if len(p.views) > 1:
        raise UsageError(f"--views {','.join(p.views)}: passes are made of one view at a time; call it once for each")
    pin_opencv()
    colour = Colour(p.config)
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
    loaded = load_estimator(p.estimator or "own", Models(p.models), p.accept, resolve_device(p.device), p.seed)
    camera = shot_camera(p.camera, str(inputs.plate))
    made = _layers(layers, loaded, _has_matte(inputs, on_disk))
    plan = PassesPlan(job, inputs, colour, camera, tasks, on_disk, made, loaded, found)
    if p.anchor is not None:
        return replace(plan, job=RelightJob(p, Measured(anchor=p.anchor)))
    if job.measured.anchor is None:
        return replace(plan, job=RelightJob(p, _measured(plan)))
    return plan


def describe(plan: PassesPlan) -> str:
    """The text of `--dry-run`, one fact per line."""
    counts = {action: [t.frame for t in plan.tasks if t.action == action] for action in (RENDER, BLACK, SKIP)}
    others = "".join(f", {format_frames(counts[a])} {a}" for a in (BLACK, SKIP) if counts[a])
    first = plan.tasks[0]
    height, width = exr.display_window(plan.inputs.plate.path(first.plate_frame)).shape
    lines = [
        f"frames    {format_frames(counts[RENDER]) or 'none'}{others}",
        f"plate     {plan.inputs.plate.path(first.plate_frame)} ({width} x {height})",
        f"out       {first.out}",
        f"layers    {', '.join(FILE_NAMES.get(name, name) for name in plan.layers)}",
        f"estimator {'; '.join(plan.loaded.used)}, at {plan.loaded.estimator.size} px",
        f"exposure  factor {plan.job.measured.anchor:.4g}",
    ]
    return "\n".join(lines)


def _has_matte(inputs: Inputs, on_disk: tuple[int, ...]) -> bool:
    """Whether a matte is given, or the plate has an alpha."""
    if inputs.matte is not None:
        return True
    paths = (inputs.plate.path(frame) for frame in on_disk)
    return "A" in checks.of_first_readable(paths, exr.channel_names)


def _layers(asked: tuple[str, ...], loaded: LoadedEstimator, has_matte: bool) -> tuple[str, ...]:
    """The layers to write, in the order of `LAYERS`; the matte is among them where it is given or estimated."""
    gives = loaded.estimator.gives | ({MATTE} if has_matte else frozenset())
    there = tuple(name for name in LAYERS if PLANES.get(name, name) in gives)
    lacking = [name for name in asked if name not in there]
    if lacking:
        raise UsageError(
            f"--layers {','.join(lacking)}: --estimator {loaded.estimator.name} gives {', '.join(there)}; leave out what "
            "it does not give, or name another estimator"
        )
    return tuple(name for name in there if not asked or name in asked)


def _measured(plan: PassesPlan) -> Measured:
    frames = probe_frames(plan.on_disk)
    with ThreadPoolExecutor(plan.parameters.threads, thread_name_prefix="probe") as pool:
        seen = {frame: pool.submit(frame_samples, plan, frame) for frame in frames}
        samples = list(probed(frames, lambda frame: seen[frame].result()))
    if not samples:
        raise InputError(f"{plan.inputs.plate}: no frame of it can be measured")
    return Measured(frames, anchor_of(samples, plan.colour.luminance_weights))
