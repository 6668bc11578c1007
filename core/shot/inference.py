"""What a backbone says of each frame, asked for by absolute frame number. Floor 3.

A frame's residual is pulled: it asks for the looks of its neighbours, a look for the windows it lies in, a window for the
frames in it, and those are read from disk whichever frames are being rendered. Everything is worked out once and a few
of each are kept, so memory does not grow with the shot. Frames are parallel; the network is asked one thing at a time,
because its own threads fill the machine.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Hashable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from ..errors import InputError, UsageError
from ..gain.analytic import Hint, Light, alone, between, mean_over, over_even
from ..gain.finish import Shading, Subject
from ..gain.law import Guide, GuidedResidual, Law, bands, enlarge_residual, guide_residual, unpremultiply
from ..gain.proxy import FLOOR, Proxy, decode, encode, resize
from ..gain.proxy import make as make_proxy
from ..job import fingerprint
from ..light.backdrop import backdrop, camera_rays
from ..light.camera import Camera
from ..light.environment import resize as resize_map
from ..light.sources import Illumination, camera_to_map
from ..parameters import at_frame
from ..pictures import exr
from ..pictures.frame import Frame, Window, place
from ..relighter.answer import Answer
from ..temporal.look import Look, thumb
from ..temporal.windows import filled, hop, same_take, windows
from .keep import Keeper
from .plan import RENDER, FrameTask, Plan
from .subjects import Key, Subjects, Taken

if TYPE_CHECKING:
    from ..relighter.own.conditions import Conditions
    from ..relighter.own.light_tables import LightTables
    from ..temporal.residual_store import ResidualStore

log = logging.getLogger("relamp")

# The smallest light there is, at the proxy's exposure, where middle grey is 0.18; see ARCHITECTURE.md.
EPSILON = 0.002
VIEW_ROWS = 256  # of the map that a background is seen in
VIEW_PEAK = 30.0  # its brightest radiance at unit level: training's backgrounds showed no suns
_KEPT_MAPS = 4


@dataclass(frozen=True)
class FrameLight:
    """The light of one frame, turned before its camera: tables for the hint, and for the network when there is one."""

    shading: Shading
    law: Law
    camera: Camera
    target_to_map: np.ndarray
    source_to_map: np.ndarray
    target: LightTables | None = None
    source: LightTables | None = None


@dataclass(frozen=True)
class Sight:
    """A frame as it is put before a network: its proxy, its light, and the windows that tell where its pixels lie."""

    code: np.ndarray
    matte: np.ndarray
    normals: np.ndarray
    light: FrameLight
    canvas: tuple[Window, Window]
    conditions: Conditions | None

    @property
    def thumb(self) -> np.ndarray:
        """See `look.thumb`."""
        return thumb(self.code)


@dataclass(frozen=True)
class Work:
    """What `finish` puts together: the subject with its final normals, the light, and the residual with its guide.

    `sides` are layers at full size that only the network can tell: `albedo` (H, W, 3), `confidence` (H, W).
    """

    subject: Subject
    shading: Shading
    residual: GuidedResidual | None = None
    guide: np.ndarray | None = None
    sides: dict[str, np.ndarray] = field(default_factory=dict)


_Run = tuple[int, tuple[Key | None, ...]]
"""One call of a network: the absolute frame its window starts at, and the frames in it."""

_Part = tuple[Path, Window, Window, tuple[int, int]]
"""A part of a picture: its file, a data window in a format, and the size it is wanted at."""


class Inference:
    """A plan's lights, looks and backbone, kept warm from frame to frame; from any number of threads."""

    def __init__(self, plan: Plan, store: ResidualStore | None = None) -> None:
        self._plan, self._store = plan, store
        self._network, self._head = plan.backbone.network, plan.head
        self._one_at_a_time = threading.Lock()
        self._lighting = threading.Lock()
        self._looked = False
        self._guided: list[tuple[np.ndarray, np.ndarray, Guide]] = []  # the last one
        self._tables: dict[Hashable, LightTables] = {}
        self._views: dict[Hashable, np.ndarray] = {}
        self._subjects = Subjects(plan)
        # What the frames in work need between them: their neighbours, and the windows those lie in.
        busy = plan.parameters.threads + 2 * plan.radius
        length = plan.span if isinstance(plan.span, int) else 1
        self._lights: Keeper[int, FrameLight] = Keeper(busy + 2 * length)
        self._sights: Keeper[Key, Sight | None] = Keeper(busy + 2 * length)
        self._runs: Keeper[_Run, list[Answer]] = Keeper(3 + busy // hop(length))
        self._looks: Keeper[Key, Look | None] = Keeper(busy)
        self._backgrounds: Keeper[_Part, np.ndarray] = Keeper(2)

    def with_plan(self, plan: Plan) -> Inference:
        """For a plan that differs from this one in its numbers, not in its files: what is warm stays warm."""
        other = Inference(plan)
        other._one_at_a_time, other._tables, other._views = self._one_at_a_time, self._tables, self._views
        other._guided = self._guided
        return other

    def first_look(self) -> bool:
        """True for the first frame that asks: what is worth a warning is said once a shot."""
        with self._one_at_a_time:
            first, self._looked = not self._looked, True
        return first

    def taken(self, task: FrameTask) -> AbstractContextManager[Taken]:
        """A task's own frame at full size, for its one turn."""
        return self._subjects.taken(task)

    def passed(self, task: FrameTask) -> None:
        """A task needs no turn."""
        self._subjects.passed(task)

    def light(self, frame: int) -> FrameLight:
        """The light of one frame, and the numbers of its change."""
        return self._lights.get(frame, self._light)

    def work(self, task: FrameTask, taken: Taken) -> Work:
        """Everything `finish` needs of one frame, while it is `taken`; the hint alone where nothing is looked at."""
        light, subject = self._with_lamps(self.light(task.frame), task.frame), taken.subject
        if not self._plan.looks or not subject.weight.any():
            return Work(subject, light.shading)
        key = (task.frame, task.plate_frame)
        look = self._looks.get(key, self._look)
        if look is None:  # what could not be read beside the plate is said now
            self._see(taken.frame, subject, light, key)
            raise InputError(f"frame {task.frame} cannot be looked at; render it again")
        return self._put(subject, light, look, self._steady(key, look))

    def look(self, number: int) -> Look:
        """What is made of a frame from disk; raises `InputError` where it cannot be read or nothing in it is lit."""
        look = self._looks.get((number, number), self._look)
        if look is None:
            raise InputError(f"frame {number} shows nothing that is lit")
        return look

    def alone(self, frame: Frame, subject: Subject, number: int) -> Work:
        """The same for a frame of any size without its neighbours, as previews are made: a window of itself."""
        light = self._with_lamps(self.light(number), number)
        if self._network is None or not subject.weight.any():
            return Work(subject, light.shading)
        sight = self._see(frame, subject, light, (number, number))
        length = self._network.span if isinstance(self._network.span, int) else 1
        answers = self._ask([sight] * length, [number] * length)
        look = self._look_of(sight, answers[length // 2])
        return self._put(subject, light, look, look.residual)

    def _light(self, frame: int) -> FrameLight:
        plan, p = self._plan, self._plan.parameters
        camera = plan.camera.at(frame)
        to_target = camera_to_map(at_frame(p.env_rotate, frame), camera.rotation)
        to_source = camera_to_map((0.0, 0.0, 0.0), camera.rotation)
        with self._lighting:  # one thread makes a still map ready, not each its own
            light = plan.target.light(frame)
            source_light = self._source_light(frame)
            tables = self._tables_of(plan.target, frame) if self._network else None
            source_tables = self._source_tables(frame) if self._network else None
        target = light.turned(to_target)
        source = None if source_light is None else source_light.turned(to_source)
        stops = at_frame(p.env_exposure, frame)
        if p.lit_by() == "background":  # then its exposure is the light's
            stops += at_frame(p.background_exposure, frame)
        level = 2.0**stops
        if p.level_mode() == "absolute" and source_light is not None:
            level *= light.level / source_light.level
        source_level = 1.0 if source_light is None else source_light.level
        shading = Shading(between(target, target if source is None else source), target, source, source_level)
        law = Law(float(level), float(at_frame(p.mix, frame)), EPSILON / (plan.job.measured.anchor or 1.0), p.grain)
        return FrameLight(shading, law, camera, to_target, to_source, tables, source_tables)

    def _with_lamps(self, light: FrameLight, frame: int) -> FrameLight:
        p = self._plan.parameters
        if "lamps" not in p.layers:
            return light
        with self._lighting:
            tables = self._plan.target.lamps(frame, p.lamps)
        lamps = tuple(lamp.turned(light.target_to_map) for lamp in tables.lights)
        return replace(light, shading=replace(light.shading, lamps=lamps))

    def _source_light(self, frame: int) -> Light | None:
        if self._plan.source is not None:
            return self._plan.source.light(frame)
        rows = self._plan.job.measured.source_light
        return None if rows is None else _fitted_light(rows, tuple(self._plan.colour.luminance_weights))

    def _source_tables(self, frame: int) -> LightTables | None:
        """The light a network is told the plate was shot under: given, or fitted where the backbone wants one."""
        plan, rows = self._plan, self._plan.job.measured.source_light
        if plan.source is not None:
            return self._tables_of(plan.source, frame)
        if rows is None or not plan.backbone.wants_source:
            return None
        return _fitted_tables(rows, tuple(plan.colour.luminance_weights))

    def _tables_of(self, illumination: Illumination, frame: int) -> LightTables:
        from ..relighter.own.light_tables import LightTables

        key = illumination.key(frame)  # not by frame: a still is made ready once
        if key not in self._tables:
            while len(self._tables) >= _KEPT_MAPS:
                self._tables.pop(next(iter(self._tables)))
            self._tables[key] = LightTables.of(illumination.environment(frame).pixels, illumination.light(frame))
        return self._tables[key]

    def _sight(self, key: Key) -> Sight | None:
        """A frame from disk; None where it cannot be read or nothing in it is lit, as if it were not there."""
        try:
            light = self.light(key[0])
            with self._subjects.glimpsed(key) as taken:
                if not taken.subject.weight.any():
                    return None
                return self._see(taken.frame, taken.subject, light, key)
        except (InputError, UsageError) as error:
            log.warning("frame %d is left out beside its neighbours: %s", key[0], error)
            return None

    def _told(self, light: FrameLight, subject: Subject) -> FrameLight:
        """A light without the fitted source where the shape is the network's guess: there it misleads more than it tells."""
        return replace(light, source=None) if subject.guessed and self._plan.source is None else light

    def _see(self, frame: Frame, subject: Subject, light: FrameLight, key: Key) -> Sight:
        p, light = self._plan.parameters, self._told(light, subject)
        proxy = make_proxy(
            subject.plate,
            subject.opacity,
            subject.weight,
            subject.normals,
            subject.known & (not subject.guessed),
            anchor=self._plan.job.measured.anchor or 1.0,
            longer=p.working_side(),
        )
        conditions = None if self._network is None else self._conditions(frame, proxy, light, key)
        # Without a network, guessed normals are all there is.
        normals = proxy.normals if self._network or not subject.guessed else _shrunk(subject.normals, proxy.matte.shape)
        canvas = (frame.data_window, frame.display_window)
        return Sight(encode(proxy.light), proxy.matte, normals, light, canvas, conditions)

    def _conditions(self, frame: Frame, proxy: Proxy, light: FrameLight, key: Key) -> Conditions:
        from ..relighter.own.conditions import build

        assert light.target is not None
        rays = _rays(frame, proxy, light.camera)
        return build(
            proxy.light,
            proxy.matte,
            rays,
            (light.target, light.target_to_map),
            normals=proxy.normals,
            known=proxy.known,
            source=None if light.source is None else (light.source, light.source_to_map),
            background=self._behind(frame, rays, light, key),
        )

    def _behind(self, frame: Frame, rays: np.ndarray, light: FrameLight, key: Key) -> np.ndarray:
        """What stands behind the subject at unit level, (h, w, 3): the new light as the camera sees it, or the background.

        A background that is given takes the level of that view: networks never hear of levels.
        """
        with self._lighting:
            pixels = self._view_of(key[0])
        view = backdrop(pixels, rays, light.target_to_map.T)
        p, given = self._plan.parameters, self._plan.inputs.background
        if p.lit_by() != "background":  # brighter or darker than this light would have it
            view = view * np.float32(2.0 ** at_frame(p.background_exposure, key[0]))
        if given is None:
            return view
        part = (given.path(key[1]), frame.data_window, frame.display_window, view.shape[:2])
        plate = self._backgrounds.get(part, self._background)
        weights = np.asarray(self._plan.colour.luminance_weights, np.float32)
        own = max(float((plate @ weights).mean()), 1e-6)
        return plate * np.float32(float((view @ weights).mean()) / own)

    def _background(self, wanted: _Part) -> np.ndarray:
        """A background's file over some window of a format at some size, whatever its own size is."""
        path, data, display, shape = wanted
        colour = self._plan.colour
        found = exr.read_frame(path, colour=colour, view=self._plan.parameters.view(), carry=False)
        light = np.maximum(np.nan_to_num(colour.to_working(found.rgb, found.colorspace), posinf=0, neginf=0), 0)
        light = place(light, found.data_window, found.display_window)
        down, across = shape[0] / data.height, shape[1] / data.width
        whole = resize(light, (max(1, round(display.height * down)), max(1, round(display.width * across))))
        window = Window(round((data.x - display.x) * across), round((data.y - display.y) * down), shape[1], shape[0])
        return place(whole, Window(0, 0, whole.shape[1], whole.shape[0]), window)

    def _view_of(self, frame: int) -> np.ndarray:
        """The map of a frame at unit level, small and without its suns, which a background does not show."""
        target = self._plan.target
        key = target.key(frame)
        if key not in self._views:
            while len(self._views) >= _KEPT_MAPS:
                self._views.pop(next(iter(self._views)))
            pixels = target.environment(frame).pixels
            small = resize_map(pixels, VIEW_ROWS) if pixels.shape[0] > VIEW_ROWS else pixels
            self._views[key] = np.minimum(small / np.float32(target.light(frame).level), np.float32(VIEW_PEAK))
        return self._views[key]

    def _ask(self, sights: Sequence[Sight], frames: Sequence[int]) -> list[Answer]:
        from ..relighter.own import ensemble

        p, network = self._plan.parameters, self._network
        assert network is not None
        with self._one_at_a_time:
            return ensemble.relight(
                network,
                [sight.conditions for sight in sights if sight.conditions is not None],
                frames=frames,
                steps=p.steps,
                seed=p.seed,
                count=p.ensemble,
                confidence="confidence" in p.layers,
            )

    def _look(self, key: Key) -> Look | None:
        sight = self._sights.get(key, self._sight)
        if sight is None:
            return None
        if self._network is None:
            return self._look_of(sight, None)
        span = self._network.span
        if span == "frame":
            return self._look_of(sight, self._stored((key[0], (key,)), lambda: self._ask([sight], [key[0]]))[0])
        if span == "shot":
            # A stand-in takes the residual of the frame it repeats: the clip is relit once.
            return self._look_of(sight, self._answer((key[1], key[1]), sorted(self._plan.near(key[1]))))
        shared = [(self._answer(key, range(start, start + span)), share) for start, share in windows(key[1], span)]
        return self._look_of(sight, _blended(shared))

    def _answer(self, key: Key, frames: Sequence[int]) -> Answer:
        """What the network says of a frame among `frames`: those of them that are there, of its size and of its take."""
        middle = list(frames).index(key[1])
        keys = self._window(key, frames)
        there = iter(self._sights.get_all((k for k in keys if k is not None), self._sight))
        sights = [None if k is None else next(there) for k in keys]
        here = sights[middle]
        assert here is not None
        sights = [s if s is not None and s.canvas == here.canvas else None for s in sights]
        sights = same_take(sights, middle, lambda sight: sight.thumb)
        run = tuple(k if s is not None else None for k, s in zip(keys, sights, strict=True))
        return self._runs.get((frames[0], run), self._stored_run)[middle]

    def _window(self, key: Key, frames: Sequence[int]) -> list[Key | None]:
        """The keys of a window around the frame `key`, which may be a stand-in; None where there is no frame."""
        near = self._plan.near(key[1])
        return [key if f == key[1] else (f, f) if f in near else None for f in frames]

    def _stored_run(self, run: _Run) -> list[Answer]:
        return self._stored(run, lambda: self._run(run))

    def _stored(self, run: _Run, ask: Callable[[], list[Answer]]) -> list[Answer]:
        """The answers of another chunk to the same question, where the job keeps them; else those of `ask`."""
        if self._store is None:
            return ask()
        start, keys = run
        out = self._plan.tasks[0].out  # where a frame goes decides nothing of it
        tasks = [None if key is None else FrameTask(key[0], RENDER, key[1], out) for key in keys]
        facts = {"start": start, "frames": [task and self._plan.fingerprint(task) for task in tasks]}
        return self._store.answers(fingerprint(facts), ask, Answer)

    def _run(self, run: _Run) -> list[Answer]:
        """A network's answers to one window, hole by hole those of the frame that stands in."""
        _, keys = run
        there = [k for k in keys if k is not None]
        sights = dict(zip(there, self._sights.get_all(there, self._sight), strict=True))
        stand_in = filled(keys)
        if self._plan.span == "shot":
            answers = dict(zip(there, self._ask(_solid(sights, there), [k[1] for k in there]), strict=True))
            return [answers[k] for k in stand_in]
        return self._ask(_solid(sights, stand_in), [k[1] for k in stand_in])

    def _look_of(self, sight: Sight, answer: Answer | None) -> Look:
        """An answer as a look; without a network its residual is nothing."""
        normals = sight.normals if answer is None else answer.normals
        hint = self._hint(sight.light, normals, sight.matte).at(normals)
        if answer is None:
            return Look(sight.code, sight.matte, normals, hint, np.zeros_like(hint), canvas=sight.canvas)
        known = None if sight.conditions is None else sight.conditions.normals_known[0, 0].numpy()
        sides = (answer.albedo, answer.confidence)
        residual = answer.residual - np.float32(self._told_level(sight.light, normals, sight.matte))
        return Look(sight.code, sight.matte, normals, hint, residual, *sides, sight.canvas, known)

    def _hint(self, light: FrameLight, normals: np.ndarray, matte: np.ndarray) -> Hint:
        """What residuals are over, from frame to frame."""
        # A network answers over the light it was told of; one fitted to know a level by is not.
        if self._network is None or light.source is not None:
            return light.shading.hint
        if self._network.levelled:
            # Lights at their own levels: a fitted source tells how bright the subject was.
            source = light.shading.source if self._plan.parameters.level_mode() == "absolute" else None
            return alone(light.shading.target, normals, matte, self._plan.colour.luminance_weights, source)
        return over_even(light.shading.target)

    def _told_level(self, light: FrameLight, normals: np.ndarray, matte: np.ndarray) -> float:
        """How much more that hint is than the one the network was told, log gain.

        Without a source light networks are told each frame's light less its mean over the subject. That mean moves when a light
        turns: left in the residual, the head would take it for flicker.
        """
        assert self._network is not None
        if light.source is not None or self._network.levelled:
            return 0.0
        return mean_over(light.shading.target, normals, matte, self._plan.colour.luminance_weights)

    def _steady(self, key: Key, look: Look) -> np.ndarray:
        """The residual of a frame without its flicker, when there is a head."""
        head, radius = self._head, self._plan.radius
        if head is None:
            return look.residual
        keys = self._window(key, range(key[1] - radius, key[1] + radius + 1))
        there = iter(self._looks.get_all((k for k in keys if k is not None), self._look))
        looks = [None if k is None else next(there) for k in keys]
        looks = [n if n is not None and n.canvas == look.canvas else None for n in looks]
        looks = same_take(looks, radius, lambda n: n.thumb)
        with self._one_at_a_time:
            return head.steady(looks, self._plan.parameters.deflicker_strength)

    def _put(self, subject: Subject, light: FrameLight, look: Look, residual: np.ndarray) -> Work:
        """A look, with its residual as it is by now, onto the frame at full size."""
        light = self._told(light, subject)
        shading = replace(light.shading, hint=self._hint(light, look.normals, look.matte))
        if subject.guessed and self._network is not None:
            subject = replace(subject, normals=_enlarged(look.normals, subject.weight.shape), guessed=False)
        small = np.concatenate([look.normals, look.matte[..., None]], -1)
        full = np.concatenate([subject.normals, subject.weight[..., None]], -1)
        sides = self._sides(subject, look, small, full)
        return Work(subject, shading, self._guide(small, look.matte).fit(residual), full, sides)

    def _guide(self, small: np.ndarray, matte: np.ndarray) -> Guide:
        """The guide of a frame. The last one is kept: while a light is turned it stays the same."""
        for normals, cover, guide in self._guided[:]:
            if np.array_equal(normals, small) and np.array_equal(cover, matte):
                return guide
        guide = Guide.of(small, matte)
        self._guided[:] = [(small, matte, guide)]
        return guide

    def _sides(self, subject: Subject, look: Look, small: np.ndarray, full: np.ndarray) -> dict[str, np.ndarray]:
        """The layers asked for that only the network can tell, at full size."""
        asked, sides = self._plan.parameters.layers, {}
        if "confidence" in asked and look.confidence is not None:
            sides["confidence"] = np.clip(resize(look.confidence, subject.weight.shape), 0, 1)
        if "albedo" in asked and look.albedo is not None:
            anchor = np.float32(self._plan.job.measured.anchor or 1.0)
            sides["albedo"] = _detailed(look.albedo, look, subject, small, full, anchor)
        return sides


def _detailed(
    albedo: np.ndarray, look: Look, subject: Subject, small: np.ndarray, full: np.ndarray, anchor: np.float32
) -> np.ndarray:
    """A delit proxy at full size with the plate's detail: what is enlarged is the light that was taken out of it."""
    delit = np.log((albedo + np.float32(FLOOR)) / (decode(look.code) + np.float32(FLOOR)))
    guided = guide_residual(delit, small, look.matte)
    light = np.maximum(unpremultiply(subject.plate, subject.alpha) * anchor, 0)
    height = light.shape[0]
    for rows in bands(height):
        factor = np.exp(enlarge_residual(guided, full[rows], rows, height))
        light[rows] = np.clip((light[rows] + np.float32(FLOOR)) * factor - np.float32(FLOOR), 0, 1)
    return light


def _solid(sights: dict[Key, Sight | None], keys: Sequence[Key]) -> list[Sight]:
    return [sight for k in keys if (sight := sights[k]) is not None]


def _blended(shared: list[tuple[Answer, float]]) -> Answer:
    """Answers of overlapping windows to one frame, each by its share."""
    if len(shared) == 1:
        return shared[0][0]
    shares = [np.float32(share) for _, share in shared]

    def mixed(parts: Sequence[np.ndarray]) -> np.ndarray:
        return np.sum([part * share for part, share in zip(parts, shares, strict=True)], axis=0)

    def mixed_if_any(parts: Sequence[np.ndarray | None]) -> np.ndarray | None:
        there = [part for part in parts if part is not None]
        return mixed(there) if there else None

    answers = [answer for answer, _ in shared]
    return replace(
        answers[0],
        residual=mixed([a.residual for a in answers]),
        hint=mixed([a.hint for a in answers]),
        normals=_unit(mixed([a.normals for a in answers])),
        albedo=mixed_if_any([a.albedo for a in answers]),
        confidence=mixed_if_any([a.confidence for a in answers]),
    )


def _rays(frame: Frame, proxy: Proxy, camera: Camera) -> np.ndarray:
    """View rays of the proxy's pixels: it covers the data window, the field of view is the display window's."""
    data, display = frame.data_window, frame.display_window
    height, width = proxy.matte.shape
    across, down = width / data.width, height / data.height
    window = ((data.x - display.x) * across, (data.y - display.y) * down, width, height)
    aspect = frame.pixel_aspect * down / across
    return camera_rays(display.width * across, display.height * down, camera.fov, aspect, window)


def _enlarged(normals: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    return _unit(cv2.resize(normals, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC))


def _shrunk(normals: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    return _unit(cv2.resize(normals, (shape[1], shape[0]), interpolation=cv2.INTER_AREA))


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-6)


@lru_cache(maxsize=2)
def _fitted_light(rows: tuple[tuple[tuple[float, float, float], ...], ...], weights: tuple[float, ...]) -> Light:
    return Light.of(np.array(rows, np.float32), np.array(weights))


@lru_cache(maxsize=2)
def _fitted_tables(rows: tuple[tuple[tuple[float, float, float], ...], ...], weights: tuple[float, ...]) -> LightTables:
    from ..relighter.own.light_tables import LightTables

    return LightTables.of(np.array(rows, np.float32), _fitted_light(rows, weights))
