import numpy as np
import pytest
from skimage.metrics import structural_similarity

from relamp.core.evaluation import constancy, metrics
from relamp.core.pictures.curves import decode_srgb, encode_srgb

EVERYWHERE = np.ones((48, 64), bool)


def texture(seed: int = 0, low: float = 0.2, high: float = 0.8) -> np.ndarray:
    """A picture of random display-encoded values, as linear light."""
    return decode_srgb(np.random.default_rng(seed).uniform(low, high, (48, 64, 3)))


def test_alike_is_infinite_and_a_constant_offset_is_computable():
    truth = texture()
    assert metrics.psnr(truth, truth, EVERYWHERE) == float("inf")
    offset = decode_srgb(encode_srgb(truth) + 0.1)
    assert metrics.psnr(offset, truth, EVERYWHERE) == pytest.approx(20.0, abs=1e-3)


def test_only_what_is_inside_counts():
    truth = texture()
    inside = EVERYWHERE.copy()
    inside[:, :20] = False
    wrong_outside = truth.copy()
    wrong_outside[:, :20] = 7
    assert metrics.psnr(wrong_outside, truth, inside) == float("inf")
    assert metrics.ssim(wrong_outside, truth, inside) == pytest.approx(1)
    assert metrics.log_rmse(wrong_outside, truth, inside) == 0


def test_a_scaled_picture_is_perfect_once_aligned():
    truth = texture()
    dark = truth * np.float32(0.25)
    factor = metrics.alignment(dark, truth, EVERYWHERE)
    assert factor == pytest.approx(4)
    assert metrics.psnr(np.float32(factor) * dark, truth, EVERYWHERE) > 100
    assert metrics.psnr(dark, truth, EVERYWHERE) < 15


def test_a_highlight_does_not_decide_the_alignment():
    truth = texture()
    truth[0, 0] = 10_000
    pred = truth * np.float32(0.5)
    pred[0, 0] = 1
    assert metrics.alignment(pred, truth, EVERYWHERE) == pytest.approx(2)
    assert metrics.alignment(np.zeros_like(truth), truth, EVERYWHERE) == 1


def test_ssim_is_the_published_one():
    truth, pred = texture(), texture(1)
    theirs = structural_similarity(
        encode_srgb(pred), encode_srgb(truth), gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
        data_range=1.0, channel_axis=-1, full=True,
    )[1]  # fmt: skip
    assert metrics.ssim(pred, truth, EVERYWHERE) == pytest.approx(float(theirs.mean()), abs=1e-5)


def test_one_stop_off_is_one_stop_of_log_error():
    truth = texture() * 100
    assert metrics.log_rmse(truth * 2, truth, EVERYWHERE) == pytest.approx(1, abs=1e-3)


def test_detail_survives_a_smooth_gain_and_not_another_texture_nor_a_blur():
    plate = texture()
    gain = np.exp2(np.linspace(-2, 2, 64, dtype=np.float32))[None, :, None]
    assert constancy.detail_correlation(plate * gain, plate, EVERYWHERE) == pytest.approx(1, abs=0.01)
    assert abs(constancy.detail_correlation(texture(1), plate, EVERYWHERE) or 0) < 0.1
    blurred = (plate + np.roll(plate, 1, 0) + np.roll(plate, 1, 1) + np.roll(plate, 2, 1)) / 4
    assert (constancy.detail_correlation(blurred, plate, EVERYWHERE) or 1) < 0.8
    assert constancy.detail_correlation(plate, np.ones_like(plate), EVERYWHERE) is None


def test_hue_drifts_where_white_light_was_tinted_and_nowhere_else():
    plate = np.broadcast_to(np.float32([0.4, 0.2, 0.1]), (48, 64, 3)).copy()
    tint = np.float32([0.8, 1.0, 1.6])
    truth = plate * 2
    assert constancy.hue_drift(plate * 3, plate, truth, EVERYWHERE) == pytest.approx(0, abs=0.01)
    assert (constancy.hue_drift(plate * tint, plate, truth, EVERYWHERE) or 0) > 5
    assert (
        constancy.hue_drift(plate * tint, plate, plate * tint, EVERYWHERE) is None
    )  # there the light itself was tinted
    grey = np.full_like(plate, 0.3)
    assert constancy.hue_drift(grey * tint, grey, grey * 2, EVERYWHERE) is None  # grey has no hue to lose


def test_a_softer_edge_is_less_sharp():
    x = np.arange(64)
    inside = np.broadcast_to(x > 31, (48, 64))
    hard, soft = (
        np.broadcast_to(np.clip((x - 31.5) / width + 0.5, 0.1, 0.9)[None, :, None], (48, 64, 3)).astype(np.float32)
        for width in (1, 8)
    )
    sharp, dull = constancy.sharpness(hard, inside), constancy.sharpness(soft, inside)
    assert sharp is not None
    assert dull is not None
    assert dull.laplacian < 0.3 * sharp.laplacian
    assert dull.tenengrad < 0.5 * sharp.tenengrad
    assert constancy.sharpness(hard, EVERYWHERE) is None
