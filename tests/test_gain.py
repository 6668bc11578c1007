import numpy as np
import pytest

from relamp.core.gain.grain import Noise, measure
from relamp.core.gain.guide import enlarge_residual, guide_residual
from relamp.core.gain.law import Law, blend, carry_outward, matte_weight, relight_band, touched
from relamp.core.pictures.bands import ROWS, bands
from shots import sphere

RNG = np.random.default_rng(3)
PLATE = RNG.random((20, 24, 3), np.float32) * 2
ALPHA = RNG.random((20, 24), np.float32)
GAIN = RNG.normal(0, 1, (20, 24, 3)).astype(np.float32)
OFF = Law(level=1.0, mix=1.0, epsilon=0.01, grain="off")
NOISE = Noise(np.full(3, 1e-4, np.float32), np.full(3, 1e-3, np.float32))


def relit(plate, gain, law, alpha=None):
    return np.concatenate([relight_band(plate, alpha, gain[rows], law, rows) for rows in bands(plate.shape[0])])


def test_the_law_is_the_published_one():
    expected = 1.7 * (np.exp(GAIN) * PLATE + 0.01 * ALPHA[..., None] * np.maximum(np.exp(GAIN) - 1, 0))
    np.testing.assert_allclose(relit(PLATE, GAIN, Law(1.7, 1.0, 0.01, "off"), ALPHA), expected, rtol=1e-5)


@pytest.mark.parametrize("grain", ["off", "match", "keep"])
def test_one_stop_is_a_factor_of_two_to_the_last_bit(grain):
    noise = None if grain == "off" else NOISE
    once = relit(PLATE, GAIN, Law(1.0, 1.0, 0.01, grain, noise))
    twice = relit(PLATE, GAIN, Law(2.0, 1.0, 0.01, grain, noise))
    np.testing.assert_array_equal(twice, 2 * once)


@pytest.mark.parametrize("grain", ["off", "match", "keep"])
def test_light_is_never_negative_where_the_plate_is_not(grain):
    assert relit(PLATE, 2 * GAIN, Law(1.0, 1.0, 0.01, grain, NOISE)).min() >= 0


def test_a_small_gain_is_a_small_change():
    for g in (1e-6, -1e-6):
        tiny = np.full_like(PLATE, g)
        np.testing.assert_allclose(relit(PLATE, tiny, OFF), PLATE, atol=1e-5)


def test_light_is_added_where_the_plate_is_black():
    black = np.zeros_like(PLATE)
    assert relit(black, np.ones_like(PLATE), OFF).min() > 0
    assert not relit(black, -np.ones_like(PLATE), OFF).any()


def test_broken_pixels_stay_as_they_are_and_spread_nowhere():
    plate = PLATE.copy()
    plate[5, 5] = (np.nan, np.inf, -np.inf)
    law = Law(2.0, 0.5, 0.01, "match", NOISE)
    out = blend(plate, plate, relit(plate, GAIN, law), np.ones(plate.shape[:2], np.float32), law)
    np.testing.assert_array_equal(out[5, 5], plate[5, 5])
    rest = np.ones(plate.shape[:2], bool)
    rest[5, 5] = False
    assert np.isfinite(out[rest]).all()


def test_brightening_four_stops_does_not_boil_the_grain():
    rng = np.random.default_rng(4)
    clean = np.full((96, 96, 3), 0.02, np.float32)
    plate = clean + rng.normal(0, 0.004, clean.shape).astype(np.float32)
    gain = np.full(clean.shape, np.log(16), np.float32)
    spread = {
        grain: relit(plate, gain, Law(1.0, 1.0, 0.0, grain, measure(plate))).std() for grain in ("off", "match", "keep")
    }
    assert spread["off"] == pytest.approx(16 * 0.004, rel=0.1)
    assert spread["keep"] < spread["match"] < 0.5 * spread["off"]


def test_weight_is_matte_over_alpha_or_the_matte_and_the_plates_own_alpha_is_whole():
    alpha = np.array([[0, 0.5, 1]], np.float32)
    np.testing.assert_array_equal(matte_weight(None, alpha, (1, 3)), [[0, 1, 1]])
    given = np.array([[0.3, 0.25, 2]], np.float32)
    np.testing.assert_array_equal(matte_weight(given, alpha, (1, 3)), np.float32([[0.3, 0.5, 1]]))
    np.testing.assert_array_equal(matte_weight(None, None, (1, 3)), [[1, 1, 1]])
    broken = np.array([[np.nan, -1, 0.5]], np.float32)
    np.testing.assert_array_equal(matte_weight(broken, None, (1, 3)), [[0, 0, 0.5]])


def test_nothing_is_touched_outside_the_matte_or_without_a_change():
    weight = np.array([[0, 1, 1]], np.float32)
    gain = np.array([[[1, 1, 1], [0, 0.1, 0], [0, 0, 0]]], np.float32)
    assert touched(weight, gain, OFF)[0].tolist() == [[False] * 3, [False, True, False], [False] * 3]
    assert touched(weight, gain, Law(2.0, 1.0, 0.01, "off"))[0].tolist() == [[False] * 3, [True] * 3, [True] * 3]
    assert not touched(weight, gain, Law(2.0, 0.0, 0.01, "off")).any()


def test_full_weight_gives_the_relit_numbers_themselves():
    out = blend(PLATE, PLATE, GAIN, np.ones(PLATE.shape[:2], np.float32), OFF)
    np.testing.assert_array_equal(out, GAIN)


def test_an_edge_takes_the_gain_of_what_it_belongs_to():
    _, coverage = sphere(96)
    gain = np.where(coverage[..., None] > 0.9, 0.7, -3.0).astype(np.float32).repeat(3, -1)
    weight = (coverage > 0).astype(np.float32)
    carried = carry_outward(gain.copy(), weight, coverage, coverage > 0.5)
    np.testing.assert_allclose(carried[(coverage > 0) & (coverage < 0.9)], 0.7, atol=1e-3)
    np.testing.assert_array_equal(carried[weight == 0], gain[weight == 0])


def test_the_gain_is_carried_no_further_than_its_support():
    gain = np.zeros((40, 800, 3), np.float32)
    gain[:, :40] = 1
    weight = np.ones((40, 800), np.float32)
    known = np.zeros((40, 800), bool)
    known[:, :40] = True
    carried = carry_outward(gain, weight, weight, known)
    assert carried[:, 60].min() > 0.9
    assert not carried[:, 400:].any()


def test_a_residual_follows_the_normals_and_not_the_pixels():
    big, coverage = sphere(256)
    small, coarse = sphere(32)
    slope = np.float32([[0.8, -0.2, 0.1], [0.3, 0.9, 0.0], [0.0, 0.2, -0.5]])
    guided = guide_residual(small @ slope, small, coarse)
    wide = np.concatenate([enlarge_residual(guided, big[rows], rows, 256) for rows in bands(256)])
    inside = coverage > 0.99
    assert np.abs(wide - big @ slope)[inside].mean() < 0.02


def test_a_row_is_the_same_in_any_slice():
    big, _ = sphere(160)
    small, coarse = sphere(40)
    guided = guide_residual(small, small, coarse)
    whole = enlarge_residual(guided, big, slice(0, 160), 160)
    for rows in (slice(0, 7), slice(33, 90), slice(159, 160)):
        np.testing.assert_array_equal(enlarge_residual(guided, big[rows], rows, 160), whole[rows])


def test_bands_cover_every_row_once():
    assert [row for rows in bands(2 * ROWS + 5) for row in range(rows.start, rows.stop)] == list(range(2 * ROWS + 5))


def test_bands_give_what_the_whole_frame_gives():
    plate = np.random.default_rng(5).random((200, 30, 3), np.float32)
    gain = np.random.default_rng(6).normal(0, 1, plate.shape).astype(np.float32)
    law = Law(1.5, 1.0, 0.02, "match", NOISE)
    whole = relight_band(plate, None, gain, law, slice(0, 200))
    np.testing.assert_allclose(relit(plate, gain, law), whole, rtol=1e-4, atol=1e-5)
