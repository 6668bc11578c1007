"""The rig in the node: its lights as knobs and Axis nodes, read for a bake, loaded from a file and saved. Main thread only."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import nuke

from ..core import plain_json, rig_library
from ..core.errors import InputError, RelampError, UsageError
from ..core.node import rig as posing
from ..core.node import rig_slots
from ..core.node.knobs import NodeKnob
from ..core.parameters import Curve
from . import knobs

AXIS = "Axis2"  # the Axis of the classic 3D system, which every version has
PATTERN = "*.json"


def text_of(node: nuke.Node, frames: Iterable[int]) -> str:
    """The node's lights as the text of a rig file, animated ones keyed over `frames`; empty where it has none.

    Raises:
        UsageError: a node that is named is not there, or has no world matrix.
    """
    frames = tuple(frames)
    lights = [_light(node, number, frames) for number in _used(node)]
    return posing.rig_text(lights, str(node["rig_space"].value())) if lights else ""


def camera_text(node: nuke.Node, frames: Iterable[int]) -> str:
    """The camera file with the field of view of the rig's camera node; empty where it has none, or is not in use."""
    name = _text(node, "rig_camera")
    if not _in_camera(node):
        return ""
    camera = _beside(node, name)
    focal, aperture = camera.knob("focal"), camera.knob("haperture")
    if focal is None or aperture is None:
        return ""
    half = {frame: float(aperture.getValueAt(frame)) / 2 / float(focal.getValueAt(frame)) for frame in frames}
    return posing.camera_text({frame: math.degrees(2 * math.atan(share)) for frame, share in half.items()})


def add(node: nuke.Node) -> None:
    """Put the lights of the chosen preset into lights of the node that are not used yet. Raises `UsageError`."""
    used = _used(node)
    taken = [_name(node, number) for number in used]
    lights = rig_library.lights_of(str(node["rig_preset"].value()), taken=taken)
    free = [number for number in range(1, rig_slots.SLOTS + 1) if number not in used]
    if len(lights) > len(free):
        raise UsageError(f"the node has {rig_slots.SLOTS} lights and {len(free)} are free; set the kind of one to none")
    for number, light in zip(free, lights, strict=False):
        _show(node, light, number)


def load(node: nuke.Node) -> None:
    """Ask for a rig file, and show its lights. Raises `InputError` or `UsageError`; nothing is changed then."""
    path = nuke.getFilename("Rig to load", PATTERN)
    if path:
        _fill(node, *_read(path))


def take(node: nuke.Node) -> None:
    """Show the lights of the rig file that the node names, in place of those it has, and name it no longer.

    A file that the knobs cannot show stays a file; without one the node has no lights then.
    """
    path = _text(node, "rig")
    try:
        space, lights = _read(path) if path else (rig_slots.SPACES[0], [])
    except RelampError:
        space, lights, kept = rig_slots.SPACES[0], [], path
    else:
        kept = ""
    node["rig"].setValue(kept)
    _fill(node, space, lights)


def _read(path: str) -> tuple[str, list[dict[str, Any]]]:
    """The axes of a rig file, and the values of the knobs of each of its lights. Raises `InputError` or `UsageError`."""
    try:
        data = plain_json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path} cannot be read as a rig ({error}); stages are converted by: relamp rig LIGHTS --out rig.json"
        ) from None
    lights = data.get("lights") if isinstance(data, dict) and data.get("schema") == posing.SCHEMA else None
    if not isinstance(lights, list):
        raise InputError(f"{path} is no rig file; one is made by: relamp rig WORDS --out rig.json")
    if len(lights) > rig_slots.SLOTS:
        raise UsageError(
            f"{path} has {len(lights)} lights and the node shows {rig_slots.SLOTS}; name the file in the Light tab instead"
        )
    try:
        shown = [rig_slots.shown(light, number) for number, light in enumerate(lights, 1)]
    except (TypeError, ValueError, KeyError, IndexError, AttributeError) as error:
        raise InputError(
            f"{path} holds a light that cannot be shown ({error}); relamp rig {path} says what is wrong"
        ) from None
    return data.get("space", rig_slots.SPACES[0]), shown


def _fill(node: nuke.Node, space: str, lights: list[dict[str, Any]]) -> None:
    """Show lights in the knobs, in place of those that are there."""
    for number in range(1, rig_slots.SLOTS + 1):
        node[f"rig{number}_kind"].setValue(rig_slots.NONE)
    node["rig_space"].setValue(space)
    for values in lights:
        _set(node, values)


def save(node: nuke.Node, frames: Iterable[int]) -> None:
    """Ask for a file, and write the node's lights there. Raises `UsageError` where there are none, or `OutputError`."""
    text = text_of(node, frames)
    if not text:
        raise UsageError("the node has no lights to save; set the kind of one, or add one from the library")
    path = nuke.getFilename("Save the rig as", PATTERN)
    if not path:
        return
    file = Path(path if path.endswith(".json") else f"{path}.json")
    if file.exists() and not nuke.ask(f"{file} is there. Replace it?"):
        return
    posing.write(file, text)


def make_axes(node: nuke.Node) -> None:
    """Make an Axis for each light that has a place and follows none, where it stands now. Raises `UsageError`."""
    frame = int(nuke.frame())
    placed = [number for number in _used(node) if _has_place(node, number) and not _text(node, f"rig{number}_axis")]
    if not placed:
        raise UsageError(
            "no light stands at a position without an Axis; distant lights and those before a pixel need none"
        )
    camera = _matrix(node, _text(node, "rig_camera"), frame) if _in_camera(node) else None
    for number in placed:
        values = _values(node, number, frame)
        position, aim = tuple(values["position"]), tuple(values["aim"])
        if camera is not None:
            position, aim = posing.in_world_of(camera, position, aim)
        axis = nuke.createNode(AXIS, inpanel=False)
        axis["translate"].setValue(list(position))
        axis["rotate"].setValue(_turn(aim))
        node[f"rig{number}_axis"].setValue(axis.name())


def _used(node: nuke.Node) -> list[int]:
    return [n for n in range(1, rig_slots.SLOTS + 1) if node[f"rig{n}_kind"].value() != rig_slots.NONE]


def _has_place(node: nuke.Node, number: int) -> bool:
    kind, place = node[f"rig{number}_kind"].value(), node[f"rig{number}_place"].value()
    return kind != "distant" and place == rig_slots.PLACES[0]


def _in_camera(node: nuke.Node) -> bool:
    """Whether Axes are seen from a camera node."""
    return bool(_text(node, "rig_camera")) and node["rig_space"].value() == "camera"


def _name(node: nuke.Node, number: int) -> str:
    return _text(node, f"rig{number}_name") or f"light {number}"


def _text(node: nuke.Node, name: str) -> str:
    return str(node[name].value()).strip()


def _light(node: nuke.Node, number: int, frames: tuple[int, ...]) -> dict[str, Any]:
    moves = bool(_text(node, f"rig{number}_axis")) or any(
        knobs.is_animated(node, knob) for knob in rig_slots.slot(number) if knob.animatable
    )
    at = frames if moves else frames[:1]
    return posing.over_frames({frame: rig_slots.light(_posed(node, number, frame), number) for frame in at})


def _posed(node: nuke.Node, number: int, frame: int) -> dict[str, Any]:
    """The values of a light on a frame, its place and aim those of its Axis where it follows one."""
    values, axis = _values(node, number, frame), _text(node, f"rig{number}_axis")
    if not axis:
        return values
    position, aim = posing.pose(_matrix(node, axis, frame))
    if _in_camera(node):
        position, aim = posing.seen_from(_matrix(node, _text(node, "rig_camera"), frame), position, aim)
    return {**values, "place": rig_slots.PLACES[0], "position": position, "aim": aim}


def _values(node: nuke.Node, number: int, frame: int) -> dict[str, Any]:
    return {knob.name.partition("_")[2]: _value(node, knob, frame) for knob in rig_slots.slot(number)}


def _value(node: nuke.Node, knob: NodeKnob, frame: int) -> Any:
    return knobs.value_at(node, knob, frame) if knob.animatable else node[knob.name].value()


def _matrix(node: nuke.Node, name: str, frame: int) -> list[float]:
    """The world matrix of the node `name` beside the Relamp node, row by row."""
    found = _beside(node, name)
    matrix = found.knob("world_matrix")
    if matrix is None:
        raise UsageError(f"{name} is a {found.Class()}, which has no world matrix; name an Axis, a Light or a Camera")
    return [float(matrix.getValueAt(frame, index)) for index in range(16)]


def _beside(node: nuke.Node, name: str) -> nuke.Node:
    """The node `name` beside the Relamp node. Raises `UsageError`."""
    group = node.fullName().rpartition(".")[0]
    found = nuke.root().node(f"{group}.{name}" if group else name)
    if found is None:
        raise UsageError(
            f"there is no node {name} beside {node.name()}; name an Axis, a Light or a Camera, or leave it empty"
        )
    return found


def _turn(aim: Any) -> list[float]:
    """The rotation, degrees in Nuke's usual order ZXY, of an Axis whose -Z points along `aim`."""
    x, y, z = aim
    return [math.degrees(math.atan2(y, math.hypot(x, z))), math.degrees(math.atan2(-x, -z)), 0.0]


def _show(node: nuke.Node, light: dict[str, Any], number: int) -> None:
    _set(node, rig_slots.shown(light, number))


def _set(node: nuke.Node, values: dict[str, Any]) -> None:
    for name, value in values.items():
        if isinstance(value, dict):
            keys = ((int(frame), tuple(key) if isinstance(key, list) else float(key)) for frame, key in value["keys"])
            knobs.set_curve(node[name], Curve(tuple(keys)))
        elif isinstance(node[name], nuke.Array_Knob):
            knobs.set_still(node[name], value)
        else:
            node[name].setValue(value)
