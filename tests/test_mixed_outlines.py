"""Shadows on the outlines of things: mixed as the plate's pixels are."""

import numpy as np

from relamp.core.shape.shadow import Surface, mixed_at_outlines

SIZE = 64


def surface(spacing=1.0):
    """The left half stands 40 px before the right one."""
    height = np.zeros((SIZE, SIZE), np.float32)
    height[:, : SIZE // 2] = 40
    facing = np.broadcast_to(np.array((0, 0, 1), np.float32), (SIZE, SIZE, 3))
    return Surface(height, facing, np.ones((SIZE, SIZE), bool), spacing=spacing)


def dotted():
    """Every third pixel beside the outline is hidden."""
    seen = np.ones((SIZE, SIZE), np.float32)
    seen[::3, SIZE // 2] = 0
    return seen


def test_single_hidden_pixels_beside_an_outline_vanish():
    assert mixed_at_outlines(surface(), dotted()).min() > 0.9


def test_a_shadow_keeps_its_depth_and_its_edge_away_from_outlines():
    seen = np.ones((SIZE, SIZE), np.float32)
    seen[20:40] = 0
    mixed = mixed_at_outlines(surface(), seen)
    assert (mixed[24:36] == 0).all()
    away = np.abs(np.arange(SIZE) - SIZE / 2) > 4
    np.testing.assert_array_equal(mixed[:, away], seen[:, away])


def test_a_coarse_relief_is_left_alone():
    seen = dotted()
    assert mixed_at_outlines(surface(spacing=2.0), seen) is seen
