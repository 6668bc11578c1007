import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from relamp.core.evaluation import motion

SIZE = (96, 128)
EVERYWHERE = np.ones(SIZE, bool)


def world(seed: int = 0) -> np.ndarray:
    """A textured picture larger than the frame, 0.05 to 0.6."""
    noise = np.random.default_rng(seed).random((*SIZE, 3), np.float32)
    soft = gaussian_filter(noise, (2, 2, 0), mode="wrap")
    return (0.05 + 0.55 * (soft - soft.min()) / np.ptp(soft)).astype(np.float32)


def panned(picture: np.ndarray, step: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Two frames of a picture that moves to the right by `step` px a frame."""
    return picture, np.roll(picture, step, axis=1)


def middle(margin: int = 12) -> np.ndarray:
    inside = np.zeros(SIZE, bool)
    inside[margin:-margin, margin:-margin] = True
    return inside


def test_flow_finds_a_pan_and_sees_what_comes_into_view():
    before, now = panned(world())
    found = motion.follow(before, now)
    assert np.median(found.back[middle()], axis=0) == pytest.approx((-3, 0), abs=0.1)
    assert found.seen[middle()].mean() > 0.95
    assert not found.seen[:, 0].any()


def test_flicker_is_what_was_put_in():
    truth = panned(world())
    found = motion.follow(*truth)
    pred = (truth[0], truth[1] * np.float32(2**0.3))
    total, whole = motion.flicker(pred, truth, found, EVERYWHERE) or (0, 0)
    assert total == pytest.approx(0.3, abs=0.01)
    assert whole == pytest.approx(0.3, abs=0.01)


def test_local_flicker_is_seen_and_is_not_the_whole_pictures():
    truth = panned(world())
    found = motion.follow(*truth)
    half = np.where(np.arange(SIZE[1])[None, :, None] < SIZE[1] // 2, 2**0.2, 2**-0.2).astype(np.float32)
    total, whole = motion.flicker((truth[0], truth[1] * half), truth, found, EVERYWHERE) or (0, 0)
    assert total == pytest.approx(0.2, abs=0.01)
    assert whole < 0.03


def test_moving_texture_true_light_and_a_steady_error_are_no_flicker():
    filmed = panned(world())
    found = motion.follow(*filmed)
    truth = (filmed[0], filmed[1] * np.float32(1.5))  # the light comes up
    pred = (truth[0] * np.float32(0.7), truth[1] * np.float32(0.7))
    total, _ = motion.flicker(pred, truth, found, EVERYWHERE) or (1, 1)
    assert total < 0.01


def test_an_error_that_moves_with_what_is_lit_is_no_flicker():
    truth = panned(world())
    found = motion.follow(*truth)
    painted = 1 + 0.5 * world(1)
    pred = (truth[0] * painted, truth[1] * np.roll(painted, 3, axis=1))
    total, _ = motion.flicker(pred, truth, found, middle()) or (1, 1)
    assert total < 0.02


def test_a_steady_shot_warps_onto_itself():
    truth = panned(world())
    found = motion.follow(*truth)
    error, likeness = motion.warping(truth, found, middle()) or (1, 0)
    assert error < 0.01
    assert likeness > 0.99
    error, likeness = motion.warping((truth[0], world(1)), found, middle()) or (0, 1)
    assert error > 0.05
    assert likeness < 0.5


def test_motion_is_kept_by_a_new_light_and_lost_by_another_picture():
    filmed = panned(world())
    found = motion.follow(*filmed)
    relit = (filmed[0] * np.float32(0.6), filmed[1] * np.float32(0.6))
    assert (motion.motion_error(relit, found, middle()) or 0) < 0.1
    frozen = (filmed[0], filmed[0])
    assert motion.motion_error(frozen, found, middle()) == pytest.approx(3, abs=0.2)


def test_nothing_to_follow_is_nothing_measured():
    filmed = panned(world())
    found = motion.follow(*filmed)
    nowhere = np.zeros(SIZE, bool)
    assert motion.flicker(filmed, filmed, found, nowhere) is None
    assert motion.warping(filmed, found, nowhere) is None
    assert motion.motion_error(filmed, found, nowhere) is None
