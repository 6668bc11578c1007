"""The command that renders a set of parameters, to paste into a terminal or a ticket."""

from __future__ import annotations

import shlex
from typing import Any

from ..core.parameters import Curve, Knob, RelightParameters, default_of, knobs


def command_line(parameters: RelightParameters) -> str:
    """`relamp render` with every parameter that is not at its default, quoted for a POSIX shell."""
    words = ["relamp", "render", *([parameters.plate] if parameters.plate else [])]
    for name, knob in knobs():
        value = getattr(parameters, name)
        if name != "plate" and value != default_of(name):
            words += _option(name, knob, value)
    return shlex.join(words)


def _option(name: str, knob: Knob, value: Any) -> list[str]:
    flag = name.replace("_", "-")
    if knob.kind == "bool":
        return [f"--{flag}" if value else f"--no-{flag}"]
    # With "=", so that a value that begins with a minus is no option.
    return [f"--{flag}={_text(value)}"]


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        return ",".join(item if isinstance(item, str) else f"{item:g}" for item in value)
    return str(value) if isinstance(value, (str, int, Curve)) else f"{value:.10g}"
