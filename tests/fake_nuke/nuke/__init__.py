"""A strict stand-in for Nuke's Python, for tests: only real classes, knobs and values, and only from the main thread.

It shows what the plugin asks of Nuke, not that Nuke does it. Pixels are worked out by `_pixels`, for exactly the node
classes the Relamp node is made of. `_state.state` is what a test sets and looks at.
"""

from __future__ import annotations

import threading
from typing import Any

from . import _nodes
from ._knobs import (
    Array_Knob,
    Enumeration_Knob,
    File_Knob,
    Knob,
    Link_Knob,
    PyScript_Knob,
    Script_Knob,
    String_Knob,
)
from ._nodes import Group, Node
from ._state import main_only, state

GUI = True
NUKE_VERSION_MAJOR = 17
INVISIBLE, STARTLINE, NO_RERENDER = 0x400, 0x1000, 0x4000

__all__ = [
    "Array_Knob",
    "Enumeration_Knob",
    "File_Knob",
    "Group",
    "Knob",
    "Link_Knob",
    "Node",
    "PyScript_Knob",
    "Script_Knob",
    "String_Knob",
]


class ProgressTask:
    """A progress bar; may be used from any thread, and goes with its last reference."""

    def __init__(self, title: str) -> None:
        self.title, self.said, self.shown = title, [], []
        state.tasks.append(self)

    def setProgress(self, percent: int) -> None:
        if not isinstance(percent, int) or not 0 <= percent <= 100:
            raise ValueError(f"progress is a whole number from 0 to 100; got {percent!r}")
        self.shown.append(percent)

    def setMessage(self, text: str) -> None:
        self.said.append(text)

    def isCancelled(self) -> bool:
        return state.cancel_task


class Layer:
    @main_only
    def __init__(self, name: str, channels: list[str]) -> None:
        for channel in channels:
            if not channel.startswith(f"{name}."):
                raise ValueError(f"{channel} is no channel of {name}")
        state.layers.setdefault(name, tuple(channel.partition(".")[2] for channel in channels))


class _Menu:
    def __init__(self, path: str) -> None:
        self.path = path

    def addMenu(self, name: str, icon: str = "") -> _Menu:
        return _Menu(f"{self.path}/{name}")

    def addCommand(self, name: str, command: str) -> None:
        state.menu.append((f"{self.path}/{name}", command))


def menu(name: str) -> _Menu:
    if name not in ("Nuke", "Nodes", "Pane"):
        raise RuntimeError(f"no menu {name}")
    return _Menu(name)


def executeInMainThread(call: Any, args: Any = (), kwargs: Any = None) -> None:
    if threading.current_thread() is threading.main_thread():
        raise RuntimeError("the main thread asked itself")
    state.calls.put((call, tuple(args), dict(kwargs or {})))


def tprint(*args: Any) -> None:
    state.printed.append(" ".join(map(str, args)))


@main_only
def message(prompt: str) -> None:
    if not GUI:
        raise RuntimeError("there is no window for a message")
    state.messages.append(prompt)


@main_only
def ask(prompt: str) -> bool:
    if not GUI:
        raise RuntimeError("there is no window for a question")
    state.asked.append(prompt)
    return state.answer


@main_only
def getFilename(message: str, pattern: str = "", default: str = "") -> str | None:
    if not GUI:
        raise RuntimeError("there is no window for a question")
    state.asked.append(message)
    return state.chosen


@main_only
def root() -> Group:
    return state.root


@main_only
def frame(number: int | None = None) -> int:
    if number is not None:
        state.frame = number
    return state.frame


def views() -> list[str]:
    return list(state.views)


@main_only
def thisNode() -> Node:
    return state.this[-1][0]


@main_only
def thisKnob() -> Knob:
    return state.this[-1][1]


@main_only
def selectedNodes() -> list[Node]:
    return [node for node in state.root.inside if node.isSelected()]


@main_only
def createNode(kind: str, knobs: str = "", inpanel: bool = True) -> Node:
    node = state.root.add(_nodes.new(kind, state.root))
    found = selectedNodes()
    if found and _nodes.tables.INPUTS.get(kind, 1):
        node.ins = [found[0]]
    return node


@main_only
def nodePaste(path: str) -> Node:
    found = selectedNodes()
    with open(path, encoding="utf-8") as file:
        text = file.read()
    made = _nodes.read_script(text, found[0] if found else None)
    return made[-1]


@main_only
def toNode(name: str) -> Node | None:
    return state.root.node(name)


@main_only
def delete(node: Node) -> None:
    parent = node._parent
    assert parent is not None
    parent.inside.remove(node)
    node.gone = True
    for other in parent.inside:
        other.ins = [None if up is node else up for up in other.ins]


@main_only
def execute(node: Node, start: int, end: int, incr: int = 1, views: Any = (), continueOnError: bool = False) -> None:
    from . import _pixels

    state.executed.append((node.fullName(), start, end))
    _pixels.execute(node, start, end, incr, list(views) or state.views[:1])


@main_only
def scriptSaveAs(path: str) -> None:
    state.root.all["name"].read(path)
    with open(path, "w", encoding="utf-8") as file:
        file.write(_nodes.write_script(state.root))


@main_only
def scriptOpen(path: str) -> None:
    scriptClear()
    with open(path, encoding="utf-8") as file:
        _nodes.read_script(file.read())
    state.root.all["name"].read(path)


@main_only
def scriptClear() -> None:
    state.root = Group("Root", None)


def pluginAddPath(path: str) -> None:
    state.paths.append(path)


state.root = Group("Root", None)
