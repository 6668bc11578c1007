"""The proxy: exposure and size."""

import numpy as np
import pytest

from relamp.core.gain import proxy
from relamp.core.pictures.resample import shrink_normals, working_shape


@pytest.mark.parametrize(
    ("height", "width", "expected"), [(1080, 1920, (90, 160)), (60, 100, (60, 100)), (1, 4000, (1, 160))]
)
def test_working_shape_keeps_the_aspect_and_never_grows(height, width, expected):
    assert working_shape(height, width, 160) == expected


def _made(plate, alpha, anchor=1.0, longer=32):
    shape = plate.shape[:2]
    normals = np.broadcast_to(np.float32([0, 0, 1]), (*shape, 3))
    return proxy.make(
        plate, alpha, np.ones(shape, np.float32), normals, np.ones(shape, bool), anchor=anchor, longer=longer
    )


def test_proxy_is_unpremultiplied_and_anchored():
    alpha = np.tile(np.linspace(0.2, 1, 64, dtype=np.float32), (64, 1))
    plate = alpha[..., None] * np.float32([0.4, 0.2, 0.1])
    made = _made(plate, alpha, anchor=2.0)
    assert made.light.shape == (32, 32, 3)
    assert made.light == pytest.approx(np.broadcast_to(np.float32([0.8, 0.4, 0.2]), (32, 32, 3)), rel=1e-4)


def test_nonfinite_pixels_do_not_spread():
    plate = np.full((64, 64, 3), 0.5, np.float32)
    plate[10, 10] = np.nan
    plate[20, 20] = np.inf
    made = _made(plate, None)
    assert np.isfinite(made.light).all()
    assert made.light[25, 25] == pytest.approx(0.5)


def test_normals_stay_unit_and_unknown_ones_are_said_to_be():
    normals = np.zeros((64, 64, 3), np.float32)
    normals[:, :32] = (1, 0, 0)
    known = normals[..., 0] > 0
    plate = np.ones((64, 64, 3), np.float32)
    made = proxy.make(plate, None, np.ones((64, 64), np.float32), normals, known, anchor=1.0, longer=16)
    assert np.linalg.norm(made.normals, axis=-1) == pytest.approx(1.0, abs=1e-5)
    assert made.known[:, :8].all()
    assert not made.known[:, 8:].any()
    assert made.normals[3, 3] == pytest.approx([1, 0, 0])


@pytest.mark.parametrize(("least", "known"), [(0.25, True), (0.5, False)])
def test_a_shrunk_normal_is_known_where_enough_of_its_pixel_is(least, known):
    normals = np.zeros((4, 4, 3), np.float32)
    normals[:, 0] = (0, 1, 0)
    there = np.zeros((4, 4), bool)
    there[:3, :2] = there[0, 2] = True  # 7 of 16 pixels
    normals[there] = (0, 1, 0)
    small, sure = shrink_normals(normals, there, (1, 1), least)
    assert sure.tolist() == [[known]]
    assert small[0, 0] == pytest.approx((0, 1, 0) if known else (0, 0, 1))
