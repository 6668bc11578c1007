import numpy as np
import pytest

from relamp.core.cli import main
from relamp.core.errors import InputError
from relamp.core.light import environment as env
from relamp.core.light.irradiance import irradiance
from relamp.core.light.source_fit import ASSUMED_ALBEDO, fit_source
from relamp.core.pictures.colour import PINNED, Colour
from shots import BALL_CHANNELS, layer, lit_ball, soft_light, write_exr

SIZE = 80


def ball(size=SIZE):
    steps = 2 * (np.arange(size) + 0.5) / size - 1
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


@pytest.mark.parametrize(("azimuth", "elevation"), [(0, 20), (40, 30), (-75, 20)])
def test_a_bright_outline_makes_no_second_key_behind(azimuth, elevation):
    normals, matte = ball()
    light = key_light(azimuth, elevation)
    rgb = plate(light, normals, ASSUMED_ALBEDO)
    spill = 1.2 * rgb[matte > 0].mean() * np.clip((0.37 - normals[..., 2:]) / 0.37, 0, 1)
    fitted = fit_source(rgb + spill, normals, matte, np.array((0, 0, 1.0)))
    toward = moment(light)
    facing = env.directions(*fitted.shape[:2])
    peak = facing[np.unravel_index(fitted[..., 1].argmax(), fitted.shape[:2])]
    assert np.degrees(np.arccos(peak @ toward)) < 15
    assert fitted[facing @ toward < 0].max() < 0.35 * fitted.max()


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


def mirrored(pixels):
    return pixels[:, ::-1]


def mirrored_normals(normals):
    return normals[:, ::-1] * np.float32([-1, 1, 1])


@pytest.mark.parametrize(
    "size", [80, 81, 400]
)  # an odd one has normals on the mirror itself, a large one is thinned out
@pytest.mark.parametrize("pitch", [None, 0, -35])
def test_a_mirrored_plate_gives_the_mirrored_light(size, pitch):
    normals, matte = ball(size)
    albedo = np.exp(0.4 * np.random.default_rng(1).normal(size=(size, size, 1)))
    rgb = plate(key_light(40, 30), normals, 0.3) * albedo
    viewer = None if pitch is None else np.array((0, -np.sin(np.radians(pitch)), np.cos(np.radians(pitch))))
    fitted = fit_source(rgb, normals, matte, viewer)
    again = fit_source(mirrored(rgb), mirrored_normals(normals), mirrored(matte), viewer)
    np.testing.assert_allclose(again, mirrored(fitted), rtol=1e-3, atol=1e-3 * fitted.max())


def test_a_world_turned_with_its_camera_gives_the_turned_light():
    normals, matte = ball()
    rgb = plate(key_light(40, 30), normals, 0.3)
    turn = env.rotation_matrix(0, 90, 0)
    fitted = fit_source(rgb, normals, matte, np.array((0, 0, 1.0)))
    turned = fit_source(rgb, normals @ turn.T.astype(np.float32), matte, turn[:, 2])
    np.testing.assert_allclose(turned, env.rotate(fitted, turn), rtol=1e-3, atol=1e-3 * fitted.max())


def test_a_mirrored_plate_renders_the_mirrored_picture(tmp_path):
    picture = lit_ball(soft_light((0.8, 0.4, 0.6)))
    spots = np.exp(0.4 * np.random.default_rng(2).normal(size=(12, 12))).repeat(4, axis=0).repeat(4, axis=1)
    picture[..., :3] *= spots[..., None]
    light = soft_light((-1.0, 0.2, 0.1))
    flipped = np.concatenate((mirrored(picture[..., :4]), mirrored_normals(picture[..., 4:])), axis=-1)
    straight = relit(tmp_path / "a", picture, light)
    np.testing.assert_allclose(
        np.log2(mirrored(relit(tmp_path / "b", flipped, mirrored(light))) + 1e-3), np.log2(straight + 1e-3), atol=0.02
    )
    assert np.abs(np.log2(mirrored(straight) + 1e-3) - np.log2(straight + 1e-3)).max() > 1


def relit(folder, picture, light):
    seen = write_exr(folder / "plate.1001.exr", picture, BALL_CHANNELS)
    sky = write_exr(folder / "sky.exr", light, ("R", "G", "B"))
    out = folder / "relit.####.exr"
    given = ["--normals", f"{folder}/plate.####.exr", "--env", str(sky), "--backbone", "ratio", "-q"]
    assert main(["render", str(seen.with_name("plate.####.exr")), "--out", str(out), *given]) == 0
    return layer(folder / "relit.1001.exr", *"RGB")
