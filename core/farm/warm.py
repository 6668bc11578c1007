"""The warm process of a farm session: it loads a shot once and renders the chunks that tasks request through the spool.

`python -m relamp.core.farm.warm SPOOL`; started by `relamp farm start`. It ends when the session is ended, when the folder
of the session is gone, or after an hour without requests. Floor 4.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from ..errors import RelampError, UsageError
from ..frames import format_frames, parse_frames
from ..job import RelightJob, with_parameters
from ..process import Stop, set_up
from .spool import GRACE, POLL, Chunk, Spool, ending

if TYPE_CHECKING:
    from ..shot.plan import Plan
    from ..temporal.residual_store import ResidualStore

IDLE = 3600.0  # s; a farm that ends a session badly must not leave a process on a machine for good

log = logging.getLogger("relamp")


class WarmShot:
    """A shot made ready once: its light, its camera and its network, for any of its frames.

    `session` holds `job`, the path of the job file; `rules`, that of path mapping rules, or None; and `parameters`, run
    parameters by name that win over the job's.
    """

    def __init__(self, session: dict[str, Any]) -> None:
        from ..shot.prepare import prepare, views
        from .path_mapping import load_job, load_rules

        rules = load_rules(session["rules"]) if session.get("rules") else ()
        job = with_parameters(load_job(session["job"], rules), **session.get("parameters", {}))
        job.require("plate", "env", "out")
        if job.parameters.skip_existing == "off":
            # A task that is sent again goes on where it stopped, whatever the artist's own render does.
            job = with_parameters(job, skip_existing="same", overwrite=False)
        self._plans = [prepare(_first_frame(view)) for view in views(job)]
        self._job = job

    def render(self, frames: tuple[int, ...], tell: Any, stop: Stop) -> None:
        """Render a chunk in every view. Raises as `shot.relight`."""
        from ..shot import relight
        from ..shot.prepare import prepare

        chunk = format_frames(frames)
        plans = [prepare(with_parameters(warm.job, frames=chunk), backbone=warm.backbone) for warm in self._plans]
        stores = [_store(plan) for plan in plans]
        relight(self._job, tell, stop, plans=plans, stores=stores)
        for plan, store in zip(plans, stores, strict=True):
            if store is not None:
                store.remove_when_whole(plan.inputs.out.path(frame) for frame in self._all(plan))

    def _all(self, plan: Plan) -> tuple[int, ...]:
        """The frames of the whole job."""
        whole = self._job.parameters.frames
        return parse_frames(whole) if whole else plan.on_disk


def _store(plan: Plan) -> ResidualStore | None:
    """Where chunks keep what the network predicted for each other; None where no chunk needs another's frames."""
    from ..temporal.residual_store import ResidualStore

    if plan.backbone.network is None or not plan.radius:
        return None
    return ResidualStore.beside(plan.inputs.out.path(0).parent, plan.inputs.out.name)


def serve(spool: Spool) -> int:
    """Load the shot, then render the chunks that are requested; returns the exit code."""
    spool.check_private()
    pulse = spool.beat()
    threading.Thread(target=_end_in_time, args=(spool,), name="end", daemon=True).start()
    try:
        try:
            begun = time.monotonic()
            shot = WarmShot(spool.session())
        except Exception as error:
            log.exception("the shot cannot be loaded") if not isinstance(error, RelampError) else log.error(error)
            pulse.stop()  # first, so that a task that reads of the failure finds no live process
            spool.tell_failed(error)
            return int(ending(error)["end"])
        log.info("loaded in %.1f s", time.monotonic() - begun)
        spool.tell_ready()
        _answer_requests(spool, shot)
        return 0
    finally:
        pulse.stop()


def _end_in_time(spool: Spool) -> None:
    """End the process, whatever it does, when its session has been over for as long as frames in work may take."""
    while not spool.wants_stop():
        time.sleep(0.5)
    time.sleep(GRACE)
    os._exit(128 + signal.SIGTERM)


def _answer_requests(spool: Spool, shot: WarmShot) -> None:
    last = time.monotonic()
    while not spool.wants_stop() and time.monotonic() - last < IDLE:
        for chunk in spool.requests():
            _answer(chunk, shot, spool)
            last = time.monotonic()
            break  # look again: the session may be over
        else:
            time.sleep(POLL)


def _answer(chunk: Chunk, shot: WarmShot, spool: Spool) -> None:
    stop, over = Stop(), threading.Event()
    handler = _ToTask(chunk)
    watch = threading.Thread(target=_watch, args=(chunk, spool, stop, over), name="watch", daemon=True)
    watch.start()
    log.addHandler(handler)
    try:
        shot.render(chunk.frames, lambda event: chunk.say(vars(event)), stop)
        end: dict[str, Any] = {"end": 0, "reason": ""}
    except Exception as error:
        if not isinstance(error, RelampError):
            log.exception("chunk %s", format_frames(chunk.frames))
        end = ending(error)
    finally:
        log.removeHandler(handler)
        over.set()
        watch.join()
    chunk.say(end)


def _watch(chunk: Chunk, spool: Spool, stop: Stop, over: threading.Event) -> None:
    """Stop a chunk that is no longer wanted: its task was killed, or its session ended."""
    while not over.wait(0.1):
        if chunk.unwanted() or spool.wants_stop():
            stop.set()
            return


class _ToTask(logging.Handler):
    """A handler that writes what is logged during a chunk into the log of its task too."""

    def __init__(self, chunk: Chunk) -> None:
        super().__init__(logging.INFO)
        self._chunk = chunk

    def emit(self, record: logging.LogRecord) -> None:
        self._chunk.say({"log": record.getMessage()})


def _first_frame(job: RelightJob) -> RelightJob:
    """The job with one frame that is there: enough to find out whether it can be rendered at all."""
    from ..pictures.sequence import Sequence

    p = job.parameters
    on_disk = Sequence.parse(p.plate or "").frames_on_disk()
    wanted = parse_frames(p.frames) if p.frames else on_disk
    there = [frame for frame in wanted if frame in set(on_disk)]
    return with_parameters(job, frames=str(there[0] if there else on_disk[0]))


def main() -> int:
    """Run the process; it logs to its standard error, which the session keeps as a file."""
    from ..logs import start

    set_up()
    start(logging.INFO)
    if len(sys.argv) != 2:
        raise UsageError("usage: python -m relamp.core.farm.warm SPOOL")
    return serve(Spool(sys.argv[1]))


if __name__ == "__main__":
    sys.exit(main())
