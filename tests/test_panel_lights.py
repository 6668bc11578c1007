# ruff: noqa: F401, F811
"""Lights put into the scene by hand: a real panel with a real worker, driven by real events."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from panels import Watch, end, load, long_lived, make_panel, panel, sides
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest

import qt
from relamp.core import job as jobs
from relamp.core import rig_library
from relamp.core.parameters import RelightParameters
from relamp.ui.lights_tab import set_colour
from shots import QUICK, Shot


def lit(panel, shot: Shot, preset: str | None = None) -> Watch:
    """A shot with a light of the library added to its own, relit."""
    watch = Watch(panel)
    panel.open(str(shot.plate_frame(1002)))
    for name, value in QUICK.items():
        panel.session.set(name, value)
    qt.until(lambda: "plate" in watch.pictures, "the plate")
    panel.showTab("Lights")
    if preset:
        action = next(a for a in panel.lights.add.menu().actions() if a.text().lower() == preset)
        action.trigger()
        settle(panel)
    return watch


def settle(panel) -> None:
    """Wait until every change is written and shown, what a reply leads to included."""
    for _ in range(2):
        qt.until(lambda: not panel.client.busy() and not panel.rig._timer.isActive(), "the worker to be idle")
        QTest.qWait(30)


def written(panel) -> list[dict]:
    return json.loads(Path(panel.session.job.parameters.rig).read_text())["lights"]


def test_a_light_of_the_library_is_added_and_lights_the_subject(panel, shot):
    watch = lit(panel, shot)
    dark = sides(watch.pictures["plate"])
    lit(panel, shot, "key")
    assert [row.name.text() for row in panel.lights.rows] == ["key"]
    assert sides(watch.pictures["relit"])[0] > 1.1 * dark[0]
    assert written(panel)[0]["name"] == "key"


def test_three_point_by_one_click_and_undo_by_one(panel, shot):
    lit(panel, shot)
    panel.lights.three.click()
    settle(panel)
    assert [light["name"] for light in written(panel)] == ["key", "fill", "rim"]
    panel.undo_button.click()
    settle(panel)
    assert panel.session.job.parameters.rig is None
    assert panel.lights.rows == []
    panel.redo_button.click()
    settle(panel)
    assert [row.name.text() for row in panel.lights.rows] == ["key", "fill", "rim"]


def test_a_light_is_dimmed_tinted_and_switched_without_being_worked_out_again(panel, shot):
    watch = lit(panel, shot, "key")
    bright = sides(watch.pictures["relit"])
    status = []
    panel.session.askStatus(status.append)
    panel.lights.rows[0].stops.slider.setValue(40)
    settle(panel)
    dimmed = sides(watch.pictures["relit"])
    assert dimmed[0] < 0.9 * bright[0]
    assert panel.lights.details.editor("stops").spins[0].value() == written(panel)[0]["stops"] < -3
    panel.lights.details.editor("kelvin").spins[0].setValue(1900)
    panel.lights.rows[0].stops.slider.setValue(120)
    settle(panel)
    picture = watch.pictures["relit"]
    colour = picture.pixelColor(picture.width() * 2 // 5, picture.height() * 2 // 5)
    assert colour.redF() > 1.3 * colour.blueF()
    set_colour(panel.rig, 0, QColor(0, 0, 255))
    settle(panel)
    assert "kelvin" not in written(panel)[0]
    picture = watch.pictures["relit"]
    colour = picture.pixelColor(picture.width() * 2 // 5, picture.height() * 2 // 5)
    assert colour.blueF() > colour.redF()
    panel.lights.rows[0].on.click()
    settle(panel)
    assert written(panel)[0]["on"] is False
    assert sides(watch.pictures["relit"])[0] < 0.9 * bright[0]


def test_a_light_is_dragged_over_the_picture_and_lights_from_there(panel, shot):
    watch = lit(panel, shot, "key")
    frame = panel.view.frame()
    start = panel.overlay.position(0, frame).toPoint()
    left, right = sides(watch.pictures["relit"])
    assert left > right
    mirrored = QPoint(round(2 * frame.center().x()) - start.x(), start.y())
    qt.drag(panel.view, start, mirrored)
    settle(panel)
    assert written(panel)[0]["direction"][0] > 0.4
    left, right = sides(watch.pictures["relit"])
    assert right > left
    panel.undo_button.click()  # the whole drag is one step
    settle(panel)
    assert written(panel)[0]["direction"][0] == -0.62


def test_a_light_placed_on_the_subject_hangs_before_that_spot(panel, shot):
    watch = lit(panel, shot, "candle")
    panel.lights.details.placing.click()
    frame = panel.view.frame()
    spot = (frame.center() - frame.bottomRight()).toPoint() / 4  # up and to the left of the middle
    QTest.mouseClick(
        panel.view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, frame.center().toPoint() + spot
    )
    settle(panel)
    light = written(panel)[0]
    assert "position" not in light
    assert light["at"] == pytest.approx([18, 18], abs=1)  # of 48
    panel.rig.set(0, stops=4.0, out=0.1)
    settle(panel)
    left, right = sides(watch.pictures["relit"])
    assert left > 1.04 * right
    ring = panel.overlay.distanceHandle(0, panel.view.frame()).toPoint()
    qt.drag(panel.view, ring, ring + QPoint(40, 0))
    settle(panel)
    assert written(panel)[0]["out"] > 0.15
    size = panel.overlay.sizeHandle(0, panel.view.frame()).toPoint()
    qt.drag(panel.view, size, size + QPoint(30, -30))
    settle(panel)
    assert written(panel)[0]["size"] > light["size"] * 2
    panel.lights.details.placing.click()


def test_a_distant_light_and_a_torch_turn_to_the_surface_that_is_pressed(panel, shot):
    lit(panel, shot, "rim")
    panel.rig.place(0, 0.35, 0.5, (48, 48))
    settle(panel)
    x, _, z = written(panel)[0]["direction"]
    assert x < -0.1
    assert z > 0
    panel.rig.add("torch")
    panel.rig.place(1, 0.65, 0.5, (48, 48))
    settle(panel)
    torch = written(panel)[1]
    assert torch["at"] == [31.2, 24.0]
    assert torch["aim"][0] < -0.1
    assert torch["aim"][2] < 0


def test_lights_come_from_words_and_what_is_not_understood_is_said(panel, shot):
    lit(panel, shot)
    panel.lights.words.setText("warm rim from behind left")
    QTest.keyClick(panel.lights.words, Qt.Key.Key_Return)
    qt.until(lambda: panel.lights.rows, "the light")
    settle(panel)
    assert written(panel)[0]["direction"][0] < 0
    panel.lights.words.setText("a plate of fish")
    QTest.keyClick(panel.lights.words, Qt.Key.Key_Return)
    qt.until(lambda: "fish" in panel.said(), "a sentence")
    assert len(panel.lights.rows) == 1


def test_a_rig_is_saved_beside_its_job_and_comes_back(panel, shot, tmp_path):
    lit(panel, shot, "window")
    panel.lights.mode.setCurrentIndex(panel.lights.mode.findData("replace"))
    panel.saveJob(str(tmp_path / "shot.relamp.json"))
    assert panel.session.job.parameters.rig == str(tmp_path / "shot.rig.json")
    kept = jobs.load(tmp_path / "shot.relamp.json").parameters
    assert Path(kept.rig).samefile(tmp_path / "shot.rig.json")
    assert kept.light == "replace"
    panel.rig.remove(0)
    settle(panel)
    assert panel.session.job.parameters.rig is None
    panel.loadJob(str(tmp_path / "shot.relamp.json"))
    settle(panel)
    assert [row.name.text() for row in panel.lights.rows] == ["window"]
    assert panel.lights.mode.currentData() == "replace"
    panel.rig.set(0, stops=1.0)  # the saved file stays as it is until the job is saved again
    settle(panel)
    assert json.loads((tmp_path / "shot.rig.json").read_text())["lights"][0]["stops"] == 0


def test_what_is_rendered_is_what_was_queued(panel, shot, tmp_path):
    lit(panel, shot, "key")
    panel.session.set("out", str(tmp_path / "one" / "relit.####.exr"))
    panel.session.set("frames", "1001")
    panel.render_button.click()
    row = panel.queue.rows()[-1]
    panel.rig.set(0, stops=6.0)
    settle(panel)
    qt.until(lambda: row.state == "done", "the render")
    panel.session.set("out", str(tmp_path / "two" / "relit.####.exr"))
    panel.render_button.click()
    row = panel.queue.rows()[-1]
    qt.until(lambda: row.state == "done", "the other render")
    one, two = ((tmp_path / name / "relit.1001.exr").read_bytes() for name in ("one", "two"))
    assert one != two


def test_lights_of_a_rig_in_the_world_are_drawn_and_dragged_through_the_camera(panel, shot, tmp_path):
    turn = np.array([[0, 0, 1], [0, 1, 0], [-1, 0, 0]], float)  # a camera that looks along -X of the world
    stands = np.array([5.0, 1.0, -2.0])
    matrix = np.block([[turn, stands[:, None]], [np.zeros((1, 3)), np.ones((1, 1))]])
    (tmp_path / "camera.json").write_text(json.dumps({"fov": 40, "matrix": matrix.ravel().tolist()}))
    toward, bulb = np.array([-0.62, 0.5, 0.6]), np.array([0.3, 0.2, -1.7])  # in the axes of the camera
    lights = [
        {"name": "key", "kind": "distant", "direction": (turn @ toward).tolist(), "size": 20},
        {"name": "bulb", "kind": "sphere", "position": (turn @ bulb + stands).tolist(), "on": False},
    ]
    (tmp_path / "rig.json").write_text(json.dumps({"schema": "relamp.rig/1", "space": "world", "lights": lights}))
    watch = lit(panel, shot)
    panel.session.set("camera", str(tmp_path / "camera.json"))
    panel.session.set("rig", str(tmp_path / "rig.json"))
    settle(panel)
    frame = panel.view.frame()
    key, lamp = (panel.overlay.position(index, frame) - frame.center() for index in (0, 1))
    assert key.x() < 0 > key.y()
    focal = frame.width() / 2 / math.tan(math.radians(20))
    assert (lamp.x() / focal, -lamp.y() / focal) == pytest.approx((0.3 / 1.7, 0.2 / 1.7), abs=1e-3)
    left, right = sides(watch.pictures["relit"])
    assert left > right  # the plate alone is brighter on its right
    start = (frame.center() + key).toPoint()
    qt.drag(panel.view, start, QPoint(round(2 * frame.center().x()) - start.x(), start.y()))
    settle(panel)
    left, right = sides(watch.pictures["relit"])
    assert right > left
    moved = turn.T @ written(panel)[0]["direction"]
    np.testing.assert_allclose(moved, toward / np.linalg.norm(toward) * (-1, 1, 1), atol=0.1)
    start = (frame.center() + lamp).toPoint()
    qt.drag(panel.view, start, start + QPoint(30, 0))
    settle(panel)
    moved = turn.T @ (np.array(written(panel)[1]["position"]) - stands)
    np.testing.assert_allclose(moved - bulb, (30 * 1.7 / focal, 0, 0), atol=0.02)
    panel.rig.add("rim")
    settle(panel)
    (rim,) = rig_library.lights_of("rim")
    np.testing.assert_allclose(turn.T @ written(panel)[2]["direction"], rim["direction"], atol=1e-3)
