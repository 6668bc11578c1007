# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
"""The node's settings as Blender properties, made from the declaration and kept on the group's node tree."""

# pyright: reportMissingImports=false
# bpy is Blender's own.

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import bpy

from ..core.node import knobs as node_knobs
from ..core.node.knobs import NodeKnob
from ..core.node.request import curve

LIVE = "Live"  # a tab whose knobs are sockets of the group in Blender, where they can be keyed and linked


def shown() -> tuple[NodeKnob, ...]:
    """The knobs that are properties."""
    return tuple(knob for knob in node_knobs.all_knobs() if knob.tab != LIVE)


def values(tree: bpy.types.NodeTree, frames: Iterable[int]) -> dict[str, Any]:
    """The value of every property; animated ones sampled on `frames`."""
    animated = tree.animation_data is not None
    return {
        knob.name: _sampled(tree, knob, frames) if animated and knob.animatable else value(tree.relamp, knob)
        for knob in shown()
    }


def value(properties: Any, knob: NodeKnob) -> Any:
    """One property as a plain value of the knob's kind."""
    found = getattr(properties, knob.name)
    if knob.kind == "flags":
        return tuple(choice for choice in knob.choices if choice in found)
    if knob.kind in ("vector", "colour"):
        return tuple(round(float(number), 6) for number in found)
    if knob.kind == "float":
        return round(float(found), 6)  # Blender stores 32 bits; rounding restores a typed 0.1
    if knob.kind in ("file", "picture"):
        return bpy.path.abspath(found) if found else ""
    return found


def register() -> None:
    """Declare the properties."""
    bpy.utils.register_class(RelampSettings)
    bpy.types.NodeTree.relamp = bpy.props.PointerProperty(type=RelampSettings)


def unregister() -> None:
    """Remove them."""
    del bpy.types.NodeTree.relamp
    bpy.utils.unregister_class(RelampSettings)


def _sampled(tree: bpy.types.NodeTree, knob: NodeKnob, frames: Iterable[int]) -> Any:
    scene = bpy.context.scene
    before, found = scene.frame_current, {}
    for frame in frames:
        scene.frame_set(frame)
        found[frame] = value(tree.relamp, knob)
    scene.frame_set(before)
    return curve(found)


def _property(knob: NodeKnob) -> Any:
    # Blender adds its own full stop to a tooltip.
    given: dict[str, Any] = {"name": knob.label.capitalize(), "description": knob.help.removesuffix(".")}
    if knob.kind not in ("float", "vector", "colour"):
        given["options"] = set()
    make: Callable[..., Any]
    if knob.kind in ("float", "int"):
        make = bpy.props.FloatProperty if knob.kind == "float" else bpy.props.IntProperty
        given |= {name: end for name, end in (("min", knob.lo), ("max", knob.hi)) if math.isfinite(end)}
    elif knob.kind == "bool":
        make = bpy.props.BoolProperty
    elif knob.kind in ("choice", "flags"):
        make = bpy.props.EnumProperty
        given["items"] = [(choice, choice, "") for choice in knob.choices]
        given["options"] = {"ENUM_FLAG"} if knob.kind == "flags" else set()
    elif knob.kind in ("vector", "colour"):
        make = bpy.props.FloatVectorProperty
        given |= {"size": 3, "subtype": "COLOR" if knob.kind == "colour" else "NONE"}
    else:
        make = bpy.props.StringProperty
        given["subtype"] = "FILE_PATH" if knob.kind in ("file", "picture") else "NONE"
    default = set(knob.default) if knob.kind == "flags" else knob.default
    if knob.kind == "int" and isinstance(default, float):
        default = int(default)
    if knob.name == "show":
        given["update"] = _show
    return make(default=default, **given)


def _show(properties: Any, _: Any) -> None:
    from . import group

    group.build(properties.id_data)


RIG = {
    "rig_collection": bpy.props.PointerProperty(
        type=bpy.types.Collection,
        name="Lights",
        description="The collection whose lights are put into the scene: sun, point, spot and area, animated or not",
    ),
    "rig_space": bpy.props.EnumProperty(
        name="Axes",
        description="Whether lights stand in the axes of the scene's camera, or in the world, in which the camera file says "
        "where the camera stands",
        items=[(space, space, "") for space in ("camera", "world")],
        default="camera",
        options=set(),
    ),
    "rig_distance": bpy.props.FloatProperty(
        name="Subject at",
        description="How far before the camera the subject stands. Watts become stops there",
        default=2.0,
        min=0.001,
        subtype="DISTANCE",
        options=set(),
    ),
}
"""The properties of the rig, which have no counterpart in other hosts."""


class RelampSettings(bpy.types.PropertyGroup):
    """The settings of a Relamp group."""

    __annotations__ = (
        {knob.name: _property(knob) for knob in shown()}
        | RIG
        | {
            "status": bpy.props.StringProperty(name="Status", description="What the node said last"),
            "baked": bpy.props.StringProperty(name="Baked", description="What is known of the baked frames, JSON"),
            "previewed": bpy.props.StringProperty(name="Previewed", description="What is known of the preview, JSON"),
        }
    )
