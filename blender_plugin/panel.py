# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
"""The sidebar of the compositor: the node's buttons, its last message, and its settings by tab."""

# pyright: reportMissingImports=false
# bpy is Blender's own.

from __future__ import annotations

from typing import Any, ClassVar

import bpy

from ..core.node.knobs import TABS
from . import group, operators, properties

_SPACE, _REGION, _CATEGORY = "NODE_EDITOR", "UI", "Relamp"
_HEAD = ("show", "version", "bake_over", "bake_dir")


class RELAMP_PT_node(bpy.types.Panel):
    """Buttons and status."""

    bl_label, bl_space_type, bl_region_type, bl_category = "Relamp", _SPACE, _REGION, _CATEGORY

    @classmethod
    def poll(cls, context: Any) -> bool:
        """True in the compositor."""
        return getattr(context.space_data, "tree_type", "") == group.TREE

    def draw(self, context: Any) -> None:
        """The buttons, or the way to a first node."""
        layout, tree = self.layout, operators.group_of(context)
        if tree is None:
            layout.operator("relamp.add", text="Add a Relamp node")
            return
        layout.prop(tree.relamp, "show", expand=True)
        row = layout.row(align=True)
        row.operator("relamp.preview")
        row.operator("relamp.bake")
        row = layout.row(align=True)
        row.operator("relamp.version_up")
        row.operator("relamp.cancel")
        if tree.relamp.status:
            layout.label(text=tree.relamp.status)
        kept = group.Shown.from_json(tree.relamp.baked)
        if kept is not None:
            layout.label(text=group.words(kept))
        for name in _HEAD[1:]:
            layout.prop(tree.relamp, name)


class _Tab(bpy.types.Panel):
    """One tab of settings."""

    bl_space_type, bl_region_type, bl_category = _SPACE, _REGION, _CATEGORY
    bl_parent_id = "RELAMP_PT_node"
    bl_options: ClassVar = {"DEFAULT_CLOSED"}
    tab = ""

    @classmethod
    def poll(cls, context: Any) -> bool:
        """True where there is a Relamp group."""
        return operators.group_of(context) is not None

    def draw(self, context: Any) -> None:
        """Every setting of the tab."""
        tree = operators.group_of(context)
        self.layout.use_property_split = True
        for knob in properties.shown():
            if knob.tab == self.tab and knob.name not in _HEAD:
                self.layout.prop(tree.relamp, knob.name)
        if self.tab == "Inputs":
            self.layout.operator("relamp.make_passes")


class RELAMP_PT_rig(bpy.types.Panel):
    """The lights that are put into the scene."""

    bl_label, bl_space_type, bl_region_type, bl_category = "Rig", _SPACE, _REGION, _CATEGORY
    bl_parent_id = "RELAMP_PT_node"
    bl_options: ClassVar = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        """True where there is a Relamp group."""
        return operators.group_of(context) is not None

    def draw(self, context: Any) -> None:
        """The collection and its axes, what the lights do to the plate's own, and which lamp each light is in the bake."""
        settings = operators.group_of(context).relamp
        self.layout.use_property_split = True
        for name in (*properties.RIG, "light"):
            self.layout.prop(settings, name)
        shown = group.Shown.from_json(settings.baked)
        for number, name in enumerate(shown.rig if shown else (), 1):
            self.layout.label(text=f"{group.lamp_sockets(number)[0]}: {name}")


def _tabs() -> tuple[type, ...]:
    named = [tab for tab in TABS if any(k.tab == tab and k.name not in _HEAD for k in properties.shown())]
    return tuple(type(f"RELAMP_PT_{tab.lower()}", (_Tab,), {"bl_label": tab, "tab": tab}) for tab in named)


_CLASSES: list[type] = []


def register() -> None:
    """Register the panels with Blender."""
    _CLASSES[:] = [RELAMP_PT_node, RELAMP_PT_rig, *_tabs()]
    for cls in _CLASSES:
        bpy.utils.register_class(cls)
    bpy.types.NODE_MT_add.append(_entry)


def unregister() -> None:
    """Unregister them."""
    bpy.types.NODE_MT_add.remove(_entry)
    for cls in reversed(_CLASSES):
        bpy.utils.unregister_class(cls)
    _CLASSES.clear()


def _entry(self: Any, context: Any) -> None:
    if getattr(context.space_data, "tree_type", "") == group.TREE:
        self.layout.operator("relamp.add")
