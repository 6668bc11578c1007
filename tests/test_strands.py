"""Shadows on a depth of strands, as of hair: the mean of what single strands hide; surfaces and their edges are as they were."""

from dataclasses import replace

import numpy as np

from relamp.core.shape.shadow import Surface, lamp_visibility, mixed_at_outlines

SIZE, LAMP = 96, np.array([-0.99, 0.1, 0.08]) / np.linalg.norm([0.99, 0.1, 0.08])
HAIR = np.s_[24:72, 24:72]


def surface(rough):
    """A plane that faces the viewer, with a patch of strands of `rough` px, and a post 3 px wide beside it."""
    height = np.zeros((SIZE, SIZE), np.float32)
    height[HAIR] += rough * np.random.default_rng(3).standard_normal((48, 48)).astype(np.float32)
    height[10:86, 84:87] = 3
    facing = np.broadcast_to(np.float32([0, 0, 1]), (SIZE, SIZE, 3))
    return Surface(height, facing, np.ones((SIZE, SIZE), bool))


def shadows(made):
    seen = lamp_visibility(made, LAMP, 0.01)
    return seen, mixed_at_outlines(made, seen)


def test_single_strands_throw_no_specks_but_darken_together():
    seen, mixed = shadows(surface(0.7))
    inside = np.s_[34:62, 34:62]
    assert seen[inside].min() < 0.1
    assert seen[inside].std() > 0.2
    assert mixed[inside].std() < 0.3 * seen[inside].std()
    np.testing.assert_allclose(mixed[inside].mean(), seen[inside].mean(), atol=0.05)


def test_a_post_and_a_smooth_surface_are_no_strands():
    made = surface(0)
    assert not made.strands.any()
    seen, mixed = shadows(made)
    assert seen[30:60, 88:91].max() < 0.95
    np.testing.assert_array_equal(mixed[:, 92:], seen[:, 92:])


def test_a_slope_that_normals_explain_is_no_strands_in_either_view():
    tilt = np.float32(0.6) * np.arange(SIZE, dtype=np.float32)
    normal = np.float32([-0.6, 0, 1]) / np.float32(np.hypot(0.6, 1))
    plane = replace(surface(0), height=np.tile(tilt, (SIZE, 1)), normals=np.broadcast_to(normal, (SIZE, SIZE, 3)))
    assert not plane.strands.any()
    assert replace(plane, normals=np.broadcast_to(np.float32([0, 0, 1]), (SIZE, SIZE, 3))).strands.all()
