"""JSON-RPC 2.0 between a front end and the worker, over the standard streams of a child process; nothing listens.

A message is one ASCII line, `relamp <n> <m>`, then n bytes of UTF-8 JSON (a JSON-RPC 2.0 request, response or notification)
and m bytes of attachment. Pictures travel as attachments: display-encoded 8-bit RGBX, rows from the top, no padding, their
size in the JSON. What is no message is refused and skipped up to the next line that begins one, so that neither side can be
stopped by noise. An `error` has our exit code as its `code` (JSON-RPC keeps -32768 to -32000 for itself) and our
sentence as its `message`.

From the worker come, besides responses, the notifications `ready` {version, protocol}, `begun` {id}, `progress`
{id, ...} and `log` {level, message}. Standard library only: this module runs inside other people's Pythons.
"""

from __future__ import annotations

import itertools
import json
import logging
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from . import launch, plain_json
from .errors import DeviceError, RelampError, StoppedError, error_of

PROTOCOL = 1
PARSE_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND, INVALID_PARAMS = -32700, -32600, -32601, -32602

_MAGIC = b"relamp"
_LONGEST_LINE = 64  # bytes
_LARGEST_JSON = 1 << 26
_LARGEST_ATTACHMENT = 1 << 31

log = logging.getLogger("relamp.rpc")


class BadMessageError(Exception):
    """Bytes that are no message. They are read past; the next message can be read."""


@dataclass(frozen=True)
class Message:
    """One JSON-RPC object and its attachment."""

    body: dict[str, Any]
    attachment: bytes = b""


def write_message(stream: BinaryIO, body: dict[str, Any], attachment: bytes = b"") -> None:
    """Write one message, whole, and flush. Raises `OSError` when the other side is gone."""
    text = json.dumps({"jsonrpc": "2.0", **body}, separators=(",", ":")).encode()
    stream.write(b"%s %d %d\n%s" % (_MAGIC, len(text), len(attachment), text))
    if attachment:
        stream.write(attachment)
    stream.flush()


def read_message(stream: BinaryIO) -> Message | None:
    """Read one message; None at the end of the stream. Raises `BadMessageError`."""
    line = stream.readline(_LONGEST_LINE)
    if not line:
        return None
    lengths = _lengths(line)
    if lengths is None:
        raise BadMessageError(f"expected a line 'relamp <n> <m>'; got {line!r}")
    try:
        text, attachment = stream.read(lengths[0]), stream.read(lengths[1])
    except MemoryError:
        raise BadMessageError(f"a message of {sum(lengths)} bytes does not fit into the memory") from None
    if len(text) < lengths[0] or len(attachment) < lengths[1]:
        return None
    try:
        body = plain_json.loads(text)
    except ValueError as error:
        raise BadMessageError(f"the message is not JSON ({error})") from None
    if not isinstance(body, dict):
        raise BadMessageError(f"a message is a JSON object; got {type(body).__name__}")
    return Message(body, attachment)


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
        self._process: _Process | None = None
        self._pending: dict[int, Call] = {}
        self._waiting: dict[str, Call] = {}
        self._closed = False

    @property
    def pid(self) -> int | None:
        """The worker's process id, None while there is none."""
        return self._process.popen.pid if self._process else None

    @property
    def busy(self) -> bool:
        """Whether anything asked is not answered yet."""
        return bool(self._pending or self._waiting)

    def call(
        self,
        method: str,
        params: dict[str, Any] | None = None,
        *,
        lane: str | None = None,
        on_progress: Callable[[dict[str, Any]], None] | None = None,
    ) -> Call:
        """Ask for something.

        In a `lane` the latest call wins: while one is being answered the newest waits, and one that it replaces is
        cancelled (its future says `cancelled()`). A failure of any kind is the future's exception, never raised here.
        """
        call = Call(next(self._ids), method, params or {}, lane, on_progress)
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
                self._process = _Process(python, launch.start(python, self._ocio), self._take, self._ended)

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
        if call is not None and method == "progress" and call.on_progress is not None:
            call.on_progress(params)

    def _ended(self, process: _Process) -> None:
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


class _Process:
    """One life of the worker: its streams, read on threads of their own."""

    def __init__(
        self,
        python: Path,
        popen: subprocess.Popen[bytes],
        on_message: Callable[[Message], None],
        on_end: Callable[[_Process], None],
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


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _lengths(line: bytes) -> tuple[int, int] | None:
    words = line.split(b" ")
    if len(words) != 3 or words[0] != _MAGIC or not line.endswith(b"\n"):
        return None
    numbers = [word.strip() for word in words[1:]]
    if not all(number.isdigit() for number in numbers):
        return None
    json_bytes, attachment_bytes = (int(number) for number in numbers)
    return (json_bytes, attachment_bytes) if _fits(json_bytes, attachment_bytes) else None


def _fits(json_bytes: int, attachment_bytes: int) -> bool:
    return json_bytes <= _LARGEST_JSON and attachment_bytes <= _LARGEST_ATTACHMENT
