"""Occlusion told from normals: heights, horizons and the light they leave."""

import math

import torch

from relamp.core.relighter.own.occlusion import AZIMUTHS, horizons, occlusion

SIZE = 48


def _uniform(batch: int = 1) -> torch.Tensor:
    return torch.zeros(batch, 3, 16, 16)


def _from_height(height: torch.Tensor) -> torch.Tensor:
    """Normals (1, 3, h, w) of a height field in pixels, rows going down."""
    down, right = torch.gradient(height)
    n = torch.stack([-right, down, torch.ones_like(height)])
    return torch.nn.functional.normalize(n, dim=0)[None]


def _grid() -> tuple[torch.Tensor, torch.Tensor]:
    axis = torch.arange(SIZE, dtype=torch.float32) - SIZE / 2 + 0.5
    return torch.meshgrid(axis, axis, indexing="ij")


def _valley() -> torch.Tensor:
    _, x = _grid()
    return x.abs() * 0.8


def test_the_horizon_of_a_wall_is_its_slope_on_the_side_it_stands_on() -> None:
    _, x = _grid()
    wall = torch.where(x > 8, 10.0, 0.0)[None]
    found = horizons(wall, torch.ones(1, 1, SIZE, SIZE))[0, :, SIZE // 2, 24]
    assert math.isclose(float(found[0]), 10 / 9, rel_tol=0.3)  # toward +X
    assert float(found[AZIMUTHS // 2]) <= 0.0  # away from it


def test_an_open_surface_keeps_its_light_and_a_valley_loses_some() -> None:
    ones = torch.ones(1, 1, SIZE, SIZE)
    flat = occlusion(_from_height(torch.zeros(SIZE, SIZE)), ones, _uniform(), _uniform())
    valley = occlusion(_from_height(_valley()), ones, _uniform(), _uniform())
    middle = (0, slice(None), SIZE // 2, SIZE // 2)
    assert flat[middle][:3].abs().max() < 0.15
    assert valley[middle][:3].max() < flat[middle][:3].min() - 0.1
    assert valley[middle][6] < flat[middle][6] - 0.05


def test_a_valley_is_dark_on_the_slope_that_faces_away_from_a_low_light() -> None:
    light = torch.full((1, 3, 16, 16), -6.0)
    light[:, :, 8, 15] = 6.0  # low, from +X
    found = occlusion(_from_height(_valley()), torch.ones(1, 1, SIZE, SIZE), light, _uniform())[0, 0]
    row = SIZE // 2
    assert found[row, 18] < found[row, 6]  # deep in the valley against high on the slope that faces the light


def test_a_frame_in_a_batch_comes_out_as_alone() -> None:
    torch.manual_seed(0)
    normals = torch.nn.functional.normalize(torch.randn(2, 3, 40, 30) + torch.tensor([0, 0, 2.0])[:, None, None], dim=1)
    matte, light = torch.rand(2, 1, 40, 30), torch.randn(2, 3, 16, 16)
    both = occlusion(normals, matte, light, light)
    alone = occlusion(normals[1:], matte[1:], light[1:], light[1:])
    assert both.shape == (2, 7, 40, 30)
    assert torch.allclose(both[1:], alone, atol=1e-5)


def test_an_empty_matte_tells_nothing() -> None:
    normals = torch.zeros(1, 3, 20, 20)
    normals[:, 2] = 1
    found = occlusion(normals, torch.zeros(1, 1, 20, 20), _uniform(), _uniform())
    assert torch.equal(found, torch.zeros_like(found))
