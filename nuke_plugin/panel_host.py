"""The panels that are open in this Nuke. There may be none, one or several; each is Nuke's to make and destroy."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

from ..core.errors import UsageError
from ..core.job import RelightJob

if TYPE_CHECKING:
    from .panel import RelampPanel

PANEL_ID = "com.relamp.panel"  # saved in workspaces, so it never changes
FIRST_NUKE = 16  # with PySide6; Nuke 15 has the node without the panel

_open: weakref.WeakSet[RelampPanel] = weakref.WeakSet()


def register() -> None:
    """Offer the panel in Nuke's list of panes. No Qt is loaded before somebody opens it."""
    from nukescripts import panels  # only there where Nuke has a window

    # Nuke evaluates this in its main module when the pane is opened.
    widget = "__import__('relamp.nuke_plugin.panel', fromlist=['RelampPanel']).RelampPanel"
    panels.registerWidgetAsPanel(widget, "Relamp", PANEL_ID)


def opened(panel: RelampPanel) -> None:
    """A panel says that it is there."""
    _open.add(panel)


def closed(panel: RelampPanel) -> None:
    """A panel says that it goes."""
    _open.discard(panel)


def show(job: RelightJob) -> None:
    """Put a job into the open panel. Raises `UsageError` when there is none."""
    panels = list(_open)
    if not panels:
        raise UsageError("Relamp's panel is not open; open it from the list of panes (Nuke 16 and later)")
    panels[-1].take(job)
