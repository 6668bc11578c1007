"""What lights that are put into the scene give to each point of a subject.

Distances are in pixels of the working picture: x to the right and y up from the middle of the view, z toward the viewer from
the middle of the subject. The view is taken as parallel, as in `trace`. A light's strength is stated at the subject's middle,
so the unit of lengths cancels. Nothing is random.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch.nn.functional import grid_sample

from .trace import (
    BIAS,
    DOUBTED,
    FAR_SOFT,
    FLATTEST,
    NOWHERE,
    SHARPEST,
    SOFT,
    THICK,
    Horizons,
    Traced,
    lamp_visibility,
    reached,
)

GROWTH = 1.15  # from one step of a march toward a light to the next
AREA_SIDE = 4  # an area light is worked out from as many times as many points
NEAREST = 1.0  # px: nothing comes nearer to a light than this


@dataclass(frozen=True)
class PlacedLight:
    """One light of a frame, in pixels of the working picture.

    `towards` (3,) unit points to a distant light, else `position` (3,) says where it stands; `aim` (3,) unit is where a spot
    or an area shines. `radius` is half the angle of a distant light in radians, of the others a length. `sides` are width and
    height of an area. `cone` are the cosines at which a spot's light begins to fade and has ended. `energy` (3,) is what the
    subject's middle receives, facing it, over what the plate's own light gives the subject in the mean.
    """

    name: str
    energy: tuple[float, float, float]
    towards: tuple[float, float, float] | None = None
    position: tuple[float, float, float] | None = None
    aim: tuple[float, float, float] | None = None
    radius: float = 0.0
    sides: tuple[float, float] | None = None
    cone: tuple[float, float] | None = None
    shadows: bool = True


def received(shape: Traced, lights: tuple[PlacedLight, ...]) -> torch.Tensor:
    """What each light gives each point, (L, 3, h, w), shadows included, of a shape with B = 1."""
    points = points_of(shape)
    middle = middle_of(points, shape.matte)
    given = [_one(shape, points, middle, light) for light in lights]
    none = shape.facing.new_zeros((0, 3, *shape.matte.shape[-2:]))
    return torch.stack(given) if given else none


def points_of(shape: Traced) -> torch.Tensor:
    """Where each point of a shape is, (3, h, w) px."""
    height, width = shape.matte.shape[-2:]
    x = torch.arange(width, device=shape.field.device) - (width - 1) / 2
    y = (height - 1) / 2 - torch.arange(height, device=shape.field.device)
    return torch.stack([x.expand(height, width), y[:, None].expand(height, width), shape.field[0]])


def middle_of(points: torch.Tensor, matte: torch.Tensor) -> torch.Tensor:
    """The middle of what the matte covers, (3,)."""
    weight = matte[0, 0]
    return (points * weight).sum((1, 2)) / weight.sum().clamp_min(1e-6)


def _one(shape: Traced, points: torch.Tensor, middle: torch.Tensor, light: PlacedLight) -> torch.Tensor:
    """What one light gives each point, (3, h, w)."""
    colour = points.new_tensor(light.energy)[:, None, None]
    if light.towards is not None:
        direction, radius = points.new_tensor(light.towards)[None], points.new_tensor([light.radius])
        seen = lamp_visibility(shape, direction, radius)[0] if light.shadows else 1.0
        cosine = _risen((shape.facing[0] * direction[0][:, None, None]).sum(0), radius.clamp_min(SHARPEST))
        return colour * cosine * seen
    total = points.new_zeros(points.shape[1:])
    reference = points.new_zeros(())
    for position in _emitters(light, points):
        total = total + _from_point(shape, points, position, light)
        reference = reference + _at_middle(middle, position, light)
    return colour * (total / reference.clamp_min(1e-20))


def _emitters(light: PlacedLight, points: torch.Tensor) -> Iterator[torch.Tensor]:
    """The points, (3,) px, that a light that stands somewhere is worked out from: its middle, or a grid on its area."""
    middle = points.new_tensor(light.position)
    if light.sides is None:
        yield middle
        return
    right, up = _axes(points.new_tensor(light.aim))
    steps = [(k + 0.5) / AREA_SIDE - 0.5 for k in range(AREA_SIDE)]
    for a in steps:
        for b in steps:
            yield middle + a * light.sides[0] * right + b * light.sides[1] * up


def _axes(aim: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The sides of an area that shines along `aim`: its width stays level."""
    above = aim.new_tensor([0.0, 1.0, 0.0] if abs(float(aim[1])) < 0.99 else [0.0, 0.0, 1.0])
    right = torch.linalg.cross(aim, above)
    right = right / right.norm()
    return right, torch.linalg.cross(right, aim)


def _from_point(shape: Traced, points: torch.Tensor, position: torch.Tensor, light: PlacedLight) -> torch.Tensor:
    """What one emitting point gives each point, (h, w), before its strength: cosines over the squared distance."""
    way = position[:, None, None] - points
    far = way.norm(dim=0).clamp_min(NEAREST)
    towards = way / far
    wide = _half_width(light) / far  # the angle that the emitter is seen under, radians
    cosine = _risen((shape.facing[0] * towards).sum(0), wide.clamp(SHARPEST, 1.0))
    given = cosine / far**2 * _emission(light, towards)
    if not light.shadows:
        return given
    return given * _visible(shape, way, towards, wide)


def _half_width(light: PlacedLight) -> float:
    return light.radius if light.sides is None else max(light.sides) / AREA_SIDE / 2


def _emission(light: PlacedLight, towards: torch.Tensor) -> torch.Tensor | float:
    """How much of a light goes where, over straight ahead: `towards` (3, h, w) points from the surface to the light."""
    if light.aim is None:
        return 1.0
    ahead = -(towards * towards.new_tensor(light.aim)[:, None, None]).sum(0)
    if light.cone is None:
        return ahead.clamp_min(0)  # an area shines as a matte surface does, to its front
    full, end = light.cone
    t = ((ahead - end) / max(full - end, 1e-6)).clamp(0, 1)
    return t * t * (3 - 2 * t)


def _at_middle(middle: torch.Tensor, position: torch.Tensor, light: PlacedLight) -> torch.Tensor:
    """What an emitting point gives a surface at the subject's middle that faces it, were the light aimed there."""
    return 1 / (position - middle).norm().clamp_min(NEAREST) ** 2


def _risen(cosine: torch.Tensor, radius: torch.Tensor) -> torch.Tensor:
    """The cosine toward a disc of an angular radius, rounded off where the disc sets; 0 where it has set."""
    return torch.where(cosine.abs() < radius, (cosine + radius) ** 2 / (4 * radius), cosine.clamp_min(0))


def _visible(shape: Traced, way: torch.Tensor, towards: torch.Tensor, wide: torch.Tensor) -> torch.Tensor:
    """What share of an emitter each point sees over the relief between them, (h, w).

    Args:
        way: (3, h, w) px from each point to the emitter. towards: the same, unit. wide: (h, w) radians.
    """
    flat = way[:2].norm(dim=0).clamp_min(1e-3)
    horizon = _horizon_toward(shape, way[:2] / flat, flat)
    n = shape.facing[0]
    slope = torch.atan2(-(n[:2] * way[:2] / flat).sum(0), n[2].clamp_min(FLATTEST))
    soft = shape.doubt[0, 0] * DOUBTED + wide.clamp(SHARPEST, 1.0)
    return reached(horizon, torch.atan2(way[2], flat), slope, soft)


def _horizon_toward(shape: Traced, azimuth: torch.Tensor, flat: torch.Tensor) -> Horizons:
    """The horizon of each point toward its own azimuth (2, h, w), as far as the emitter stands, `flat` (h, w) px.

    What stands farther away than the emitter hides nothing of it. See `Horizons`.
    """
    height, width = flat.shape
    here, thick = shape.field[0], THICK * max(height, width)
    standing = torch.where(shape.matte[:, 0] > 0.5, shape.field, shape.field.new_tensor(NOWHERE))[None]  # 1, 1, h, w
    points = points_of(shape)[:2]
    lowest = torch.full_like(here, -1e3)
    dark, light, before, behind = lowest, lowest, lowest, -lowest
    for away in _steps(min(float(flat.max()), math.hypot(height, width))):
        at = points + azimuth * away
        grid = torch.stack([at[0] * 2 / width, -at[1] * 2 / height], dim=-1)[None]  # as grid_sample counts: -1 to 1
        rise = grid_sample(standing, grid, mode="nearest", padding_mode="border", align_corners=False)[0, 0] - here
        outside = (at[0].abs() > width / 2) | (at[1].abs() > height / 2) | (away >= flat)
        rise = torch.where(outside, lowest, rise)
        far = rise > thick
        near = torch.where(far, lowest, rise)
        dark = torch.maximum(dark, (near - (BIAS + SOFT)) / away)
        light = torch.maximum(light, (near - BIAS) / away)
        before = torch.where(far, torch.maximum(before, rise / away), before)
        behind = torch.where(far, torch.minimum(behind, (rise - thick) / away), behind)
    return Horizons(dark.atan() - FAR_SOFT, light.atan() + FAR_SOFT, behind.atan(), before.atan())


def _steps(reach: float) -> Iterator[float]:
    """The distances of a march in px, farther and farther apart."""
    step = 1.0
    while step < reach:
        yield step
        step = max(step + 1, step * GROWTH)
