"""Puts a finished bake into the node: its Read, what the node remembers of it, and what is shown. Main thread only."""

from __future__ import annotations

import nuke

from ..core.errors import UsageError
from ..core.frames import format_frames
from ..core.node.bake import Baked
from ..core.node.knobs import LIVE_LAMPS
from ..core.node.request import as_percent
from . import arithmetic
from .knobs import frames_text, number_text


def attach(node: nuke.Node, baked: Baked, which: str, version: int = 0, look: str = "") -> None:
    """Show `baked` as the node's `baked` or `preview` frames. Raises `UsageError` when the node was taken apart."""
    read = _read(node, which)
    first, last = baked.frames[0], baked.frames[-1]
    read["file"].setValue(as_percent(baked.place.pattern).replace("\\", "/"))
    for name, frame in (("first", first), ("last", last), ("origfirst", first), ("origlast", last)):
        read[name].setValue(frame)
    read["raw"].setValue(True)  # after file, which guesses the colour space anew
    read["disable"].setValue(False)
    reload = read["reload"]
    assert isinstance(reload, nuke.Script_Knob)
    reload.execute()
    node[f"{which}_frames"].fromScript(frames_text(baked.frames))
    node[f"{which}_scale"].fromScript(number_text(baked.scale))
    node[f"{which}_epsilon"].setValue(baked.epsilon)
    node[f"{which}_alpha"].setValue(int(baked.alpha))
    node[f"{which}_weight"].setValue(_weight(baked))
    if which == "baked":
        node["baked_version"].setValue(version)
        node["baked_look"].setValue(look)
    node["show"].setValue(which)
    enable_live(node, baked.lamps, baked.ratio)
    for number in range(1, LIVE_LAMPS + 1):
        lit = number <= len(baked.rig)
        node[f"lamp{number}_dim"].setLabel(baked.rig[number - 1] if lit else f"lamp {number}")


def enable_live(node: nuke.Node, lamps: int, ratio: bool) -> None:
    """Grey out the live knobs that the shown frames have no layer for."""
    for name, knob in node.knobs().items():
        if name.startswith("lamp") and name.endswith(("_dim", "_tint")):
            knob.setEnabled(int(name[4 : name.index("_")]) <= lamps)
        elif name.startswith("change_"):
            knob.setEnabled(ratio)


def say(node: nuke.Node, sentence: str, brief: str | None = None) -> None:
    """Put a sentence into the node's panel, and a few words under its name."""
    for name, text in (("status", sentence), ("brief", brief)):
        knob = node[name]
        if text is not None and knob.value() != text:
            knob.setValue(text)


def quiet(node: nuke.Node) -> None:
    """Keep the status from making Nuke render again when it changes."""
    flag = getattr(nuke, "NO_RERENDER", None)  # not in every version's Python
    for name in ("status", "brief"):
        if flag is not None:
            node[name].setFlag(flag)


def brief(baked: Baked, which: str, version: int) -> str:
    """The words under the node's name."""
    frames = format_frames(baked.frames)
    return f"v{version:03d} {frames}" if which == "baked" else f"preview {frames}"


def _read(node: nuke.Node, which: str) -> nuke.Node:
    assert isinstance(node, nuke.Group)
    read = node.node(which.capitalize())
    if read is None:
        raise UsageError(f"the node's {which.capitalize()} is gone; make a new Relamp node and copy the knobs over")
    return read


def _weight(baked: Baked) -> int:
    if baked.job.parameters.matte:
        return arithmetic.MATTE
    return arithmetic.PLATE_ALPHA if baked.covered else arithmetic.EVERYWHERE
