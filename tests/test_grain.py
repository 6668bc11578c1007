import numpy as np
import pytest

from relamp.core.gain import grain
from relamp.core.gain.grain import measure, split


def grainy(rng, level, offset, slope, size=(128, 160)):
    clean = np.broadcast_to(np.asarray(level, np.float32), (*size, 3)).copy()
    return clean, clean + rng.normal(0, 1, clean.shape).astype(np.float32) * np.sqrt(offset + slope * clean)


def test_noise_that_was_put_in_is_measured():
    rng = np.random.default_rng(0)
    ramp = np.linspace(0.02, 1, 160, dtype=np.float32)[None, :, None]
    _, noisy = grainy(rng, ramp, 1e-5, 4e-4)
    noise = measure(noisy)
    for level in (0.1, 0.5, 0.9):
        assert noise.offset[0] + noise.slope[0] * level == pytest.approx(1e-5 + 4e-4 * level, rel=0.35)


def test_a_clean_render_has_no_grain():
    ramp = np.broadcast_to(np.linspace(0, 1, 128, dtype=np.float32)[None, :, None], (128, 128, 3))
    noise = measure(ramp)
    assert np.abs(split(np.ascontiguousarray(ramp), noise)).max() < 1e-4


def test_most_of_the_grain_is_taken_off_a_flat_field():
    rng = np.random.default_rng(1)
    clean, noisy = grainy(rng, 0.4, 1e-5, 4e-4)
    base = noisy - split(noisy, measure(noisy))
    assert (base - clean).std() < 0.5 * (noisy - clean).std()


def test_nearly_all_grain_is_grain():
    """So that keep leaves it and match scales it by the root."""
    rng = np.random.default_rng(3)
    clean, noisy = grainy(rng, 0.3, 3e-4, 0, (256, 256))
    assert split(noisy, measure(noisy)).std() == pytest.approx((noisy - clean).std(), rel=0.05)


def test_an_edge_is_not_taken_for_grain():
    rng = np.random.default_rng(2)
    _, noisy = grainy(rng, 0.1, 1e-6, 1e-5)
    noisy[:, 80:] += 0.8
    grain = split(noisy, measure(noisy))
    assert np.abs(grain[:, 78:82]).max() < 0.02


def test_broken_pixels_do_not_break_the_measure():
    picture = np.full((64, 64, 3), 0.3, np.float32)
    picture[3, 3] = np.nan
    picture[9, 9] = np.inf
    noise = measure(picture)
    assert np.isfinite([noise.offset, noise.slope]).all()


def test_two_numbers_of_least_squares_are_those_of_the_general_solver():
    from scipy.optimize import nnls

    rng = np.random.default_rng(4)
    for _ in range(200):  # a quarter of the true pairs has a negative number, or two
        columns = rng.random((8, 2))
        wanted = columns @ rng.normal(0.5, 1, 2) + rng.normal(0, 0.1, 8)
        np.testing.assert_allclose(grain._at_least_zero(columns, wanted), nnls(columns, wanted)[0], atol=1e-9)
