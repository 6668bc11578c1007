# ruff: noqa: F401, F811
"""The panel's window: its size, what it says of its pictures, the order of its controls, undo and recovery."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from panels import Watch, end, load, long_lived, make_panel, panel
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

import qt
from relamp.core import job as jobs
from relamp.core.parameters import knobs
from relamp.ui import recovery
from relamp.ui.sections import APART, RENDER, SURFACE, look_sections, render_sections
from shots import Shot

FIT = """
import sys
sys.path.insert(0, sys.argv[1])
import qt
from PySide6.QtCore import QSettings
from relamp.ui.panel import Panel
width, height = int(sys.argv[3]), int(sys.argv[4])
panel = Panel(sys.executable, QSettings(sys.argv[2], QSettings.Format.IniFormat))
panel.resize(width, height)
panel.show()
qt.APPLICATION.processEvents()
tabs = panel.tabs
inside = []
for index in range(tabs.count()):
    tabs.setCurrentIndex(index)
    qt.APPLICATION.processEvents()
    corner = tabs.mapTo(panel, tabs.rect().bottomRight())
    inside.append(corner.x() <= width and corner.y() <= height)
tabs.setCurrentIndex(tabs.count() - 1)
qt.APPLICATION.processEvents()
button = panel.render_button
corner = button.mapTo(panel, button.rect().bottomRight())
print(panel.width() == width, panel.height() == height, all(inside), corner.x() <= width and corner.y() <= height,
      panel.devicePixelRatioF())
panel.close()
"""


@pytest.mark.parametrize(
    ("pixels", "scale"), [((1280, 720), 1), ((1920, 1080), 2), ((2560, 1440), 2), ((2560, 1440), 1)]
)
def test_the_window_fits_small_screens_and_large_letters(tmp_path, pixels, scale):
    size = [str(length // scale) for length in pixels]
    tests, settings = str(Path(__file__).parent), str(tmp_path / "panel.ini")
    command = [sys.executable, "-c", FIT, tests, settings, *size]
    env = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "QT_SCALE_FACTOR": str(scale)}
    said = subprocess.run(command, capture_output=True, text=True, check=True, env=env).stdout
    assert said.split() == ["True", "True", "True", "True", f"{scale:.1f}"]


def test_while_the_first_picture_is_worked_out_the_plate_is_called_plate(panel, shot):
    seen = []
    panel.session.pictureReady.connect(lambda stage, *_: seen.append((panel.view.tag(), panel.view.busy())))
    panel.open(str(shot.plate_frame(1002)))
    qt.until(lambda: seen, "the plate")
    assert panel.view.tag() == "plate"
    panel.inputs["env"].setPath(shot.env_b)
    qt.until(panel.view.busy, "the sign")
    assert "relit" in panel.view.busy()
    assert panel.view.tag() == "plate"
    qt.until(lambda: not panel.client.busy(), "the picture")
    assert panel.view.busy() == ""
    assert panel.view.tag() == "relit, full size"


def test_a_smaller_picture_is_called_a_preview_and_a_button_gives_the_full_size(panel, tmp_path):
    shot = Shot(tmp_path / "large", size=1000, frames=2)
    panel.session.set("backbone", "ratio")  # which has the same pictures to show, sooner
    watch = load(panel, shot)
    assert panel.view.tag() == "relit, preview at 960 px"
    panel.viewer.full.click()
    qt.until(lambda: panel.view.tag() == "relit, full size", "the render's picture")
    assert watch.pictures["relit"].width() == 1000
    panel.viewer.full.click()


def test_every_parameter_has_one_place_in_the_panel(panel):
    placed = [*panel.settings_form.names(), *panel.render_form.names(), *APART, *SURFACE]
    assert sorted(placed) == sorted(name for name, _ in knobs())


def test_what_matters_first_is_open_and_speaks_no_network(panel):
    assert panel.settings_form.sections()[:3] == ("New light", "Picture", "Over time")
    for form in (panel.settings_form, panel.render_form):
        words = " ".join([form.label(name) for name in form.shown()])
        for jargon in ("backbone", "anchor", "hint", "proxy", "steps", "seed", "env "):
            assert jargon not in f"{words} "
    assert "backbone" not in panel.settings_form.shown()
    panel.session.set("backbone", "ratio")  # what was changed is seen, and can be set back
    assert "backbone" in panel.settings_form.shown()


def test_a_slider_and_its_field_are_one_number(panel):
    editor = panel.settings_form.editor("env_exposure")
    editor.slider.setValue(150)
    assert panel.session.job.parameters.env_exposure == 3.0
    assert editor.spins[0].value() == 3.0
    editor.spins[0].setValue(-9.0)  # the field goes beyond the slider
    assert panel.session.job.parameters.env_exposure == -9.0
    assert editor.slider.value() == 0


def press(panel, keys: Qt.Key, modifiers: Qt.KeyboardModifier) -> None:
    panel.activateWindow()
    panel.view.setFocus()
    qt.until(panel.view.hasFocus, "the focus")
    QTest.keyClick(panel.view, keys, modifiers)


def test_steps_are_undone_and_done_again_and_a_drag_is_one_step(panel, shot):
    load(panel, shot)
    ctrl, shift = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
    for notch in range(100, 160, 5):
        panel.settings_form.editor("env_exposure").slider.setValue(notch)
    panel.session.set("mix", 0.5)
    assert panel.session.job.parameters.env_exposure > 3
    press(panel, Qt.Key.Key_Z, ctrl)
    assert panel.session.job.parameters.mix == 1.0
    assert panel.settings_form.value("mix") == 1.0
    press(panel, Qt.Key.Key_Z, ctrl)
    assert panel.session.job.parameters.env_exposure == 0.0
    assert panel.light.dial.value() == 0.0
    press(panel, Qt.Key.Key_Z, ctrl | shift)
    assert panel.session.job.parameters.env_exposure > 3
    press(panel, Qt.Key.Key_Z, ctrl | shift)
    assert panel.session.job.parameters.mix == 0.5
    assert not panel.redo_button.isEnabled()
    panel.undo_button.click()
    panel.session.set("mix", 0.25)  # another way on: what was undone is gone
    assert not panel.redo_button.isEnabled()


def test_undo_reaches_beyond_a_field_that_is_not_being_typed_in(panel):
    panel.session.set("frames", "1-4")
    field = panel.words
    panel.activateWindow()
    field.setFocus()
    qt.until(field.hasFocus, "the focus")
    QTest.keyClick(field, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert panel.session.job.parameters.frames is None
    panel.session.set("frames", "1-4")
    QTest.keyClicks(field, "warm")
    QTest.keyClick(field, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert field.text() != "warm"  # the field's own undo
    assert panel.session.job.parameters.frames == "1-4"
    field.clear()


def test_work_that_was_not_saved_is_offered_next_time(tmp_path, shot):
    first = make_panel(tmp_path)
    first.open(str(shot.plate_frame(1002)))
    qt.until(lambda: first.session.job.parameters.plate == shot.plate, "the plate")
    first.session.set("mix", 0.25)
    first.recovery.flush()
    second = make_panel(tmp_path)
    assert not second.banner.isVisible()  # the first still works on it
    end(second)
    end(first)
    third = make_panel(tmp_path)
    assert third.banner.isVisible()
    third.banner.answers["Open it"].click()
    assert third.session.job.parameters.mix == 0.25
    third.saveJob(str(tmp_path / "kept.json"))
    end(third)
    fourth = make_panel(tmp_path)
    assert not fourth.banner.isVisible()
    end(fourth)


def test_a_render_that_waits_leaves_the_queue_while_another_goes_on(panel, tmp_path):
    load(panel, Shot(tmp_path / "long", size=160, frames=30))
    panel.session.set("threads", 1)
    for name in ("first", "second"):
        panel.session.set("out", str(tmp_path / name / "relit.####.exr"))
        panel.render_button.click()
    first, second = panel.queue.rows()[-2:]
    assert second.button.text() == "Remove"
    second.cancel()
    qt.until(lambda: second.state == "stopped", "it to leave")
    assert "before it began" in second.words()
    assert first.state in ("preparing", "rendering")
    assert first.button.text() == "Stop"
    first.cancel()
    assert "finished first" in first.words()
    qt.until(lambda: first.state == "stopped", "the end")
    assert not (tmp_path / "second").exists()


CRASH = """
import os, sys
sys.path.insert(0, sys.argv[1])
import qt
from pathlib import Path
from relamp.core.job import RelightJob
from relamp.core.parameters import RelightParameters
from relamp.ui.recovery import Recovery
kept = Recovery(Path(sys.argv[2]))
kept.note(RelightJob(RelightParameters(plate="shot.####.exr", mix=0.75)))
kept.flush()
os._exit(11)
"""


def test_work_is_there_after_a_crash(tmp_path):
    command = [sys.executable, "-c", CRASH, str(Path(__file__).parent), str(tmp_path / "recovery")]
    assert subprocess.run(command, env={**os.environ, "QT_QPA_PLATFORM": "offscreen"}).returncode == 11
    left = recovery.Recovery(tmp_path / "recovery").left()
    assert left is not None
    assert jobs.load(left[0]).parameters.mix == 0.75
