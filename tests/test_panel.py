# ruff: noqa: F401, F811
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from panels import Watch, end, load, long_lived, make_panel, panel, sides
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QCloseEvent, QDropEvent, QImage
from PySide6.QtWidgets import QApplication, QFileDialog, QMessageBox

import qt
from relamp.core import job as jobs
from relamp.core.cli import main as relamp
from relamp.core.job import RelightJob
from relamp.core.parameters import RelightParameters
from relamp.ui.command_line import command_line
from shots import Shot, layer, write_exr


def test_a_dropped_frame_becomes_its_sequence_and_says_what_it_is(panel, shot):
    watch = Watch(panel)
    os.remove(shot.plate_frame(1003))
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(shot.plate_frame(1001)))])
    actions, buttons = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
    drop = QDropEvent(QPointF(5, 5), actions, data, buttons, Qt.KeyboardModifier.NoModifier)
    panel.inputs["plate"].dropEvent(drop)
    row = panel.inputs["plate"]
    qt.until(row.sentence, "a sentence")
    assert row.path() == shot.plate
    assert row.sentence() == "1001-1002,1004, missing 1003, 48 x 48, half, ACEScg"
    qt.until(lambda: "plate" in watch.pictures, "the plate")


def test_a_depth_put_in_its_row_is_looked_at_and_given_to_the_render(panel, shot):
    for frame in range(1001, 1005):
        ball = layer(shot.plate_frame(frame), "A", "N.Z")
        z = np.where(ball[..., :1] > 0, 3 - ball[..., 1:], 0)
        z[:, :24] *= np.float32(0.7)  # the left half stands before the right one, on which it throws a shadow
        write_exr(shot.folder / f"z.{frame}.exr", z, ("Z",))
    watch = load(panel, shot)
    panel.session.set("shadows", 1.0)
    qt.until(lambda: not panel.client.busy(), "the picture with shadows")
    plain = watch.pictures["relit"]
    row = panel.inputs["depth"]
    row.setPath(str(shot.folder / "z.####.exr"))
    qt.until(row.sentence, "a sentence")
    assert row.sentence() == "1001-1004, 48 x 48"
    qt.until(lambda: watch.pictures["relit"] != plain, "another picture")
    assert panel.session.job.parameters.depth == str(shot.folder / "z.####.exr")
    assert "--depth" in command_line(panel.session.job.parameters)


def test_turning_the_dial_turns_the_light_in_the_picture(panel, shot):
    watch = load(panel, shot)
    qt.until(lambda: sides(watch.pictures["relit"])[0] > 1.1 * sides(watch.pictures["relit"])[1], "light on the left")
    dial = panel.light.dial
    # -X is at three quarters of the map: dragged by half of it, the light comes from the right.
    qt.drag(dial, QPoint(dial.width() * 3 // 4, 40), QPoint(dial.width() // 4, 40))
    qt.until(lambda: sides(watch.pictures["relit"])[1] > 1.1 * sides(watch.pictures["relit"])[0], "light on the right")
    assert panel.settings_form.value("env_rotate")[1] == pytest.approx(180, abs=3) or panel.settings_form.value(
        "env_rotate"
    )[1] == pytest.approx(-180, abs=3)


def test_two_hundred_drags_end_at_the_last_and_show_few(panel, shot):
    watch = load(panel, shot)
    before = watch.count
    for i in range(200):
        panel.light.dial.setValue(i * 0.9)
    qt.until(lambda: not panel.client.busy(), "the worker to catch up")
    assert panel.session.job.parameters.env_rotate[1] == pytest.approx(179.1)
    assert 1 <= watch.count - before <= 100  # the latest wins; most others are never worked out
    left, right = sides(watch.pictures["relit"])
    assert right > 1.1 * left


def test_values_under_the_pointer_are_linear_light(panel, shot):
    load(panel, shot)
    told = []
    panel.session.valuesReady.connect(told.append)
    panel.view.pointed.emit(0.5, 0.5)
    qt.until(lambda: told, "values")
    assert len([float(value) for value in told[0]]) == 3
    assert "R " in panel.viewer.values.text()


def test_a_render_runs_is_shown_and_equals_the_command_line(panel, shot, tmp_path):
    watch = load(panel, shot)
    panel.session.set("out", str(tmp_path / "panel" / "relit.####.exr"))
    panel.session.set("frames", "1001-1002")
    panel.renderJob()
    row = panel.queue.rows()[-1]
    qt.until(lambda: row.state == "done", "the render")
    row.show_button.click()
    qt.until(lambda: "result" in watch.pictures, "the result")
    words = shlex.split(command_line(panel.session.job.parameters).replace("/panel/", "/command/"))
    assert relamp([*words[1:], "-q"]) == 0
    for frame in (1001, 1002):
        name = f"relit.{frame}.exr"
        assert (tmp_path / "panel" / name).read_bytes() == (tmp_path / "command" / name).read_bytes()


def test_a_render_is_cancelled_midway_and_keeps_its_frames(panel, tmp_path):
    shot = Shot(tmp_path / "long", size=160, frames=40)
    load(panel, shot)
    panel.session.set("out", shot.out)
    panel.session.set("threads", 1)
    panel.renderJob()
    row = panel.queue.rows()[-1]
    qt.until(lambda: row.state == "rendering", "its first frame")
    row.cancel()
    qt.until(lambda: row.state == "stopped", "the end")
    assert "still missing" in row.words()
    assert 0 < len(list(Path(shot.out).parent.glob("*.exr"))) < 40


def test_a_killed_worker_is_told_of_and_the_next_picture_comes(panel, shot):
    watch = load(panel, shot)
    said = []
    panel.session.said.connect(lambda sentence, wrong: said.append(sentence))
    os.kill(panel.client.pid, signal.SIGKILL)
    qt.until(lambda: said, "a sentence")
    assert "killed" in said[0]
    before = watch.count
    panel.light.dial.setValue(90)
    qt.until(lambda: watch.count > before, "another picture")


def test_remarks_warnings_and_errors_look_like_what_they_are(panel, tmp_path):
    roles = {}
    panel.session.said.connect(lambda sentence, role: roles.setdefault(sentence, role))
    picture = QImage(64, 48, QImage.Format.Format_RGB888)
    picture.fill(0x808080)
    assert picture.save(str(tmp_path / "still.png"))
    panel.open(str(tmp_path / "still.png"))
    qt.until(panel.inputs["plate"].sentence, "a sentence")
    assert panel.inputs["plate"].sentence() == (
        "still, 64 x 48, PNG, 8 bits, sRGB Encoded Rec.709 (sRGB), usual for PNG, made linear"
    )
    qt.until(lambda: any("is taken as sRGB" in sentence for sentence in roles), "the remark")
    assert {role for sentence, role in roles.items() if "is taken as sRGB" in sentence} == {"quiet"}
    panel.client.logged.emit("warning", "the albedo is used as it is")
    assert roles["the albedo is used as it is"] == "warning"
    (tmp_path / "notes.exr").write_text("shopping list")
    panel.session.set("matte", str(tmp_path / "notes.exr"))
    qt.until(lambda: "notes.exr" in panel.said(), "the refusal")
    assert panel.saidAs() == "wrong"


def test_what_is_wrong_is_said_where_it_is(panel, tmp_path):
    (tmp_path / "notes.exr").write_text("shopping list")
    panel.open(str(tmp_path / "notes.exr"))
    qt.until(panel.inputs["plate"].sentence, "a sentence")
    assert "notes.exr" in panel.inputs["plate"].sentence()
    assert "notes.exr" in panel.view.message()
    before = panel.queue.rows()
    panel.renderJob()
    assert "“map” is not given" in panel.said()
    assert panel.queue.rows() == before


def test_a_job_is_saved_and_opened_and_remembered(panel, shot, tmp_path):
    load(panel, shot)
    panel.session.set("mix", 0.5)
    path = tmp_path / "shot.relamp.json"
    panel.saveJob(str(path))
    assert jobs.load(path).parameters.mix == 0.5
    panel.session.set("mix", 1.0)
    panel.loadJob(str(path))
    assert panel.settings_form.value("mix") == 0.5
    assert panel.recentFiles()[0] == str(path)
    (tmp_path / "bad.json").write_text("{")
    panel.loadJob(str(tmp_path / "bad.json"))
    assert "not JSON" in panel.said()


@pytest.mark.parametrize("typed", ["shot", "shot.relamp"])
def test_a_name_that_gets_its_extension_replaces_no_file_unasked(panel, tmp_path, monkeypatch, typed):
    there, asked = tmp_path / f"{typed}.json", []
    there.write_text("mine")
    answers = [QMessageBox.StandardButton.No, QMessageBox.StandardButton.Yes]
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / typed), ""))
    monkeypatch.setattr(QMessageBox, "question", lambda *words: asked.append(words[2]) or answers.pop(0))
    panel.saveJobAs()
    assert asked == [f"{there.name} is already there. Replace it?"]
    assert there.read_text() == "mine"
    panel.saveJobAs()
    assert jobs.load(there).parameters == panel.session.job.parameters


def test_the_command_is_copied(panel):
    panel.session.set("env_rotate", (-90.0, 0.0, 12.5))
    panel.session.set("layers", ("ratio", "lamps"))
    panel.copyCommandLine()
    assert QApplication.clipboard().text() == "relamp render --env-rotate=-90,0,12.5 --layers=ratio,lamps"


def test_closing_while_rendering_asks_and_leaves_no_worker(tmp_path):
    panel = make_panel(tmp_path)
    shot = Shot(tmp_path / "long", size=160, frames=40)
    load(panel, shot)
    panel.session.set("out", shot.out)
    panel.renderJob()
    qt.until(lambda: panel.queue.rows()[-1].state == "rendering", "its first frame")
    panel._may_stop = lambda: False
    event = QCloseEvent()
    panel.closeEvent(event)
    assert not event.isAccepted()
    pid = panel.client.pid
    end(panel)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert not list(Path(shot.out).parent.glob(".*.tmp*"))


@pytest.mark.parametrize("module", ["panel", "env_dial", "plate_view", "knob_form"])
def test_the_panel_loads_nothing_heavy(module):
    code = (
        f"import relamp.ui.{module}, sys; print([m for m in ('numpy','torch','OpenImageIO','cv2') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "[]"
