import numpy as np
import pytest

import harmonics
from relamp.core.errors import ParameterError
from relamp.core.light import environment as env
from relamp.core.light.irradiance import irradiance


def sphere(count):
    d = np.random.default_rng(0).normal(size=(count, 3))
    return d / np.linalg.norm(d, axis=-1, keepdims=True)


def test_first_harmonics_are_the_published_ones():
    """Ramamoorthi and Hanrahan 2001, equation 3."""
    x, y, z = d = np.array((0.48, 0.6, 0.64))
    expected = [
        0.282095,
        *(0.488603 * c for c in (y, z, x)),
        *(1.092548 * c for c in (x * y, y * z)),
        0.315392 * (3 * z * z - 1),
        1.092548 * x * z,
        0.546274 * (x * x - y * y),
    ]
    np.testing.assert_allclose(harmonics.basis(d, 2), expected, rtol=1e-5)


def test_cosine_factors_are_the_published_ones():
    """Ramamoorthi and Hanrahan 2001, equation 8."""
    factors = [harmonics.cosine_factor(degree) for degree in range(7)]
    np.testing.assert_allclose(factors, (3.141593, 2.094395, 0.785398, 0, -0.130900, 0, 0.049087), atol=1e-6)


def test_the_basis_is_orthonormal():
    values = harmonics.basis(env.directions(128, 256), 6)
    gram = np.einsum("hwa,hwb,h->ab", values, values, env.solid_angles(128, 256))
    np.testing.assert_allclose(gram, np.eye(49), atol=3e-4)


def test_a_map_made_of_harmonics_is_recovered():
    coefficients = np.random.default_rng(0).normal(size=(25, 3)).astype(np.float32)
    pixels = harmonics.evaluate(coefficients, env.directions(256, 512))
    np.testing.assert_allclose(harmonics.project(pixels + 10, 4)[1:], coefficients[1:], atol=0.02)


def test_a_uniform_map_of_one_gives_pi():
    coefficients = harmonics.project(np.ones((16, 32, 3), np.float32), 4)
    np.testing.assert_allclose(harmonics.irradiance(coefficients, sphere(100)), np.pi, rtol=2e-3)


@pytest.mark.parametrize(("order", "bound"), [(2, 0.10), (4, 0.06), (8, 0.04)])
def test_irradiance_of_a_single_sun_is_within_the_stated_bound(order, bound):
    pixels = np.zeros((128, 256, 3), np.float32)
    pixels[40, 70] = 1e4
    exact = irradiance(pixels, sphere(2000))
    approximate = harmonics.irradiance(harmonics.project(pixels, order), sphere(2000))
    assert np.abs(approximate - exact).max() < bound * exact.max()


def test_irradiance_of_a_smooth_map_is_within_one_per_cent():
    d = env.directions(64, 128)
    pixels = (1.2 + d @ np.array(((0.5, 0.2, 0.1), (0.1, 0.4, 0.6), (0.3, 0.3, 0.2)))).astype(np.float32)
    exact = irradiance(pixels, sphere(500))
    np.testing.assert_allclose(harmonics.irradiance(harmonics.project(pixels, 2), sphere(500)), exact, rtol=0.01)


def test_a_number_of_coefficients_that_is_no_square_is_refused():
    with pytest.raises(ParameterError, match="got 8"):
        harmonics.evaluate(np.zeros((8, 3)), sphere(2))


def test_a_negative_order_is_refused():
    with pytest.raises(ParameterError, match="got -1"):
        harmonics.project(np.ones((4, 8, 3), np.float32), -1)
