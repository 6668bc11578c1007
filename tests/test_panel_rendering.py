# ruff: noqa: F401, F811
import os
import signal
import sys
from pathlib import Path

import pytest
from panels import Watch, end, load, long_lived, make_panel, panel, sides
from PySide6.QtCore import QCoreApplication, QEvent, QSettings, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDockWidget, QLineEdit, QMainWindow

import qt
from relamp.core.job import RelightJob
from relamp.core.parameters import RelightParameters
from relamp.ui.panel import Panel
from relamp.ui.render_queue import RenderRow
from shots import Shot
from wait import wait_until

EXAMPLES = Path(__file__).parents[1] / "examples"


def render(panel: Panel, **parameters: object) -> RenderRow:
    for name, value in parameters.items():
        panel.session.set(name, value)
    panel.render_button.click()
    return panel.queue.rows()[-1]


def test_frames_that_fail_are_listed_with_reasons_and_rendered_when_mended(panel, shot):
    load(panel, shot)
    whole = shot.plate_frame(1002).read_bytes()  # not one of those the shot is measured on
    shot.plate_frame(1002).write_bytes(whole[: len(whole) // 2])
    row = render(panel, out=shot.out, keep_going=True)
    qt.until(lambda: row.state == "failed", "the end")
    assert list(row.failures()) == [1002]
    assert "frame 1002: " in row.words()
    assert "plate.1002.exr" in row.words()
    assert row.show_button.isVisibleTo(row)  # the others can be looked at
    shot.plate_frame(1002).write_bytes(whole)
    row.button.click()
    qt.until(lambda: row.state == "done", "the rest")
    assert "3 kept" in row._bar.format()
    assert all(shot.out_frame(frame).is_file() for frame in range(1001, 1005))


def test_several_shots_in_a_row(panel, tmp_path):
    shots = [Shot(tmp_path / name) for name in ("one", "two")]
    rows = []
    for shot in shots:
        load(panel, shot)
        rows.append(render(panel, out=shot.out))
    qt.until(lambda: all(row.state == "done" for row in rows), "both")
    assert all(shot.out_frame(1004).is_file() for shot in shots)


def test_a_render_that_waits_is_taken_out(panel, tmp_path):
    long, short = Shot(tmp_path / "long", size=160, frames=30), Shot(tmp_path / "short")
    load(panel, long)
    first = render(panel, out=long.out, threads=1)
    second = render(panel, out=short.out)
    second.cancel()
    assert second.state == "stopping"
    first.cancel()
    qt.until(lambda: first.state == second.state == "stopped", "both to stop")
    assert not Path(short.out).parent.exists()


def test_results_open_in_the_viewer_until_the_light_changes(panel, shot):
    watch = load(panel, shot)
    row = render(panel, out=shot.out, frames="1001-1004")
    qt.until(lambda: row.state == "done", "the render")
    row.show_button.click()
    qt.until(lambda: "result" in watch.pictures, "the result")
    panel.session.set("overwrite", True)  # changes no picture
    assert panel.session.result == shot.out
    panel.light.dial.setValue(90)
    assert panel.session.result is None


def test_a_disk_that_is_full_loses_nothing_and_is_a_sentence(tmp_path):
    limited = tmp_path / "python"
    # No file of the worker may grow beyond 8 blocks of 512 bytes: to a program, a disk that is full.
    limited.write_text(f'#!/bin/sh\nulimit -f 8\nexec "{sys.executable}" "$@"\n')
    limited.chmod(0o755)
    panel, shot = make_panel(tmp_path, str(limited)), Shot(tmp_path / "shot", size=96)
    try:
        load(panel, shot)
        row = render(panel, out=shot.out, compression="none")
        qt.until(lambda: row.state == "failed", "the end")
        assert "relit.1001.exr" in row.words()
        assert not list(Path(shot.out).parent.glob("*.exr")) + list(Path(shot.out).parent.glob(".*.tmp*"))
        assert panel.client.pid is not None  # and the worker goes on
    finally:
        end(panel)


def test_a_folder_that_cannot_be_written_to_is_a_sentence(panel, shot):
    load(panel, shot)
    (shot.folder / "file").write_text("")
    row = render(panel, out=str(shot.folder / "file" / "relit.####.exr"))
    qt.until(lambda: row.state == "failed", "the end")
    assert str(shot.folder / "file") in row.words()


def test_an_environment_deleted_while_open_is_said_and_the_picture_stays(panel, shot):
    load(panel, shot)
    kept = Path(shot.env_b).read_bytes()
    os.remove(shot.env_b)
    panel.light.dial.setValue(50)
    qt.until(panel.view.message, "a sentence")
    assert "b.exr" in panel.view.message()
    assert not panel.view.picture().isNull()
    Path(shot.env_b).write_bytes(kept)
    panel.light.dial.setValue(60)
    qt.until(lambda: not panel.view.message(), "the picture to come back")


def test_a_render_survives_its_worker_and_is_resumed(panel, tmp_path):
    shot = Shot(tmp_path / "long", size=160, frames=24)
    load(panel, shot)
    row = render(panel, out=shot.out, threads=1)
    qt.until(lambda: row.state == "rendering", "its first frame")
    os.kill(panel.client.pid, signal.SIGKILL)
    qt.until(lambda: row.state == "done", "the end", 120)
    assert len(list(Path(shot.out).parent.glob("*.exr"))) == 24


def test_the_panel_lives_in_a_host_and_leaves_it_alone(tmp_path):
    host = QMainWindow()
    field, saved = QLineEdit(host), []
    host.setCentralWidget(field)
    action = host.addAction("save")
    action.setShortcut("Ctrl+S")
    action.triggered.connect(lambda: saved.append(True))
    dock = QDockWidget("Relamp", host)
    panel = Panel(sys.executable, QSettings(str(tmp_path / "panel.ini"), QSettings.Format.IniFormat), dock)
    dock.setWidget(panel)
    host.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, dock)
    host.show()
    host.activateWindow()
    field.setFocus()
    qt.until(field.hasFocus, "the host's field")
    QTest.keyClick(field, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    assert saved
    assert not field.styleSheet()
    assert not host.styleSheet()
    qt.until(lambda: panel.client.pid is not None, "the worker")
    pid = panel.client.pid
    assert pid is not None
    panel.deleteLater()
    QCoreApplication.sendPostedEvents(panel, QEvent.Type.DeferredDelete)
    wait_until(lambda: not running(pid), "the worker to end with the panel")
    host.deleteLater()


def running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_the_shipped_weights_follow_the_dial(panel):
    watch = Watch(panel)
    panel.open(str(EXAMPLES / "plate" / "plate.1001.exr"))
    panel.session.set("backbone", "relamp")
    panel.inputs["env"].setPath(str(EXAMPLES / "environments" / "low_sun.exr"))
    qt.until(lambda: "relit" in watch.pictures and not panel.client.busy(), "a relit picture", 180)
    panel.presets.placed.emit(0.75)
    qt.until(lambda: not panel.client.busy(), "light from the left")
    left, right = sides(watch.pictures["relit"])
    from_left = left / right
    panel.presets.placed.emit(0.25)
    qt.until(lambda: not panel.client.busy(), "light from the right")
    left, right = sides(watch.pictures["relit"])
    assert left / right < 0.8 * from_left
