import numpy as np
import pytest

from relamp.core.errors import InputError
from relamp.core.light import environment as env
from relamp.core.light.irradiance import irradiance
from relamp.core.light.source_fit import ASSUMED_ALBEDO, fit_source
from relamp.core.pictures.colour import PINNED, Colour

SIZE = 80


def ball():
    steps = 2 * (np.arange(SIZE) + 0.5) / SIZE - 1
    x, y = np.meshgrid(steps, -steps)
    inside = np.hypot(x, y) < 1
    normals = np.stack((x, y, np.sqrt(np.maximum(0, 1 - x * x - y * y))), axis=-1).astype(np.float32)
    return normals, inside.astype(np.float32)


def key_light(azimuth, elevation):
    a, e = np.radians((azimuth, elevation))
    d = np.array((np.sin(a) * np.cos(e), np.sin(e), np.cos(a) * np.cos(e)))
    near = env.directions(64, 128) @ d > np.cos(np.radians(8))
    return np.where(near[..., None], np.float32(60), np.float32(0.3)) * np.ones(3, np.float32)


def moment(pixels):
    weight = pixels.mean(axis=-1) * env.solid_angles(*pixels.shape[:2])[:, None]
    centre = np.einsum("hw,hwk->k", weight, env.directions(*pixels.shape[:2]))
    return centre / np.linalg.norm(centre)


def plate(light, normals, albedo):
    return irradiance(light, normals) / np.pi * albedo


@pytest.mark.parametrize(("azimuth", "elevation"), [(0, 30), (60, 20), (-80, 40)])
def test_a_key_light_in_front_is_found_through_a_patchy_albedo(azimuth, elevation):
    normals, matte = ball()
    rng = np.random.default_rng(0)
    patches = np.exp(0.4 * rng.normal(size=(10, 10))).repeat(8, axis=0).repeat(8, axis=1)[..., None]
    light = key_light(azimuth, elevation)
    fitted = fit_source(plate(light, normals, ASSUMED_ALBEDO * patches), normals, matte)
    assert fitted.shape == (16, 32, 3)
    assert fitted.min() >= 0
    assert np.degrees(np.arccos(moment(fitted) @ moment(light))) < 20
    assert env.level(fitted) == pytest.approx(env.level(light), rel=0.35)


def test_a_known_albedo_tells_the_level_and_the_colour_of_the_light():
    normals, matte = ball()
    light = key_light(40, 30) * np.float32([1.4, 1.0, 0.6])
    albedo = np.where(normals[..., :1] > 0, np.float32([0.8, 0.6, 0.5]), np.float32([0.05, 0.1, 0.15]))
    picture = plate(light, normals, albedo)
    told = fit_source(picture, normals, matte, albedo=albedo)
    untold = fit_source(picture, normals, matte)
    assert env.level(told) == pytest.approx(env.level(light), rel=0.15)
    assert abs(np.log(env.level(untold) / env.level(light))) > 0.25

    def tint(pixels):
        return pixels.mean((0, 1)) / pixels.mean()

    assert tint(told) == pytest.approx(tint(light), rel=0.05)


def test_the_fit_explains_the_shading():
    normals, matte = ball()
    light = key_light(40, 30)
    fitted = fit_source(plate(light, normals, ASSUMED_ALBEDO), normals, matte)
    inside = matte > 0
    error = np.log(irradiance(fitted, normals)[inside, 1] / irradiance(light, normals)[inside, 1])
    assert error.std() < 0.12


def test_exposure_of_the_plate_is_exposure_of_the_light():
    normals, matte = ball()
    rgb = plate(key_light(40, 30), normals, 0.3)
    np.testing.assert_allclose(fit_source(4 * rgb, normals, matte), 4 * fit_source(rgb, normals, matte), rtol=1e-3)


def test_a_red_subject_hardly_makes_a_red_light():
    normals, matte = ball()
    rgb = plate(key_light(40, 30), normals, np.array((0.8, 0.1, 0.1)))
    fitted = fit_source(rgb, normals, matte)
    assert 1 < fitted[..., 0].mean() / fitted[..., 1].mean() < 2


def test_bad_pixels_and_what_is_outside_the_matte_change_nothing():
    normals, matte = ball()
    rgb = plate(key_light(40, 30), normals, 0.3)
    clean = fit_source(rgb, normals, np.where(np.arange(SIZE) < 3, 0, matte))
    rgb[:, 0], rgb[:, 1], normals[:, 2] = np.nan, 1e6, np.nan
    weights = matte.copy()
    weights[:, 1] = 0
    np.testing.assert_array_equal(fit_source(rgb, normals, weights), clean)


def test_too_few_pixels_are_refused_with_what_to_do():
    normals, matte = ball()
    with pytest.raises(InputError, match=r"only 0 pixels.*--source-env"):
        fit_source(np.ones_like(normals), normals, 0 * matte)


def test_a_black_plate_is_refused():
    normals, matte = ball()
    with pytest.raises(InputError, match="black inside the matte"):
        fit_source(np.zeros_like(normals), normals, matte)


def test_the_level_of_a_coloured_plate_is_the_same_in_whatever_space_it_is_fitted():
    colour = Colour(PINNED)
    normals, matte = ball()
    in_rec709 = plate(key_light(40, 30), normals, np.float32([0.9, 0.05, 0.02]))
    rec709 = np.float32([0.2126, 0.7152, 0.0722])
    there = fit_source(in_rec709, normals, matte, luminance_weights=rec709)
    here = fit_source(
        colour.to_working(in_rec709, "lin_rec709_scene"), normals, matte, luminance_weights=colour.luminance_weights
    )
    assert env.level(there, rec709) == pytest.approx(env.level(here, colour.luminance_weights), rel=1e-3)
    assert env.level(fit_source(in_rec709, normals, matte), rec709) != pytest.approx(env.level(there, rec709), rel=0.1)
