"""A depth pass cleaned, of every kind, against a scene whose depth is known exactly."""

from functools import cache

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, maximum_filter, minimum_filter

from depth_scene import ball_and_box
from relamp.core.errors import InputError
from relamp.core.shape.depth_fit import Fit, Pairs, require_fits
from relamp.core.shape.depth_grain import without_grain
from relamp.core.shape.depth_pass import clean_depth, shrink_depth

KINDS = ("z", "distance", "inverse", "normalised")
LARGE, SMALL = ball_and_box(640, 480), ball_and_box(160, 120)


def small(read, kind):
    return shrink_depth(clean_depth(read, kind, LARGE.rays), SMALL.z.shape)


def heights(read, kind, normals=SMALL.normals):
    """Heights (120, 160) in pixels of a pass at the large size, and where they are known."""
    depth = small(read, kind)
    fit = Fit.of(depth, kind, SMALL.rays, normals, SMALL.matte, SMALL.matte > 0)
    return fit.heights(depth, SMALL.rays, SMALL.matte), (depth > 0) & (SMALL.z > 0)


EXACT, THERE = heights(LARGE.z, "z")
RELIEF = float(np.ptp(EXACT[THERE]))


def away(found, quantile=0.99):
    """How far heights are from the exact ones, as a share of the relief, their own middle taken off."""
    height, known = found
    both = known & THERE
    error = height[both] - EXACT[both]
    return float(np.quantile(np.abs(error - np.median(error)), quantile)) / RELIEF


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_gives_the_same_heights(kind):
    assert away(heights(getattr(LARGE, kind), kind)) < 0.01


def test_heights_slope_as_the_normals_say():
    n, rays = SMALL.normals[:, 1:-1], SMALL.rays[:, 1:-1] / -SMALL.rays[:, 1:-1, 2:]
    ball = (n[..., 2] > 0.75) & (SMALL.z[:, 1:-1] < 5) & (SMALL.z[:, 2:] > 0) & (SMALL.z[:, :-2] > 0)
    nearness = np.where(SMALL.z > 0, np.median(SMALL.z[SMALL.z > 0]) / np.maximum(SMALL.z, 1e-6), 1)[:, 1:-1]
    slope = (EXACT[:, 2:] - EXACT[:, :-2]) / 2 / nearness  # of a step at the depth of the middle
    assert ball.sum() > 500
    np.testing.assert_allclose(slope[ball], (n[..., 0][ball] / (n * rays).sum(-1)[ball]), atol=0.03)


@pytest.mark.parametrize(
    "habit",
    [
        lambda z: -z,
        lambda z: np.where(z > 0, z, 1e10),
        lambda z: np.where(z > 0, z, np.inf),
        lambda z: np.where(z > 0, z, np.nan),
        lambda z: -np.where(z > 0, z, np.inf),
        lambda z: 250 * z,
    ],
    ids=["negative", "1e10", "infinite", "NaN", "negative and infinite", "another unit"],
)
def test_habits_of_renderers_change_nothing(habit):
    height, known = heights(habit(LARGE.z).astype(np.float32), "z")
    np.testing.assert_array_equal(known, THERE)
    np.testing.assert_allclose(height[known], EXACT[known], atol=1e-3)


@pytest.mark.parametrize("behind", [0.0, 30.0], ids=["nothing behind", "a wall behind"])
def test_a_pixel_that_mixes_two_surfaces_gets_the_depth_of_one(behind):
    fine = ball_and_box(639, 480).z.reshape(160, 3, 213, 3)
    cover = (fine > 0).mean((1, 3))
    mixed = np.where(fine > 0, fine, behind).mean((1, 3)).astype(np.float32)
    nearest = minimum_filter(np.where(fine > 0, fine, np.inf).min((1, 3)), 5) - 0.05
    farthest = maximum_filter(fine.max((1, 3)), 5) + 0.05

    def of_neither(depth):
        on_subject = (depth >= nearest) & (depth <= farthest)
        return (cover > 0.05) & (cover < 0.95) & ~on_subject & (np.abs(depth - behind) > 0.5)

    clean = clean_depth(mixed, "z")
    assert of_neither(mixed).sum() > 300
    assert of_neither(clean).sum() < 10
    inside = (cover == 1) & (mixed > nearest + 0.06) & (mixed < farthest - 0.06)
    assert (np.abs(clean - mixed)[inside] < 0.05).mean() > 0.99


@pytest.mark.parametrize("behind", [0.0, 30.0], ids=["nothing behind", "a wall behind"])
def test_a_surface_seen_at_a_grazing_angle_keeps_its_depth_up_to_its_edges(behind):
    """A table top before a wall or nothing; in some columns a box hides all of it but four rows above its front edge."""
    rows = np.arange(60, dtype=np.float32)[:, None]
    top = 1 / (0.08 + 0.0006 * np.minimum(rows, 45)) + np.zeros((60, 50), np.float32)
    table = np.where(rows < 20, np.float32(behind), top)
    table[20:42, :10] = table[46, 0] - 0.3  # a thing that stands on it
    np.testing.assert_array_equal(clean_depth(table, "z"), table)


def test_a_smaller_depth_holds_only_numbers_of_the_large_one():
    assert np.isin(small(LARGE.z, "z"), np.append(LARGE.z, 0)).all()


def test_a_depth_at_its_own_size_is_left_alone():
    np.testing.assert_array_equal(shrink_depth(SMALL.z, SMALL.z.shape), SMALL.z)


def test_points_without_depth_take_that_of_their_neighbours():
    holed = LARGE.z.copy()
    holed[::16] = 0
    holed[200:208, 200:208] = 0
    height, _ = heights(holed, "z")
    assert float(np.quantile(np.abs(height - EXACT)[THERE], 0.99)) < 0.02 * RELIEF


@pytest.mark.parametrize("kind", ["inverse", "normalised"])
def test_a_relative_depth_degrades_gently(kind):
    rng = np.random.default_rng(0)
    exact = getattr(LARGE, kind)
    span = np.ptp(exact[exact > 0])
    noise = np.where(exact > 0, rng.normal(0, 0.02 * span, exact.shape), 0).astype(np.float32)
    blurred = SMALL.normals + rng.normal(0, 0.15, SMALL.normals.shape).astype(np.float32)
    unsure = blurred / np.linalg.norm(blurred, axis=-1, keepdims=True)
    assert away(heights(exact + noise, kind), 0.9) < 0.05
    assert away(heights(exact, kind, unsure), 0.9) < 0.1


def test_a_normalised_depth_may_be_turned_around():
    turned = np.where(LARGE.z > 0, 1 - LARGE.normalised, 0).astype(np.float32)
    assert away(heights(turned, "normalised")) < 0.01


@pytest.mark.parametrize("kind", KINDS)
def test_a_depth_is_taken_for_what_it_is(kind):
    depth = small(getattr(LARGE, kind), kind)
    require_fits(depth, kind, pairs(depth), "depth.1001.exr")


@pytest.mark.parametrize(
    ("claimed", "real"),
    [("z", "inverse"), ("z", "normalised"), ("distance", "inverse"), ("inverse", "z"), ("inverse", "normalised"),
     ("normalised", "z")],
)  # fmt: skip
def test_a_wrong_kind_is_refused_and_the_likely_one_named(claimed, real):
    depth = small(getattr(LARGE, real), claimed)
    with pytest.raises(InputError, match=rf"depth\.1001\.exr: .*{claimed}.*--depth-kind {real}"):
        require_fits(depth, claimed, pairs(depth), "depth.1001.exr")


def test_the_depth_of_another_shot_is_refused():
    other = small(np.ascontiguousarray(LARGE.z[:, ::-1]), "z")
    with pytest.raises(InputError, match=r"does not fit the normals .* another shot or frame"):
        require_fits(other, "z", pairs(other), "depth.1001.exr")


def test_a_few_normals_tell_nothing_of_a_depth():
    depth = small(LARGE.inverse, "z")
    few = Pairs.of(depth, SMALL.rays, SMALL.normals, np.arange(160 * 120).reshape(120, 160) < 900)
    assert few.few
    require_fits(depth, "z", few, "depth.1001.exr")


def pairs(depth):
    return Pairs.of(depth, SMALL.rays, SMALL.normals, SMALL.z > 0)


@cache
def fine():
    """The scene at a size where halves make stairs, its fit and its heights."""
    scene = ball_and_box(960, 720)
    fit = Fit.of(scene.z, "z", scene.rays, scene.normals, scene.matte, scene.z > 0)
    return scene, fit, fit.heights(scene.z, scene.rays, scene.matte)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda z: z.astype(np.float16).astype(np.float32),
        lambda z: np.kron(z[::2, ::2], np.ones((2, 2), np.float32)),
        lambda z: np.where(z > 0, z + np.random.default_rng(0).normal(0, 0.02, z.shape), 0).astype(np.float32),
    ],
    ids=["half float", "half the size", "noise"],
)
def test_normals_take_the_stairs_off_a_depth_and_leave_its_edges(spoil):
    scene, fit, exact = fine()
    there = scene.z > 0
    found = fit.heights(spoil(scene.z), scene.rays, scene.matte)
    smooth = without_grain(found, scene.rays, scene.normals, there & (spoil(scene.z) > 0))

    def stairs(heights):
        step = np.abs(np.diff(heights - exact, axis=1))
        return float(np.median(step[there[:, 1:] & there[:, :-1]]))

    assert stairs(smooth) < 0.2 * stairs(found)
    edge = (np.abs(np.diff(found, axis=1)) > 100) & there[:, 1:] & there[:, :-1]
    assert edge.sum() > 50
    kept = np.abs(np.diff(smooth, axis=1))[edge] / np.abs(np.diff(found, axis=1))[edge]
    assert np.median(kept) > 0.9


def test_a_depth_without_stairs_is_left_alone():
    scene, _, heights = fine()
    assert without_grain(heights, scene.rays, scene.normals, scene.z > 0) is heights


def test_shadows_are_softer_only_on_a_noisy_depth():
    noise = gaussian_filter(np.random.default_rng(0).normal(size=SMALL.z.shape), 4)
    noisy = np.where(SMALL.z > 0, SMALL.z + noise * (0.15 / noise.std()), 0).astype(np.float32)
    halves = SMALL.z.astype(np.float16).astype(np.float32)
    doubts = [
        Fit.of(d, "z", SMALL.rays, SMALL.normals, SMALL.matte, SMALL.z > 0).doubt for d in (SMALL.z, halves, noisy)
    ]
    assert doubts[:2] == [0, 0]
    assert doubts[2] > 0.05
