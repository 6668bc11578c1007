"""Procedural environments: real light, the same from the same seed, at any size and moment."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from relamp.core.errors import UsageError
from relamp.core.light.canvas import UP, Canvas, bearing
from relamp.core.light.environment import directions, mean_radiance, solid_angles
from relamp.core.light.sky import LUMINANCE, SUN_SOLID_ANGLE, blackbody, sky_radiance, sun_irradiance
from relamp.training.environments import KINDS, animate, paint, sample_environment


def irradiance_facing(pixels: np.ndarray, normal: np.ndarray) -> np.ndarray:
    height, width = pixels.shape[:2]
    cosine = np.maximum(directions(height, width) @ normal, 0.0)
    return (pixels * (cosine * solid_angles(height, width)[:, None])[..., None]).sum(axis=(0, 1))


# published values


def test_sun_at_the_zenith_of_a_clear_day_gives_about_100_klx():
    illuminance = float(sun_irradiance(np.pi / 2, 2.0) @ LUMINANCE)  # units of 10 klx
    assert 9.0 < illuminance < 12.0


def test_a_clear_sky_is_blue_and_brightest_around_the_sun():
    sun = bearing(0.0, 40.0)
    opposite = sky_radiance(bearing(180.0, 50.0), sun, 2.5)
    assert opposite[2] > 1.3 * opposite[0]
    assert sky_radiance(bearing(0.0, 45.0), sun, 2.5) @ LUMINANCE > 3.0 * opposite @ LUMINANCE


def test_a_low_sun_is_weaker_and_redder_than_a_high_one():
    low, high = sun_irradiance(np.radians(3.0), 3.0), sun_irradiance(np.radians(60.0), 3.0)
    assert low @ LUMINANCE < 0.4 * high @ LUMINANCE
    assert low[0] / low[2] > 2.0 * high[0] / high[2]


@pytest.mark.parametrize("kelvin", [1800.0, 2700.0, 6500.0, 10000.0])
def test_a_black_body_has_luminance_one_and_is_white_at_6500(kelvin):
    colour = blackbody(kelvin)
    assert colour @ LUMINANCE == pytest.approx(1.0, rel=1e-5)
    assert (colour[0] > colour[2]) == (kelvin < 6500.0)


# properties


@pytest.mark.parametrize("height", [16, 64, 160])
@pytest.mark.parametrize("elevation", [0.5, 30.0, 89.0])
def test_a_sun_smaller_than_a_pixel_keeps_its_energy(height, elevation):
    canvas = Canvas(height)
    sun = bearing(70.0, elevation)
    canvas.disk(sun, 0.2665, np.array((3.0, 2.0, 1.0)) / SUN_SOLID_ANGLE)
    total = (canvas.pixels * canvas.solid_angle[..., None]).sum(axis=(0, 1))
    np.testing.assert_allclose(total, (3.0, 2.0, 1.0), rtol=1e-4)
    centre = np.tensordot(canvas.pixels[..., 0] * canvas.solid_angle, canvas.directions, 2)
    assert centre / np.linalg.norm(centre) @ sun > np.cos(np.pi / height)


def test_a_panel_has_the_solid_angle_of_its_rectangle():
    canvas = Canvas(128)
    canvas.panel(bearing(0.0, 0.0), (90.0, 90.0), np.ones(3))
    total = (canvas.pixels * canvas.solid_angle[..., None]).sum(axis=(0, 1))
    np.testing.assert_allclose(total, 4.0 * np.pi / 6.0, rtol=1e-4)  # a face of a cube seen from its middle


def test_a_quarter_turn_moves_the_centre_of_the_map_to_the_left_quarter():
    for yaw, column in ((0.0, 64), (90.0, 32)):
        canvas = Canvas(64, yaw=yaw)
        canvas.disk(bearing(0.0, 0.0), 3.0, np.ones(3))
        assert abs(np.average(np.arange(128) + 0.5, weights=canvas.pixels[..., 0].sum(axis=0)) - column) < 0.2


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_light_and_the_same_from_the_same_seed(kind):
    pixels = paint(kind, 5, 32)
    assert pixels.shape == (32, 64, 3)
    assert pixels.dtype == np.float32
    assert np.isfinite(pixels).all()
    assert (pixels >= 0.0).all()
    assert mean_radiance(pixels).min() > 0.0
    np.testing.assert_array_equal(pixels, paint(kind, 5, 32))
    assert not np.array_equal(pixels, paint(kind, 6, 32))


@pytest.mark.parametrize("kind", KINDS)
def test_a_place_lights_alike_at_any_resolution(kind):
    for seed in range(3):
        coarse, fine = (irradiance_facing(paint(kind, seed, h), UP) for h in (32, 96))
        np.testing.assert_allclose(coarse, fine, rtol=0.25)


@pytest.mark.parametrize("kind", KINDS)
def test_turning_a_place_keeps_its_light(kind):
    still, turned = paint(kind, 2, 48), paint(kind, 2, 48, yaw=45.0)  # 45 degrees are a whole number of pixels
    np.testing.assert_allclose(turned, np.roll(still, -12, axis=1), rtol=2e-2, atol=2e-3 * still.max())


def test_the_ground_returns_its_albedo_of_the_sky_above():
    for seed in range(6):
        pixels = paint("overcast", seed, 64)
        bounce = irradiance_facing(pixels, -UP) / irradiance_facing(pixels, UP)
        assert (bounce > 0.02).all()
        assert (bounce < 0.95).all()


def test_random_environments_have_real_and_varied_dynamic_range():
    rng = np.random.default_rng(0)
    maps = [sample_environment(rng, 64) for _ in range(60)]
    contrast = np.array([(m @ LUMINANCE).max() / (mean_radiance(m) @ LUMINANCE) for m in maps])
    assert np.median(contrast) > 50.0
    assert np.percentile(contrast, 90) > 500.0
    assert contrast.min() < 10.0
    assert max(m.max() for m in maps) < 1e6


def test_light_comes_more_from_above_than_from_below():
    rng = np.random.default_rng(1)
    share = [
        np.log(irradiance_facing(m, UP).sum() / irradiance_facing(m, -UP).sum())
        for m in (sample_environment(rng, 32) for _ in range(60))
    ]
    assert np.median(share) > 0.3


# moments


def test_gains_dim_one_lamp_only():
    both = [paint("softbox_studio", 3, 32, gains=gains) for gains in ((1.0, 1.0), (0.0, 1.0), (1.0, 0.0), (0.0, 0.0))]
    np.testing.assert_allclose(both[0] - both[1], both[2] - both[3], atol=2e-4 * both[0].max())
    assert both[1].max() < both[0].max() or both[2].max() < both[0].max()


@pytest.mark.parametrize("kind", [None, *KINDS])
def test_animation_gives_the_frames_asked_for(kind):
    maps = list(animate(np.random.default_rng(2), kind, 3, height=16))
    assert [m.shape for m in maps] == [(16, 32, 3)] * 3
    again = list(animate(np.random.default_rng(2), kind, 3, height=16))
    np.testing.assert_array_equal(maps, again)


def test_light_changes_over_time_but_mostly_without_jumps():
    steps = []
    for seed in range(12):
        maps = animate(np.random.default_rng(seed), None, 12, height=32)
        levels = [mean_radiance(m) @ LUMINANCE for m in maps]
        steps.append([abs(np.log(b / a)) for a, b in itertools.pairwise(levels)])
    assert np.max(steps) > 0.05  # something flickers, fades or is switched
    assert np.median(steps) < 0.05


def test_flames_flicker():
    levels = [mean_radiance(paint("fire", 1, 32, seconds=frame / 24)).sum() for frame in range(12)]
    assert np.std(levels) / np.mean(levels) > 0.03


# bad input


def test_an_unknown_kind_is_refused_with_the_names_there_are():
    with pytest.raises(UsageError, match=r"must be one of clear_sky, .*; got 'moonbase'"):
        paint("moonbase", 0)


def test_a_map_too_small_to_hold_light_is_refused():
    with pytest.raises(UsageError, match="at least 16 rows; got 8"):
        paint("fire", 0, 8)
