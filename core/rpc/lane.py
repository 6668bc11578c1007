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


PAUSE = 0.2  # s without a request, after which work is done in advance; a control that is dragged asks more often


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
    """Requests done one after another on a thread of their own.

    Args:
        idle: a step of work to do on that thread while nothing is asked, from `PAUSE` after the last request on; it returns
            whether more is left, and raises nothing. A request waits for the step in work, and for no other.
    """

    def __init__(self, name: str, answer: Callable[[Request], None], idle: Callable[[], bool] = lambda: False) -> None:
        self._answer, self._idle = answer, idle
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
        pause: float | None = None
        while True:
            with self._changed:
                self._current = None
                asked = self._changed.wait_for(lambda: self._waiting or self._closing, pause)
                if self._closing:
                    return
                request = self._current = self._waiting.popleft() if asked else None
            if request is not None:
                self._answer(request)
                pause = PAUSE
            else:
                pause = 0.0 if self._idle() else None
