"""Relamp's backbone with temporal layers: windows with holes, frames alone, --no-temporal, and the same bits."""

from itertools import product

import numpy as np
import pytest
import torch

from relamp.core.cli import main
from relamp.core.errors import InputError
from relamp.core.relighter import weights
from relamp.core.relighter.own.backbone import Relamp
from relamp.core.relighter.own.motion import Motion, MotionArchitecture
from relamp.core.shot import prepare
from relamp.core.temporal.windows import filled, really_there
from shots import Shot, read_exr
from small_relighter import conditions, environment, network, tables

LENGTH = 4


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    """Toy weights with temporal layers that say something beside them."""
    path = tmp_path_factory.mktemp("weights") / "toy.safetensors"
    spatial = network()
    weights.save(spatial, path, {"name": "toy"})
    torch.manual_seed(1)
    motion = Motion(spatial.denoiser.unet, MotionArchitecture(length=LENGTH))
    for layer in motion.layers.values():
        torch.nn.init.normal_(layer.out.weight, std=0.3)
    weights.save_motion(motion, weights.motion_path(path), {"spatial": weights.load(path).digest})
    return path


@pytest.fixture(scope="module")
def frames():
    """Conditions by number: a ball under a light that goes around it."""
    turned = {n: tables(environment((np.cos(n), 0.3, np.sin(n)))) for n in range(1000, 1004)}
    return {n: conditions(light, size=(32, 32)) for n, light in turned.items()}


def relit(backbone, frames, window):
    """Residuals of a window of numbers, None for holes."""
    numbers = filled(window)
    answers = backbone.relight([frames[n] for n in numbers], frames=numbers)
    return np.stack([answer.residual for answer in answers])


def test_it_looks_at_windows_only_when_told_to(toy):
    assert Relamp(path=toy).span == LENGTH
    assert Relamp(path=toy, temporal=False).span == "frame"
    assert Relamp(path=toy).weights != Relamp(path=toy, temporal=False).weights


@pytest.mark.parametrize("length", [2, 4, 8])
def test_stand_ins_are_told_from_frames_by_their_numbers(length):
    for there in product([False, True], repeat=length):
        window = [1000 + i if t else None for i, t in enumerate(there)]
        if sum(there) > 1:
            assert tuple(really_there(filled(window))) == there
        elif any(there):
            assert sum(really_there(filled(window))) == 1
    with pytest.raises(ValueError, match="no filled window"):
        really_there([1000, 1005, 1000])


def test_a_window_is_more_than_its_frames(toy, frames):
    together = relit(Relamp(path=toy), frames, [*frames])
    alone = relit(Relamp(path=toy, temporal=False), frames, [*frames])
    assert np.abs(together - alone).max() > 1e-3


def test_a_frame_alone_is_the_spatial_answer_bit_for_bit(toy, frames):
    alone = Relamp(path=toy, temporal=False).relight([frames[1002]], frames=[1002])[0].residual
    assert np.array_equal(relit(Relamp(path=toy), frames, [None, None, 1002, None])[2], alone)


def test_what_stands_in_for_a_hole_has_no_say(toy, frames):
    """A hole is filled by its left neighbour or, in another window, by its right one: the rest stays."""
    backbone = Relamp(path=toy)
    numbers = [1000, 1001, 1001, 1003]
    answers = [
        backbone.relight([frames[n] for n in numbers[:2]] + [frames[stand_in]] + [frames[1003]], frames=numbers)
        for stand_in in (1001, 1002)
    ]
    one, other = (np.stack([a.residual for a in row])[[0, 1, 3]] for row in answers)
    assert np.allclose(one, other, atol=1e-5)


def test_layers_of_other_weights_are_refused_but_not_needed(toy, tmp_path):
    other = tmp_path / "toy.safetensors"
    weights.save(network(seed=5), other, {"name": "toy"})
    weights.motion_path(other).write_bytes(weights.motion_path(toy).read_bytes())
    with pytest.raises(InputError, match="--no-temporal"):
        Relamp(path=other)
    assert Relamp(path=other, temporal=False).span == "frame"


def test_a_shot_is_the_same_however_it_is_split(toy, tmp_path, monkeypatch):
    monkeypatch.setattr(prepare, "load", lambda p: Relamp("cpu", toy, temporal=p.temporal))
    shot = Shot(tmp_path, frames=6, size=32)

    def render(out, *more):
        words = [
            "render",
            shot.plate,
            "--env",
            shot.env_b,
            "--backbone",
            "relamp",
            "--working-size",
            "64",
            "--anchor",
            "1",
        ]
        assert main([*words, "--out", str(tmp_path / f"{out}.####.exr"), "-q", *more]) == 0

    def picture(out, frame):
        return read_exr(tmp_path / f"{out}.{frame}.exr")[0]

    render("whole")
    render("part", "--frames", "1003-1004")
    render("alone", "--frames", "1003-1004", "--no-temporal")
    for frame in (1003, 1004):
        assert np.array_equal(picture("part", frame), picture("whole", frame))
        assert not np.array_equal(picture("alone", frame), picture("whole", frame))
