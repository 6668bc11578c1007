"""JSON-RPC 2.0 between a front end and the worker, over the standard streams of a child process; nothing listens.

Messages are read and written in `message`. Pictures travel as attachments: display-encoded 8-bit RGBX, rows from the top, no
padding, their size in the JSON. An `error` has our exit code as its `code` (JSON-RPC keeps -32768 to -32000 for itself) and our
sentence as its `message`.

From the worker come, besides responses, the notifications `ready` {version, protocol}, `begun` {id}, `progress`
{id, ...} and `log` {level, message}. Standard library only: this module runs inside other people's Pythons.
"""

from __future__ import annotations

import itertools
import logging
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from .. import launch
from ..errors import DeviceError, RelampError, StoppedError, error_of
from .message import PROTOCOL, BadMessageError, Message, read_message, write_message
from .worker_process import WorkerProcess

__all__ = [
    "INVALID_PARAMS", "INVALID_REQUEST", "METHOD_NOT_FOUND", "PARSE_ERROR", "PROTOCOL", "BadMessageError", "Call", "Client",
    "Message", "Reply", "read_message", "write_message",
]  # fmt: skip


PARSE_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND, INVALID_PARAMS = -32700, -32600, -32601, -32602


log = logging.getLogger("relamp.rpc")


@dataclass(frozen=True)
class Reply:
    """What a method gave: its `result`, and the bytes of a picture where there is one."""

    result: dict[str, Any]
    attachment: bytes = b""


@dataclass(eq=False)
class Call:
    """A request on its way to its `future`. Callbacks run on the client's own thread, never on the caller's."""

    id: int
    method: str
    params: dict[str, Any]
    lane: str | None = None
    on_progress: Callable[[dict[str, Any]], None] | None = None
    on_begun: Callable[[], None] | None = None
    future: Future[Reply] = field(default_factory=Future)
    begun: bool = False
    deaths: int = 0

    def result(self, timeout: float | None = None) -> Reply:
        """Wait for the reply. Raises the `RelampError` the worker answered with."""
        return self.future.result(timeout)


class Client:
    """A worker process and what was asked of it.

    The process starts with the first call. When it dies it is started again and everything unanswered is asked again; a
    call that was being worked on at two deaths fails with a sentence instead, and the others go on.
    """

    def __init__(
        self,
        python: str | None = None,
        *,
        ocio: str | None = None,
        on_notice: Callable[[str], None] | None = None,
        on_log: Callable[[str, str], None] | None = None,
    ) -> None:
        """See `launch.find_python` for `python`. `on_notice` gets sentences, `on_log` (level, sentence) of the worker."""
        self._python, self._ocio = python, ocio
        self._on_notice = on_notice or (lambda sentence: log.warning(sentence))
        self._on_log = on_log or (lambda level, sentence: None)
        self._lock = threading.RLock()
        self._ids = itertools.count(1)
        self._process: WorkerProcess | None = None
        self._pending: dict[int, Call] = {}
        self._waiting: dict[str, Call] = {}
        self._closed = False

    @property
    def pid(self) -> int | None:
        """The worker's process id, None while there is none."""
        return self._process.popen.pid if self._process else None

    def call(
        self,
        method: str,
        params: dict[str, Any] | None = None,
        *,
        lane: str | None = None,
        on_progress: Callable[[dict[str, Any]], None] | None = None,
        on_begun: Callable[[], None] | None = None,
    ) -> Call:
        """Ask for something. `on_begun` is called when the worker takes it up.

        In a `lane` the latest call wins: while one is being answered the newest waits, and one that it replaces is
        cancelled (its future says `cancelled()`). A failure of any kind is the future's exception, never raised here.
        """
        call = Call(next(self._ids), method, params or {}, lane, on_progress, on_begun)
        replaced = None
        with self._lock:
            busy = lane is not None and any(other.lane == lane for other in self._pending.values())
            if busy and lane is not None:
                replaced = self._waiting.pop(lane, None)
                self._waiting[lane] = call
            else:
                self._pending[call.id] = call
        if replaced is not None:
            replaced.future.cancel()
        if not busy:
            self._send(call)
        return call

    def cancel(self, call: Call) -> None:
        """Give a call up: a waiting one is dropped, one in work is told to stop and answers for itself."""
        with self._lock:
            waits = call.lane is not None and self._waiting.get(call.lane) is call
            if waits and call.lane is not None:
                del self._waiting[call.lane]
        if waits:
            call.future.cancel()
        elif not call.future.done():
            self._write({"method": "cancel", "params": {"id": call.id}})

    def close(self, timeout: float = 5.0) -> None:
        """End the worker: asked first, then made to. Finished frames are kept; what is unanswered fails as stopped."""
        with self._lock:
            self._closed = True
            process = self._process
        if process is not None:
            self._write({"method": "shutdown"})
            process.end(timeout)
        self._fail(self._take_all(), StoppedError("stopped, because the program was closed", signal.SIGTERM))

    def _send(self, call: Call) -> None:
        try:
            self._start()
        except RelampError as error:
            self._fail(self._take_all(), error)
            return
        self._write({"id": call.id, "method": call.method, "params": call.params})

    def _start(self) -> None:
        with self._lock:
            if self._closed:
                raise StoppedError("the worker was closed", signal.SIGTERM)
            if self._process is None:
                python = launch.find_python(self._python)
                self._process = WorkerProcess(python, launch.start(python, self._ocio), self._take, self._ended)

    def _write(self, body: dict[str, Any]) -> None:
        process = self._process
        if process is not None:
            process.write(body)

    def _take(self, message: Message) -> None:
        body = message.body
        params = body.get("params")
        if "method" in body and isinstance(params, dict):
            self._notified(str(body["method"]), params)
            return
        with self._lock:
            call = self._pending.pop(body.get("id") or 0, None)
            following = self._waiting.pop(call.lane, None) if call and call.lane else None
            if following is not None:
                self._pending[following.id] = following
        if following is not None:
            self._send(following)  # before the answer is told, so that the worker is not idle meanwhile
        if call is None:
            log.warning("the worker answered nobody: %s", body.get("error"))
        elif "error" in body:
            _settle(call, _as_error(body["error"]))
        else:
            _settle(call, Reply(body.get("result") or {}, message.attachment))

    def _notified(self, method: str, params: dict[str, Any]) -> None:
        if method == "log":
            self._on_log(str(params.get("level")), str(params.get("message")))
        call = self._pending.get(params.get("id", 0))
        if call is not None and method == "begun":
            call.begun = True
            if call.on_begun is not None:
                call.on_begun()
        if call is not None and method == "progress" and call.on_progress is not None:
            call.on_progress(params)

    def _ended(self, process: WorkerProcess) -> None:
        """The worker is gone: start it again with what it owes, but for the calls that did it in."""
        with self._lock:
            if self._process is process:
                self._process = None
            if self._closed:
                return
            owed = list(self._pending.values())
            blamed = [call for call in owed if call.begun] or owed
            for call in blamed:
                call.deaths += 1
            lost = owed if not process.ready else [call for call in owed if call.deaths > 1]
            for call in lost:
                del self._pending[call.id]
            kept = [call for call in owed if call not in lost]
            freed = {call.lane for call in lost if call.lane}
            for lane in freed & set(self._waiting):
                following = self._waiting.pop(lane)
                self._pending[following.id] = following
                if process.ready:
                    kept.append(following)
                else:
                    lost.append(self._pending.pop(following.id))
        sentence = process.epitaph()
        self._fail(lost, DeviceError(sentence) if process.was_killed else RelampError(sentence))
        self._on_notice(sentence + ("; it is started again and goes on" if kept else ""))
        for call in kept:
            again = call.begun
            call.begun = False
            if again and call.method == "render":
                call.params = {**call.params, "resume": True}  # what it finished before it died is kept
            self._send(call)

    def _take_all(self) -> list[Call]:
        with self._lock:
            calls = [*self._pending.values(), *self._waiting.values()]
            self._pending.clear()
            self._waiting.clear()
        return calls

    def _fail(self, calls: list[Call], error: RelampError) -> None:
        for call in calls:
            _settle(call, error)


def _settle(call: Call, outcome: Reply | RelampError) -> None:
    if not call.future.set_running_or_notify_cancel():
        return
    if isinstance(outcome, Reply):
        call.future.set_result(outcome)
    else:
        call.future.set_exception(outcome)


def _as_error(error: Any) -> RelampError:
    """The error of a response as the exception a local call would have raised."""
    if not isinstance(error, dict):
        return RelampError(str(error))
    code = error.get("code")
    return error_of(code if isinstance(code, int) else RelampError.exit_code, str(error.get("message")))
