"""`relamp env`: maps made from words, from a plate behind and from the plate itself, written and given back."""

from __future__ import annotations

import numpy as np
import pytest

from relamp.core.cli import main
from relamp.core.light.backdrop import camera_rays
from relamp.core.light.canvas import bearing
from relamp.core.light.environment import directions, lookup
from relamp.core.light.irradiance import irradiance
from relamp.core.light.mirror import unwrap
from relamp.core.light.reflection import reflected
from shots import QUICK_OPTIONS, Shot, layer, read_exr, soft_light, sphere, write_exr


@pytest.fixture
def shot(tmp_path):
    return Shot(tmp_path, frames=2)


def render(shot, *arguments):
    given = ["-F", "1001", "--overwrite", "-q", *QUICK_OPTIONS, *arguments]
    assert main(["render", shot.plate, "--out", shot.out, *given]) == 0
    return layer(shot.out_frame(1001), *"RGB")


def test_words_and_the_map_they_were_saved_as_are_the_same_light(shot):
    words = "low warm sun from the left, cool sky"
    sky = str(shot.folder / "sky.exr")
    assert main(["env", "--prompt", words, "--out", sky]) == 0
    np.testing.assert_array_equal(render(shot, "--prompt", words), render(shot, "--env", sky))


def test_a_dim_light_lowers_the_subject_where_its_level_is_free(shot):
    plain, dim = (render(shot, "--prompt", words, "-d", "float") for words in ("lamp", "dim lamp"))
    inside = layer(shot.plate_frame(1001), "A")[..., 0] == 1
    np.testing.assert_allclose(dim[inside], plain[inside] * 2**-1.5, rtol=1e-4)
    absolute = ("--source-env", shot.env_a, "--env-level", "absolute", "-d", "float")
    plain, dim = (render(shot, "--prompt", words, *absolute) for words in ("lamp", "dim lamp"))
    np.testing.assert_allclose(dim[inside], plain[inside] * 2**-1.5, rtol=1e-2)


def test_a_saved_light_says_what_it_is_and_is_not_written_over(tmp_path, capsys):
    sky = tmp_path / "sky.exr"
    assert main(["env", "--prompt", "candle", "--out", str(sky)]) == 0
    _, spec = read_exr(sky)
    assert spec.getattribute("relamp/prompt") == "candle"
    assert spec.getattribute("textureformat") == "LatLong Environment"
    assert main(["env", "--prompt", "moon", "--out", str(sky)]) == 2
    assert "already there" in capsys.readouterr().err
    assert main(["env", "--prompt", "moon", "--out", str(tmp_path / "sky.png")]) == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "one light"),
        (["a.exr", "--prompt", "sun"], "one light"),
        (["--prompt", "snu"], "'snu'"),
        (["--prompt", "sun", "--matte", "m.exr"], "--matte says where to read the light off"),
    ],
)
def test_what_is_no_light_is_refused(capsys, arguments, said):
    assert main(["env", *arguments]) == 2
    assert said in capsys.readouterr().err


def test_the_vocabulary_is_listed(capsys):
    assert main(["env", "--words"]) == 0
    listed = capsys.readouterr().out
    for word in ("golden hour", "softbox", "camera left", "3200 K"):
        assert word in " ".join(listed.split())


def test_a_source_light_is_read_off_the_plate_and_can_be_given_back(shot):
    source = shot.folder / "source.exr"
    assert main(["env", "--from", shot.plate, "--out", str(source)]) == 0
    pixels, _ = read_exr(source)
    found = irradiance(pixels, bearing(20, 25)[None]) / irradiance(pixels, bearing(200, -25)[None])
    assert found.min() > 1.5  # the plate was lit from the front, a little right and above
    # Given back as the light to come, the plate hardly changes.
    relit = render(shot, "--env", str(source), "--source-env", str(source))
    np.testing.assert_array_equal(relit, layer(shot.plate_frame(1001), *"RGB"))


def test_a_chrome_ball_is_unwrapped_to_the_light_it_mirrors():
    light = soft_light((-1.0, 0.3, 0.4), height=64)
    normals, coverage = sphere(200)
    rays = camera_rays(200, 200, 5.0)
    seen = lookup(light, reflected(rays, normals))
    found = unwrap(seen, normals, rays, coverage, rows=32)
    d = directions(32, 64)
    error = np.abs(np.log(found / lookup(light, d))).max(axis=-1)
    mirrored = d[..., 2] > -0.8  # straight behind the ball nothing is mirrored
    assert np.quantile(error[mirrored], 0.95) < 0.1


def test_the_ball_of_a_mirror_needs_no_normals_wherever_it_stands(tmp_path):
    light = soft_light((1.0, 0.2, 0.3), height=64)
    rays = camera_rays(240, 120, 40.0)
    for x in (-0.2, 0.0, 0.25):
        normals, coverage = ball_before(rays, np.array([x, 0.02, -1.0]), np.radians(3.5))
        seen = lookup(light, reflected(rays, normals)) * coverage[..., None]
        ball = write_exr(tmp_path / f"{x}.exr", np.concatenate((seen, coverage[..., None]), -1), ("R", "G", "B", "A"))
        out = tmp_path / f"set{x}.exr"
        assert main(["env", "--from", str(ball), "--mirror", "--out", str(out)]) == 0
        found, true = key_of(read_exr(out)[0]), key_of(light)
        assert np.degrees(np.arccos(found @ true)) < 8


def ball_before(rays, middle, half_angle):
    """Camera-space normals and coverage of a ball that a perspective camera sees around a direction."""
    middle = middle / np.linalg.norm(middle)
    along = rays @ middle
    inside = along > np.cos(half_angle)
    depth = along - np.sqrt(np.maximum(along**2 - np.cos(half_angle) ** 2, 0))
    normals = (rays * depth[..., None] - middle) / np.sin(half_angle)
    return np.where(inside[..., None], normals, (0, 0, 1)).astype(np.float32), inside.astype(np.float32)


def key_of(pixels):
    """Where a surface receives most."""
    facing = directions(16, 32).reshape(-1, 3)
    received = irradiance(pixels, facing).sum(axis=-1)
    toward = (facing * (received**8)[:, None]).sum(axis=0)
    return toward / np.linalg.norm(toward)


def test_a_mirror_without_a_matte_is_refused(tmp_path, capsys):
    plate = str(write_exr(tmp_path / "ball.exr", np.ones((32, 32, 3), np.float32), ("R", "G", "B")))
    assert main(["env", "--from", plate, "--mirror", "--out", str(tmp_path / "set.exr")]) == 2
    assert "--matte of it" in capsys.readouterr().err
