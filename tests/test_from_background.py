"""The light a background tells of, and which of map, words and background is the light when several are given."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from relamp.core.cli import main
from relamp.core.errors import InputError, ParameterError
from relamp.core.light.backdrop import backdrop, camera_rays
from relamp.core.light.camera import default_camera
from relamp.core.light.canvas import bearing
from relamp.core.light.environment import rotation_matrix
from relamp.core.light.from_background import LIFT_MOST, from_background, lift_clipped
from relamp.core.light.irradiance import irradiance
from relamp.core.light.sources import BackgroundLight
from relamp.core.parameters import RelightParameters
from relamp.core.pictures.colour import Colour
from relamp.core.pictures.sequence import Sequence
from shots import QUICK_OPTIONS, Shot, layer, write_exr

RAYS = camera_rays(96, 54, 40.0)
LEFT, RIGHT = bearing(-90, 0), bearing(90, 0)
TOWARD_CAMERA = np.stack([bearing(a, e) for a in (-60, 0, 60) for e in (-30, 0, 30)])


def picture(seed=0, height=54, width=96):
    rng = np.random.default_rng(seed)
    coarse = 0.1 + rng.random((6, 8, 3), np.float32)
    return coarse.repeat(height // 6, axis=0).repeat(width // 8, axis=1)


def split_picture():
    halves = np.full((54, 96, 3), 0.1, np.float32)
    halves[:, 48:] = 0.6
    return halves


def test_the_camera_sees_the_background_where_it_stood():
    smooth = np.linspace(0.2, 1.0, 1920, dtype=np.float32)[None, :, None] * np.ones((1080, 1, 3), np.float32)
    seen = backdrop(from_background(smooth, RAYS, rows=256), RAYS)
    np.testing.assert_allclose(seen[10:-10, 10:-10], smooth[10::20, 10::20][10:-10, 10:-10], rtol=0.03)


def test_the_bright_side_of_the_picture_is_the_bright_side_of_the_light():
    right, left = irradiance(from_background(split_picture(), RAYS), np.stack((RIGHT, LEFT)))[:, 1]
    assert right > 1.5 * left


@pytest.mark.parametrize("turn", [(0, 90, 0), (20, -130, 10)])
def test_the_light_turns_with_the_camera(turn):
    matrix = rotation_matrix(*turn).astype(np.float32)
    still = irradiance(from_background(split_picture(), RAYS), TOWARD_CAMERA)
    moved = irradiance(from_background(split_picture(), RAYS @ matrix.T), TOWARD_CAMERA @ matrix.T)
    # Light from above is stronger in the world and not in the camera, so a tilt changes a little.
    np.testing.assert_allclose(moved, still, rtol=0.02 if turn[0] == 0 else 0.35)


def test_a_stop_more_is_a_stop_more():
    np.testing.assert_allclose(from_background(2 * picture(), RAYS), 2 * from_background(picture(), RAYS), rtol=1e-4)


def test_grain_does_not_make_the_light_flicker():
    rng = np.random.default_rng(1)
    clean = picture(height=540, width=960)
    lights = [
        irradiance(
            from_background(clean * (1 + 0.1 * rng.standard_normal(clean.shape)).astype(np.float32), RAYS),
            TOWARD_CAMERA,
        )
        for _ in range(3)
    ]
    assert np.std(np.log(lights), axis=0).max() < 0.005


def test_the_size_of_the_plate_does_not_matter():
    small, large = (from_background(picture(height=54 * k, width=96 * k), RAYS) for k in (1, 4))
    np.testing.assert_allclose(irradiance(small, TOWARD_CAMERA), irradiance(large, TOWARD_CAMERA), rtol=0.02)


def test_pixels_that_are_no_light_are_looked_past():
    spoilt = picture()
    spoilt[3, 5] = (np.nan, np.inf, -1)
    light = from_background(spoilt, RAYS)
    assert np.isfinite(light).all()
    np.testing.assert_allclose(
        irradiance(light, TOWARD_CAMERA), irradiance(from_background(picture(), RAYS), TOWARD_CAMERA), rtol=0.03
    )


def test_a_small_clipped_lamp_is_lifted_more_than_a_large_clipped_sky():
    lifts = []
    for rows, columns in ((4, 6), (18, 96)):
        clipped = picture() * 0.5
        clipped[:rows, :columns] = 1.2
        lifts.append(float(lift_clipped(clipped)[0, 0, 0]) / 1.2)
    assert 1.001 * LIFT_MOST > lifts[0] > lifts[1] >= 1
    assert lifts[0] > 4


@pytest.mark.parametrize(
    "seen",
    [np.full((54, 96, 3), 0.4, np.float32), np.random.default_rng(2).lognormal(size=(270, 480, 3)).astype(np.float32)],
)
def test_a_flat_picture_and_an_unclipped_one_are_left_alone(seen):
    np.testing.assert_array_equal(lift_clipped(seen), seen)


def test_a_black_background_is_refused():
    with pytest.raises(InputError, match="tells of no light"):
        from_background(np.zeros((54, 96, 3), np.float32), RAYS)


# ---------------------------------------------------------------------------------------------------- which one is the light


@pytest.mark.parametrize(
    ("given", "light"),
    [
        ({"env": "a.exr"}, "env"),
        ({"prompt": "sun"}, "prompt"),
        ({"background": "b.exr"}, "background"),
        ({"env": "a.exr", "background": "b.exr"}, "env"),
        ({"prompt": "sun", "background": "b.exr"}, "prompt"),
        ({"env": "a.exr", "prompt": "a cat", "backbone": "ic-light"}, "env"),
        ({"background": "b.exr", "prompt": "a cat", "backbone": "relightvid"}, "background"),
        ({"prompt": "a cat", "backbone": "ic-light"}, "network"),
    ],
)
def test_what_wins(given, light):
    assert RelightParameters(**given).lit_by() == light


@pytest.mark.parametrize(
    "given", [{}, {"env": "a.exr", "prompt": "sun"}, {"env": "a.exr", "prompt": "sun", "background": "b.exr"}]
)
def test_no_light_and_two_lights_are_refused(given):
    with pytest.raises(ParameterError, match=r"what the (new )?light is"):
        RelightParameters(**given).lit_by()


@pytest.fixture
def shot(tmp_path):
    shot = Shot(tmp_path, frames=3)
    for frame in (1001, 1002, 1003):
        write_exr(tmp_path / f"bg.{frame}.exr", split_picture() * np.float32(2.0 ** (frame - 1001)), ("R", "G", "B"))
    return shot


def render(shot, *arguments, frames="1001", code=0):
    done = main(["render", shot.plate, "--out", shot.out, "-F", frames, "--overwrite", "-q", *arguments])
    assert done == code
    return layer(shot.out_frame(1001), *"RGB") if code == 0 else None


def background(shot):
    return "--background", str(shot.folder / "bg.####.exr")


def test_with_a_map_the_background_lights_nothing(shot):
    plain = ("--env", shot.env_b, "--backbone", "ratio")
    np.testing.assert_array_equal(render(shot, *plain), render(shot, *plain, *background(shot)))


def test_the_exposure_of_a_background_that_lights_is_the_subjects(shot):
    plain, more = (render(shot, *background(shot), "--background-exposure", stops) for stops in ("0", "1"))
    inside = plain > 0.01
    np.testing.assert_allclose(more[inside], 2 * plain[inside], rtol=2e-3)


def test_a_background_that_brightens_brightens_the_subject_where_levels_count(shot):
    levels = ("--env-level", "absolute", "--backbone", "ratio", "-d", "float")
    render(shot, *background(shot), *levels, frames="1001-1003")
    plates = [layer(shot.plate_frame(f), *"RGB") for f in (1001, 1002, 1003)]
    relit = [layer(shot.out_frame(f), *"RGB") for f in (1001, 1002, 1003)]
    gains = [np.median((r / np.maximum(p, 1e-6))[p > 0.05]) for r, p in zip(relit, plates, strict=True)]
    np.testing.assert_allclose(np.diff(np.log2(gains)), 1, atol=0.01)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--backbone", "ratio", "--ensemble", "3"), "--ensemble 3 asks a network"),
        (("--backbone", "ratio", "--background-exposure", "1"), "the light comes of --env"),
        (("--backbone", "relamp", "--background-exposure", "1"), "the light comes of --env"),
        (("--backbone", "ratio", "--background", "bg", "--background-exposure", "1"), "the light comes of --env"),
        (("--backbone", "ratio", "--background", "bg", "--background-exposure", "1=0;2=1"), "the light comes of --env"),
    ],
)
def test_a_setting_nothing_would_look_at_is_refused_before_any_work(shot, capsys, more, words):
    there = [background(shot)[1] if word == "bg" else word for word in more]
    assert main(["render", shot.plate, "--env", shot.env_b, "--out", shot.out, "-q", *there]) == 2
    assert words in capsys.readouterr().err
    assert not Path(shot.out).parent.exists()


def test_a_background_frame_that_is_missing_is_named(shot, capsys):
    (shot.folder / "bg.1002.exr").unlink()
    render(shot, *background(shot), frames="1001-1003", code=4)
    assert "1002" in capsys.readouterr().err


def test_another_background_renders_a_finished_frame_again(shot):
    render(shot, *background(shot), "-d", "float", *QUICK_OPTIONS)
    first = layer(shot.out_frame(1001), *"RGB")
    write_exr(shot.folder / "bg.1001.exr", split_picture()[:, ::-1], ("R", "G", "B"))
    assert (
        main(
            [
                "render",
                shot.plate,
                "--out",
                shot.out,
                "-F",
                "1001",
                "--skip-existing",
                "-d",
                "float",
                "-q",
                *QUICK_OPTIONS,
                *background(shot),
            ]
        )
        == 0
    )
    assert not np.array_equal(first, layer(shot.out_frame(1001), *"RGB"))


def test_delight_and_relight_are_one_relight_in_two_steps(shot):
    exact = ("-d", "float", "--grain", "off", "--env-level", "match", "--backbone", "ratio")
    even = str(shot.folder / "even.exr")
    assert main(["env", "--prompt", "even white light", "--out", even]) == 0
    once = render(shot, "--env", shot.env_b, "--source-env", shot.env_a, *exact)
    delit = str(shot.folder / "delit.1001.exr")
    assert (
        main(
            [
                "render",
                shot.plate,
                "--env",
                even,
                "--source-env",
                shot.env_a,
                "--out",
                delit,
                "-F",
                "1001",
                "-q",
                *exact,
            ]
        )
        == 0
    )
    flat = layer(shot.folder / "delit.1001.exr", *"RGB")
    twice = str(shot.folder / "twice.1001.exr")
    assert main(["render", delit, "--env", shot.env_b, "--source-env", even, "--out", twice, "-q", *exact]) == 0
    inside = layer(shot.plate_frame(1001), "A")[..., 0] == 1
    assert flat[inside].std() < 0.1 * layer(shot.plate_frame(1001), *"RGB")[inside].std()  # one grey: its albedo
    np.testing.assert_allclose(layer(shot.folder / "twice.1001.exr", *"RGB")[inside], once[inside], rtol=0.02)


def test_a_lamp_beyond_half_in_the_background_is_as_bright_as_half_can_say(tmp_path):
    seen = picture()
    seen[10:20, 70:80] = 65504
    written = write_exr(tmp_path / "held.exr", seen, ("R", "G", "B"), "half")
    seen[10:20, 70:80] = 2e5  # which half makes infinity of
    beyond = write_exr(tmp_path / "beyond.exr", seen, ("R", "G", "B"), "half")
    lights = [
        BackgroundLight(Sequence.parse(path), Colour(), default_camera()).environment(1) for path in (written, beyond)
    ]
    np.testing.assert_array_equal(lights[0].pixels, lights[1].pixels)
