import numpy as np
import pytest

from relamp.core.errors import ParameterError
from relamp.core.light import environment as env
from relamp.core.light.octahedral import sample_table
from relamp.core.light.reflection import ROUGHNESSES, prefilter, reflected, reflection_tables


def lit_map(direction, radius=3.0):
    angle = np.degrees(np.arccos(np.clip(env.directions(128, 256) @ np.asarray(direction, np.float32), -1, 1)))
    return np.where(angle[..., None] < radius, np.float32(100), np.float32(0.1)) * np.ones(3, np.float32)


def unit(d):
    return np.asarray(d, np.float64) / np.linalg.norm(d)


@pytest.mark.parametrize("roughness", [0.0, 0.1, 0.3, 0.6, 1.0])
def test_a_uniform_map_stays_uniform(roughness):
    np.testing.assert_allclose(prefilter(np.ones((64, 128, 3), np.float32), roughness), 1, rtol=1e-4)


@pytest.mark.parametrize("roughness", ROUGHNESSES)
@pytest.mark.parametrize("direction", [(0.3, 0.4, 0.8), (0, 1, 0), (0.05, -1, 0), (0.1, 0.1, -1)])
def test_the_highlight_lies_where_the_light_is_and_keeps_its_energy(roughness, direction):
    blurred = prefilter(lit_map(unit(direction)), roughness)
    peak = env.directions(128, 256)[np.unravel_index(np.argmax(blurred[..., 1]), (128, 256))]
    assert peak @ unit(direction) > np.cos(np.radians(2))
    assert env.level(blurred) == pytest.approx(env.level(lit_map(unit(direction))), rel=0.02)


def test_rougher_is_dimmer_at_the_highlight_and_wider():
    peaks = [prefilter(lit_map(unit((0.3, 0.4, 0.8))), roughness).max() for roughness in (0.1, 0.3, 0.6)]
    assert peaks[0] > 1.5 * peaks[1] > 3 * peaks[2] > 0


def test_the_lobe_is_the_published_one():
    """GGX (Walter et al. 2007, equation 33) of the half vector, view = normal = reflection, times the cosine."""
    pixels = np.zeros((128, 256, 3), np.float32)
    pixels[64, 128] = 1
    blurred = prefilter(pixels, 0.6)[64, 128:175, 0]
    angle = 2 * np.pi * np.arange(47) / 256
    alpha2 = 0.36**2
    expected = np.cos(angle) / (np.cos(angle / 2) ** 2 * (alpha2 - 1) + 1) ** 2
    np.testing.assert_allclose(blurred / blurred[0], expected / expected[0], rtol=0.02)


def test_tables_are_the_blurred_maps_by_reflected_direction():
    pixels = lit_map(unit((0.3, 0.4, 0.8)), radius=20)
    d = env.directions(32, 64)
    for table, roughness in zip(reflection_tables(pixels), ROUGHNESSES, strict=True):
        expected = env.lookup(prefilter(pixels, roughness), d)
        assert np.abs(sample_table(table, d) - expected).max() < 0.03 * expected.max()


def test_a_mirror_facing_the_eye_looks_back_and_a_tilted_one_aside():
    ahead = np.array((0, 0, -1.0))
    np.testing.assert_allclose(reflected(ahead, np.array((0, 0, 1.0))), (0, 0, 1))
    np.testing.assert_allclose(reflected(ahead, unit((1, 0, 1))), (1, 0, 0), atol=1e-6)


def test_bad_normals_poison_only_themselves():
    normals = np.array(((0, 0, 1), (np.nan, 0, 1), (0, np.inf, 0)), np.float32)
    read = sample_table(reflection_tables(lit_map((0, 0, 1)))[1], reflected(np.float32([[0, 0, -1]] * 3), normals))
    assert np.isfinite(read).all()
    np.testing.assert_array_equal(read[1], read[2])
    assert read[0, 0] > read[1, 0]


@pytest.mark.parametrize("roughness", [-0.1, 1.5, float("nan")])
def test_a_roughness_outside_its_range_is_refused(roughness):
    with pytest.raises(ParameterError, match="roughness must be 0 to 1"):
        prefilter(np.ones((4, 8, 3), np.float32), roughness)
