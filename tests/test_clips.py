"""Clips: frames that are the stills they were made of, motion that is where it says, and training that leaves space alone."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from relamp.core.relighter import weights
from relamp.core.temporal.flow import warp
from relamp.training import train_temporal
from relamp.training.clips import (
    LENGTH,
    ClipMaker,
    MovingPlace,
    Scene,
    _motion,
    join,
    mixed,
    moving_light,
    paint_moving,
    read_clips,
)
from relamp.training.dataset import Frames, _cut, pictures
from relamp.training.light_pool import Rig
from relamp.training.shards import write_shard
from small_relighter import network
from stage_frames import SIZE, lambert_ball


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("stage")
    write_shard(path / "stage-000000000.safetensors", [lambert_ball(seed) for seed in (1, 7)])
    return path


@pytest.fixture(scope="module")
def maker(folder):
    return ClipMaker(Frames(folder), [], 0, 3, (SIZE,), moving=2, messy=False)


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
    assert (clip.back == 0).all()
    assert (clip.followed[1:] == 1).all()


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


@pytest.mark.parametrize("mirror", [False, True])
def test_the_motion_of_a_window_brings_the_frame_before_onto_this_one(mirror):
    frame = lambert_ball(1)
    y, x = np.mgrid[:SIZE, :SIZE].astype(np.float32)
    picture = np.sin(x / 5) + np.cos(y / 7)
    path = [(2.0 + 0.7 * t, 10.0 - 1.2 * t, 30 + t % 2) for t in range(LENGTH)]
    back, followed = _motion(Scene.still(frame, Rig(frame)), path, 40, mirror)
    seen = [_cut(np.dstack([picture]), window, 40) for window in path]
    seen = [s[:, ::-1] if mirror else s for s in seen]
    for t in range(1, LENGTH):
        off = np.abs(warp(np.ascontiguousarray(seen[t - 1]), back[t]) - seen[t])[followed[t]]
        assert off.max() < 0.06
        assert np.abs(seen[t - 1] - seen[t]).max() > 0.2


def test_frames_that_are_not_there_count_for_nothing(folder):
    maker = ClipMaker(Frames(folder), [], 5, 2, (32,), moving=1)
    clips = [c for c in (maker.clip(32) for _ in range(24)) if c is not None]
    short = [c for c in clips if c.present.sum() < LENGTH]
    assert short
    for clip in short:
        assert clip.present.sum() >= 2
        for t, sample in enumerate(clip.samples):
            assert sample.truth.any() == bool(clip.present[t])
            if not clip.present[t] or not t or not clip.present[t - 1]:
                assert not clip.followed[t].any()


def test_rendered_clips_are_read_in_order_and_kept_apart_from_stills(tmp_path):
    frames = [replace(lambert_ball(3), frame=t) for t in (2, 0, 1)]
    write_shard(tmp_path / "stage-000000003.safetensors", [*frames, lambert_ball(4)])
    (scene,) = read_clips(tmp_path)
    assert [f.frame for f in scene.frames] == [0, 1, 2]
    assert np.abs(scene.back).max() < 0.5  # nothing moved
    assert scene.sure.mean() > 0.9


def test_flicker_is_the_error_that_changes_and_not_the_one_that_stays(maker, monkeypatch):
    steady = [lit(maker, 1)] * LENGTH
    batch = join([filmed(maker, monkeypatch, [steady, steady])])
    true = torch.zeros(LENGTH, 3, SIZE, SIZE)
    wave = torch.tensor([1.0, -1.0]).repeat(LENGTH // 2)[:, None, None, None]
    assert train_temporal.flicker(true + 0.3, batch) == pytest.approx(0, abs=1e-4)
    assert train_temporal.flicker(true + 0.1 * wave, batch) == pytest.approx(0.2 / np.log(2), rel=1e-3)


def options(folder, out, *more):
    words = ["--data", folder, "--out", out, "--spatial", out / "toy.safetensors", "--minutes", "0.02", "--size", "32"]
    words += ["--batch", "1", "--places", "2", "--moving", "1", "--workers", "0", "--pairs", "1", "--say", "1"]
    return train_temporal.parse([str(w) for w in (*words, "--threads", "1", *more)])


def test_a_slice_trains_only_the_temporal_layers_and_can_go_on(folder, tmp_path):
    weights.save(network(), tmp_path / "toy.safetensors", {"name": "toy"})
    first = train_temporal.TemporalRun(options(folder, tmp_path))
    before = {name: value.clone() for name, value in first.spatial.network.state_dict().items()}
    first.train()
    assert all(torch.equal(value, before[name]) for name, value in first.spatial.network.state_dict().items())
    assert not any(p.grad is not None for p in first.spatial.network.parameters())
    assert all(layer.out.weight.abs().max() > 0 for layer in first.network.layers.values())
    scores = json.loads((tmp_path / "scores.jsonl").read_text().splitlines()[-1])
    assert scores["flicker_spatial"] > 0
    assert scores["psnr_temporal"] > 0
    loaded = weights.load(tmp_path / "toy.safetensors")
    assert weights.load_motion(loaded, tmp_path / "motion.safetensors").card["step"] == first.state["step"] > 0
    again = train_temporal.TemporalRun(options(folder, tmp_path, "--resume"))
    assert again.state == first.state
    for name, value in first.network.state_dict().items():
        assert torch.equal(again.network.state_dict()[name], value)
    assert len(again.optimiser.state) == len(first.optimiser.state) > 0
