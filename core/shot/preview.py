"""Previews: one frame of a job, relit quickly at a small size, shown while an artist changes the light.

A preview is `relight_frame` on a plate averaged by area, without the deflicker head and without treatment of grain. At full
size (`longer` 0) it is the frame of the render. Results that do not depend on the changed setting are kept: the plate and its
shape by frame, the shot's measurements by plate, the environments and the networks' tables by file, the network's answer by
light. A file counts as changed when its size or time changes.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from cachetools import LRUCache

from ..errors import InputError, UsageError
from ..job import READ_WITH, Measured, RelightJob
from ..light.rig import MOST
from ..light.sources import Illumination
from ..parameters import RelightParameters, default_of, knobs
from ..pictures.bands import working
from ..pictures.colour import Colour
from ..pictures.curves import MIDDLE_GREY
from ..pictures.resample import resize
from ..pictures.screen import Picture, Screens, View, as_bytes
from ..pictures.sequence import Sequence
from . import plan as plans
from .frame import RelitFrame, Shot, relight_frame
from .lights import LightMaps
from .network_input import proxy_of
from .passes_sheet import shown
from .plan import RENDER, FrameTask, Inputs, Plan
from .prepare import prepare
from .preview_ahead import LookAhead
from .preview_ground import ground_facts
from .preview_light import LightPictures
from .preview_plate import PreviewFrames, PreviewPlate, PreviewPlates, file_state
from .preview_rig import Gain, NeutralRigs
from .preview_stages import GIVEN, STAGES, given, lamp_of, layers_for, of_finished
from .shapes import SeenShapes

KEPT_PICTURES = 8  # pictures whose values can be read with `values`
KEPT_SHAPES = 16  # frames, of a few megabytes each
OUT = "relamp_preview.####.exr"  # a name for the plan; the file is never written

# Parameters that a prepared plan does not depend on: they are read anew for every preview.
_LIVE = ("env_rotate", "env_exposure", "background_exposure", "mix", "grain", "seed", "working_size")
# Amounts of the change of light, which are no input of any network (`Shot.with_amounts`).
_AMOUNTS = ("env_exposure", "mix", "grain")
_SHOT = (*READ_WITH, "anchor", "source_env", "env_level", "backbone")  # the shot's measurements depend on these


@dataclass(frozen=True)
class _Prepared:
    """A plan, and the settings and files it was prepared from."""

    key: Hashable
    plan: Plan


@dataclass(frozen=True)
class _Warm:
    """The shot of one plate under one light, with its network's predictions."""

    key: Hashable
    plate: PreviewPlate
    shot: Shot


@dataclass(frozen=True)
class _Relit:
    """The last relit frame with its layers; valid while its settings and its plate are the same."""

    key: Hashable
    layers: tuple[str, ...]
    relit: RelitFrame
    plate: PreviewPlate


class Previewer:
    """Makes previews of one job after another and keeps loaded networks and results between them."""

    def __init__(self) -> None:
        self._screens = Screens()
        self._plates = PreviewPlates()
        self._seen = SeenShapes(KEPT_SHAPES)
        self._maps = LightMaps()
        self._source: tuple[Hashable, Illumination | None] | None = None
        self._light_pictures = LightPictures(self._screens)
        self._rigs = NeutralRigs()
        self._linear: LRUCache[str, np.ndarray] = LRUCache(KEPT_PICTURES)
        self._measured: tuple[Hashable, str | None, Measured] | None = None
        self._prepared: _Prepared | None = None
        self._warm: _Warm | None = None
        self._relit: _Relit | None = None
        self._ahead = LookAhead()

    def look_ahead(self) -> bool:
        """Do one step of the work for the frame that is probably shown next (`LookAhead`); False where none is left."""
        return self._ahead.step()

    def picture(
        self,
        job: RelightJob,
        stage: str = "relit",
        frame: int | None = None,
        longer: int = 960,
        stops: float = 0.0,
        view: View = (None, None),
        name: str | None = None,
        dim: tuple[float, ...] = (),
    ) -> Picture:
        """One stage of one frame, over the display window.

        `matte`, `depth`, `roughness` and `metallic` are what is given of the subject, and `base` its albedo as light; near is
        bright in a depth. `plate`, `relit`, `lamp1` and so on, `rest`, `albedo` and `irradiance` are light; `proxy` is the
        network's input picture; `normals` are coded as n / 2 + 1 / 2; `hint` (the analytic gain) and `ratio` are gains, with 1
        shown as middle grey.

        Args:
            frame: the frame number; None for the plate's first.
            longer: largest length of the display window's longer side, px; 0 for the plate's own size.
            stops: exposure of the picture on the screen.
            view: display and view of the colour config, None for its defaults.
            name: the name of this picture for `values`; None means the stage.
            dim: factors on the lamps in `relit`, strongest first, the last one for the rest. They are applied to the layers that
                add up to `relit`, so nothing is computed again. Empty for no change. The lights of a rig come before the lamps,
                and their own strengths and colours are applied in the same way.

        Raises:
            RelampError: the errors of a render of that frame.
        """
        _check_stage(stage, dim, job.parameters)
        job.require("plate")
        parameters, rig = _preview_parameters(job.parameters), ()
        inputs, number = _inputs(parameters, frame)
        if longer:  # at full size it is the render's own frame, whose soft edges are not quite a sum of lights
            parameters, rig = self._rigs.split(parameters, number, self._colour(parameters))
        layers = layers_for(stage, bool(dim or rig))
        # Where nothing asks for the shadow on the ground, a render refuses a ground; a picture of the rest is shown all the same.
        ground = parameters.ground if "shadow" in layers else None
        job = RelightJob(replace(parameters, layers=layers, ground=ground), job.measured)
        frames = PreviewFrames(self._plates, job.parameters, inputs, self._colour(job.parameters), number, longer)
        plate = frames.plate
        linear = plate.over_display(self._linear_of(stage, job, frames, rig, dim))  # (h, w, 3)
        self._linear[name or stage] = linear
        screen = self._screens.screen(job.parameters.config, view)
        if stage in GIVEN and stage != "base":
            pixels = as_bytes(shown(stage, linear))
        else:
            pixels = as_bytes(linear) if stage == "normals" else screen.encode(linear, stops)
        display = plate.frame.display_window
        height, width = linear.shape[:2]
        facts = {
            "stage": stage,
            "frame": number,
            "width": width,
            "height": height,
            "full_width": display.width,
            "full_height": display.height,
            "pixel_aspect": plate.frame.pixel_aspect,
            "colorspace": plate.frame.colorspace,
            "distance": _distance(plate),
            **plate.camera.facts(),
            "exact": not rig and plate.scale == 1,
        }
        return Picture(pixels, facts)

    def values(self, name: str, x: float, y: float) -> tuple[float, ...]:
        """The last picture of that name at (x, y), 0 to 1 from its top left: three values in the working space."""
        linear = self._linear.get(name)
        if linear is None:
            raise UsageError(f"nothing was shown of {name!r} yet")
        height, width = linear.shape[:2]
        row, column = min(max(int(y * height), 0), height - 1), min(max(int(x * width), 0), width - 1)
        return tuple(float(value) for value in linear[row, column])

    def normal(
        self, job: RelightJob, frame: int | None, longer: int, x: float, y: float
    ) -> tuple[float, float, float] | None:
        """The subject's normal at (x, y), 0 to 1 from the top left: unit, in the camera's axes; None beside the subject."""
        self.picture(job, "normals", frame, longer, name="surface")
        coded = np.array(self.values("surface", x, y))
        length = float(np.linalg.norm(2 * coded - 1))
        if not coded.any() or length < 0.1:
            return None
        nx, ny, nz = (float(part) for part in (2 * coded - 1) / length)
        return nx, ny, nz

    def ground(self, job: RelightJob, frame: int | None, longer: int) -> dict[str, Any]:
        """The ground and the camera of a frame; see `ground_facts`."""
        parameters = _preview_parameters(job.parameters)
        inputs, number = _inputs(parameters, frame)
        frames = PreviewFrames(self._plates, parameters, inputs, self._colour(parameters), number, longer)
        return ground_facts(job.parameters, frames)

    def environment(
        self, job: RelightJob, frame: int, lamps: int, stops: float = 0.0, view: View = (None, None)
    ) -> Picture:
        """The new light as a lat-long picture; see `LightPictures.environment`."""
        return self._light_pictures.environment(job, frame, lamps, stops, view)

    def balls(self, job: RelightJob, frame: int, size: int = 96, view: View = (None, None)) -> Picture:
        """A grey and a chrome ball in the new light; see `LightPictures.balls`."""
        return self._light_pictures.balls(job, frame, size, view)

    def displays(self, config: str | None) -> tuple[Colour, dict[str, tuple[str, ...]]]:
        """A colour config, and the views of its displays, the defaults first. Raises `UsageError`."""
        return self._screens.displays(config)

    def _colour(self, p: RelightParameters) -> Colour:
        return self._screens.colour(p.config)

    def _linear_of(
        self, stage: str, job: RelightJob, frames: PreviewFrames, rig: tuple[Gain, ...], dim: tuple[float, ...]
    ) -> np.ndarray:
        """The pixels of a stage over the data window, (h, w, 3)."""
        plate = frames.plate
        if stage == "plate":
            return plate.plate
        subject = plate.require_subject()
        if stage in GIVEN:
            return given(stage, subject)
        if stage == "normals":
            there = (subject.weight > 0) & subject.known
            return np.where(there[..., None], subject.normals * 0.5 + 0.5, 0).astype(np.float32)
        job.require("env")
        if plate.scale < 1:  # an averaged plate has almost no grain
            job = replace(job, parameters=replace(job.parameters, grain="off"))
        plan, key = self._plan(job, frames.number)
        if stage == "proxy":
            proxy = proxy_of(subject, plan)
            return resize(proxy.light * proxy.matte[..., None], subject.weight.shape)
        relit = self._relight(plan, key, frames)
        if plate.scale < 1:  # a frame at full size takes much memory, and is looked at by itself
            self._ahead.shown(plan, frames, self._seen)
        if stage == "hint":
            gain = np.exp(relit.shading.hint.at(relit.subject.normals))
            return np.where((subject.weight > 0)[..., None], gain * np.float32(MIDDLE_GREY), 0)
        return of_finished(stage, relit.finished, subject, rig, dim)

    def _relight(self, plan: Plan, prepared: Hashable, frames: PreviewFrames) -> RelitFrame:
        """The relit frame with the layers of the plan, kept until any of its inputs changes."""
        wanted, number = plan.parameters.layers, frames.number
        beside = tuple(frames.identity((f, f)) for f in plan.on_disk)
        key = (replace(plan.parameters, layers=()), prepared, beside)
        kept = self._relit
        if kept is None or kept.key != key or kept.plate is not frames.plate or not set(wanted) <= set(kept.layers):
            task = FrameTask(number, RENDER, number, plan.tasks[0].out)
            with working(plan.parameters.threads - 1):
                relit = relight_frame(self._shot(plan, (prepared, beside), frames), task)
            self._relit = kept = _Relit(key, wanted, relit, frames.plate)
        return kept.relit

    def _shot(self, plan: Plan, prepared: Hashable, frames: PreviewFrames) -> Shot:
        """The plan's shot of one frame, with the network's prediction kept where only the amounts changed."""
        p = replace(plan.parameters, **{name: default_of(name) for name in _AMOUNTS})
        key, warm = (p, prepared, frames.number), self._warm
        if warm is None or warm.key != key or warm.plate is not frames.plate:
            shot = Shot.of(plan, frames, like=warm and warm.shot, seen=self._seen, maps=self._maps)
            self._warm = warm = _Warm(key, frames.plate, shot)
        return warm.shot.with_amounts(plan)

    def _plan(self, job: RelightJob, number: int) -> tuple[Plan, Hashable]:
        """A plan of the one frame `number`, and the key of what it was prepared from; kept while that key stays the same."""
        p = job.parameters
        lights = [file_state(Sequence.parse(path).path(number)) for path in (p.env, p.source_env, p.background) if path]
        still = [name for name, k in knobs() if name in _LIVE or (k.group in ("output", "run") and name != "device")]
        if p.estimator is not None:  # it is loaded with the seed
            still.remove("seed")
        fixed = replace(p, **{name: default_of(name) for name in still})
        key = (fixed, tuple(lights), *(file_state(Path(file)) if file else None for file in (p.camera, p.rig)))
        prepared = self._prepared
        if prepared is None or prepared.key != key:
            # Both hold networks. They are released before new ones are loaded, because two may not fit in memory.
            self._prepared = self._warm = None
            self._ahead = LookAhead()
            plan = prepare(RelightJob(replace(p, frames=str(number)), self._measurements(job)))
            self._measured = (_key(p, _SHOT), p.background, plan.job.measured)
            plan = replace(plan, source=self._same_source(p, plan.source, number))
            self._prepared = prepared = _Prepared(key, plan)
        plan = prepared.plan
        for light in (plan.target, plan.source):
            if light is not None:
                light.require((number,))
        plan = replace(plan, job=RelightJob(p, plan.job.measured))
        near = range(number - plan.reach, number + plan.reach + 1)
        there = tuple(f for f in near if f == number or plan.inputs.plate.path(f).is_file())
        return replace(plan, on_disk=there), key

    def _same_source(self, p: RelightParameters, source: Illumination | None, number: int) -> Illumination | None:
        """The source light of a plan made anew: the one of the last plan, with its tables, where its file is the same."""
        file = Sequence.parse(p.source_env).path(number) if p.source_env else None
        key = (p.source_env, p.env_colorspace, p.config, file and file_state(file))
        if self._source is None or self._source[0] != key:
            self._source = (key, source)
        return self._source[1]

    def _measurements(self, job: RelightJob) -> Measured:
        if job.measured.anchor is not None or self._measured is None:
            return job.measured
        key, background, measured = self._measured
        if key != _key(job.parameters, _SHOT):
            return job.measured
        return measured if background == job.parameters.background else replace(measured, behind=None)


def _inputs(p: RelightParameters, frame: int | None) -> tuple[Inputs, int]:
    inputs = plans.resolve_inputs(p)
    if frame is None:
        return inputs, inputs.plate.frames_on_disk()[0]
    path = inputs.plate.path(frame)
    if not path.is_file():
        raise InputError(f"frame {frame} of {inputs.plate} is not there")
    return inputs, frame


def _check_stage(stage: str, dim: tuple[float, ...], p: RelightParameters) -> None:
    lamps = p.lamps + (MOST if p.rig else 0)
    if stage not in STAGES and not 1 <= lamp_of(stage) <= lamps:
        raise UsageError(f"stage must be one of {', '.join(STAGES)}, or lamp1 to lamp{lamps}; got {stage!r}")
    if dim and len(dim) != p.lamps + 1:
        raise UsageError(f"dim takes {p.lamps + 1} numbers, the last for the rest; got {len(dim)}")


def _distance(plate: PreviewPlate) -> float | None:
    """How far the subject's middle is, in the depth's unit; None without a depth."""
    subject = plate.subject
    if subject is None or subject.depth is None:
        return None
    seen = subject.depth[(subject.weight > 0.5) & (subject.depth > 0)]
    return float(np.median(seen)) if seen.size else None


def _preview_parameters(p: RelightParameters) -> RelightParameters:
    """The parameters of a preview: without those for output files."""
    fixed = {name: default_of(name) for name, k in knobs() if k.group in ("output", "run") and name != "device"}
    more = {"out": OUT, "overwrite": True, "missing": "error", "lamps": p.lamps}
    # The deflicker head would need three more relit frames on each side.
    return replace(p, **{**fixed, **more, "deflicker": False})


def _key(p: RelightParameters, names: tuple[str, ...]) -> Hashable:
    return tuple(getattr(p, name) for name in names)
