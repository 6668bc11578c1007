"""What light reaches a point of a subject: its relief hides some of every light, and gives some of it back.

A relief has a horizon around each of its points (Max 1988, "Horizon mapping"): a light shines on the point where it stands
above. What stands far in front of the point is taken for a thing of limited thickness, which light from the side passes behind.
Horizons do not depend on the light: for each frame they are worked out once, and so is how much of the light
of each of `CELLS` directions every point receives; a light that turns is then one matrix product. Small lamps, whose shadows
have edges, are kept at their exact place and traced at the picture's own size.

The view is taken as parallel. Everything is deterministic for one number of torch's threads. Floor 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch.nn.functional import adaptive_avg_pool2d, interpolate, normalize, pad

from ..light.octahedral import octahedral_directions

LONGEST = 160  # px of the longer side that broad light is traced at
AZIMUTHS = 32
GRID = 16  # a side of the octahedral grid of directions that broad light is gathered on
CELLS = GRID * GRID
SHARPNESS = 40.0  # of the lobe exp(k (cos - 1)) that spreads light over the cells: about as wide as one of them
CELL_RADIUS = 0.11  # radians: half the distance of two cells
GROWTH = 1.25  # from one step of a march to the next
BIAS = 0.6  # px that something must stand above a point to hide anything from it: relief is no finer
SOFT = 1.2  # px of relief over which hiding sets in
FAR_SOFT = 0.03  # radians more: edges far away are less sure
DOUBTED = 0.5  # of the normals' expected error, by which every horizon is softer
THICK = 0.35  # of the picture's longer side: what stands more than this in front has light behind it
BOUNCE = 0.35  # of the subject's mean light, which what hides the sky gives back
DARK = 0.01  # of a light's mean radiance: nothing is blacker, as in the hint
FINE_GROWTH = 1.1  # as GROWTH, for small lamps
SHARPEST = 0.02  # radians: a smaller lamp's shadow is as soft as this
NOWHERE = -1e4  # height where nothing stands
_NAMES = ("dark", "light", "behind", "before")


@dataclass(frozen=True)
class Placed:
    """Lights in camera space at unit level, B frames: `directions` (B, N, 3), `energy` (B, N, 3), radiance times solid angle.

    The first are small lamps, `radius` (B, L) radians wide; the others are pieces of the broad rest, whose directions
    may be shorter than 1 (`light.emitters`).
    """

    directions: torch.Tensor
    energy: torch.Tensor
    radius: torch.Tensor


@dataclass(frozen=True)
class Horizons:
    """Around each point, (B, AZIMUTHS, h, w), elevations in radians over the picture's plane.

    Light from below `dark` is hidden and from above `light` is not. What stands far in front hides what comes from between
    `behind` and `before`.
    """

    dark: torch.Tensor
    light: torch.Tensor
    behind: torch.Tensor
    before: torch.Tensor


@dataclass(frozen=True)
class Traced:
    """A frame's shape made ready for any light.

    `facing` (B, 3, h, w) are normals, `field` (B, h, w) heights in pixels, `matte` (B, 1, h, w), all at the picture's size.
    `open` and `seen` (B, P, CELLS) tell what share of each cell's energy arrives at the points of a smaller picture of `size`:
    without anything in the way, and as it is. `sky` (B, 1, h, w) is the cosine-weighted share of the hemisphere that is open.
    """

    facing: torch.Tensor
    field: torch.Tensor
    matte: torch.Tensor
    doubt: torch.Tensor
    size: tuple[int, int]
    standing: torch.Tensor
    open: torch.Tensor
    seen: torch.Tensor
    sky: torch.Tensor


def trace(normals: torch.Tensor, field: torch.Tensor, matte: torch.Tensor, doubt: torch.Tensor) -> Traced:
    """Make a shape ready for any light.

    Args:
        normals: (B, 3, h, w) unit, camera space.
        field: (B, h, w) heights toward the viewer in pixels of this picture (`depth.heights`, or a depth that is given).
        matte: (B, 1, h, w), 0 to 1; nothing stands where it is under a half.
        doubt: (B, 1, h, w) expected error of the shape in radians, by which shadows are softer.
    """
    height, width = matte.shape[-2:]
    small = min(1.0, LONGEST / max(height, width))
    size = (max(1, round(height * small)), max(1, round(width * small)))
    standing, facing = _smaller(matte, matte, size), normalize(_smaller(normals, matte, size), dim=1)
    coarse = _smaller(field[:, None], matte, size)[:, 0] * small
    unsure = _smaller(doubt, matte, size) * DOUBTED
    around = horizons(coarse, standing)
    n = facing.flatten(2).transpose(1, 2)  # B, P, 3
    d, omega, left, mixed, elevation, azimuth = _cells(str(matte.device))
    cosine = (n @ d.T).clamp_min(0)

    def at(x: torch.Tensor) -> torch.Tensor:
        points = x.flatten(2).transpose(1, 2)
        return torch.lerp(points[..., left], points[..., (left + 1) % AZIMUTHS], mixed)

    slope = torch.atan2(-(n[..., :2] @ azimuth), n[..., 2:].clamp_min(0.05))  # of the surface itself, toward each cell
    soft = unsure.flatten(2).transpose(1, 2) + CELL_RADIUS
    reached = _reached(Horizons(*(at(getattr(around, x)) for x in _NAMES)), elevation, slope, soft)
    seen = cosine * reached
    share = (seen @ omega) / (cosine @ omega).clamp_min(1e-6)
    sky = _larger(share.view(-1, 1, *size), standing, (height, width)).clamp(0, 1)
    return Traced(normals, field, matte, doubt, size, standing, cosine, seen, sky)


def log_share(shape: Traced, lights: Placed) -> torch.Tensor:
    """The log of what arrives of a light over what would with nothing in the way, (B, 3, h, w): shadows, and one bounce.

    0 wherever the form hides nothing.
    """
    lamps = lights.radius.shape[1]
    cells = _on_cells(lights.directions[:, lamps:], lights.energy[:, lamps:])
    size = shape.matte.shape[-2:]
    both = torch.cat([shape.open @ cells, shape.seen @ cells], dim=-1).transpose(1, 2)
    free, here = _larger(both.reshape(-1, 6, *shape.size), shape.standing, size).split(3, dim=1)
    for k in range(lamps):
        towards, radius = lights.directions[:, k], lights.radius[:, k]
        lit = lights.energy[:, k, :, None, None] * _facing(shape.facing, towards, radius)
        free = free + lit
        here = here + lit * lamp_visibility(shape, towards, radius)
    weight = shape.matte / shape.matte.sum((2, 3), keepdim=True).clamp_min(1e-6)
    mean = (here * weight).sum((2, 3), keepdim=True)
    back = BOUNCE * (1 - shape.sky) * mean
    floor = DARK * math.pi
    return ((here + back + floor) / (free + floor)).log()


def lamp_visibility(shape: Traced, directions: torch.Tensor, radius: torch.Tensor) -> torch.Tensor:
    """What share of a small lamp each point sees, (B, 1, h, w).

    Args:
        directions: (B, 3) unit, toward the lamp. radius: (B,) radians.
    """
    parts = []
    for b in range(len(directions)):
        x, y, z = (float(v) for v in directions[b])
        one = slice(b, b + 1)
        around = _horizon(_walled(shape.field[one], shape.matte[one]), shape.field[one], math.atan2(y, x), FINE_GROWTH)
        n = shape.facing[one]
        flat = max(math.hypot(x, y), 1e-6)
        slope = torch.atan2(-(n[:, 0] * x + n[:, 1] * y) / flat, n[:, 2].clamp_min(0.05))
        soft = shape.doubt[one, 0] * DOUBTED + radius[b].clamp_min(SHARPEST)
        parts.append(_reached(Horizons(*around), math.atan2(z, flat), slope, soft))
    return torch.stack(parts, dim=1).transpose(0, 1) if len(parts) > 1 else parts[0][:, None]


def horizons(field: torch.Tensor, matte: torch.Tensor) -> Horizons:
    """The horizons of a relief.

    Args:
        field: (B, h, w) heights in pixels. matte: (B, 1, h, w).
    """
    walled = _walled(field, matte)
    turns = [_horizon(walled, field, 2 * math.pi * k / AZIMUTHS, GROWTH) for k in range(AZIMUTHS)]
    return Horizons(*(torch.stack(x, dim=1) for x in zip(*turns, strict=True)))


def _walled(field: torch.Tensor, matte: torch.Tensor) -> torch.Tensor:
    """The relief with nothing around it, as far as a march goes."""
    reach = max(field.shape[-2:])
    return pad(torch.where(matte[:, 0] > 0.5, field, field.new_tensor(NOWHERE)), (reach,) * 4, value=NOWHERE)


def _horizon(walled: torch.Tensor, field: torch.Tensor, angle: float, growth: float) -> tuple[torch.Tensor, ...]:
    """The four elevations of `Horizons` toward one azimuth, (B, h, w) each."""
    height, width = field.shape[-2:]
    reach, thick = max(height, width), THICK * max(height, width)
    lowest = torch.full_like(field, -1e3)
    dark, light, before, behind = lowest, lowest, lowest, -lowest
    for dx, dy in _march(reach, angle, growth):
        away = math.hypot(dx, dy)
        rise = walled[:, reach - dy : reach - dy + height, reach + dx : reach + dx + width] - field
        far = rise > thick
        near = torch.where(far, lowest, rise)
        dark = torch.maximum(dark, (near - (BIAS + SOFT)) / away)
        light = torch.maximum(light, (near - BIAS) / away)
        before = torch.where(far, torch.maximum(before, rise / away), before)
        behind = torch.where(far, torch.minimum(behind, (rise - thick) / away), behind)
    return dark.atan() - FAR_SOFT, light.atan() + FAR_SOFT, behind.atan(), before.atan()


def _reached(
    around: Horizons, elevation: torch.Tensor | float, slope: torch.Tensor, soft: torch.Tensor
) -> torch.Tensor:
    """What share of a light of a half width `soft` arrives over the horizons, 0 to 1, all of one shape.

    The cosine knows already what a surface hides from itself, so a horizon counts only as far as it stands over `slope`.
    """
    over = (around.light - slope).clamp_min(0)
    edge = torch.minimum(around.light + soft, around.light + over)
    low = torch.minimum(around.dark - soft, edge - 1e-3)
    free = _smoothstep((elevation - low) / (edge - low))
    between = _smoothstep((elevation - around.behind) / soft / 2 + 0.5) * _smoothstep(
        (around.before - elevation) / soft / 2 + 0.5
    )
    return free * (1 - between)


def _smoothstep(t: torch.Tensor) -> torch.Tensor:
    t = t.clamp(0, 1)
    return t * t * (3 - 2 * t)


def _facing(normals: torch.Tensor, direction: torch.Tensor, radius: torch.Tensor) -> torch.Tensor:
    """The cosine toward a lamp, (B, 1, h, w), rounded off where the lamp's disc sets."""
    cosine = (normals * direction[:, :, None, None]).sum(1, keepdim=True)
    r = radius.clamp_min(SHARPEST)[:, None, None, None]
    return torch.where(cosine.abs() < r, (cosine + r) ** 2 / (4 * r), cosine.clamp_min(0))


def _march(reach: int, angle: float, growth: float) -> list[tuple[int, int]]:
    """Whole-pixel offsets (right, up) along an azimuth, each once, farther and farther apart."""
    offsets: list[tuple[int, int]] = []
    step = 1.0
    while step < reach:
        offset = (round(math.cos(angle) * step), round(math.sin(angle) * step))
        if offset not in offsets:
            offsets.append(offset)
        step = max(step + 1, step * growth)
    return offsets


def _on_cells(directions: torch.Tensor, energy: torch.Tensor) -> torch.Tensor:
    """Lights' energy on the fixed directions, (B, CELLS, 3); none is lost."""
    d = _cells(str(energy.device))[0]
    near = torch.softmax(SHARPNESS * (directions @ d.T), dim=-1)  # B, N, CELLS
    return near.transpose(1, 2) @ energy


@lru_cache(maxsize=2)
def _cells(device: str) -> tuple[torch.Tensor, ...]:
    """Of the fixed directions: unit vectors (CELLS, 3), solid angles (CELLS, 1), the azimuth before each and how far beyond
    it, elevations, and unit azimuths (2, CELLS)."""
    d = torch.from_numpy(octahedral_directions(GRID)).reshape(-1, 3)
    flat = d / d.abs().sum(1, keepdim=True)
    omega = flat.norm(dim=1, keepdim=True) ** -3  # of a cell of the unfolded octahedron, seen from its middle
    omega = omega * 4 * math.pi / omega.sum()
    turn = (torch.atan2(d[:, 1], d[:, 0]) % (2 * math.pi)) / (2 * math.pi) * AZIMUTHS
    left = turn.floor().long() % AZIMUTHS
    across = torch.hypot(d[:, 0], d[:, 1]).clamp_min(1e-6)
    elevation = torch.atan2(d[:, 2], across)
    return tuple(x.to(device) for x in (d, omega, left, turn - turn.floor(), elevation, (d[:, :2] / across[:, None]).T))


def _smaller(planes: torch.Tensor, matte: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """Planes (B, C, h, w) averaged over what the matte covers; the matte itself by area."""
    if planes is matte:
        return adaptive_avg_pool2d(matte, size)
    weight = matte + 1e-4
    return adaptive_avg_pool2d(planes * weight, size) / adaptive_avg_pool2d(weight, size)


def _larger(planes: torch.Tensor, matte: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """Planes of a smaller picture at `size`, those of the matte carried over its edge."""
    weight = matte + 1e-4
    wide = interpolate(torch.cat([planes * weight, weight], 1), size, mode="bilinear", align_corners=False)
    return wide[:, :-1] / wide[:, -1:]
