"""The panels that are open in this Nuke: none, one or several. Nuke makes and destroys them."""

from __future__ import annotations

import weakref
from typing import Protocol

from ..core.errors import UsageError
from ..core.job import RelightJob

PANEL_ID = "com.relamp.panel"  # saved in workspaces, so it never changes
FIRST_NUKE = 16  # with PySide6; Nuke 15 has the node without the panel


class TakesJobs(Protocol):
    """What this module asks of a panel. The class itself stands in `panel`, which imports this module."""

    def take(self, job: RelightJob) -> None:
        """Show a job."""
        ...


_open: dict[int, weakref.ref[TakesJobs]] = {}  # by a number of their own, the newest last


def register() -> None:
    """Offer the panel in Nuke's list of panes. Qt is not loaded before it is opened."""
    from nukescripts import panels  # only there where Nuke has a window

    # Nuke evaluates this in its main module when the pane is opened.
    widget = "__import__('relamp.nuke_plugin.panel', fromlist=['RelampPanel']).RelampPanel"
    panels.registerWidgetAsPanel(widget, "Relamp", PANEL_ID)


def opened(panel: TakesJobs) -> int:
    """Note an open panel; returns the number to pass to `closed`."""
    number = max(_open, default=0) + 1
    _open[number] = weakref.ref(panel)
    return number


def closed(number: int) -> None:
    """Note that a panel is gone; it may be called twice."""
    _open.pop(number, None)


def show(job: RelightJob) -> None:
    """Put a job into the newest panel. Raises `UsageError` when there is none."""
    panels = [panel for reference in _open.values() if (panel := reference()) is not None]
    if not panels:
        raise UsageError("Relamp's panel is not open; open it from the list of panes (Nuke 16 and later)")
    panels[-1].take(job)
