"""Clips the deflicker head is trained on, off the stage and of our own relighter; and what a head is worth on them."""

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
import torch

from relamp.core.errors import InputError
from relamp.core.relighter.own.backbone import Relamp
from relamp.core.temporal.head import Head
from relamp.training.clips import LENGTH, ClipMaker
from relamp.training.dataset import Frames, Maker
from relamp.training.deflicker import clip_file, filmed, own
from relamp.training.deflicker.clips import FRAMES, SHAPE
from relamp.training.deflicker.clips import make as procedural
from relamp.training.deflicker.pool import Followed, Pool
from relamp.training.deflicker.score import KINDS, scored
from relamp.training.shards import write_shard
from stage_frames import lambert_ball, small_stage


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    return small_stage(tmp_path_factory.mktemp("stage"))


@pytest.fixture
def maker(stage):
    return ClipMaker(Frames(stage), [], 0, 3, (max(SHAPE),), moving=2)


class Nothing(torch.nn.Module):
    """A head that corrects nothing."""

    def decide(self, cells):
        nothing = 0 * cells.difference[:, 0]
        return nothing[..., :1, :1], nothing


def test_the_hint_says_all_there_is_to_say_of_a_matte_ball(maker):
    clip = next(c for c in iter(lambda: maker.clip(64), 0) if c is not None)
    samples = [replace(s, source_known=np.float32(1)) for s in clip.samples]
    _, _, hint, residual, truth = filmed.steady(samples, clip.clean)
    inside = truth > 0.95
    assert np.abs(hint[inside]).mean() > 0.1
    assert np.median(np.abs(residual[inside])) < 0.15 * np.median(np.abs(hint[inside]))


def test_filmed_clips_are_of_one_shape_and_come_from_their_seed(stage, maker):
    first = list(islice(filmed.make(maker), 2))
    again = ClipMaker(Frames(stage), [], 0, 3, (max(SHAPE),), moving=2)
    assert all(clip.code.shape == (FRAMES, *SHAPE, 3) and clip.flicker is None for clip in first)
    assert np.array_equal(first[1].steady, list(islice(filmed.make(again), 2))[1].steady)


def test_a_short_rendered_clip_goes_on_backward_and_held_out_seeds_stay_apart(tmp_path):
    for seed in (6, 7):
        frames = [replace(lambert_ball(seed), frame=t) for t in range(6)]
        write_shard(tmp_path / f"stage-00000000{seed}.safetensors", frames)
    first = filmed.scenes(tmp_path)[0].frames
    assert [f.frame for f in first] == [0, 1, 2, 3, 4, 5, 4, 3]
    assert len(first) == LENGTH
    assert {f.seed for scene in filmed.scenes(tmp_path) for f in scene.frames} == {6}
    assert {f.seed for scene in filmed.scenes(tmp_path, validation=True) for f in scene.frames} == {7}


@pytest.mark.slow
def test_what_the_relighter_says_is_taken_apart_into_hint_steady_and_flicker(stage, monkeypatch):
    said = []
    shipped = Relamp()
    ask = shipped.relight
    monkeypatch.setattr(shipped, "relight", lambda *a, **k: said.extend(ask(*a, **k)) or said[-1:])
    sample = Maker(Frames(stage), 0, 3, (own.SIDE,)).visit(own.SIDE, pairs=1)[0]
    sample = replace(sample, normals_given=np.float32(0))  # normals that are seen in each frame flicker
    clip = own.make(np.random.default_rng(0), sample, shipped)
    assert len(said) == own.VIEWS
    for t, answer in enumerate(said[:FRAMES]):
        together = clip.hint[t] + clip.steady[t] + clip.flicker[t]
        assert together == pytest.approx(answer.hint + answer.residual, abs=1e-4)
    assert np.abs(np.diff(clip.flicker, axis=0)).mean() > 1e-3  # grain and matte are new in each frame


def test_a_relighter_that_sticks_to_the_subject_does_not_flicker(stage):
    """What moves with the picture under it is steady, however it is seen."""

    class Sticking:
        def relight(self, conditions, *, frames):
            code = conditions[0].code[0].permute(1, 2, 0).numpy()
            return [type("Answer", (), {"hint": 0 * code, "residual": 0.2 * code})()]

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(own, "GRAIN", 0.0)
        sample = Maker(Frames(stage), 0, 3, (own.SIDE,)).visit(own.SIDE, pairs=1)[0]
        sample = replace(sample, plate=np.exp(0.3 * sample.plate / sample.plate.max()).astype(np.float32))
        clip = own.make(np.random.default_rng(1), sample, Sticking())
    assert np.abs(clip.flicker).mean() < 0.1 * np.abs(clip.steady - clip.steady.mean()).mean()


@pytest.mark.slow
def test_the_command_writes_clips_that_training_draws(stage, tmp_path, capsys):
    path = tmp_path / "own.safetensors"
    assert own.main(["--data", str(stage), "--out", str(path), "--clips", "2"]) == 0
    assert "2 clips, flicker" in capsys.readouterr().out
    assert filmed.main(["--data", str(stage), "--out", str(tmp_path / "filmed.safetensors"), "--clips", "2"]) == 0
    pool = Pool(0, 2, [path, tmp_path / "filmed.safetensors"])
    assert (len(pool.own), len(pool.filmed)) == (2, 2)
    assert next(pool.batches(8)).cells.difference.isfinite().all()


def test_a_file_of_something_else_is_refused(tmp_path):
    clip_file.save(tmp_path / "a.safetensors", [procedural(np.random.default_rng(0), (16, 16))], {})
    (tmp_path / "b.safetensors").write_bytes((tmp_path / "a.safetensors").read_bytes()[:50])
    assert len(clip_file.load(tmp_path / "a.safetensors")) == 1
    with pytest.raises(InputError, match=r"b\.safetensors cannot be read"):
        clip_file.load(tmp_path / "b.safetensors")


def test_scores_of_a_head_that_does_nothing_and_of_one_that_averages():
    clips = [Followed.of(procedural(np.random.default_rng(seed), SHAPE, "still")) for seed in range(3)]
    nothing, averaging = scored(Nothing(), clips), scored(Head(), clips)
    assert [nothing[kind] for kind in KINDS] == pytest.approx([1.0] * len(KINDS), abs=1e-5)
    assert (nothing["slope"], nothing["harm"]) == pytest.approx((1.0, 0.0), abs=1e-6)
    assert averaging["global"] < 0.5
    assert averaging["harm"] > 0
