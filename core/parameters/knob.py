"""The description of one parameter: how it is shown, its allowed values, how they are typed, and values that change over frames.

Standard library only.
"""

from __future__ import annotations

import math
import os
import re
from dataclasses import dataclass, field
from typing import Any

from ..errors import ParameterError
from ..frames import check_frame

LONGEST_TEXT = 10_000  # characters; a longer prompt or name is probably a file given by mistake
LONGEST_PATH, LONGEST_NAME = 4096, 255  # bytes of a path and of each name in it, the limits of file systems


@dataclass(frozen=True)
class Curve:
    """A value per frame: keys joined by straight lines, held before the first and after the last.

    `keys` is a tuple of (frame, value); all values are floats, or all are tuples of the same number of floats.
    """

    keys: tuple[tuple[int, float | tuple[float, ...]], ...]

    def __post_init__(self) -> None:
        if not self.keys:
            raise ParameterError("a curve needs at least one key, as in 1001=0;1024=90")
        for frame, _ in self.keys:
            check_frame(frame)
        frames = [frame for frame, _ in self.keys]
        if sorted(set(frames)) != frames:
            raise ParameterError(f"the keys of a curve must be in rising frames, each once; got {frames}")

    def at(self, frame: int) -> float | tuple[float, ...]:
        """The value at `frame`."""
        before = [key for key in self.keys if key[0] <= frame]
        after = [key for key in self.keys if key[0] >= frame]
        if not before:
            return self.keys[0][1]
        if not after:
            return self.keys[-1][1]
        (left, a), (right, b) = before[-1], after[0]
        if left == right:
            return a
        t = (frame - left) / (right - left)
        if isinstance(a, tuple) and isinstance(b, tuple):
            return tuple(x + t * (y - x) for x, y in zip(a, b, strict=True))
        return a + t * (b - a)  # type: ignore[operator]

    def __str__(self) -> str:
        return ";".join(f"{frame}={_plain(value)}" for frame, value in self.keys)


def at_frame(value: Any, frame: int) -> Any:
    """`value` itself, or its value at `frame` if it is a `Curve`."""
    return value.at(frame) if isinstance(value, Curve) else value


@dataclass(frozen=True)
class Knob:
    """How one parameter is shown and checked. Limits are inclusive.

    `kind` is one of float, int, bool, text, choice, vector (three floats), names (comma-separated), picture (a file or
    a sequence) or file. `look` is True where the value changes the pixels, so that it is part of a frame's fingerprint. Text with
    a `form` must match `pattern`. `often` is True for the dozen parameters that most relights need; `relamp render --help` lists
    those alone.
    """

    help: str
    kind: str
    group: str
    unit: str = ""
    lo: float = -math.inf
    hi: float = math.inf
    choices: tuple[str, ...] = ()
    animatable: bool = False
    look: bool = True
    metavar: str = ""
    short: str = ""
    pattern: str = ""
    form: str = ""
    often: bool = False

    def check(self, name: str, value: Any) -> None:
        """Raise a `ParameterError` that names the parameter, the expected and the given value."""
        if value is None:
            return
        if isinstance(value, Curve):
            if not self.animatable:
                raise ParameterError(f"{name} must be one value, it cannot be animated; got the curve {value}")
            for _, key_value in value.keys:
                self._check_value(name, key_value)
        else:
            self._check_value(name, value)

    def _check_value(self, name: str, value: Any) -> None:
        if self.kind == "choice" and value not in self.choices:
            raise ParameterError(f"{name} must be one of {', '.join(self.choices)}; got {_shown(value)}")
        if self.kind == "names":
            self._check_names(name, value)
        if self.kind in ("float", "int"):
            self._check_number(name, value)
        if self.kind == "vector":
            if not isinstance(value, tuple) or len(value) != 3:
                raise ParameterError(f"{name} must be three numbers, {self.metavar or 'X,Y,Z'}; got {_shown(value)}")
            for component in value:
                self._check_number(name, component)
        if self.kind == "bool" and not isinstance(value, bool):
            raise ParameterError(f"{name} must be true or false; got {_shown(value)}")
        if self.kind in ("text", "picture", "file"):
            self._check_text(name, value)
        if self.pattern and not re.fullmatch(self.pattern, str(value)):
            raise ParameterError(f"{name} must be {self.form}; got {_shown(value)}")

    def _check_text(self, name: str, value: Any) -> None:
        if not isinstance(value, str):
            raise ParameterError(f"{name} must be text; got {_shown(value)}")
        check_characters(name, value, as_path=self.kind != "text")
        if self.kind == "text":
            longest = LONGEST_TEXT if name != "frames" else 100 * LONGEST_TEXT  # a shot may be listed frame by frame
            if len(value) > longest:
                raise ParameterError(f"{name} has {len(value)} characters; at most {longest} are read")
            return
        bytes_of = os.fsencode(value)
        longest_name = max(map(len, re.split(rb"[/\\:]", bytes_of)))
        if len(bytes_of) > LONGEST_PATH or longest_name > LONGEST_NAME:
            raise ParameterError(
                f"{name} is a path of {len(bytes_of)} bytes with names of up to {longest_name}; no file system takes more than "
                f"{LONGEST_PATH} and {LONGEST_NAME}: {_shown(value)}"
            )

    def _check_names(self, name: str, value: Any) -> None:
        if not isinstance(value, tuple) or not all(isinstance(item, str) for item in value):
            raise ParameterError(f"{name} must be a list of names; got {_shown(value)}")
        for item in value:
            check_characters(name, item, as_path=False)
            if len(item) > LONGEST_NAME:
                raise ParameterError(f"{name} must be names of at most {LONGEST_NAME} characters; got {_shown(item)}")
        unknown = [item for item in value if self.choices and item not in self.choices]
        if unknown:
            raise ParameterError(f"{name} must be of {', '.join(self.choices)}; got {_shown(', '.join(unknown))}")

    def _check_number(self, name: str, value: Any) -> None:
        wanted = (int,) if self.kind == "int" else (int, float)
        whole = "a whole number, " if self.kind == "int" else ""
        # The comparison is written in this form so that NaN fails, too.
        if isinstance(value, bool) or not isinstance(value, wanted) or not self.lo <= value <= self.hi:
            unit = f" {self.unit}" if self.unit else ""
            raise ParameterError(f"{name} must be {whole}{self.lo:g} to {self.hi:g}{unit}; got {_shown(value)}")


def knob(default: Any, help: str, kind: str, group: str, **more: Any) -> Any:
    """A dataclass field that carries its `Knob`."""
    return field(default=default, metadata={"knob": Knob(help, kind, group, **more)})


def check_characters(name: str, text: str, *, as_path: bool) -> None:
    """Raise `ParameterError` for characters that no text may hold; a path may have bytes that are not UTF-8."""
    try:
        held = os.fsencode(text) if as_path else text.encode()
    except UnicodeEncodeError:
        raise ParameterError(f"{name} holds characters that are none (half of a pair); got {_shown(text)}") from None
    if b"\0" in held:
        raise ParameterError(f"{name} holds a zero byte, which no text or path may; got {_shown(text)}")


def parse_value(name: str, k: Knob, text: str) -> Any:
    """The value, not yet checked, that `text`, as typed on a command line, means for the parameter `name`, which `k` declares.

    A curve is written as keys, `1001=0;1024=90`. Raises `ParameterError`.
    """
    return _parse_curve(name, k, text) if k.animatable and "=" in text else _parse_value(name, k, text)


def _parse_curve(name: str, k: Knob, text: str) -> Curve:
    keys = []
    for item in text.replace(" ", "").split(";"):
        frame, _, value = item.partition("=")
        try:
            keys.append((int(frame), _parse_value(name, k, value)))
        except ValueError:
            raise ParameterError(f"{name}: a curve is written 1001=0;1024=90; got {_shown(item)}") from None
    return Curve(tuple(keys))


def _parse_value(name: str, k: Knob, text: str) -> Any:
    try:
        if k.kind == "float":
            return float(text)
        if k.kind == "int":
            return int(text)
        if k.kind == "vector":
            return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise ParameterError(f"{name} must be {k.metavar or 'a number'}; got {_shown(text)}") from None
    if k.kind == "names":
        return tuple(part.strip() for part in text.split(",") if part.strip())
    return text


def _plain(value: Any) -> str:
    """A value as it is typed; a value that is no number, and will be refused, in Python's form."""
    if isinstance(value, tuple):
        return ",".join(_plain(v) for v in value)
    return f"{value:g}" if isinstance(value, (int, float)) else repr(value)


def _shown(value: Any) -> str:
    """A wrong value for a message: in Python's form, shortened where it is long."""
    try:
        text = repr(value)
    except RecursionError:
        return "brackets in brackets without end"
    return text if len(text) <= 200 else f"{text[:200]}..."
