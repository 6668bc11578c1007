"""Relief: how far each point of a subject stands toward the viewer, held to its normals.

Normals say how a surface slopes, so inside a matte they add up to a height (least squares, Horn & Brooks 1986; solved by
conjugate gradients that are preconditioned by the cosine-transform solver of Simchony, Chellappa & Shao 1990). What normals
cannot tell, how far one thing stands in front of another, comes from a relief that is given: it pulls weakly on the
heights everywhere, and where it steps by far more than the normals explain, the step is kept. Floor 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import torch
from torch.nn.functional import pad

STEEPEST = 0.2  # least z of a normal: slopes beyond 78 degrees are outlines, not surface
LOOSE = 1e-3  # weight of slopes outside the matte, which keeps its parts together
HELD = 8.0  # squared, the pull of a given relief, over the squared longer side: it decides forms of about a third of the picture
STEP = 0.03  # of the longer side: a given relief that rises more than this from pixel to pixel, beyond the slope, is an edge
ITERATIONS = 40

Solve = Callable[[torch.Tensor], torch.Tensor]


def heights(normals: torch.Tensor, weight: torch.Tensor, relief: torch.Tensor | None = None) -> torch.Tensor:
    """Heights toward the viewer in pixels, (B, h, w): the surface whose slopes are nearest to those of the normals.

    The heights are free up to a constant for each frame, unless a relief is given.

    Args:
        normals: (B, 3, h, w) unit, camera space: X right, Y up, Z to the viewer.
        weight: (B, 1, h, w), 0 to 1, how much each slope counts: the matte.
        relief: (B, 1, h, w) heights toward the viewer in pixels of this picture, or None where nothing is known of them.
    """
    z = normals[:, 2].clamp_min(STEEPEST)
    right, down = -normals[:, 0] / z, normals[:, 1] / z
    w = weight[:, 0] * normals[:, 2].clamp(STEEPEST, 1) + LOOSE
    across, along = torch.minimum(w[:, :, 1:], w[:, :, :-1]), torch.minimum(w[:, 1:], w[:, :-1])
    slope_x, slope_y = (right[:, :, 1:] + right[:, :, :-1]) / 2, (down[:, 1:] + down[:, :-1]) / 2
    height, width = weight.shape[-2:]
    held = torch.zeros_like(w)
    if relief is not None:
        longer = max(height, width)
        slope_x = _with_steps(slope_x, relief[:, 0].diff(dim=2), STEP * longer)
        slope_y = _with_steps(slope_y, relief[:, 0].diff(dim=1), STEP * longer)
        held = weight[:, 0] * (HELD / longer) ** 2
    wanted = _divergence(slope_x * across, slope_y * along)
    if relief is not None:
        wanted = wanted + held * relief[:, 0]
    return _conjugate_gradients(
        lambda f: _divergence(f.diff(dim=2) * across, f.diff(dim=1) * along) + held * f,
        wanted,
        _poisson(height, width, float(held.mean()), weight.device),
    )


def _with_steps(slope: torch.Tensor, rise: torch.Tensor, step: float) -> torch.Tensor:
    """The slopes of normals, but the rise of a given relief where that steps."""
    return torch.where((rise - slope).abs() > step, rise, slope)


def _divergence(across: torch.Tensor, along: torch.Tensor) -> torch.Tensor:
    return pad(across, (1, 0)) - pad(across, (0, 1)) + pad(along, (0, 0, 1, 0)) - pad(along, (0, 0, 0, 1))


def _poisson(height: int, width: int, held: float, device: torch.device) -> Solve:
    """The inverse of the problem with weights of 1 and an even pull, by cosine transforms."""
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
    """A fixed number of steps, so that a frame alone and a frame in a batch come out alike."""
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
