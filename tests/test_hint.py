import numpy as np
import pytest

from relamp.core.gain.analytic import alone, between
from relamp.core.light.environment import AP1_LUMINANCE, rotate, rotation_matrix
from relamp.core.light.irradiance import Light, irradiance
from shots import soft_light, sphere

A, B = soft_light((0.3, 0.4, 1.0)), soft_light((-1.0, 0.2, 0.1))
WEIGHTS = np.array(AP1_LUMINANCE)


def light(pixels):
    return Light.of(pixels, WEIGHTS)


def test_equal_lights_give_exactly_nothing():
    hint = between(light(A).turned(np.eye(3)), light(A).turned(np.eye(3)))
    assert not hint.table.any()


def test_the_hint_is_the_exact_ratio_of_irradiances():
    normals, coverage = sphere(64)
    n = normals[coverage > 0.99]
    a, b = light(A), light(B)
    hint = between(b.turned(np.eye(3)), a.turned(np.eye(3))).at(n) + np.log(b.level / a.level)
    exact = np.log(irradiance(B, n) / irradiance(A, n))
    assert np.abs(hint - exact).max() < 0.03
    assert np.abs(hint - exact).mean() < 0.005


@pytest.mark.parametrize("factor", [0.001, 1, 4096])
def test_a_brighter_map_is_the_same_hint(factor):
    base = between(light(B).turned(np.eye(3)), light(A).turned(np.eye(3)))
    scaled = between(light(B * np.float32(factor)).turned(np.eye(3)), light(A).turned(np.eye(3)))
    np.testing.assert_allclose(scaled.table, base.table, atol=1e-4)
    assert light(B * np.float32(factor)).level == pytest.approx(factor * light(B).level, rel=1e-5)


def test_turning_the_light_is_turning_the_map():
    turn = rotation_matrix(20, -75, 10)
    turned = light(B).turned(turn.T)
    resampled = light(rotate(B, turn)).turned(np.eye(3))
    np.testing.assert_allclose(turned, resampled, rtol=0.02)


def test_a_sun_alone_in_the_dark_gives_a_finite_gain():
    black = np.zeros((32, 64, 3), np.float32)
    black[8, 20] = 1e6
    hint = between(light(black).turned(np.eye(3)), light(A).turned(np.eye(3)))
    assert np.isfinite(hint.table).all()


def test_a_target_alone_leaves_the_overall_level_and_keeps_its_colour():
    normals, coverage = sphere(48)
    red = B * np.array([2.0, 1.0, 0.5], np.float32)
    hint = alone(light(red).turned(np.eye(3)), normals, coverage, WEIGHTS)
    gain = hint.at(normals)[coverage > 0.5]
    assert abs(np.log(np.exp(gain) @ WEIGHTS).mean()) < 0.05
    assert (gain[:, 0] - gain[:, 2]).mean() > 0.8
