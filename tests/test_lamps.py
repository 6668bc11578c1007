import numpy as np
import pytest

from relamp.core.errors import ParameterError
from relamp.core.light import environment as env
from relamp.core.light.lamps import split


def direction(azimuth, elevation):
    """Azimuth from +Z towards +X, degrees."""
    a, e = np.radians((azimuth, elevation))
    return np.array((np.sin(a) * np.cos(e), np.sin(e), np.cos(a) * np.cos(e)))


def angle(a, b):
    return np.degrees(np.arccos(np.clip(a @ b, -1, 1)))


def sky(height=128):
    up = env.directions(height, 2 * height)[..., 1:2]
    return (np.where(up > 0, 1 - 0.6 * up, 0.15) * (0.6, 0.8, 1.2)).astype(np.float32)


def with_disc(pixels, centre, radius, radiance):
    near = env.directions(*pixels.shape[:2]) @ centre > np.cos(np.radians(radius))
    return np.where(near[..., None], np.float32(radiance), pixels).astype(np.float32)


def studio():
    pixels = np.full((128, 256, 3), 0.02, np.float32)
    pixels = with_disc(pixels, direction(0, 85), 25, (8, 8, 8))
    pixels = with_disc(pixels, direction(70, 20), 15, (20, 18, 15))
    return with_disc(pixels, direction(180, 5), 8, (10, 14, 20))


MAPS = {
    "sun": with_disc(sky(256), direction(40, 25), 0.6, (4e4, 3.5e4, 2e4)),
    "studio": studio(),
    "noise": np.random.default_rng(0).lognormal(0, 2, (64, 128, 3)).astype(np.float32),
    "black": np.zeros((16, 32, 3), np.float32),
    "one pixel": with_disc(np.zeros((32, 64, 3), np.float32), env.directions(32, 64)[0, 5], 0.1, (1e6, 1, 1e-6)),
}


@pytest.mark.parametrize("name", MAPS)
def test_the_parts_sum_to_the_map_bit_for_bit(name):
    lamps = split(MAPS[name], 3)
    total = lamps.rest.copy()
    for part in lamps.parts():
        assert part.any()
        total += part
    np.testing.assert_array_equal(total, MAPS[name])


def test_a_sun_is_found_with_its_direction_size_and_colour():
    lamps = split(MAPS["sun"], 4)
    (sun,) = lamps.lamps
    assert angle(sun.direction, direction(40, 25)) < 0.4
    assert sun.angular_radius == pytest.approx(0.6, abs=0.15)
    np.testing.assert_allclose(sun.colour / sun.colour[0], (1, 3.5 / 4, 0.5), rtol=0.01)
    assert env.level(lamps.part(0)) / env.level(MAPS["sun"]) == pytest.approx(sun.share)
    np.testing.assert_allclose(sun.energy, env.mean_radiance(lamps.part(0)) * 4 * np.pi, rtol=1e-5)


def test_softboxes_are_found_whole_strongest_first_even_overhead():
    lamps = split(studio(), 5).lamps
    expected = ((direction(0, 85), 25), (direction(70, 20), 15), (direction(180, 5), 8))
    assert len(lamps) == 3
    for lamp, (centre, radius) in zip(lamps, expected, strict=True):
        assert angle(lamp.direction, centre) < 1
        assert lamp.angular_radius == pytest.approx(radius, abs=1)
    assert lamps[0].share > lamps[1].share > lamps[2].share


def test_two_suns_twenty_degrees_apart_are_two_lamps_even_in_haze():
    pixels = with_disc(sky(256), direction(50, 25), 25, (6, 6, 6))
    pixels = with_disc(pixels, direction(40, 25), 0.6, (4e4, 4e4, 4e4))
    pixels = with_disc(pixels, direction(60, 25), 0.6, (3e4, 1e4, 1e4))
    white, red = split(pixels, 2).lamps
    assert angle(white.direction, direction(40, 25)) < 0.5
    assert angle(red.direction, direction(60, 25)) < 0.5
    assert red.colour[0] / red.colour[1] == pytest.approx(3, rel=0.02)


def test_the_panes_of_a_window_are_one_lamp():
    pixels = np.full((128, 256, 3), 0.05, np.float32)
    pixels[50:70, 100:130] = 10
    pixels[60, 100:130] = 0.05
    pixels[50:70, 114:116] = 0.05
    (window,) = split(pixels, 4).lamps
    assert window.share > 0.5


def test_a_lamp_across_the_seam_is_one_lamp():
    (lamp,) = split(with_disc(sky(), direction(180, 10), 5, (100, 100, 100)), 3).lamps
    assert angle(lamp.direction, direction(180, 10)) < 1


def test_only_the_strongest_are_taken_and_the_others_stay_in_the_rest():
    lamps = split(studio(), 1)
    assert len(lamps.lamps) == 1
    assert angle(lamps.lamps[0].direction, direction(0, 85)) < 1
    assert lamps.rest.max() == 20
    assert not lamps.part(1).any()


@pytest.mark.parametrize("angles", [(0, 33.3, 0), (20, 77, 30), (-60, 10, 100)])
@pytest.mark.parametrize("name", ["sun", "studio"])
def test_the_same_lamps_are_found_wherever_the_map_is_turned(name, angles):
    matrix = env.rotation_matrix(*angles)
    before, after = split(MAPS[name], 3).lamps, split(env.rotate(MAPS[name], matrix), 3).lamps
    assert len(before) == len(after)
    for one, other in zip(before, after, strict=True):
        assert angle(matrix @ one.direction, other.direction) < 1
        assert other.share == pytest.approx(one.share, abs=0.01)


def test_exposure_changes_no_lamp():
    np.testing.assert_array_equal(split(studio() * np.float32(8), 3).labels, split(studio(), 3).labels)


@pytest.mark.parametrize(
    "pixels", [np.ones((32, 64, 3), np.float32), sky(), MAPS["black"]], ids=["even", "sky", "black"]
)
def test_a_light_without_compact_lamps_has_none(pixels):
    lamps = split(pixels, 4)
    assert lamps.lamps == ()
    np.testing.assert_array_equal(lamps.rest, pixels)


def test_no_lamps_asked_for_is_all_rest():
    assert split(studio(), 0).parts() == []


@pytest.mark.parametrize("count", [-1, 256])
def test_a_number_of_lamps_out_of_range_is_refused(count):
    with pytest.raises(ParameterError, match=f"got {count}"):
        split(studio(), count)
