"""The knobs of the fake: typed, and refusing what Nuke refuses."""

from __future__ import annotations

import bisect
import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ._expressions import evaluate
from ._state import main_only, state
from ._words import quote, words

if TYPE_CHECKING:
    from ._nodes import Node


@dataclass
class Curve:
    """Keys by frame; `K` holds a value up to the next key, `L` goes straight."""

    interpolation: str
    keys: list[tuple[float, float]]

    def at(self, frame: float) -> float:
        frames = [key for key, _ in self.keys]
        after = bisect.bisect_right(frames, frame)
        if after == 0:
            return self.keys[0][1]
        if after == len(frames) or self.interpolation == "K":
            return self.keys[after - 1][1]
        (a, x), (b, y) = self.keys[after - 1], self.keys[after]
        return x + (y - x) * (frame - a) / (b - a)

    def __str__(self) -> str:
        return f"{{curve {self.interpolation} {' '.join(f'x{frame:g} {value:.9g}' for frame, value in self.keys)}}}"


@dataclass
class Link:
    """An expression."""

    text: str

    def __str__(self) -> str:
        return f'{{"{self.text}"}}'


@dataclass(eq=False)
class Knob:
    """One knob of a node."""

    node: Node
    kind: Any
    _name: str
    default: Any = None
    user: str = ""
    flags: set[int] = field(default_factory=set)
    _enabled: bool = True
    _label: str = ""

    def __post_init__(self) -> None:
        """What a kind of knob keeps besides."""

    def name(self) -> str:
        return self._name

    def _changed(self) -> None:
        self.node.run_changed(self)

    @main_only
    def setFlag(self, flag: int) -> None:
        self.flags.add(flag)

    @main_only
    def setEnabled(self, enabled: bool) -> None:
        self._enabled = bool(enabled)

    def enabled(self) -> bool:
        return self._enabled

    def label(self) -> str:
        return self._label

    @main_only
    def setLabel(self, label: str) -> None:
        if not isinstance(label, str):
            raise TypeError(f"{self._name} takes text as its label; got {label!r}")
        self._label = label


class Array_Knob(Knob):
    """Numbers: one, or three."""

    def __post_init__(self) -> None:
        count = 3 if self.kind in ("xyz", "colour") else 1
        default = self.default if self.default is not None else 0
        self.parts: list[Any] = [default] * count
        self.default = default

    def part(self, channel: int, frame: float) -> float:
        found = self.parts[channel]
        if isinstance(found, Curve):
            return found.at(frame)
        if isinstance(found, Link):
            return float(evaluate(found.text, lambda name: self.node.look_up(name, frame)))
        return found

    @main_only
    def getValueAt(self, frame: float, channel: int = 0) -> float:
        return self.part(channel, frame)

    @main_only
    def value(self) -> Any:
        values = [self.part(channel, state.frame) for channel in range(len(self.parts))]
        if len(values) > 1:
            return values
        return bool(values[0]) if self.kind == "switch" else int(values[0]) if self.kind == "whole" else values[0]

    def isAnimated(self, channel: int = 0) -> bool:
        return isinstance(self.parts[channel], (Curve, Link))

    @main_only
    def clearAnimated(self, channel: int = -1) -> bool:
        for number in range(len(self.parts)) if channel < 0 else (channel,):
            self.parts[number] = self.part(number, state.frame)
        return True

    @main_only
    def setAnimated(self, channel: int = 0) -> bool:
        self.parts[channel] = Curve("L", [])
        return True

    @main_only
    def setValueAt(self, value: float, frame: float, channel: int = 0) -> bool:
        curve = self.parts[channel]
        if not isinstance(curve, Curve):
            raise TypeError(f"{self._name} is not animated")
        curve.keys = sorted([key for key in curve.keys if key[0] != frame] + [(frame, float(value))])
        return True

    @main_only
    def setValue(self, value: Any) -> bool:
        values = list(value) if isinstance(value, (list, tuple)) else [value] * len(self.parts)
        if len(values) != len(self.parts):
            raise TypeError(f"{self._name} takes {len(self.parts)} numbers; got {value!r}")
        for number in values:
            if isinstance(number, str) or number is None:
                raise TypeError(f"{self._name} takes numbers; got {value!r}")
            if self.kind == "switch" and number not in (0, 1):
                raise ValueError(f"{self._name} is on or off; got {number!r}")
            if self.kind == "whole" and int(number) != number:
                raise ValueError(f"{self._name} takes whole numbers; got {number!r}")
        for channel, number in enumerate(values):
            part, still = self.parts[channel], float(number) if self.kind not in ("whole", "switch") else int(number)
            if isinstance(part, Curve):
                self.setValueAt(still, state.frame, channel)
            elif not isinstance(part, Link):  # an expression stays
                self.parts[channel] = still
        self._changed()
        return True

    @main_only
    def fromScript(self, text: str) -> None:
        self.read(text)
        self._changed()

    def read(self, text: str) -> None:
        """Take a value as a script writes it."""
        pieces = _pieces(text)
        if len(pieces) == 1 and len(self.parts) == 3:
            pieces *= 3
        if len(pieces) != len(self.parts):
            raise ValueError(f"{self._name} has {len(self.parts)} parts; got {text!r}")
        self.parts = [self._part(piece) for piece in pieces]

    def _part(self, piece: str) -> Any:
        if piece.startswith("curve"):
            tokens = piece.split()[1:]
            interpolation = tokens.pop(0) if tokens and tokens[0] in ("K", "L") else "L"
            keys = [(float(x[1:]), float(y)) for x, y in zip(tokens[::2], tokens[1::2], strict=True)]
            if keys != sorted(keys) or not keys:
                raise ValueError(f"the keys of {piece!r} are not in order")
            return Curve(interpolation, keys)
        if piece in ("true", "false"):
            return int(piece == "true")
        try:
            return float(piece) if self.kind not in ("whole", "switch") else int(float(piece))
        except ValueError:
            return Link(piece)

    def written(self) -> str:
        if self.kind == "switch" and not isinstance(self.parts[0], (Curve, Link)):
            return "true" if self.parts[0] else "false"
        return "{" + " ".join(f"{p:.9g}" if isinstance(p, (int, float)) else str(p) for p in self.parts) + "}"

    @property
    def at_rest(self) -> bool:
        return all(part == self.default for part in self.parts)


class World_Knob(Array_Knob):
    """The world matrix of an Axis, 16 numbers row by row, of its translate and its rotate in the order ZXY."""

    def part(self, channel: int, frame: float) -> float:
        rx, ry, rz = (math.radians(self._of("rotate", index, frame)) for index in range(3))
        y = ((math.cos(ry), 0, math.sin(ry)), (0, 1, 0), (-math.sin(ry), 0, math.cos(ry)))
        x = ((1, 0, 0), (0, math.cos(rx), -math.sin(rx)), (0, math.sin(rx), math.cos(rx)))
        z = ((math.cos(rz), -math.sin(rz), 0), (math.sin(rz), math.cos(rz), 0), (0, 0, 1))
        turned = _product(_product(y, x), z)
        row, column = divmod(channel, 4)
        if row == 3:
            return float(column == 3)
        return self._of("translate", row, frame) if column == 3 else turned[row][column]

    def _of(self, name: str, channel: int, frame: float) -> float:
        return self.node.all[name].part(channel, frame)  # type: ignore[attr-defined]

    @main_only
    def setValue(self, value: Any) -> bool:
        raise RuntimeError("a world matrix is worked out and cannot be set")

    at_rest = True  # type: ignore[assignment]


def _product(one: Any, other: Any) -> list[list[float]]:
    return [[sum(one[i][k] * other[k][j] for k in range(3)) for j in range(3)] for i in range(3)]


class Enumeration_Knob(Knob):
    def __post_init__(self) -> None:
        self.choices = list(self.kind)
        self.index = self.choices.index(self.default) if self.default is not None else 0
        self.default = self.choices[self.index]

    @main_only
    def value(self) -> str:
        return self.choices[self.index]

    @main_only
    def setValue(self, value: Any) -> bool:
        self.read(value if isinstance(value, str) else self.choices[int(value)])
        self._changed()
        return True

    def read(self, text: str) -> None:
        if text not in self.choices:
            raise ValueError(f"{self.node.name()}.{self._name} has no {text!r}, only {self.choices}")
        self.index = self.choices.index(text)

    def part(self, channel: int, frame: float) -> float:
        return float(self.index)

    def written(self) -> str:
        return quote(self.choices[self.index])

    @property
    def at_rest(self) -> bool:
        return self.choices[self.index] == self.default


class String_Knob(Knob):
    def __post_init__(self) -> None:
        self.default = self.default or ""
        self.text = self.default

    @main_only
    def value(self) -> str:
        return self.text

    @main_only
    def setValue(self, value: str) -> None:
        if not isinstance(value, str):
            raise TypeError(f"{self._name} takes text; got {value!r}")
        self.text = value
        self._changed()

    def read(self, text: str) -> None:
        self.text = text

    def written(self) -> str:
        return quote(self.text)

    @property
    def at_rest(self) -> bool:
        return self.text == self.default


class File_Knob(String_Knob):
    @main_only
    def getEvaluatedValue(self) -> str:
        if "[" in self.text:
            raise NotImplementedError("the fake evaluates no Tcl")
        return re.sub(r"#+", lambda match: f"%0{len(match[0])}d", self.text)


class Script_Knob(String_Knob):
    @main_only
    def execute(self) -> None:
        if self.node.Class() == "Read":
            self.node.reloads += 1
        else:
            state.run(self.text, self.node, self)


PyScript_Knob = Script_Knob


class Link_Knob(Knob):
    def __post_init__(self) -> None:
        self.target = ""

    def _linked(self) -> Any:
        name, _, knob = self.target.partition(".")
        found = self.node.node(name)  # type: ignore[attr-defined]
        return found[knob]

    def value(self) -> Any:
        return self._linked().value()

    def setValue(self, value: Any) -> None:
        self._linked().setValue(value)
        self._changed()

    def read(self, text: str) -> None:
        self._linked().read(text)

    at_rest = True


class Tab_Knob(Knob):
    at_rest = True


def _pieces(text: str) -> list[str]:
    """The parts of an array's value, expressions and curves without their braces and quotes."""
    if not text.strip().startswith("curve") and "{" not in text and not re.fullmatch(r"[-+0-9.eE\s]+", text.strip()):
        return [text.strip()]
    if text.strip().startswith("curve"):
        return [text.strip()]
    pieces = words(text)[0]
    return [piece[1:-1] if piece[:1] == '"' == piece[-1:] else piece for piece in map(str.strip, pieces)]


KINDS: dict[Any, type[Knob]] = {
    "number": Array_Knob, "whole": Array_Knob, "switch": Array_Knob, "xyz": Array_Knob, "colour": Array_Knob,
    "text": String_Knob, "channel": String_Knob, "code": String_Knob, "shown": String_Knob, "file": File_Knob,
    "world": World_Knob, "button": Script_Knob, "link": Link_Knob, "tab": Tab_Knob,
}  # fmt: skip


def make(node: Node, kind: Any, name: str, default: Any, user: str = "") -> Knob:
    """A knob of a kind of the tables."""
    made = Enumeration_Knob if isinstance(kind, tuple) else KINDS[kind]
    return made(node, kind, name, default, user)
