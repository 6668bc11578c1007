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

import numpy as np
from cachetools import LRUCache

from ..errors import InputError, UsageError
from ..gain.finish import Finished, Subject
from ..job import READ_WITH, Measured, RelightJob
from ..parameters import NEW_LAYERS, RelightParameters, default_of, knobs
from ..pictures.colour import Colour
from ..pictures.curves import MIDDLE_GREY
from ..pictures.resample import resize
from ..pictures.screen import Picture, Screens, View, as_bytes
from ..pictures.sequence import Sequence
from . import plan as plans
from .frame import RelitFrame, Shot, relight_frame
from .network_input import proxy_of
from .plan import RENDER, FrameTask, Inputs, Plan
from .prepare import prepare
from .preview_light import LightPictures
from .preview_plate import PreviewFrames, PreviewPlate, PreviewPlates, file_state
from .shapes import SeenShapes

LAYERS = tuple(name for name in NEW_LAYERS if name not in ("ratio", "normals", "lamps"))
STAGES = ("plate", "proxy", "normals", "hint", "ratio", "relit", *LAYERS, "rest")  # and lamp1, lamp2 and so on
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
        self._light_pictures = LightPictures(self._screens)
        self._linear: LRUCache[str, np.ndarray] = LRUCache(KEPT_PICTURES)
        self._measured: tuple[Hashable, Measured] | None = None
        self._prepared: _Prepared | None = None
        self._warm: _Warm | None = None
        self._relit: _Relit | None = None

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

        `plate`, `relit`, `lamp1` and so on, `rest`, `albedo` and `irradiance` are light; `proxy` is the
        network's input picture; `normals` are coded as n / 2 + 1 / 2; `hint` (the analytic gain) and `ratio` are gains, with 1
        shown as middle grey.

        Args:
            frame: the frame number; None for the plate's first.
            longer: largest length of the display window's longer side, px; 0 for the plate's own size.
            stops: exposure of the picture on the screen.
            view: display and view of the colour config, None for its defaults.
            name: the name of this picture for `values`; None means the stage.
            dim: factors on the lamps in `relit`, strongest first, the last one for the rest. They are applied to the layers that
                add up to `relit`, so nothing is computed again. Empty for no change.

        Raises:
            RelampError: the errors of a render of that frame.
        """
        lamp = _lamp_of(stage)
        if stage not in STAGES and not 1 <= lamp <= job.parameters.lamps:
            raise UsageError(
                f"stage must be one of {', '.join(STAGES)}, or lamp1 to lamp{job.parameters.lamps}; got {stage!r}"
            )
        if dim and len(dim) != job.parameters.lamps + 1:
            raise UsageError(f"dim takes {job.parameters.lamps + 1} numbers, the last for the rest; got {len(dim)}")
        layers = _layers_for(stage, dim)
        job = RelightJob(_preview_parameters(job.parameters, layers), job.measured)
        job.require("plate")
        inputs, number = _inputs(job.parameters, frame)
        frames = PreviewFrames(self._plates, job.parameters, inputs, self._colour(job.parameters), number, longer)
        plate = frames.plate
        linear = plate.over_display(self._linear_of(stage, job, frames, dim))  # (h, w, 3)
        self._linear[name or stage] = linear
        screen = self._screens.screen(job.parameters.config, view)
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

    def _linear_of(self, stage: str, job: RelightJob, frames: PreviewFrames, dim: tuple[float, ...]) -> np.ndarray:
        """The pixels of a stage over the data window, (h, w, 3)."""
        plate = frames.plate
        if stage == "plate":
            return plate.plate
        subject = plate.require_subject()
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
        if stage == "hint":
            gain = np.exp(relit.shading.hint.at(relit.subject.normals))
            return np.where((subject.weight > 0)[..., None], gain * np.float32(MIDDLE_GREY), 0)
        return _of_finished(stage, relit.finished, subject, dim)

    def _relight(self, plan: Plan, prepared: Hashable, frames: PreviewFrames) -> RelitFrame:
        """The relit frame with the layers of the plan, kept until any of its inputs changes."""
        wanted, number = plan.parameters.layers, frames.number
        beside = tuple(frames.identity((f, f)) for f in plan.on_disk)
        key = (replace(plan.parameters, layers=()), prepared, beside)
        kept = self._relit
        if kept is None or kept.key != key or kept.plate is not frames.plate or not set(wanted) <= set(kept.layers):
            task = FrameTask(number, RENDER, number, plan.tasks[0].out)
            relit = relight_frame(self._shot(plan, (prepared, beside), frames), task)
            self._relit = kept = _Relit(key, wanted, relit, frames.plate)
        return kept.relit

    def _shot(self, plan: Plan, prepared: Hashable, frames: PreviewFrames) -> Shot:
        """The plan's shot of one frame, with the network's prediction kept where only the amounts changed."""
        p = replace(plan.parameters, **{name: default_of(name) for name in _AMOUNTS})
        key, warm = (p, prepared, frames.number), self._warm
        if warm is None or warm.key != key or warm.plate is not frames.plate:
            shot = Shot.of(plan, frames, like=warm and warm.shot, seen=self._seen)
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
            plan = prepare(RelightJob(replace(p, frames=str(number)), self._measurements(job)))
            self._measured = (_key(p, _SHOT), plan.job.measured)
            self._prepared = prepared = _Prepared(key, plan)
        plan = prepared.plan
        for light in (plan.target, plan.source):
            if light is not None:
                light.require((number,))
        plan = replace(plan, job=RelightJob(p, plan.job.measured))
        near = range(number - plan.reach, number + plan.reach + 1)
        there = tuple(f for f in near if f == number or plan.inputs.plate.path(f).is_file())
        return replace(plan, on_disk=there), key

    def _measurements(self, job: RelightJob) -> Measured:
        if job.measured.anchor is not None or self._measured is None:
            return job.measured
        key, measured = self._measured
        return measured if key == _key(job.parameters, _SHOT) else job.measured


def _inputs(p: RelightParameters, frame: int | None) -> tuple[Inputs, int]:
    inputs = plans.resolve_inputs(p)
    if frame is None:
        return inputs, inputs.plate.frames_on_disk()[0]
    path = inputs.plate.path(frame)
    if not path.is_file():
        raise InputError(f"frame {frame} of {inputs.plate} is not there")
    return inputs, frame


def _lamp_of(stage: str) -> int:
    """The number of the lamp whose layer a stage is, 0 when it is none."""
    number = stage.removeprefix("lamp")
    return int(number) if number != stage and number.isascii() and number.isdigit() else 0


def _layers_for(stage: str, dim: tuple[float, ...]) -> tuple[str, ...]:
    """The layers that a picture is made from."""
    if stage == "rest" or _lamp_of(stage) or (stage == "relit" and dim):
        return ("lamps",)
    return (stage,) if stage == "ratio" or stage in LAYERS else ()


def _of_finished(stage: str, finished: Finished, subject: Subject, dim: tuple[float, ...]) -> np.ndarray:
    if stage == "ratio":
        return np.where((subject.weight > 0)[..., None], finished.layers["ratio"] * np.float32(MIDDLE_GREY), 0)
    if stage in finished.layers:
        layer = finished.layers[stage]
        return (
            layer
            if layer.ndim == 3 and layer.shape[-1] == 3
            else np.repeat(layer.reshape(*subject.weight.shape, 1), 3, -1)
        )
    if lamp := _lamp_of(stage):
        # A light with fewer lamps than may be asked for has no more layers; they are black.
        return finished.lamps[lamp - 1] if lamp <= len(finished.lamps) else np.zeros_like(finished.beauty)
    if stage == "rest" or dim:
        rest = finished.beauty - np.sum(finished.lamps, axis=0)
        return rest if stage == "rest" else _dimmed([*finished.lamps, rest], dim)
    return finished.beauty


def _dimmed(parts: list[np.ndarray], gains: tuple[float, ...]) -> np.ndarray:
    total = parts[-1] * np.float32(gains[-1])
    for part, gain in zip(
        parts[:-1], (*gains[:-1], *[1.0] * len(parts)), strict=False
    ):  # lamps without a gain count in full
        if gain:
            total += part * np.float32(gain)
    return total


def _preview_parameters(p: RelightParameters, layers: tuple[str, ...]) -> RelightParameters:
    """The parameters of a preview: without those for output files, and with the layers that the preview shows."""
    fixed = {name: default_of(name) for name, k in knobs() if k.group in ("output", "run") and name != "device"}
    more = {"out": OUT, "overwrite": True, "missing": "error", "layers": layers, "lamps": p.lamps}
    # The deflicker head would need three more relit frames on each side.
    return replace(p, **{**fixed, **more, "deflicker": False})


def _key(p: RelightParameters, names: tuple[str, ...]) -> Hashable:
    return tuple(getattr(p, name) for name in names)
