# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
"""Relamp in Blender 5: the same node as in Nuke, as a compositor group. Imports Floor 0 and `bpy` only.

    properties   the node's settings, from the declaration, kept on the group's node tree
    group        the group itself: its sockets, and its nodes that mix and dim interactively
    inputs       how each socket's picture reaches the worker: by its file, or written by the compositor
    bake         preview and bake: start, attach the result, show messages
    operators    the buttons
    panel        the sidebar of the compositor

Nothing is registered as a handler, so Relamp cannot prevent a .blend from opening.
"""

from __future__ import annotations


def register() -> None:
    """Register the node with Blender."""
    from . import operators, panel, properties

    properties.register()
    operators.register()
    panel.register()


def unregister() -> None:
    """Unregister the node, and end the worker."""
    from ..core.node import workers
    from . import operators, panel, properties

    panel.unregister()
    operators.unregister()
    properties.unregister()
    workers.close()
