"""A rig as knobs: so many lights of fixed places in the node, in hosts that have no lights of their own to take.

Each light is a row of `NodeKnob`s named `rig1_kind`, `rig1_stops` and so on. `light` makes a light of a rig file of their values,
`shown` values of a light of a rig file. Standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .. import rig_library
from ..errors import UsageError
from .knobs import LIVE_LAMPS, NodeKnob

SLOTS = LIVE_LAMPS
TAB = "Rig"
NONE = "none"
KINDS = (NONE, "distant", "sphere", "spot", "area")
COLOURED_BY = ("kelvin", "RGB")
PLACES = ("at a position", "before a pixel")
PRESETS = tuple(preset.name for preset in rig_library.presets())
SPACES = ("camera", "world")

BUTTONS = {
    "rig_add": ("Add", "Puts the lights of this entry of the library into lights that are not used yet."),
    "rig_axes": ("Axis for each", "Makes an Axis for each light at a position that has none yet; the light follows it."),
    "rig_load": ("Load rig", "Shows the lights of a rig file in these knobs, in place of what they hold."),
    "rig_save": ("Save rig", "Writes the lights as a rig file, for the panel, the command line and other nodes."),
}  # fmt: skip


def shared() -> tuple[NodeKnob, ...]:
    """The knobs that all lights of the rig share."""
    return (
        NodeKnob("rig_preset", "library", "choice", TAB, PRESETS[0], "Lights to add, as key, fill and rim.", choices=PRESETS),
        NodeKnob("rig_space", "axes", "choice", TAB, SPACES[0],
                 "The axes of positions: the camera's (X right, Y up, it looks along -Z), or the world's, in which the camera "
                 "file says where the camera stands.", choices=SPACES),
        NodeKnob("rig_camera", "camera node", "text", TAB, "",
                 "The Camera that Axes are seen from, by its name. Without one, an Axis stands in the axes above."),
    )  # fmt: skip


def slot(number: int) -> tuple[NodeKnob, ...]:
    """The knobs of the light `number`, from 1."""

    def knob(name: str, label: str, kind: str, default: Any, help: str, **more: Any) -> NodeKnob:
        return NodeKnob(f"rig{number}_{name}", label, kind, TAB, default, help, **more)

    return (
        knob("kind", "kind", "choice", NONE, "distant is far away, as the sun; sphere is a bulb; spot a cone; area is flat.",
             choices=KINDS),
        knob("name", "name", "text", "", "What the light is called; without it light and its number."),
        knob("on", "on", "bool", True, "Whether it shines."),
        knob("shadows", "throws shadows", "bool", True, "Whether what stands in its way throws a shadow."),
        knob("stops", "brightness", "float", 0.0,
             "Over the plate's own light: at 0 the subject's middle, facing the light, gets as much of it as the plate gives.",
             unit="stops", lo=-20, hi=20, animatable=True),
        knob("colour_by", "colour is", "choice", COLOURED_BY[0], "Whether kelvin or RGB says the colour.", choices=COLOURED_BY),
        knob("kelvin", "kelvin", "float", 6500.0, "Candle 1850, tungsten 3200, white 6500, shade 8000.", unit="K",
             lo=1000, hi=40000, animatable=True),
        knob("colour", "RGB", "colour", (1.0, 1.0, 1.0), "Linear Rec.709; only the ratios count.", animatable=True),
        knob("place", "stands", "choice", PLACES[0],
             "At the position below, or before the point of the subject that is seen at a pixel: position is x and y of the "
             "pixel, from the upper left corner, and how far before it.", choices=PLACES),
        knob("position", "position", "vector", (0.0, 0.0, 0.0), "Where it stands, in the unit of the depth.", animatable=True),
        knob("aim", "aim", "vector", (0.0, 0.0, -1.0), "The direction it shines in.", animatable=True),
        knob("axis", "Axis node", "text", "",
             "An Axis, Light or other node with a world matrix, by its name: the light stands there and shines along its -Z."),
        knob("size", "size", "float", 0.0,
             "Larger is softer: an angle in degrees of a distant light, a radius of a sphere and a spot, the width of an area. "
             "0 is the usual one.", lo=0, hi=1000, animatable=True),
        knob("height", "height", "float", 0.0, "Of an area; 0 is as high as wide.", lo=0, hi=1000, animatable=True),
        knob("angle", "cone", "float", 30.0, "The whole cone of a spot.", unit="deg", lo=1, hi=170, animatable=True),
        knob("softness", "soft edge", "float", 0.2, "The share of a spot's cone in which it fades.", lo=0, hi=1, animatable=True),
    )  # fmt: skip


def all_slots() -> tuple[NodeKnob, ...]:
    """The knobs of the whole rig."""
    return (*shared(), *(knob for number in range(1, SLOTS + 1) for knob in slot(number)))


def light(values: Mapping[str, Any], number: int) -> dict[str, Any]:
    """A light of a rig file from the `values` of its knobs on one frame, by their names without `rig1_`."""
    kind = values["kind"]
    made: dict[str, Any] = {"name": values["name"].strip() or f"light {number}", "kind": kind}
    made |= {flag: False for flag in ("on", "shadows") if not values[flag]}
    made["stops"] = float(values["stops"])
    made |= (
        {"kelvin": float(values["kelvin"])} if values["colour_by"] == "kelvin" else {"colour": tuple(values["colour"])}
    )
    x, y, z = (float(part) for part in values["position"])
    aim = tuple(float(part) for part in values["aim"])
    if kind == "distant":
        made["direction"] = tuple(-part for part in aim)
    elif values["place"] == PLACES[1]:
        made |= {"at": (x, y), "out": z}
    else:
        made["position"] = (x, y, z)
    if kind in ("spot", "area"):
        made["aim"] = aim
    if kind == "spot":
        made |= {"angle": float(values["angle"]), "softness": float(values["softness"])}
    size, height = float(values["size"]), float(values["height"])
    if size and kind == "area":
        made["size"] = (size, height or size)
    elif size:
        made["size"] = size
    return made


def shown(made: Mapping[str, Any], number: int) -> dict[str, Any]:
    """The values of all knobs of a light that show `made`, a light of a rig file; `{"keys": …}` where it is keyed.

    Raises:
        UsageError: its kind is none that the knobs know.
    """
    if made.get("kind") not in KINDS[1:]:
        raise UsageError(
            f"light {number} of the rig has the kind {made.get('kind')!r:.40}, which is none of {', '.join(KINDS[1:])}"
        )
    values = {knob.name.partition("_")[2]: knob.default for knob in slot(number)}
    values |= {key: made[key] for key in values.keys() & made.keys() - {"size"}}
    if "colour" in made:
        values["colour_by"] = COLOURED_BY[1]
    if "direction" in made:
        values["aim"] = _each(made["direction"], lambda v: [-part for part in v])
    if "at" in made:
        out = made.get("out", 0.3)
        if isinstance(out, dict):
            raise UsageError(
                f"{made.get('name', number)} moves towards the subject by keys of out; keep that rig as a file"
            )
        values |= {"place": PLACES[1], "position": _each(made["at"], lambda v: [*v, out])}
    size = made.get("size", 0.0)
    if made["kind"] == "area" and "size" in made:
        values |= {"size": _each(size, lambda v: v[0]), "height": _each(size, lambda v: v[1])}
    else:
        values["size"] = size
    return {f"rig{number}_{name}": value for name, value in values.items()}


def _each(value: Any, change: Any) -> Any:
    """A value of a rig file, changed, or each of its keys."""
    if isinstance(value, dict):
        return {"keys": [[frame, change(key)] for frame, key in value["keys"]]}
    return change(value)
