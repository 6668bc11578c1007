"""What a render will do, decided before any work: frames, paths, gaps, and which frames are already done. Floor 3."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

from .. import VERSION
from .. import job as jobs
from ..atomic import require_free
from ..errors import InputError, UsageError
from ..frames import format_frames, parse_frames
from ..job import RelightJob
from ..light.camera import CameraMove
from ..light.sources import Illumination
from ..parameters import PUBLISHED, RelightParameters, at_frame, default_of, knobs
from ..pictures import exr
from ..pictures.colour import Colour
from ..pictures.sequence import Sequence
from ..relighter.answer import Backbone
from ..temporal import Head
from ..temporal.windows import Span, depends_on

log = logging.getLogger("relamp")

RENDER, SKIP, BLACK = "render", "skip", "black"


@dataclass(frozen=True)
class FrameTask:
    """One frame of the list: what happens to it, from which plate frame, into which file."""

    frame: int
    action: str
    plate_frame: int
    out: Path


@dataclass(frozen=True)
class Inputs:
    """The sequences of a job, parsed; `None` where not given."""

    plate: Sequence
    out: Sequence
    matte: Sequence | None
    normals: Sequence | None
    matte_channel: str | None
    normals_layer: str | None
    lights: tuple[Sequence, ...]
    background: Sequence | None = None

    def files(self, frames: Iterable[int], every: bool = True) -> set[Path]:
        """What is read frame by frame: the files of these frames, whether they exist or not, and `every` other there is."""
        read = [s for s in (self.plate, self.matte, self.normals, *self.lights) if s]
        wanted = set(frames)
        return {s.path(frame) for s in read for frame in (wanted | set(s.existing()) if every else wanted)}


@dataclass(frozen=True)
class Plan:
    """A job made ready: nothing in it looks at pixels of the frames to render.

    `found` holds the state of the output files that were there when the plan was made, by frame.
    """

    job: RelightJob
    inputs: Inputs
    colour: Colour
    target: Illumination
    source: Illumination | None
    camera: CameraMove
    tasks: tuple[FrameTask, ...]
    on_disk: tuple[int, ...]
    backbone: Backbone
    head: Head | None = None
    found: Mapping[int, list[int]] = field(default_factory=dict)

    @property
    def parameters(self) -> RelightParameters:
        """The job's parameters."""
        return self.job.parameters

    @property
    def looks(self) -> bool:
        """Whether pictures of the working size are looked at at all."""
        return self.backbone.network is not None or self.head is not None

    @property
    def span(self) -> Span:
        """How many frames are relit together."""
        return "frame" if self.backbone.network is None else self.backbone.network.span

    @property
    def radius(self) -> int:
        """How many frames to both sides steady one."""
        return 0 if self.head is None else self.head.RADIUS

    def near(self, frame: int) -> frozenset[int]:
        """The frames that may stand beside one: those on disk. A still plate has nothing moving beside it."""
        return frozenset((frame,)) if self.inputs.plate.is_still else self._there

    @cached_property
    def _there(self) -> frozenset[int]:
        return frozenset(self.on_disk)

    @cached_property
    def look(self) -> dict[str, Any]:
        """What all frames' fingerprints share."""
        camera = self.parameters.camera
        return {
            **jobs.look(self.job),
            "version": ".".join(VERSION.split(".")[:2]),
            "config": self.colour.config_id,
            "camera": jobs.fingerprint({"text": Path(camera).read_text("utf-8")}) if camera else None,
            "weights": self.backbone.weights,
            "span": self.span,
            "head": self.head.weights if self.head else "",
        }

    def fingerprint(self, task: FrameTask) -> str:
        """SHA-256 of everything that decides the pixels of a frame: settings, light, and the state of its inputs."""
        settings = dict(self.look["parameters"])
        for name, k in knobs():
            if k.animatable:
                value = at_frame(getattr(self.parameters, name), task.frame)
                settings[name] = list(value) if isinstance(value, tuple) else value
        settings = {name: value for name, value in settings.items() if name not in self._idle}
        facts = {
            **self.look,
            "parameters": settings,
            "env": self.target.digest(task.frame),
            "source_env": self.source.digest(task.frame) if self.source else None,
            "files": self._states(task.plate_frame),
            "channels": [self.inputs.matte_channel, self.inputs.normals_layer, *self.parameters.views],
            "black": task.action == BLACK,
            "beside": self._beside(task.plate_frame),
        }
        return jobs.fingerprint(facts)

    @cached_property
    def _idle(self) -> frozenset[str]:
        """Parameters that decide nothing here, so that changing them renders nothing again."""
        p, network = self.parameters, self.backbone.network
        idle = {"temporal", "deflicker"}  # what comes of them is in the span and in the head's weights
        if network is None:
            idle |= {"steps", "ensemble"}
        elif not network.steps:
            idle.add("steps")
        if network is None or not network.seeded(p.steps):
            idle.add("seed")
        if not self.looks:
            idle.add("working_size")
        if self.head is None:
            idle.add("deflicker_strength")
        if "lamps" not in p.layers:
            idle.add("lamps")
        if p.backbone not in PUBLISHED:
            idle |= {name for name, k in knobs() if k.group == "published"}
        return frozenset(idle)

    def _states(self, frame: int) -> list[list[int] | None]:
        """What tells whether the files of a frame of the plate are still the same."""
        files = [self.inputs.plate, self.inputs.matte, self.inputs.normals]
        if self.backbone.network is not None:
            files.append(self.inputs.background)
        return [_state(s.path(frame)) if s else None for s in files]

    def _beside(self, frame: int) -> list[list[Any]]:
        """The same for the other frames that a result depends on, and their light."""
        if self.span == "shot":
            return self._clip
        return self._facts(f for f in depends_on(frame, self.span, self.radius, self.near(frame)) if f != frame)

    @cached_property
    def _clip(self) -> list[list[Any]]:
        return self._facts(self.on_disk)

    def _facts(self, frames: Iterable[int]) -> list[list[Any]]:
        lights = [light.sequence for light in (self.target, self.source) if light and light.sequence]
        return [
            [f, *self._states(f), *(_state(s.path(f)) for s in lights), list(at_frame(self.parameters.env_rotate, f))]
            for f in frames
        ]


def resolve_inputs(parameters: RelightParameters) -> Inputs:
    """Parse the job's paths. Raises `UsageError` for paths that cannot be meant."""
    assert parameters.plate
    assert parameters.out
    matte, matte_channel = exr.split_layer(parameters.matte) if parameters.matte else (None, None)
    normals, normals_layer = exr.split_layer(parameters.normals) if parameters.normals else (None, None)
    return Inputs(
        plate=Sequence.parse(parameters.plate),
        out=Sequence.parse(parameters.out),
        matte=Sequence.parse(matte) if matte else None,
        normals=Sequence.parse(normals) if normals else None,
        matte_channel=matte_channel,
        normals_layer=normals_layer,
        lights=tuple(
            Sequence.parse(path) for path in (parameters.env, parameters.source_env, parameters.background) if path
        ),
        background=Sequence.parse(parameters.background) if parameters.background else None,
    )


def frames_wanted(parameters: RelightParameters, plate: Sequence, on_disk: tuple[int, ...]) -> tuple[int, ...]:
    """The frames to deliver: `--frames`, else the plate's from first to last in its own step, gaps included."""
    if parameters.frames:
        return parse_frames(parameters.frames)
    first, last = min(on_disk), max(on_disk)
    # A shot on twos is whole: its own step is the commonest distance, not always 1.
    distances = Counter(b - a for a, b in pairwise(on_disk))
    step, count = distances.most_common(1)[0] if distances else (1, 0)
    on_step = count > 1 and all((frame - first) % step == 0 for frame in on_disk)
    if on_step and step > 1:
        log.warning("%s has every %d. frame; taken as a shot on steps of %d (else give --frames)", plate, step, step)
    return tuple(range(first, last + 1, step if on_step else 1))


def make_tasks(parameters: RelightParameters, inputs: Inputs, on_disk: tuple[int, ...]) -> tuple[FrameTask, ...]:
    """One task a frame, with the missing-frame policy applied. Raises `InputError` for gaps under `error`."""
    wanted = frames_wanted(parameters, inputs.plate, on_disk)
    if inputs.out.is_still and len(wanted) > 1:
        raise UsageError(
            f"--out {inputs.out} is one file for {len(wanted)} frames; put #### before its extension, as in relit.####.exr"
        )
    if not str(inputs.out).lower().endswith(".exr"):
        raise UsageError(f"--out {inputs.out} must end in .exr; Relamp writes scene-linear EXR only")
    present = set(wanted) if inputs.plate.is_still else set(on_disk)
    gaps = [frame for frame in wanted if frame not in present]
    if gaps and parameters.missing == "error":
        raise InputError(
            f"{inputs.plate}: frames {format_frames(gaps)} are missing (on disk: {format_frames(on_disk)}); "
            "give --frames without them, or --missing skip, hold or black"
        )
    return tuple(_task(frame, frame in present, parameters.missing, on_disk, inputs) for frame in wanted)


def check_existing(parameters: RelightParameters, tasks: tuple[FrameTask, ...]) -> None:
    """Refuse to write over frames nobody said to write over, before any work."""
    if parameters.overwrite or parameters.skip_existing != "off":
        return
    there = [task.frame for task in tasks if task.action != SKIP and task.out.exists()]
    if there:
        raise UsageError(
            f"{tasks[0].out.parent or '.'}: frames {format_frames(there)} are already there; "
            "pass --skip-existing to keep finished ones or --overwrite to render them again"
        )


def found_outputs(tasks: tuple[FrameTask, ...]) -> dict[int, list[int]]:
    """The state of the output files that are there already, by frame."""
    states = {task.frame: _state(task.out) for task in tasks}
    return {frame: state for frame, state in states.items() if state is not None}


def check_not_over_input(inputs: Inputs, tasks: tuple[FrameTask, ...]) -> None:
    """Raise `UsageError` where an output is a file that the job reads, or would be a new frame of what it reads."""
    frames = {frame for task in tasks for frame in (task.frame, task.plate_frame)}
    # A file that is there may be any frame of an input, as --out plate.1001.exr is; else there is no need to list them all.
    there = any(task.out.exists() for task in tasks)
    require_free([task.out for task in tasks], True, inputs.files(frames, every=there))


def may_replace(plan: Plan, task: FrameTask) -> bool:
    """Whether a finished frame may take the place of the file that lies at its output now.

    That is so where `--overwrite` was given, where `finished` judged this very file when the render began, and where the
    file holds the same frame, made with the same settings by another process.

    Raises:
        UsageError: another program, or a render with other settings, wrote the file while this one ran.
    """
    state = _state(task.out)
    if plan.parameters.overwrite or (state is not None and state == plan.found.get(task.frame)):
        return True
    if _made_by(task.out) == plan.fingerprint(task):
        return True
    raise _appeared(task)


def require_inputs(inputs: Inputs, tasks: tuple[FrameTask, ...]) -> None:
    """Raise `InputError` unless matte, normals and background have every frame that will be rendered."""
    frames = tuple(task.plate_frame for task in tasks if task.action == RENDER)
    given = (("--matte", inputs.matte), ("--normals", inputs.normals), ("--background", inputs.background))
    for option, sequence in given:
        missing = sequence.missing(frames) if sequence else ()
        if sequence and missing:
            what = "does not exist" if sequence.is_still else f"has no frames {format_frames(missing)}"
            raise InputError(f"{option} {sequence} {what}")


def refuse_idle(parameters: RelightParameters, backbone: Backbone) -> None:
    """Raise `UsageError` for a setting that somebody chose and that nothing here would look at."""
    p, network = parameters, backbone.network
    if p.ensemble != default_of("ensemble") and network is None:
        raise UsageError(
            f"--ensemble {p.ensemble} asks a network at several exposures, and --backbone {p.backbone} has none; leave it "
            "out, or give --backbone relamp"
        )
    if p.steps is not None and network is not None and not network.steps:
        raise UsageError(
            f"--steps {p.steps} is for networks that denoise, and --backbone {p.backbone} works its answer out at once; "
            "leave it out"
        )
    # A network looks at a background even where none is given: the map, seen through the camera.
    idle = network is None and p.lit_by() != "background"
    if idle and p.background_exposure != default_of("background_exposure"):
        raise UsageError(
            f"--background-exposure is for a background that lights the subject or that a network looks at; here the light "
            f"comes of --{p.lit_by()}, and --backbone {p.backbone} looks at none: leave it out"
        )


def finished(plan: Plan, task: FrameTask) -> tuple[bool, str]:
    """Whether a task's output is there, whole, and made with these settings; and why not, for the log.

    Raises `UsageError` when a file lies there that is not Relamp's, or that was written since the plan was made.
    """
    if not task.out.exists():
        return False, ""
    p, found, broken = plan.parameters, None, None
    try:
        found = exr.header(task.out).get("relamp/job")
        if p.verify:
            exr.verify(task.out)
    except InputError as error:
        broken = error
    ours = found == plan.fingerprint(task)
    if not broken and (ours or p.skip_existing == "any"):
        return True, ""
    if found is None and not p.overwrite:
        why = f" and cannot be read as EXR ({broken})" if broken else ""
        raise UsageError(
            f"{task.out} was not made by Relamp{why}; choose another --out, or give --overwrite to replace it"
        )
    if broken:
        return False, f"{task.out.name} is there but broken ({broken}); rendering it again"
    if not p.overwrite and _state(task.out) != plan.found.get(task.frame):
        raise _appeared(task)
    return False, f"{task.out.name} was made with other settings; rendering it again (--skip-existing=any keeps it)"


def _task(frame: int, present: bool, policy: str, on_disk: tuple[int, ...], inputs: Inputs) -> FrameTask:
    out = inputs.out.path(frame)
    if present:
        return FrameTask(frame, RENDER, frame, out)
    earlier = [f for f in on_disk if f < frame]
    nearest = earlier[-1] if earlier else on_disk[0]
    return FrameTask(frame, {"skip": SKIP, "hold": RENDER, "black": BLACK}[policy], nearest, out)


def _made_by(path: Path) -> object:
    """The fingerprint in the header of a file; None where it has none or cannot be read."""
    try:
        return exr.header(path).get("relamp/job")
    except InputError:
        return None


def _appeared(task: FrameTask) -> UsageError:
    return UsageError(
        f"{task.out} was written with other settings while this render ran, and stays as it is; "
        "give one of the two another --out, or --overwrite to replace it"
    )


def _state(path: Path) -> list[int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return [found.st_size, found.st_mtime_ns]
