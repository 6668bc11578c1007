"""What holds for every backbone holds for Relamp's own, with the weights that ship."""

import json
from pathlib import Path

import numpy as np

from relamp.core.cli import main
from shots import BALL_CHANNELS, Shot, layer, lit_ball, read_exr, soft_light, write_exr

RGB = ("R", "G", "B")


def render(shot: Shot, *more: str, out: str | None = None) -> int:
    arguments = ["render", shot.plate, "--env", shot.env_b, "--out", out or shot.out, "--backbone", "relamp", "-q"]
    return main([*arguments, *more])


def test_one_stop_more_is_a_factor_of_two(tmp_path):
    shot = Shot(tmp_path, "float", frames=1)
    assert render(shot) == 0
    assert render(shot, "--env-exposure", "1", out=str(tmp_path / "up.####.exr")) == 0
    base, up = layer(shot.out_frame(1001), *RGB), layer(tmp_path / "up.1001.exr", *RGB)
    matte = layer(shot.out_frame(1001), "A")[..., 0] > 0
    np.testing.assert_allclose(up[matte], 2 * base[matte], rtol=1e-6)


def test_outside_the_matte_nothing_is_touched(tmp_path):
    shot = Shot(tmp_path, frames=1)
    assert render(shot, "--source-env", shot.env_a) == 0
    before, after = layer(shot.plate_frame(1001), *RGB, "A"), layer(shot.out_frame(1001), *RGB, "A")
    outside = before[..., 3] == 0
    np.testing.assert_array_equal(after[outside], before[outside])


def test_a_light_that_is_fitted_for_its_level_changes_the_level_alone(tmp_path):
    shot = Shot(tmp_path, "float", frames=1)
    assert render(shot, "--env-level", "match") == 0
    assert render(shot, "--env-level", "absolute", out=str(tmp_path / "absolute.####.exr")) == 0
    match, absolute = layer(shot.out_frame(1001), *RGB), layer(tmp_path / "absolute.1001.exr", *RGB)
    inside = layer(shot.out_frame(1001), "A")[..., 0] > 0.9
    ratio = absolute[inside] / match[inside]
    assert abs(float(ratio.mean()) - 1) > 0.01
    np.testing.assert_allclose(ratio, ratio.mean(), rtol=2e-2)  # but for the smallest light there is, epsilon


def test_the_level_is_measured_alike_for_previews_and_renders(tmp_path):
    shot = Shot(tmp_path, frames=1, size=300)
    jobs = []
    for size in ("64", "300"):
        path = tmp_path / f"{size}.json"
        more = ("--env-level", "absolute", "--working-size", size, "--save-job", str(path), "--dry-run")
        assert render(shot, *more) == 0
        jobs.append(json.loads(path.read_text())["measured"])
    assert jobs[0] == jobs[1]
    assert jobs[0]["source_light"]


def test_a_light_that_begins_to_turn_begins_at_the_plate(tmp_path):
    shot = Shot(tmp_path, "float", frames=1)
    plate = layer(shot.plate_frame(1001), *RGB)
    moved = []
    for angle in ("0", "0.5", "2", "40"):
        turned = ("--env", shot.env_a, "--source-env", shot.env_a, "--env-rotate", f"0,{angle},0")
        assert render(shot, *turned, "--overwrite", "--grain", "off") == 0
        moved.append(np.abs(layer(shot.out_frame(1001), *RGB) - plate).mean())
    assert moved[0] == 0
    assert moved[0] < moved[1] < moved[2] < moved[3]
    assert moved[1] < 0.1 * moved[3]


def test_any_split_and_any_threads_give_the_same_bits(tmp_path, seen_anew):
    shot = Shot(tmp_path, frames=3)
    assert render(shot, "--threads", "1") == 0
    assert render(shot, "--threads", "3", "--frames", "1003", out=str(tmp_path / "c.####.exr")) == 0
    assert render(shot, "--threads", "3", "--frames", "1001-1002", out=str(tmp_path / "c.####.exr")) == 0
    for frame in (1001, 1002, 1003):
        np.testing.assert_array_equal(read_exr(tmp_path / f"c.{frame}.exr")[0], read_exr(shot.out_frame(frame))[0])


def test_a_lamp_on_the_left_lights_the_left_without_normals(tmp_path):
    shot = Shot(tmp_path, frames=1)
    write_exr(shot.plate_frame(1001), lit_ball(soft_light((0.3, 0.4, 1.0)))[..., :4], BALL_CHANNELS[:4], "half")
    env = str(write_exr(tmp_path / "left.exr", soft_light((-1, 0, 0), 0.05), RGB))
    assert main(["render", shot.plate, "--env", env, "--out", shot.out, "--backbone", "relamp", "-q"]) == 0
    picture = layer(shot.out_frame(1001), *RGB).mean(-1)
    assert picture[:, :24].sum() > 1.3 * picture[:, 24:].sum()


def test_a_frame_says_which_weights_made_it(tmp_path):
    shot = Shot(tmp_path, frames=1)
    assert render(shot) == 0
    _, spec = read_exr(shot.out_frame(1001))
    assert spec.getattribute("relamp/model") == "relamp"
    assert len(spec.getattribute("relamp/weights")) == 12


def test_steps_that_nothing_would_take_are_refused(tmp_path, capsys):
    shot = Shot(tmp_path, frames=1)
    assert render(shot, "--steps", "4") == 2
    assert "--steps 4" in capsys.readouterr().err
    assert not Path(shot.out).parent.exists()


def test_confidence_needs_no_ensemble(tmp_path):
    shot = Shot(tmp_path, frames=1)
    write_exr(shot.plate_frame(1001), lit_ball(soft_light((0.3, 0.4, 1.0)))[..., :4], BALL_CHANNELS[:4], "half")
    assert render(shot, "--layers", "confidence") == 0
    found = layer(shot.out_frame(1001), "confidence.A")[..., 0]
    inside = layer(shot.out_frame(1001), "A")[..., 0] > 0.99
    assert 0.2 < found[inside].min() < found[inside].max() <= 1
    assert not found[layer(shot.out_frame(1001), "A")[..., 0] == 0].any()


def test_given_normals_are_trusted_fully(tmp_path):
    shot = Shot(tmp_path, frames=1)
    assert render(shot, "--layers", "confidence") == 0
    inside = layer(shot.out_frame(1001), "A")[..., 0] > 0.99
    assert layer(shot.out_frame(1001), "confidence.A")[..., 0][inside].min() > 0.95


def test_a_device_that_is_not_there_is_said_so(tmp_path, capsys):
    shot = Shot(tmp_path, frames=1)
    assert render(shot, "--device", "cuda:7") == 5
    assert "cuda:7" in capsys.readouterr().err
    assert not Path(shot.out).parent.exists()


def test_under_one_hard_lamp_a_subject_keeps_its_mean_brightness(tmp_path):
    shot = Shot(tmp_path, "float", frames=1)
    even = np.full((32, 64, 3), 0.5, np.float32)
    write_exr(shot.plate_frame(1001), lit_ball(even)[..., :4], BALL_CHANNELS[:4], "half")
    lamp = np.full((32, 64, 3), 1e-3, np.float32)
    lamp[14:16, 47:49] = 200.0  # from the left
    env = str(write_exr(tmp_path / "lamp.exr", lamp, RGB))
    assert main(["render", shot.plate, "--env", env, "--out", shot.out, "--backbone", "relamp", "-q"]) == 0
    inside = layer(shot.out_frame(1001), "A")[..., 0] > 0.99
    before, after = (layer(path, *RGB)[inside].mean() for path in (shot.plate_frame(1001), shot.out_frame(1001)))
    assert 0.7 < after / before < 1.4
