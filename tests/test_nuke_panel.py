"""The dockable panel: a node's job in, settings back to the node, made and destroyed as Nuke likes."""

# ruff: noqa: F401, F811, I001

import os

import pytest

from qt import until
from nuke_host import host, nuke, relamp, workers
from relamp.core.errors import UsageError
from relamp.nuke_plugin import panel_host
from wait import wait_until

pytest.importorskip("PySide6.QtWidgets")

from PySide6.QtCore import QCoreApplication, QEvent

from relamp.nuke_plugin.panel import RelampPanel


@pytest.fixture
def panel(host):
    found = RelampPanel()
    yield found
    found.close()


def test_a_nodes_job_comes_in_and_settings_go_back(host, panel, shot):
    node = relamp(shot)
    node["seed"].setValue(7)
    node["selected"].setValue(True)
    panel.fromNode()
    session = panel.panel.session
    assert session.job.parameters.plate == shot.plate
    assert session.job.parameters.env == shot.env_b
    assert session.job.parameters.seed == 7
    session.set("env_rotate", (0.0, 45.0, 0.0))
    session.set("grain", "keep")
    panel.toNode()
    assert node["env_rotate"].value() == [0.0, 45.0, 0.0]
    assert node["grain"].value() == "keep"
    assert node["seed"].value() == 7


def test_lights_of_a_node_come_in_and_go_back_as_its_own(host, panel, shot, tmp_path):
    node = relamp(shot)
    node["selected"].setValue(True)
    axis = nuke.createNode("Axis2")
    for name, value in {"rig1_kind": "sphere", "rig1_axis": axis.name()}.items():
        node[name].setValue(value)
    panel.fromNode()
    assert panel.panel.rig.lights()[0]["position"] == [0, 0, 0]
    panel.toNode()  # nothing was changed: the light still follows its Axis
    assert (node["rig"].value(), node["rig1_axis"].value()) == ("", axis.name())
    panel.panel.rig.add("key")
    panel.panel.rig.flush()
    panel.toNode()
    assert [node[f"rig{n}_name"].value() for n in (1, 2)] == ["light 1", "key"]
    assert (node["rig"].value(), node["rig1_axis"].value()) == ("", "")
    stage = tmp_path / "lights.usda"
    panel.panel.session.set("rig", str(stage))
    panel.toNode()
    assert (node["rig"].value(), node["rig1_kind"].value()) == (str(stage), "none")


def test_what_is_not_one_relamp_node_is_a_sentence(host, panel):
    nuke.createNode("Grade")["selected"].setValue(True)
    for act in (panel.fromNode, panel.toNode):
        act()
        assert "select one Relamp node" in panel.panel.said()


def test_a_nodes_button_puts_its_job_into_the_open_panel(host, shot):
    node = relamp(shot)
    node["to_panel"].execute()
    assert "panel is not open" in host.messages[-1]
    panel = RelampPanel()
    try:
        node["to_panel"].execute()
        assert panel.panel.session.job.parameters.plate == shot.plate
    finally:
        panel.close()
    with pytest.raises(UsageError, match="not open"):
        panel_host.show(panel.panel.session.job)


def test_an_input_without_a_file_is_named(host, panel, shot):
    node = relamp(shot)
    grade = nuke.createNode("Grade")
    grade.setInput(0, node.input(0))
    node.setInput(0, grade)
    node["selected"].setValue(True)
    panel.fromNode()
    assert "plate is not a plain Read" in panel.panel.said()


def test_two_panels_have_a_worker_each_and_one_that_is_destroyed_ends_its_own(host, shot):
    node = relamp(shot)
    node["selected"].setValue(True)
    one, two = RelampPanel(), RelampPanel()
    for panel in (one, two):
        panel.fromNode()
    until(lambda: one.panel.client.pid and two.panel.client.pid)
    first, second = one.panel.client.pid, two.panel.client.pid
    assert first != second
    assert first is not None
    one.deleteLater()  # as Nuke does with a pane: no closeEvent
    QCoreApplication.sendPostedEvents(one, QEvent.Type.DeferredDelete)
    wait_until(lambda: not lives(first))
    node["to_panel"].execute()  # goes to the one that is left
    assert host.messages == []
    assert second is not None
    assert lives(second)
    two.close()
    wait_until(lambda: not lives(second))


def lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
