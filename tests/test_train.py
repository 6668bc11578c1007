"""Training: samples that agree with their light, losses that know the truth, runs that go on where they stopped."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from relamp.core.errors import InputError
from relamp.core.relighter import weights
from relamp.core.relighter.own.conditions import features, lit
from relamp.core.relighter.own.denoiser import Intrinsics, Network
from relamp.training import checkpoint, ship, train
from relamp.training.dataset import Frames, Geometry, Maker, held_out, pictures, recolour
from relamp.training.light_pool import Place, Rig
from relamp.training.losses import (
    BLACK,
    apply_gain,
    intrinsic_loss,
    loss,
    return_loss,
    surface_loss,
    true_gain,
    true_lobes,
)
from relamp.training.shards import write_shard
from small_relighter import SMALL, network
from stage_frames import lambert_ball, small_stage


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return small_stage(tmp_path_factory.mktemp("stage"))


@pytest.fixture(scope="module")
def batch(folder):
    return next(Maker(Frames(folder), 0, 4, (32,)).batches(4))


def test_held_out_frames_are_never_trained_on(folder):
    training, validation = Frames(folder), Frames(folder, validation=True)
    assert [f.seed for f in training.frames] == [1, 2]
    assert [f.seed for f in validation.frames] == [7]
    assert held_out(7)


def test_exact_mattes_change_the_matte_and_nothing_else(folder):
    faulty, exact = (
        next(Maker(Frames(folder), 3, 4, (32,), exact_mattes=exact).batches(16)) for exact in (False, True)
    )
    for name in ("plate", "target", "truth"):
        assert torch.equal(getattr(faulty, name), getattr(exact, name))
    assert torch.equal(faulty.conditions.source_known, exact.conditions.source_known)
    whole = exact.conditions.matte >= exact.truth - 1e-6  # the loss looks where the matte is, and the surface certain
    assert whole.all()
    apart = (faulty.conditions.matte - exact.conditions.matte).abs().amax((1, 2, 3))
    assert 4 <= (apart > 0.3).sum() < 16


def test_shards_that_appear_are_read_once(folder, tmp_path):
    (tmp_path / "stage-000000000.safetensors").write_bytes((folder / "stage-000000000.safetensors").read_bytes())
    frames = Frames(tmp_path)
    write_shard(tmp_path / "stage-000000003.safetensors", [lambert_ball(3)])
    frames.look()
    frames.look()
    assert [f.seed for f in frames.frames] == [1, 2, 3]


def test_an_empty_folder_says_what_to_run(tmp_path):
    with pytest.raises(InputError, match=r"relamp\.training\.stage"):
        Frames(tmp_path).require()


def test_a_lit_frame_is_the_sum_of_its_lights():
    frame = lambert_ball(1)
    lights = [Rig(frame).light(Place(np.ones((64, 128, 3), np.float32), None), np.random.default_rng(0))]
    assert pictures(frame, lights) == pytest.approx(frame.relight(np.stack([x.weights for x in lights])), rel=1e-4)


def test_lights_are_brought_to_unit_level():
    rng = np.random.default_rng(0)
    for strength in (0.1, 30.0):
        place = Place(
            np.full((64, 128, 3), strength, np.float32), (np.array([0, 0.6, 0.8]), np.full(3, strength, np.float32))
        )
        lit = Rig(lambert_ball(1)).light(place, rng)
        mean = np.exp(lit.tables.diffuse).mean()
        assert mean == pytest.approx(1.0, rel=0.15)


def test_on_a_matte_ball_the_hint_is_the_gain_even_when_mirrored(folder):
    """Lights, normals, flips and tables agree. What is left is that the ball's cells are points; a wrong flip leaves 1."""
    batch = next(Maker(Frames(folder), 3, 4, (32,)).batches(16))
    c = batch.conditions
    c.source_known[:] = 1
    f = features(c, batch.normals)
    left = (true_gain(batch.plate, batch.target) - f.hint).abs()
    lit = (
        (batch.truth > 0.99) & (batch.plate.amin(1, keepdim=True) > 0.05) & (batch.target.amin(1, keepdim=True) > 0.05)
    )
    assert left.amax(1, keepdim=True)[lit].median() < 0.12


def test_the_parcels_of_a_sample_are_the_light_of_its_tables(folder):
    """What distant lights give a matte surface is what the tables say it receives, mirrored frames among them."""
    batch = next(Maker(Frames(folder), 3, 4, (48,)).batches(8))
    c = batch.conditions
    for light in (c.target, c.source):
        parcels = [light.in_camera(index) for index in range(len(light.diffuse))]
        d, radiance = (torch.from_numpy(np.stack([getattr(p, n) for p in parcels])) for n in ("directions", "energy"))
        cosine = torch.einsum("bni,bihw->bnhw", d, batch.normals).clamp_min(0)
        received = (torch.einsum("bnhw,bnc->bchw", cosine, radiance) / torch.pi).log()
        inside = (batch.truth > 0.99).expand_as(received)
        assert (received - lit(light, batch.normals))[inside].abs().median() < 0.1


def test_gain_of_a_pair_brings_plate_to_target():
    plate, target = torch.rand(1, 3, 8, 8) + 0.05, torch.rand(1, 3, 8, 8) * 4 + 0.05
    assert torch.allclose(apply_gain(plate, true_gain(plate, target)), target, rtol=0.05)


def test_loss_is_least_where_the_answer_is_true(batch):
    hint = features(batch.conditions, batch.normals).hint
    wanted = true_gain(batch.plate, batch.target) - hint
    best = sum(loss(wanted, hint, batch).values())
    for wrong in (torch.zeros_like(wanted), wanted + 0.3, wanted * 0.5):
        assert best < sum(loss(wrong, hint, batch).values())


def test_a_wrong_albedo_costs_and_wrong_normals_do(batch):
    albedo = batch.albedo.clamp_min(BLACK).log()
    best = intrinsic_loss(Intrinsics(batch.normals, albedo), batch)
    wrong = intrinsic_loss(Intrinsics(batch.normals.roll(1, dims=1), albedo + 0.7), batch)
    for name in best:
        assert best[name] < 0.01 < wrong[name]


def test_the_way_back_costs_what_it_misses_and_teaches_the_way_there(batch):
    made = network(awake=True).requires_grad_(True)
    same = replace(batch, conditions=replace(batch.conditions, target=batch.conditions.source))
    assert return_loss(network(awake=False), batch.plate, same)["return"] < 1e-3
    relit = (batch.plate * 1.5).requires_grad_(True)
    cost = return_loss(made, relit, batch)["return"]
    cost.backward()
    assert cost > 0.05
    assert relit.grad is not None
    assert relit.grad.abs().sum() > 0


def test_a_surface_taken_for_another_costs(batch):
    true = true_lobes(batch.surface)
    assert surface_loss(true.clamp_min(1e-6).log(), batch)["surface"] < 1e-4
    assert surface_loss(true.roll(1, dims=1).clamp_min(1e-6).log(), batch)["surface"] > 0.1


@pytest.mark.parametrize(
    ("specular", "roughness", "shares"),
    [(0, 0.5, [1, 0, 0, 0]), (1, 0.05, [0, 1, 0, 0]), (1, 0.2, [0, 0.5, 0.5, 0]), (0.5, 0.9, [0.5, 0, 0, 0.5])],
)
def test_roughness_between_two_lobes_is_a_part_of_each(specular, roughness, shares):
    lobes = true_lobes(torch.tensor([specular, roughness]).reshape(1, 2, 1, 1))
    torch.testing.assert_close(lobes.flatten(), torch.tensor(shares, dtype=torch.float32))


def test_recoloured_surfaces_change_their_albedo_alike():
    frame = lambert_ball(1)
    tint = recolour(frame, np.random.default_rng(0))
    plain, recoloured = Geometry.of(frame).albedo, Geometry.of(frame, tint).albedo
    assert recoloured == pytest.approx(np.minimum(plain * tint, 1), rel=1e-6)
    assert not np.allclose(plain, recoloured, rtol=0.02)


def options(folder, out, *more):
    words = ["--data", folder, "--out", out, "--minutes", "0.02", "--size", "32", "--batch", "2", "--places", "2"]
    return train.parse(
        [str(w) for w in (*words, "--workers", "0", "--pairs", "1", "--say", "1", "--threads", "1", *more)]
    )


def test_a_slice_leaves_weights_scores_and_a_checkpoint_to_go_on_from(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(train, "Architecture", lambda: SMALL)
    first = train.Run(options(folder, tmp_path))
    first.train()
    names = {p.name for p in tmp_path.iterdir()}
    assert names >= {"checkpoint.safetensors", "weights.safetensors", "scores.md", "sheet.png", "loss.png", "log.jsonl"}
    card = weights.load(tmp_path / "weights.safetensors").card
    assert card["step"] == first.state["step"] > 0
    assert set(card["scores"]["network"]) == set("abcd")
    again = train.Run(options(folder, tmp_path, "--resume"))
    assert again.state == first.state
    for name, value in first.network.state_dict().items():
        assert torch.equal(again.network.state_dict()[name], value)
    before = len(again.optimiser.state)
    assert before == len(first.optimiser.state) > 0


def a_run(folder, seed):
    """A folder with toy weights, as a run leaves them."""
    folder.mkdir()
    scores = {s: dict.fromkeys("abcd", 20.0) for s in ("ratio", "network", "free")}
    card = {"name": "toy", "data": "toys", "step": 1, "samples": 2, "minutes": 0.5}
    torch.manual_seed(seed)
    card["scores"] = {"unchanged": 14.0, "normals_degrees": 30, "albedo_stops": 1, "albedo_level_stops": 0.5, **scores}
    weights.save(Network(SMALL), folder / "weights.safetensors", card)
    return folder


def ledger(folder):
    return {entry["file"]: entry for entry in json.loads((folder / "ledger.json").read_text())["weights"]}


def test_the_intrinsic_net_can_be_trained_alone(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(train, "Architecture", lambda: SMALL)
    run = train.Run(options(folder, tmp_path, "--intrinsic"))
    before = {name: value.clone() for name, value in run.network.state_dict().items()}
    run.step(next(run.stream().maker(Frames(folder), 0).batches(2)))
    moved = {name.split(".")[0] for name, value in run.network.state_dict().items() if not value.equal(before[name])}
    assert moved == {"intrinsic"}


def test_shipping_writes_the_card_and_the_ledger(tmp_path):
    page = ship.ship(a_run(tmp_path / "run", 0), tmp_path / "toy-1.safetensors")
    entry = ledger(tmp_path)["toy-1.safetensors"]
    assert entry["licence"] == "Apache-2.0"
    assert entry["sha256"] in page.read_text()
    assert weights.load(tmp_path / "toy-1.safetensors").digest == entry["sha256"]


def test_weights_with_one_other_bit_than_their_ledger_says_are_refused(tmp_path):
    target = tmp_path / "toy-1.safetensors"
    ship.ship(a_run(tmp_path / "run", 0), target)
    whole = target.read_bytes()
    target.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(InputError, match=r"toy-1\.safetensors is damaged or was changed: its SHA-256 is"):
        weights.load(target)
    target.write_bytes(whole)
    target.rename(tmp_path / "other.safetensors")
    with pytest.raises(InputError, match=r"other\.safetensors is not in .*ledger\.json"):
        weights.load(tmp_path / "other.safetensors")


def test_a_checkpoint_of_something_else_is_refused(tmp_path):
    path = tmp_path / "checkpoint.safetensors"
    path.write_bytes(b"no")
    made = Network(SMALL)
    with pytest.raises(InputError, match="--resume"):
        checkpoint.load(path, made, made, torch.optim.AdamW(made.parameters()))


def test_without_data_the_command_fails_with_a_sentence(tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    assert train.main(["--data", str(tmp_path / "empty"), "--out", str(tmp_path / "out")]) == 4
    assert "no frames" in capsys.readouterr().err
