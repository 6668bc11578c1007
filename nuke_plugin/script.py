"""Nodes as the text of a Nuke script: quoting, the stack, user knobs. Needs no Nuke."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

STRING, FILE, INTEGER, CHOICE, BOOLEAN, DOUBLE, XYZ, COLOUR, TAB, BUTTON, TEXT, LINK = (
    1, 2, 3, 4, 6, 7, 13, 18, 20, 22, 26, 41,
)  # fmt: skip
"""Type numbers of `addUserKnob`."""


@dataclass(frozen=True)
class ScriptNode:
    """One node: its knobs as script text by name, and the names of the nodes in its inputs, None for an open one."""

    kind: str
    name: str
    knobs: dict[str, str] = field(default_factory=dict)
    inputs: tuple[str | None, ...] = ()


def quoted(text: str) -> str:
    """`text` as one word of a script, whatever is in it."""
    if text and all(letter.isalnum() or letter in "_.-/:#%" for letter in text):
        return text
    escaped = text.replace("\\", "\\\\")
    for letter in '"[]{}$':
        escaped = escaped.replace(letter, f"\\{letter}")
    return '"' + escaped.replace("\n", "\\n") + '"'


def expression(text: str) -> str:
    """A knob's value as an expression."""
    return f'{{{{"{text}"}}}}'


def user_knob(kind: int, name: str, label: str = "", *, tip: str = "", more: str = "", text: str | None = None) -> str:
    """A line that adds a knob. `more` is flags and ranges, `text` the code of a button or what a text knob shows."""
    words = [str(kind), name or '""', f"l {quoted(label)}"]
    words += [f"t {quoted(tip)}"] if tip else []
    words += [more] if more else []
    words += [f"T {quoted(text)}"] if text is not None else []
    return f"addUserKnob {{{' '.join(words)}}}"


def body(nodes: Iterable[ScriptNode], indent: str = " ") -> str:
    """Nodes in an order in which inputs come first, each put on the stack by name and taken from it."""
    lines: list[str] = []
    for index, node in enumerate(nodes):
        # A node takes its inputs off the stack, input 0 first, so the last is pushed first.
        lines += [f"push ${name}" if name else "push 0" for name in reversed(node.inputs)]
        lines.append(f"{indent}{node.kind} {{")
        lines.append(f"{indent} inputs {len(node.inputs)}")
        lines += [f"{indent} {name} {value}".rstrip() for name, value in node.knobs.items()]
        lines += [f"{indent} name {node.name}", f"{indent} xpos 0", f"{indent} ypos {index * 60}", f"{indent}}}"]
        lines.append(f"set {node.name} [stack 0]")
    return "\n".join(lines) + "\n"
