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
from shots import Shot, layer, read_exr, soft_light, sphere, write_exr

LEFT, RIGHT = bearing(-90, 0), bearing(90, 0)


@pytest.fixture
def shot(tmp_path):
    return Shot(tmp_path, frames=2)


def render(shot, *arguments):
    assert main(["render", shot.plate, "--out", shot.out, "-F", "1001", "--overwrite", "-q", *arguments]) == 0
    return layer(shot.out_frame(1001), *"RGB")


def test_words_and_the_map_they_were_saved_as_are_the_same_light(shot):
    words = "low warm sun from the left, cool sky"
    sky = str(shot.folder / "sky.exr")
    assert main(["env", "--prompt", words, "--out", sky]) == 0
    np.testing.assert_array_equal(render(shot, "--prompt", words), render(shot, "--env", sky))


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


def test_the_ball_of_a_mirror_needs_no_normals(tmp_path, capsys):
    light = soft_light((1.0, 0.2, 0.3), height=64)
    normals, coverage = sphere(96)
    seen = lookup(light, reflected(camera_rays(96, 96, 40.0), normals)) * coverage[..., None]
    ball = write_exr(tmp_path / "ball.exr", np.concatenate((seen, coverage[..., None]), -1), ("R", "G", "B", "A"))
    out = tmp_path / "set.exr"
    assert main(["env", "--from", str(ball), "--mirror", "--out", str(out)]) == 0
    left, right = irradiance(read_exr(out)[0], np.stack((LEFT, RIGHT)))[:, 1]
    true_left, true_right = irradiance(light, np.stack((LEFT, RIGHT)))[:, 1]
    assert right / left == pytest.approx(true_right / true_left, rel=0.3)
