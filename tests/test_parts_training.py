"""The trainer of the network of parts, at toy size."""

import argparse
import json

import numpy as np
import pytest
import torch
from test_views import ball_before_a_wall, seen, tensors

from relamp.core.errors import InputError
from relamp.core.shape.estimators import parts as parts_file
from relamp.core.shape.estimators.parts_network import PartsArchitecture, PartsNetwork
from relamp.core.shape.estimators.shape_network import ShapeArchitecture, ShapeNetwork
from relamp.core.shape.seen import PARTS
from relamp.training.parts import cache, ship, train
from relamp.training.views.light import Draw
from relamp.training.views.mesh import CLOTH, EYE, GROUND, HAIR, MOUTH, SKIN, TEETH, THING

CHANNELS = (8, 8, 16)
TINY = PartsArchitecture(channels=CHANNELS, width=16, last=8)
SIZE = 64


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return ShapeNetwork(ShapeArchitecture(channels=CHANNELS, blocks=1, heads=2, fine=4)).eval()


@pytest.fixture(scope="module")
def views():
    """Two views of a ball before a wall, half of it hair."""
    found = tensors(*[seen(*ball_before_a_wall())] * 2)
    found.part[:, :, : found.part.shape[2] // 2] = HAIR
    return found


@pytest.fixture(scope="module")
def points(network, views):
    return cache.points_of(network, views, SIZE, Draw(torch.Generator().manual_seed(0), torch.device("cpu")))


def store(folder, points, seed, shape="toy"):
    np.savez(folder / f"parts-{seed:06d}-0.npz", **vars(points), shape=shape)


@pytest.fixture
def data(tmp_path, points):
    """A shard that is held out and one to train on."""
    for seed in (1, 4):
        store(tmp_path, points, seed)
    return tmp_path


def given(data, out, minutes=0.01):
    return argparse.Namespace(
        data=data, out=out, minutes=minutes, batch=256, rate=1e-2, seed=1, threads=1, resume=False
    )


def test_eyes_teeth_mouths_and_things_are_something_else():
    label = cache.label_of(torch.tensor([SKIN, HAIR, CLOTH, EYE, MOUTH, TEETH, THING, GROUND]))
    assert [(*PARTS, "else")[k] for k in label] == ["skin", "hair", "cloth", *["else"] * 5]


def test_points_lie_inside_the_matte_and_have_the_label_of_their_pixel(views, points):
    assert points.features.shape == (2 * cache.POINTS, sum(CHANNELS))
    assert set(points.size) == {SIZE}
    inside = views.matte > 0.5
    hair = float(((views.part == HAIR) & inside).sum() / inside.sum())
    assert np.mean(points.label == PARTS.index("hair")) == pytest.approx(hair, abs=0.15)
    assert set(points.label) == {PARTS.index("hair"), cache.ELSE}


def test_a_point_has_the_features_that_the_network_reads_there():
    """A plane whose value is the row, read where the pixels' centres are, gives the row."""
    rows = torch.arange(8.0)[:, None].expand(8, 8)[None, None]
    places = torch.stack(
        torch.meshgrid((torch.arange(8) + 0.5) / 4 - 1, (torch.arange(8) + 0.5) / 4 - 1, indexing="xy"), -1
    )
    found = cache._at(rows, places.reshape(1, 64, 1, 2))
    torch.testing.assert_close(found[0, :, 0].reshape(8, 8), rows[0, 0])


def test_the_part_of_a_view_is_as_large_as_the_shape_network_expects():
    view = vars(seen(*ball_before_a_wall()))
    stored = {name: np.stack([value, value]) for name, value in view.items()}
    for seed in range(6):
        views = cache._views(stored, 320, np.random.default_rng(seed))
        height, width = views.matte.shape[-2:]
        assert height == width <= view["matte"].shape[0]
        assert views.open.shape[1] == height * width


def test_the_norms_give_every_feature_mean_0_and_spread_1_and_training_leaves_them(data):
    network = PartsNetwork(TINY)
    trainer = train.Trainer(network, given(data, data / "run"), None)
    features = trainer._data.draw(np.random.default_rng(5), 4096)[0]
    normed = torch.cat(
        [norm(x) for norm, x in zip(network.norms, train.planes_of(features, TINY), strict=True)], 1
    )  # 1, C, M, 1
    spread = normed.std((0, 2, 3))
    assert normed.mean((0, 2, 3)).abs().max() < 0.2
    assert ((spread - 1).abs() < 0.2)[features.var(0) > train.LEAST_VARIANCE].all()
    before = [norm.running_mean.clone() for norm in network.norms]
    trainer._step()
    assert all(torch.equal(a, norm.running_mean) for a, norm in zip(before, network.norms, strict=True))
    assert all(int(norm.num_batches_tracked) == 0 for norm in network.norms)


def test_points_are_scored_as_the_pixels_of_a_picture_are(points):
    torch.manual_seed(0)
    network = PartsNetwork(TINY).eval()
    features = torch.from_numpy(points.features[:16]).float()
    planes = train.planes_of(features, TINY)
    square = tuple(plane.reshape(1, -1, 4, 4) for plane in planes)
    torch.testing.assert_close(network(square).flatten(2), network(planes).flatten(2))


def test_a_network_that_is_always_right_and_sure_scores_one_and_a_wrong_one_zero():
    class Told(torch.nn.Module):
        architecture = PartsArchitecture(channels=(4,))

        def forward(self, features):
            return features[0] * 50

    label = torch.arange(4).repeat(8)
    size = torch.full((32,), 320)
    sure = torch.nn.functional.one_hot(label, 4).half()
    right = train.score(Told(), sure, label, size)
    assert {v for k, v in right.items() if k != "calibration"} == {1.0}
    assert right["calibration"] == pytest.approx(0, abs=1e-6)
    wrong = train.score(Told(), sure, (label + 1) % 4, size)
    assert {v for k, v in wrong.items() if k != "calibration"} == {0.0}
    assert wrong["calibration"] == pytest.approx(1, abs=1e-6)


def test_a_slice_of_training_leaves_weights_that_ship_with_card_and_ledger(data, tmp_path):
    torch.manual_seed(0)
    run = tmp_path / "run"
    run.mkdir()
    train.Trainer(PartsNetwork(TINY), given(data, run), {"samples": 10, "steps": 1, "slices": 1}).run()
    ledger = tmp_path / "ledger.json"
    page = ship.ship(run, tmp_path / "parts-1.safetensors", ledger)
    [entry] = json.loads(ledger.read_text())["weights"]
    loaded = parts_file.load(tmp_path / "parts-1.safetensors", "toy")
    assert (entry["sha256"], entry["licence"]) == (loaded.digest, "Apache-2.0")
    assert entry["slices"] == 2
    assert entry["samples"] > 10
    assert entry["pictures"] == {str(SIZE): 2}
    assert loaded.digest in page.read_text()
    with pytest.raises(InputError, match="belongs to other weights of the shape network"):
        parts_file.load(tmp_path / "parts-1.safetensors", "another")


def test_training_learns_what_the_features_tell(tmp_path):
    """Features that lean toward the label, on points held out."""
    rng = np.random.default_rng(0)
    for seed in (1, 4):
        label = rng.integers(0, 4, 4 * cache.POINTS).astype(np.uint8)
        features = rng.normal(size=(len(label), sum(CHANNELS))).astype(np.float16)
        features[:, :8] += 2 * label[:, None]
        store(tmp_path, cache.Points(features, label, np.full(4, 320, np.uint16)), seed)
    torch.manual_seed(0)
    trainer = train.Trainer(PartsNetwork(TINY), given(tmp_path, tmp_path / "run"), None)
    held = trainer._data.held_out()
    before = train.score(trainer._network, *held)["accuracy 320"]
    for _ in range(200):
        trainer._step()
    assert before < 0.5
    assert train.score(trainer._network, *held)["accuracy 320"] > 0.8


def test_features_of_two_shape_networks_are_not_mixed(data, points):
    store(data, points, 5, shape="another")
    with pytest.raises(InputError, match="holds features of other weights"):
        train.Trainer(PartsNetwork(TINY), given(data, data / "run"), None)


def test_a_run_that_never_finished_a_slice_is_not_shipped(tmp_path):
    with pytest.raises(InputError, match="holds no finished slice"):
        ship.ship(tmp_path)
