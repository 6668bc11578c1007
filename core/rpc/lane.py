"""Requests of a worker that are done one after another on a thread of their own. Standard library only."""

from __future__ import annotations

import signal
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..process import Stop

if TYPE_CHECKING:
    from . import Reply


def new_stop() -> Stop:
    """A request is stopped as if by Ctrl-C."""
    return Stop(signal.SIGINT)


@dataclass(eq=False)
class Request:
    id: Any
    method: str
    run: Callable[[], Reply]
    stop: Stop = field(default_factory=new_stop)


class Lane:
    """Requests done one after another on a thread of their own."""

    def __init__(self, name: str, answer: Callable[[Request], None]) -> None:
        self._answer = answer
        self._waiting: deque[Request] = deque()
        self._changed = threading.Condition()
        self._current: Request | None = None
        self._closing = False
        self._thread = threading.Thread(target=self._work, name=name)
        self._thread.start()

    def add(self, request: Request) -> None:
        with self._changed:
            self._waiting.append(request)
            self._changed.notify()

    def requests(self) -> list[Request]:
        """The one in work first, then those that wait."""
        with self._changed:
            return [*([self._current] if self._current else []), *self._waiting]

    def cancel(self, id: Any) -> None:
        """Stop a request: one that waits is answered at once and never begun, one in work ends as soon as it can."""
        with self._changed:
            waiting = [request for request in self._waiting if request.id == id]
            for request in waiting:
                self._waiting.remove(request)
            if self._current is not None and self._current.id == id:
                self._current.stop.set()
        for request in waiting:
            request.stop.set()
            self._answer(request)

    def close(self) -> None:
        """Begin nothing more, stop what is in work, and wait for it."""
        with self._changed:
            self._closing = True
            self._waiting.clear()
            if self._current is not None:
                self._current.stop.set()
            self._changed.notify()
        self._thread.join()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._current = None
                self._changed.wait_for(lambda: self._waiting or self._closing)
                if self._closing:
                    return
                self._current = self._waiting.popleft()
            self._answer(self._current)
