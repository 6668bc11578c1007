"""Relief: the height of each point of a subject toward the viewer, consistent with its normals.

Normals give the slope of a surface, so inside a matte they are integrated to a height (least squares, Horn & Brooks 1986; solved
by conjugate gradients that are preconditioned by the cosine-transform solver of Simchony, Chellappa & Shao 1990). Normals do not
give the distance between one thing and another behind it; that comes from a given relief. The given relief pulls weakly on the
heights everywhere, and where it has a step far larger than the normals explain, the step is kept.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import torch
from torch.nn.functional import adaptive_avg_pool2d, interpolate, normalize, pad

from .depth_fit import NOISY, QUIET

LONGEST = 160  # px, longer side at which relief and broad light are computed
STEEPEST = 0.2  # least z of a normal: slopes beyond 78 degrees are outlines, not surface
LOOSE = 1e-3  # weight of slopes outside the matte, which connects its parts
HELD = 8.0  # its square over the squared longer side is the pull of a given relief, which sets forms of about a third of it
STEP = 0.03  # share of the longer side; a given relief that rises by more per pixel, beyond the slope, has an edge
ITERATIONS = 40

Solve = Callable[[torch.Tensor], torch.Tensor]


def relief_of(normals: torch.Tensor, matte: torch.Tensor, relief: torch.Tensor | None = None) -> torch.Tensor:
    """Heights toward the viewer in pixels, (B, h, w), of a shape at any size, computed at `LONGEST` px (see `heights`).

    Args:
        normals: (B, 3, h, w) unit, camera space. matte: (B, 1, h, w), 0 to 1.
        relief: (B, 1, h, w) heights in units of the picture's longer side, or None.
    """
    height, width = matte.shape[-2:]
    size = smaller_size(height, width)
    coarse = adaptive_avg_pool2d(matte, size)
    given = None if relief is None else smaller(relief, matte, size) * max(size)
    found = heights(normalize(smaller(normals, matte, size), dim=1), coarse, given)
    return larger(found[:, None], coarse, (height, width))[:, 0] * (max(height, width) / max(size))


def seen_along(normals: torch.Tensor, rays: torch.Tensor) -> torch.Tensor:
    """Normals whose slopes are those of projective heights (`depth_fit.Fit.heights`).

    Args:
        normals: (B, 3, h, w) unit, camera space. rays: (B, 3, h, w) unit, from the eye outward.
    """
    plane = rays / -rays[:, 2:]  # on the plane z = -1 before the eye
    return normalize(torch.cat([normals[:, :2], -(plane * normals).sum(1, keepdim=True)], 1), dim=1)


def held_to_normals(
    heights: torch.Tensor, noise: float, normals: torch.Tensor, rays: torch.Tensor, matte: torch.Tensor
) -> torch.Tensor:
    """Heights of a depth, (B, h, w) in pixels, smoothed by the normals as far as the depth is noisy (`depth_fit.Fit.noise`)."""
    share = min(max((noise - QUIET) / (NOISY - QUIET), 0.0), 1.0)
    if share == 0:
        return heights
    longer = max(heights.shape[-2:])
    held = relief_of(seen_along(normals, rays), matte, heights[:, None] / longer)
    return torch.lerp(heights, held, share)


def smaller_size(height: int, width: int) -> tuple[int, int]:
    """The size at which a picture is traced: the longer side is at most `LONGEST` px."""
    small = min(1.0, LONGEST / max(height, width))
    return max(1, round(height * small)), max(1, round(width * small))


def smaller(planes: torch.Tensor, matte: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """Planes (B, C, h, w) at a smaller size, averaged with the matte (B, 1, h, w) as weight."""
    weight = matte + 1e-4
    return adaptive_avg_pool2d(planes * weight, size) / adaptive_avg_pool2d(weight, size)


def larger(planes: torch.Tensor, matte: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """Planes of a smaller picture enlarged to `size`, with values inside its matte carried across the edge."""
    weight = matte + 1e-4
    wide = interpolate(torch.cat([planes * weight, weight], 1), size, mode="bilinear", align_corners=False)
    return wide[:, :-1] / wide[:, -1:]


def heights(normals: torch.Tensor, weight: torch.Tensor, relief: torch.Tensor | None = None) -> torch.Tensor:
    """Heights toward the viewer in pixels, (B, h, w): the surface whose slopes are nearest to those of the normals.

    The heights are free up to a constant for each frame, unless a relief is given.

    Args:
        normals: (B, 3, h, w) unit, camera space: X right, Y up, Z to the viewer.
        weight: (B, 1, h, w), 0 to 1, the weight of each slope: the matte.
        relief: (B, 1, h, w) heights toward the viewer in pixels of this picture, or None where they are not known.
    """
    z = normals[:, 2].clamp_min(STEEPEST)
    right, down = -normals[:, 0] / z, normals[:, 1] / z
    w = weight[:, 0] * normals[:, 2].clamp(STEEPEST, 1) + LOOSE
    across, along = torch.minimum(w[:, :, 1:], w[:, :, :-1]), torch.minimum(w[:, 1:], w[:, :-1])
    slope_x, slope_y = (right[:, :, 1:] + right[:, :, :-1]) / 2, (down[:, 1:] + down[:, :-1]) / 2
    height, width = weight.shape[-2:]
    pull = 0.0 if relief is None else (HELD / max(height, width)) ** 2
    held = weight[:, 0] * pull
    if relief is not None:
        longer = max(height, width)
        slope_x = _with_steps(slope_x, relief[:, 0].diff(dim=2), STEP * longer)
        slope_y = _with_steps(slope_y, relief[:, 0].diff(dim=1), STEP * longer)

    wanted = _divergence(slope_x * across, slope_y * along)
    if relief is not None:
        wanted = wanted + held * relief[:, 0]
    return _conjugate_gradients(
        lambda f: _divergence(f.diff(dim=2) * across, f.diff(dim=1) * along) + held * f,
        wanted,
        _poisson(height, width, pull, weight.device),
    )


def _with_steps(slope: torch.Tensor, rise: torch.Tensor, step: float) -> torch.Tensor:
    """The slopes of normals, replaced by the rise of a given relief where it has a step."""
    return torch.where((rise - slope).abs() > step, rise, slope)


def _divergence(across: torch.Tensor, along: torch.Tensor) -> torch.Tensor:
    return pad(across, (1, 0)) - pad(across, (0, 1)) + pad(along, (0, 0, 1, 0)) - pad(along, (0, 0, 0, 1))


def _poisson(height: int, width: int, held: float, device: torch.device) -> Solve:
    """The inverse of the problem with weights of 1 and a constant pull, by cosine transforms."""
    rows, columns = _cosines(height, str(device)), _cosines(width, str(device))
    squared = [2 - 2 * torch.cos(math.pi * torch.arange(n, device=device) / n) for n in (height, width)]
    scale = squared[0][:, None] + squared[1] + held
    if not held:
        scale[0, 0] = 1.0
    return lambda f: rows.T @ ((rows @ f @ columns.T) / scale) @ columns


@lru_cache(maxsize=8)
def _cosines(size: int, device: str) -> torch.Tensor:
    k, n = torch.arange(size)[:, None], torch.arange(size)[None]
    table = torch.cos(math.pi * (n + 0.5) * k / size) * math.sqrt(2 / size)
    table[0] /= math.sqrt(2)
    return table.to(device)


def _conjugate_gradients(apply: Solve, wanted: torch.Tensor, precondition: Solve) -> torch.Tensor:
    """Solve with a fixed number of steps, so that a frame alone and a frame in a batch give the same result."""
    found = torch.zeros_like(wanted)
    left = wanted
    turned = precondition(left)
    ahead, size = turned, _dot(left, turned)
    for _ in range(ITERATIONS):
        pushed = apply(ahead)
        length = size / (_dot(ahead, pushed) + 1e-9)
        found, left = found + length * ahead, left - length * pushed
        turned = precondition(left)
        before, size = size, _dot(left, turned)
        ahead = turned + size / (before + 1e-9) * ahead
    return found


def _dot(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return (a * b).sum((1, 2), keepdim=True)
