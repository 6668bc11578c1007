"""What the panel works on: a job, the frame that is looked at, and the questions to the worker that follow from a change.

Widgets tell it what the artist did and show what it signals; it knows no widgets.
"""

from __future__ import annotations

import json
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QImage

from ..core import job as jobs
from ..core.errors import RelampError
from ..core.job import RelightJob
from ..core.parameters import RelightParameters, knob_of, knobs
from ..core.rpc import Call, Reply
from .client import WorkerClient, as_image, as_params

INPUTS = ("plate", "matte", "normals", "source_env", "env", "background")
STAGES = ("relit", "plate", "ratio", "hint", "normals", "proxy")
WITHOUT_LIGHT = ("plate", "normals")
QUICK = 960  # px: what is asked for while something moves
SETTLE = 250  # ms of stillness after which the full picture is asked for


class Session(QObject):
    """One artist's work on one shot."""

    parameterChanged = Signal(str, object)
    inspected = Signal(str, object)
    """An input was found: its name and the facts of the worker's `inspect`."""
    inputRefused = Signal(str, str)
    """An input cannot be used: its name and why."""
    pictureReady = Signal(str, QImage, object)
    """A picture of a stage, and the facts of the worker's `preview`."""
    pictureFailed = Signal(str)
    beforeReady = Signal(QImage)
    environmentReady = Signal(QImage, object)
    """The new light's picture and its lamps."""
    ballsReady = Signal(QImage)
    valuesReady = Signal(object)
    framesChanged = Signal(int, int, int)
    """First, last and current frame."""
    said = Signal(str, bool)
    """A sentence for the artist, and whether something is wrong."""

    def __init__(self, client: WorkerClient, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._client = client
        self._job = RelightJob(RelightParameters())
        self._frame: int | None = None
        self._stage, self._stops, self._size, self._ball = "relit", 0.0, QUICK, 96
        self._result: str | None = None
        self._before_key: object = None
        self._settle = QTimer(self, singleShot=True, interval=SETTLE)
        self._settle.timeout.connect(lambda: self._ask_picture(self._size))
        client.noticed.connect(self._noticed)
        client.logged.connect(lambda level, text: self.said.emit(text, level != "info"))

    @property
    def job(self) -> RelightJob:
        """The job as it stands."""
        return self._job

    @property
    def frame(self) -> int | None:
        """The frame that is looked at; None before a plate was found."""
        return self._frame

    def set(self, name: str, value: Any) -> None:
        """Change a parameter. What cannot be is said and changes nothing."""
        if value == "" and knob_of(name).kind in ("picture", "file", "text"):
            value = None
        if value == getattr(self._job.parameters, name):
            return
        try:
            self._job = jobs.with_parameters(self._job, **{name: value})
        except RelampError as error:
            self.said.emit(str(error), True)
            return
        self._result = None
        self.parameterChanged.emit(name, value)
        self._follow(name)

    def load(self, path: str) -> None:
        """Take up a job file. Raises `RelampError`."""
        self.take(jobs.load(path))

    def save(self, path: str) -> None:
        """Write the job to a file. Raises `RelampError`."""
        jobs.save(self._job, path)

    def take(self, job: RelightJob) -> None:
        """Take up another job."""
        before, self._job = self._job, job
        self._result = None
        changed = [name for name, _ in knobs() if getattr(before.parameters, name) != getattr(job.parameters, name)]
        for name in changed:
            self.parameterChanged.emit(name, getattr(job.parameters, name))
        for name in changed:
            if name in INPUTS:
                self._follow(name)
        self.refresh()

    def setFrame(self, frame: int) -> None:
        """Look at another frame."""
        if frame != self._frame:
            self._frame = frame
            self.refresh()
            self._ask_balls()

    def setStage(self, stage: str) -> None:
        """Look at another stage."""
        self._stage, self._result = stage, None
        self.refresh()

    def setViewExposure(self, stops: float) -> None:
        """Brighten the view, for looking only."""
        self._stops = stops
        self.refresh()

    def setViewSize(self, longer: int) -> None:
        """How large the view shows the plate: px of its longer side, 0 for all there are."""
        if longer != self._size:
            self._size = longer
            self._settle.start()

    def setBallSize(self, pixels: int) -> None:
        """How large a ball is drawn."""
        self._ball = pixels

    def showResult(self, pattern: str) -> None:
        """Look at rendered frames instead of a preview, until something is changed."""
        self._result = pattern
        self.refresh()

    def refresh(self) -> None:
        """Ask for what is looked at, quickly first."""
        if not self._job.parameters.plate:
            return
        if self._size == 0 or self._size > QUICK:
            self._settle.start()
            self._ask_picture(QUICK)
        else:
            self._ask_picture(self._size)
        self._ask_before()

    def askValues(self, x: float, y: float) -> None:
        """Ask for the linear values of the last picture at (x, y), 0 to 1."""
        if self._job.parameters.plate:
            params = {"name": self._shown(), "x": x, "y": y}
            self._client.ask(
                "values",
                params,
                lambda reply: self.valuesReady.emit(reply.result["values"]),
                lambda error: self.valuesReady.emit([]),
                lane="values",
            )

    def render(self, on_progress: Any, on_done: Any, on_error: Any) -> Call:
        """Queue a render of the job as it stands."""
        return self._client.ask(
            "render",
            {"job": as_params(self._job)},
            lambda reply: on_done(reply.result),
            on_error,
            on_progress=on_progress,
        )

    def cancel(self, call: Call) -> None:
        """Stop a render; finished frames are kept."""
        self._client.cancel(call)

    def _follow(self, name: str) -> None:
        p = self._job.parameters
        if name in INPUTS:
            self._inspect(name)
        if name in ("env", "env_colorspace", "config", "lamps") and p.env:
            self._ask_environment()
        elif name == "env" and not p.env:
            self.environmentReady.emit(QImage(), [])
            self.ballsReady.emit(QImage())
        if name in ("env", "env_rotate", "env_exposure", "env_colorspace", "config", "camera"):
            self._ask_balls()
        if name != "plate" and knob_of(name).group not in ("output", "run"):
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
            first, last = int(facts["first"]), int(facts["last"])
            if self._frame is None or not first <= self._frame <= last:
                self._frame = first
            self.framesChanged.emit(first, last, self._frame)
            self.refresh()

    def _refused(self, name: str, path: str, error: RelampError) -> None:
        if getattr(self._job.parameters, name) == path:
            self.inputRefused.emit(name, str(error))

    def _shown_stage(self) -> str:
        if self._result is not None:
            return "plate"
        return self._stage if self._job.parameters.env or self._stage in WITHOUT_LIGHT else "plate"

    def _shown(self) -> str:
        """What is looked at, by name: a stage, or `result`."""
        return self._shown_stage() if self._result is None else "result"

    def _params(self, stage: str, size: int) -> dict[str, Any]:
        job = as_params(self._job)
        if self._result is not None and stage == self._shown_stage():
            job = {"schema": jobs.SCHEMA, "parameters": {"plate": self._result, "config": self._job.parameters.config}}
        return {"job": job, "stage": stage, "frame": self._frame, "size": size, "exposure": self._stops}

    def _ask_picture(self, size: int) -> None:
        stage = self._shown_stage()
        name = self._shown()
        self._client.ask(
            "preview",
            {**self._params(stage, size), "name": name},
            lambda reply: self.pictureReady.emit(name, as_image(reply), reply.result),
            lambda error: self.pictureFailed.emit(str(error)),
            lane="view",
        )

    def _ask_before(self) -> None:
        params = {**self._params("plate", QUICK), "job": as_params(self._job), "name": "before"}
        plate = {name: params["job"]["parameters"][name] for name in ("plate", "layer", "colorspace", "config")}
        key = json.dumps([plate, self._frame, self._stops])
        if key == self._before_key:
            return
        self._before_key = key
        self._client.ask(
            "preview",
            params,
            lambda reply: self.beforeReady.emit(as_image(reply)),
            lambda error: self._no_before(),
            lane="before",
        )

    def _no_before(self) -> None:
        self._before_key = None  # to be asked for again
        self.beforeReady.emit(QImage())

    def _ask_environment(self) -> None:
        self._client.ask(
            "environment",
            {"job": as_params(self._job), "frame": self._frame or 1},
            lambda reply: self.environmentReady.emit(as_image(reply), reply.result["lamps"]),
            lambda error: self.environmentReady.emit(QImage(), []),
            lane="environment",
        )

    def _ask_balls(self) -> None:
        if self._job.parameters.env:
            self._client.ask(
                "balls",
                {"job": as_params(self._job), "frame": self._frame or 1, "size": self._ball},
                lambda reply: self.ballsReady.emit(as_image(reply)),
                lambda error: self.ballsReady.emit(QImage()),
                lane="balls",
            )

    def _noticed(self, sentence: str) -> None:
        self.said.emit(sentence, True)
