"""The node in a real Blender: its compositor over our frames, the real worker, the add-on as it is installed."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import OpenImageIO as oiio
import pytest
from shadow_shot import ShadowShot, places

from relamp.blender_plugin import home
from relamp.core.cli import main
from relamp.core.light.rig import from_json
from relamp.core.pictures.colour import Colour
from shots import BALL_CHANNELS, QUICK_OPTIONS, Shot, layer, lit_ball, read_exr, soft_light, write_exr

HERE = Path(__file__).parent
MADE_BY_MAKE = HERE.parent / ".venv-bpy" / "bin" / "python"
BPY_PYTHON = os.environ.get("RELAMP_BPY_PYTHON") or (str(MADE_BY_MAKE) if MADE_BY_MAKE.is_file() else "")
SIZE = 40
SHADED, OPEN = places(SIZE)

in_blender = pytest.mark.skipif(not BPY_PYTHON, reason="no Python with bpy: run make blender, or set RELAMP_BPY_PYTHON")


@pytest.fixture(scope="module")
def walk(tmp_path_factory):
    """What came of the walk of `blender_shot.py`: its folder, the shot, and what was said."""
    folder = tmp_path_factory.mktemp("blender")
    shot = Shot(folder / "shot", size=SIZE)
    for frame in range(1001, 1005):  # no normals layer, and a space that is not Blender's own
        ball = lit_ball(soft_light((0.3, 0.4, 1.0)), SIZE)[..., :4] * np.float32(1 + 0.1 * (frame - 1001))
        write_exr(shot.plate_frame(frame), ball, BALL_CHANNELS[:4], "half", colorInteropID="lin_ap1_scene")
    assert main(["blender", "install", "--dir", str(folder / "addons")]) == 0
    (folder / "shadow").mkdir()
    shadow = ShadowShot(folder / "shadow", size=SIZE)
    given = {
        "shadow_plate": shadow.plate,
        "shadow_env": shadow.env_b,
        "shadow_source": shadow.env_a,
        "addons": str(folder / "addons"),
        "blend": str(folder / "shot.blend"),
        "plate": shot.plate,
        "env": shot.env_b,
        "python": sys.executable,
        "out": str(folder / "out"),
        "said": str(folder / "said.json"),
        "size": SIZE,
    }
    (folder / "given.json").write_text(json.dumps(given))
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    run = subprocess.run(
        [BPY_PYTHON, "-W", "ignore", str(HERE / "blender_shot.py"), str(folder / "given.json")],
        capture_output=True, text=True, timeout=600, env=clean, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout[-2000:] + run.stderr[-4000:]
    return folder, shot, json.loads((folder / "said.json").read_text())


def relit(shot: Shot, folder: Path, *options: str) -> np.ndarray:
    """What `relamp render` makes of the first frame, (H, W, 4) in Blender's working space."""
    out = folder / "by_hand" / "relit.####.exr"
    command = ["render", shot.plate, "--env", shot.env_b, "--out", str(out), "-q", "--overwrite"]
    assert main([*command, *QUICK_OPTIONS, *options]) == 0
    return in_blenders_space(layer(Path(str(out).replace("####", "1001")), "R", "G", "B", "A"))


def in_blenders_space(picture: np.ndarray) -> np.ndarray:
    rgb = Colour().from_working(np.ascontiguousarray(picture[..., :3]), "lin_rec709_scene")
    return np.concatenate([rgb, picture[..., 3:]], -1)


def composited(folder: Path, name: str, item: str = "relit", frame: int = 1001) -> np.ndarray:
    """What Blender's compositor wrote, (H, W, 4); it puts each layer into a part of its own."""
    path = str(folder / "out" / f"{name}.{frame}.exr")
    wanted = [f"{item}.{c}" for c in "RGBA"]
    for part in range(oiio.ImageBuf(path).nsubimages):
        picture = oiio.ImageBuf(path, part, 0)
        names = list(picture.spec().channelnames)
        if set(wanted) <= set(names):
            return np.asarray(picture.get_pixels(oiio.FLOAT))[..., [names.index(n) for n in wanted]]
    raise AssertionError(f"{path} has no layer {item}")


def same_within_half(one: np.ndarray, other: np.ndarray) -> None:
    assert one.shape == other.shape
    assert np.abs(one - other).max() <= 2e-3 * max(float(np.abs(other).max()), 1.0)
    assert one.max() > 0.05  # something is there


@in_blender
def test_without_a_bake_the_node_is_the_plate_and_nothing_else(walk):
    folder, shot, _ = walk
    plate = in_blenders_space(layer(shot.plate_frame(1001), "R", "G", "B", "A"))
    assert np.abs(composited(folder, "untouched") - plate).max() < 1e-5


@in_blender
def test_what_the_operator_bakes_is_what_relamp_render_makes(walk):
    folder, shot, said = walk
    assert said["bake"] == ["FINISHED"]
    assert "1001-1004" in said["status"]
    expected = relit(shot, folder)
    plate = in_blenders_space(layer(shot.plate_frame(1001), "R", "G", "B", "A"))
    assert np.abs(expected - plate).max() > 0.05
    same_within_half(composited(folder, "baked"), expected)


@in_blender
def test_the_files_colour_space_tag_is_respected(walk):
    folder, _, said = walk
    assert said["space"] == "ACEScg"
    _, spec = read_exr(folder / "relamp" / "Relamp" / "v001" / "Relamp.1001.exr")
    assert spec.getattribute("colorInteropID") == "lin_ap1_scene"


@in_blender
def test_it_goes_over_a_background_in_its_place(walk):
    folder, _, _ = walk
    over, picture = composited(folder, "baked", "over"), composited(folder, "baked")
    background = np.array([0.2, 0.4, 0.8, 1.0], np.float32)
    same_within_half(over, picture + (1 - picture[..., 3:]) * background)
    assert over.shape == (SIZE, SIZE, 4)


@in_blender
def test_a_frame_that_was_not_baked_is_the_plate(walk):
    folder, _, _ = walk
    beyond, baked = composited(folder, "baked", frame=1005), composited(folder, "baked")
    assert np.abs(beyond - baked).max() > 0.05


@in_blender
def test_mix_is_live(walk):
    folder, _, _ = walk
    plate, baked = composited(folder, "untouched"), composited(folder, "baked")
    same_within_half(composited(folder, "mixed"), plate + 0.25 * (baked - plate))


@in_blender
def test_a_lamp_is_dimmed_and_tinted_live(walk):
    folder, _, _ = walk
    made = folder / "relamp" / "Relamp" / "v001" / "Relamp.1001.exr"
    lamp = in_blenders_space(np.pad(layer(made, "lamp1.R", "lamp1.G", "lamp1.B"), ((0, 0), (0, 0), (0, 1))))[..., :3]
    baked, dimmed = composited(folder, "baked"), composited(folder, "dimmed")
    wanted = baked[..., :3] + (np.array([1.0, 0.5, 0.0], np.float32) - 1) * lamp
    assert np.abs(wanted - baked[..., :3]).max() > 0.02
    same_within_half(dimmed[..., :3], wanted)
    assert np.array_equal(dimmed[..., 3], baked[..., 3])


@in_blender
def test_a_lamp_dimmed_live_takes_its_shadow_with_it(walk):
    folder, _, said = walk
    assert said["shadowed"] == ["FINISHED"]
    with_sun, without = (composited(folder, name)[..., :3] for name in ("shadowed", "without_sun"))
    assert with_sun[OPEN].mean() > 2.5 * with_sun[SHADED].mean()
    assert without[SHADED].mean() > 0.75 * without[OPEN].mean()  # the ball still hides a part of the sky


@in_blender
def test_a_version_is_never_baked_over_unasked(walk):
    folder, _, said = walk
    assert "v001 already holds frames 1001-1004" in said["other_settings"]
    assert said["version"] == 2
    assert len(list((folder / "relamp" / "Relamp" / "v001").glob("*.exr"))) == 4


@in_blender
def test_a_preview_is_one_frame_of_the_settings_now(walk):
    folder, shot, said = walk
    assert said["preview"] == ["FINISHED"]
    assert len(list((folder / "relamp" / "Relamp" / "preview").rglob("*.exr"))) == 1
    same_within_half(composited(folder, "stop"), relit(shot, folder, "--env-exposure", "1"))


@in_blender
def test_cancel_keeps_what_is_done_and_the_next_bake_goes_on(walk):
    folder, _, said = walk
    assert said["stopped"]
    assert "press Cancel first" in said["busy"]
    assert said["goes_on"] == ["FINISHED"]
    assert len(list((folder / "relamp" / "Relamp" / "v002").glob("*.exr"))) == 4


@in_blender
def test_a_picture_no_file_holds_is_written_for_the_bake(walk):
    folder, _, said = walk
    assert said["written"] == ["FINISHED"]
    assert len(list((folder / "relamp" / "Relamp" / "v003" / "inputs").glob("plate.*.exr"))) == 4
    # A plate that is a stop brighter and relit is the relit plate, a stop brighter.
    same_within_half(composited(folder, "written"), composited(folder, "stop") * np.array([2, 2, 2, 1], np.float32))


@in_blender
def test_a_saved_scene_opens_and_shows_its_bake(walk):
    folder, _, said = walk
    assert said["reopened"] == "baked"
    assert np.array_equal(composited(folder, "reopened"), composited(folder, "written"))


@in_blender
def test_passes_are_made_beside_the_blend_and_used(walk):
    folder, _, said = walk
    assert said["passes"] == ["FINISHED"]
    assert said["passes_status"] == "the passes of frames 1001-1002 are made and used"
    made = Path(said["passes_path"])
    assert made.parent.parent == folder / "relamp" / "Relamp" / "passes"
    assert len(list(made.parent.glob("*.exr"))) == 2
    _, spec = read_exr(Path(str(made).replace("####", "1002")))
    assert {"N.X", "depth.Z", "albedo.R", "shape_confidence.A"} <= set(spec.channelnames)
    assert spec.getattribute("colorInteropID") == "lin_ap1_scene"


@in_blender
def test_blenders_own_lights_are_a_rig_and_moving_one_moves_the_light(walk):
    folder, shot, said = walk
    assert said["rig"] == said["moved"] == ""
    assert said["rig_names"] == ["Key"]
    plate, left, right, out = (
        composited(folder, n)[..., :3] for n in ("untouched", "sun_left", "sun_right", "sun_out")
    )
    half = SIZE // 2
    gained = [
        [(picture - plate)[:, side].mean() for side in (slice(half), slice(half, None))] for picture in (left, right)
    ]
    assert gained[0][0] > 1.8 * gained[0][1] > 0
    assert gained[1][1] > 1.8 * gained[1][0] > 0
    assert (np.diff((left - plate).sum((0, 1))) < 0).all()  # the light is orange
    assert np.abs(out - plate).max() < 0.01 < 0.1 < np.abs(left - plate).max()
    (folder / "by_hand" / "key.json").write_text(json.dumps({
        "schema": "relamp.rig/1", "lights": [{"name": "Key", "kind": "distant", "direction": [-1, 0, 1], "colour": [1, 0.5, 0.25],
                                              "stops": math.log2(0.2126 + 0.7152 / 2 + 0.0722 / 4), "size": 0.526}],
    }))  # fmt: skip
    file = folder / "by_hand" / "key.####.exr"
    rig = ("--rig", str(folder / "by_hand" / "key.json"))
    assert main(["render", shot.plate, *rig, "--out", str(file), "-q", "-F", "1001", *QUICK_OPTIONS]) == 0
    by_hand = in_blenders_space(layer(Path(str(file).replace("####", "1001")), "R", "G", "B", "A"))[..., :3]
    same_within_half(left, by_hand)


@in_blender
def test_every_kind_of_light_of_blender_has_its_place_size_colour_and_strength(walk):
    _, _, said = walk
    rig = from_json(json.dumps(said["kinds"]))
    lights = {light.name: light for light in rig.lights}
    assert [(n, lights[n].kind) for n in lights] == [
        ("Bulb", "sphere"), ("Key", "distant"), ("Torch", "spot"), ("Window", "area"),
    ]  # fmt: skip
    bulb = lights["Bulb"]
    np.testing.assert_allclose(bulb.at_frame(1002).position, (0.5, 0, -1), atol=1e-5)
    assert len(bulb.position.keys) == 2
    assert (bulb.kelvin, bulb.shadows) == (3200, False)
    # 100 W one unit before the subject; the colour of a temperature has a luminance of 1.
    assert bulb.at_frame(1001).stops == pytest.approx(math.log2(100 / (4 * math.pi) / math.pi), abs=2e-3)
    assert bulb.at_frame(1001).stops - bulb.at_frame(1003).stops == pytest.approx(
        1.0, abs=1e-4
    )  # twice the distance squared
    torch = lights["Torch"]
    np.testing.assert_allclose((*torch.position, *torch.aim), (0, 0, 0, 0, 0, -1), atol=1e-5)
    np.testing.assert_allclose((torch.angle, torch.softness, torch.size), (40, 0.3, 0.1), rtol=1e-5)
    assert (lights["Window"].size, lights["Window"].on) == ((2.0, 1.0), False)
    assert said["camera"] == {"fov": pytest.approx(39.6, abs=0.1)}  # Blender's 50 mm
    world = {light.name: light for light in from_json(json.dumps(said["world"])).lights}
    # The camera stands at (3, -4, 1) of Blender's world and looks along -X; Z is up there, and Y in a rig.
    np.testing.assert_allclose(world["Torch"].position, (3, 1, 4), atol=1e-5)
    np.testing.assert_allclose(world["Torch"].aim, (-1, 0, 0), atol=1e-5)


@in_blender
def test_the_shadow_on_the_ground_comes_out_of_a_socket_and_darkens_nothing_elsewhere(walk):
    folder, shot, said = walk
    assert said["on_the_ground"] == ""
    shadow = composited(folder, "on_the_ground")[..., :3]
    assert 0 <= shadow.min() < 0.8
    assert shadow.max() > 0.99
    plate = in_blenders_space(layer(shot.plate_frame(1004), "R", "G", "B", "A"))
    assert np.abs(composited(folder, "on_no_ground", "over", frame=1004)[..., :3] - plate[..., :3]).max() < 1e-5


@in_blender
def test_lights_that_cannot_be_used_are_said_in_a_sentence(walk):
    _, _, said = walk
    assert "the collection Rig holds no lights" in said["no_lights"]
    assert "the scene has no camera" in said["no_camera"]
    assert "a collection of lights and a rig file too" in said["two_rigs"]


@in_blender
def test_blenders_python_stays_clean(walk):
    folder, _, said = walk
    assert said["heavy"] == []
    copied = {path.name for path in (folder / "addons" / "relamp").iterdir()}
    assert copied >= {"__init__.py", "core", "blender_plugin", "site.json"}
    assert "training" not in copied


@in_blender
def test_what_is_missing_is_said_in_a_sentence(walk):
    _, _, said = walk
    assert "save the .blend first" in said["unsaved"]
    assert "connect a scene-linear plate" in said["unconnected"]
    assert "there is no new light" in said["no_light"]


def test_the_add_on_goes_in_twice_and_comes_out_once(tmp_path, capsys):
    (tmp_path / "other.py").write_text("# mine\n")
    for _ in range(2):
        assert main(["blender", "install", "--dir", str(tmp_path)]) == 0
    assert (tmp_path / "relamp" / "blender_plugin" / "group.py").is_file()
    assert main(["blender", "uninstall", "--dir", str(tmp_path)]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["other.py"]
    assert main(["blender", "uninstall", "--dir", str(tmp_path)]) == 0
    assert "there is no Relamp" in capsys.readouterr().out


def test_somebody_elses_folder_is_not_written_over(tmp_path, capsys):
    (tmp_path / "relamp").mkdir()
    (tmp_path / "relamp" / "mine.txt").write_text("mine")
    assert main(["blender", "install", "--dir", str(tmp_path)]) == 2
    assert "no installed Relamp" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "relamp").iterdir()] == ["mine.txt"]


def test_the_add_ons_folder_is_blenders_own(monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CONFIG_HOME", "/home/somebody/.config")
    assert home.addons("5.0") == Path("/home/somebody/.config/blender/5.0/scripts/addons")
