"""The spool: a private folder through which tasks of a farm session ask one warm process for chunks of frames.

There is no port and no pipe: a task is a process of its own that the farm starts and kills. It writes a request that can name
frames and nothing else; what is rendered was fixed when the session began. Files appear whole, and each process touches a file of
its own as long as it lives.

==================  =====================================================================================
``session.json``    written first: what the warm process is to load
``ready``           it has loaded; ``failed.json`` instead says why it could not, and with which exit code
``alive``           touched while the warm process lives; holds its process id
``N.request``       a chunk: its frames; ``N.alive`` is touched while the task's process lives, and holds its id
``N.events``        a line of JSON an event; the last one has an ``end``, the exit code
``N.stop``          asks for the end of a chunk; ``stop`` for that of the process
==================  =====================================================================================
"""

from __future__ import annotations

import json
import os
import re
import stat
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from .. import plain_json
from ..atomic import process_lives, replacing
from ..errors import OutputError, RelampError, UsageError, outcome
from ..frames import parse_frames

POLL = 0.02  # s between two readings of the folder
BEAT = 0.5  # s between two touches
GRACE = 60.0  # s for the warm process to finish the frames in work when its session ends
DEAD = 30.0  # s without a touch; long, because loading a network can hold up every thread of a process

_REQUEST = re.compile(r"(?P<number>[0-9]{1,9})\.request")


class Spool:
    """The folder of one session, for the warm process and for the tasks."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder).absolute()

    @property
    def log(self) -> Path:
        """The log of the warm process."""
        return self.folder / "warm.log"

    def make(self, session: dict[str, Any]) -> None:
        """Make the folder, readable by this user alone, and write what is to be loaded.

        Raises:
            UsageError: a session runs in it, or it is open to others.
            OutputError: it cannot be made.
        """
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"cannot make the spool folder {self.folder}: {error.strerror}") from None
        self.check_private()
        if self.alive():
            raise UsageError(f"{self.folder} belongs to a session that runs; stop that one, or give another --spool")
        for name in ("ready", "failed.json", "stop", "alive"):
            (self.folder / name).unlink(missing_ok=True)
        self._write("session.json", session)

    def check_private(self) -> None:
        """Raise `UsageError` unless only this user can write in the folder: its requests make this user's process render."""
        if sys.platform == "win32":
            return  # folders of a user's session are private there by inheritance
        try:
            found = self.folder.lstat()
        except OSError as error:
            raise UsageError(f"there is no spool folder {self.folder} ({error.strerror}): start a session") from None
        if not stat.S_ISDIR(found.st_mode):
            raise UsageError(
                f"the spool {self.folder} is a link or a file, which another user may have left; give a folder"
            )
        if found.st_uid != os.getuid() or found.st_mode & 0o077:
            raise UsageError(f"the spool folder {self.folder} is open to other users; give a --spool that is not")

    def session(self) -> dict[str, Any]:
        """The job, rules and parameters that the session loads.

        Raises:
            UsageError: there is no session.
        """
        found = self._read("session.json")
        if found is None:
            raise UsageError(f"there is no session in {self.folder}: start one with relamp farm start")
        return found

    # The warm process's side

    def beat(self) -> Pulse:
        """Touch the file `alive` until the pulse is stopped."""
        return Pulse(self.folder / "alive")

    def tell_ready(self) -> None:
        """Write that the shot is loaded."""
        self._write("ready", {})

    def tell_failed(self, error: BaseException) -> None:
        """Write that the shot cannot be loaded, with the reason."""
        self._write("failed.json", ending(error))

    def wants_stop(self) -> bool:
        """Whether the session was ended, or its folder is gone."""
        return (self.folder / "stop").exists() or not self.folder.is_dir()

    def requests(self) -> Iterator[Chunk]:
        """The chunks that were not begun, oldest first. A request that cannot be read is answered with an error and removed."""
        found = [match for name in _list(self.folder) if (match := _REQUEST.fullmatch(name))]
        for match in sorted(found, key=lambda match: int(match["number"])):
            name, chunk = match[0], Chunk(self, int(match["number"]))
            if not (self.folder / name).is_file():
                continue
            try:
                request = self._read(name) or {}
            finally:
                # Each request is read once: a request that crashed this process must not crash the next one.
                (self.folder / name).unlink(missing_ok=True)
            try:
                chunk.frames = parse_frames(str(request["frames"]))
            except (RelampError, KeyError) as error:
                chunk.say({"end": 2, "reason": f"the request {name} cannot be read ({error})"})
                continue
            yield chunk

    # The task's side

    def alive(self) -> bool:
        """Whether the warm process lives."""
        return beats(self.folder / "alive")

    def state(self) -> dict[str, Any] | None:
        """None while the shot loads, {} when it is loaded, `end` and `reason` when it could not be loaded."""
        return self._read("failed.json") or self._read("ready")

    def ask(self, frames: str) -> Chunk:
        """Write a request for `frames`, a range as text."""
        number = 1
        while True:
            try:  # only one task can create the events file of a number; the number then belongs to that task
                os.close(os.open(self.folder / f"{number}.events", os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
                break
            except FileExistsError:
                number += 1
        chunk = Chunk(self, number)
        chunk.pulse = Pulse(self.folder / f"{number}.alive")
        self._write(f"{number}.request", {"frames": frames})
        return chunk

    def ask_to_stop(self) -> None:
        """End the session."""
        self._write("stop", {})

    def _write(self, name: str, data: dict[str, Any]) -> None:
        with replacing(self.folder / name, overwrite=True) as temporary:
            temporary.write_text(json.dumps(data), encoding="utf-8")

    def _read(self, name: str) -> dict[str, Any] | None:
        try:
            found = plain_json.loads((self.folder / name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None


class Chunk:
    """One request, for the warm process and for the task."""

    def __init__(self, spool: Spool, number: int) -> None:
        self._spool, self.number = spool, number
        self._events = spool.folder / f"{number}.events"
        self.frames: tuple[int, ...] = ()
        self.pulse: Pulse | None = None

    def say(self, event: dict[str, Any]) -> None:
        """Write one event for the task."""
        with suppress(OSError), open(self._events, "a", encoding="utf-8") as file:
            file.write(json.dumps(event) + "\n")

    def unwanted(self) -> bool:
        """Whether the task asked for the end, or has ended."""
        if (self._spool.folder / f"{self.number}.stop").exists():
            return True
        return not beats(self._spool.folder / f"{self.number}.alive")

    def ask_to_stop(self) -> None:
        """Ask to finish the frames in work and to begin no more."""
        with suppress(OSError):
            (self._spool.folder / f"{self.number}.stop").touch()

    def events(self) -> Iterator[dict[str, Any]]:
        """The events of this chunk as they are written, up to the one with `end`.

        Raises:
            RelampError: the warm process died.
        """
        with open(self._events, encoding="utf-8") as file:
            part = ""
            while True:
                lived = self._spool.alive()  # asked before reading, so that events written just before its end are read
                part += file.readline()
                if part.endswith("\n"):
                    event = plain_json.loads(part)
                    part = ""
                    yield event
                    if "end" in event:
                        return
                elif not lived:
                    raise RelampError(_died(self._spool))
                else:
                    time.sleep(POLL)

    def close(self) -> None:
        """Remove the files of this request, except the one that reserves its number."""
        if self.pulse is not None:
            self.pulse.stop()
        for suffix in ("alive", "stop"):
            with suppress(OSError):
                (self._spool.folder / f"{self.number}.{suffix}").unlink(missing_ok=True)


class Pulse:
    """Touches a file twice a second until stopped; the file holds this process's id."""

    def __init__(self, path: Path) -> None:
        self._path, self._over = path, threading.Event()
        with replacing(path, overwrite=True) as temporary:
            temporary.write_text(str(os.getpid()))
        self._thread = threading.Thread(target=self._beat, name="pulse", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop touching the file, and remove it."""
        self._over.set()
        self._thread.join()
        with suppress(OSError):
            self._path.unlink(missing_ok=True)

    def _beat(self) -> None:
        while not self._over.wait(BEAT):
            try:
                os.utime(self._path)
            except OSError:
                return  # the folder was removed: no process is found alive in it


def beats(path: Path) -> bool:
    """Whether the process that touches `path` lives: it was touched lately, and its process exists."""
    try:
        touched, pid = path.stat().st_mtime, int(path.read_text())
    except (OSError, ValueError):
        return False
    return time.time() - touched < DEAD and pid > 0 and process_lives(pid)


def ending(error: BaseException) -> dict[str, Any]:
    """The last event of a chunk that ended with `error`: its exit code and its sentence."""
    code, sentence = outcome(error)
    return {"end": code, "reason": sentence}


def _died(spool: Spool) -> str:
    with suppress(OSError):
        last = spool.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
        if last:
            return f"the warm process died; its last line was: {last[0]}"
    return "the warm process died without a word; was it out of memory?"


def _list(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []
