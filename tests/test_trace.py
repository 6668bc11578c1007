"""What light reaches a point: energy, shadows on the right side, bounce, and the symmetries light has."""

import math

import numpy as np
import pytest
import torch

from relamp.core.light.environment import level
from relamp.core.light.irradiance import irradiance
from relamp.core.relighter.own.conditions import _light_batch, lit
from relamp.core.shape.depth import heights
from relamp.core.shape.trace import (
    THICK,
    Horizons,
    Placed,
    Traced,
    _on_cells,
    _reached,
    horizons,
    lamp_visibility,
    log_share,
    trace,
)
from small_relighter import environment, tables

SIZE = 96


def _grid(size: int = SIZE) -> tuple[torch.Tensor, torch.Tensor]:
    axis = torch.arange(size, dtype=torch.float32) - size / 2 + 0.5
    return torch.meshgrid(-axis, axis, indexing="ij")  # y up, x right


def _ball(size: int = SIZE) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Normals (1, 3, h, w), heights (1, h, w) and matte (1, 1, h, w) of a ball."""
    y, x = _grid(size)
    radius = 0.45 * size
    inside = x**2 + y**2 < radius**2
    z = (radius**2 - x**2 - y**2).clamp_min(0).sqrt()
    normals = torch.where(inside, torch.stack([x, y, z]) / radius, torch.tensor([0.0, 0, 1])[:, None, None])
    return normals[None], z[None], inside[None, None].float()


def _before_a_wall(size: int = SIZE) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """A ball that touches a wall which fills the picture."""
    y, x = _grid(size)
    radius = 0.12 * size
    inside = x**2 + y**2 < radius**2
    rise = (radius**2 - x**2 - y**2).clamp_min(0).sqrt()
    normals = torch.where(inside, torch.stack([x, y, rise]) / radius, torch.tensor([0.0, 0, 1])[:, None, None])
    return normals[None], torch.where(inside, radius + rise, 0.0)[None], torch.ones(1, 1, size, size)


def _traced(shape: tuple[torch.Tensor, torch.Tensor, torch.Tensor], doubt: float = 0.0) -> Traced:
    return trace(*shape, torch.full_like(shape[2], doubt))


def _lamp(toward: tuple[float, float, float], radius: float = 0.01, fill: float = 0.05) -> Placed:
    """A lamp of irradiance pi, and an even light around it."""
    d = torch.nn.functional.normalize(torch.tensor([[toward]]), dim=-1)
    sphere = torch.nn.functional.normalize(torch.randn(1, 4096, 3, generator=torch.Generator().manual_seed(1)), dim=-1)
    even = torch.full((1, 4096, 3), fill * 4 * math.pi / 4096)
    return Placed(
        torch.cat([d, sphere], 1), torch.cat([torch.full((1, 1, 3), math.pi), even], 1), torch.tensor([[radius]])
    )


def _placed(pixels: np.ndarray, turn: np.ndarray | None = None) -> Placed:
    return _light_batch(tables(pixels), np.eye(3) if turn is None else turn).placed


@pytest.mark.parametrize("toward", [(1, 0, 0), (0.2, 0.9, 0.3), (-0.5, -0.5, -0.7)])
def test_with_nothing_in_the_way_all_light_arrives(toward) -> None:
    normals, field, matte = _ball()
    share = log_share(_traced((normals, field, matte)), _placed(environment(toward)))
    inside = share[0, :, matte[0, 0] > 0].abs()
    assert float(inside.mean()) < 0.005
    assert float(torch.quantile(inside, 0.98)) < 0.02  # pixels of the outline are steeper than a pixel can show


def test_cells_carry_the_irradiance_of_the_map() -> None:
    pixels = environment((0.3, 0.5, 0.8), strength=6.0)
    normals, field, matte = _ball()
    light = _light_batch(tables(pixels), np.eye(3))
    made = _traced((normals, field, matte))
    placed = light.placed
    lamps = placed.radius.shape[1]
    assert float(placed.energy[:, :lamps].sum()) == 0  # a broad lobe is no lamp
    arrives = (_on_cells(placed.directions[:, lamps:], placed.energy[:, lamps:]) @ made.open)[0] / math.pi
    wanted = lit(light, made.facing)[0].exp().flatten(1)
    inside = made.standing.flatten() > 0.99
    error = (arrives / wanted)[:, inside] - 1
    assert float(error.abs().mean()) < 0.02


def test_a_ball_before_a_wall_shadows_it_on_the_far_side_of_a_lamp() -> None:
    share = log_share(_traced(_before_a_wall()), _lamp((1, 0, 0.6)))[0, 0]
    middle, away = SIZE // 2, round(0.25 * SIZE)
    assert float(share[middle, middle - away]) < -1.0  # to the left of the ball, the lamp on the right
    assert abs(float(share[middle, middle + away])) < 0.05
    assert abs(float(share[middle - away, middle])) < 0.1


def test_a_shadow_lies_where_geometry_puts_it() -> None:
    normals, field, matte = _before_a_wall(320)
    visible = lamp_visibility(_traced((normals, field, matte)), torch.tensor([[0.8, 0.0, 0.6]]), torch.tensor([0.005]))
    row = visible[0, 0, 160]
    radius = 0.12 * 320
    # The ball's centre is a radius above the wall; its shadow is an ellipse about the point its centre is projected to.
    centre, half = 160 - radius * 0.8 / 0.6, radius / 0.6
    assert float(row[round(centre)]) < 0.05
    edge = (row[: round(centre)] < 0.5).nonzero().min()
    assert abs(float(edge) - (centre - half)) < 6


def test_a_wider_lamp_throws_a_softer_shadow() -> None:
    shape = _traced(_before_a_wall(320))
    direction = torch.tensor([[0.8, 0.0, 0.6]])

    def edge(radius: float) -> int:
        row = lamp_visibility(shape, direction, torch.tensor([radius]))[0, 0, 160, :140]
        return int(((row > 0.1) & (row < 0.9)).sum())

    assert edge(0.15) > 1.5 * edge(0.01)


def test_doubt_softens_shadows() -> None:
    direction, radius = torch.tensor([[0.8, 0.0, 0.6]]), torch.tensor([0.01])
    soft, hard = (
        lamp_visibility(_traced(_before_a_wall(320), doubt), direction, radius)[0, 0, 160, :140] for doubt in (0.5, 0.0)
    )
    assert ((soft > 0.1) & (soft < 0.9)).sum() > 1.5 * ((hard > 0.1) & (hard < 0.9)).sum()


def test_what_is_hidden_gets_light_back_and_is_never_black() -> None:
    shape = _traced(_before_a_wall())
    share = log_share(shape, _lamp((1, 0, 0.6), fill=0.0))[0, 0]
    beside = share[SIZE // 2, SIZE // 2 - round(0.2 * SIZE)]
    assert -5 < float(beside) < -0.5
    assert torch.isfinite(share).all()


def test_an_open_wall_sees_all_of_the_sky_and_a_valley_less() -> None:
    _, x = _grid()
    valley = x.abs() * 0.8
    slope = 0.8 * x.sign()
    normals = torch.nn.functional.normalize(torch.stack([-slope, torch.zeros_like(x), torch.ones_like(x)]), dim=0)[None]
    ones = torch.ones(1, 1, SIZE, SIZE)
    flat = torch.tensor([0.0, 0, 1])[None, :, None, None].expand(1, 3, SIZE, SIZE)
    middle = (0, 0, SIZE // 2, SIZE // 2 + 3)
    assert float(_traced((flat, torch.zeros(1, SIZE, SIZE), ones)).sky[middle]) > 0.99
    assert float(_traced((normals, valley[None], ones)).sky[middle]) < 0.8


def test_light_from_the_side_passes_behind_what_stands_far_in_front() -> None:
    _, x = _grid()
    field = torch.where((x > 10) & (x < 20), 2 * THICK * SIZE, 0.0)[None]
    found = horizons(field, torch.ones(1, 1, SIZE, SIZE))
    at = Horizons(*(getattr(found, n)[0, 0, SIZE // 2, SIZE // 2] for n in ("dark", "light", "behind", "before")))
    slope, soft = torch.tensor(0.0), torch.tensor(0.02)
    low, through, over = (float(_reached(at, math.radians(e), slope, soft)) for e in (20, 70, 88))
    assert low > 0.9  # behind it
    assert through < 0.1
    assert over > 0.9


def test_the_mirrored_shape_in_the_mirrored_light_is_the_mirrored_picture() -> None:
    normals, field, matte = _before_a_wall()
    rough = torch.randn(SIZE, SIZE, generator=torch.Generator().manual_seed(2))
    field = field + torch.nn.functional.avg_pool2d(rough[None, None], 9, 1, 4)[0] * 10
    pixels = environment((0.8, 0.3, 0.4))
    flip = torch.tensor([-1.0, 1, 1])[:, None, None]
    one = log_share(_traced((normals, field, matte)), _placed(pixels))
    # The left of a map is +X (its columns run from +X's side over +Z), so a map is mirrored in x by turning its columns round.
    other = log_share(
        _traced(((normals * flip).flip(3), field.flip(2), matte.flip(3))), _placed(pixels[:, ::-1].copy())
    )
    assert torch.allclose(one, other.flip(3), atol=0.02)
    assert float(one.abs().max()) > 0.3


def test_turning_the_light_equals_turning_the_map() -> None:
    turn = np.array([[0, 0, 1], [0, 1, 0], [-1, 0, 0]], float)  # camera's +Z is the map's +X
    shape = _traced(_before_a_wall())
    one = log_share(shape, _placed(environment((1, 0, 0)), turn))
    other = log_share(shape, _placed(environment((0, 0, 1))))
    assert torch.allclose(one, other, atol=0.02)


def test_a_brighter_map_hides_and_shows_the_same() -> None:
    shape = _traced(_before_a_wall())
    assert torch.equal(log_share(shape, _placed(environment())), log_share(shape, _placed(2 * environment())))


def test_bits_do_not_depend_on_what_was_traced_before() -> None:
    light = _placed(environment())
    first = log_share(_traced(_before_a_wall()), light)
    log_share(_traced(_ball()), light)
    assert torch.equal(first, log_share(_traced(_before_a_wall()), light))


def test_relief_from_normals_shades_nearly_as_the_true_relief() -> None:
    y, x = _grid()
    field = 14 * torch.exp(-((x - 8) ** 2 + y**2) / 90) + 6 * torch.exp(-((x + 20) ** 2 + (y - 9) ** 2) / 60)
    down, right = torch.gradient(field)
    normals = torch.nn.functional.normalize(torch.stack([-right, down, torch.ones_like(x)]), dim=0)[None]
    ones = torch.ones(1, 1, SIZE, SIZE)
    light = _lamp((0.9, 0.2, 0.35), radius=0.05)
    true = log_share(_traced((normals, field[None], ones)), light)
    seen = log_share(_traced((normals, heights(normals, ones), ones)), light)
    assert float(true.min()) < -0.8
    assert float((true - seen).abs().mean()) < 0.05


def test_a_map_split_into_parcels_keeps_its_energy() -> None:
    pixels = environment()
    pixels[10, 20] = 4000.0
    found = tables(pixels)
    assert found.parcels is not None
    assert found.parcels[0, 3:6].min() > 0.5  # the sun is a lamp at its own place
    n = np.float32([[0.0, 0.6, 0.8], [0.8, 0.6, 0.0]])
    towards, energy = found.parcels[:, :3], found.parcels[:, 3:6]
    wanted = irradiance(pixels, n) / level(pixels)
    assert np.allclose(np.maximum(n @ towards.T, 0) @ energy, wanted, rtol=0.01)
