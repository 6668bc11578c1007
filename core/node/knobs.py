"""What a Relamp node shows: the declared parameters in a host's few kinds of knobs, and the node's own.

A host loops over `all_knobs()`, makes one control each, and hands plain values back to `parameter`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import ParameterError
from ..parameters import GROUPS, Knob, default_of, knob_of, knobs, parse

PIPES = {"plate": "plate", "matte": "matte", "env": "env", "bg": "background", "normals": "normals", "depth": "depth"}
"""The node's inputs in their order, by the label on the pipe, and the parameter each one gives."""

LIVE_LAMPS = 8
"""Lamps that can be dimmed in the comp; also the most a node asks for."""

BUTTONS = {
    "preview": ("Preview this frame", "Relights the current frame and shows it."),
    "bake": ("Bake range", "Relights all frames in the background and shows them when they are done."),
    "cancel": ("Cancel", "Stops this node's bake; finished frames are kept."),
    "version_up": ("Version up", "The next bake goes to a new version; nothing that is there is touched."),
    "make_passes": ("Make passes", "Makes normals, depth and what else the estimator sees of every frame, beside the script, "
                    "and uses them; frames that are there already are kept."),
}  # fmt: skip
"""What the node's buttons are called in every host, and what they do."""

UNSET = "default"
"""What a choice without a declared default shows: the value is left to Relamp."""

_AFTER_LIGHT = GROUPS.index("light") + 1
TABS = ("Relamp", "Live", *(g.capitalize() for g in GROUPS[:_AFTER_LIGHT]), "Rig",
        *(g.capitalize() for g in GROUPS[_AFTER_LIGHT:]))  # fmt: skip

# The pipes give these; env has a knob too, because a map needs no node to be read.
_FROM_PIPES = ("plate", "matte", "normals", "depth", "background")
# The node decides these: mix is live, a bake goes to its version and never silently over another.
_FROM_NODE = ("mix", "out", "overwrite", "skip_existing", "missing", "keep_going", "create_dir", "views")
_NODE_DEFAULTS = {"layers": ("ratio", "lamps")}  # without them nothing could be changed live


@dataclass(frozen=True)
class NodeKnob:
    """One control.

    `kind` is float, int, bool, text, choice, vector (three floats), colour (three floats), flags (any of `choices`), file or
    picture (a path). `default` is a value of that kind: text and paths are '' when not given. `hidden` knobs hold what the
    node remembers. `lo` and `hi` are inclusive and may be infinite.
    """

    name: str
    label: str
    kind: str
    tab: str
    default: Any
    help: str
    unit: str = ""
    lo: float = float("-inf")
    hi: float = float("inf")
    choices: tuple[str, ...] = ()
    animatable: bool = False
    hidden: bool = False


SHOWN = ("plate", "baked", "preview")
"""What the node puts out: choices of `show`."""

FACING = ("behind the camera (USD)", "ahead of the camera")
"""Where the middle of a lat-long map is taken to be: choices of `env_facing`."""


def declared() -> tuple[NodeKnob, ...]:
    """The declared parameters that a node shows, in declaration order."""
    return tuple(_declared(name, k) for name, k in knobs() if name not in (*_FROM_PIPES, *_FROM_NODE))


def own() -> tuple[NodeKnob, ...]:
    """The node's own controls: where bakes go, what is shown, and what is live."""
    mix = knob_of("mix")
    lamps = (knob for i in range(1, LIVE_LAMPS + 1) for knob in _lamp(i))
    return (
        NodeKnob("show", "show", "choice", "Relamp", "plate", "The untouched plate, the bake, or the preview.",
                 choices=SHOWN),
        NodeKnob("version", "version", "int", "Relamp", 1, "The version the next bake is written to.", lo=1, hi=9999),
        NodeKnob("bake_over", "bake over", "bool", "Relamp", False,
                 "Lets a bake replace frames of this version that were made with other settings."),
        NodeKnob("bake_dir", "bake folder", "file", "Relamp", "",
                 "Where bakes go; without it a folder named relamp beside the script."),
        NodeKnob("python", "worker", "file", "Run", "",
                 "The Python that Relamp is installed in; without it RELAMP_PYTHON, else what the site or the installer says."),
        NodeKnob("env_facing", "map's middle", "choice", "Light", FACING[0],
                 "Where the middle of the map is: a USD DomeLight has it behind the camera; the other turns maps by 180 degrees.",
                 choices=FACING),
        NodeKnob("mix", "mix", "float", "Live", default_of("mix"), mix.help, lo=mix.lo, hi=mix.hi, animatable=True),
        *lamps,
        NodeKnob("change_strength", "strength of the change", "float", "Live", 1.0,
                 "Grades the change of light through the ratio layer: 0 takes it out, 2 doubles it in stops.",
                 lo=0, hi=4, animatable=True),
        NodeKnob("change_saturation", "saturation of the change", "float", "Live", 1.0,
                 "How much of the change's colour is kept.", lo=0, hi=4, animatable=True),
        NodeKnob("change_tint", "tint of the change", "colour", "Live", (1.0, 1.0, 1.0),
                 "Multiplies the change, inside the matte only.", animatable=True),
    )  # fmt: skip


def all_knobs() -> tuple[NodeKnob, ...]:
    """Every control of the node, grouped by tab in the order of `TABS`."""
    found = (*own(), *declared())
    return tuple(knob for tab in TABS for knob in found if knob.tab == tab)


def parameter(name: str, value: Any) -> Any:
    """The parameter value that a host's `value` of the declared knob `name` means.

    `value` is of the knob's kind; animated ones come as `Curve`. Raises `ParameterError`.
    """
    k = knob_of(name)
    if k.kind == "choice" and value == UNSET and default_of(name) is None:
        return None
    if k.kind in ("text", "picture", "file", "choice") or (isinstance(value, str) and k.kind != "bool"):
        text = str(value).strip()
        value = parse(name, text) if text else default_of(name)
    elif k.kind == "names":
        value = tuple(value)
    elif k.kind == "vector" and isinstance(value, (list, tuple)):
        value = tuple(float(number) for number in value)
    k.check(name, value)
    return value


def parameters(values: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters in a node's values; knobs that are the node's own are left out. Raises `ParameterError`."""
    shown = {knob.name for knob in declared()}
    unknown = sorted(set(values) - shown - {knob.name for knob in own()})
    if unknown:
        raise ParameterError(f"the node has no knobs named {', '.join(unknown)}")
    return {name: parameter(name, value) for name, value in values.items() if name in shown}


def _declared(name: str, k: Knob) -> NodeKnob:
    kind, choices, default = k.kind, k.choices, default_of(name)
    default = _NODE_DEFAULTS.get(name, default)
    hi = min(k.hi, LIVE_LAMPS) if name == "lamps" else k.hi
    if kind == "choice" and default is None:
        choices, default = (UNSET, *choices), UNSET
    elif kind == "names" and choices:
        kind = "flags"
    elif kind == "names" or default is None:
        # A number that may be left out is typed, since a slider always has a value.
        kind = kind if kind in ("picture", "file") else "text"
        default = ",".join(default) if isinstance(default, tuple) else ""
    label = name.replace("_", " ")
    return NodeKnob(
        name, label, kind, k.group.capitalize(), default, k.help, k.unit, k.lo, hi, choices, animatable=k.animatable
    )


def _lamp(index: int) -> tuple[NodeKnob, ...]:
    dim = f"Brightness of lamp {index} in the bake; 0 puts it out. Needs the lamps layer."
    tint = f"Colour that lamp {index} is multiplied with."
    return (
        NodeKnob(f"lamp{index}_dim", f"lamp {index}", "float", "Live", 1.0, dim, lo=0, hi=4, animatable=True),
        NodeKnob(f"lamp{index}_tint", "tint", "colour", "Live", (1.0, 1.0, 1.0), tint, animatable=True),
    )
