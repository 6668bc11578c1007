# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
"""The buttons of the node. With a window a bake runs in the background; without one the call waits for it."""

# pyright: reportMissingImports=false
# bpy is Blender's own.

from __future__ import annotations

from typing import Any, ClassVar

import bpy

from ..core.errors import RelampError
from ..core.node.knobs import BUTTONS
from . import bake, group

_POLL = 0.1  # s between two polls of a bake


def group_of(context: Any) -> Any:
    """The Relamp group to work on: that of the active node, else the only one there is."""
    node = getattr(context, "active_node", None)
    tree = getattr(node, "node_tree", None)
    if tree is not None and _is_ours(tree):
        return tree
    comp = context.scene.compositing_node_group
    ours = {n.node_tree for n in (comp.nodes if comp else ()) if n.bl_idname == "CompositorNodeGroup"}
    found = [tree for tree in ours if tree is not None and _is_ours(tree)]
    return found[0] if len(found) == 1 else None


class RELAMP_OT_add(bpy.types.Operator):
    """Add a Relamp node to the scene's compositor"""

    bl_idname = "relamp.add"
    bl_label = "Relamp"
    bl_options: ClassVar = {"REGISTER", "UNDO"}

    def execute(self, context: Any) -> set[str]:
        """Make the group, and a compositor where the scene has none."""
        comp = context.scene.compositing_node_group
        if comp is None:
            comp = context.scene.compositing_node_group = bpy.data.node_groups.new("Compositing", group.TREE)
            comp.interface.new_socket(name="Image", in_out="OUTPUT", socket_type="NodeSocketColor")
            comp.nodes.new("NodeGroupOutput").location = (400, 0)
        node = comp.nodes.new("CompositorNodeGroup")
        node.node_tree = group.new()
        node.name = node.label = node.node_tree.name
        comp.nodes.active = node
        return {"FINISHED"}


class _Baking(bpy.types.Operator):
    """The common part of preview and bake."""

    which = ""

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Whether there is a group to work on."""
        return group_of(context) is not None

    def execute(self, context: Any) -> set[str]:
        """Bake and wait: for scripts and for Blender without a window."""
        begun = self._begin(context)
        if begun is None:
            return {"CANCELLED"}
        begun.bake.wait()
        return self._finish(begun)

    def invoke(self, context: Any, event: Any) -> set[str]:
        """Bake in the background."""
        if bpy.app.background:
            return self.execute(context)
        begun = self._begin(context)
        if begun is None:
            return {"CANCELLED"}
        self._running = begun
        manager = context.window_manager
        manager.progress_begin(0, 100)
        self._timer = manager.event_timer_add(_POLL, window=context.window)
        manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: Any, event: Any) -> set[str]:
        """Poll the bake."""
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        begun = self._running
        if not begun.bake.finished:
            context.window_manager.progress_update(100 * begun.bake.fraction)
            tree = bpy.data.node_groups.get(begun.tree)
            if tree is not None and tree.relamp.status != begun.bake.words:
                bake.say(tree, begun.bake.words)
                _redraw(context)
            return {"PASS_THROUGH"}
        context.window_manager.event_timer_remove(self._timer)
        context.window_manager.progress_end()
        ended = self._finish(begun)
        _redraw(context)
        return ended

    def _begin(self, context: Any) -> bake.Running | None:
        tree = group_of(context)
        try:
            return bake.begin(context.scene, tree, self.which)
        except (RelampError, RuntimeError, OSError) as error:
            sentence = str(error).strip().splitlines()[0]
            bake.say(tree, sentence)
            self.report({"ERROR"}, sentence)
            return None

    def _finish(self, begun: bake.Running) -> set[str]:
        outcome = bake.finish(begun)
        if outcome.baked is None and not outcome.passes:
            self.report({"WARNING" if outcome.stopped else "ERROR"}, outcome.sentence)
            return {"CANCELLED"}
        self.report({"INFO"}, outcome.sentence)
        return {"FINISHED"}


class RELAMP_OT_preview(_Baking):
    """Relight the current frame and show it"""

    bl_idname = "relamp.preview"
    bl_label = BUTTONS["preview"][0]
    which = "preview"


class RELAMP_OT_bake(_Baking):
    """Relight the frames of the scene and show them"""

    bl_idname = "relamp.bake"
    bl_label = BUTTONS["bake"][0]
    which = "baked"


class RELAMP_OT_make_passes(_Baking):
    """Make normals, depth and what else the estimator sees of the frames of the scene, and use them"""

    bl_idname = "relamp.make_passes"
    bl_label = BUTTONS["make_passes"][0]
    which = "passes"


class RELAMP_OT_cancel(bpy.types.Operator):
    """Stop the bake; finished frames are kept, and the next bake goes on there"""

    bl_idname = "relamp.cancel"
    bl_label = BUTTONS["cancel"][0]

    def execute(self, context: Any) -> set[str]:
        """Request the bake to stop."""
        tree = group_of(context)
        return {"FINISHED"} if tree is not None and bake.cancel(tree) else {"CANCELLED"}


class RELAMP_OT_version_up(bpy.types.Operator):
    """Let the next bake go to a new version"""

    bl_idname = "relamp.version_up"
    bl_label = BUTTONS["version_up"][0]

    def execute(self, context: Any) -> set[str]:
        """Increase the version."""
        tree = group_of(context)
        if tree is None:
            return {"CANCELLED"}
        try:
            bake.version_up(tree)
        except RelampError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}


_CLASSES = (
    RELAMP_OT_add,
    RELAMP_OT_preview,
    RELAMP_OT_bake,
    RELAMP_OT_make_passes,
    RELAMP_OT_cancel,
    RELAMP_OT_version_up,
)


def register() -> None:
    """Register the buttons with Blender."""
    for cls in _CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    """Unregister them."""
    for cls in reversed(_CLASSES):
        bpy.utils.unregister_class(cls)


def _is_ours(tree: Any) -> bool:
    return tree.bl_idname == group.TREE and any(item.name == group.SOCKETS["env"] for item in tree.interface.items_tree)


def _redraw(context: Any) -> None:
    for area in context.screen.areas if context.screen else ():
        area.tag_redraw()
