# ruff: noqa: F401, F811
"""The ground over the picture: a real panel with a real worker, driven by real events."""

import json
import math

import numpy as np
import pytest
from panels import Watch, end, load, long_lived, make_panel, panel
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

import qt
from relamp.core.shape.ground import given_ground
from relamp.ui.ground_overlay import SUBJECT
from shots import QUICK, Shot, layer, write_exr


def shown(panel, shot: Shot, **parameters: object):
    """A shot with its ground drawn."""
    watch = Watch(panel)
    panel.open(str(shot.plate_frame(1002)))
    qt.until(lambda: "plate" in watch.pictures, "the plate")
    for name, value in (QUICK | parameters).items():
        panel.session.set(name, value)
    if not panel.lights.ground.isChecked():
        QTest.keyClick(panel.view, Qt.Key.Key_G)
    settle(panel)
    return panel.ground


def settle(panel) -> None:
    for _ in range(2):
        qt.until(lambda: not panel.client.busy(), "the worker to be idle")
        QTest.qWait(20)


def drag(panel, name: str, up: int) -> None:
    """Drag a handle of the ground up by so many pixels of the screen."""
    start = panel.ground.handles(panel.view.frame())[name].toPoint()
    qt.drag(panel.view, start, start - QPoint(0, up))
    settle(panel)


def test_a_given_ground_is_drawn_where_the_camera_sees_it(panel, shot):
    ground = shown(panel, shot, ground="1,10")
    frame = panel.view.frame()
    focal = frame.width() / 2 / math.tan(math.radians(20))
    assert ground.horizon(frame).y1() == pytest.approx(
        frame.center().y() - focal * math.tan(math.radians(10)), abs=0.01
    )
    # The point of the plane 2 units away, worked out from its equation.
    plane = given_ground("1,10")
    y = (plane.offset + plane.normal[2] * SUBJECT) / plane.normal[1]
    assert ground.handles(frame)["height"].y() == pytest.approx(frame.center().y() - focal * y / SUBJECT, abs=0.01)
    grabbed = panel.view.grab().toImage()
    handle = ground.handles(frame)["height"].toPoint()
    if panel.view.rect().contains(handle):
        assert grabbed.pixelColor(handle * panel.view.devicePixelRatioF()).redF() > 0.5


def test_its_handles_are_dragged_and_undone_and_saved_in_the_job(panel, shot, tmp_path):
    ground = shown(panel, shot, ground="0.4,5")
    frame = panel.view.frame()
    foot = ground.handles(frame)["height"]
    drag(panel, "height", 30)
    height, tilt = map(float, panel.session.job.parameters.ground.split(","))
    focal = frame.width() / 2 / math.tan(math.radians(20))
    assert (height, tilt) == (pytest.approx(0.4 - 30 * SUBJECT / focal, abs=2e-3), pytest.approx(5, abs=1e-2))
    assert panel.session.job.parameters.layers == ("shadow",)  # else nothing would use the ground
    assert "shadow" in panel.said()
    drag(panel, "tilt", 20)
    assert float(panel.session.job.parameters.ground.split(",")[1]) > 6
    assert ground.handles(frame)["height"].y() == pytest.approx(foot.y() - 30, abs=1.5)  # the foot stays
    drag(panel, "roll", 15)
    numbers = panel.session.job.parameters.ground
    assert len(numbers.split(",")) == 9
    assert given_ground(numbers).normal[0] < -0.02
    panel.saveJob(str(tmp_path / "job.json"))
    assert json.loads((tmp_path / "job.json").read_text())["parameters"]["ground"] == numbers
    for _ in range(2):  # each drag is a step
        panel.undo_button.click()
    settle(panel)
    assert panel.view.message() == ""
    assert panel.session.job.parameters.ground == f"{height:.4g},{tilt:.4g}"
    assert ground.slope().roll == pytest.approx(0, abs=1e-6)
    panel.undo_button.click()
    assert (panel.session.job.parameters.ground, panel.session.job.parameters.layers) == ("0.4,5", ())


def test_a_ground_that_is_found_is_drawn_and_dragging_makes_it_given(panel, shot, tmp_path):
    z = np.where(layer(shot.plate_frame(1001), "A") > 0, 3 - layer(shot.plate_frame(1001), "N.Z"), 0)
    for frame in range(1001, 1005):
        write_exr(tmp_path / f"far.{frame}.exr", z, ("depth.Z",))
    ground = shown(panel, shot, depth=str(tmp_path / "far.####.exr"))
    assert "as found" in ground._told
    # The ball's lowest points are seen near the lower end of the picture, 2 to 3 units away.
    frame = panel.view.frame()
    assert frame.top() + 0.8 * frame.height() < ground.handles(frame)["height"].y() < frame.top() + 1.3 * frame.height()
    assert panel.session.job.parameters.ground is None
    panel.session.set("ground", "none")
    settle(panel)
    assert "no ground; drag" in ground._told
    panel.session.set("ground", "found")
    settle(panel)
    before = ground.slope()
    assert "as found" in ground._told
    drag(panel, "tilt", 10)
    assert "," in panel.session.job.parameters.ground
    assert ground.slope() != before


def test_with_a_camera_the_ground_is_written_in_its_world(panel, shot, tmp_path):
    camera = tmp_path / "camera.json"
    camera.write_text(json.dumps({"fov": 60, "rotate": [-20, 35, 0], "translate": [4, 1.5, 2]}))
    ground = shown(panel, shot, camera=str(camera), ground="0")  # the floor at Y = 0 of the world
    before = ground.slope()
    # Straight ahead, 20 degrees down, a camera 1.5 above the floor sees it after 1.5 / sin 20.
    assert before.y(0, 1.5 / math.sin(math.radians(20))) == pytest.approx(0, abs=1e-4)
    assert before.y(0, 0) == pytest.approx(-1.5 / math.cos(math.radians(20)), abs=1e-4)
    panel.rig.append([{"name": "lamp", "kind": "sphere", "position": [0.5, 0, -1]}])  # seen through the same camera
    frame = panel.view.frame()
    beside = panel.overlay.position(0, frame).x() - frame.center().x()
    assert beside == pytest.approx(0.5 * frame.width() / 2 / math.tan(math.radians(30)), rel=1e-6)
    drag(panel, "height", 1)
    drag(panel, "height", -1)
    back = given_ground(panel.session.job.parameters.ground)
    np.testing.assert_allclose(back.normal, (0, 1, 0), atol=1e-3)
    assert back.offset == pytest.approx(0, abs=2e-2)


def test_a_ground_that_is_no_plane_is_said(panel, shot):
    shown(panel, shot, ground="0,0,0,1,0,0,2,0,0")
    assert "on one line" in panel.said()


def test_a_press_beside_the_handles_moves_the_picture(panel, shot):
    ground = shown(panel, shot, ground="0.4,5")
    value, frame = panel.session.job.parameters.ground, panel.view.frame()
    qt.drag(panel.view, frame.topLeft().toPoint() + QPoint(40, 40), frame.topLeft().toPoint() + QPoint(60, 60))
    assert panel.session.job.parameters.ground == value
    assert panel.view.frame() != frame
    panel.view.fit()
    QTest.keyClick(panel.view, Qt.Key.Key_G)
    assert not ground.shown
