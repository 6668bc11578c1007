"""The artist's way through the node, on the strict fake of Nuke, with the real worker."""

# ruff: noqa: F401, F811

import json
import threading
from pathlib import Path

import numpy as np
import pytest

from nuke_host import baked, host, nuke, press, read, relamp, rgb, settle, workers
from relamp.core import job as jobs
from relamp.core.cli import main
from relamp.core.node.knobs import PIPES
from relamp.core.parameters import Curve
from relamp.nuke_plugin import actions, callbacks, inputs, knobs, layers
from shots import Shot, layer, read_exr, write_exr
from wait import wait_until


@pytest.fixture
def node(host, shot):
    return relamp(shot)


def frame_of(pattern: str, frame: int) -> Path:
    return Path(pattern.replace("%04d", str(frame)))


def test_a_new_node_has_the_plate_in_and_the_plate_out(node, shot):
    assert node.Class() == "Group"
    assert node.input(0)["file"].value() == shot.plate
    inner = {n.name(): int(n["number"].value()) for n in node.nodes() if n.Class() == "Input"}
    assert inner == {name: index for index, name in enumerate(PIPES)}
    np.testing.assert_array_equal(rgb(node, 1001), layer(shot.plate_frame(1001), "R", "G", "B"))
    for shown in ("baked", "preview"):  # nothing was baked: still the plate, never an error
        node["show"].setValue(shown)
        np.testing.assert_array_equal(rgb(node, 1001), layer(shot.plate_frame(1001), "R", "G", "B"))


def test_a_bake_is_shown_on_its_frames_and_the_plate_elsewhere(host, node, shot, tmp_path):
    node["frames"].setValue("1001-1002")
    baked(node)
    assert host.messages == []
    assert node["show"].value() == "baked"
    assert node["brief"].value() == "v001 1001-1002"
    first = read_back(node, 1001)
    np.testing.assert_array_equal(rgb(node, 1001), first)
    assert np.abs(first - layer(shot.plate_frame(1001), "R", "G", "B")).max() > 0.05
    np.testing.assert_array_equal(rgb(node, 1003), layer(shot.plate_frame(1003), "R", "G", "B"))
    frame_of(node.node("Baked")["file"].value(), 1002).unlink()
    with pytest.raises(RuntimeError, match="no such file"):  # what was baked and is gone is never silently the plate
        rgb(node, 1002)
    node["show"].setValue("plate")
    np.testing.assert_array_equal(rgb(node, 1001), layer(shot.plate_frame(1001), "R", "G", "B"))
    # The plate is a plain Read, so nothing of it was written again.
    assert host.executed == []
    assert not list((tmp_path / "nuke" / "comp").rglob("inputs"))
    shown = node.node("Baked")
    assert (shown["raw"].value(), shown["localizationPolicy"].value(), shown.reloads) == (True, "off", 1)
    # The job beside the frames is one for the command line.
    place = Path(shown["file"].value()).parent
    data = json.loads(next(place.glob("*.relamp.job.json")).read_text())
    assert (data["parameters"]["frames"], data["parameters"]["mix"]) == ("1001-1002", 1.0)


def read_back(node, frame: int) -> np.ndarray:
    return layer(frame_of(node.node("Baked")["file"].value(), frame), "R", "G", "B")


def test_a_preview_is_one_frame_and_a_render_never_delivers_it(host, node, monkeypatch):
    host.frame = 1002
    baked(node, "preview")
    assert node["show"].value() == "preview"
    plate = rgb(node.input(0), 1002)
    assert np.abs(rgb(node, 1002) - plate).max() > 0.05
    np.testing.assert_array_equal(rgb(node, 1001), rgb(node.input(0), 1001))
    host.frame = 1003
    baked(node, "preview")  # the same look: the other frame stays
    assert node["brief"].value() == "preview 1002-1003"
    monkeypatch.setattr(nuke, "GUI", False)
    np.testing.assert_array_equal(rgb(node, 1002), plate)


def test_a_changed_light_is_another_preview(host, node):
    baked(node, "preview")
    before, path = rgb(node, 1001), node.node("Preview")["file"].value()
    node["env_rotate"].setValue([0, 120, 0])
    baked(node, "preview")
    assert node.node("Preview")["file"].value() != path
    assert np.abs(rgb(node, 1001) - before).max() > 0.05


def test_the_bar_shows_progress_and_its_cancel_stops_the_bake(host, tmp_path):
    node = relamp(Shot(tmp_path / "long", size=160, frames=30), 30)
    node["threads"].setValue(1)
    running = press(node, "bake")
    assert running is not None
    wait_until(lambda: running.bake.fraction > 0)
    host.cancel_task = True
    settle(running)
    assert max(host.tasks[-1].shown) < 100
    assert "stopped" in node["status"].value()
    assert node["show"].value() == "plate"
    kept = running.bake.place.frames()
    assert 0 < len(kept) < 30
    host.cancel_task = False
    baked(node)  # goes on in the same version
    assert node["brief"].value() == "v001 1001-1030"
    assert host.messages == []


def test_the_cancel_button_stops_this_nodes_bake(host, tmp_path):
    node = relamp(Shot(tmp_path / "long", size=160, frames=30), 30)
    node["threads"].setValue(1)
    running = press(node, "bake")
    assert running is not None
    press(node, "bake")
    assert "press Cancel first" in host.messages[-1]
    wait_until(lambda: running.bake.fraction > 0)
    press(node, "cancel")
    settle(running)
    assert "stopped" in node["status"].value()


def test_other_settings_never_go_over_a_version(host, node):
    baked(node)
    before = read_back(node, 1001)
    node["env_exposure"].setValue(1.0)
    assert node["brief"].value().endswith(callbacks.STALE)
    assert press(node, "bake") is None
    assert "v001 already holds frames 1001-1004, made with other settings" in host.messages[-1]
    press(node, "version_up")
    assert node["version"].value() == 2
    baked(node)
    assert node["brief"].value() == "v002 1001-1004"
    matte = layer(frame_of(node.node("Baked")["file"].value(), 1001), "A") > 0.999
    np.testing.assert_allclose(read_back(node, 1001)[matte[..., 0]], 2 * before[matte[..., 0]], rtol=4e-3)
    node["env_exposure"].setValue(2.0)
    node["bake_over"].setValue(True)
    baked(node)
    assert node["brief"].value() == "v002 1001-1004"


def test_a_setting_put_back_is_not_stale(host, node):
    baked(node)
    node["seed"].setValue(5)
    assert node["brief"].value().endswith(callbacks.STALE)
    node["seed"].setValue(0)
    assert node["brief"].value() == "v001 1001-1004"
    node["mix"].setValue(0.5)  # live
    assert node["brief"].value() == "v001 1001-1004"
    node.setInput(2, None)
    assert node["brief"].value().endswith(callbacks.STALE)


def test_a_saved_script_opens_as_it_was_also_without_relamp(host, node, tmp_path, monkeypatch):
    baked(node)
    node["lamp1_dim"].setValue(0.5)
    before = rgb(node, 1002)
    name, path = node.name(), str(tmp_path / "nuke" / "comp" / "shot.nk")
    nuke.scriptSaveAs(path)
    monkeypatch.setitem(__import__("sys").modules, "relamp.nuke_plugin.callbacks", None)  # import fails
    nuke.scriptOpen(path)
    again = nuke.toNode(name)
    assert again is not node
    np.testing.assert_array_equal(rgb(again, 1002), before)
    assert again["brief"].value() == "v001 1001-1004"
    assert {n: k.value() for n, k in again.knobs().items() if hasattr(k, "text")} == {
        n: k.value() for n, k in node.knobs().items() if hasattr(k, "text")
    }


def test_a_callback_that_fails_opens_the_script_all_the_same(host, node, tmp_path, monkeypatch, capsys):
    def broken(node):
        raise OSError("no disk")

    monkeypatch.setattr(callbacks.attach, "quiet", broken)
    path = str(tmp_path / "nuke" / "comp" / "shot.nk")
    nuke.scriptSaveAs(path)
    nuke.scriptOpen(path)
    assert nuke.toNode(node.name()) is not None
    assert "no disk" in capsys.readouterr().out


def test_what_is_no_plain_read_is_written_for_the_worker(host, shot, tmp_path):
    plate = read(shot.plate, 1001, 1004)
    grade = nuke.createNode("Grade")
    grade.setInput(0, plate)
    grade["multiply"].setValue(2.0)
    node = relamp(shot)
    node.setInput(0, grade)
    node["frames"].setValue("1001-1002")
    baked(node)
    assert host.executed == [(f"{node.name()}.PlateOut", 1001, 1002)]
    assert node.node("PlateOut")["disable"].value() is True
    place = Path(node.node("Baked")["file"].value()).parent
    assert jobs.load(next(place.glob("*.relamp.job.json"))).parameters.plate == str(place / "inputs" / "plate.####.exr")
    # Twice the plate, twice the result: the anchor follows, and nothing else changed.
    plain = relamp(shot)
    plain["version"].setValue(1)
    baked(plain)
    np.testing.assert_allclose(rgb(node, 1001), 2 * rgb(plain, 1001), rtol=2e-2, atol=2e-3)
    # A finished version of written inputs is nobody's to guess about.
    assert press(node, "bake") is None
    assert "made with these settings" in host.messages[-1]


def test_a_matte_in_another_channel_goes_through_the_nodes_own_copy(host, node, shot):
    node.setInput(1, read(shot.plate, 1001, 1004))
    node["matte_channel"].setValue("rgba.red")
    node["frames"].setValue("1001")
    baked(node)
    assert host.executed == [(f"{node.name()}.MatteOut", 1001, 1001)]
    assert node["brief"].value() == "v001 1001"
    node["matte_channel"].setValue("rgba.green")
    assert node["brief"].value().endswith(callbacks.STALE)
    place = Path(node.node("Baked")["file"].value()).parent
    np.testing.assert_array_equal(
        layer(place / "inputs" / "matte.1001.exr", "A")[..., 0], layer(shot.plate_frame(1001), "R")[..., 0]
    )


def test_a_depth_on_its_pipe_is_read_where_it_lies(host, node, shot):
    z = np.where(layer(shot.plate_frame(1001), "A") > 0, 3 - layer(shot.plate_frame(1001), "N.Z"), 0)
    for frame in range(1001, 1005):
        write_exr(shot.folder / f"far.{frame}.exr", z, ("depth.Z",))
    far = str(shot.folder / "far.%04d.exr")
    node.setInput(list(PIPES).index("depth"), read(far, 1001, 1004))
    node["frames"].setValue("1001")
    baked(node)
    assert host.messages == []
    place = Path(node.node("Baked")["file"].value()).parent
    made = jobs.load(next(place.glob("*.relamp.job.json"))).parameters
    assert made.depth == str(shot.folder / "far.####.exr")
    assert not (place / "inputs").exists()


def test_passes_are_made_beside_the_script_and_used(host, node, shot, tmp_path):
    node["frames"].setValue("1001-1002")
    baked(node, "make_passes")
    assert host.messages == []
    assert node["status"].value() == "the passes of frames 1001-1002 are made and used"
    pattern = node["passes"].value()
    assert pattern.startswith((tmp_path / "nuke" / "comp" / "relamp" / node.name() / "passes" / "own-").as_posix())
    by_hand = tmp_path / "by_hand.####.exr"
    assert main(["passes", shot.plate, "--out", str(by_hand), "-q", "-F", "1001-1002"]) == 0
    same_channels(frame_of(pattern, 1002), tmp_path / "by_hand.1002.exr")
    assert actions.job_of(node).parameters.passes == pattern
    assert node["show"].value() == "plate"
    baked(node, "make_passes")  # what is there already is kept
    assert node["passes"].value() == pattern
    baked(node)
    assert node["brief"].value() == "v001 1001-1002"


def same_channels(one: Path, other: Path) -> None:
    (pixels, spec), (expected, by_hand) = read_exr(one), read_exr(other)
    assert spec.channelnames == by_hand.channelnames
    assert {"N.X", "depth.Z", "albedo.R"} <= set(spec.channelnames)
    np.testing.assert_array_equal(pixels, expected)


def test_passes_that_cannot_be_made_are_one_sentence(host, node):
    node["estimator"].setValue("moge")
    node["models"].setValue("/nowhere")
    running = press(node, "make_passes")
    settle(running)
    assert "moge-2" in node["status"].value()
    assert node["passes"].value() == ""


@pytest.mark.parametrize(
    ("knob", "value", "plain"),
    [
        ("raw", True, True),
        ("frame", "frame-10", False),
        ("frame_mode", "offset", False),
        ("premultiplied", True, False),
        ("disable", True, False),
        ("file", "/p/plate.%04d.dpx", False),
    ],
)
def test_a_read_that_changes_its_picture_is_not_plain(host, shot, knob, value, plain):
    node = read(shot.plate, 1001, 1004)
    node[knob].setValue(value)
    assert inputs._is_plain_read(node, ("exr",)) is plain


@pytest.mark.parametrize(
    ("management", "space", "plain"),
    [
        ("Nuke", "default (linear)", True),
        ("Nuke", "linear", True),
        ("Nuke", "sRGB", False),
        ("OCIO", "ACEScg", True),
        ("OCIO", "scene_linear (ACEScg)", True),
        ("OCIO", "ARRI LogC3 (EI800)", False),
    ],
)
def test_only_a_read_without_a_colour_transform_is_plain(host, shot, management, space, plain):
    nuke.root()["colorManagement"].setValue(management)
    nuke.root()["workingSpaceLUT"].setValue("scene_linear (ACEScg)")
    node = read(shot.plate, 1001, 1004, raw=False, colorspace=space)
    assert inputs._is_plain_read(node, ("exr",)) is plain


def test_the_scripts_working_space_is_declared_and_a_typed_one_wins(host, node):
    nuke.root()["colorManagement"].setValue("OCIO")
    nuke.root()["workingSpaceLUT"].setValue("scene_linear (ACEScg)")
    assert actions.job_of(node).parameters.colorspace == "ACEScg"
    assert actions.job_of(node).parameters.env_colorspace == "ACEScg"
    node["colorspace"].setValue("Linear Rec.709 (sRGB)")
    assert actions.job_of(node).parameters.colorspace == "Linear Rec.709 (sRGB)"


def test_an_animated_knob_is_sampled_over_the_plate(host, node):
    node["env_rotate"].fromScript("0 {curve L x1001 0 x1004 90} 0")
    found = actions.job_of(node).parameters.env_rotate
    assert found == Curve(((1001, (0.0, 0.0, 0.0)), (1004, (0.0, 90.0, 0.0))))
    baked(node)
    assert host.messages == []


def test_exposure_that_moves_is_known_to_the_live_knobs_frame_by_frame(host, node):
    node["env_exposure"].fromScript("{curve L x1001 0 x1004 3}")
    baked(node)
    scales = [node["baked_scale"].getValueAt(frame) for frame in (1001, 1002, 1004)]
    assert scales[1] / scales[0] == pytest.approx(2, rel=1e-5)
    assert scales[2] / scales[0] == pytest.approx(8, rel=1e-5)


def test_proxy_mode_is_left_only_with_leave_and_only_to_write_inputs(host, shot):
    node = relamp(shot)
    nuke.root()["proxy"].setValue(True)
    baked(node, "preview")  # nothing has to be written
    assert host.asked == []
    grade = nuke.createNode("Grade")
    grade.setInput(0, node.input(0))
    node.setInput(0, grade)
    host.answer = False
    assert press(node, "preview") is None
    assert "proxy mode" in host.messages[-1]
    host.answer = True
    baked(node, "preview")
    assert nuke.root()["proxy"].value() is False


def test_every_view_is_baked(host, shot, tmp_path):
    host.views = ["left", "right"]
    for view in host.views:
        for frame in (1001, 1002):
            target = tmp_path / f"plate.{view}.{frame}.exr"
            target.write_bytes(shot.plate_frame(frame).read_bytes())
    node = relamp(shot)
    node.setInput(0, read(str(tmp_path / "plate.%V.%04d.exr"), 1001, 1002))
    baked(node)
    assert host.messages == []
    place = tmp_path / "nuke" / "comp" / "relamp" / node.name() / "v001"
    assert sorted(path.parent.name for path in place.glob("*/*.exr")) == ["left", "left", "right", "right"]
    assert "%V" in node.node("Baked")["file"].value()
    from nuke import _pixels

    assert "rgba.red" in _pixels.render(node, 1001, "right")


def test_without_a_window_a_bake_waits_and_a_failure_is_an_error(host, node, monkeypatch):
    monkeypatch.setattr(nuke, "GUI", False)
    press(node, "bake")
    assert node["brief"].value() == "v001 1001-1004"
    assert host.tasks == []
    assert host.messages == []
    node.setInput(2, None)
    with pytest.raises(RuntimeError, match="connect a lat-long environment"):
        press(node, "bake")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda node: node.setInput(0, None), "connect a scene-linear plate"),
        (lambda node: node["python"].setValue("/nowhere/python"), "/nowhere/python"),
        (lambda node: node["anchor"].setValue("bright"), "anchor must be"),
        (lambda node: node["frames"].setValue("10-1"), "runs backwards"),
        (lambda node: node.input(0)["file"].setValue("/nowhere/p.%04d.exr"), "/nowhere"),
    ],
)
def test_what_cannot_be_baked_is_one_sentence_and_changes_nothing(host, node, spoil, words):
    spoil(node)
    running = press(node, "bake")
    if running is not None:
        settle(running)
    said = [*host.messages, node["status"].value()]
    assert any(words in sentence for sentence in said), said
    assert node["show"].value() == "plate"


def test_a_script_that_was_never_saved_asks_for_a_folder(host, node, tmp_path):
    nuke.root()["name"].setValue("")
    press(node, "bake")
    assert "never saved" in host.messages[-1]
    node["bake_dir"].setValue(str(tmp_path / "bakes"))
    baked(node)
    assert (tmp_path / "bakes" / node.name() / "v001").is_dir()


def test_a_node_deleted_while_it_bakes_is_let_be(host, node):
    running = press(node, "bake")
    assert running is not None
    nuke.delete(node)
    settle(running)
    assert host.messages == []


def test_the_fake_lets_no_thread_touch_a_node(host, node):
    with pytest.raises(RuntimeError, match="called from"):
        _raised_in_a_thread(lambda: node["mix"].value())


def _raised_in_a_thread(call) -> None:
    caught: list[BaseException] = []

    def run() -> None:
        try:
            call()
        except BaseException as error:
            caught.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if caught:
        raise caught[0]


def test_knobs_without_their_layer_are_grey(host, node):
    node["lamps"].setValue(2)
    node["layers_ratio"].setValue(False)
    baked(node)
    assert [node[f"lamp{i}_dim"].enabled() for i in (1, 2, 3, 8)] == [True, False, False, False]  # the map has one
    assert node["change_strength"].enabled() is False


def test_settings_of_a_job_show_on_the_knobs(host, node):
    job = actions.job_of(node)
    wanted = jobs.with_parameters(
        job, env_rotate=Curve(((1001, (0.0, 0.0, 0.0)), (1004, (0.0, 90.0, 0.0)))), grain="keep", layers=("ratio",),
        anchor=2.0, env_level="match",
    )  # fmt: skip
    knobs.set_values(node, wanted.parameters)
    assert actions.job_of(node).parameters == wanted.parameters


def test_layers_are_made_known_once(host):
    layers.register()
    layers.register()
    assert host.layers["lamp1"] == ("red", "green", "blue")
