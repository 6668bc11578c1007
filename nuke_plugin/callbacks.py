"""What the node's text calls when it is made and when a knob changes. No error here can stop a script from opening."""

from __future__ import annotations

import traceback
from collections.abc import Callable

import nuke

from ..core.errors import RelampError
from ..core.node import knobs as node_knobs
from ..core.node import rig_slots
from . import attach
from .gizmo import knob_name

# These change how a bake is run, not its pixels.
_HOW = ("frames", "threads", "device", "verify")
_LOOK = {"inputChange", "matte_channel", "env_facing"} | {
    knob_name(knob.name, choice)
    for knob in node_knobs.declared()
    for choice in (knob.choices if knob.kind == "flags" else ("",))
    if knob.name not in _HOW
}
_LOOK |= {knob.name for knob in rig_slots.all_slots()} - {"rig_preset"}
STALE = " (settings changed)"


def _harmless(callback: Callable[[], None]) -> Callable[[], None]:
    """Print any error of a callback instead of raising it, since an exception in one can stop Nuke from opening a script."""

    def guarded() -> None:
        try:
            callback()
        except Exception:
            print(traceback.format_exc())

    return guarded


@_harmless
def created() -> None:
    """Called when a node is made or a script opened: keeps the status from making Nuke render again."""
    attach.quiet(nuke.thisNode())


@_harmless
def knob_changed() -> None:
    """Called when a knob changes: where it decides pixels, the status says whether the shown frames have these settings."""
    node, name = nuke.thisNode(), nuke.thisKnob().name()
    if name not in _LOOK or not nuke.GUI or not node["baked_version"].value():
        return
    from . import actions

    brief = str(node["brief"].value())
    words = brief[: -len(STALE)] if brief.endswith(STALE) else brief
    try:
        same = actions.look_of(node) == node["baked_look"].value()
    except RelampError:
        same = False
    attach.say(node, str(node["status"].value()), words if same else words + STALE)
