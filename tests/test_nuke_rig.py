"""Lights of a rig in the Nuke node: knobs, Axis nodes and a camera, on the strict fake of Nuke, with the real worker."""

# ruff: noqa: F401, F811

import json
import math
from pathlib import Path

import numpy as np
import pytest

from nuke_host import baked, host, nuke, press, relamp, rgb, settle, workers
from relamp.core.light.rig import from_json
from relamp.core.node import rig as posing
from relamp.core.node import rig_slots
from relamp.core.rig_library import presets
from relamp.nuke_plugin import actions, callbacks, rig
from shots import Shot, layer


@pytest.fixture
def node(host, shot):
    """A node on a plate that keeps its own light: lights are all that is new."""
    made = relamp(shot)
    made.setInput(2, None)
    made["frames"].setValue("1001")
    return made


def lights_of(node, *frames: int):
    return from_json(rig.text_of(node, frames or (1001,)))


def test_lights_of_the_knobs_are_a_rig_beside_the_bake_and_live_by_their_layers(host, node, shot):
    for name, value in {"kind": "distant", "name": "key", "aim": [1, 0, -1], "kelvin": 3200.0}.items():
        node[f"rig1_{name}"].setValue(value)
    for name, value in {
        "kind": "sphere",
        "name": "lamp",
        "position": [0, 1, -1],
        "colour_by": "RGB",
        "colour": [1, 0.2, 0.1],
    }.items():
        node[f"rig2_{name}"].setValue(value)
    baked(node)
    assert host.messages == []
    pattern = Path(node.node("Baked")["file"].value())
    job = json.loads(next(pattern.parent.glob("*.relamp.job.json")).read_text())
    written = from_json(Path(job["parameters"]["rig"]).read_text())
    assert [(light.name, light.kind) for light in written.lights] == [("key", "distant"), ("lamp", "sphere")]
    assert written.lights[0].direction == (-1.0, 0.0, 1.0)
    file = Path(str(pattern).replace("%04d", "1001"))
    key, lamp = (layer(file, *(f"lamp{n}.{c}" for c in "RGB")) for n in (1, 2))
    lit, plate = rgb(node, 1001), layer(shot.plate_frame(1001), "R", "G", "B")
    assert (lit - plate).max() > 0.05
    assert [node[f"lamp{n}_dim"].label() for n in (1, 2, 3)] == ["key", "lamp", "lamp 3"]
    node["lamp2_dim"].setValue(0.5)
    node["lamp1_tint"].setValue([2.0, 1.0, 1.0])
    inside = layer(file, "A")[..., 0] > 0.999
    wanted = lit + np.array([1.0, 0, 0], np.float32) * key - 0.5 * lamp
    np.testing.assert_allclose(rgb(node, 1001)[inside], wanted[inside], rtol=2e-3, atol=2e-3)
    node["rig2_stops"].setValue(1.0)
    assert node["brief"].value().endswith(callbacks.STALE)
    node["rig2_stops"].setValue(0.0)
    assert not node["brief"].value().endswith(callbacks.STALE)


def test_a_light_follows_its_axis_through_the_camera(host, node):
    axis, camera = nuke.createNode("Axis2"), nuke.createNode("Camera2")
    axis["translate"].fromScript("{curve L x1001 1 x1003 5} 2 3")
    axis["rotate"].setValue([0, 90, 0])  # -Z turned to -X of the world
    camera["translate"].setValue([0, 0, 10])
    node["rig1_kind"].setValue("spot")
    node["rig1_axis"].setValue(axis.name())
    in_world = lights_of(node, 1001, 1002, 1003).lights[0]
    assert [in_world.at_frame(f).position for f in (1001, 1002, 1003)] == [(1, 2, 3), (3, 2, 3), (5, 2, 3)]
    assert len(in_world.position.keys) == 2
    np.testing.assert_allclose(in_world.aim, (-1, 0, 0), atol=1e-6)
    node["rig_camera"].setValue(camera.name())
    np.testing.assert_allclose(lights_of(node).lights[0].position, (1, 2, -7), atol=1e-6)
    camera["rotate"].setValue([0, 90, 0])  # the camera looks along -X, so what is 10 before it on Z is to its left
    np.testing.assert_allclose(lights_of(node).lights[0].position, (7, 2, 1), atol=1e-6)
    np.testing.assert_allclose(lights_of(node).lights[0].aim, (0, 0, -1), atol=1e-6)
    camera["haperture"].setValue(100.0)  # twice the focal length: 90 degrees
    assert json.loads(rig.camera_text(node, (1001,))) == {"fov": 90.0}
    node["rig_space"].setValue("world")
    assert rig.camera_text(node, (1001,)) == ""
    np.testing.assert_allclose(lights_of(node).lights[0].position, (1, 2, 3), atol=1e-6)


def test_an_axis_is_made_where_each_light_stands_and_changes_nothing(host, node):
    camera = nuke.createNode("Camera2")
    camera["translate"].setValue([1, 2, 3])
    camera["rotate"].setValue([10, 40, 5])
    node["rig_camera"].setValue(camera.name())
    for name, value in {
        "kind": "area",
        "position": [-2.0, 1.0, -3.0],
        "aim": [1.0, -0.3, 0.2],
        "size": 1.0,
        "height": 1.5,
    }.items():
        node[f"rig1_{name}"].setValue(value)
    before = lights_of(node).lights[0]
    press(node, "rig_axes")
    assert host.messages == []
    assert nuke.toNode(node["rig1_axis"].value()).Class() == rig.AXIS
    after = lights_of(node).lights[0]
    np.testing.assert_allclose(after.position, before.position, atol=1e-5)
    np.testing.assert_allclose(after.aim, np.array(before.aim) / math.hypot(*before.aim), atol=1e-5)
    assert after.size == (1.0, 1.5)
    press(node, "rig_axes")
    assert "without an Axis" in host.messages[-1]


KEYED = {
    "schema": "relamp.rig/1", "space": "world", "lights": [
        {"name": "key", "kind": "distant", "direction": [-1.0, 0.3, 0.5], "kelvin": 3200.0, "size": 2.0},
        {"name": "candle", "kind": "sphere", "at": [960.0, 620.0], "out": 0.2, "kelvin": 1850.0,
         "stops": {"keys": [[1001, 0.0], [1003, -0.4]]}, "shadows": False},
        {"name": "torch", "kind": "spot", "position": {"keys": [[1001, [0.0, 0.0, 0.0]], [1003, [1.0, 0.0, 0.0]]]},
         "aim": [0.0, 0.0, -1.0], "angle": 40.0, "softness": 0.5, "stops": 2.0, "colour": [1.0, 0.5, 0.2]},
        {"name": "window", "kind": "area", "position": [-2.0, 1.0, -3.0], "aim": [1.0, -0.3, 0.0], "size": [1.0, 1.5],
         "on": False, "kelvin": 6500.0},
    ],
}  # fmt: skip


def test_a_rig_file_is_loaded_into_the_knobs_and_saved_as_it_was(host, node, tmp_path):
    node["rig8_kind"].setValue("sphere")  # goes with the load, as keys do
    node["rig1_kelvin"].fromScript("{curve L x1001 2000 x1004 9000}")
    node["rig3_position"].fromScript("{curve L x1002 7} 0 0")
    file = tmp_path / "rig.json"
    file.write_text(json.dumps(KEYED))
    host.chosen = str(file)
    press(node, "rig_load")
    host.chosen = str(tmp_path / "again")
    press(node, "rig_save")
    assert host.messages == []
    again, before = from_json((tmp_path / "again.json").read_text()), from_json(file.read_text())
    assert again.space == before.space
    for frame in range(1001, 1005):
        assert again.at_frame(frame) == before.at_frame(frame)
    assert [light.on for light in again.lights] == [light.on for light in before.lights]
    host.chosen, host.answer = str(file), False
    node["rig1_kind"].setValue("none")
    press(node, "rig_save")
    assert host.asked[-1] == f"{file} is there. Replace it?"
    assert json.loads(file.read_text()) == KEYED


def test_every_light_of_the_library_is_added_to_what_is_free(host, node):
    node["rig1_kind"].setValue("sphere")
    for preset in ("three-point", "candle"):
        node["rig_preset"].setValue(preset)
        press(node, "rig_add")
    assert [light.name for light in lights_of(node).lights] == ["light 1", "key", "fill", "rim", "candle"]
    node["rig_preset"].setValue("three-point")
    press(node, "rig_add")
    press(node, "rig_add")
    assert "0 are free" in host.messages[-1]
    assert set(rig_slots.PRESETS) == {preset.name for preset in presets()}


@pytest.mark.parametrize(
    ("knobs", "words"),
    [
        ({"rig1_axis": "Axis9"}, "there is no node Axis9 beside"),
        ({"rig1_axis": "Read1"}, "Read1 is a Read, which has no world matrix"),
        ({"rig": "/p/rig.json"}, "lights of its own and a rig file too"),
        ({"rig1_kelvin": 1.0}, "kelvin"),
    ],
)
def test_lights_that_cannot_be_used_are_one_sentence(host, node, knobs, words):
    node["rig1_kind"].setValue("sphere")
    for name, value in knobs.items():
        node[name].setValue(value)
    running = press(node, "bake")
    if running is not None:
        settle(running)
    said = [*host.messages, str(node["status"].value())]
    assert any(words in sentence for sentence in said), said
    assert node["show"].value() == "plate"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "cannot be read as a rig"),
        ("{}", "is no rig file"),
        ('{"schema": "relamp.rig/1", "lights": [{"kind": "laser"}]}', "none of distant, sphere, spot, area"),
        ('{"schema": "relamp.rig/1", "lights": [{"kind": "area", "size": 3}]}', "cannot be shown"),
    ],
)
def test_a_file_that_is_no_rig_is_refused_and_changes_nothing(host, node, tmp_path, text, words):
    file = tmp_path / "rig.json"
    file.write_text(text)
    node["rig1_kind"].setValue("sphere")
    host.chosen = str(file)
    press(node, "rig_load")
    assert words in host.messages[-1]
    assert node["rig1_kind"].value() == "sphere"


def test_a_scaled_camera_sees_the_same_places():
    camera = [0, 0, 2, 5, 0, 2, 0, 6, -2, 0, 0, 7, 0, 0, 0, 1]  # turned by 90 degrees about Y and twice as large
    there = posing.seen_from(camera, (1.0, 2.0, 3.0), (0.0, 0.0, -1.0))
    assert posing.in_world_of(camera, *there) == ((1.0, 2.0, 3.0), (0.0, 0.0, -1.0))
    assert there[0] == (4.0, -4.0, -4.0)
