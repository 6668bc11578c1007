"""The worker: one long-lived process that holds pictures and networks, and does what front ends ask over its streams.

Protocol and framing are those of `rpc`. Three threads: the first reads requests and answers at once what needs no work
(cancel, queue, status); one looks (previews, balls, what an input holds); one renders, a job at a time. A message that
makes no sense is answered with an error and changes nothing. When its standard input ends, the worker ends.
`python -m relamp.core.worker`.
"""

from __future__ import annotations

import contextlib
import inspect
import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, BinaryIO

from . import VERSION
from .errors import StoppedError, outcome
from .process import Stop, devices_in_use, resident_memory, set_up
from .progress import Event
from .rpc import (
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    PARSE_ERROR,
    PROTOCOL,
    BadMessageError,
    Message,
    Reply,
    read_message,
    write_message,
)
from .rpc.lane import Lane, Request, new_stop
from .rpc.values import check_numbers, check_texts, gains_of, job_of, require_texts

log = logging.getLogger("relamp")

Method = Callable[..., Reply]


class Worker:
    """Reads requests from one stream and answers on another until the first ends."""

    def __init__(self, requests: BinaryIO, replies: BinaryIO) -> None:
        from .shot.preview import Previewer

        self._requests, self._replies = requests, replies
        self._writing = threading.Lock()
        self._previewer = Previewer()
        self._previewing = Lane("look", self._answer, self._previewer.look_ahead)
        self._rendering = Lane("render", self._answer)
        self._long: dict[str, Method] = {
            "render": self._render,
            "passes": self._passes,
            "source_light": self._source_light,
        }
        self._at_once: dict[str, Method] = {"queue": self._queue, "status": self._status, "cancel": self._cancel}
        self._looks: dict[str, Method] = {
            "preview": self._preview,
            "balls": self._balls,
            "environment": self._environment,
            "values": self._values,
            "displays": self._displays,
            "inspect": self._inspect,
            "made": self._made,
            "rig": self._rig,
            "surface": self._surface,
            "ground": self._ground,
            "passes_there": self._passes_there,
            "vocabulary": self._vocabulary,
            "words": self._words,
        }

    def run(self) -> int:
        """Serve until `shutdown` or the end of the stream; the exit code."""
        self._tell("ready", version=VERSION, protocol=PROTOCOL)
        try:
            while True:
                try:
                    message = read_message(self._requests)
                except BadMessageError as error:
                    self._refuse(None, PARSE_ERROR, str(error))
                    continue
                if message is None or message.body.get("method") == "shutdown":
                    return 0
                self._take(message)
        finally:
            self._previewing.close()
            self._rendering.close()

    def log(self, level: str, sentence: str) -> None:
        """Tell the front end a line of the log."""
        self._tell("log", level=level, message=sentence)

    def _take(self, message: Message) -> None:
        body = message.body
        method, params, id = body.get("method"), body.get("params", {}), body.get("id")
        if not isinstance(method, str) or isinstance(id, (dict, list)):
            self._refuse(None, INVALID_REQUEST, "a request is an object with a method and an id")
        elif not isinstance(params, dict):
            self._refuse(id, INVALID_PARAMS, f"the parameters of {method} must be an object")
        else:
            self._dispatch(id, method, params)

    def _dispatch(self, id: Any, method: str, params: dict[str, Any]) -> None:
        function = self._at_once.get(method) or self._looks.get(method)
        stop = new_stop()
        if method in self._long:
            function = self._long[method]
            params = {**params, "told": lambda event: self._tell("progress", id=id, **vars(event)), "stop": stop}
        if function is None:
            self._refuse(id, METHOD_NOT_FOUND, f"there is no method {method!r}")
            return
        try:
            inspect.signature(function).bind(**params)
        except TypeError as error:
            self._refuse(id, INVALID_PARAMS, f"{method}: {error}")
            return
        request = Request(id, method, lambda: function(**params), stop)
        if method in self._at_once:
            self._answer(request)
        else:
            (self._rendering if method in self._long else self._previewing).add(request)

    def _answer(self, request: Request) -> None:
        """Do one request and say what came of it; nothing that goes wrong in it goes further."""
        try:
            if request.stop.is_set():
                raise StoppedError("taken out of the queue before it began", request.stop.signal_number)
            if request.method not in self._at_once:
                self._tell("begun", id=request.id)
            reply = request.run()
        except Exception as error:
            log.debug("traceback", exc_info=error)
            self._refuse(request.id, *outcome(error))
        else:
            if request.id is not None:
                self._write({"id": request.id, "result": reply.result}, reply.attachment)

    def _preview(
        self,
        job: dict[str, Any],
        stage: str = "relit",
        frame: int | None = None,
        size: int = 960,
        exposure: float = 0.0,
        display: str | None = None,
        view: str | None = None,
        name: str | None = None,
        dim: list[float] | None = None,
    ) -> Reply:
        check_numbers(size=size, exposure=exposure, **({} if frame is None else {"frame": frame}))
        check_texts(stage=stage, display=display, view=view, name=name)
        gains = gains_of(dim)
        seen = self._previewer.picture(
            job_of(job), stage, frame, int(size), float(exposure), (display, view), name, gains
        )
        return Reply(seen.facts, seen.pixels.tobytes())

    def _balls(
        self, job: dict[str, Any], frame: int = 1, size: int = 96, display: str | None = None, view: str | None = None
    ) -> Reply:
        check_numbers(frame=frame, size=size)
        check_texts(display=display, view=view)
        seen = self._previewer.balls(job_of(job), frame, min(max(int(size), 8), 1024), (display, view))
        return Reply(seen.facts, seen.pixels.tobytes())

    def _environment(
        self,
        job: dict[str, Any],
        frame: int = 1,
        exposure: float = 0.0,
        display: str | None = None,
        view: str | None = None,
    ) -> Reply:
        check_numbers(frame=frame, exposure=exposure)
        check_texts(display=display, view=view)
        wanted = job_of(job)
        seen = self._previewer.environment(wanted, frame, wanted.parameters.lamps, float(exposure), (display, view))
        return Reply(seen.facts, seen.pixels.tobytes())

    def _values(self, name: str, x: float, y: float) -> Reply:
        require_texts(name=name)
        check_numbers(x=x, y=y)
        # Written as text: JSON has no infinity, and a plate may.
        return Reply({"values": [f"{value:.6g}" for value in self._previewer.values(name, x, y)]})

    def _displays(self, config: str | None = None) -> Reply:
        check_texts(config=config)
        colour, displays = self._previewer.displays(config)
        listed = [{"name": name, "views": list(views)} for name, views in displays.items()]
        facts = {"config": colour.config_id, "working_space": colour.working_space, "spaces": list(colour.spaces())}
        return Reply({**facts, "displays": listed})

    def _inspect(self, name: str, path: str, config: str | None = None) -> Reply:
        from .shot.inspect import inspect_input

        require_texts(name=name, path=path)
        check_texts(config=config)
        return Reply(inspect_input(name, path, config))

    def _made(self, pattern: str, frames: str) -> Reply:
        from .shot.inspect import how_made

        require_texts(pattern=pattern, frames=frames)
        return Reply(how_made(pattern, frames))

    def _rig(self, rig: str | None = None, words: str | None = None, frame: int = 1) -> Reply:
        """A rig, as the text of a rig file or in words: its text, and a sentence and a screen colour for each light."""
        from .light.rig import from_json, to_json
        from .light.rig_words import rig_of, sentence
        from .shot.rig_lights import screen_colour

        check_texts(rig=rig, words=words)
        check_numbers(frame=frame)
        found = rig_of(words) if words is not None else from_json(rig or "", "the rig")
        lights = [light.at_frame(int(frame)) for light in found.lights]
        facts = [{"says": sentence(light), "colour": screen_colour(light)} for light in lights]
        return Reply({"rig": to_json(found), "lights": facts})

    def _vocabulary(self) -> Reply:
        """The words that a light may be described with, by topic."""
        from .light.vocabulary import TOPICS

        return Reply({"topics": {topic: list(words) for topic, words in TOPICS.items()}})

    def _words(self, words: str) -> Reply:
        """What is understood of a light in words, as a sentence."""
        from .light.said_back import said_back
        from .light.words import describe

        require_texts(words=words)
        return Reply({"understood": said_back(describe(words))})

    def _surface(self, job: dict[str, Any], x: float, y: float, frame: int | None = None, size: int = 960) -> Reply:
        """The normal of the subject at (x, y) of the picture, 0 to 1: camera axes, unit; null where there is no subject."""
        check_numbers(x=x, y=y, size=size, **({} if frame is None else {"frame": frame}))
        return Reply({"normal": self._previewer.normal(job_of(job), frame, int(size), x, y)})

    def _ground(self, job: dict[str, Any], frame: int | None = None, size: int = 960) -> Reply:
        """The ground of the job on a frame, given or found, and the camera that sees it."""
        check_numbers(size=size, **({} if frame is None else {"frame": frame}))
        return Reply(self._previewer.ground(job_of(job), frame, int(size)))

    def _render(self, job: dict[str, Any], told: Callable[[Event], None], stop: Stop, resume: bool = False) -> Reply:
        from .job import with_parameters
        from .shot import relight

        wanted = job_of(job)
        if resume and wanted.parameters.skip_existing == "off":
            wanted = with_parameters(wanted, skip_existing="same")
        reports = relight(wanted, on_event=told, stop=stop)
        written = sorted(frame for report in reports for frame in report.written)
        kept = sorted(frame for report in reports for frame in report.kept)
        return Reply({"written": written, "kept": kept, "out": [report.out for report in reports]})

    def _passes_there(self, job: dict[str, Any], frame: int) -> Reply:
        """Which passes the shot has, and who made each."""
        from .shot.passes_there import passes_there
        from .shot.plan import resolve_inputs

        check_numbers(frame=frame)
        p = job_of(job).parameters
        inputs = resolve_inputs(p if p.out else replace(p, out="passes.####.exr"))
        return Reply({"passes": passes_there(p, inputs, int(frame))})

    def _passes(self, job: dict[str, Any], told: Callable[[Event], None], stop: Stop, resume: bool = False) -> Reply:
        """Make the passes of the job's plate, as `relamp passes` does; frames made before with the same settings are kept."""
        from .job import with_parameters
        from .shot.passes import make_passes
        from .shot.passes_prepare import prepare_passes

        report = make_passes(prepare_passes(with_parameters(job_of(job), skip_existing="same")), told, stop)
        return Reply({"written": sorted(report.written), "kept": sorted(report.kept), "out": [report.out]})

    def _source_light(self, job: dict[str, Any], told: Callable[[Event], None], stop: Stop, out: str) -> Reply:
        """Estimate the light the job's plate was shot under, and write it as a map to `out`, over an earlier one."""
        from .shot.source_light import save_estimate

        require_texts(out=out)
        save_estimate(job_of(job), out)
        return Reply({"written": [], "kept": [], "out": [out]})

    def _cancel(self, id: int) -> Reply:
        self._rendering.cancel(id)
        self._previewing.cancel(id)
        return Reply({})

    def _queue(self) -> Reply:
        return Reply({"requests": [{"id": request.id, "method": request.method} for request in self._every_request()]})

    def _every_request(self) -> list[Request]:
        return [*self._rendering.requests(), *self._previewing.requests()]

    def _status(self) -> Reply:
        facts = {"version": VERSION, "pid": os.getpid(), "memory": resident_memory(), "devices": devices_in_use()}
        return Reply({**facts, "cpu_seconds": time.process_time()})

    def _refuse(self, id: Any, code: int, sentence: str) -> None:
        self._write({"id": id, "error": {"code": code, "message": sentence}})

    def _tell(self, method: str, **params: Any) -> None:
        self._write({"method": method, "params": params})

    def _write(self, body: dict[str, Any], attachment: bytes = b"") -> None:
        # A front end that is gone hears nothing; the end of its stream is what ends the worker.
        with self._writing, contextlib.suppress(OSError, ValueError):
            write_message(self._replies, body, attachment)


class _ToFrontEnd(logging.Handler):
    """Warnings and errors as `log` notifications; a warning that is a mere remark has the level `remark`."""

    def __init__(self, worker: Worker) -> None:
        super().__init__(logging.WARNING)
        self._worker = worker

    def emit(self, record: logging.LogRecord) -> None:
        level = "remark" if getattr(record, "remark", False) else record.levelname.lower()
        self._worker.log(level, record.getMessage())


def main() -> int:
    """Serve the standard streams of this process."""
    set_up()
    requests, replies = _take_streams()
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(message)s")
    worker = Worker(requests, replies)
    log.addHandler(_ToFrontEnd(worker))
    return worker.run()


def _take_streams() -> tuple[BinaryIO, BinaryIO]:
    """The protocol gets the real streams; whatever else prints or reads gets stderr and nothing."""
    requests = os.fdopen(os.dup(0), "rb")
    replies = os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return requests, replies


if __name__ == "__main__":
    sys.exit(main())
