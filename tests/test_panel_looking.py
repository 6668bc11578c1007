# ruff: noqa: F401, F811
import os
from pathlib import Path

import pytest
from panels import end, load, long_lived, make_panel, panel, sides
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

import qt
from relamp.core.job import RelightJob
from relamp.core.parameters import RelightParameters


def press(panel, key: Qt.Key) -> None:
    """A key in the picture, with the window before all others."""
    panel.activateWindow()
    panel.view.setFocus()
    qt.until(panel.view.hasFocus, "the focus")
    QTest.keyClick(panel.view, key)


def settled(panel) -> None:
    qt.until(lambda: not panel.client.busy(), "the worker to be idle")


def test_a_lamp_is_dimmed_live_and_the_job_stays(panel, shot):
    watch = load(panel, shot)
    assert panel.lamps.count() == 2  # the one lamp of this light, and the rest
    job = panel.session.job
    before = sides(watch.pictures["relit"])
    panel.lamps.setGain(0, 0.0)
    qt.until(lambda: sides(watch.pictures["relit"])[0] < 0.8 * before[0], "the lit side to go dark")
    panel.lamps.setGain(0, 2.0)
    qt.until(lambda: sides(watch.pictures["relit"])[0] > 1.05 * before[0], "the lit side to brighten")
    panel.lamps.setSolo(-1, True)
    qt.until(lambda: sides(watch.pictures["relit"])[0] < 0.8 * before[0], "the rest alone")
    panel.lamps.reset()
    qt.until(lambda: sides(watch.pictures["relit"]) == before, "the picture as it was")
    assert panel.session.job == job


def test_lamps_are_written_as_layers_when_the_artist_says_so(panel, shot):
    load(panel, shot)
    panel.session.set("layers", ("ratio",))
    panel.lamps.write.click()
    assert panel.session.job.parameters.layers == ("ratio", "lamps")
    assert panel.render_form.value("layers") == ("ratio", "lamps")
    panel.lamps.write.click()
    assert panel.session.job.parameters.layers == ("ratio",)


def test_layers_are_looked_at(panel, shot):
    watch = load(panel, shot)
    offered = [panel.viewer.stage.itemText(i) for i in range(panel.viewer.stage.count())]
    assert {"relit", "plate", "ratio", "normals", "albedo", "irradiance", "lamp1", "rest"} <= set(offered)
    for stage in ("lamp1", "albedo", "ratio", "normals"):
        panel.viewer.stage.setCurrentText(stage)
        qt.until(lambda stage=stage: stage in watch.pictures, stage)
    left, right = sides(watch.pictures["lamp1"])
    assert left > 1.5 * right
    panel.viewer.stage.setCurrentText("relit")


def test_another_view_changes_the_picture_and_is_remembered(tmp_path, shot):
    first = make_panel(tmp_path)
    watch = load(first, shot)
    qt.until(lambda: first.viewer.views.value()[0], "the views")
    before = watch.pictures["relit"]
    display, _ = first.viewer.views.value()
    first.viewer.views.setValue(display, "Raw")
    qt.until(lambda: watch.pictures["relit"] != before, "the other view")
    end(first)
    second = make_panel(tmp_path)
    qt.until(lambda: second.viewer.views.value() == (display, "Raw"), "the view of last time")
    end(second)


def test_a_shot_plays_and_what_was_worked_out_is_at_hand(panel, shot):
    watch = load(panel, shot)
    panel.viewer.frame.setValue(1001)
    settled(panel)
    press(panel, Qt.Key.Key_Space)
    qt.until(lambda: panel.viewer.timeline.cached() == {1001, 1002, 1003, 1004}, "every frame")
    count = watch.count
    qt.until(lambda: watch.count > count + 8, "two more rounds")
    press(panel, Qt.Key.Key_Space)
    assert not panel.viewer.playback.isPlaying()
    settled(panel)
    asked = []
    ask = panel.client.ask
    panel.client.ask = lambda method, *args, **kwargs: (asked.append(method), ask(method, *args, **kwargs))[1]
    for frame in (1001, 1004, 1002):
        panel.viewer.timeline.setValue(frame)
        assert watch.frames[-1] == frame  # at once
    panel.client.ask = ask
    assert "preview" not in asked
    panel.light.dial.setValue(30)
    assert panel.viewer.timeline.cached() == frozenset()
    settled(panel)


def test_scrubbing_over_a_gap_keeps_to_the_frames_there_are(panel, shot):
    os.remove(shot.plate_frame(1003))
    load(panel, shot)
    assert panel.viewer.timeline.frames() == (1001, 1002, 1004)
    panel.viewer.timeline.setValue(1003)
    assert panel.session.frame in (1002, 1004)
    panel.viewer.timeline.setValue(1002)
    press(panel, Qt.Key.Key_Right)
    assert panel.session.frame == 1004
    panel.viewer.frame.setValue(1003)
    assert panel.session.frame in (1002, 1004)


def test_the_wipe_shows_the_plate_of_the_frame(panel, shot):
    load(panel, shot)
    told = []
    panel.session.beforeReady.connect(told.append)
    press(panel, Qt.Key.Key_W)
    qt.until(lambda: told, "the plate")
    assert panel.viewer.wipe.isChecked()
    panel.viewer.timeline.setValue(1004)
    qt.until(lambda: len(told) > 1, "the plate of another frame")
    assert told[-1] != told[0]
    press(panel, Qt.Key.Key_W)


def test_the_main_lamp_is_placed(panel, shot):
    watch = load(panel, shot)  # its lamp is at the camera's left
    panel.presets.placed.emit(0.25)
    qt.until(lambda: sides(watch.pictures["relit"])[1] > 1.1 * sides(watch.pictures["relit"])[0], "light on the right")
    assert panel.light.dial.lampPosition(0).x() == pytest.approx(0.25 * panel.light.dial.width(), abs=2)


def test_a_light_is_kept_under_a_name_and_comes_back(panel, shot):
    load(panel, shot)
    panel.light.dial.setValue(-40)
    panel.session.set("env_exposure", 1.5)
    panel.presets.keep("dusk")
    panel.session.set("env", shot.env_a)
    panel.light.reset()
    (kept,) = panel.presets.lights()
    panel.presets.chosen.emit(kept)
    p = panel.session.job.parameters
    assert (p.env, p.env_rotate, p.env_exposure) == (shot.env_b, (0.0, -40.0, 0.0), 1.5)
    panel.presets.forget("dusk")
    assert panel.presets.lights() == []


def test_what_changed_on_disk_is_read_again(panel, shot):
    watch = load(panel, shot)
    before = watch.pictures["relit"]
    Path(shot.env_b).write_bytes(Path(shot.env_a).read_bytes())
    press(panel, Qt.Key.Key_F5)
    qt.until(lambda: watch.pictures["relit"] != before, "the other light")


def test_an_output_is_suggested_and_never_over_what_was_said(panel, shot):
    load(panel, shot)
    folder = Path(shot.plate).parent
    assert panel.session.job.parameters.out == str(folder / "relit" / "plate_relit.####.exr")
    panel.session.set("out", "/somewhere/else.####.exr")
    panel.session.reload()
    settled(panel)
    assert panel.session.job.parameters.out == "/somewhere/else.####.exr"


def test_a_light_in_words_needs_no_file(panel, shot):
    watch = load(panel, shot)
    panel.inputs["env"].setPath("")
    panel.words.setText("warm lamp from the right")
    panel.words.editingFinished.emit()
    qt.until(lambda: sides(watch.pictures["relit"])[1] > 1.1 * sides(watch.pictures["relit"])[0], "light on the right")
    panel.words.setText("")
    panel.words.editingFinished.emit()
    settled(panel)
    assert panel.session.job.parameters.prompt == ""


def test_a_map_that_is_taken_out_takes_its_turn_and_exposure_with_it(panel, shot):
    watch = load(panel, shot)
    panel.light.dial.setValue(170.0)
    panel.session.set("env_rotate", (12.0, 170.0, 0.0))
    panel.session.set("env_exposure", -2.0)
    assert panel.light.turn() == "turned by X 12, Y 170, Z 0 degrees"
    panel.inputs["env"].setPath("")
    p = panel.session.job.parameters
    assert (p.env_rotate, p.env_exposure) == ((0.0, 0.0, 0.0), 0.0)
    assert panel.light.dial.value() == 0.0
    assert panel.light.turn() == ""
    assert panel.settings_form.value("env_rotate") == (0.0, 0.0, 0.0)
    panel.words.setText("warm lamp from the left")
    panel.words.editingFinished.emit()
    qt.until(lambda: sides(watch.pictures["relit"])[0] > 1.1 * sides(watch.pictures["relit"])[1], "light on the left")


def test_a_turn_stays_while_the_light_it_belongs_to_does(panel, shot):
    load(panel, shot)
    panel.session.set("env_rotate", (0.0, 90.0, 0.0))
    panel.session.set("env_colorspace", "lin_rec709_scene")
    panel.inputs["env"].setPath(shot.env_a)  # another map, tried in the same place
    panel.session.set("background", shot.plate)  # a map wins over a background
    panel.session.set("background", "")
    assert panel.session.job.parameters.env_rotate == (0.0, 90.0, 0.0)
    assert panel.light.turn() == "turned by X 0, Y 90, Z 0 degrees"
    panel.inputs["env"].setPath("")
    assert panel.session.job.parameters.env_rotate == (0.0, 0.0, 0.0)
    assert panel.session.job.parameters.env_colorspace == "lin_rec709_scene"  # of the source environment, too


def test_keys_are_listed_and_the_worker_says_what_it_holds(panel):
    press(panel, Qt.Key.Key_F1)
    qt.until(lambda: panel.help is not None and "GB in memory" in panel.help.informativeText(), "the worker's answer")
    assert "Ctrl+Shift+C" in panel.help.text()
    assert str(panel.client.pid) in panel.help.informativeText()
    panel.help.close()
    qt.until(lambda: panel.help is None, "it to close")
