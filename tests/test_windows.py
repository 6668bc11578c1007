"""Which frames a frame depends on, and what of them is a hole."""

import numpy as np
import pytest

from relamp.core.temporal.windows import depends_on, filled, same_take
from relamp.core.temporal.working_frame import thumb


@pytest.mark.parametrize(
    ("span", "radius", "expected"),
    [
        ("frame", 0, [1005]),
        ("frame", 2, [1003, 1004, 1005, 1006]),
        ("shot", 3, [1000, 1001, 1002, 1003, 1004, 1005, 1006, 1009]),
    ],
)
def test_a_frame_depends_on_its_neighbours_that_are_there_or_on_the_shot(span, radius, expected):
    assert depends_on(1005, span, radius, (*range(1000, 1007), 1009)) == expected


def test_holes_repeat_the_nearest_frame():
    assert filled([None, "b", None, None, "e", None]) == ["b", "b", "b", "e", "e", "e"]
    with pytest.raises(ValueError, match="without a single frame"):
        filled([None, None])


def take(seed, count, step=1):
    """Log proxies of a picture that drifts and changes its exposure."""
    rng = np.random.default_rng(seed)
    whole = np.kron(rng.normal(0, 0.6, (10, 10, 3)), np.ones((8, 8, 1))).astype(np.float32)
    return [np.roll(whole, i * step, 1) + np.float32(0.3 * (i % 2)) for i in range(count)]


@pytest.mark.parametrize("middle", [0, 2, 3, 5])
def test_what_lies_beyond_a_cut_is_a_hole(middle):
    window = [*take(0, 3), *take(1, 3)]
    kept = [entry is not None for entry in same_take(window, middle, thumb)]
    assert kept == [True] * 3 + [False] * 3 if middle < 3 else [False] * 3 + [True] * 3


def test_a_cut_is_seen_across_a_hole_and_motion_and_exposure_are_none():
    [a, b, c], [d] = take(0, 3), take(1, 1)
    assert [x is not None for x in same_take([a, None, b, c], 0, thumb)] == [True, False, True, True]
    assert [x is not None for x in same_take([a, None, d, c], 0, thumb)] == [True, False, False, False]
