"""The plan of a render, as data: frames, files, the light, and a fingerprint of everything that affects a frame's pixels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import VERSION
from .. import job as jobs
from ..atomic import file_state
from ..errors import UsageError
from ..light.camera import CameraMove
from ..light.rig import Rig
from ..light.sources import Illumination
from ..parameters import PUBLISHED, RelightParameters, at_frame, knobs
from ..pictures import exr
from ..pictures.colour import Colour
from ..pictures.sequence import Sequence
from ..relighter.answer import Backbone, Seeing
from ..temporal import Head
from ..temporal.align import RADIUS
from ..temporal.steady_shape import RADIUS as SHAPE_RADIUS
from ..temporal.windows import Span, depends_on

if TYPE_CHECKING:
    from ..relighter.models.estimator_files import LoadedEstimator

MATERIALS = ("albedo", "roughness", "metallic")
RENDER, SKIP, BLACK = "render", "skip", "black"


@dataclass(frozen=True)
class FrameTask:
    """One frame to deliver: its action, the plate frame it is made from, and its output file."""

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
    depth: Sequence | None
    matte_channel: str | None
    normals_layer: str | None
    depth_layer: str | None
    lights: tuple[Sequence, ...]
    background: Sequence | None = None
    passes: Sequence | None = None
    materials: Mapping[str, tuple[Sequence, str | None]] = field(default_factory=dict)
    """`albedo`, `roughness` and `metallic` where they are given as single files: the files, and the named layer."""

    def files(self, frames: Iterable[int], every: bool = True) -> set[Path]:
        """The files read per frame: those of `frames`, whether they exist or not, and with `every` all others that exist."""
        singles = (sequence for sequence, _ in self.materials.values())
        read = [s for s in (self.plate, self.matte, self.normals, self.depth, self.passes, *singles, *self.lights) if s]
        wanted = set(frames)
        return {s.file(frame) for s in read for frame in (wanted | set(s.existing()) if every else wanted)}


@dataclass(frozen=True)
class Plan:
    """A checked and measured job. Nothing in it depends on the pixels of the frames to render.

    `found` holds the state, by frame, of the output files that existed when the plan was made. `estimator` is the
    estimator of shape and surface that the job names, else None.
    """

    job: jobs.RelightJob
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
    rig: Rig | None = None
    estimator: LoadedEstimator | None = None

    @property
    def parameters(self) -> RelightParameters:
        """The job's parameters."""
        return self.job.parameters

    @property
    def looks(self) -> bool:
        """Whether this plan needs frames at the working size: for a network, the deflicker or the tracing of lights."""
        traces = self.parameters.shadows > 0 or self.rig is not None
        return self.backbone.network is not None or self.head is not None or traces

    @property
    def span(self) -> Span:
        """How many frames are relit together."""
        return "frame" if self.backbone.network is None else self.backbone.network.span

    @property
    def radius(self) -> int:
        """How many neighbours on each side the deflicker uses for one frame."""
        return 0 if self.head is None else self.head.RADIUS

    @property
    def reach(self) -> int:
        """How many neighbours on each side the estimated shape of one frame is averaged over."""
        steady = self.parameters.temporal and isinstance(self.backbone.network, Seeing)
        return SHAPE_RADIUS if steady else 0

    @property
    def keeps_by_facing(self) -> bool:
        """Whether the level that the subject keeps is worked out from what its surfaces face; else the relighter keeps it."""
        p = self.parameters
        divides = self.source is not None or self.backbone.network is None
        return p.level_mode() != "absolute" and divides and not p.keeps_light() and p.backbone not in PUBLISHED

    def near(self, frame: int) -> frozenset[int]:
        """The frames that can serve as neighbours of `frame` in time, with `frame` itself; a still plate has no others."""
        return frozenset((frame,)) if self.inputs.plate.is_still else self._there

    @cached_property
    def _there(self) -> frozenset[int]:
        return frozenset(self.on_disk)

    @cached_property
    def look(self) -> dict[str, Any]:
        """The part of the fingerprint that all frames share."""
        camera = self.parameters.camera
        return {
            **jobs.look(self.job),
            "version": ".".join(VERSION.split(".")[:2]),
            "config": self.colour.config_id,
            "camera": jobs.fingerprint({"text": Path(camera).read_text("utf-8")}) if camera else None,
            "rig": jobs.fingerprint({"rig": repr(self.rig)}) if self.rig else None,
            "weights": self.backbone.weights,
            "span": self.span,
            "reach": self.reach,
            "head": self.head.weights if self.head else "",
            "estimator": self.estimator.digest if self.estimator else "",
        }

    def fingerprint(self, task: FrameTask) -> str:
        """SHA-256 of everything that affects the pixels of a frame: settings, light, and the state of its inputs."""
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
            "channels": [
                self.inputs.matte_channel,
                self.inputs.normals_layer,
                self.inputs.depth_layer,
                *([name, layer] for name, (_, layer) in self.inputs.materials.items()),
                *self.parameters.views,
            ],
            "black": task.action == BLACK,
            "beside": self._beside(task.plate_frame),
        }
        return jobs.fingerprint(facts)

    @cached_property
    def _idle(self) -> frozenset[str]:
        """Parameters without effect in this plan; they are left out of the fingerprint."""
        p, network = self.parameters, self.backbone.network
        unused = {
            **dict.fromkeys(("temporal", "deflicker"), True),  # their effect is in `reach` and in the head's weights
            "deflicker_strength": self.head is None,
            "ensemble": network is None,
            "steps": network is None or not network.steps,
            "seed": self.estimator is None and (network is None or not network.seeded(p.steps)),
            "working_size": not self.looks,
            "shadows": p.backbone in PUBLISHED,
            "lamps": "lamps" not in p.layers,
            "ground": not (p.over or "shadow" in p.layers),
            "background_fit": not p.over,
            **{name: p.backbone not in PUBLISHED for name, k in knobs() if k.group == "published"},
        }
        return frozenset(name for name, is_unused in unused.items() if is_unused)

    def _states(self, frame: int) -> list[list[int] | None]:
        """The state of the files of a frame of the plate, None for a file that does not exist or is not given."""
        given = self.inputs
        files = [given.plate, given.matte, given.normals, given.depth, given.passes]
        files += [sequence for sequence, _ in given.materials.values()]
        if self.backbone.network is not None:
            files.append(self.inputs.background)
        return [file_state(s.file(frame)) if s else None for s in files]

    def _beside(self, frame: int) -> list[list[Any]]:
        """The facts of the other frames that the result of a frame depends on."""
        if self.span == "shot":
            return self._clip
        # An estimator's results for a frame are averaged with those for its neighbours.
        radius = self.radius + max(self.reach, 0 if self.estimator is None else RADIUS)
        return self._facts(f for f in depends_on(frame, self.span, radius, self.near(frame)) if f != frame)

    @cached_property
    def _clip(self) -> list[list[Any]]:
        return self._facts(self.on_disk)

    def _facts(self, frames: Iterable[int]) -> list[list[Any]]:
        """Number, files, light and rotation of other frames."""
        lights = [light.sequence for light in (self.target, self.source) if light and light.sequence]
        return [
            [
                f,
                *self._states(f),
                *(file_state(s.path(f)) for s in lights),
                list(at_frame(self.parameters.env_rotate, f)),
            ]
            for f in frames
        ]


def resolve_inputs(parameters: RelightParameters) -> Inputs:
    """Parse the job's paths. Raises `UsageError` for a path that is neither a file nor a sequence."""
    p = parameters
    assert p.plate
    assert p.out
    if p.passes and p.passes.isdigit():
        raise UsageError(f"--passes takes files of passes; IC-Light's count is --ic-light-passes {p.passes}")
    matte, matte_channel = exr.split_layer(p.matte) if p.matte else (None, None)
    normals, normals_layer = exr.split_layer(p.normals) if p.normals else (None, None)
    depth, depth_layer = exr.split_layer(p.depth) if p.depth else (None, None)
    return Inputs(
        plate=Sequence.parse(p.plate),
        out=Sequence.parse(p.out),
        matte=Sequence.parse(matte) if matte else None,
        normals=Sequence.parse(normals) if normals else None,
        depth=Sequence.parse(depth) if depth else None,
        matte_channel=matte_channel,
        normals_layer=normals_layer,
        depth_layer=depth_layer,
        lights=tuple(Sequence.parse(path) for path in (p.env, p.source_env, p.background) if path),
        background=Sequence.parse(p.background) if p.background else None,
        passes=Sequence.parse(p.passes) if p.passes else None,
        materials={name: _layered(path) for name in MATERIALS if (path := getattr(p, name))},
    )


def _layered(text: str) -> tuple[Sequence, str | None]:
    path, layer = exr.split_layer(text)
    return Sequence.parse(path), layer
