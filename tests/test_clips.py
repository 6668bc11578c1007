"""Clips of the light stage: frames are the stills they were made of, each under the light of its moment."""

import numpy as np
import pytest

from relamp.training.clips import (
    LENGTH,
    ClipMaker,
    MovingPlace,
    mixed,
    moving_light,
    paint_moving,
)
from relamp.training.dataset import Frames, pictures
from relamp.training.light_pool import Rig
from relamp.training.shards import write_shard
from stage_frames import SIZE, lambert_ball


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("stage")
    write_shard(path / "stage-000000000.safetensors", [lambert_ball(seed) for seed in (1, 7)])
    return path


@pytest.fixture(scope="module")
def maker(folder):
    return ClipMaker(Frames(folder), [], 0, 3, (SIZE,), moving=2)


def filmed(maker, monkeypatch, lights, path=None):
    """A clip of the ball under two rows of lights, through windows that stand unless told otherwise."""
    rows = iter(lights)
    monkeypatch.setattr(maker, "_light", lambda rig, steady: next(rows))
    monkeypatch.setattr(maker, "_path", lambda geometry: path or [(0.0, 0.0, SIZE)] * LENGTH)
    return maker.clip(SIZE)


def lit(maker, toward=None):
    """A light of the maker's first frame: its place turned so that a seed decides where it stands."""
    return maker.frames.rigs[0].light(maker.pool[0], np.random.default_rng(toward))


def share(picture, other, matte):
    """What one picture (3, S, S) is of another, a channel: constant where they are the same but for tint and exposure."""
    inside = (matte[0] > 0.99) & (other.min(0) > 0.01)
    return picture[:, inside] / other[:, inside]


def test_frames_under_a_still_light_through_a_still_window_are_the_still(maker, monkeypatch):
    a, b = lit(maker, 1), lit(maker, 2)
    clip = filmed(maker, monkeypatch, [[a] * LENGTH, [b] * LENGTH])
    still = pictures(maker.frames.frames[0], [a, b]).transpose(0, 3, 1, 2)
    for t, sample in enumerate(clip.samples):
        assert np.array_equal(clip.clean[t], clip.clean[0])
        assert np.array_equal(sample.target, clip.samples[0].target)
        assert not np.array_equal(sample.plate, clip.samples[t - 1].plate)  # filmed anew
    mirrored = (
        still
        if np.ptp(share(clip.clean[0], still[0], clip.samples[0].truth), axis=1).max() < 1e-3
        else still[..., ::-1]
    )
    for picture, true in ((clip.clean[0], mirrored[0]), (clip.samples[0].target, mirrored[1])):
        ratio = share(picture, true, clip.samples[0].truth)
        assert ratio.std(1).max() < 1e-4 * ratio.mean()


def test_under_a_moving_light_each_frame_is_lit_by_its_moment(maker, monkeypatch):
    moving = moving_light(maker.frames.rigs[0], maker.moving[0], np.random.default_rng(0))
    clip = filmed(maker, monkeypatch, [[lit(maker, 1)] * LENGTH, moving])
    for t in (0, LENGTH - 1):
        true = pictures(maker.frames.frames[0], [moving[t]])[0].transpose(2, 0, 1)
        spread = [
            share(clip.samples[t].target, way, clip.samples[t].truth).std(1).max() / clip.samples[t].target.mean()
            for way in (true, true[..., ::-1])
        ]
        assert min(spread) < 1e-3


def test_lights_that_are_mixed_add_up(maker):
    a, b = lit(maker, 1), lit(maker, 2)
    both = mixed([a, b], np.array([1.0, 3.0]))
    shown = pictures(maker.frames.frames[0], [a, b, both])
    np.testing.assert_allclose(shown[2], 0.25 * shown[0] + 0.75 * shown[1], rtol=1e-4, atol=1e-6)
    tables = [np.exp(x.tables.diffuse) for x in (a, b, both)]
    np.testing.assert_allclose(tables[2], 0.25 * tables[0] + 0.75 * tables[1], rtol=1e-4)


def test_a_turning_lamp_moves_smoothly_over_the_cells_and_loses_nothing():
    rig, maps = Rig(lambert_ball(1)), np.zeros((LENGTH, 64, 128, 3), np.float32)
    for t in range(LENGTH):
        maps[t, 30:34, 20 + 2 * t : 24 + 2 * t] = 50.0
    lights = moving_light(rig, MovingPlace(maps, None), np.random.default_rng(0))
    weights = np.stack([x.weights[:48, 0] for x in lights])
    steps = np.abs(np.diff(weights, axis=0)).sum(1) / weights.sum(1).mean()
    assert 0.02 < steps.min() <= steps.max() < 0.8  # 6 degrees a frame, cells 29 apart; a jump from cell to cell is 2
    assert np.ptp([x.level for x in lights]) < 1e-3 * lights[0].level


def test_moving_places_have_a_lamp_only_where_it_stands():
    rng = np.random.default_rng(3)
    for _ in range(4):
        place = paint_moving(rng)
        assert place.maps.shape == (LENGTH, 64, 128, 3)
        assert place.lamp is None or place.lamp[1].shape == (LENGTH, 3)
