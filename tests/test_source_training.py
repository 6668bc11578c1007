"""The trainer of the network that sees a plate's own light, at toy size."""

import argparse
import json

import numpy as np
import pytest
import torch
from test_views import ball_before_a_wall, even_light, seen, tensors

from relamp.core.errors import InputError
from relamp.core.light.octahedral import octahedral_directions
from relamp.core.shape.estimators import light as light_file
from relamp.core.shape.estimators.light_network import LightArchitecture, LightNetwork
from relamp.core.shape.estimators.shape_network import ShapeArchitecture, ShapeNetwork
from relamp.training.source import cache, ship, train
from relamp.training.views.light import Draw, draw_light

TINY = LightArchitecture(channels=8, width=16, blocks=1, heads=2)


@pytest.fixture(scope="module")
def shard():
    """Two views of a ball in lights of their own, as a toy network of shape sees them."""
    torch.manual_seed(0)
    network = ShapeNetwork(ShapeArchitecture(channels=(8, 8, 16), blocks=1, heads=2, fine=4)).eval()
    draw = Draw(torch.Generator().manual_seed(0), torch.device("cpu"))
    view = seen(*ball_before_a_wall(), ground=False)
    return cache.seen_of(network, tensors(view, view), draw_light(draw, 2), draw)


@pytest.fixture
def data(tmp_path, shard):
    """A shard that is held out and one to train on."""
    for seed in (1, 4):
        np.savez(tmp_path / f"source-{seed:06d}-0.npz", **vars(shard))
    return tmp_path


def given(data, out, minutes=0.01):
    return argparse.Namespace(data=data, out=out, minutes=minutes, batch=4, rate=2e-3, seed=1, threads=1, resume=False)


def test_even_light_has_the_same_irradiance_everywhere():
    even = even_light(2)
    lights = {"axis": even.axis, "sharpness": even.sharpness, "soft": even.colour[..., 1], "lamp": even.lamp[..., 1]}
    lights["toward"] = torch.nn.functional.normalize(torch.randn(2, 18, 3), dim=2)
    np.testing.assert_allclose(train.irradiance(lights), 1, atol=0.02)


def test_a_lamp_lights_what_faces_it_by_the_cosine():
    even = even_light(1)
    lights = {"axis": even.axis, "sharpness": even.sharpness, "soft": 0 * even.colour[..., 1]}
    lights["lamp"] = torch.tensor([[2.0, 0.0, 0.0]])
    lights["toward"] = torch.tensor([1.0, 0.0, 0.0]).expand(1, 18, 3)
    facing = octahedral_directions(train.FACES).reshape(-1, 3)
    cosine = np.maximum(facing[:, 0], 0)
    np.testing.assert_allclose(train.irradiance(lights)[0], cosine / cosine.mean(), atol=1e-5)


def test_mirrored_pictures_have_the_mirrored_light(data):
    pictures = train.Pictures(data)
    pictures.take_up()
    some = pictures.train
    other = train.mirrored(some)
    mirrored = octahedral_directions(train.FACES).reshape(-1, 3) * (-1, 1, 1)
    nearest = (mirrored @ octahedral_directions(train.FACES).reshape(-1, 3).T).argmax(1)
    np.testing.assert_array_equal(other["light"], some["light"][:, nearest])
    again = train.mirrored(other)
    assert all(torch.equal(again[name], some[name]) for name in some)


def test_a_light_that_is_seen_as_it_is_costs_nothing(data):
    compare = train.Comparison()
    pictures = train.Pictures(data)
    pictures.take_up()
    some = dict(pictures.train)
    amounts = torch.rand(2, compare.received.shape[1], generator=torch.Generator().manual_seed(1)) ** 8
    some["light"] = compare.light(amounts)
    table = some["light"].log().unflatten(1, (1, train.FACES, train.FACES))
    some["arrived"] = train.on_pixels(table, some["true_normals"]) + 3  # whatever the level
    assert all(float(term) < 1e-5 for term in compare(amounts, some["true_normals"], some).values())
    assert all(float(term) > 1e-3 for term in compare(amounts.flip(1), some["true_normals"], some).values())


def test_a_slice_of_training_leaves_weights_that_ship_with_card_and_ledger(data, tmp_path):
    torch.manual_seed(0)
    run = tmp_path / "run"
    run.mkdir()
    train.Trainer(LightNetwork(TINY), given(data, run), {"samples": 10, "steps": 1, "slices": 1}).run()
    ledger = tmp_path / "ledger.json"
    page = ship.ship(run, tmp_path / "light-1.safetensors", ledger)
    [entry] = json.loads(ledger.read_text())["weights"]
    loaded = light_file.load(tmp_path / "light-1.safetensors")
    assert (entry["sha256"], entry["licence"]) == (loaded.digest, "Apache-2.0")
    assert entry["slices"] == 2
    assert entry["samples"] > 10
    assert loaded.digest in page.read_text()


def test_a_run_that_never_finished_a_slice_is_not_shipped(tmp_path):
    with pytest.raises(InputError, match="holds no finished slice"):
        ship.ship(tmp_path)
