"""One frame of a job, small and at once: what the artist sees while turning the light. Floor 3.

Everything that does not depend on what was just changed is kept: the plate and its shape by frame, the shot's measurements
by plate, the environments and the networks' tables by file. Files are looked at again when their size or time changes.
A preview is worked out at its own size, on an area-averaged plate, so grain is left as it is averaged; at full size
(`longer` 0) it is the render's own arithmetic.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError, RelampError, UsageError
from ..gain.finish import Finished, Subject, finish
from ..gain.grain import measure as measure_noise
from ..gain.law import Law
from ..gain.proxy import MIDDLE_GREY
from ..gain.proxy import make as make_proxy
from ..gain.proxy import resize as resize_picture
from ..job import Measured, RelightJob
from ..light.balls import grey_and_chrome
from ..light.camera import CameraMove, shot_camera
from ..light.environment import direction_to_uv, directions, lookup, resize, rotation_matrix
from ..light.lamps import Lamps, split
from ..light.sources import Illumination, camera_to_map, lighting
from ..parameters import NEW_LAYERS, RelightParameters, at_frame, default_of, knobs
from ..pictures import exr
from ..pictures.colour import Colour
from ..pictures.frame import Frame, Window, place
from ..pictures.screen import Screen, as_bytes
from ..pictures.sequence import Sequence
from . import plan as plans
from .inference import Inference, Work
from .plan import RENDER, FrameTask, Inputs, Plan
from .prepare import prepare
from .read import gather

LAYERS = tuple(name for name in NEW_LAYERS if name not in ("ratio", "normals", "lamps"))
STAGES = ("plate", "proxy", "normals", "hint", "ratio", "relit", *LAYERS, "rest")  # and lamp1, lamp2 and so on
KEPT_FRAMES = 8
KEPT_PIXELS = 24e6  # of all kept frames together; a frame at full 4K is 9e6
KEPT_PICTURES = 8  # whose values can be asked for
SHOWN_LEVEL = 0.5  # scene-linear value that the level of a light is shown at
MAP_ROWS = 256
View = tuple[str | None, str | None]
"""Display and view of a colour config, None for its default."""

OUT = "relamp_preview.####.exr"  # never written

# What changes nothing that is kept: these are read anew for every preview.
_LIVE = ("env_rotate", "env_exposure", "background_exposure", "mix", "grain", "seed", "working_size")
_AMOUNTS = ("env_exposure", "mix", "grain")  # of the change of light that is put on the plate
_PLATE = (
    "plate",
    "matte",
    "normals",
    "normals_space",
    "normals_flip",
    "camera",
    "layer",
    "views",
    "colorspace",
    "config",
)
_SHOT = (*_PLATE, "anchor", "source_env", "env_level", "backbone")  # what the shot's measurements rest on


@dataclass(frozen=True)
class Picture:
    """A picture for the screen: `pixels` (h, w, 4) uint8, RGB display-encoded, and facts about it."""

    pixels: np.ndarray
    facts: dict[str, Any]


@dataclass(frozen=True)
class _Seen:
    """A frame of the plate at the size of the preview: `frame` has windows only, `trouble` says why it has no shape."""

    frame: Frame
    plate: np.ndarray
    subject: Subject | None
    trouble: RelampError | None
    scale: float


@dataclass(frozen=True)
class _Relit:
    """The last relight, as long as nothing but the way it is looked at changes. `key` says what it is of."""

    key: Hashable
    layers: tuple[str, ...]
    finished: Finished
    seen: _Seen


class Previewer:
    """Previews of one job after another, warm."""

    def __init__(self) -> None:
        self._colours: dict[str | None, Colour] = {}
        self._screens: dict[tuple[str, str | None, str | None], Screen] = {}
        self._seen: OrderedDict[Hashable, _Seen] = OrderedDict()
        self._plan: tuple[Hashable, Plan, Inference] | None = None
        self._measured: tuple[Hashable, Measured] | None = None
        self._lights: OrderedDict[Hashable, Illumination] = OrderedDict()
        self._maps: OrderedDict[Hashable, np.ndarray] = OrderedDict()
        self._linear: OrderedDict[Hashable, np.ndarray] = OrderedDict()
        self._relit: _Relit | None = None
        self._worked: tuple[Hashable, _Seen, Work] | None = None

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

        `plate`, `relit`, `lamp1` and so on, `rest`, `albedo` and `irradiance` are light; `proxy` is what a network sees;
        `normals` are coded as n / 2 + 1 / 2; `hint` and `ratio` are gains, with 1 shown as middle grey.

        Args:
            frame: None for the plate's first.
            longer: px of the display window's longer side, at most; 0 for the plate's own size.
            stops: exposure for looking.
            view: display and view of the colour config, None for its defaults.
            name: what `values` finds this picture by, the stage when None.
            dim: `relit` with its lamps, strongest first, and last the rest, times these; they are taken from the layers
                that add up to it, so nothing is worked out anew. Empty for all as they are.

        Raises:
            RelampError: as a render of that frame would.
        """
        lamp = _lamp_of(stage)
        if stage not in STAGES and not 1 <= lamp <= job.parameters.lamps:
            raise UsageError(
                f"stage must be one of {', '.join(STAGES)}, or lamp1 to lamp{job.parameters.lamps}; got {stage!r}"
            )
        if dim and len(dim) != job.parameters.lamps + 1:
            raise UsageError(f"dim takes {job.parameters.lamps + 1} numbers, the last for the rest; got {len(dim)}")
        layers = _layers_for(stage, dim)
        job = RelightJob(_for_looking(job.parameters, layers, longer), job.measured)
        job.require("plate")
        inputs, number = self._inputs(job.parameters, frame)
        seen = self._look_at(job.parameters, inputs, number, longer)
        linear = _over_display(self._linear_of(stage, job, number, seen, dim), seen)
        self._linear.pop(name or stage, None)
        _keep(self._linear, name or stage, linear, KEPT_PICTURES)
        screen = self._screen(job.parameters, view)
        pixels = as_bytes(linear) if stage == "normals" else screen.encode(linear, stops)
        display = seen.frame.display_window
        height, width = linear.shape[:2]
        facts = {
            "stage": stage,
            "frame": number,
            "width": width,
            "height": height,
            "full_width": display.width,
            "full_height": display.height,
            "pixel_aspect": seen.frame.pixel_aspect,
            "colorspace": seen.frame.colorspace,
        }
        return Picture(pixels, facts)

    def values(self, name: str, x: float, y: float) -> tuple[float, ...]:
        """The last picture of that name at (x, y), 0 to 1 from its top left: three numbers, light in the working space."""
        linear = self._linear.get(name)
        if linear is None:
            raise UsageError(f"nothing was shown of {name!r} yet")
        height, width = linear.shape[:2]
        row, column = min(max(int(y * height), 0), height - 1), min(max(int(x * width), 0), width - 1)
        return tuple(float(value) for value in linear[row, column])

    def environment(
        self, job: RelightJob, frame: int, lamps: int, stops: float = 0.0, view: View = (None, None)
    ) -> Picture:
        """The new light as a lat-long picture of 512 x 256, turned by all of `env_rotate` but its turn about Y.

        The facts hold `lamps`, strongest first, by their place in that picture, (u, v) from 0 to 1.
        """
        p = job.parameters
        light = self._light(p, frame)
        rx, _, rz = at_frame(p.env_rotate, frame)
        tilt = rotation_matrix(rx, 0.0, rz)
        pixels = self._map(light, frame)
        shown = lookup(pixels, directions(MAP_ROWS, 2 * MAP_ROWS) @ tilt.astype(np.float32))
        found = self._lamps(light, frame, lamps)
        gain = SHOWN_LEVEL / light.light(frame).level
        picture = self._screen(p, view).encode(shown * np.float32(gain), stops)
        size = light.environment(frame).pixels.shape
        facts: dict[str, Any] = {
            "width": 2 * MAP_ROWS,
            "height": MAP_ROWS,
            "full_width": size[1],
            "full_height": size[0],
            "level": light.light(frame).level,
            "lamps": [],
        }
        for lamp in found.lamps:
            u, v = direction_to_uv(tilt @ lamp.direction)
            facts["lamps"].append(
                {"u": float(u), "v": float(v), "share": lamp.share, "radius": lamp.angular_radius,
                 "colour": [float(c) for c in lamp.colour]}
            )  # fmt: skip
        return Picture(picture, facts)

    def balls(self, job: RelightJob, frame: int, size: int = 96, view: View = (None, None)) -> Picture:
        """A grey and a chrome ball in the new light as it is turned, with alpha, un-premultiplied."""
        p = job.parameters
        light = self._light(p, frame)
        rotation = self._camera(p).at(frame).rotation
        turn = camera_to_map(at_frame(p.env_rotate, frame), rotation)
        unit = light.light(frame)
        drawn = grey_and_chrome(unit.turned(turn), self._map(light, frame) / np.float32(unit.level), turn, size)
        stops = float(at_frame(p.env_exposure, frame))
        pixels = self._screen(p, view).encode(drawn[..., :3] * np.float32(SHOWN_LEVEL), stops)
        pixels[..., 3] = np.round(drawn[..., 3] * 255).astype(np.uint8)
        return Picture(pixels, {"width": 2 * size, "height": size})

    def _linear_of(
        self, stage: str, job: RelightJob, number: int, seen: _Seen, dim: tuple[float, ...] = ()
    ) -> np.ndarray:
        if stage == "plate":
            return seen.plate
        if seen.subject is None:
            assert seen.trouble is not None
            raise seen.trouble
        subject = seen.subject
        if stage == "normals":
            there = (subject.weight > 0) & subject.known
            return np.where(there[..., None], subject.normals * 0.5 + 0.5, 0).astype(np.float32)
        job.require("env")
        plan, inference = self._ready(job, number)
        if stage == "proxy":
            return _proxy(subject, plan)
        if stage == "hint":
            work = self._work(plan, inference, number, seen, subject)
            gain = np.exp(work.shading.hint.at(work.subject.normals))
            return np.where((subject.weight > 0)[..., None], gain * np.float32(MIDDLE_GREY), 0)
        return _of_finished(stage, self._finished(plan, inference, number, seen, subject), subject, dim)

    def _finished(self, plan: Plan, inference: Inference, number: int, seen: _Seen, subject: Subject) -> Finished:
        """The relit frame with the layers of the plan, kept until anything about it changes."""
        assert self._plan is not None
        wanted = plan.parameters.layers
        key = (replace(plan.parameters, layers=()), self._plan[0], number)
        kept = self._relit
        if kept is None or kept.key != key or kept.seen is not seen or not set(wanted) <= set(kept.layers):
            work = self._work(plan, inference, number, seen, subject)
            law = inference.light(number).law
            # An averaged plate has next to no grain left to treat.
            law = replace(law, grain="off") if seen.scale < 1 else law
            law = law if law.grain == "off" else replace(law, noise=measure_noise(subject.plate))
            self._relit = kept = _Relit(key, wanted, _finish(work, law, wanted), seen)
        return kept.finished

    def _work(self, plan: Plan, inference: Inference, number: int, seen: _Seen, subject: Subject) -> Work:
        """What the backbone says, kept until more changes than how much of it is taken: brighter light asks nobody."""
        assert self._plan is not None
        p = replace(plan.parameters, **{name: default_of(name) for name in _AMOUNTS})
        key = (p, self._plan[0], number)
        if self._worked is None or self._worked[0] != key or self._worked[1] is not seen:
            self._worked = (key, seen, inference.alone(seen.frame, subject, number))
        return self._worked[2]

    def _ready(self, job: RelightJob, number: int) -> tuple[Plan, Inference]:
        """A plan that holds for `number`, warm unless more than live settings changed."""
        p = job.parameters
        lights = [_state(Sequence.parse(path).path(number)) for path in (p.env, p.source_env, p.background) if path]
        still = [name for name, k in knobs() if name in _LIVE or (k.group in ("output", "run") and name != "device")]
        fixed = replace(p, **{name: default_of(name) for name in still})
        key = (fixed, tuple(lights), _state(Path(p.camera)) if p.camera else None)
        if self._plan is None or self._plan[0] != key:
            self._plan = None  # before the next is made: two of them may not fit
            plan = prepare(RelightJob(replace(p, frames=str(number)), self._measurements(job)))
            self._measured = (_key(p, _SHOT), plan.job.measured)
            self._plan = (key, plan, Inference(plan))
        _, plan, inference = self._plan
        plan.target.require((number,))
        if plan.source is not None:
            plan.source.require((number,))
        plan = replace(plan, job=RelightJob(p, plan.job.measured))
        return plan, inference.with_plan(plan)

    def _measurements(self, job: RelightJob) -> Measured:
        if job.measured.anchor is not None or self._measured is None:
            return job.measured
        key, measured = self._measured
        return measured if key == _key(job.parameters, _SHOT) else job.measured

    def _inputs(self, p: RelightParameters, frame: int | None) -> tuple[Inputs, int]:
        inputs = plans.resolve_inputs(p)
        if frame is None:
            return inputs, inputs.plate.frames_on_disk()[0]
        path = inputs.plate.path(frame)
        if not path.is_file():
            raise InputError(f"frame {frame} of {inputs.plate} is not there")
        return inputs, frame

    def _look_at(self, p: RelightParameters, inputs: Inputs, number: int, longer: int) -> _Seen:
        files = (inputs.plate, inputs.matte, inputs.normals)
        states = tuple(_state(s.path(number)) if s else None for s in files)
        key = (_key(p, _PLATE), number, longer, states, _state(Path(p.camera)) if p.camera else None)
        if key not in self._seen:
            self._make_room()
            self._seen[key] = self._read(p, inputs, number, longer)
        self._seen.move_to_end(key)
        return self._seen[key]

    def _make_room(self) -> None:
        while len(self._seen) >= KEPT_FRAMES or sum(s.plate.size / 3 for s in self._seen.values()) > KEPT_PIXELS:
            self._seen.popitem(last=False)

    def _read(self, p: RelightParameters, inputs: Inputs, number: int, longer: int) -> _Seen:
        colour = self._colour(p)
        path = inputs.plate.path(number)
        frame = exr.read_frame(path, colour=colour, colorspace=p.colorspace, layer=p.layer, view=p.view(), carry=False)
        camera = self._camera(p).at(number)
        subject, trouble = None, None
        try:
            subject = gather(frame, FrameTask(number, RENDER, number, path), inputs, p, colour, camera)
        except RelampError as error:
            trouble = error
        plate = colour.to_working(frame.rgb, frame.colorspace) if subject is None else subject.plate
        display = frame.display_window
        scale = min(1.0, longer / max(display.width, display.height)) if longer else 1.0
        shape = _scaled(frame.data_window.shape, scale)
        if subject is not None and scale < 1:
            subject = _shrunk(subject, shape)
        small = subject.plate if subject is not None else resize_picture(_finite(plate) if scale < 1 else plate, shape)
        windows = replace(frame, rgb=small, alpha=None, source=replace(frame.source, parts=()))
        return _Seen(windows, small, subject, trouble, scale)

    def _light(self, p: RelightParameters, frame: int) -> Illumination:
        light = lighting(p, self._colour(p), self._camera(p))
        state = _state(light.sequence.path(frame)) if light.sequence else None
        camera = (p.plate, _state(Path(p.camera))) if p.camera else None
        key = (str(light), p.env_colorspace, p.config, camera, state)
        if key not in self._lights:
            light.require((frame,))
            light.environment(frame)
            _keep(self._lights, key, light, 2)
        return self._lights[key]

    def _map(self, light: Illumination, frame: int) -> np.ndarray:
        """The map no larger than the screen needs."""
        key = light.digest(frame)
        if key not in self._maps:
            pixels = light.environment(frame).pixels
            _keep(self._maps, key, resize(pixels, 2 * MAP_ROWS) if pixels.shape[0] > 2 * MAP_ROWS else pixels, 2)
        return self._maps[key]

    def _lamps(self, light: Illumination, frame: int, count: int) -> Lamps:
        weights = light.light(frame).luminance_weights
        return split(self._map(light, frame), count, weights)

    def _camera(self, p: RelightParameters) -> CameraMove:
        return shot_camera(p.camera, p.plate or "")

    def _colour(self, p: RelightParameters) -> Colour:
        if p.config not in self._colours:
            self._colours[p.config] = Colour(p.config)
        return self._colours[p.config]

    def displays(self, config: str | None) -> tuple[Colour, dict[str, tuple[str, ...]]]:
        """A colour config, and the views of its displays, the defaults first. Raises `UsageError`."""
        colour = self._colours.get(config) or Colour(config)
        self._colours[config] = colour
        return colour, colour.displays()

    def _screen(self, p: RelightParameters, view: View) -> Screen:
        colour = self._colour(p)
        key = (colour.config_id, *view)
        if key not in self._screens:
            self._screens[key] = Screen(colour, *view)
        return self._screens[key]


def _lamp_of(stage: str) -> int:
    """The number of the lamp whose layer a stage is, 0 when it is none."""
    number = stage.removeprefix("lamp")
    return int(number) if number != stage and number.isascii() and number.isdigit() else 0


def _layers_for(stage: str, dim: tuple[float, ...]) -> tuple[str, ...]:
    """The layers a picture is made of."""
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
        return finished.lamps[lamp - 1]
    if stage == "rest" or dim:
        rest = finished.beauty - np.sum(finished.lamps, axis=0)
        return rest if stage == "rest" else _dimmed([*finished.lamps, rest], dim)
    return finished.beauty


def _dimmed(parts: list[np.ndarray], gains: tuple[float, ...]) -> np.ndarray:
    total = parts[-1] * np.float32(gains[-1])
    for part, gain in zip(parts[:-1], gains[:-1], strict=True):
        if gain:
            total += part * np.float32(gain)
    return total


def _for_looking(p: RelightParameters, layers: tuple[str, ...], longer: int) -> RelightParameters:
    """The parameters without anything about files to write, which a preview does not, but for the layers it shows."""
    fixed = {name: default_of(name) for name, k in knobs() if k.group in ("output", "run") and name != "device"}
    more = {"out": OUT, "overwrite": True, "missing": "error", "layers": layers, "lamps": p.lamps}
    more["temporal"] = False  # a frame is looked at alone; its neighbours would cost as much again each
    return replace(p, **{**fixed, **more})


def _key(p: RelightParameters, names: tuple[str, ...]) -> Hashable:
    return tuple(getattr(p, name) for name in names)


def _finish(work: Work, law: Law, layers: tuple[str, ...]) -> Finished:
    return finish(work.subject, work.shading, law, layers, work.residual, work.guide, work.sides)


def _proxy(subject: Subject, plan: Plan) -> np.ndarray:
    anchor, longer = plan.job.measured.anchor or 1.0, plan.parameters.working_side()
    known = subject.known & (not subject.guessed)
    proxy = make_proxy(
        subject.plate, subject.opacity, subject.weight, subject.normals, known, anchor=anchor, longer=longer
    )
    return resize_picture(proxy.light * proxy.matte[..., None], subject.weight.shape)


def _scaled(shape: tuple[int, int], scale: float) -> tuple[int, int]:
    return max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale))


def _shrunk(subject: Subject, shape: tuple[int, int]) -> Subject:
    """A subject at another size, averaged by area; what is not finite counts as black."""
    cover = None if subject.opacity is None else resize_picture(np.clip(subject.opacity, 0, 1), shape)
    if subject.opacity is None or cover is None:
        weight = resize_picture(subject.weight, shape)
    else:
        matte = resize_picture(subject.weight * np.clip(subject.opacity, 0, 1), shape)
        weight = np.divide(matte, cover, out=np.zeros_like(matte), where=cover > 0)
    mass = resize_picture(subject.known.astype(np.float32), shape)
    facing = resize_picture(np.where(subject.known[..., None], subject.normals, 0).astype(np.float32), shape)
    length = np.linalg.norm(facing, axis=-1)
    known = (mass > 0.25) & (length > 0.1)
    normals = np.where(known[..., None], facing / np.maximum(length, 1e-6)[..., None], np.array((0, 0, 1), np.float32))
    plate = resize_picture(_finite(subject.plate), shape)
    return Subject(plate, cover, np.clip(weight, 0, 1), normals.astype(np.float32), known, subject.guessed)


def _finite(pixels: np.ndarray) -> np.ndarray:
    return pixels if np.isfinite(pixels).all() else np.where(np.isfinite(pixels), pixels, 0).astype(np.float32)


def _over_display(pixels: np.ndarray, seen: _Seen) -> np.ndarray:
    """Pixels of the data window onto the display window, black where there are none."""
    data, display = seen.frame.data_window, seen.frame.display_window
    if data == display:
        return pixels
    height, width = _scaled(display.shape, seen.scale)
    left, top = round((data.x - display.x) * seen.scale), round((data.y - display.y) * seen.scale)
    return place(pixels, Window(left, top, pixels.shape[1], pixels.shape[0]), Window(0, 0, width, height))


def _state(path: Path) -> tuple[str, int, int] | None:
    """What changes when a file does; None when it is not there."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return str(path), found.st_size, found.st_mtime_ns


def _keep(kept: OrderedDict[Hashable, Any], key: Hashable, value: Any, most: int) -> None:
    while len(kept) >= most:
        kept.popitem(last=False)
    kept[key] = value
