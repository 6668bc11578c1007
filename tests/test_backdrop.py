import numpy as np
import pytest

from relamp.core.errors import ParameterError
from relamp.core.light import environment as env
from relamp.core.light.backdrop import backdrop, camera_rays


def test_the_middle_ray_looks_down_minus_z():
    np.testing.assert_allclose(camera_rays(5, 3)[1, 2], (0, 0, -1), atol=1e-7)


def test_rays_are_unit_right_is_x_and_row_zero_is_up():
    rays = camera_rays(8, 6, 40)
    np.testing.assert_allclose(np.linalg.norm(rays, axis=-1), 1, rtol=1e-6)
    assert (np.diff(rays[..., 0], axis=1) > 0).all()
    assert (np.diff(rays[..., 1], axis=0) < 0).all()


@pytest.mark.parametrize("fov", [10.0, 40.0, 90.0])
def test_the_field_of_view_spans_the_edges_of_the_display_window(fov):
    rays = camera_rays(1000, 10, fov)
    across = np.degrees(np.arctan2(rays[5, [0, -1], 0], -rays[5, [0, -1], 2]))
    assert across[1] - across[0] == pytest.approx(fov, rel=2e-3)


def test_an_anamorphic_pixel_is_wider_than_high():
    square, wide = camera_rays(8, 8), camera_rays(8, 8, pixel_aspect=2.0)
    slope = [rays[0, 4, 1] / -rays[0, 4, 2] for rays in (square, wide)]
    assert slope[1] == pytest.approx(slope[0] / 2, rel=1e-5)


def test_a_window_is_a_part_of_the_frame_or_its_overscan():
    frame = camera_rays(16, 9)
    np.testing.assert_array_equal(camera_rays(16, 9, window=(3, 2, 4, 5)), frame[2:7, 3:7])
    np.testing.assert_array_equal(camera_rays(16, 9, window=(-2, -1, 20, 11))[1:10, 2:18], frame)


def test_the_camera_sees_the_edge_of_the_map_with_plus_x_on_its_right():
    pixels = np.zeros((64, 128, 3), np.float32)
    pixels[:, :10, 0] = 1  # the left edge of the map, just on the +X side of -Z
    pixels[:, -10:, 2] = 1
    seen = backdrop(pixels, camera_rays(64, 36))
    assert seen[18, 50].tolist() == [1, 0, 0]
    assert seen[18, 13].tolist() == [0, 0, 1]


def test_a_light_behind_the_camera_comes_into_view_with_half_a_turn():
    pixels = np.zeros((64, 128, 3), np.float32)
    pixels[30:34, 62:66] = 1
    rays = camera_rays(64, 36)
    assert not backdrop(pixels, rays).any()
    assert backdrop(pixels, rays, env.rotation_matrix(0, 180, 0))[18, 32, 0] > 0.9


def test_turning_the_light_by_positive_yaw_from_ahead_moves_it_left_in_view():
    pixels = np.zeros((64, 128, 3), np.float32)
    pixels[31:33, [0, -1]] = 1  # at -Z, straight ahead
    seen = backdrop(pixels, camera_rays(64, 36), env.rotation_matrix(0, 10, 0))
    assert np.argmax(seen[18, :, 0]) < 28


def test_a_fine_map_is_averaged_not_sparkled():
    pixels = np.zeros((512, 1024, 3), np.float32)
    pixels[::2, ::2] = 4
    np.testing.assert_allclose(backdrop(pixels, camera_rays(12, 8)), 1, atol=0.25)


@pytest.mark.parametrize("fov", [0.0, 180.0, -10.0, float("nan")])
def test_an_impossible_field_of_view_is_refused(fov):
    with pytest.raises(ParameterError, match="field of view"):
        camera_rays(4, 4, fov)


def test_an_impossible_pixel_aspect_is_refused():
    with pytest.raises(ParameterError, match="pixel aspect"):
        camera_rays(4, 4, pixel_aspect=0)
