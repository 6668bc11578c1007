import numpy as np
import pytest

from relamp.core.shape.normals import clean_normals, inflate, looks_green_flipped


def disc(height, width, radius):
    y, x = np.mgrid[:height, :width]
    return ((y - height / 2 + 0.5) ** 2 + (x - width / 2 + 0.5) ** 2 < radius**2).astype(np.float32)


@pytest.mark.parametrize("size", [(64, 64), (360, 640)])
def test_a_disc_is_blown_up_to_a_ball(size):
    radius = 0.4 * min(size)
    y, x = np.mgrid[: size[0], : size[1]]
    nx, ny = (x - size[1] / 2 + 0.5) / radius, -(y - size[0] / 2 + 0.5) / radius
    inside = np.hypot(nx, ny) < 0.9
    true = np.stack([nx, ny, np.sqrt(np.maximum(1 - nx**2 - ny**2, 0))], -1)
    error = np.degrees(np.arccos(np.clip((inflate(disc(*size, radius)) * true).sum(-1)[inside], -1, 1)))
    assert error.mean() < 3


def test_what_the_picture_cuts_is_not_closed_there():
    matte = np.zeros((60, 60), np.float32)
    matte[20:, 15:45] = 1  # a torso that leaves through the bottom edge
    normals = inflate(matte)
    assert normals[-1, 30, 1] > -0.2
    assert normals[21, 30, 1] > 0.5


def test_every_inflated_normal_is_a_unit_vector_even_for_an_empty_matte():
    for matte in (np.zeros((30, 40), np.float32), np.ones((30, 40), np.float32), disc(30, 40, 3)):
        np.testing.assert_allclose(np.linalg.norm(inflate(matte), axis=-1), 1, atol=1e-4)


def test_short_and_broken_normals_count_as_none():
    normals = np.array([[[0, 0, 2], [0.1, 0, 0], [np.nan, 0, 1], [np.inf, 0, 0], [0, 0, 0]]], np.float32)
    clean, known = clean_normals(normals)
    assert known.tolist() == [[True, False, False, False, False]]
    np.testing.assert_array_equal(clean[0], [(0, 0, 1)] * 5)


def test_flips_and_world_space_are_undone():
    clean, _ = clean_normals(np.array([[[0, -0.6, 0.8]]], np.float32), flip=("y",))
    np.testing.assert_allclose(clean[0, 0], (0, 0.6, 0.8), atol=1e-6)
    quarter = np.array([[0, 0, 1], [0, 1, 0], [-1, 0, 0]], float)
    clean, _ = clean_normals(np.array([[[1, 0, 0]]], np.float32), world_to_camera=quarter)
    np.testing.assert_allclose(clean[0, 0], (0, 0, -1), atol=1e-6)


def test_a_directx_green_is_noticed_and_an_opengl_one_is_not():
    normals = inflate(disc(64, 64, 26))
    known = disc(64, 64, 26) > 0
    assert not looks_green_flipped(normals, known)
    assert looks_green_flipped(normals * (1, -1, 1), known)


def test_a_chest_that_faces_down_is_no_directx_green_while_its_outline_faces_up():
    known = np.zeros((40, 20), bool)
    known[5:, 4:16] = True
    normals = np.zeros((40, 20, 3))
    normals[known] = (0, -0.3, 0.954)
    normals[5:8, 4:16] = (0, 0.8, 0.6)
    assert not looks_green_flipped(normals, known)
    assert looks_green_flipped(normals * (1, -1, 1), known)
