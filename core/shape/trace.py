"""The broad light that reaches each point of a subject, with the shadows of its relief.

A relief has a horizon around each of its points (Max 1988, "Horizon mapping"): a light from
above the horizon reaches the point. A thing far in front of the point is taken to have limited thickness, and light from the
side passes behind it. Horizons do not depend on the light. For each frame they are computed once, and so is the light that every
point receives from each of `CELLS` directions; turning a light is then one matrix product. Small lamps, whose shadows have
edges, are traced one by one (`shadow`).

The view is taken as parallel. Everything is deterministic for one number of torch's threads.
"""

from __future__ import annotations

import hashlib
import math
import threading
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from cachetools import LRUCache, cached
from torch.nn.functional import adaptive_avg_pool2d, normalize, pad

from ..light.octahedral import octahedral_directions
from .depth import larger, smaller, smaller_size

AZIMUTHS = 32
GRID = 16  # side of the octahedral grid of directions on which broad light is gathered
CELLS = GRID * GRID
SHARPNESS = 60.0  # k of the lobe exp(k (cos - 1)) that spreads light over the cells; about as wide as one cell
CELL_RADIUS = 0.11  # radians; half the distance of two cells
GROWTH = 1.25  # factor from one step of a march to the next
BIAS = 0.6  # px above a point from which a surface hides light; the relief is not more precise
SOFT = 1.2  # px of relief over which occlusion increases
FAR_SOFT = 0.03  # radians added, because far edges are less certain
DOUBTED = 1.0  # share of the normals' expected error by which every horizon is blurred
THICK = 0.35  # share of the picture's longer side; light passes behind things farther in front than this
FLATTEST = 0.05  # least z of a normal, which limits the slope of surfaces that face away
AT_ONCE = 32  # cells
KEPT_LIGHTS = 32  # lights whose energy on the cells is kept, 3 kB each
NOTHING = 1e-4  # radiance at unit level added to both sides of a ratio, so that 0 / 0 gives 1
NOWHERE = -1e4  # height where there is no surface
_NAMES = ("dark", "light", "behind", "before")


@dataclass(frozen=True)
class Horizons:
    """Around each point, (B, AZIMUTHS, h, w), elevations in radians over the picture's plane.

    Light from below `dark` is hidden and from above `light` is not. A thing far in front hides light from between
    `behind` and `before`.
    """

    dark: torch.Tensor
    light: torch.Tensor
    behind: torch.Tensor
    before: torch.Tensor


@dataclass(frozen=True)
class Traced:
    """A frame's shape prepared for any broad light, at a smaller `size` of P points.

    `standing` (B, 1, h, w) is the matte and `full` the size of the picture. `open` and `seen` (B, CELLS, P) are the share
    of each cell's energy that arrives at the points: unoccluded, and with occlusion. `sky` (B, 1, H, W) at the picture's
    size is the cosine-weighted share of the hemisphere that is open.
    """

    size: tuple[int, int]
    full: tuple[int, int]
    standing: torch.Tensor
    open: torch.Tensor
    seen: torch.Tensor
    sky: torch.Tensor


def trace(
    normals: torch.Tensor, seen: torch.Tensor, field: torch.Tensor, matte: torch.Tensor, doubt: torch.Tensor
) -> Traced:
    """Prepare a shape for any light.

    Args:
        normals: (B, 3, h, w) unit, camera space.
        seen: (B, 3, h, w) the same converted to a parallel view (`depth.seen_along`), with the slopes of the heights.
        field: (B, 1, h, w) heights toward the viewer in pixels of this picture (`depth.heights`, or a given depth).
        matte: (B, 1, h, w), 0 to 1; there is no surface where it is under a half.
        doubt: (B, 1, h, w) expected error of the shape in radians, by which shadows are blurred.
    """
    height, width = matte.shape[-2:]
    size = smaller_size(height, width)
    standing, facing = adaptive_avg_pool2d(matte, size), normalize(smaller(normals, matte, size), dim=1)
    coarse = smaller(field, matte, size)[:, 0] * (max(size) / max(height, width))
    unsure = smaller(doubt, matte, size) * DOUBTED
    around = horizons(coarse, standing)
    tilted = normalize(smaller(seen, matte, size), dim=1)
    open_, arriving = _arriving(facing, tilted, around, unsure)
    omega = _cells(str(matte.device)).omega
    share = (omega @ arriving) / (omega @ open_).clamp_min(1e-6)
    sky = larger(share.view(-1, 1, *size), standing, (height, width)).clamp(0, 1)
    return Traced(size, (height, width), standing, open_, arriving, sky)


def _arriving(
    facing: torch.Tensor, tilted: torch.Tensor, around: Horizons, soft: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """`open` and `seen` of `Traced`, computed for a few cells at a time, so that temporaries stay in cache."""
    n, tilt = facing.flatten(2), tilted.flatten(2)  # B, 3, P
    cells = _cells(str(facing.device))
    soft = soft.flatten(2) + CELL_RADIUS
    passes = _passes_behind(around, soft)
    horizon = [getattr(around, name).flatten(2) for name in _NAMES]
    up = tilt[:, 2:].clamp_min(FLATTEST)
    open_, seen = [], []
    for some in torch.arange(CELLS, device=facing.device).split(AT_ONCE):
        left, mixed = cells.left[some], cells.mixed[some, None]
        right = (left + 1) % AZIMUTHS
        at = Horizons(*(torch.lerp(x.index_select(1, left), x.index_select(1, right), mixed) for x in horizon))
        slope = (cells.azimuth[some] @ tilt[:, :2]).neg_().atan2_(up)  # slope of the surface itself, toward each cell
        cosine = (cells.towards[some] @ n).clamp_min_(0)
        open_.append(cosine)
        seen.append(cosine * _reached(at, cells.elevation[some, None], slope, soft, passes))
    return torch.cat(open_, dim=1), torch.cat(seen, dim=1)


def broad_share(shape: Traced, directions: torch.Tensor, energy: torch.Tensor) -> torch.Tensor:
    """The share of a broad light that arrives, relative to unoccluded light, (B, 3, H, W); 1 where it gives no light.

    Args:
        directions: (B, N, 3) camera space, toward parcels of the light; they may be shorter than 1 (`light.emitters`).
        energy: (B, N, 3) radiance times solid angle of each.
    """
    cells = _on_cells(directions, energy)
    free, here = cells @ shape.open, cells @ shape.seen  # (B, 3, P)
    share = (here + NOTHING) / (free + NOTHING)
    return larger(share.reshape(-1, 3, *shape.size), shape.standing, shape.full).clamp(0, 1)


def horizons(field: torch.Tensor, matte: torch.Tensor) -> Horizons:
    """The horizons of a relief.

    Args:
        field: (B, h, w) heights in pixels. matte: (B, 1, h, w).
    """
    walled = _walled(field, matte)
    turns = [_horizon(walled, field, 2 * math.pi * k / AZIMUTHS) for k in range(AZIMUTHS)]
    return Horizons(*(torch.stack(x, dim=1) for x in zip(*turns, strict=True)))


def _walled(field: torch.Tensor, matte: torch.Tensor) -> torch.Tensor:
    """The relief padded with `NOWHERE`, as far as a march goes."""
    reach = max(field.shape[-2:])
    return pad(torch.where(matte[:, 0] > 0.5, field, field.new_tensor(NOWHERE)), (reach,) * 4, value=NOWHERE)


def _horizon(walled: torch.Tensor, field: torch.Tensor, angle: float) -> tuple[torch.Tensor, ...]:
    """The four elevations of `Horizons` toward one azimuth, (B, h, w) each."""
    here, around = field.numpy(), walled.numpy()  # calls of numpy cost less, and pictures are small
    height, width = here.shape[-2:]
    reach, thick = max(height, width), np.float32(THICK * max(height, width))
    lowest = np.float32(-1e3)
    dark, light, before = (np.full_like(here, lowest) for _ in range(3))
    behind = -before
    rise, slope = np.empty_like(here), np.empty_like(here)  # used again in each step
    for dx, dy in _march(reach, angle):
        away = np.float32(math.hypot(dx, dy))
        np.subtract(around[:, reach - dy : reach - dy + height, reach + dx : reach + dx + width], here, out=rise)
        if rise.max() > thick:
            far = rise > thick
            np.maximum(before, rise / away, out=before, where=far)
            np.minimum(behind, (rise - thick) / away, out=behind, where=far)
            rise[far] = lowest
        for horizon, bias in ((dark, np.float32(BIAS + SOFT)), (light, np.float32(BIAS))):
            np.divide(np.subtract(rise, bias, out=slope), away, out=slope)
            np.maximum(horizon, slope, out=horizon)
    dark_, light_, behind_, before_ = (torch.from_numpy(slopes).atan_() for slopes in (dark, light, behind, before))
    return dark_.sub_(FAR_SOFT), light_.add_(FAR_SOFT), behind_, before_


def _passes_behind(around: Horizons, soft: torch.Tensor) -> bool:
    """Whether there is a thing far in front of some point, behind which light of half width `soft` may pass.

    Without one, `behind` is above `before` by half a turn, and no light is between them.
    """
    return bool((around.behind - around.before).amin() < 2.1 * soft.amax())


def _reached(
    around: Horizons, elevation: torch.Tensor | float, slope: torch.Tensor, soft: torch.Tensor, passes: bool = True
) -> torch.Tensor:
    """The share of a light of half width `soft` that arrives over the horizons, 0 to 1; all arrays have one shape.

    `passes` is whether there are things that the light may pass behind (`_passes_behind`).

    The cosine already contains what a surface hides from itself, so a horizon counts only as far as it is above `slope`.
    """
    over = (around.light - slope).clamp_min_(0).add_(around.light)
    edge = torch.minimum(around.light + soft, over)
    low = torch.minimum(around.dark - soft, edge - 1e-3)
    free = _smoothstep((elevation - low).div_(edge.sub_(low)))
    if not passes:
        return free
    between = _smoothstep((elevation - around.behind).div_(soft).div_(2).add_(0.5))
    between.mul_(_smoothstep((around.before - elevation).div_(soft).div_(2).add_(0.5)))
    return free.mul_(1 - between)


def _smoothstep(t: torch.Tensor) -> torch.Tensor:
    """The smooth step of `t`, which is overwritten."""
    t.clamp_(0, 1)
    return (3 - 2 * t).mul_(t.square_())


def _march(reach: int, angle: float) -> list[tuple[int, int]]:
    """Whole-pixel offsets (right, up) along an azimuth, each once, at increasing distances."""
    offsets: list[tuple[int, int]] = []
    step = 1.0
    while step < reach:
        offset = (round(math.cos(angle) * step), round(math.sin(angle) * step))
        if offset not in offsets:
            offsets.append(offset)
        step = max(step + 1, step * GROWTH)
    return offsets


def _content(directions: torch.Tensor, energy: torch.Tensor) -> bytes:
    return hashlib.sha256(directions.numpy().tobytes() + energy.numpy().tobytes()).digest()


@cached(LRUCache(KEPT_LIGHTS), key=_content, lock=threading.Lock())
def _on_cells(directions: torch.Tensor, energy: torch.Tensor) -> torch.Tensor:
    """Lights' energy spread to the fixed directions, (B, 3, CELLS); the total is kept. Once for a light that stays."""
    near = torch.softmax(SHARPNESS * (directions @ _cells(str(energy.device)).towards.T), dim=-1)  # B, N, CELLS
    return energy.transpose(1, 2) @ near


class _Cells(NamedTuple):
    """The fixed directions: `towards` (CELLS, 3) unit, `omega` (1, CELLS) solid angles, the azimuth before each (`left`) and how
    far beyond it they lie (`mixed`), `elevation` over the picture's plane in radians, and unit `azimuth` (CELLS, 2)."""

    towards: torch.Tensor
    omega: torch.Tensor
    left: torch.Tensor
    mixed: torch.Tensor
    elevation: torch.Tensor
    azimuth: torch.Tensor


@lru_cache(maxsize=2)
def _cells(device: str) -> _Cells:
    d = torch.from_numpy(octahedral_directions(GRID)).reshape(-1, 3)
    flat = d / d.abs().sum(1, keepdim=True)
    omega = flat.norm(dim=1)[None] ** -3  # solid angle of a cell of the unfolded octahedron, from its centre
    omega = omega * 4 * math.pi / omega.sum()
    turn = (torch.atan2(d[:, 1], d[:, 0]) % (2 * math.pi)) / (2 * math.pi) * AZIMUTHS
    across = torch.hypot(d[:, 0], d[:, 1]).clamp_min(1e-6)
    left, elevation = turn.floor().long() % AZIMUTHS, torch.atan2(d[:, 2], across)
    made = (d, omega, left, turn - turn.floor(), elevation, d[:, :2] / across[:, None])
    return _Cells(*(x.to(device) for x in made))
