"""How thick things are assumed to be, and where their shadows then fall."""

import cv2
import numpy as np
import pytest
from shadow_shot import CENTRE, FOV, RADIUS, SUN, WALL, scene

from relamp.core.light.backdrop import camera_rays
from relamp.core.process import pin_opencv
from relamp.core.shape.shadow import Surface, lamp_visibility
from relamp.core.shape.thickness import round_thickness

BAR = 21  # px


@pytest.mark.parametrize("size", [200, 1200])  # the local radius is computed at full size, and smaller
def test_the_outline_of_a_ball_is_as_thick_as_a_ball(size):
    within, radius = np.zeros((size, size), np.uint8), 0.35 * size
    cv2.circle(within, (size // 2, size // 2), round(radius), 1, -1)
    away = np.hypot(*(np.mgrid[:size, :size] - size // 2))
    inside = away < 0.95 * radius
    ball = 2 * np.sqrt(np.maximum(radius**2 - away**2, 0))
    assert np.abs(round_thickness(within) - ball)[inside].max() < 0.12 * 2 * radius


def test_a_bar_beside_a_large_thing_is_as_thick_as_it_is_wide():
    within = np.zeros((640, 480), np.uint8)
    within[20:620, 30 : 30 + BAR] = 1
    within[20:620, 60:470] = 1
    thick = round_thickness(within)
    assert thick[320, 30 + BAR // 2] == pytest.approx(BAR, rel=0.15)
    assert thick[320, 265] == pytest.approx(410, rel=0.1)


def test_where_there_is_no_outline_at_all_the_thickness_is_finite():
    assert np.isfinite(round_thickness(np.ones((40, 30), np.uint8))).all()


def test_a_ball_throws_the_shadow_of_a_ball_on_a_wall_far_behind_it():
    size = 160
    normals, depth = scene(size)
    focal = size / 2 / np.tan(np.radians(FOV / 2))
    height = (focal * (-WALL / depth - 1)).astype(np.float32)
    surface = Surface(height, normals, depth > 0, focal=focal, centre=(size / 2, size / 2))
    wall = np.isclose(depth, -WALL)
    rays = camera_rays(size, size, FOV)
    points = rays / -rays[..., 2:] * depth[..., None]
    middle = (CENTRE - points) @ SUN  # where the way to the sun passes nearest to the ball's centre
    true = np.linalg.norm(points + middle[..., None] * SUN - CENTRE, axis=-1) < RADIUS
    found = lamp_visibility(surface, SUN.astype(np.float32), 0.01) < 0.5
    assert (found & true & wall).sum() > 0.9 * ((found | true) & wall).sum()


def test_a_thickness_has_the_same_bits_wherever_in_memory_it_is_computed(monkeypatch):
    within = (cv2.GaussianBlur(np.random.default_rng(0).random((540, 960)), (0, 0), 30) > 0.5).astype(np.uint8)
    empty, found = np.empty, set()
    pin_opencv()
    for shift in range(16):
        with monkeypatch.context() as patched:
            patched.setattr(np, "empty", lambda n, dtype, by=shift: empty(n + 16, dtype)[by : by + n])
            found.add(round_thickness(within).tobytes())
    assert len(found) == 1
