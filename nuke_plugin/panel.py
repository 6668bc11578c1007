"""The dockable panel: Relamp's own, with two buttons that read a node's job and write settings back to the node.

Nuke makes and destroys panels at any time, also two at once; each has a worker of its own and ends it. PySide6 only.
"""

from __future__ import annotations

from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

import nuke

from ..core.errors import RelampError, UsageError
from ..core.job import RelightJob
from ..ui.panel import Panel
from . import actions, knobs, panel_host


class RelampPanel(QWidget):
    """What `nukescripts.panels` docks."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.panel = Panel(parent=self)
        self._from, self._to = QPushButton("From selected node", self), QPushButton("To selected node", self)
        self._from.setToolTip("Looks at the plate, the light and the settings of the selected Relamp node")
        self._to.setToolTip("Puts these settings onto the selected Relamp node; its inputs stay connected")
        self._from.clicked.connect(self.fromNode)
        self._to.clicked.connect(self.toNode)
        line = QHBoxLayout()
        line.addWidget(self._from)
        line.addWidget(self._to)
        line.addStretch(1)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.addLayout(line)
        box.addWidget(self.panel, 1)
        # A pane that is taken apart gets no closeEvent, and nothing of this object may be used any more by then.
        client, number = self.panel.client, panel_host.opened(self)
        self._number = number
        self.destroyed.connect(lambda: (panel_host.closed(number), client.close(0.5)))

    def take(self, job: RelightJob) -> None:
        """Show a job."""
        self.panel.session.take(job)

    def fromNode(self) -> None:
        """Show the job of the selected node; an error is shown as a sentence."""
        try:
            self.take(actions.job_of(_selected()))
        except RelampError as error:
            self.panel.say(str(error), "wrong")

    def toNode(self) -> None:
        """Set the selected node's knobs; an error is shown as a sentence."""
        try:
            node = _selected()
            knobs.set_values(node, self.panel.session.job.parameters)
            actions.take_rig(node)
            self.panel.say(f"{node.name()} has these settings")
        except RelampError as error:
            self.panel.say(str(error), "wrong")

    def closeEvent(self, event: QCloseEvent) -> None:
        panel_host.closed(self._number)
        self.panel.shutDown()
        event.accept()


def _selected() -> nuke.Node:
    """The selected Relamp node. Raises `UsageError`."""
    found = [node for node in nuke.selectedNodes() if node.knob("relamp_node") is not None]
    if len(found) != 1:
        raise UsageError(f"select one Relamp node; {len(found) or 'none'} of what is selected is one")
    return found[0]
