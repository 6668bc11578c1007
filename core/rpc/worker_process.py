"""One life of the worker's process, from its start to its end: its streams are read on threads of their own.

Standard library only: this module runs inside other people's Pythons.
"""

from __future__ import annotations

import logging
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .message import PROTOCOL, BadMessageError, Message, read_message, write_message

log = logging.getLogger("relamp.rpc")


class WorkerProcess:
    """One life of the worker: its streams, read on threads of their own."""

    def __init__(
        self,
        python: Path,
        popen: subprocess.Popen[bytes],
        on_message: Callable[[Message], None],
        on_end: Callable[[WorkerProcess], None],
    ) -> None:
        self.popen = popen
        self.ready = False
        self._python = python
        self._refused = ""
        self._on_message, self._on_end = on_message, on_end
        self._writing = threading.Lock()
        self._said: deque[str] = deque(maxlen=30)
        self._listener = threading.Thread(target=self._listen, name="worker stderr", daemon=True)
        self._reader = threading.Thread(target=self._read, name="worker stdout", daemon=True)
        self._listener.start()
        self._reader.start()

    @property
    def was_killed(self) -> bool:
        """Whether a signal from outside ended it, as the system does when memory runs out."""
        return self.popen.returncode in (-9, 137)

    def write(self, body: dict[str, Any]) -> None:
        """Send a message; a worker that is gone is noticed by the reader, so here it is no error."""
        assert self.popen.stdin is not None
        with self._writing:
            try:
                write_message(self.popen.stdin, body)  # type: ignore[arg-type]
            except (OSError, ValueError):
                log.debug("the worker is gone")

    def end(self, timeout: float) -> None:
        """Wait for the process to end, then make it."""
        for force in (self.popen.terminate, self.popen.kill):
            try:
                self.popen.wait(timeout)
                break
            except subprocess.TimeoutExpired:
                force()
        self.popen.wait()
        self._close()

    def epitaph(self) -> str:
        """One sentence on how it ended, and what to do."""
        if self._refused:
            return self._refused
        code, last = self.popen.returncode, next((line for line in reversed(self._said) if line.strip()), "")
        if not self.ready:
            return f"Relamp's worker cannot start in {self._python}: {last or f'it ended with code {code}'}"
        if self.was_killed:
            return (
                "the worker was killed, as the system does when memory runs out; "
                "try a smaller preview, fewer threads, or close other programs"
            )
        if code < 0:
            return f"the worker crashed ({_signal_name(-code)}); if it does so again, please report it"
        return f"the worker ended unexpectedly (code {code}{': ' + last if last else ''})"

    def _read(self) -> None:
        assert self.popen.stdout is not None
        while True:
            try:
                message = read_message(self.popen.stdout)  # type: ignore[arg-type]
            except BadMessageError as error:
                log.debug("from the worker: %s", error)
                continue
            except (OSError, ValueError):  # closed under the reader
                break
            if message is None:
                break
            if message.body.get("method") == "ready":
                self._greet(message.body.get("params") or {})
            elif not self._refused:  # what a worker of another protocol still had to say means nothing here
                self._on_message(message)
        self.popen.wait()
        self._listener.join(1.0)
        self._close()
        self._on_end(self)

    def _greet(self, params: dict[str, Any]) -> None:
        if params.get("protocol") == PROTOCOL:
            self.ready = True
            return
        self._refused = (
            f"the Relamp in {self._python} is version {params.get('version')} and speaks another protocol; "
            "install the version of this front end there"
        )
        self.popen.kill()

    def _listen(self) -> None:
        assert self.popen.stderr is not None
        try:
            for line in self.popen.stderr:
                self._said.append(line.decode(errors="replace").rstrip())
        except (OSError, ValueError):
            return  # closed while reading

    def _close(self) -> None:
        if threading.current_thread() is not self._reader:
            self._reader.join(1.0)
        for stream in (self.popen.stdin, self.popen.stdout, self.popen.stderr):
            if stream is not None:
                try:
                    stream.close()
                except OSError:
                    continue  # what could not be flushed any more is of no use to anybody


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
