"""What the fake is: its frame, its script, what it was told, and which thread may touch it."""

from __future__ import annotations

import functools
import queue
import threading
from collections.abc import Callable
from typing import Any


class State:
    """One running Nuke; `reset` starts another."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.frame = 1
        self.views = ["main"]
        self.messages: list[str] = []
        self.printed: list[str] = []
        self.asked: list[str] = []
        self.answer = True
        self.chosen: str | None = None
        self.tasks: list[Any] = []
        self.cancel_task = False
        self.calls: queue.Queue[tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]] = queue.Queue()
        self.layers = {"rgba": ("red", "green", "blue", "alpha"), "mask": ("a",), "depth": ("Z",), "N": ("X", "Y", "Z")}
        self.root: Any = None
        self.this: list[tuple[Any, Any]] = []
        self.executed: list[tuple[str, int, int]] = []
        self.menu: list[tuple[str, str]] = []
        self.panels: list[tuple[str, str, str]] = []
        self.paths: list[str] = []

    def run(self, code: str, node: Any, knob: Any) -> None:
        """Run the code of a knob as Nuke does, in its main module with `nuke` there."""
        import nuke

        self.this.append((node, knob))
        try:
            exec(compile(code, f"{node.name()} {knob.name() if knob else ''}", "exec"), {"nuke": nuke})
        finally:
            self.this.pop()

    def pump(self) -> None:
        """Do in the main thread what threads asked it to do."""
        while not self.calls.empty():
            call, args, kwargs = self.calls.get()
            call(*args, **kwargs)


state = State()


def main_only(function: Callable[..., Any]) -> Callable[..., Any]:
    """Nuke may only be touched from its main thread."""

    @functools.wraps(function)
    def checked(*args: Any, **kwargs: Any) -> Any:
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError(f"{function.__name__} was called from {threading.current_thread().name}")
        return function(*args, **kwargs)

    return checked
