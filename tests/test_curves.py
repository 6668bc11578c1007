"""The transfer curves: values of the standards, round trips, and the tensor form beside the array form."""

import numpy as np
import pytest
import torch

from relamp.core.pictures.curves import (
    decode_log,
    decode_log_tensor,
    decode_srgb,
    encode_log,
    encode_log_tensor,
    encode_srgb,
)

TWENTY_STOPS = np.float32(2.0) ** np.linspace(-10, 10, 400, dtype=np.float32)


@pytest.mark.parametrize(
    ("linear", "code"),
    [(0.0, 0.0), (0.0031308, 0.04045), (0.0508761, 0.25), (0.2140411, 0.5), (0.5225216, 0.75), (1.0, 1.0)],
)
def test_srgb_has_the_values_of_its_standard(linear, code):
    assert encode_srgb(np.float64(linear)) == pytest.approx(code, abs=1e-5)
    assert decode_srgb(np.float64(code)) == pytest.approx(linear, abs=1e-5)


def test_srgb_clips_what_a_display_cannot_show():
    assert encode_srgb(np.float32([-2.0, 0.0, 1.0, 60.0])) == pytest.approx([0, 0, 1, 1])
    assert np.isnan(encode_srgb(np.float32([np.nan]))).all()


def test_srgb_comes_back_and_single_precision_stays():
    codes = np.linspace(0, 1, 256, dtype=np.float32)
    linear = decode_srgb(codes)
    assert linear.dtype == encode_srgb(linear).dtype == np.float32
    assert encode_srgb(linear) == pytest.approx(codes, abs=1e-6)


def test_log_code_of_known_lights():
    assert encode_log(np.float32(0.178)) == pytest.approx(0.0, abs=1e-6)
    assert encode_log(np.float32(0.0)) == pytest.approx(np.log(0.002 / 0.18) / 3, abs=1e-6)


def test_log_code_comes_back_over_twenty_stops():
    assert decode_log(encode_log(TWENTY_STOPS)) == pytest.approx(TWENTY_STOPS, rel=2e-4, abs=2e-6)


def test_negative_light_is_coded_as_none():
    assert encode_log(np.float32(-3.0)) == encode_log(np.float32(0.0))
    assert decode_log(encode_log(np.float32(-3.0))) == pytest.approx(0.0, abs=1e-7)


def test_the_log_curve_of_tensors_is_that_of_arrays():
    light = np.concatenate([np.float32([-3.0, 0.0]), TWENTY_STOPS])
    code = encode_log(light)
    np.testing.assert_allclose(encode_log_tensor(torch.from_numpy(light)).numpy(), code, rtol=0, atol=1e-6)
    np.testing.assert_allclose(
        decode_log_tensor(torch.from_numpy(code)).numpy(), decode_log(code), rtol=2e-6, atol=1e-7
    )
