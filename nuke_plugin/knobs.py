"""The node's knobs as plain values, and back. Main thread only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import nuke

from ..core.node import knobs as node_knobs
from ..core.node.knobs import NodeKnob
from ..core.node.request import curve
from ..core.parameters import Curve, RelightParameters
from .gizmo import knob_name

_CHANNELS = {"float": 1, "vector": 3, "colour": 3}


def values(node: nuke.Node, first: int, last: int) -> dict[str, Any]:
    """The value of every knob of the declaration and of the node; animated ones sampled on frames `first` to `last`."""
    return {knob.name: _value(node, knob, first, last) for knob in node_knobs.all_knobs()}


def set_values(node: nuke.Node, parameters: RelightParameters) -> None:
    """Show `parameters` on the node's knobs; what a knob cannot show, a curve's keys but the first, is left to the pipes."""
    for knob in node_knobs.declared():
        value = getattr(parameters, knob.name)
        if isinstance(value, Curve):
            set_curve(node[knob_name(knob.name)], value)
        elif value is not None and knob.kind in _CHANNELS:
            set_still(node[knob_name(knob.name)], value)
        elif knob.kind == "flags":
            for choice in knob.choices:
                node[knob_name(knob.name, choice)].setValue(choice in (value or ()))
        elif value is None:
            node[knob_name(knob.name)].setValue(knob.default)
        elif knob.kind == "text":
            node[knob_name(knob.name)].setValue(",".join(value) if isinstance(value, tuple) else str(value))
        else:
            node[knob_name(knob.name)].setValue(list(value) if isinstance(value, tuple) else value)


def is_animated(node: nuke.Node, knob: NodeKnob) -> bool:
    """Whether a knob of numbers has keys or an expression."""
    found = node[knob_name(knob.name)]
    return any(found.isAnimated(channel) for channel in range(_CHANNELS[knob.kind]))


def value_at(node: nuke.Node, knob: NodeKnob, frame: int) -> Any:
    """The value of a knob of numbers on a frame: one number, or a tuple of three."""
    found = node[knob_name(knob.name)]
    numbers = [float(found.getValueAt(frame, channel)) for channel in range(_CHANNELS[knob.kind])]
    return tuple(numbers) if len(numbers) > 1 else numbers[0]


def set_still(knob: nuke.Knob, value: Any) -> None:
    """Give a knob of numbers one value for all frames, where `setValue` would key the current frame of an animated one."""
    assert isinstance(knob, nuke.Array_Knob)
    knob.clearAnimated()
    knob.setValue(list(value) if isinstance(value, (list, tuple)) else value)


def set_curve(knob: nuke.Knob, value: Curve) -> None:
    """Key a knob as `value`, in place of the keys that it has."""
    assert isinstance(knob, nuke.Array_Knob)
    knob.clearAnimated()
    first = value.keys[0][1]
    for channel in range(len(first) if isinstance(first, tuple) else 1):
        knob.setAnimated(channel)
        for frame, number in value.keys:
            knob.setValueAt(number[channel] if isinstance(number, tuple) else number, frame, channel)


def curve_text(keys: Mapping[int, float], interpolation: str) -> str:
    """Keys as a knob's script text: `K` holds a key's value up to the next, `L` goes there in a straight line."""
    inner = " ".join(f"x{frame} {value:.9g}" for frame, value in sorted(keys.items()))
    return f"{{curve {interpolation} {inner}}}"


def frames_text(frames: tuple[int, ...]) -> str:
    """A knob's script text that is 1 on `frames` and 0 elsewhere, also before the first and after the last."""
    if not frames:
        return "0"
    there = set(frames)
    keys = {frames[0] - 1: 0}
    for frame in frames:
        if frame - 1 not in there:
            keys[frame] = 1
        if frame + 1 not in there:
            keys[frame + 1] = 0
    return curve_text(keys, "K")


def number_text(value: float | Curve) -> str:
    """A number, or a curve of numbers, as a knob's script text."""
    if isinstance(value, Curve):
        return curve_text({frame: float(number) for frame, number in value.keys if isinstance(number, float)}, "L")
    return f"{value:.9g}"


def _value(node: nuke.Node, knob: NodeKnob, first: int, last: int) -> Any:
    if knob.kind == "flags":
        return tuple(choice for choice in knob.choices if node[knob_name(knob.name, choice)].value())
    found = node[knob_name(knob.name)]
    if knob.kind in ("file", "picture"):
        return _path(found)
    if knob.kind in _CHANNELS:
        return _numbers(node, knob, first, last)
    return int(found.value()) if knob.kind == "int" else found.value()


def _numbers(node: nuke.Node, knob: NodeKnob, first: int, last: int) -> Any:
    if knob.animatable and is_animated(node, knob):
        return curve({frame: value_at(node, knob, frame) for frame in range(first, last + 1)})
    return value_at(node, knob, first)


def _path(knob: nuke.Knob) -> str:
    """A path with Tcl in it worked out, its frame token kept."""
    assert isinstance(knob, nuke.File_Knob)
    return str(knob.getEvaluatedValue() or "")
