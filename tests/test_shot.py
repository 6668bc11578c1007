"""The whole path through the command line, on real files."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import OpenImageIO as oiio
import PyOpenColorIO as ocio
import pytest

from relamp.core.cli import main
from relamp.core.errors import UsageError
from relamp.core.light.backdrop import camera_rays
from relamp.core.light.environment import rotate, rotation_matrix
from relamp.core.light.irradiance import irradiance
from relamp.core.light.sources import MapLight
from relamp.core.parameters import RelightParameters
from relamp.core.pictures import exr
from relamp.core.pictures.colour import PINNED, Colour
from relamp.core.pictures.sequence import Sequence
from relamp.core.relighter.answer import Backbone
from relamp.core.shape.normals import along_rays
from relamp.core.shot.checks import check_backbone
from shots import BALL_CHANNELS, QUICK_OPTIONS, Shot, layer, lit_ball, read_exr, soft_light, sphere, write_exr

RGB = ("R", "G", "B")


NETWORK = ("--backbone", "relamp", "--shadows", "1")


def render(shot, *more, env=None, source=None, out=None):
    """The exit code of a render by the traced light alone, ten times as fast as by the network; `NETWORK` in `more` is that."""
    arguments = [
        "render",
        shot.plate,
        "--env",
        env or shot.env_b,
        "--out",
        out or shot.out,
        "-q",
        *QUICK_OPTIONS,
        *more,
    ]
    return main(arguments + (["--source-env", source] if source else []))


def psnr(a, b, inside):
    def shown(x):
        return np.clip(x, 0, 1) ** (1 / 2.2)

    return -10 * np.log10(np.mean((shown(a) - shown(b))[inside] ** 2))


def test_an_identity_relight_changes_nothing_at_all(tmp_path):
    """NaN, infinity, -0.1 to 1000, partial alpha, an offset data window, layers, timecode and rate."""
    rng = np.random.default_rng(0)
    names = ("R", "G", "B", "A", "N.X", "N.Y", "N.Z", "id.u")
    pixels = rng.uniform(-0.1, 1, (30, 40, 8)).astype(np.float32)
    pixels[..., 3] = rng.choice([0, 0.25, 0.5, 1], (30, 40))
    pixels[..., 4:7] = lit_ball(soft_light((0, 0, 1)), 40)[:30, :, 4:7]
    pixels[3, 3, :3] = 1000
    pixels[4, 4, 0] = np.nan
    pixels[5, 5, 1] = np.inf
    spec = oiio.ImageSpec(40, 30, 8, "half")
    spec.channelnames = names
    spec.x, spec.y, spec.full_x, spec.full_y, spec.full_width, spec.full_height = -5, 7, 0, 0, 64, 48
    spec.attribute("compression", "piz")
    spec.attribute("oiio:ColorSpace", "ACEScg")
    spec.attribute("framesPerSecond", oiio.TypeDesc("rational"), (24000, 1001))
    spec.attribute("smpte:TimeCode", oiio.TypeDesc("timecode"), (0x01020304, 0))
    plate = tmp_path / "plate.1001.exr"
    file = oiio.ImageOutput.create(str(plate))
    assert file.open(str(plate), spec)
    assert file.write_image(pixels)
    assert file.close()
    env = str(write_exr(tmp_path / "set.exr", soft_light((0.5, 0.5, 0.5)), RGB))
    out = str(tmp_path / "same.exr")
    assert main(["render", str(plate), "--env", env, "--source-env", env, "--out", out, "-q"]) == 0
    before, after = oiio.ImageBuf(str(plate)), oiio.ImageBuf(out)
    assert after.spec().channelnames == before.spec().channelnames
    np.testing.assert_array_equal(
        after.get_pixels(oiio.HALF).view(np.uint16), before.get_pixels(oiio.HALF).view(np.uint16)
    )
    assert after.roi == before.roi
    assert after.roi_full == before.roi_full
    for name in ("smpte:TimeCode", "framesPerSecond"):
        assert after.spec().getattribute(name) == before.spec().getattribute(name)


def test_the_ratio_relight_is_the_true_picture_under_the_new_light(tmp_path):
    shot = Shot(tmp_path, "float", size=96, frames=1)
    assert render(shot, source=shot.env_a) == 0
    true = lit_ball(soft_light((-1.0, 0.2, 0.1)), 96)
    ours = layer(shot.out_frame(1001), *RGB)
    assert psnr(ours, true[..., :3], true[..., 3] > 0.99) > 50
    assert psnr(ours, true[..., :3], true[..., 3] > 0) > 35


def test_the_hint_alone_reaches_the_exact_ratio_of_irradiances(tmp_path):
    """Within half a decibel on a plate that is not matte: the oracle has the same normals and the same two maps."""
    shot = Shot(tmp_path, "float", size=96, frames=1)
    normals, coverage = sphere(96)
    a, b = soft_light((0.3, 0.4, 1.0)), soft_light((-1.0, 0.2, 0.1))
    gloss = np.maximum(normals @ np.float32([0.2, 0.3, 0.93]), 0)[..., None] ** 30
    other = np.maximum(normals @ np.float32([-0.7, 0.1, 0.7]), 0)[..., None] ** 30
    plate, true = lit_ball(a, 96), lit_ball(b, 96)
    plate[..., :3] += gloss * coverage[..., None]
    true[..., :3] += other * coverage[..., None]
    write_exr(shot.plate_frame(1001), plate, BALL_CHANNELS)
    assert render(shot, *NETWORK, "--grain", "off", source=shot.env_a) == 0
    oracle = plate[..., :3] * irradiance(b, normals) / irradiance(a, normals)
    inside = coverage > 0.5
    ours = psnr(layer(shot.out_frame(1001), *RGB), true[..., :3], inside)
    assert ours > psnr(oracle, true[..., :3], inside) - 0.5


def test_one_stop_more_is_a_factor_of_two(tmp_path):
    shot = Shot(tmp_path, "float", frames=1)
    assert render(shot, *NETWORK, "--env-exposure", "0") == 0
    assert render(shot, *NETWORK, "--env-exposure", "1", out=str(tmp_path / "up.####.exr")) == 0
    base, up = layer(shot.out_frame(1001), *RGB), layer(tmp_path / "up.1001.exr", *RGB)
    matte = layer(shot.out_frame(1001), "A")[..., 0] > 0
    np.testing.assert_allclose(up[matte], 2 * base[matte], rtol=1e-6)
    np.testing.assert_array_equal(up[~matte], base[~matte])


def test_a_turned_map_and_a_map_of_the_turn_light_alike(tmp_path):
    shot = Shot(tmp_path, "float", frames=1)
    turned = rotate(soft_light((-1.0, 0.2, 0.1)), rotation_matrix(15, -70, 5))
    env = str(write_exr(tmp_path / "turned.exr", turned, RGB))
    assert render(shot, *NETWORK, "--env-rotate", "15,-70,5", source=shot.env_a) == 0
    assert render(shot, *NETWORK, env=env, source=shot.env_a, out=str(tmp_path / "t.####.exr")) == 0
    a, b = layer(shot.out_frame(1001), *RGB), layer(tmp_path / "t.1001.exr", *RGB)
    inside = layer(shot.out_frame(1001), "A")[..., 0] > 0.99
    assert np.abs(a - b)[inside].mean() < 0.01 * a[inside].mean()


@pytest.mark.parametrize(("direction", "brighter"), [((-1, 0, 0), "left"), ((1, 0, 0), "right")])
def test_a_lamp_on_one_side_of_the_camera_lights_that_side(tmp_path, direction, brighter):
    shot = Shot(tmp_path, frames=1)
    env = str(write_exr(tmp_path / "side.exr", soft_light(direction, 0.05), RGB))
    assert render(shot, *NETWORK, env=env) == 0
    picture = layer(shot.out_frame(1001), *RGB).mean(-1)
    left, right = picture[:, :24].sum(), picture[:, 24:].sum()
    assert (left > 1.5 * right) if brighter == "left" else (right > 1.5 * left)


def test_a_light_behind_the_camera_lights_the_front(tmp_path):
    """The centre of the map is +Z, behind a camera that looks down -Z; the map's edge is what the camera sees."""
    shot = Shot(tmp_path, frames=1)
    for name, direction in (("behind", (0, 0, 1)), ("ahead", (0, 0, -1))):
        env = str(write_exr(tmp_path / f"{name}.exr", soft_light(direction, 0.05), RGB))
        assert render(shot, env=env, source=shot.env_a, out=str(tmp_path / f"{name}.####.exr")) == 0
    behind, ahead = (layer(tmp_path / f"{name}.1001.exr", *RGB)[24, 24].mean() for name in ("behind", "ahead"))
    assert behind > 5 * ahead


@pytest.mark.parametrize("kind", ["half", "float"])
def test_the_lamps_add_up_to_the_beauty(tmp_path, kind):
    shot = Shot(tmp_path, kind, frames=1)
    env = soft_light((-1.0, 0.2, 0.1))
    env[3:5, 40:43] = 80
    path = str(write_exr(tmp_path / "two.exr", env, RGB))
    assert render(shot, "--layers", "lamps", "--lamps", "3", "--mix", "0.7", env=path, source=shot.env_a) == 0
    names = {name.rpartition(".")[0] for name in read_exr(shot.out_frame(1001))[1].channelnames}
    assert {name for name in names if name.startswith("lamp")} == {"lamp1", "lamp2"}  # of three: the map has two
    parts = [layer(shot.out_frame(1001), *(f"{name}.{c}" for c in RGB)) for name in ("lamp1", "lamp2", "rest")]
    beauty = layer(shot.out_frame(1001), *RGB)
    total = np.sum(parts, axis=0, dtype=np.float32)
    if kind == "half":
        total = total.astype(np.float16).astype(np.float32)
        np.testing.assert_array_equal(total, beauty)
    np.testing.assert_allclose(total, beauty, atol=1e-6)
    assert parts[0].sum() > 0.1 * beauty.sum()
    assert min(part.min() for part in parts) > -1e-3


def test_the_ratio_layer_tells_the_change(tmp_path):
    shot = Shot(tmp_path, "float", frames=1)
    assert render(shot, "--layers", "ratio", "--grain", "off", "--env-exposure", "0.5", source=shot.env_a) == 0
    pixels, spec = read_exr(shot.out_frame(1001))
    ratio = layer(shot.out_frame(1001), "ratio.R", "ratio.G", "ratio.B")
    plate, alpha = layer(shot.plate_frame(1001), *RGB), layer(shot.plate_frame(1001), "A")
    epsilon, scale = spec.getattribute("relamp/epsilon"), spec.getattribute("relamp/scale")
    rebuilt = plate * ratio + epsilon * alpha * np.maximum(ratio - scale, 0)
    inside = alpha[..., 0] > 0
    np.testing.assert_allclose(rebuilt[inside], pixels[..., :3][inside], rtol=1e-4, atol=1e-6)


def test_outside_the_matte_the_files_own_numbers_stay(tmp_path):
    shot = Shot(tmp_path, frames=1)
    matte = np.zeros((48, 48, 1), np.float32)
    matte[:, :20] = 1
    path = str(write_exr(tmp_path / "matte.exr", matte, ("A",)))
    assert render(shot, "--matte", path, "--env-exposure", "2") == 0
    before, after = layer(shot.plate_frame(1001), *RGB), layer(shot.out_frame(1001), *RGB)
    np.testing.assert_array_equal(after[:, 20:], before[:, 20:])
    assert (after[10:38, 10:20] != before[10:38, 10:20]).all()


def test_a_plate_in_another_space_comes_back_in_it(tmp_path):
    shot = Shot(tmp_path, "float", frames=1)
    assert render(shot, "--colorspace", "lin_rec709_scene", "--mix", "0.5", source=shot.env_a) == 0
    _, spec = read_exr(shot.out_frame(1001))
    assert spec.getattribute("colorInteropID") == "lin_rec709_scene"
    assert spec.getattribute("relamp/colorspace") == "ACEScg"


def pixels_of(folder, frames=range(1001, 1005)):
    return [read_exr(Path(str(folder).replace("####", str(frame))))[0].tobytes() for frame in frames]


def test_any_split_any_threads_and_any_order_give_the_same_bits(tmp_path):
    shot, numbers = Shot(tmp_path, frames=3), (1001, 1002, 1003)
    more = (*NETWORK, "--layers", "ratio,lamps", "--env-rotate", "1001=0,0,0;1003=0,90,0")
    assert render(shot, *more, "--threads", "1") == 0
    whole = pixels_of(shot.out, numbers)
    threaded = str(tmp_path / "threads.####.exr")
    assert render(shot, *more, "--threads", "4", out=threaded) == 0
    assert pixels_of(threaded, numbers) == whole
    chunks = str(tmp_path / "chunks.####.exr")
    for frames in ("1002-1003", "1001"):
        assert render(shot, *more, "--frames", frames, out=chunks) == 0
    assert pixels_of(chunks, numbers) == whole


def test_a_killed_render_leaves_whole_frames_and_goes_on(tmp_path):
    shot = Shot(tmp_path, size=256, frames=8)
    command = [sys.executable, "-m", "relamp.core.cli", "render", shot.plate, "--env", shot.env_b, "--out", shot.out]
    command += ["--threads", "1", *QUICK_OPTIONS]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("frame 1002"):
            break
    process.kill()
    process.communicate()
    out = tmp_path / "out"
    for frame in out.glob("*.exr"):
        read_exr(frame)
    assert render(shot, "--skip-existing") == 0
    resumed = pixels_of(shot.out, range(1001, 1009))
    assert not list(out.glob(".*"))
    assert render(shot, out=str(tmp_path / "once.####.exr")) == 0
    assert resumed == pixels_of(tmp_path / "once.####.exr", range(1001, 1009))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_between_frames_with_its_exit_code(tmp_path, number):
    shot = Shot(tmp_path, size=256, frames=40)
    command = [sys.executable, "-m", "relamp.core.cli", "render", shot.plate, "--env", shot.env_b, "--out", shot.out]
    process = subprocess.Popen([*command, *QUICK_OPTIONS], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("frame 1001"):
            break
    process.send_signal(number)
    _, rest = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert "still missing" in rest
    report = json.loads((tmp_path / "out" / "relit.relamp.json").read_text())
    written = len(list((tmp_path / "out").glob("*.exr")))
    assert 0 < written < 40
    assert report["written"].startswith("1001")
    assert not list((tmp_path / "out").glob(".*"))


def test_frames_that_are_there_are_not_overwritten_unasked(tmp_path, capsys):
    shot = Shot(tmp_path, frames=2)
    assert render(shot) == 0
    before = os.stat(shot.out_frame(1001)).st_mtime_ns
    assert render(shot) == 2
    assert "frames 1001-1002 are already there" in capsys.readouterr().err
    assert os.stat(shot.out_frame(1001)).st_mtime_ns == before
    assert render(shot, "--overwrite") == 0


def test_only_frames_of_these_settings_count_as_finished(tmp_path, capsys):
    shot = Shot(tmp_path, frames=2)
    assert render(shot) == 0
    stamp = [os.stat(shot.out_frame(f)).st_mtime_ns for f in (1001, 1002)]
    assert render(shot, "--skip-existing") == 0
    assert [os.stat(shot.out_frame(f)).st_mtime_ns for f in (1001, 1002)] == stamp
    arguments = ["render", shot.plate, "--env", shot.env_b, "--out", shot.out, *QUICK_OPTIONS, "--mix", "0.5"]
    assert main([*arguments, "--skip-existing"]) == 0
    assert "was made with other settings" in capsys.readouterr().err
    again = os.stat(shot.out_frame(1001)).st_mtime_ns
    assert again != stamp[0]
    assert render(shot, "--skip-existing=any") == 0
    assert os.stat(shot.out_frame(1001)).st_mtime_ns == again


def test_a_changed_plate_is_rendered_again(tmp_path):
    shot = Shot(tmp_path, frames=2)
    assert render(shot) == 0
    first = pixels_of(shot.out, (1001, 1002))
    time.sleep(0.01)
    write_exr(shot.plate_frame(1002), lit_ball(soft_light((0, 1, 0))), BALL_CHANNELS, "half")
    assert render(shot, "--skip-existing") == 0
    assert pixels_of(shot.out, (1002,)) != first[1:]


def test_a_half_written_output_is_rendered_again(tmp_path):
    shot = Shot(tmp_path, frames=2)
    assert render(shot) == 0
    whole = shot.out_frame(1002).read_bytes()
    shot.out_frame(1002).write_bytes(whole[: len(whole) // 2])
    assert render(shot, "--skip-existing", "--verify") == 0
    read_exr(shot.out_frame(1002))


@pytest.mark.parametrize(
    ("policy", "code", "frames"), [("error", 4, 0), ("skip", 3, 3), ("hold", 0, 4), ("black", 0, 4)]
)
def test_a_gap_in_the_plate_is_treated_as_asked(tmp_path, capsys, policy, code, frames):
    shot = Shot(tmp_path)
    shot.plate_frame(1003).unlink()
    assert render(shot, "--missing", policy) == code
    assert len(list((tmp_path / "out").glob("*.exr"))) == frames
    said = capsys.readouterr().err
    if policy in ("error", "skip"):
        assert "1003" in said
    if policy == "hold":
        assert pixels_of(shot.out, (1003,)) == pixels_of(shot.out, (1002,))
    if policy == "black":
        assert not layer(shot.out_frame(1003), *RGB, "A").any()


def test_a_matte_of_another_size_is_refused_in_one_sentence(tmp_path, capsys):
    shot = Shot(tmp_path, frames=1)
    matte = write_exr(tmp_path / "matte.exr", np.ones((40, 48, 1), np.float32), ("A",))
    assert main(["render", shot.plate, "--env", shot.env_b, "--matte", str(matte), "--out", shot.out]) == 4
    assert capsys.readouterr().err.count("reformat it to the plate") == 1


def test_normals_with_holes_and_no_matte_are_warned_of(tmp_path, capsys):
    shot = Shot(tmp_path, frames=1)
    normals = np.zeros((48, 48, 3), np.float32)
    normals[8:40, 8:40] = (0.0, 0.0, 1.0)
    picture = np.full((48, 48, 3), 0.2, np.float32)
    write_exr(shot.plate_frame(1001), np.concatenate([picture, normals], -1), (*RGB, "N.X", "N.Y", "N.Z"))
    assert main(["render", shot.plate, "--env", shot.env_b, "--out", shot.out, "--backbone", "ratio"]) == 0
    assert "the normals are empty over 56 % of the frame, and no matte" in capsys.readouterr().err


def test_a_frame_that_fails_is_reported_and_the_rest_goes_on(tmp_path, capsys):
    shot = Shot(tmp_path)
    shot.plate_frame(1002).write_bytes(shot.plate_frame(1002).read_bytes()[:900])
    assert render(shot, "--keep-going", "--anchor", "1", source=shot.env_a) == 3
    assert sorted(p.name for p in (tmp_path / "out").glob("*.exr")) == [f"relit.{f}.exr" for f in (1001, 1003, 1004)]
    assert "1002" in capsys.readouterr().err
    report = json.loads((tmp_path / "out" / "relit.relamp.json").read_text())
    assert list(report["failed"]) == ["1002"]
    assert report["missing"] == "1002"


def test_each_part_of_a_shot_has_a_report_of_its_own(tmp_path):
    shot = Shot(tmp_path)
    assert render(shot, "--frames", "1001-1002") == 0
    assert render(shot, "--frames", "1003-1004") == 0
    names = sorted(p.name for p in (tmp_path / "out").glob("*.json"))
    assert names == ["relit.1001-1002.relamp.json", "relit.1003-1004.relamp.json"]


def test_a_sequence_of_environments_gives_each_frame_its_own_light(tmp_path):
    shot = Shot(tmp_path, frames=2)
    for frame, direction in ((1001, (-1, 0, 0)), (1002, (1, 0, 0))):
        write_exr(tmp_path / f"sky.{frame}.exr", soft_light(direction, 0.05), RGB)
    assert render(shot, env=str(tmp_path / "sky.####.exr")) == 0
    first, second = (layer(shot.out_frame(f), *RGB).mean(-1) for f in (1001, 1002))
    assert first[:, :24].sum() > first[:, 24:].sum()
    assert second[:, :24].sum() < second[:, 24:].sum()


def test_a_damaged_map_fails_its_own_frame_only(tmp_path):
    shot = Shot(tmp_path, frames=3)
    for frame in (1001, 1002, 1003):
        path = write_exr(tmp_path / f"sky.{frame}.exr", soft_light((-1, 0, 0)), RGB)
    path.write_bytes(b"broken")
    assert render(shot, "--keep-going", env=str(tmp_path / "sky.####.exr"), source=shot.env_a) == 3
    assert [p.name for p in sorted((tmp_path / "out").glob("*.exr"))] == ["relit.1001.exr", "relit.1002.exr"]


def test_a_still_and_a_sequence_of_it_light_alike(tmp_path):
    shot = Shot(tmp_path, frames=2)
    for frame in (1001, 1002):
        write_exr(tmp_path / f"same.{frame}.exr", soft_light((-1.0, 0.2, 0.1)), RGB)
    assert render(shot) == 0
    assert render(shot, env=str(tmp_path / "same.####.exr"), out=str(tmp_path / "s.####.exr")) == 0
    assert pixels_of(tmp_path / "s.####.exr", (1001, 1002)) == pixels_of(shot.out, (1001, 1002))


def test_a_matte_alone_is_enough_for_a_shape(tmp_path, capsys):
    shot = Shot(tmp_path, frames=1)
    write_exr(shot.plate_frame(1001), lit_ball(soft_light((0.3, 0.4, 1.0)))[..., :4], ("R", "G", "B", "A"), "half")
    env = str(write_exr(tmp_path / "left.exr", soft_light((-1, 0, 0), 0.05), RGB))
    assert main(["render", shot.plate, "--env", env, "--out", shot.out]) == 0
    assert "the shape is the network's guess" in capsys.readouterr().err
    picture = layer(shot.out_frame(1001), *RGB).mean(-1)
    assert picture[:, :24].sum() > 1.5 * picture[:, 24:].sum()


@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize(("backbone", "shape"), [("ratio", "face the camera"), ("relamp", "the network's guess")])
def test_without_matte_and_normals_the_whole_frame_is_relit_and_its_shape_is_said_once(
    tmp_path, capsys, backbone, shape, alpha
):
    shot = Shot(tmp_path, frames=2)
    picture = np.full((48, 48, 4), 1, np.float32)
    picture[..., :3] = 0.1 + lit_ball(soft_light((0.3, 0.4, 1.0)))[..., :3]
    for frame in (1001, 1002):
        write_exr(shot.plate_frame(frame), picture[..., : 3 + alpha], tuple("RGBA")[: 3 + alpha])
    arguments = ["render", shot.plate, "--env", shot.env_b, "--out", shot.out, "--backbone", backbone]
    assert main([*arguments, "--env-exposure", "1"]) == 0
    said = capsys.readouterr().err
    assert said.count("no normals and no matte: the whole frame is relit") == 1
    assert shape in said
    relit = layer(shot.out_frame(1001), *RGB)
    assert np.isfinite(relit).all()
    assert (relit != picture[..., :3]).all(axis=-1).mean() > 0.99


@pytest.mark.parametrize(
    ("more", "code", "words"),
    [
        (("--env", "gone.exr"), 4, "gone.exr"),
        (("--normals", "gone.####.exr"), 4, "--normals"),
        (("--matte", "gone.exr"), 4, "--matte"),
        (("--frames", "1004-1001"), 2, "1001-1004"),
        (("--frames", "900-905"), 4, "900-905"),
        (("--out", "one.exr"), 2, "####"),
        (("--out", "relit.####.png"), 2, ".exr"),
        (("--mix", "2"), 2, "mix must be 0 to 1"),
        (("--layers", "sparkle"), 2, "sparkle"),
        (("--layers", "normals"), 2, "already has a layer N"),
        (("--colorspace", "ACEScgg"), 2, "ACEScg"),
        (("--camera", "gone.json"), 4, "gone.json"),
        (("--backbone", "magic"), 2, "ratio"),
    ],
)
def test_bad_input_gets_a_sentence_and_a_code_before_any_work(tmp_path, capsys, more, code, words):
    shot = Shot(tmp_path)
    arguments = {"--env": shot.env_b, "--out": shot.out, **dict(zip(more[::2], more[1::2], strict=True))}
    flat = [item for pair in arguments.items() for item in pair]
    assert main(["render", shot.plate, *flat, "-q"]) == code
    assert words in capsys.readouterr().err
    assert not list(tmp_path.glob("out/*"))


def test_writing_over_the_plate_is_refused(tmp_path, capsys):
    shot = Shot(tmp_path)
    assert render(shot, "--overwrite", out=shot.plate) == 2
    assert "is an input" in capsys.readouterr().err


def test_an_output_that_cannot_be_written_says_so(tmp_path, capsys):
    shot = Shot(tmp_path, frames=1)
    (tmp_path / "file").write_text("not a folder")
    assert render(shot, out=str(tmp_path / "file" / "relit.####.exr")) == 6
    assert "file" in capsys.readouterr().err


def test_views_are_rendered_one_after_the_other(tmp_path):
    for view in ("left", "right"):
        write_exr(tmp_path / f"plate.{view}.1001.exr", lit_ball(soft_light((0.3, 0.4, 1.0))), BALL_CHANNELS, "half")
    env = str(write_exr(tmp_path / "b.exr", soft_light((-1.0, 0.2, 0.1)), RGB))
    plate, out = str(tmp_path / "plate.%V.####.exr"), str(tmp_path / "relit.%v.####.exr")
    assert main(["render", plate, "--env", env, "--out", out, "--views", "left,right", "-q", *QUICK_OPTIONS]) == 0
    assert pixels_of(tmp_path / "relit.l.####.exr", (1001,)) == pixels_of(tmp_path / "relit.r.####.exr", (1001,))


def test_a_saved_job_renders_the_same_on_a_farm(tmp_path):
    shot = Shot(tmp_path, frames=3)
    job = str(tmp_path / "shot.relamp.json")
    assert render(shot, *NETWORK, "--save-job", job, "--dry-run") == 0
    assert not (tmp_path / "out").exists()
    assert json.loads(Path(job).read_text())["measured"]["anchor"] > 0
    assert main(["render", "--job", job, "--frames", "1002-1003", "-q"]) == 0
    farm = pixels_of(shot.out, (1002, 1003))
    assert render(shot, *NETWORK, out=str(tmp_path / "here.####.exr")) == 0
    assert pixels_of(tmp_path / "here.####.exr", (1002, 1003)) == farm


def test_another_matte_channel_is_another_frame(tmp_path):
    shot = Shot(tmp_path, frames=1)
    mattes = np.zeros((48, 48, 2), np.float32)
    mattes[..., 0] = 1
    path = str(write_exr(tmp_path / "mattes.exr", mattes, ("a.A", "b.A")))
    assert render(shot, "--matte", f"{path}:a.A", source=shot.env_a) == 0
    lit = pixels_of(shot.out, (1001,))
    assert render(shot, "--matte", f"{path}:b.A", "--skip-existing", source=shot.env_a) == 0
    assert pixels_of(shot.out, (1001,)) != lit


@pytest.mark.parametrize("through", ["the path itself", "a link to its folder"])
def test_writing_over_the_light_is_refused_by_any_path(tmp_path, through):
    shot = Shot(tmp_path, frames=1)
    folder = tmp_path
    if through == "a link to its folder":
        folder = tmp_path / "link"
        folder.symlink_to(tmp_path)
    before = Path(shot.env_b).read_bytes()
    assert render(shot, "--overwrite", "--frames", "1001", out=str(folder / "b.exr")) == 2
    assert Path(shot.env_b).read_bytes() == before


def test_a_matte_lies_on_a_plate_whose_format_starts_elsewhere(tmp_path):
    shot = Shot(tmp_path, frames=1)
    ball = lit_ball(soft_light((0.3, 0.4, 1.0)))
    spec = oiio.ImageSpec(48, 48, 7, "float")
    spec.channelnames = BALL_CHANNELS
    spec.x = spec.full_x = 50
    spec.y = spec.full_y = 20
    spec.full_width = spec.full_height = 48
    file = oiio.ImageOutput.create(str(shot.plate_frame(1001)))
    assert file.open(str(shot.plate_frame(1001)), spec)
    assert file.write_image(ball)
    assert file.close()
    matte = np.zeros((48, 48, 1), np.float32)
    matte[:, :20] = 1
    path = str(write_exr(tmp_path / "matte.exr", matte, ("A",)))
    assert render(shot, "--matte", path, "--env-exposure", "2") == 0
    changed = (layer(shot.out_frame(1001), *RGB) != ball[..., :3]).any(axis=-1)
    assert changed[:, :20].sum() > 300
    assert not changed[:, 20:].any()


def test_what_is_typed_wins_over_the_job_even_when_it_is_nothing(tmp_path):
    shot = Shot(tmp_path, frames=1)
    job = str(tmp_path / "j.json")
    assert render(shot, "--layers", "ratio", "--save-job", job, "--dry-run") == 0
    assert main(["render", "--job", job, "--anchor", "7", "--layers", "", "-q"]) == 0
    _, spec = read_exr(shot.out_frame(1001))
    assert spec.getattribute("relamp/anchor") == 7
    assert not [name for name in spec.channelnames if name.startswith("ratio")]


def test_a_job_of_views_is_saved_with_all_of_them(tmp_path):
    for view in ("left", "right"):
        write_exr(tmp_path / f"plate.{view}.1001.exr", lit_ball(soft_light((0.3, 0.4, 1.0))), BALL_CHANNELS, "half")
    env = str(write_exr(tmp_path / "b.exr", soft_light((-1.0, 0.2, 0.1)), RGB))
    job = str(tmp_path / "stereo.json")
    plate, out = str(tmp_path / "plate.%V.####.exr"), str(tmp_path / "out.%V.####.exr")
    arguments = ["render", plate, "--env", env, "--out", out, "--views", "left,right", *QUICK_OPTIONS]
    assert main([*arguments, "--save-job", job, "--dry-run"]) == 0
    assert main(["render", "--job", job, "-q"]) == 0
    assert {p.name for p in tmp_path.glob("out.*.exr")} == {"out.left.1001.exr", "out.right.1001.exr"}


def camera_plate(tmp_path, alpha):
    """A ball before a grey wall with an alpha of its own; the plate's pixels, and the options that relight it by its matte."""
    ball = lit_ball(soft_light((0.3, 0.4, 1.0)))
    matte = ball[..., 3:4]
    picture = np.concatenate([ball[..., :3] + 0.3 * (1 - matte), alpha(matte)], -1).astype(np.float16)
    plate = write_exr(tmp_path / "plate.1001.exr", picture, tuple("RGBA"), "half")
    env = write_exr(tmp_path / "env.exr", soft_light((-1.0, 0.2, 0.1)), ("R", "G", "B"))
    given = str(write_exr(tmp_path / "matte.exr", matte, ("A",)))
    return picture, ["render", str(plate), "--env", str(env), "--matte", given, "--backbone", "ratio"]


@pytest.mark.parametrize("black", [True, False], ids=["black", "half"])
def test_a_matte_says_where_light_changes_also_where_the_alpha_is_zero(tmp_path, black, capsys):
    half = np.arange(48)[None, :, None] < 24
    picture, options = camera_plate(tmp_path, (lambda m: 0 * m) if black else (lambda m: m * half))
    assert main([*options, "--out", str(tmp_path / "relit.exr")]) == 0
    said = capsys.readouterr().err
    assert said.count("alpha is black all over") == (1 if black else 0)
    relit, _ = read_exr(tmp_path / "relit.exr")
    np.testing.assert_array_equal(relit[..., 3], picture[..., 3])
    opaque, options = camera_plate(tmp_path, lambda m: 0 * m + 1)
    assert main([*options, "--out", str(tmp_path / "opaque.exr"), "-q"]) == 0
    expected, _ = read_exr(tmp_path / "opaque.exr")
    assert np.abs(expected - opaque)[:, 24:].max() > 0.05
    # What has no alpha is not lifted out of the dark, which is all the difference there may be.
    np.testing.assert_allclose(relit[:, 30:, :3], expected[:, 30:, :3], rtol=2e-2, atol=2e-2)


def test_a_plate_of_a_black_alpha_without_a_matte_is_relit_as_a_whole(tmp_path):
    picture, _ = camera_plate(tmp_path, lambda m: 0 * m)
    normals = lit_ball(soft_light((0.3, 0.4, 1.0)))[..., 4:] + (0, 0, 1e-3)
    plate = write_exr(tmp_path / "n.1001.exr", np.concatenate([picture, normals], -1), BALL_CHANNELS)
    env = str(tmp_path / "env.exr")
    assert (
        main(["render", str(plate), "--env", env, "--backbone", "ratio", "--out", str(tmp_path / "r.exr"), "-q"]) == 0
    )
    assert (read_exr(tmp_path / "r.exr")[0][..., :3] != picture[..., :3]).any(-1).mean() > 0.9


def test_an_element_whose_alpha_is_empty_on_a_frame_is_not_a_camera_plate(tmp_path):
    glow = np.zeros((48, 48, 7), np.float16)
    glow[20:28, 20:28, :3] = 1
    glow[..., 6] = 1
    plate = str(write_exr(tmp_path / "g.1001.exr", glow, BALL_CHANNELS, "half"))
    env, source = (
        str(write_exr(tmp_path / f"{x}.exr", soft_light((x, 0.2, 0.1)), ("R", "G", "B"))) for x in (-1.0, 1.0)
    )
    out = str(tmp_path / "r.exr")
    arguments = ["render", plate, "--env", env, "--source-env", source, "--backbone", "ratio", "--out", out, "-q"]
    assert main(arguments) == 0
    np.testing.assert_array_equal(read_exr(tmp_path / "r.exr")[0], glow)


def test_views_in_one_file_are_each_rendered_from_their_own_picture(tmp_path):
    left, right = (lit_ball(soft_light((side, 0.4, 1.0)))[..., :4] for side in (-1.0, 1.0))
    both = np.concatenate([left, right], -1)
    names = (*"RGBA", *(f"right.{c}" for c in "RGBA"))
    plate = write_exr(tmp_path / "stereo.1001.exr", both, names, "half", multiView=("string[2]", ("left", "right")))
    env = str(write_exr(tmp_path / "env.exr", soft_light((-1.0, 0.2, 0.1)), ("R", "G", "B")))
    out = str(tmp_path / "relit.%V.exr")
    normals = str(write_exr(tmp_path / "n.exr", lit_ball(soft_light((0, 0, 1)))[..., 4:], ("N.X", "N.Y", "N.Z")))
    options = ["--env", env, "--normals", normals, "--backbone", "ratio", "-q", "--overwrite"]
    assert main(["render", str(plate), *options, "--out", out, "--views", "left,right"]) == 0
    pictures = {view: read_exr(tmp_path / f"relit.{view}.exr") for view in ("left", "right")}
    changed = {
        view: np.abs(pixels - both.astype(np.float16)).max(axis=(0, 1)) > 0.01 for view, (pixels, _) in pictures.items()
    }
    assert changed["left"].tolist() == [True, True, True, False] + [False] * 4
    assert changed["right"].tolist() == [False] * 4 + [True, True, True, False]
    for view, first in (("left", 0), ("right", 4)):
        alone = str(write_exr(tmp_path / "alone.exr", both[..., first : first + 4], tuple("RGBA"), "half"))
        assert main(["render", alone, *options, "--out", str(tmp_path / "one.exr")]) == 0
        np.testing.assert_array_equal(pictures[view][0][..., first : first + 4], read_exr(tmp_path / "one.exr")[0])


@pytest.mark.skipif(sys.platform != "linux", reason="names are bytes on Linux alone")
def test_files_whose_names_are_not_utf8_are_read_and_none_is_written(tmp_path, capsys):
    shot = Shot(tmp_path, frames=1)
    plate, env = (os.fsdecode(os.fsencode(tmp_path) + name) for name in (b"/caf\xe9.1001.exr", b"/ciel\xe9.exr"))
    os.rename(shot.plate_frame(1001), plate)
    os.rename(shot.env_b, env)
    options = ["render", plate, "--env", env, "--source-env", shot.env_a, "--backbone", "ratio"]
    assert main([*options, "--out", str(tmp_path / "relit.exr")]) == 0
    assert "caf\u00e9" in capsys.readouterr().err
    assert exr.header(tmp_path / "relit.exr")["relamp/env"].startswith("ciel\u00e9.exr ")
    before = set(os.listdir(tmp_path))
    assert main([*options, "--out", os.fsdecode(os.fsencode(tmp_path) + b"/\xe9.exr")]) == 2
    assert "not UTF-8" in capsys.readouterr().err
    assert set(os.listdir(tmp_path)) == before


@pytest.fixture
def in_rec709(tmp_path):
    """The pinned config, with Linear Rec.709 to work in."""
    config = ocio.Config.CreateFromFile(PINNED)
    config.setRole("scene_linear", "Linear Rec.709 (sRGB)")
    (tmp_path / "rec709.ocio").write_text(config.serialize())
    return str(tmp_path / "rec709.ocio")


def test_a_network_that_knows_acescg_alone_is_refused_where_another_space_is_worked_in(in_rec709):
    parameters = RelightParameters(backbone="ic-light")
    network = SimpleNamespace(steps=True, sees_background=True, any_working_space=False)
    backbone = cast(Backbone, SimpleNamespace(network=network))
    sentence = (
        r"--backbone ic-light was taught in ACEScg, and sha256:.* works in Linear Rec.709 \(sRGB\); "
        "give a --config whose scene_linear is ACEScg, or --backbone relamp or ratio"
    )
    with pytest.raises(UsageError, match=sentence):
        check_backbone(parameters, Colour(in_rec709), backbone, source_given=False)


@pytest.mark.parametrize("more", [(), ("--source-env",)], ids=["no source light", "a source light"])
def test_white_light_gives_the_same_picture_whatever_space_is_worked_in(tmp_path, in_rec709, more):
    shot, tag = Shot(tmp_path, "float", frames=1), ("--colorspace", "ACEScg", "--env-colorspace", "ACEScg")
    more = (*more, shot.env_a) if more else ()
    red = layer(shot.plate_frame(1001), *RGB, "A") * np.float32((1.2, 0.5, 0.25, 1))
    write_exr(shot.plate_frame(1001), red, (*RGB, "A"), "float")
    for path in (shot.env_a, shot.env_b):
        white = layer(Path(path), *RGB).mean(axis=2, keepdims=True).repeat(3, axis=2)
        write_exr(Path(path), white, RGB, "float")
    pictures = []
    for name, config in (("acescg", PINNED), ("rec709", in_rec709)):
        out = str(tmp_path / f"{name}.exr")
        lit = ["--env", shot.env_b, *more, "--layers", "albedo", "--grain", "off"]
        assert main(["render", shot.plate, *lit, *tag, "--config", config, "--out", out, "-q"]) == 0
        pictures.append((layer(out, *RGB), layer(out, "albedo.R", "albedo.G", "albedo.B")))
    (ours, albedo), (theirs, their_albedo) = pictures
    inside = layer(shot.plate_frame(1001), "A")[..., 0] > 0.99
    changed = np.abs(ours - layer(shot.plate_frame(1001), *RGB))[inside].max()
    assert changed > 0.1
    np.testing.assert_allclose(theirs[inside], ours[inside], rtol=5e-3, atol=1e-3)
    to_acescg = Colour(in_rec709).to_acescg
    np.testing.assert_allclose(their_albedo[inside] @ to_acescg.T, albedo[inside], rtol=5e-3, atol=2e-3)


def test_lamps_are_ordered_by_what_is_bright_in_the_working_space(tmp_path, in_rec709):
    pixels = np.full((32, 64, 3), 0.01, np.float32)
    pixels[8:10, 10:12, 0] = 100  # brighter than the green one by ACEScg's weights, darker by Rec.709's
    pixels[8:10, 40:42, 1] = 33
    path = str(write_exr(tmp_path / "two.exr", pixels, ("R", "G", "B")))
    for config, first in ((PINNED, 0), (in_rec709, 1)):
        colour = Colour(config)
        lamps = MapLight(Sequence.parse(path), colour, colour.working_space).lamps(1, 2).lights
        assert np.argmax(lamps[0].table.mean(axis=(0, 1))) == first


def test_a_view_that_nothing_is_read_of_is_refused(shot, capsys):
    out = shot.out.replace("relit", "relit.%V")
    arguments = [
        "render",
        shot.plate,
        "--env",
        shot.env_b,
        "--backbone",
        "ratio",
        "--out",
        out,
        "--views",
        "left,right",
    ]
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert "--views left: " in said
    assert "has no such view (it holds no views) and no path has %V" in said


def test_views_need_a_place_each(tmp_path, capsys):
    shot = Shot(tmp_path, frames=1)
    assert render(shot, "--views", "left,right") == 2
    assert "%V" in capsys.readouterr().err


def test_a_black_frame_is_black_without_an_alpha_too(tmp_path):
    shot = Shot(tmp_path)
    for frame in range(1001, 1005):
        ball = lit_ball(soft_light((0.3, 0.4, 1.0)))
        write_exr(shot.plate_frame(frame), ball[..., [0, 1, 2, 4, 5, 6]], (*RGB, "N.X", "N.Y", "N.Z"))
    matte = str(write_exr(tmp_path / "m.exr", np.ones((48, 48, 1), np.float32), ("A",)))
    shot.plate_frame(1003).unlink()
    assert render(shot, "--matte", matte, "--missing", "black") == 0
    assert not layer(shot.out_frame(1003), *RGB).any()


def shaped(shot, normals):
    ball = lit_ball(soft_light((0.3, 0.4, 1.0)))
    ball[..., 4:] = normals(ball[..., 4:], ball[..., 3:4])
    write_exr(shot.plate_frame(1001), ball, BALL_CHANNELS)
    return main(
        ["render", shot.plate, "--env", shot.env_b, "--source-env", shot.env_a, "--out", shot.out, *QUICK_OPTIONS]
    )


def test_an_empty_normals_pass_is_refused(tmp_path, capsys):
    assert shaped(Shot(tmp_path, frames=1), lambda n, a: 0 * n) == 4
    assert "normals are empty" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("normals", "words"),
    [
        (lambda n, a: (n * 0.5 + 0.5) * a, "encoded"),
        (lambda n, a: n * np.array((1, 1, -1), np.float32), "--normals-flip z"),
        (lambda n, a: n * np.array((1, -1, 1), np.float32), "--normals-flip y"),
    ],
)
def test_doubtful_normals_are_pointed_out(tmp_path, capsys, normals, words):
    assert shaped(Shot(tmp_path, frames=1), normals) == 0
    assert words in capsys.readouterr().err


def test_relighting_a_relit_plate_warns_of_its_old_layers(tmp_path, capsys):
    shot = Shot(tmp_path, frames=1)
    assert render(shot, "--layers", "ratio") == 0
    again = str(tmp_path / "again.####.exr")
    assert main(["render", shot.out, "--env", shot.env_a, "--out", again, *QUICK_OPTIONS]) == 0
    assert "was relit before" in capsys.readouterr().err


def test_an_anamorphic_matte_is_blown_up_in_square_pixels(tmp_path):
    shot = Shot(tmp_path, frames=1)
    squeezed = lit_ball(soft_light((0.3, 0.4, 1.0)), 96)[:, ::2, :4]
    write_exr(shot.plate_frame(1001), squeezed, ("R", "G", "B", "A"), "float", PixelAspectRatio=2.0)
    assert render(shot, "--layers", "normals") == 0
    found = layer(shot.out_frame(1001), "N.X", "N.Y", "N.Z")
    straight_on, coverage = sphere(96)
    true = along_rays(straight_on, camera_rays(96, 96, 40.0))
    inside = coverage[:, ::2] > 0.99
    angle = np.degrees(np.arccos(np.clip((found * true[:, ::2]).sum(-1)[inside], -1, 1)))
    assert angle.mean() < 5


def test_a_damaged_first_frame_is_its_own_failure_only(tmp_path):
    shot = Shot(tmp_path)
    shot.plate_frame(1001).write_bytes(b"nothing")
    assert render(shot, "--keep-going", "--layers", "ratio") == 3
    assert len(list((tmp_path / "out").glob("*.exr"))) == 3


def test_the_reason_is_said_when_no_frame_can_be_read(tmp_path, capsys):
    shot = Shot(tmp_path, frames=2)
    for frame in (1001, 1002):
        write_exr(shot.plate_frame(frame), np.ones((8, 8, 2), np.float32), ("Y", "Z"))
    assert render(shot) == 4
    assert "no R, G, B" in capsys.readouterr().err.splitlines()[-1]


def test_a_bug_in_one_frame_does_not_lose_the_night(tmp_path, monkeypatch):
    from relamp.core.shot import frame

    real, shot = frame.finish, Shot(tmp_path)
    calls = iter(range(99))

    def sometimes(*arguments):
        if next(calls) == 1:
            raise ZeroDivisionError("oops")
        return real(*arguments)

    monkeypatch.setattr(frame, "finish", sometimes)
    assert render(shot, "--keep-going", "--threads", "1") == 3
    report = json.loads((tmp_path / "out" / "relit.relamp.json").read_text())
    assert "ZeroDivisionError" in report["failed"]["1002"]
    assert len(list((tmp_path / "out").glob("*.exr"))) == 3


def test_normals_in_one_file_for_all_frames_are_read_once_until_the_file_changes(tmp_path, monkeypatch):
    from relamp.core.pictures import exr

    shot, read, normals = Shot(tmp_path, frames=3), [], tmp_path / "n.exr"
    read_normals = exr.read_normals

    def counted(*args):
        read.append(args)
        return read_normals(*args)

    monkeypatch.setattr(exr, "read_normals", counted)
    ball = lit_ball(soft_light((0, 0, 1)))[..., 4:]
    for pixels, count in ((ball, 1), (ball[:, ::-1], 2)):
        write_exr(normals, np.ascontiguousarray(pixels), ("N.X", "N.Y", "N.Z"))
        os.utime(normals, ns=(count, count))  # two files of one size may be written within one tick of the clock
        assert render(shot, "--normals", str(normals), "--overwrite", "--threads", "1", source=shot.env_a) == 0
        assert len(read) == count
