import numpy as np
import pytest

from relamp.core.light import environment as env
from relamp.core.light.irradiance import frame_irradiance, irradiance, irradiance_table
from relamp.core.light.octahedral import octahedral_coordinates, octahedral_directions, sample_table


def sphere(count, seed=0):
    d = np.random.default_rng(seed).normal(size=(count, 3)).astype(np.float32)
    return d / np.linalg.norm(d, axis=-1, keepdims=True)


def one_pixel(row, column, height, radiance=1e6):
    pixels = np.zeros((height, 2 * height, 3), np.float32)
    pixels[row, column] = radiance
    direction = env.directions(height, 2 * height)[row, column]
    return pixels, direction, radiance * env.solid_angles(height, 2 * height)[row]


@pytest.mark.parametrize("height", [2, 8, 50, 64, 300])
def test_a_uniform_map_of_one_gives_pi(height):
    received = irradiance(np.ones((height, 2 * height, 3), np.float32), sphere(200))
    np.testing.assert_allclose(received, np.pi, rtol=1e-3)


@pytest.mark.parametrize(("row", "column"), [(300, 500), (0, 3), (511, 1000), (255, 0), (100, 1023)])
def test_a_sun_smaller_than_a_block_keeps_its_direction(row, column):
    pixels, direction, strength = one_pixel(row, column, 512)
    normals = sphere(500)
    expected = strength * np.maximum(normals @ direction, 0)
    np.testing.assert_allclose(
        irradiance(pixels, normals)[:, 1], expected, atol=2e-3 * strength
    )  # a pixel is not a point


def test_hemisphere_of_sky_follows_the_view_factor():
    sky = np.zeros((128, 256, 3), np.float32)
    sky[:64] = 1
    tilt = np.radians([0, 30, 60, 90, 120, 150, 180])
    normals = np.stack((np.sin(tilt), np.cos(tilt), np.zeros(7)), axis=-1)
    expected = np.pi * (1 + np.cos(tilt)) / 2
    np.testing.assert_allclose(irradiance(sky, normals)[:, 0], expected, atol=0.003)


def test_it_is_linear_in_the_light():
    rng = np.random.default_rng(1)
    a, b = (rng.lognormal(0, 2, (64, 128, 3)).astype(np.float32) for _ in range(2))
    normals = sphere(100)
    np.testing.assert_allclose(irradiance(a + b, normals), irradiance(a, normals) + irradiance(b, normals), rtol=1e-3)
    np.testing.assert_array_equal(irradiance(2 * a, normals), 2 * irradiance(a, normals))


@pytest.mark.parametrize("angles", [(0, 33.3, 0), (15, -70, 40)])
def test_turning_the_map_is_turning_the_normals_back(angles):
    pixels = np.full((128, 256, 3), 0.3, np.float32)
    pixels[40, 70] = 5e4
    pixels[80:90, 150:180] = (5, 10, 20)
    matrix = env.rotation_matrix(*angles)
    turned = irradiance(env.rotate(pixels, matrix), sphere(500))
    expected = irradiance(pixels, sphere(500) @ matrix)  # M^-1 n for rows
    np.testing.assert_allclose(turned, expected, atol=0.01 * expected.max())
    assert np.abs(turned / expected - 1).mean() < 0.01


def test_a_resized_map_lights_the_same():
    pixels, _, strength = one_pixel(200, 100, 512)
    received = irradiance(env.resize(pixels, 64), sphere(200)), irradiance(pixels, sphere(200))
    assert np.abs(received[0] - received[1]).max() < 0.03 * strength  # half a pixel of 64 rows


def test_the_table_agrees_with_the_integral():
    rng = np.random.default_rng(2)
    pixels = rng.lognormal(0, 1, (64, 128, 3)).astype(np.float32)
    pixels[20, 100] = 1e4
    normals = sphere(5000)
    exact = irradiance(pixels, normals)
    assert np.abs(sample_table(irradiance_table(pixels), normals) - exact).max() < 0.005 * exact.max()
    np.testing.assert_array_equal(frame_irradiance(pixels, normals), sample_table(irradiance_table(pixels), normals))


def test_octahedral_directions_and_coordinates_are_inverse():
    d = octahedral_directions(32)
    np.testing.assert_allclose(np.linalg.norm(d, axis=-1), 1, rtol=1e-6)
    expected = 2 * (np.arange(32) + 0.5) / 32 - 1
    coordinates = octahedral_coordinates(d)
    np.testing.assert_allclose(coordinates[..., 0], np.tile(expected, (32, 1)), atol=1e-6)
    np.testing.assert_allclose(coordinates[..., 1].T, np.tile(expected, (32, 1)), atol=1e-6)


def test_the_folded_border_is_continuous():
    table = octahedral_directions(128)
    behind = sphere(20000)
    behind[:, 2] = -np.abs(behind[:, 2])
    edge = np.array(
        ((1, 0, -1e-9), (0, -1, -1e-9), (0, 0, -1), (1e-4, 0, -1), (0.7, 0, -0.7), (0, -0.7, -0.7)), np.float32
    )
    for d in (behind, edge):
        assert np.abs(sample_table(table, d) - d).max() < 0.02  # most on the crease of the fold, two cells wide


def test_a_smooth_table_shows_no_steps():
    table = octahedral_directions(128)
    turn = np.linspace(0.2, 0.21, 1001, dtype=np.float64)
    read = sample_table(table, np.stack((np.sin(turn), 0 * turn, np.cos(turn)), axis=-1))
    assert len(np.unique(read[:, 0])) > 900


def test_normals_that_are_none_take_the_mean_and_poison_nothing():
    pixels, _, _ = one_pixel(10, 20, 64)
    normals = np.tile(np.array((0, 1, 0), np.float32), (3, 5, 1))
    clean = frame_irradiance(pixels, normals)
    normals[0, 0], normals[1, 1], normals[2, 2, 1] = 0, np.nan, np.inf
    read = frame_irradiance(pixels, normals)
    assert np.isfinite(read).all()
    bad = ~np.isfinite(normals).all(axis=-1) | (normals == 0).all(axis=-1)
    np.testing.assert_array_equal(read[~bad], clean[~bad])
    np.testing.assert_allclose(
        read[bad], np.broadcast_to(irradiance_table(pixels).mean(axis=(0, 1)), (3, 3)), rtol=1e-6
    )
    assert irradiance(pixels, np.full((2, 3), np.nan, np.float32)).tolist() == [[0] * 3] * 2


def test_length_of_a_normal_does_not_matter_to_a_table():
    table = irradiance_table(np.random.default_rng(0).random((16, 32, 3), np.float32), size=32)
    np.testing.assert_allclose(sample_table(table, 7 * sphere(100)), sample_table(table, sphere(100)), rtol=1e-4)


def test_a_map_is_tabulated_once_and_a_changed_map_anew():
    pixels, _, _ = one_pixel(10, 20, 64)
    table = irradiance_table(pixels)
    assert irradiance_table(pixels.copy()) is table
    with pytest.raises(ValueError, match="read-only"):
        table[0, 0] = 0
    np.testing.assert_array_equal(table, irradiance(pixels, octahedral_directions(128)))
    pixels[10, 21] = 1
    assert not np.array_equal(irradiance_table(pixels), table)
