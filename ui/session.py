"""The state of the panel: a job, the frame that is shown, and the requests to the worker that follow from a change.

Widgets call its methods and show what it signals; it imports no widgets.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QImage

from ..core import job as jobs
from ..core.errors import RelampError
from ..core.frames import parse_frames
from ..core.job import RelightJob
from ..core.parameters import NEW_LAYERS, PUBLISHED, Curve, RelightParameters, default_of, knob_of, knobs
from ..core.rpc import Call, Reply
from .client import WorkerClient, as_image, as_params
from .frame_cache import FrameCache, Shown
from .history import History
from .look import Snapshot

INPUTS = (
    "plate", "matte", "passes", "normals", "depth", "albedo", "roughness", "metallic", "source_env", "env", "background",
)  # fmt: skip
PASSES = ("passes", "normals", "depth", "albedo", "roughness", "metallic", "estimator")
LIGHTS = ("env", "prompt", "background", "rig")
"""Where the new light may come from: the first that is given is it."""
GIVEN = ("matte", "normals", "depth", "base", "roughness", "metallic")
STAGES = ("relit", "plate", *GIVEN, "ratio", "hint", "proxy")
LAYERS = tuple(name for name in NEW_LAYERS if name not in (*STAGES, "lamps"))
WITHOUT_LIGHT = ("plate", *GIVEN)
QUICK = 960  # px: the size that is requested while something moves
SETTLE = 250  # ms without a change after which the full picture is requested
_LIGHT = (
    "env", "prompt", "background", "rig", "light", "background_exposure", "env_colorspace", "backbone", "config", "camera",
)  # fmt: skip
_NO_PICTURE = ("output", "run")  # groups of parameters that no picture depends on


_ROLES = {"info": "quiet", "remark": "quiet", "warning": "warning"}
"""What a line of the worker's log is to the artist, by its level; every other level is an error."""


@dataclass(frozen=True)
class _Wanted:
    """A picture that is requested, but for its frame and its size. `name` is a stage, or `result`; `key` is all of it as text."""

    name: str
    params: dict[str, Any]
    key: str


class Session(QObject):
    """One artist's work on one shot."""

    parameterChanged = Signal(str, object)
    jobChanged = Signal()
    """The job is another one, and so may be what can be undone."""
    inspected = Signal(str, object)
    """An input was found: its name and the facts of the worker's `inspect`."""
    inputRefused = Signal(str, str)
    """An input cannot be used: its name and why."""
    pictureReady = Signal(str, QImage, object)
    """A picture of a stage, and the facts of the worker's `preview`."""
    pictureFailed = Signal(str)
    workingChanged = Signal(str)
    """The stage whose picture is being worked out, or `result`; empty when it is there."""
    beforeReady = Signal(QImage)
    environmentReady = Signal(QImage, object)
    """The new light's picture and its lamps."""
    ballsReady = Signal(QImage)
    valuesReady = Signal(object)
    framesChanged = Signal(object, int)
    """The frames of the plate, rising, and the current one."""
    cachedChanged = Signal(object)
    """The frames whose pictures are at hand, a frozenset."""
    displaysReady = Signal(object)
    """What the colour config has: the facts of the worker's `displays`."""
    passesReady = Signal(object)
    """Which passes the shot has, and who made each: the facts of the worker's `passes_there`."""
    said = Signal(str, str)
    """A sentence for the artist, and what it is: `quiet` a remark, `warning`, or `wrong` an error."""

    def __init__(self, client: WorkerClient, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._client = client
        self._job = RelightJob(RelightParameters())
        self.history = History()
        self._frame: int | None = None
        self._stage, self._stops, self._size, self._ball = "relit", 0.0, QUICK, 96
        self._view: tuple[str | None, str | None] = (None, None)
        self._dim: tuple[float, ...] = ()
        self._result: str | None = None
        self._cache, self._befores = FrameCache(), FrameCache()
        self._wants_before = False
        self._compared: Snapshot | None = None
        self._moving, self._waiting = False, False
        self._working = ""
        self._settle = QTimer(self, singleShot=True, interval=SETTLE)
        self._settle.timeout.connect(lambda: self._ask_picture(self._size))
        client.noticed.connect(self._noticed)
        client.logged.connect(lambda level, text: self.said.emit(text, _ROLES.get(level, "wrong")))

    @property
    def job(self) -> RelightJob:
        """The current job."""
        return self._job

    @property
    def frame(self) -> int | None:
        """The frame that is shown; None before a plate was found."""
        return self._frame

    @property
    def result(self) -> str | None:
        """The rendered frames that are shown, None for a preview."""
        return self._result

    def set(self, name: str, value: Any, undoable: bool = True, step: str = "") -> None:
        """Set a parameter. A value that is refused is reported and changes nothing.

        What follows from another change and is no step of its own is not `undoable`. Changes of one `step`, else of one
        parameter, that follow one another are undone together. A light that is removed takes its turn and
        its exposure with it, which would be wrong for the next one.
        """
        if value == "":
            value = default_of(name)
        before = self._job.parameters
        if value == getattr(before, name):
            return
        changed = {name: value} | _goes_with_its_light(before, name, value) | _gives_way(before, name, value)
        try:
            job = jobs.with_parameters(self._job, **changed)
        except RelampError as error:
            self.said.emit(str(error), "wrong")
            return
        if undoable:
            self.history.note(self._job, step or name)
        self._job = job
        if knob_of(name).group not in _NO_PICTURE:
            self._result = None
        for each, new in changed.items():
            self.parameterChanged.emit(each, new)
        for each in changed:
            self._follow(each, getattr(before, each))
        self.jobChanged.emit()

    def load(self, path: str) -> None:
        """Load a job file. Raises `RelampError`."""
        self.take(jobs.load(path))

    def save(self, path: str) -> None:
        """Write the job to a file, over one that is there: the dialog has asked. Raises `RelampError`."""
        jobs.save(self._job, path, overwrite=True)

    def take(self, job: RelightJob) -> None:
        """Replace the job, as one step that can be undone."""
        self.history.note(self._job)
        self._replace(job)

    def undo(self) -> None:
        """Take the last step back."""
        job = self.history.undo(self._job)
        if job is not None:
            self._replace(job)

    def redo(self) -> None:
        """Take a step again that was taken back."""
        job = self.history.redo(self._job)
        if job is not None:
            self._replace(job)

    def _replace(self, job: RelightJob) -> None:
        before, self._job = self._job.parameters, job
        self._result = None
        changed = [name for name, _ in knobs() if getattr(before, name) != getattr(job.parameters, name)]
        for name in changed:
            self.parameterChanged.emit(name, getattr(job.parameters, name))
        for name in changed:
            if name in INPUTS or name in _LIGHT:
                self._follow(name, getattr(before, name))
        self.refresh()
        self.jobChanged.emit()

    def start(self) -> None:
        """Start the worker, so that it is warm when it is needed, and learn what the colour config has."""
        self._ask_displays()

    def setFrame(self, frame: int) -> None:
        """Show another frame."""
        if frame != self._frame:
            self._frame = frame
            self.refresh()
            if self._light_moves() and not self._moving:
                self._ask_balls()

    def setStage(self, stage: str) -> None:
        """Show another stage."""
        self._stage, self._result = stage, None
        self.refresh()

    def setViewExposure(self, stops: float) -> None:
        """Set the exposure of the view, which changes no parameter."""
        self._stops = stops
        self.refresh()

    def setView(self, display: str | None, view: str | None) -> None:
        """Set the view of the colour config."""
        if (display, view) != self._view:
            self._view = (display, view)
            self.refresh()
            if self._lit():
                self._ask_environment()
                self._ask_balls()

    def setDim(self, gains: tuple[float, ...]) -> None:
        """Set the factors of the lamps in the picture, the rest last; () for 1 each."""
        if gains != self._dim:
            self._dim = gains
            self.refresh()

    def setViewSize(self, longer: int) -> None:
        """Set the size at which the view shows the plate: px of its longer side, 0 for the plate's own."""
        if longer != self._size:
            self._size = longer
            self._settle.start()

    def setBallSize(self, pixels: int) -> None:
        """Set the size in px at which a ball is drawn."""
        self._ball = pixels

    def setWantsBefore(self, on: bool) -> None:
        """Set whether the plate is shown too, behind the wipe."""
        self._wants_before = on
        if on:
            self._ask_before()

    def setMoving(self, on: bool) -> None:
        """Set whether frames follow one another, so that only pictures are requested, and small ones."""
        self._moving = on
        if on:
            self._settle.stop()
        else:
            self.refresh()

    def isWaiting(self) -> bool:
        """Whether the picture of the current frame has not arrived yet."""
        return self._waiting

    def showResult(self, pattern: str) -> None:
        """Show rendered frames instead of a preview, until a parameter changes."""
        self._result = pattern
        self._cache.clear()  # they may be other files than last time
        self.refresh()

    def reload(self) -> None:
        """Read everything again, because files may have changed."""
        self._cache.clear()
        self._befores.clear()
        for name in INPUTS:
            self._inspect(name)
        if self._lit():
            self._ask_environment()
            self._ask_balls()
        self.refresh()

    def refresh(self) -> None:
        """Show the current picture: at once when it is kept, else a quick one first."""
        self._settle.stop()
        if not self._job.parameters.plate:
            return
        if self._cache.setKey(self._wanted().key):
            self.cachedChanged.emit(frozenset())
        kept = self._cache.get(self._frame) if self._frame is not None else None
        if kept is not None:
            self._set_waiting(False)
            self.pictureReady.emit(self._name(), kept.image, kept.facts)
        else:
            self._ask_picture(QUICK if self._large() else self._size)
        if self._large() and not self._moving and (kept is None or kept.size != self._size):
            self._settle.start()
        self._ask_before()

    def askValues(self, x: float, y: float) -> None:
        """Request the linear values of the last picture at (x, y), 0 to 1."""
        if self._job.parameters.plate:
            params = {"name": self._name(), "x": x, "y": y}
            self._client.ask(
                "values",
                params,
                lambda reply: self.valuesReady.emit(reply.result["values"]),
                lambda error: self.valuesReady.emit([]),
                lane="values",
            )

    def askStatus(self, on_words: Callable[[str], None]) -> None:
        """Request the worker's status, as a sentence."""
        self._client.ask(
            "status",
            {},
            lambda reply: on_words(_in_words(reply.result)),
            lambda error: on_words(str(error)),
            lane="status",
        )

    def askRig(
        self, rig: dict[str, Any], on_result: Callable[[dict[str, Any]], None], on_error: Callable[[RelampError], None]
    ) -> None:
        """Request what a rig holds: `rig`, its text, or `words` that describe it."""
        params = {**rig, "frame": self._frame or 1}
        lane = None if "words" in rig else "rig"
        self._client.ask("rig", params, lambda reply: on_result(reply.result), on_error, lane=lane)

    def askVocabulary(self, on_topics: Callable[[dict[str, list[str]]], None]) -> None:
        """Request the words that a light may be described with, by topic."""
        self._client.ask(
            "vocabulary",
            {},
            lambda reply: on_topics(reply.result["topics"]),
            lambda error: self.said.emit(str(error), "wrong"),
        )

    def askWords(self, words: str, on_result: Callable[[str, bool], None]) -> None:
        """Request what a light in words means: a sentence, and whether they are refused."""
        self._client.ask(
            "words",
            {"words": words},
            lambda reply: on_result(reply.result["understood"], False),
            lambda error: on_result(str(error), True),
            lane="words",
        )

    def askMap(self, path: str, on_image: Callable[[QImage], None]) -> None:
        """Request a small picture of an environment; a null image where it is none."""
        job = RelightJob(RelightParameters(env=path, config=self._job.parameters.config))
        self._client.ask(
            "environment",
            {"job": as_params(job), "frame": 1, **self._seen_through()},
            lambda reply: on_image(as_image(reply)),
            lambda error: on_image(QImage()),
        )

    def askFrame(
        self, stage: str, frame: int, size: int, on_image: Callable[[QImage], None], on_error: Callable[[str], None]
    ) -> None:
        """Request a picture of any frame, as for a contact sheet; the view is not concerned."""
        params = {"job": as_params(self._job), "stage": stage, "frame": frame, "size": size, "name": "sheet"}
        self._client.ask(
            "preview",
            {**params, **self._eyes()},
            lambda reply: on_image(as_image(reply)),
            lambda error: on_error(str(error)),
        )

    def setCompared(self, snapshot: Snapshot | None) -> None:
        """Put a look that was kept behind the wipe, or the plate again."""
        self._compared = snapshot
        self._ask_before()

    def askSurface(self, x: float, y: float, on_normal: Callable[[list[float] | None], None]) -> None:
        """Request the subject's normal at (x, y) of the picture, 0 to 1."""
        params = {"job": as_params(self._job), "x": x, "y": y, "frame": self._frame, "size": QUICK}
        self._client.ask(
            "surface",
            params,
            lambda reply: on_normal(reply.result["normal"]),
            lambda error: self.said.emit(str(error), "wrong"),
            lane="surface",
        )

    def askGround(self, on_ground: Callable[[dict[str, Any]], None], on_error: Callable[[str], None]) -> None:
        """Request the ground of the shown frame and the camera that sees it."""
        params = {"job": as_params(self._job), "frame": self._frame, "size": QUICK}
        self._client.ask(
            "ground", params, lambda reply: on_ground(reply.result), lambda error: on_error(str(error)), lane="ground"
        )

    def render(
        self,
        on_progress: Callable[[dict[str, Any]], None],
        on_done: Callable[[dict[str, Any]], None],
        on_error: Callable[[RelampError], None],
        job: RelightJob | None = None,
        resume: bool = False,
        on_begun: Callable[[], None] | None = None,
        method: str = "render",
        **more: Any,
    ) -> Call:
        """Queue a render of the job as it stands, or of another one. `resume` keeps the frames that are finished.

        `method` is `render`, `passes` or `source_light`, with `more` of the worker's parameters for it.
        """
        resuming = {"resume": resume} if method != "source_light" else {}
        return self._client.ask(
            method,
            {"job": as_params(job or self._job), **resuming, **more},
            lambda reply: on_done(reply.result),
            on_error,
            on_progress=on_progress,
            on_begun=on_begun,
        )

    def cancel(self, call: Call) -> None:
        """Stop a render; finished frames are kept."""
        self._client.cancel(call)

    def _follow(self, name: str, before: Any) -> None:
        p = self._job.parameters
        if name in INPUTS:
            self._inspect(name)
        if name in PASSES:
            self._ask_passes()
        if name == "config":
            self._ask_displays()
        tilted = name == "env_rotate" and _tilt(before) != _tilt(p.env_rotate)
        if name in (*_LIGHT, "lamps") or tilted:
            self._ask_environment()
        if name in (*_LIGHT, "env_rotate", "env_exposure"):
            self._ask_balls()
        if name != "plate" and (knob_of(name).group not in _NO_PICTURE or name in ("lamps", "device")):
            self.refresh()

    def _inspect(self, name: str) -> None:
        path = getattr(self._job.parameters, name)
        if not path:
            return
        self._client.ask(
            "inspect",
            {"name": name, "path": path, "config": self._job.parameters.config},
            lambda reply: self._inspected(name, path, reply),
            lambda error: self._refused(name, path, error),
            lane=f"inspect {name}",
        )

    def _inspected(self, name: str, path: str, reply: Reply) -> None:
        if getattr(self._job.parameters, name) != path:
            return  # another was given meanwhile
        facts = reply.result
        if facts["pattern"] != path:
            self._job = jobs.with_parameters(self._job, **{name: facts["pattern"]})
            self.parameterChanged.emit(name, facts["pattern"])
        self.inspected.emit(name, facts)
        if name == "plate":
            frames = parse_frames(facts["frames"]) if facts["frames"] else (int(facts["first"]),)
            if self._frame not in frames:
                self._frame = frames[0]
            self.framesChanged.emit(frames, self._frame)
            self.refresh()
        if name == "plate" or name in PASSES:
            self._ask_passes()

    def _refused(self, name: str, path: str, error: RelampError) -> None:
        if getattr(self._job.parameters, name) == path:
            self.inputRefused.emit(name, str(error))

    def _light_moves(self) -> bool:
        p = self._job.parameters
        return bool(p.camera) or any(isinstance(v, Curve) for v in (p.env_rotate, p.env_exposure)) or _many(p.env)

    def _large(self) -> bool:
        """Whether the picture takes longer than an interactive change may take."""
        return self._size == 0 or self._size > QUICK

    def _name(self) -> str:
        """What is shown: a stage, or `result`."""
        if self._result is not None:
            return "result"
        return self._stage if self._lit() or self._stage in WITHOUT_LIGHT else "plate"

    def _lit(self) -> bool:
        """Whether a parameter gives the new light, valid or not."""
        p = self._job.parameters
        return bool(p.env or p.prompt or p.background or p.rig) or p.backbone in PUBLISHED

    def _has_map(self) -> bool:
        """Whether the new light is one from all around, which a picture and two balls can show."""
        p = self._job.parameters
        return bool(p.env or p.prompt or p.background)

    def _wanted(self) -> _Wanted:
        name = self._name()
        job = as_params(self._job)
        if name == "result":
            job = {"schema": jobs.SCHEMA, "parameters": {"plate": self._result, "config": self._job.parameters.config}}
        params: dict[str, Any] = {"job": job, "stage": "plate" if name == "result" else name, **self._eyes()}
        if self._dim and name == "relit":
            params["dim"] = list(self._dim)
        idle = {k for k, knob in knobs() if knob.group in _NO_PICTURE and k not in ("lamps", "device")}
        shown = {k: v for k, v in job["parameters"].items() if k not in idle}
        return _Wanted(name, params, json.dumps([name, shown, {k: v for k, v in params.items() if k != "job"}]))

    def _eyes(self) -> dict[str, Any]:
        return {"exposure": self._stops, "display": self._view[0], "view": self._view[1]}

    def _ask_picture(self, size: int) -> None:
        request, frame = self._wanted(), self._frame
        self._cache.setKey(request.key)
        self._set_waiting(True)

        def ready(reply: Reply) -> None:
            shown = Shown(as_image(reply), reply.result, size)
            if self._cache.key() == request.key:
                self._cache.put(int(shown.facts["frame"]), shown)
                self.cachedChanged.emit(self._cache.frames())
            here = frame in (self._frame, None)
            wanted = here and self._cache.key() == request.key
            if wanted or (here and self._waiting):  # an older picture of the same stage is better than none
                self.pictureReady.emit(request.name, shown.image, shown.facts)
                self._set_waiting(self._waiting and not wanted)

        def failed(error: RelampError) -> None:
            self._set_waiting(False)
            self.pictureFailed.emit(str(error))

        params = {**request.params, "frame": frame, "size": size, "name": request.name}
        self._client.ask("preview", params, ready, failed, lane="view")

    def _set_waiting(self, on: bool) -> None:
        self._waiting = on
        working = self._name() if on else ""
        if working != self._working:
            self._working = working
            self.workingChanged.emit(working)

    def _ask_before(self) -> None:
        if not self._wants_before or self._frame is None:
            return
        if self._compared is not None:
            self._ask_compared(self._compared, self._frame)
            return
        p = self._job.parameters
        plate = {name: getattr(p, name) for name in ("plate", "layer", "colorspace", "config")}
        key, frame = json.dumps([plate, self._eyes()]), self._frame
        self._befores.setKey(key)
        kept = self._befores.get(frame)
        if kept is not None:
            self.beforeReady.emit(kept.image)
            return

        def ready(reply: Reply) -> None:
            shown = Shown(as_image(reply), reply.result, QUICK)
            if self._befores.key() == key:
                self._befores.put(frame, shown)
            if frame == self._frame:
                self.beforeReady.emit(shown.image)

        params = {"job": as_params(self._job), "stage": "plate", "frame": frame, "size": QUICK, "name": "before"}
        self._client.ask(
            "preview", {**params, **self._eyes()}, ready, lambda error: self.beforeReady.emit(QImage()), lane="before"
        )

    def _ask_compared(self, snapshot: Snapshot, frame: int) -> None:
        """Show a look's picture behind the wipe: the one that was kept, or on another frame a new one."""
        if frame == snapshot.frame:
            self.beforeReady.emit(snapshot.image)
            return
        params = {"job": as_params(snapshot.job), "stage": "relit", "frame": frame, "size": QUICK, "name": "before"}
        self._client.ask(
            "preview",
            {**params, **self._eyes()},
            lambda reply: self.beforeReady.emit(as_image(reply)),
            lambda error: self.beforeReady.emit(QImage()),
            lane="before",
        )

    def _ask_passes(self) -> None:
        if self._job.parameters.plate and self._frame is not None:
            self._client.ask(
                "passes_there",
                {"job": as_params(self._job), "frame": self._frame},
                lambda reply: self.passesReady.emit(reply.result["passes"]),
                lambda error: self.passesReady.emit([]),
                lane="passes_there",
            )

    def _ask_environment(self) -> None:
        if not self._has_map():
            self.environmentReady.emit(QImage(), [])
            return
        self._client.ask(
            "environment",
            {"job": as_params(self._job), "frame": self._frame or 1, **self._seen_through()},
            lambda reply: self.environmentReady.emit(as_image(reply), reply.result["lamps"]),
            lambda error: self.environmentReady.emit(QImage(), []),
            lane="environment",
        )

    def _ask_balls(self) -> None:
        if not self._has_map():
            self.ballsReady.emit(QImage())
            return
        params = {"job": as_params(self._job), "frame": self._frame or 1, "size": self._ball}
        self._client.ask(
            "balls",
            {**params, **self._seen_through()},
            lambda reply: self.ballsReady.emit(as_image(reply)),
            lambda error: self.ballsReady.emit(QImage()),
            lane="balls",
        )

    def _seen_through(self) -> dict[str, Any]:
        return {"display": self._view[0], "view": self._view[1]}

    def _ask_displays(self) -> None:
        self._client.ask(
            "displays",
            {"config": self._job.parameters.config},
            lambda reply: self.displaysReady.emit(reply.result),
            lambda error: self.said.emit(str(error), "wrong"),
            lane="displays",
        )

    def _noticed(self, sentence: str) -> None:
        self.said.emit(sentence, "warning")


def _in_words(status: dict[str, Any]) -> str:
    devices = [
        f"{device['name']}, {device['free'] / 1e9:.1f} of {device['total'] / 1e9:.1f} GB free"
        if "free" in device
        else f"{device['cores']} cores"
        for device in status["devices"]
    ]
    return f"worker {status['pid']}, {status['memory'] / 1e9:.2f} GB in memory; {'; '.join(devices)}"


def _goes_with_its_light(before: RelightParameters, name: str, value: Any) -> dict[str, Any]:
    """The parameters to set to their defaults because `name`, which the light comes from, is emptied; by name.

    A map that is replaced by another keeps them: artists try maps on one placement.
    """
    source = next((light for light in LIGHTS if getattr(before, light)), None)
    if value or name != source:
        return {}
    # The colour space of maps also says what the source environment is in.
    own = ("env_rotate", "env_exposure", *(("env_colorspace",) if name == "env" and not before.source_env else ()))
    return {own_name: default_of(own_name) for own_name in own if getattr(before, own_name) != default_of(own_name)}


def _gives_way(before: RelightParameters, name: str, value: Any) -> dict[str, Any]:
    """A map and words are both the whole new light, so one takes the other's place; published systems take both."""
    other = {"env": "prompt", "prompt": "env"}.get(name)
    if not value or other is None or before.backbone in PUBLISHED or not getattr(before, other):
        return {}
    return {other: default_of(other)}


def _tilt(rotate: Any) -> Any:
    """The part of a turn that the picture of the light shows by itself: all but that about Y."""
    return rotate if isinstance(rotate, Curve) else (rotate[0], rotate[2])


def _many(path: str | None) -> bool:
    """Whether a path names a sequence."""
    return bool(path) and ("#" in path or "%" in path)
