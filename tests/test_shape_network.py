"""The network that sees shape."""

import pytest
import torch

from relamp.core.shape.estimators.shape_network import ShapeArchitecture, ShapeNetwork

SMALL = ShapeArchitecture(channels=(8, 16, 16), blocks=1, heads=2, fine=4)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return ShapeNetwork(SMALL).eval()


def pictures(height=37, width=50):
    generator = torch.Generator().manual_seed(1)
    code = torch.randn(1, 3, height, width, generator=generator) * 0.3
    matte = torch.zeros(1, 1, height, width)
    matte[..., 5:30, 8:40] = 1
    return code, matte


@pytest.mark.parametrize("size", [(37, 50), (16, 16), (64, 48), (5, 3)])
def test_pictures_of_any_size_come_back_at_that_size(network, size):
    shape = network(torch.zeros(2, 3, *size), torch.ones(2, 1, *size))
    assert shape.normals.shape == (2, 3, *size)
    assert shape.relief.shape == (2, 1, *size)
    assert shape.log_albedo.shape == (2, 3, *size)
    assert shape.doubt.shape == (2, 1, *size)


def test_normals_are_unit_albedo_reflects_no_more_than_comes_and_doubt_is_positive(network):
    shape = network(*pictures())
    torch.testing.assert_close(shape.normals.norm(dim=1), torch.ones(1, 37, 50), atol=1e-4, rtol=0)
    assert shape.log_albedo.max() <= 0
    assert shape.doubt.min() > 0


def test_relief_has_no_mean_over_the_matte(network):
    code, matte = pictures()
    shape = network(code, matte)
    assert abs(float((shape.relief.detach() * matte).sum() / matte.sum())) < 1e-5


def test_what_lies_outside_the_matte_is_not_looked_at(network):
    code, matte = pictures()
    other = torch.where(matte > 0, code, code + 3)
    torch.testing.assert_close(network(code, matte).normals, network(other, matte).normals)


def test_the_architecture_survives_its_card():
    assert ShapeArchitecture.from_dict(SMALL.as_dict() | {"channels": [8, 16, 16]}) == SMALL
