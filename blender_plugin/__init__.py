# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
"""Relamp in Blender 5: the same node as in Nuke, as a compositor group. Floor 0 and `bpy`.

    properties   what the node shows, from the declaration, kept on the group's node tree
    group        the group itself: its sockets, and the nodes in it that mix and dim live
    inputs       how each socket's picture reaches the worker: by its file, or written by the compositor
    bake         preview and bake: begin, attach, say
    operators    the buttons
    panel        the sidebar of the compositor

Nothing is registered as a handler, so no .blend can fail to open because of us.
"""

from __future__ import annotations


def register() -> None:
    """Make Blender know the node."""
    from . import operators, panel, properties

    properties.register()
    operators.register()
    panel.register()


def unregister() -> None:
    """Take it back, and end the worker."""
    from ..core.node import workers
    from . import operators, panel, properties

    panel.unregister()
    operators.unregister()
    properties.unregister()
    workers.close()
