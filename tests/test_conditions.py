"""What the network is told: the same light as the analytic hint, turned the same way."""

import numpy as np
import pytest
import torch

from relamp.core.gain import analytic
from relamp.core.light.environment import AP1_LUMINANCE, rotate, rotation_matrix
from relamp.core.light.irradiance import Light
from relamp.core.light.octahedral import octahedral_directions, sample_table
from relamp.core.pictures.curves import decode_log_tensor, encode_log_tensor
from relamp.core.relighter.own.conditions import LightBatch, _read, features, light_map
from small_relighter import ball, conditions, environment, tables

LEFT, RIGHT = environment((-1.0, 0.0, 0.0)), environment((1.0, 0.0, 0.0))
WEIGHTS = np.array(AP1_LUMINANCE)


def _picture(planes):
    return planes[0].numpy().transpose(1, 2, 0)


def test_tables_read_in_torch_as_in_numpy():
    rng = np.random.default_rng(0)
    table = rng.random((16, 16, 3), np.float32)
    d = rng.normal(size=(20, 30, 3)).astype(np.float32)
    planes = torch.from_numpy(d.transpose(2, 0, 1).copy())[None]
    read = _read(torch.from_numpy(table.transpose(2, 0, 1).copy())[None], torch.eye(3)[None], planes)
    assert _picture(read) == pytest.approx(sample_table(table, d), abs=1e-5)


def test_hint_between_two_lights_is_the_analytic_one():
    c = conditions(tables(LEFT), tables(RIGHT))
    f = features(c, c.normals)
    lights = [Light.of(pixels, WEIGHTS) for pixels in (LEFT, RIGHT)]
    _, matte, normals = ball()
    expected = analytic.between(lights[0].table, lights[1].table).at(normals)
    assert _picture(f.hint)[matte > 0] == pytest.approx(expected[matte > 0], abs=2e-3)


def test_hint_without_a_source_is_the_analytic_one():
    c = conditions(tables(LEFT))
    f = features(c, c.normals)
    _, matte, normals = ball()
    expected = analytic.alone(Light.of(LEFT, WEIGHTS).table, normals, matte, WEIGHTS).at(normals)
    assert _picture(f.hint)[matte > 0] == pytest.approx(expected[matte > 0], abs=5e-3)


def test_equal_lights_give_no_hint():
    c = conditions(tables(LEFT), tables(LEFT))
    assert features(c, c.normals).hint.abs().max() == 0


def test_a_stop_on_the_map_changes_nothing():
    one, two = conditions(tables(LEFT)), conditions(tables(2 * LEFT))
    assert torch.allclose(features(one, one.normals).planes, features(two, two.normals).planes, atol=1e-5)


def test_turning_the_map_and_turning_its_reading_are_one():
    turn = rotation_matrix(0, 90, 0)
    turned = conditions(tables(rotate(LEFT, turn)))
    read = conditions(tables(LEFT), to_map=turn.T)
    a, b = (features(c, c.normals) for c in (turned, read))
    assert torch.allclose(a.hint, b.hint, atol=0.02)
    assert torch.allclose(a.target_map, b.target_map, atol=0.15)


def test_light_map_shows_the_light_where_it_stands():
    c = conditions(tables(LEFT))
    brightest = light_map(c.target)[0, 0].flatten().argmax()
    assert octahedral_directions(16).reshape(-1, 3)[int(brightest)] @ [-1, 0, 0] > 0.9


def test_an_unknown_source_leaves_no_trace():
    c = conditions(tables(LEFT))
    before = features(c, c.normals)
    c.source = LightBatch(c.source.diffuse + 1, c.source.glossy - 1, c.source.to_map)
    after = features(c, c.normals)
    assert torch.equal(before.planes, after.planes)
    assert torch.equal(before.source_map, after.source_map)


def test_tensor_code_comes_back():
    light = torch.logspace(-4, 3, 50)
    assert torch.allclose(decode_log_tensor(encode_log_tensor(light)), light, rtol=1e-3, atol=1e-6)
