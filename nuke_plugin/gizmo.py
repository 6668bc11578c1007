"""The node as text: the Group that goes into scripts and the gizmo on the shelf, made from one list of knobs and nodes.

Needs no Nuke; the installer writes the files.
"""

from __future__ import annotations

from ..core.node import rig_slots
from ..core.node.knobs import BUTTONS, LIVE_LAMPS, PIPES, TABS, NodeKnob, all_knobs
from . import arithmetic, script
from .script import ScriptNode, expression, quoted, user_knob

NODE_VERSION = 1
"""Of the knobs and the inner nodes; a script keeps the node it was made with."""

LAYERS = {**{f"lamp{i}": ("red", "green", "blue") for i in range(1, LIVE_LAMPS + 1)},
          **dict.fromkeys(("rest", "ratio", "shadow"), ("red", "green", "blue"))}  # fmt: skip
"""The layers a bake brings, by name, as Nuke has to know them before it can speak of them."""

WRITES = {"plate": "PlateOut", "matte": "MatteOut", "env": "EnvOut", "bg": "BgOut", "normals": "NormalsOut",
          "depth": "DepthOut"}  # fmt: skip
"""The Write that hands each pipe's pictures to the worker. Always disabled but for that moment."""

CHANGED = ("try:\n    from relamp.nuke_plugin import callbacks\nexcept ImportError:\n    pass\n"
           "else:\n    callbacks.knob_changed()")  # fmt: skip
CREATED = CHANGED.replace("knob_changed", "created")

RESERVED = {
    "name", "label", "help", "onCreate", "onDestroy", "knobChanged", "updateUI", "autolabel", "panel", "tile_color", "gl_color",
    "note_font", "note_font_size", "note_font_color", "selected", "xpos", "ypos", "icon", "indicators", "hide_input", "cached",
    "disable", "dope_sheet", "postage_stamp", "postage_stamp_frame", "bookmark", "lifetimeStart", "lifetimeEnd",
    "useLifetime", "lock_connections", "mapsize", "window",
}  # fmt: skip
"""Knobs Nuke gives its nodes, which none of ours may be called."""

_BUTTONS = {
    **BUTTONS,
    **rig_slots.BUTTONS,
    "to_panel": ("Open in panel", "Puts this node's plate, light and settings into Relamp's panel."),
}
_HEAD = ("preview", "bake", "cancel", "version_up", "to_panel")
_KINDS = {"float": script.DOUBLE, "int": script.INTEGER, "bool": script.BOOLEAN, "text": script.STRING,
          "choice": script.CHOICE, "vector": script.XYZ, "colour": script.COLOUR, "file": script.FILE,
          "picture": script.FILE}  # fmt: skip


def group(kind: str = "Group", name: str = "Relamp1") -> str:
    """The node and everything in it. `kind` is Group, or Gizmo for a file on the plugin path."""
    head = [f"{kind} {{", " inputs 0", f" name {name}", " tile_color 0xd08020ff", f" label {quoted('[value brief]')}",
            f" knobChanged {quoted(CHANGED)}", f" onCreate {quoted(CREATED)}"]  # fmt: skip
    layers = [f"add_layer {{{name} {' '.join(f'{name}.{c}' for c in channels)}}}" for name, channels in LAYERS.items()]
    inner = script.body(nodes())
    return "\n".join([*head, *(f" {line}" for line in user_knobs()), "}", *layers, inner.rstrip("\n"), "end_group", ""])


def gizmo_file() -> str:
    """The text of Relamp.gizmo."""
    return group("Gizmo", "Relamp")


def paste_file() -> str:
    """The text of Relamp.nk, which pastes the node as a Group under what is selected."""
    pasted = group().replace(" inputs 0", f" inputs {len(PIPES)}", 1)
    pushes = ["push 0"] * (len(PIPES) - 1)
    return "\n".join(["set cut_paste_input [stack 0]", "version 15.0 v1", *pushes, "push $cut_paste_input", pasted])


def knob_name(name: str, choice: str = "") -> str:
    """What the knob `name` of `core.node.knobs`, or the box for one `choice` of it, is called in Nuke."""
    full = f"{name}_{choice}" if choice else name
    return f"{full}_" if full in RESERVED else full


def user_knobs() -> list[str]:
    """The lines that add the node's knobs and give them their values."""
    lines: list[str] = []
    for tab in TABS:
        lines.append(user_knob(script.TAB, f"tab_{tab.lower()}", tab))
        if tab == "Relamp":
            lines += [_button(name, name in ("preview", "version_up")) for name in _HEAD]
            lines.append(user_knob(script.TEXT, "status", " ", more="+STARTLINE", text="nothing is baked yet"))
        for knob in all_knobs():
            if knob.tab == tab:
                lines += _knob(knob)
        if tab == "Inputs":
            lines.append(_button("make_passes", starts_line=True))
            lines.append(user_knob(script.LINK, "matte_channel", "matte channel", text="MatteChannel.from0"))
            tip = "The environment changes over the shot: it is handed over for each frame, not once."
            lines.append(user_knob(script.BOOLEAN, "env_moves", "env is animated", tip=tip, more="+STARTLINE"))
        if tab == rig_slots.TAB:
            lines += _rig()
    return lines + _remembered()


def nodes() -> list[ScriptNode]:
    """What is inside the node, inputs before what they feed."""
    inputs = [ScriptNode("Input", pipe, {"number": str(number)} if number else {}) for number, pipe in enumerate(PIPES)]
    rgb = ("red", "green", "blue")
    ratio = {f"{end}{i}": f"ratio.{channel}" for i, channel in enumerate(rgb) for end in ("from", "to")}
    names, change = arithmetic.change()
    temporary = {}
    for i, (name, text) in enumerate(names.items()):
        temporary |= {f"temp_name{i}": name, f"temp_expr{i}": quoted_expression(text)}
    return [
        *inputs,
        _read("Baked"),
        _read("Preview"),
        ScriptNode("Switch", "Frames", {"which": expression(arithmetic.frames_which())}, ("Baked", "Preview")),
        ScriptNode("NoOp", "Facts", _facts()),
        ScriptNode("Expression", "Lamps", _expressions(arithmetic.lamps()), ("Frames",)),
        ScriptNode("Copy", "MatteChannel", {"from0": "rgba.alpha", "to0": "rgba.alpha"}, ("matte", "matte")),
        ScriptNode("Copy", "PlateRatio", ratio, ("plate", "Frames")),
        ScriptNode("Copy", "Scratch", {"from0": "rgba.alpha", "to0": "mask.a"}, ("PlateRatio", "MatteChannel")),
        ScriptNode("Expression", "Change", {**temporary, **_expressions(change)}, ("Scratch",)),
        ScriptNode("MergeExpression", "Sum", _expressions(arithmetic.total()), ("Lamps", "Change")),
        ScriptNode("MergeExpression", "Mix", _expressions(arithmetic.mix()), ("Sum", "plate")),
        ScriptNode("Switch", "Show", {"which": expression(arithmetic.show_which())}, ("plate", "Mix")),
        ScriptNode("Output", "Output1", {}, ("Show",)),
        *(_write(pipe, name) for pipe, name in WRITES.items()),
    ]


def quoted_expression(text: str) -> str:
    """An expression as the value of an Expression node's knob."""
    return '"' + text.replace("\\", "\\\\").replace("[", "\\[").replace("$", "\\$") + '"'


def _read(name: str) -> ScriptNode:
    # Disabled until there is something to read, and raw, because the worker writes in the plate's own space. A frame that
    # should be there and is not is an error, never silently something else.
    knobs = {"file_type": "exr", "file": '""', "raw": "true", "on_error": "error", "localizationPolicy": "off",
             "before": "black", "after": "black", "disable": "true"}  # fmt: skip
    return ScriptNode("Read", name, knobs)


def _write(pipe: str, name: str) -> ScriptNode:
    knobs = {"channels": "alpha" if pipe == "matte" else "all", "file_type": "exr", "datatype": quoted("32 bit float"),
             "compression": quoted("Zip (1 scanline)"), "metadata": quoted("all metadata"), "raw": "true",
             "create_directories": "true", "disable": "true"}  # fmt: skip
    return ScriptNode("Write", name, knobs, ("MatteChannel" if pipe == "matte" else pipe,))


def _facts() -> dict[str, str]:
    # Dictionary keys are script words, so a user knob's line is a key of its own.
    lines = {f"addUserKnob {{{script.TAB} facts}}": ""}
    for name in arithmetic.FACTS:
        lines[f"addUserKnob {{{script.DOUBLE} {name}}}"] = ""
        lines[name] = expression(arithmetic.fact(name))
    return lines


def _expressions(channels: list[str]) -> dict[str, str]:
    return {f"expr{i}": quoted_expression(text) for i, text in enumerate(channels)}


def _rig() -> list[str]:
    """The lights of the rig, each in a group that folds."""
    preset, *others = rig_slots.shared()
    lines = [*_knob(preset), _button("rig_add", starts_line=False)]
    lines += [_button(name, name == "rig_axes") for name in ("rig_axes", "rig_load", "rig_save")]
    lines += [line for knob in others for line in _knob(knob)]
    for number in range(1, rig_slots.SLOTS + 1):
        lines.append(user_knob(script.TAB, f"rig{number}", f"light {number}", more="n 1"))
        lines += [line for knob in rig_slots.slot(number) for line in _knob(knob)]
        lines.append(user_knob(script.TAB, f"rig{number}_end", more="n -1"))
    return lines


def _button(name: str, starts_line: bool) -> str:
    label, tip = _BUTTONS[name]
    code = f"from relamp.nuke_plugin import actions\nactions.press('{name}', nuke.thisNode())"
    return user_knob(script.BUTTON, name, label, tip=tip, more=f"{'+' if starts_line else '-'}STARTLINE", text=code)


def _remembered() -> list[str]:
    """Hidden knobs: what the node knows of its frames, so that a script opens without Relamp."""
    lines = []
    for which in ("baked", "preview"):
        for name in ("frames", *arithmetic.FACTS):
            lines.append(user_knob(script.DOUBLE, f"{which}_{name}", more="+INVISIBLE"))
    lines.append(user_knob(script.INTEGER, "baked_version", more="+INVISIBLE"))
    lines.append(user_knob(script.STRING, "baked_look", more="+INVISIBLE"))
    lines.append(user_knob(script.STRING, "brief", more="+INVISIBLE"))
    lines.append(user_knob(script.INTEGER, "relamp_node", more="+INVISIBLE"))
    return [*lines, f"relamp_node {NODE_VERSION}"]


def _knob(knob: NodeKnob) -> list[str]:
    if knob.kind == "flags":
        return _flags(knob)
    more = "-STARTLINE" if knob.name.endswith("_tint") and knob.name.startswith("lamp") else ""
    if knob.kind == "choice":
        more = f"M {{{' '.join(quoted(choice) for choice in knob.choices)}}}"
    elif knob.kind in ("float", "int") and knob.hi < 1e5 and knob.lo > -1e5:
        more = f"R {knob.lo:g} {knob.hi:g}"
    elif knob.kind == "bool":
        more = "+STARTLINE"
    label = f"{knob.label} ({knob.unit})" if knob.unit else knob.label
    name = knob_name(knob.name)
    line = user_knob(_KINDS[knob.kind], name, label, tip=knob.help, more=more)
    return [line, f"{name} {_value(knob)}"]


def _flags(knob: NodeKnob) -> list[str]:
    lines = []
    for index, choice in enumerate(knob.choices):
        label = f"{knob.label}: {choice}" if index == 0 else choice
        start = "+STARTLINE" if index == 0 else "-STARTLINE"
        name = knob_name(knob.name, choice)
        lines.append(user_knob(script.BOOLEAN, name, label, tip=knob.help, more=start))
        lines.append(f"{name} {str(choice in knob.default).lower()}")
    return lines


def _value(knob: NodeKnob) -> str:
    if knob.kind in ("vector", "colour"):
        return "{" + " ".join(f"{number:g}" for number in knob.default) + "}"
    if knob.kind == "bool":
        return str(knob.default).lower()
    return quoted(str(knob.default)) if knob.default != "" else '""'
