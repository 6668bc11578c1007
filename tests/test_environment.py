import logging

import numpy as np
import OpenImageIO as oiio
import pytest

from relamp.core.errors import InputError, ParameterError
from relamp.core.light import environment as env
from relamp.core.light.map_file import load_environment
from relamp.core.pictures.colour import Colour

COLOUR = Colour()


def sun_map(direction, height=64, radiance=1e5, ambient=0.5):
    pixels = np.full((height, 2 * height, 3), ambient, np.float32)
    u, v = env.direction_to_uv(np.asarray(direction, np.float32))
    pixels[min(int(v * height), height - 1), int(u * 2 * height) % (2 * height)] = radiance
    return pixels


def energy(pixels):
    return env.mean_radiance(pixels) * 4 * np.pi


def centre_of_light(pixels):
    weight = pixels[..., 1].astype(np.float64) * env.solid_angles(*pixels.shape[:2])[:, None]
    centre = np.einsum("hw,hwk->k", weight, env.directions(*pixels.shape[:2]))
    return centre / np.linalg.norm(centre)


def save(path, pixels, channels=("R", "G", "B"), windows=None, kind="float", **attributes):
    """Write with OpenImageIO alone; `windows` is (x, y, full_width, full_height)."""
    spec = oiio.ImageSpec(pixels.shape[1], pixels.shape[0], pixels.shape[2], kind)
    spec.channelnames = channels
    if windows:
        spec.x, spec.y, spec.full_width, spec.full_height = windows
    for name, value in attributes.items():
        spec.attribute(name, value)
    out = oiio.ImageOutput.create(str(path))
    assert out.open(str(path), spec), out.geterror()
    assert out.write_image(pixels)
    out.close()
    return path


@pytest.mark.parametrize(
    ("direction", "uv"),
    [
        ((0, 0, 1), (0.5, 0.5)),
        ((1, 0, 0), (0.25, 0.5)),
        ((-1, 0, 0), (0.75, 0.5)),
        ((0, 1, 0), (0.5, 0.0)),
        ((0, -3, 0), (0.5, 1.0)),
        ((1, 0, 1), (0.375, 0.5)),
    ],
)
def test_directions_lie_where_openexr_puts_them(direction, uv):
    np.testing.assert_allclose(env.direction_to_uv(np.array(direction)), uv, atol=1e-6)


def test_both_edges_of_the_image_are_minus_z():
    assert env.direction_to_uv(np.array((1e-6, 0, -1.0)))[0] == pytest.approx(0, abs=1e-5)
    assert env.direction_to_uv(np.array((-1e-6, 0, -1.0)))[0] == pytest.approx(1, abs=1e-5)


def test_pixel_directions_and_coordinates_are_inverse():
    uv = env.direction_to_uv(env.directions(32, 64))
    np.testing.assert_allclose(uv[..., 0], np.tile((np.arange(64) + 0.5) / 64, (32, 1)), atol=1e-6)
    np.testing.assert_allclose(uv[..., 1].T, np.tile((np.arange(32) + 0.5) / 32, (64, 1)), atol=1e-6)


def test_solid_angles_cover_the_sphere():
    assert env.solid_angles(37, 74).sum() * 74 == pytest.approx(4 * np.pi)


def test_lookup_wraps_at_the_seam_and_holds_at_the_poles():
    pixels = np.random.default_rng(0).random((8, 16, 3), np.float32)
    seam = env.lookup(pixels, np.array((0.0, np.cos(np.pi * 2.5 / 8), -np.sin(np.pi * 2.5 / 8))))
    np.testing.assert_allclose(seam, (pixels[2, 0] + pixels[2, -1]) / 2, rtol=1e-4)
    np.testing.assert_allclose(env.lookup(pixels, env.directions(8, 16)), pixels, rtol=1e-3, atol=1e-3)
    assert np.isfinite(env.lookup(pixels, np.array(((0, 1.0, 0), (0, -1.0, 0))))).all()


def test_lookup_of_a_direction_that_is_none_is_black_and_alone():
    d = np.array(((np.nan, 0, 1), (np.inf, 0, 0), (0, 0, 1.0)))
    assert env.lookup(np.ones((4, 8, 3), np.float32), d).tolist() == [[0] * 3, [0] * 3, [1] * 3]


@pytest.mark.parametrize(
    ("angles", "before", "after"),
    [
        ((0, 90, 0), (0, 0, 1), (1, 0, 0)),
        ((90, 0, 0), (0, 1, 0), (0, 0, 1)),
        ((0, 0, 90), (1, 0, 0), (0, 1, 0)),
        ((90, 90, 0), (0, 1, 0), (1, 0, 0)),  # about X first, then about Y
        ((90, 0, 90), (1, 0, 0), (0, 0, 1)),  # about Z first, then about X
    ],
)
def test_rotation_is_z_then_x_then_y(angles, before, after):
    np.testing.assert_allclose(env.rotation_matrix(*angles) @ before, after, atol=1e-12)


def test_positive_yaw_moves_the_light_to_the_left_in_the_image():
    turned = env.rotate(sun_map((0, 0, 1)), env.rotation_matrix(0, 30, 0))
    assert np.argmax(turned[..., 0].max(axis=0)) / 128 == pytest.approx(0.5 - 30 / 360, abs=0.01)


@pytest.mark.parametrize("angles", [(0, 33.3, 0), (20, 77, 30), (90, 0, 0), (-45, 180, 10), (0, 0, 0)])
@pytest.mark.parametrize("direction", [(0.3, 0.4, 0.8), (0, 1, 0.01), (0, -1, 0), (0.9, 0.02, -0.4)])
def test_turning_keeps_the_energy_of_a_sun_and_carries_it_where_it_belongs(angles, direction):
    before = sun_map(direction)
    matrix = env.rotation_matrix(*angles)
    after = env.rotate(before, matrix)
    np.testing.assert_allclose(energy(after), energy(before), rtol=1e-4)
    assert after.min() >= 0
    assert np.degrees(np.arccos(min(1, centre_of_light(after) @ matrix @ centre_of_light(before)))) < 0.7


@pytest.mark.parametrize("height", [1, 2, 32])
def test_a_uniform_map_stays_uniform_when_turned(height):
    turned = env.rotate(np.ones((height, 2 * height, 3), np.float32), env.rotation_matrix(10, 20, 30))
    np.testing.assert_allclose(turned, 1, rtol=1e-5)


def test_turning_by_whole_pixels_is_exact():
    pixels = np.random.default_rng(0).random((16, 32, 3), np.float32)
    turned = env.rotate(pixels, env.rotation_matrix(0, 360 * 5 / 32, 0))
    np.testing.assert_array_equal(turned, np.roll(pixels, -5, axis=1))
    np.testing.assert_array_equal(env.rotate(pixels, np.eye(3)), pixels)


def test_there_and_back_is_where_it_was():
    smooth = env.directions(64, 128) * np.float32(0.5) + np.float32(0.6)
    matrix = env.rotation_matrix(25, 40, -60)
    np.testing.assert_allclose(env.rotate(env.rotate(smooth, matrix), matrix.T), smooth, atol=0.01)


def test_a_matrix_that_does_not_turn_is_refused():
    with pytest.raises(ParameterError, match="rotation matrix"):
        env.rotate(np.ones((4, 8, 3), np.float32), np.eye(3) * 2)


@pytest.mark.parametrize("height", [1, 7, 48, 64, 65, 100, 256])
@pytest.mark.parametrize("direction", [(0, 1, 0.01), (0.5, 0.3, 0.8)])
def test_resizing_keeps_energy_and_never_rings(height, direction):
    before = sun_map(direction, radiance=1e6)
    after = env.resize(before, height)
    assert after.shape == (height, 2 * height, 3)
    assert after.dtype == np.float32
    assert after.min() >= 0.4999
    np.testing.assert_allclose(energy(after), energy(before), rtol=1e-5)


def test_resizing_to_no_height_is_refused():
    with pytest.raises(ParameterError, match="1 or more"):
        env.resize(np.ones((4, 8, 3), np.float32), 0)


def test_level_of_a_uniform_white_map_is_its_radiance():
    assert env.level(np.full((16, 32, 3), 3.0, np.float32)) == pytest.approx(3.0, rel=1e-6)
    assert env.level(np.full((16, 32, 3), 3.0, np.float32), COLOUR.luminance_weights) == pytest.approx(3.0, rel=1e-6)


def test_level_weighs_rows_by_their_solid_angle():
    upper = np.zeros((64, 128, 3), np.float32)
    upper[:16] = 1  # a cap of 45 degrees
    assert env.level(upper) == pytest.approx((1 - np.cos(np.pi / 4)) / 2, rel=1e-5)


def test_level_turns_with_nothing():
    pixels = sun_map((0.3, 0.4, 0.8))
    assert env.level(env.rotate(pixels, env.rotation_matrix(50, 60, 70))) == pytest.approx(env.level(pixels), rel=1e-5)


def test_an_exr_loads_unclamped_with_its_digest(tmp_path):
    pixels = sun_map((0, 0, 1), height=16, radiance=1e6)
    loaded = load_environment(save(tmp_path / "sun.exr", pixels), colorspace="ACEScg", colour=COLOUR)
    np.testing.assert_array_equal(loaded.pixels, pixels)
    assert loaded.path == tmp_path / "sun.exr"
    assert len(loaded.sha256) == 64


def test_an_untagged_hdr_is_linear_rec709(tmp_path):
    pixels = np.tile(np.array((1, 0.5, 0.25), np.float32), (8, 16, 1))
    loaded = load_environment(save(tmp_path / "room.hdr", pixels), colour=COLOUR)
    np.testing.assert_allclose(loaded.pixels[3, 3], (0.794704, 0.531734, 0.292854), rtol=1e-5)


def test_a_declared_colour_space_wins(tmp_path):
    pixels = np.tile(np.array((1, 0.5, 0.25), np.float32), (8, 16, 1))
    path = save(tmp_path / "room.exr", pixels)
    loaded = load_environment(path, colorspace="lin_rec709", colour=COLOUR)
    np.testing.assert_allclose(loaded.pixels[3, 3], (0.794704, 0.531734, 0.292854), rtol=1e-5)


def test_what_cannot_be_light_is_cleaned_and_counted(tmp_path, caplog):
    pixels = np.full((8, 16, 3), 2.0, np.float32)
    pixels[0, 0, 0], pixels[1, :2], pixels[2, :3, 1] = np.nan, np.inf, -1
    with caplog.at_level(logging.WARNING):
        loaded = load_environment(save(tmp_path / "bad.exr", pixels), colorspace="ACEScg", colour=COLOUR)
    assert "1 NaN, 2 infinite and 3 negative" in caplog.text
    assert np.isfinite(loaded.pixels).all()
    assert loaded.pixels[0, 0].tolist() == [0, 2, 2]
    assert loaded.pixels[1, 0].tolist() == [2, 2, 2]
    assert loaded.pixels[2, 0].tolist() == [2, 0, 2]


def test_a_sun_beyond_half_is_halfs_largest_and_said_to_be_short(tmp_path, caplog):
    pixels = sun_map((0, 0.5, 0.9), radiance=2e5)  # what half makes infinity of
    with caplog.at_level(logging.WARNING):
        loaded = load_environment(save(tmp_path / "sun.exr", pixels, kind="half"), colorspace="ACEScg", colour=COLOUR)
    np.testing.assert_allclose(loaded.pixels, np.minimum(pixels, 65504), rtol=1e-3)
    share = 100 * (1 - 0.5 / env.mean_radiance(loaded.pixels)[1])
    assert f"1 pixels are beyond half's 65504 and count as that, {share:.0f} % of the map's light" in caplog.text
    assert "up to 3.9 stops short: save the map as float" in caplog.text


def test_a_sun_beyond_half_is_brought_to_the_working_space(tmp_path):
    pixels = sun_map((0, 0, 1), height=16, radiance=2e5)
    loaded = load_environment(save(tmp_path / "s.exr", pixels, kind="half"), colorspace="lin_rec709", colour=COLOUR)
    np.testing.assert_allclose(loaded.pixels.max(axis=(0, 1)), 65504, rtol=1e-4)  # white stays white
    whole = COLOUR.to_working(np.full((1, 1, 3), (65504, 65504, 0.5), np.float32), "lin_rec709")
    pixels[pixels > 1] = 0.5
    pixels[3, 4] = (2e5, 2e5, 0.5)
    loaded = load_environment(save(tmp_path / "y.exr", pixels, kind="half"), colorspace="lin_rec709", colour=COLOUR)
    np.testing.assert_allclose(loaded.pixels[3, 4], whole[0, 0], rtol=1e-5)


def test_a_cropped_data_window_is_placed_in_its_display_window(tmp_path):
    path = save(tmp_path / "crop.exr", np.ones((2, 3, 3), np.float32), windows=(5, 4, 16, 8))
    loaded = load_environment(path, colorspace="ACEScg", colour=COLOUR)
    expected = np.zeros((8, 16, 3), np.float32)
    expected[4:6, 5:8] = 1
    np.testing.assert_array_equal(loaded.pixels, expected)


def test_overscan_is_cut(tmp_path):
    pixels = np.random.default_rng(0).random((10, 20, 3), np.float32)
    path = save(tmp_path / "over.exr", pixels, windows=(-2, -1, 16, 8))
    loaded = load_environment(path, colorspace="ACEScg", colour=COLOUR)
    np.testing.assert_array_equal(loaded.pixels, pixels[1:9, 2:18])


def test_luminance_alone_makes_a_grey_environment(tmp_path):
    path = save(tmp_path / "grey.exr", np.full((4, 8, 1), 0.5, np.float32), channels=("Y",))
    assert load_environment(path, colorspace="ACEScg", colour=COLOUR).pixels.tolist() == [[[0.5] * 3] * 8] * 4


@pytest.mark.parametrize(
    ("shape", "sentence"),
    [((16, 16, 3), "16 x 16; .*twice as wide.*SphericalTransform"), ((4, 24, 3), "24 x 4; .*twice as wide")],
)
def test_another_shape_is_refused_with_its_size(tmp_path, shape, sentence):
    path = save(tmp_path / "square.exr", np.ones(shape, np.float32))
    with pytest.raises(InputError, match=sentence):
        load_environment(path, colour=COLOUR)


def test_a_cube_map_is_refused(tmp_path):
    pixels = np.ones((48, 8, 3), np.float32)
    path = save(tmp_path / "cube.exr", pixels, textureformat="CubeFace Environment")
    with pytest.raises(InputError, match=r"cube map.*SphericalTransform"):
        load_environment(path, colour=COLOUR)


def test_a_black_map_is_refused(tmp_path):
    path = save(tmp_path / "black.exr", np.zeros((4, 8, 3), np.float32))
    with pytest.raises(InputError, match=r"black\.exr is black"):
        load_environment(path, colorspace="ACEScg", colour=COLOUR)


def test_channels_without_colour_are_named(tmp_path):
    path = save(tmp_path / "depth.exr", np.ones((4, 8, 2), np.float32), channels=("Z", "ID"))
    with pytest.raises(InputError, match="Z, ID but no R, G, B"):
        load_environment(path, colour=COLOUR)


def save_parts(path, **parts):
    """A file of parts by name, each all of one value."""
    specs = []
    for name in parts:
        spec = oiio.ImageSpec(8, 4, 3, "half")
        spec.attribute("name", name)
        specs.append(spec)
    out = oiio.ImageOutput.create("exr")
    assert out.open(str(path), tuple(specs)), out.geterror()
    for index, (spec, value) in enumerate(zip(specs, parts.values(), strict=True)):
        assert index == 0 or out.open(str(path), spec, "AppendSubimage"), out.geterror()
        assert out.write_image(np.full((4, 8, 3), value, np.float32)), out.geterror()
    out.close()
    return path


@pytest.mark.parametrize("parts", [{"N": 1, "C": 3}, {"key": 1, "beauty": 3}, {"P": 1, "sky": 3}, {"C": 3, "N": 1}])
def test_the_part_of_the_picture_is_the_map_wherever_it_stands(tmp_path, parts):
    path = save_parts(tmp_path / "parts.exr", **parts)
    assert (load_environment(path, colorspace="ACEScg", colour=COLOUR).pixels == 3).all()


def test_two_parts_that_could_be_the_map_are_named(tmp_path):
    path = save_parts(tmp_path / "parts.exr", N=1, key=2, fill=3)
    with pytest.raises(InputError, match="its parts 'key' and 'fill' could each be the environment"):
        load_environment(path, colorspace="ACEScg", colour=COLOUR)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"none\.exr does not exist"):
        load_environment(tmp_path / "none.exr", colour=COLOUR)


def test_a_display_encoded_file_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"room\.jpg is not a high dynamic range"):
        load_environment(tmp_path / "room.jpg", colour=COLOUR)


def test_a_file_that_is_no_picture_is_refused(tmp_path):
    (tmp_path / "text.exr").write_text("not a picture")
    with pytest.raises(InputError, match=r"text\.exr cannot be opened"):
        load_environment(tmp_path / "text.exr", colour=COLOUR)


def test_a_truncated_file_is_refused(tmp_path):
    path = save(tmp_path / "cut.exr", np.random.default_rng(0).random((64, 128, 3), np.float32))
    path.write_bytes(path.read_bytes()[:20000])
    with pytest.raises(InputError, match=r"cut\.exr is damaged"):
        load_environment(path, colour=COLOUR)


@pytest.mark.parametrize(("source", "target"), [(64, 64), (512, 64), (1000, 128), (33, 64)])
def test_an_overlap_sums_in_the_order_of_a_sparse_matrix(source, target):
    from scipy.sparse import csr_array

    ours = env.overlap_matrix(source, target, lambda t: -np.cos(np.pi * t))
    ends = np.append(ours.starts, len(ours.values))
    theirs = csr_array((ours.values, ours.cells, ends), shape=(target, source))
    rows = np.random.default_rng(0).random((source, 1500), np.float32) ** 8 * 100
    np.testing.assert_array_equal(ours @ rows, theirs @ rows)
