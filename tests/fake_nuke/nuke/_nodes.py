"""The nodes of the fake, and scripts read and written."""

from __future__ import annotations

from typing import Any

from . import _tables as tables
from ._knobs import Array_Knob, Enumeration_Knob, Knob, Link_Knob, String_Knob, make
from ._state import main_only, state
from ._words import quote, words


class FrameRange:
    def __init__(self, first: int, last: int) -> None:
        self._first, self._last = first, last

    def first(self) -> int:
        return self._first

    def last(self) -> int:
        return self._last


class Node:
    """One node; only the knobs of its class exist."""

    def __init__(self, kind: str, parent: Group | None) -> None:
        if kind not in tables.KNOBS:
            raise RuntimeError(f"{kind}: Unknown command")
        self.kind, self._parent = kind, parent
        self.ins: list[Node | None] = []
        self.reloads = 0
        self.gone = False
        self.all: dict[str, Knob] = {}
        for name, (knob_kind, default) in {**tables.EVERY, **tables.KNOBS[kind]}.items():
            self.all[name] = make(self, knob_kind, name, default)
        if kind == "Write":
            for name, (knob_kind, default) in tables.EXR_ONLY.items():
                self.all[name] = make(self, knob_kind, name, default)

    def _alive(self) -> None:
        if self.gone:
            raise ValueError("A PythonObject is not attached to a node")

    def Class(self) -> str:
        self._alive()
        return self.kind

    def name(self) -> str:
        self._alive()
        found = self.all["name"]
        assert isinstance(found, String_Knob)
        return found.text

    def fullName(self) -> str:
        parent = self._parent
        return self.name() if parent is None or parent.kind == "Root" else f"{parent.fullName()}.{self.name()}"

    @main_only
    def setName(self, name: str) -> None:
        self._alive()
        self.all["name"].read(name)  # type: ignore[attr-defined]

    @main_only
    def knob(self, name: str) -> Knob | None:
        self._alive()
        if self.kind == "Write" and name in tables.EXR_ONLY and self.text("file_type") != "exr":
            return None
        return self.all.get(name)

    def knobs(self) -> dict[str, Knob]:
        self._alive()
        return dict(self.all)

    def __getitem__(self, name: str) -> Knob:
        found = self.knob(name)
        if found is None:
            raise NameError(f"knob {name} does not exist")
        return found

    def text(self, name: str) -> str:
        found = self.all[name]
        if isinstance(found, Enumeration_Knob):
            return found.choices[found.index]
        assert isinstance(found, String_Knob)
        return found.text

    def number(self, name: str, frame: float = 0) -> float:
        found = self.all[name]
        assert isinstance(found, (Array_Knob, Enumeration_Knob))
        return found.part(0, frame)

    @main_only
    def input(self, index: int) -> Node | None:
        self._alive()
        return self.ins[index] if index < len(self.ins) else None

    @main_only
    def setInput(self, index: int, node: Node | None) -> bool:
        self._alive()
        if index >= tables.INPUTS.get(self.kind, 1):
            return False
        self.ins += [None] * (index + 1 - len(self.ins))
        self.ins[index] = node
        self.run_changed(make(self, "tab", "inputChange", None))
        return True

    @main_only
    def frameRange(self) -> FrameRange:
        if self.kind == "Read":
            return FrameRange(int(self.number("first")), int(self.number("last")))
        found = self.input(0)
        if found is not None:
            return found.frameRange()
        return FrameRange(int(state.root.number("first_frame")), int(state.root.number("last_frame")))

    @main_only
    def sample(self, channel: str, x: float, y: float) -> float:
        """One pixel on the current frame, y upward."""
        from . import _pixels

        picture = _pixels.render(self, state.frame, state.views[0])[f"rgba.{channel}"]
        return float(picture[picture.shape[0] - 1 - int(y), int(x)])

    def isSelected(self) -> bool:
        return bool(self.number("selected"))

    def run_changed(self, knob: Knob) -> None:
        code = self.text("knobChanged")
        if code:
            state.run(code, self, knob)

    def look_up(self, name: str, frame: float) -> float:
        """What `name` means in an expression on this node: `parent.knob`, a neighbour's `Node.knob.r`, `$gui`."""
        import nuke

        if name == "$gui":
            return float(nuke.GUI)
        head, _, rest = name.partition(".")
        owner: Node | None = self
        if head == "parent":
            owner = self._parent
        elif head in self.all:
            rest = name
        else:
            owner = self._parent.node(head) if self._parent is not None else None
        knob, _, part = rest.partition(".")
        if owner is None or knob not in owner.all:
            raise NameError(f"{self.fullName()}: nothing named {name}")
        found = owner.all[knob]
        if not isinstance(found, (Array_Knob, Enumeration_Knob)):
            raise TypeError(f"{self.fullName()}: {name} is no number")
        return float(found.part("rgb".index(part) if part else 0, frame))

    def add_user_knob(self, line: str) -> None:
        """Take one `addUserKnob {…}`."""
        row = words(line)[0]
        number, name = int(row[0]), row[1]
        kind: Any = tables.USER[number]
        details = row[2:]
        values = {details[i]: details[i + 1] for i in range(len(details) - 1) if details[i] in ("l", "t", "M", "T")}
        if number == 4:
            kind = tuple(words(values["M"])[0])
        if name in self.all:
            raise RuntimeError(f"{self.name()} already has a knob {name}")
        knob = make(self, kind, name, None, line)
        if isinstance(knob, Link_Knob):
            knob.target = values["T"]
        elif "T" in values:
            knob.read(values["T"])  # type: ignore[attr-defined]
            knob.default = values["T"]
        self.all[name] = knob

    def read_value(self, name: str, text: str) -> None:
        knob = self.all.get(name)
        if knob is None or (self.kind == "Write" and name in tables.EXR_ONLY and self.text("file_type") != "exr"):
            raise RuntimeError(f"{self.kind} has no knob {name}")
        knob.read(text)  # type: ignore[attr-defined]

    def written(self, indent: str) -> list[str]:
        lines = [f"{indent}{self.kind} {{", f"{indent} inputs {len(self.ins)}"]
        for name, knob in self.all.items():
            if knob.user:
                lines.append(f"{indent} addUserKnob {{{knob.user}}}")
            if not knob.at_rest and name != "selected":  # type: ignore[attr-defined]
                lines.append(f"{indent} {name} {knob.written()}")  # type: ignore[attr-defined]
        return [*lines, f"{indent}}}"]


class Group(Node):
    """A node with nodes in it."""

    def __init__(self, kind: str, parent: Group | None) -> None:
        super().__init__(kind, parent)
        self.inside: list[Node] = []

    @main_only
    def node(self, name: str) -> Node | None:
        return next((node for node in self.inside if node.name() == name), None)

    @main_only
    def nodes(self) -> list[Node]:
        return list(self.inside)

    def add(self, node: Node, name: str = "") -> Node:
        """Take a node in, under a name nobody has yet."""
        name = name or f"{node.kind}1"
        taken = {other.name() for other in self.inside}
        stem, number = name.rstrip("0123456789"), 1
        while name in taken:
            number += 1
            name = f"{stem}{number}"
        node.all["name"].read(name)  # type: ignore[attr-defined]
        self.inside.append(node)
        return node


def new(kind: str, parent: Group) -> Node:
    """A node of a class, in a group, not named yet."""
    return Group(kind, parent) if kind in ("Group", "Gizmo") else Node(kind, parent)


def read_script(text: str, selected: Node | None = None) -> list[Node]:
    """Read a script into the root; the nodes that were made, outermost only."""
    reader = _Reader(state.root, selected)
    for row in words(text, lines=True):
        reader.take(row)
    if len(reader.groups) != 1:
        raise ValueError("an end_group is missing")
    for node in reader.every:
        if node.text("onCreate"):
            state.run(node.text("onCreate"), node, None)
    return reader.made


class _Reader:
    def __init__(self, root: Group, selected: Node | None) -> None:
        self.groups: list[Group] = [root]
        self.stack: list[list[Node | None]] = [[selected]]
        self.names: dict[str, Node | None] = {}
        self.made: list[Node] = []
        self.every: list[Node] = []

    def take(self, row: list[str]) -> None:
        command, rest = row[0], row[1:]
        if command == "set":
            if rest[1] != "[stack 0]" and rest[1:] != ["[stack", "0]"]:
                raise ValueError(f"set to {rest[1:]}")
            self.names[rest[0]] = self.stack[-1][-1] if self.stack[-1] else None
        elif command == "push":
            known = rest[0].lstrip("$")
            if rest[0] != "0" and known not in self.names:
                raise ValueError(f"push of {known}, which was never set")
            self.stack[-1].append(self.names[known] if rest[0] != "0" else None)
        elif command == "add_layer":
            layer = words(rest[0])[0]
            state.layers.setdefault(layer[0], tuple(channel.partition(".")[2] for channel in layer[1:]))
        elif command == "end_group":
            self.groups.pop()
            self.stack.pop()
        elif command == "Root":
            _knob_lines(state.root, rest[0])
        elif command != "version":
            self._node(command, rest[0])

    def _node(self, kind: str, body: str) -> None:
        group = self.groups[-1]
        node = new(kind, group)
        count, name = _knob_lines(node, body)
        group.add(node, name)
        if count > tables.INPUTS.get(kind, 1):
            raise ValueError(f"{kind} has no {count} inputs")
        stack = self.stack[-1]
        node.ins = [stack.pop() if stack else None for _ in range(count)]
        stack.append(node)
        self.every.append(node)
        if len(self.groups) == 1:
            self.made.append(node)
        if isinstance(node, Group):
            self.groups.append(node)
            self.stack.append([])


def _knob_lines(node: Node, body: str) -> tuple[int, str]:
    """Take the knobs of a node's braces; how many inputs, and the name."""
    inputs, name = 1, ""
    flat = words(body)
    row = flat[0] if flat else []
    if len(row) % 2:
        raise ValueError(f"{node.kind}: a knob without its value among {row[-3:]}")
    for key, value in zip(row[::2], row[1::2], strict=True):
        if key == "addUserKnob":
            node.add_user_knob(value)
        elif key == "inputs":
            inputs = int(value)
        elif key == "name" and node.kind != "Root":
            name = value
        else:
            node.read_value(key, value)
    return inputs, name


def write_script(root: Group) -> str:
    """The whole script as text."""
    lines = [
        f"add_layer {{{name} {' '.join(f'{name}.{c}' for c in channels)}}}" for name, channels in state.layers.items()
    ]
    root_lines = [f" {name} {knob.written()}" for name, knob in root.all.items() if not knob.at_rest]  # type: ignore[attr-defined]
    lines += ["Root {", *root_lines, "}", *_written(root, "n", "")]
    return "\n".join(lines) + "\n"


def _written(group: Group, prefix: str, indent: str) -> list[str]:
    lines: list[str] = []
    names = {id(node): f"{prefix}{i}" for i, node in enumerate(group.inside)}
    for node in _in_order(group.inside):
        lines += [f"push ${names[id(up)]}" if up is not None else "push 0" for up in reversed(node.ins)]
        lines += node.written(indent)
        if isinstance(node, Group):
            lines += [*_written(node, names[id(node)] + "_", indent + " "), "end_group"]
        lines.append(f"set {names[id(node)]} [stack 0]")
    return lines


def _in_order(nodes: list[Node]) -> list[Node]:
    done: list[Node] = []
    while len(done) < len(nodes):
        done += [n for n in nodes if n not in done and all(up is None or up in done for up in n.ins)]
    return done


__all__ = ["FrameRange", "Group", "Node", "new", "quote", "read_script", "write_script"]
