"""The worker for Qt: requests whose replies arrive on the window's own thread. The only file here that uses the worker."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QImage

from ..core.errors import RelampError
from ..core.job import RelightJob, to_json
from ..core.rpc import Call, Client, Reply

OnReply = Callable[[Reply], None]
OnError = Callable[[RelampError], None]


class WorkerClient(QObject):
    """Sends requests to the worker. Every callback runs on the thread that this object lives in, never during `ask`."""

    noticed = Signal(str)
    """The worker died, and what became of its work: a sentence."""
    logged = Signal(str, str)
    """A line of the worker's log: its level and its sentence."""
    _arrived = Signal(object)

    def __init__(self, python: str | None = None, ocio: str | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._client = Client(python, ocio=ocio, on_notice=self.noticed.emit, on_log=self.logged.emit)
        self._closed = False
        self._owed: set[Future[Reply]] = set()  # whose answers are not delivered; used on this object's thread alone
        self._arrived.connect(self._deliver, Qt.ConnectionType.QueuedConnection)
        # A host may delete the panel without closing it: its worker must not outlive it.
        client = self._client
        self.destroyed.connect(lambda: client.close())

    @property
    def pid(self) -> int | None:
        """The worker's process id, None while there is none."""
        return self._client.pid

    def ask(
        self,
        method: str,
        params: dict[str, Any],
        on_reply: OnReply,
        on_error: OnError,
        *,
        lane: str | None = None,
        on_progress: Callable[[dict[str, Any]], None] | None = None,
        on_begun: Callable[[], None] | None = None,
    ) -> Call:
        """Send the request `method`. In a `lane` only the latest request counts; one that it replaces is never answered."""

        def progressed(params: dict[str, Any]) -> None:
            if on_progress is not None:
                tell = on_progress
                self._post(lambda: tell(params))

        def deliver(future: Future[Reply]) -> None:
            self._owed.discard(future)
            if future.cancelled():
                return
            error = future.exception()
            if error is None:
                on_reply(future.result())
            elif isinstance(error, RelampError):
                on_error(error)

        begun = None if on_begun is None else lambda: self._post(on_begun)
        call = self._client.call(method, params, lane=lane, on_progress=progressed, on_begun=begun)
        self._owed.add(call.future)
        call.future.add_done_callback(lambda future: self._post(lambda: deliver(future)))
        return call

    def busy(self) -> bool:
        """Whether a request is not answered yet, or its answer is not delivered."""
        return bool(self._owed)

    def cancel(self, call: Call) -> None:
        """Cancel a request."""
        self._client.cancel(call)

    def close(self, timeout: float = 5.0) -> None:
        """End the worker; no more replies are delivered."""
        self._closed = True
        self._client.close(timeout)

    def _post(self, deliver: Callable[[], None]) -> None:
        if self._closed:
            return
        try:
            self._arrived.emit(deliver)
        except RuntimeError:  # the window went away while the worker was answering
            self._closed = True

    def _deliver(self, deliver: Callable[[], None]) -> None:
        if not self._closed:
            deliver()


def as_params(job: RelightJob) -> dict[str, Any]:
    """A job as the worker takes it: the JSON of a job file."""
    return json.loads(to_json(job))


def as_image(reply: Reply) -> QImage:
    """The picture of a reply."""
    width, height = int(reply.result["width"]), int(reply.result["height"])
    return QImage(reply.attachment, width, height, 4 * width, QImage.Format.Format_RGBA8888).copy()
