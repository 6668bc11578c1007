"""What light reaches a point: energy, shadows on the right side, bounce, and the symmetries light has."""

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch

from relamp.core.gain.traced import Shape
from relamp.core.light.backdrop import camera_rays
from relamp.core.light.environment import AP1_LUMINANCE, level
from relamp.core.light.irradiance import Light, irradiance, irradiance_table
from relamp.core.light.octahedral import octahedral_directions
from relamp.core.light.parcels import LAMPS, Parcels, parcels_of
from relamp.core.relighter.own.conditions import _light_batch, lit
from relamp.core.shape.depth import heights
from relamp.core.shape.shadow import lamp_visibility
from relamp.core.shape.trace import THICK, Horizons, _on_cells, _reached, horizons, trace
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


def _picture(planes: torch.Tensor) -> np.ndarray:
    return planes[0].permute(1, 2, 0).numpy().copy()


def _shape(shape: tuple[torch.Tensor, torch.Tensor, torch.Tensor], doubt: float = 0.0) -> Shape:
    normals, field, matte = _picture(shape[0]), shape[1][0].numpy().copy(), _picture(shape[2])[..., 0]
    rays = camera_rays(matte.shape[1], matte.shape[0], 0.1)  # so narrow that the view is parallel
    return Shape.of(normals, matte, field, np.full_like(matte, doubt), rays)


def _share(shape: Shape, light: tuple[np.ndarray, Parcels]) -> np.ndarray:
    """What the form leaves of a light in natural logs, (h, w, 3)."""
    return np.log(shape.lit(*light).arriving(shape.normals, slice(None)))


def _visible(shape: Shape, toward: tuple[float, float, float], radius: float) -> np.ndarray:
    return lamp_visibility(shape.surface, np.asarray(toward, np.float32), radius)


def _lamp(toward: tuple[float, float, float], radius: float = 0.01, fill: float = 0.05) -> tuple[np.ndarray, Parcels]:
    """A lamp of irradiance pi, and an even light around it."""
    d = np.asarray(toward, np.float32) / np.linalg.norm(toward).astype(np.float32)
    sphere = np.random.default_rng(1).standard_normal((4096, 3)).astype(np.float32)
    sphere /= np.linalg.norm(sphere, axis=1, keepdims=True)
    even = np.full((4096, 3), fill * 4 * math.pi / 4096, np.float32)
    directions, energy = np.concatenate([d[None], sphere]), np.concatenate([np.full((1, 3), np.pi, np.float32), even])
    facing = octahedral_directions(32)
    table = np.maximum(facing @ d, 0)[..., None] + np.full(3, fill, np.float32)
    return table, Parcels(directions, energy, np.array([radius], np.float32))


def _light(pixels: np.ndarray, turn: np.ndarray | None = None) -> tuple[np.ndarray, Parcels]:
    turn = np.eye(3) if turn is None else turn
    unit = level(pixels)
    table = irradiance(pixels, octahedral_directions(64) @ turn.T.astype(np.float32)) / np.float32(np.pi * unit)
    return table, Parcels.of(parcels_of(pixels, Light.of(pixels, AP1_LUMINANCE)), turn)


@pytest.mark.parametrize("toward", [(1, 0, 0), (0.2, 0.9, 0.3), (-0.5, -0.5, -0.7)])
def test_with_nothing_in_the_way_all_light_arrives(toward) -> None:
    shape = _shape(_ball())
    inside = np.abs(_share(shape, _light(environment(toward)))[shape.matte > 0])
    assert inside.mean() < 0.005
    assert np.quantile(inside, 0.98) < 0.02  # pixels of the outline are steeper than a pixel can show


def test_cells_carry_the_irradiance_of_the_map() -> None:
    pixels = environment((0.3, 0.5, 0.8), strength=6.0)
    normals, field, matte = _ball()
    light = _light_batch(tables(pixels), np.eye(3))
    made = trace(normals, normals, field[:, None], matte, torch.zeros_like(matte))
    parcels = light.in_camera()
    assert float(parcels.energy[:LAMPS].sum()) == 0  # a broad lobe is no lamp
    rest = (torch.from_numpy(part[None, LAMPS:]) for part in (parcels.directions, parcels.energy))
    arrives = (_on_cells(*rest) @ made.open)[0] / math.pi
    facing = torch.nn.functional.adaptive_avg_pool2d(normals, made.size)
    wanted = lit(light, torch.nn.functional.normalize(facing, dim=1))[0].exp().flatten(1)
    inside = made.standing.flatten() > 0.99
    error = (arrives / wanted)[:, inside] - 1
    assert float(error.abs().mean()) < 0.02


def test_a_ball_before_a_wall_shadows_it_on_the_far_side_of_a_lamp() -> None:
    share = _share(_shape(_before_a_wall()), _lamp((1, 0, 0.6)))[..., 0]
    middle, away = SIZE // 2, round(0.25 * SIZE)
    assert float(share[middle, middle - away]) < -1.0  # to the left of the ball, the lamp on the right
    assert abs(float(share[middle, middle + away])) < 0.05
    assert abs(float(share[middle - away, middle])) < 0.1


def test_a_shadow_lies_where_geometry_puts_it() -> None:
    row = _visible(_shape(_before_a_wall(320)), (0.8, 0.0, 0.6), 0.005)[160]
    radius = 0.12 * 320
    # The ball's centre is a radius above the wall; its shadow is an ellipse about the point its centre is projected to.
    centre, half = 160 - radius * 0.8 / 0.6, radius / 0.6
    assert float(row[round(centre)]) < 0.05
    edge = np.flatnonzero(row[: round(centre)] < 0.5).min()
    assert abs(edge - (centre - half)) < 3


def test_a_wider_lamp_throws_a_softer_shadow() -> None:
    shape = _shape(_before_a_wall(320))

    def edge(radius: float) -> int:
        row = _visible(shape, (0.8, 0.0, 0.6), radius)[160, :140]
        return int(((row > 0.1) & (row < 0.9)).sum())

    assert edge(0.15) > 1.5 * edge(0.01)


def test_doubt_softens_shadows() -> None:
    soft, hard = (
        _visible(_shape(_before_a_wall(320), doubt), (0.8, 0.0, 0.6), 0.01)[160, :140] for doubt in (0.5, 0.0)
    )
    assert ((soft > 0.1) & (soft < 0.9)).sum() > 1.5 * ((hard > 0.1) & (hard < 0.9)).sum()


def test_what_is_hidden_gets_light_back_and_is_never_black() -> None:
    share = _share(_shape(_before_a_wall()), _lamp((1, 0, 0.6), fill=0.0))[..., 0]
    beside = share[SIZE // 2, SIZE // 2 - round(0.2 * SIZE)]
    assert -5 < float(beside) < -0.5
    assert np.isfinite(share).all()


def test_an_open_wall_sees_all_of_the_sky_and_a_valley_less() -> None:
    _, x = _grid()
    valley = x.abs() * 0.8
    slope = 0.8 * x.sign()
    normals = torch.nn.functional.normalize(torch.stack([-slope, torch.zeros_like(x), torch.ones_like(x)]), dim=0)[None]
    ones = torch.ones(1, 1, SIZE, SIZE)
    flat = torch.tensor([0.0, 0, 1])[None, :, None, None].expand(1, 3, SIZE, SIZE)
    middle = (0, 0, SIZE // 2, SIZE // 2 + 3)
    none = torch.zeros_like(ones)
    assert float(trace(flat, flat, none, ones, none).sky[middle]) > 0.99
    assert float(trace(normals, normals, valley[None, None], ones, none).sky[middle]) < 0.8


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
    one = _share(_shape((normals, field, matte)), _light(pixels))
    # The left of a map is +X (its columns run from +X's side over +Z), so a map is mirrored in x by turning its columns round.
    mirrored = _shape(((normals * flip).flip(3), field.flip(2), matte.flip(3)))
    other = _share(mirrored, _light(pixels[:, ::-1].copy()))
    np.testing.assert_allclose(one, other[:, ::-1], atol=0.02)
    assert np.abs(one).max() > 0.3


def test_turning_the_light_equals_turning_the_map() -> None:
    turn = np.array([[0, 0, 1], [0, 1, 0], [-1, 0, 0]], float)  # camera's +Z is the map's +X
    shape = _shape(_before_a_wall())
    one, other = _share(shape, _light(environment((1, 0, 0)), turn)), _share(shape, _light(environment((0, 0, 1))))
    np.testing.assert_allclose(one, other, atol=0.02)


def test_a_brighter_map_hides_and_shows_the_same() -> None:
    shape = _shape(_before_a_wall())
    np.testing.assert_array_equal(_share(shape, _light(environment())), _share(shape, _light(2 * environment())))


def test_bits_do_not_depend_on_what_was_traced_before() -> None:
    light = _light(environment())
    first = _share(_shape(_before_a_wall()), light)
    _share(_shape(_ball()), light)
    np.testing.assert_array_equal(first, _share(_shape(_before_a_wall()), light))


def test_the_strength_of_shadows_goes_from_none_to_all() -> None:
    shape, light = _shape(_before_a_wall()), _lamp((1, 0, 0.6))
    none, half, full = (shape.lit(*light, strength=s).received(shape.normals, slice(None)) for s in (0.0, 0.5, 1.0))
    np.testing.assert_allclose(half, (none + full) / 2, atol=1e-6)
    free = shape.lit(*light).table
    assert np.abs(none - full).max() > 0.3
    assert np.abs(none).max() <= free.max() + 1e-6


def test_parts_of_a_light_arrive_as_the_whole_does() -> None:
    shape = _shape(_before_a_wall())
    pixels = environment((0.6, 0.2, 0.8))
    pixels[12, 40] = 3000.0
    unit = level(pixels)
    lamp = np.zeros_like(pixels)
    lamp[12, 40] = pixels[12, 40]

    def arrives(part: np.ndarray) -> np.ndarray:
        table = irradiance_table(part, 64) / np.float32(np.pi * unit)
        return shape.lit(table, Parcels.of(parcels_of(part, Light.of(pixels, AP1_LUMINANCE)), np.eye(3))).received(
            shape.normals, slice(None)
        )

    whole, parts = arrives(pixels), arrives(lamp) + arrives(pixels - lamp)
    np.testing.assert_allclose(parts, whole, atol=0.02 * whole.max())
    assert np.abs(whole - shape.lit(*_light(pixels)).table.mean()).max() > 0.1


def test_a_light_is_traced_once_on_a_shape_whichever_thread_asks() -> None:
    shape, (table, light) = _shape(_before_a_wall()), _lamp((1, 0, 0.6))
    with ThreadPoolExecutor(4) as pool:
        one, *others = pool.map(lambda _: shape.lit(table, light), range(8))
    assert all(other is one for other in others)
    dimmed = shape.lit(table, replace(light, energy=light.energy / 2))
    assert dimmed is not one
    assert dimmed.lamps[0].visible is one.lamps[0].visible  # the lamp of a part stands where that of the whole does
    assert _shape(_before_a_wall()).broad is shape.broad


def test_relief_from_normals_shades_nearly_as_the_true_relief() -> None:
    y, x = _grid()
    field = 14 * torch.exp(-((x - 8) ** 2 + y**2) / 90) + 6 * torch.exp(-((x + 20) ** 2 + (y - 9) ** 2) / 60)
    down, right = torch.gradient(field)
    normals = torch.nn.functional.normalize(torch.stack([-right, down, torch.ones_like(x)]), dim=0)[None]
    ones = torch.ones(1, 1, SIZE, SIZE)
    light = _lamp((0.9, 0.2, 0.35), radius=0.05)
    true = _share(_shape((normals, field[None], ones)), light)
    seen = _share(_shape((normals, heights(normals, ones), ones)), light)
    assert true.min() < -0.8
    assert np.abs(true - seen).mean() < 0.05


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
