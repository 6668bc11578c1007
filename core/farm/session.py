"""A farm session from outside its warm process: start it, render a chunk, stop it.

These are the functions behind the actions of a farm's step environment and of its tasks; `spool` is how they talk to the
process.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import fields
from typing import Any

from ..errors import RelampError, error_of
from ..frames import format_frames, parse_frames
from ..launch import clean_environment
from ..process import asking_on_signals
from ..progress import Event, Progress
from .spool import DEAD, GRACE, POLL, Spool

Say = Callable[[str], None]


def start(spool: Spool, session: dict[str, Any]) -> None:
    """Start a session's warm process and wait until its shot is loaded.

    Raises:
        RelampError: it could not be loaded; the sentence and the exit code are those of `relamp render`.
    """
    spool.make(session)
    _launch(spool)


def render(spool: Spool, frames: str, progress: Progress, say: Say) -> None:
    """Render a chunk and report its progress; a warm process that has died is started again.

    Raises:
        RelampError: what `relamp render` would have raised; or the warm process died, and the chunk can be sent again.
    """
    wanted = format_frames(parse_frames(frames))
    spool.check_private()
    if not spool.alive():
        spool.make(spool.session())
        _launch(spool)
    chunk = spool.ask(wanted)
    names = {f.name for f in fields(Event)}
    try:
        with asking_on_signals(lambda _: chunk.ask_to_stop()):
            for event in chunk.events():
                if event.get("end"):
                    raise error_of(int(event["end"]), event["reason"])
                if "log" in event:
                    say(event["log"])
                elif "frame" in event:
                    progress(Event(**{name: value for name, value in event.items() if name in names}))
    finally:
        chunk.close()


def stop(spool: Spool) -> None:
    """End a session, if one runs: the frames in work are finished, for a minute at most.

    The warm process ends itself; no process id that is written in the folder is trusted.

    Raises:
        UsageError: the folder is open to other users.
        RelampError: the warm process does not end.
    """
    if not os.path.lexists(spool.folder):
        return
    spool.check_private()
    spool.ask_to_stop()
    until = time.monotonic() + GRACE + DEAD
    while spool.alive():
        if time.monotonic() > until:
            raise RelampError(
                f"the warm process of {spool.folder} does not end; end it by hand, its log is {spool.log}"
            )
        time.sleep(POLL)


def _launch(spool: Spool) -> None:
    # Its own session: a farm that kills a task's process group must not kill the warm process.
    with open(spool.log, "ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "relamp.core.farm.warm", str(spool.folder)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**clean_environment(), **{n: os.environ[n] for n in ("OCIO", "LD_LIBRARY_PATH") if n in os.environ}},
            start_new_session=sys.platform != "win32",
        )
    # Its end is waited for, else a long-lived parent would keep a zombie process that looks alive.
    threading.Thread(target=process.wait, name="reaper", daemon=True).start()
    while (state := spool.state()) is None:
        if process.poll() is not None and spool.state() is None:
            lines = spool.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            raise RelampError(f"the warm process did not start: {lines[-1] if lines else 'it said nothing'}")
        time.sleep(POLL)
    if state:
        raise error_of(int(state["end"]), state["reason"])
