# ruff: noqa: F401, F811
"""How an artist begins in the panel, finds lights, says them in words, and keeps looks to compare."""

import json
import shutil
import time
from pathlib import Path

import pytest
from panels import Watch, end, load, long_lived, make_panel, panel, sides
from PySide6.QtCore import QMimeData, QPointF, Qt, QTimer, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtTest import QTest

import qt
from relamp.core.job import RelightJob, save
from relamp.core.parameters import RelightParameters
from relamp.ui import dropped
from relamp.ui.contact_sheet import spread
from relamp.ui.sections import in_panel_words
from shots import Shot


def settle(panel) -> None:
    for _ in range(2):
        qt.until(lambda: not panel.client.busy(), "the worker to be idle")
        QTest.qWait(30)


def drop(panel, *paths: object) -> None:
    """Files let go somewhere over the panel."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    actions, buttons = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
    panel.dropEvent(QDropEvent(QPointF(400, 5), actions, data, buttons, Qt.KeyboardModifier.NoModifier))


def test_the_example_is_one_click_away_and_leaves_the_start_page(panel):
    assert panel.start.isVisible()
    watch = Watch(panel)
    panel.session.set("backbone", "ratio")
    panel.session.set("shadows", 0.0)
    panel.start.example.click()
    qt.until(lambda: "relit" in watch.pictures, "the example relit")
    assert not panel.start.isVisible()
    p = panel.session.job.parameters
    assert Path(p.plate).name == "plate.####.exr"
    assert Path(p.source_env).name == "source.exr"


def test_what_was_open_lately_is_listed_at_the_start(tmp_path, shot):
    first = make_panel(tmp_path)
    first.open(str(shot.plate_frame(1001)))
    end(first)
    second = make_panel(tmp_path)
    texts = [second.start._recent.itemAt(i).widget().text() for i in range(second.start._recent.count())]
    assert texts == ["plate.1001.exr"]
    end(second)


def test_anything_dropped_goes_where_it_belongs(panel, shot):
    drop(panel, shot.plate_frame(1001))
    settle(panel)
    assert panel.session.job.parameters.plate == shot.plate
    matte = shot.folder / "hero_matte.exr"
    shutil.copy(shot.plate_frame(1001), matte)
    rig = shot.folder / "lights.json"
    rig.write_text(json.dumps({"schema": "relamp.rig/1", "lights": [{"kind": "distant", "direction": [0, 0, 1]}]}))
    drop(panel, matte, rig)
    assert panel.session.job.parameters.matte == str(matte)
    assert panel.session.job.parameters.rig == str(rig)
    assert [row.name.text() for row in panel.lights.rows] == ["light 1"]
    drop(panel, shot.env_b)
    assert panel.banner.isVisible()
    panel.banner.answers["map"].click()
    assert panel.session.job.parameters.env == shot.env_b
    assert not panel.banner.isVisible()
    drop(panel, __file__)
    assert "test_panel_start.py is no picture" in panel.said()
    job = shot.folder / "kept.json"
    save(RelightJob(RelightParameters(plate=shot.plate, mix=0.5)), job)
    drop(panel, job)
    assert panel.session.job.parameters.mix == 0.5


@pytest.mark.parametrize(
    ("name", "plate", "kind"),
    [
        ("sky.hdr", False, "env"), ("shot.1001.exr", False, "plate"), ("shot.1001.exr", True, "ask"),
        ("clip.MOV", False, "plate"),
        ("shot_normals.1001.exr", True, "normals"), ("bg_street.exr", True, "background"), ("move.chan", True, "camera"),
        ("notes.txt", True, ""), ("there_is_none.json", False, "job"),
    ],
)  # fmt: skip
def test_a_file_is_known_by_its_name(name, plate, kind):
    assert dropped.kind_of(name, plate) == kind


def test_words_are_completed_offered_said_back_and_marked_where_they_are_wrong(panel, shot):
    load(panel, shot)
    qt.until(lambda: panel.words_line.chips, "the vocabulary")
    completer = panel.words.completer()
    panel.words.setText("warm sun, over")
    assert completer.splitPath("warm sun, over") == ["over"]
    assert completer.splitPath("low golden h") == ["golden h"]
    panel.words.clear()
    QTest.keyClicks(panel.words, "warm fish from the left")
    qt.until(panel.words_line.marked, "the mark")
    assert panel.words_line.marked() == ["fish"]
    assert "relamp" not in panel.words_line.understood()
    panel.words.clear()
    panel.words_line.append("lamp")
    panel.words_line.chips["colour"].menu().actions()[0].trigger()
    settle(panel)
    assert panel.session.job.parameters.prompt == "lamp warm"
    assert panel.session.job.parameters.env is None  # words take the map's place
    assert "lamp, 3200 K" in panel.words_line.understood()
    assert panel.words_line.marked() == []
    panel.undo_button.click()  # words that follow one another at once are one step
    settle(panel)
    assert panel.session.job.parameters.env == shot.env_b
    assert panel.words_line.understood() == ""


def test_the_library_shows_maps_and_lights_and_lights_with_them(panel, shot, tmp_path):
    load(panel, shot)
    folder = tmp_path / "maps"
    folder.mkdir()
    shutil.copy(shot.env_a, folder / "dawn.exr")
    panel.showLibrary()
    library = panel.library
    library.addFolder(str(folder))
    names = [library.maps.item(i).text() for i in range(library.maps.count())]
    assert {"dawn", "low sun", "overcast"} <= set(names)
    assert [library.rigs.item(i).text() for i in range(library.rigs.count())][:3] == ["Key", "Fill", "Rim"]
    item = library.maps.item(names.index("dawn"))
    blank = item.icon().pixmap(16, 8).toImage()
    qt.until(lambda: item.icon().pixmap(16, 8).toImage() != blank, "its picture")
    library.maps.itemClicked.emit(item)
    assert panel.session.job.parameters.env == str(folder / "dawn.exr")
    library.rigs.itemClicked.emit(library.rigs.item(0))
    assert panel.tabs.tabText(panel.tabs.currentIndex()) == "Lights"
    assert panel.lights.rows[0].name.text() == "key"
    library.close()
    settle(panel)


def test_a_look_is_kept_compared_and_comes_back(panel, shot):
    watch = load(panel, shot)
    bright = watch.pictures["relit"]
    panel.viewer.keep.click()
    strip = panel.viewer.snapshots
    assert strip.isVisible()
    panel.light.dial.setValue(180)
    qt.until(lambda: watch.pictures["relit"] != bright, "another light")
    behind = []
    panel.session.beforeReady.connect(behind.append)
    strip.cell("A").compare.click()
    assert behind[-1] == bright
    assert panel.viewer.wipe.isChecked()
    panel.viewer.timeline.setValue(1004)
    qt.until(lambda: len(behind) > 1 and behind[-1] != bright, "the look on another frame")
    strip.cell("A").compare.click()
    assert not panel.viewer.wipe.isChecked()
    strip.cell("A").picture.click()
    assert panel.session.job.parameters.env_rotate == (0.0, 0.0, 0.0)
    panel.undo_button.click()
    assert abs(panel.session.job.parameters.env_rotate[1]) == 180.0
    strip.cell("A").drop.click()
    assert not strip.isVisible()


def test_a_contact_sheet_of_the_shot_fills_and_is_saved(panel, shot, tmp_path):
    load(panel, shot)
    sheet = panel.viewer.showSheet()
    qt.until(sheet.isComplete, "every picture")
    assert sheet.frames == (1001, 1002, 1003, 1004)
    assert sheet.pictures[1001, "plate"] != sheet.pictures[1004, "plate"]
    assert sheet.pictures[1001, "plate"] != sheet.pictures[1001, "relit"]
    assert sheet.image().save(str(tmp_path / "sheet.png"))
    sheet.close()
    assert spread(tuple(range(1001, 1101)), 3) == (1001, 1051, 1100)


def test_the_panel_never_stands_still_while_an_artist_works(panel, tmp_path):
    load(panel, Shot(tmp_path / "hd", size=960, frames=2))
    longest, last = [0.0], [time.thread_time()]

    def beat() -> None:  # the time of this thread alone: whatever else the machine does is no fault of the panel
        now = time.thread_time()
        longest[0], last[0] = max(longest[0], now - last[0]), now

    timer = QTimer(interval=0)
    timer.timeout.connect(beat)
    timer.start()
    for value in range(0, 90, 6):
        panel.light.dial.setValue(value)
        panel.settings_form.editor("env_exposure").spins[0].setValue(value / 90)
        QTest.qWait(5)
    panel.showTab("Lights")
    panel.rig.add("key")
    settle(panel)
    panel.rig.set(0, stops=2.0)
    settle(panel)
    timer.stop()
    assert 0 < longest[0] < 0.05, f"{1000 * longest[0]:.0f} ms"


def test_sentences_name_what_the_panel_shows():
    assert in_panel_words("--source-env is not given") == "“plate's light” is not given"
    assert in_panel_words("unknown; relamp env --words lists the known ones") == "unknown"
