# ruff: noqa: F401, F811
"""What a plate is made of, in the panel: seen, named, made and used; and the light it was shot under."""

from pathlib import Path

from panels import Watch, end, load, long_lived, make_panel, panel, sides

import qt
from relamp.core.pictures import exr
from shots import QUICK, Shot


def opened(panel, shot) -> None:
    """Open the plate by one of its frames, until it is known to be a sequence."""
    panel.open(str(shot.plate_frame(1002)))
    qt.until(lambda: panel.session.job.parameters.plate == shot.plate, "the sequence")
    qt.until(lambda: not panel.client.busy(), "the worker to be idle")


def test_passes_say_who_made_them_and_are_looked_at(panel, shot):
    watch = Watch(panel)
    panel.open(str(shot.plate_frame(1002)))
    qt.until(lambda: panel.passes.makers["normals"].text(), "the makers")
    assert panel.passes.makers["normals"].text() == "the plate's own layer"
    assert panel.passes.makers["roughness"].text() == "none"
    assert not panel.passes.show_buttons["roughness"].isEnabled()
    for name in ("normals", "matte"):
        panel.passes.show_buttons[name].click()
        qt.until(lambda name=name: name in watch.pictures, name)
    assert panel.viewer.stage.currentData() == "matte"
    picture = watch.pictures["matte"]
    assert picture.pixelColor(picture.width() // 2, picture.height() // 2).lightnessF() == 1
    assert picture.pixelColor(1, 1).lightnessF() == 0
    panel.viewer.showStage("relit")


def test_passes_are_made_and_used(panel, shot):
    watch = Watch(panel)
    opened(panel, shot)
    panel.session.set("frames", "1001-1002")
    panel.passes.make.click()
    row = panel.queue.rows()[-1]
    qt.until(lambda: row.state == "done", "the passes")
    out = str(Path(shot.plate).parent / "passes" / "plate_passes.####.exr")
    assert panel.session.job.parameters.passes == out
    assert "depth.Z" in exr.channel_names(out.replace("####", "1002"))
    qt.until(lambda: "estimated by own" in panel.passes.makers["depth"].text(), "its maker")
    panel.session.setFrame(1002)
    panel.passes.show_buttons["depth"].click()
    qt.until(lambda: "depth" in watch.pictures, "the depth")
    panel.passes.make.click()  # what is there already is kept
    again = panel.queue.rows()[-1]
    qt.until(lambda: again.state == "done", "the passes again")
    assert "2 kept" in again._bar.format()
    panel.viewer.showStage("relit")


def test_the_plates_light_is_estimated_by_a_button(panel, shot):
    opened(panel, shot)
    button = panel.estimate_light
    assert button.isVisibleTo(panel)
    button.click()
    row = panel.queue.rows()[-1]
    qt.until(lambda: row.state in ("done", "failed"), "the light")
    assert row.state == "done", row.words()
    out = Path(shot.plate).parent / "light" / "plate_light.exr"
    assert out.is_file()
    assert panel.session.job.parameters.source_env == str(out)
    assert not button.isVisibleTo(panel)
    panel.undo_button.click()
    assert panel.session.job.parameters.source_env is None
