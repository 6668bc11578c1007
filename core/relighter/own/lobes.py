"""Surfaces as lobes: how much of what they give back is matte and how much mirrors, at each of three roughnesses.

With shares of the lobes known, what two lights do to a surface is worked out (`over_matte`). Under a known light the plate
itself tells which lobe a surface has (`evidence`): the one that leaves the smoothest picture when its light is taken off.
"""

from __future__ import annotations

import torch
from torch.nn.functional import pad

from ...light.environment import AP1_LUMINANCE
from ...light.reflection import ROUGHNESSES

LOBES = 1 + len(ROUGHNESSES)  # matte, and mirroring at each roughness
WINDOWS = (1 / 14, 1 / 5)  # of the picture's longer side: a detail of an object, and most of one
EVIDENCE_CHANNELS = LOBES * len(WINDOWS)
GRAIN = 0.01  # variance of log light that noise and texture have anyway


def over_matte(target: torch.Tensor, source: torch.Tensor, known: torch.Tensor, lobes: torch.Tensor) -> torch.Tensor:
    """What is to add to the matte hint where surfaces are not matte, (B, 3, h, w) log gain.

    A surface that reflects by several lobes shows the sum of what each receives, whatever its colour (the split sum of
    `light.reflection`, without Fresnel); all matte, nothing is added.

    Args:
        target, source: what each lobe receives of the lights, (B, 3 LOBES, h, w) logs, matte first.
        known: (B,), 0 where nothing is known of the source.
        lobes: (B, LOBES, h, w) logs of shares that sum to 1.
    """
    return _over_matte(target, lobes) - known[:, None, None, None] * _over_matte(source, lobes)


def _over_matte(light: torch.Tensor, lobes: torch.Tensor) -> torch.Tensor:
    each = light.unflatten(1, (LOBES, 3))
    return torch.logsumexp(each + lobes[:, :, None], dim=1) - each[:, 0]


def evidence(plate: torch.Tensor, source: torch.Tensor, matte: torch.Tensor) -> torch.Tensor:
    """What speaks for each lobe, (B, EVIDENCE_CHANNELS, h, w), by window.

    First the log of the local variance that is left of the plate's log luminance without its matte light, then how much
    smaller or larger it is for the other lobes.

    Args:
        plate: (B, 3, h, w) anchored scene-linear light.
        source: as in `over_matte`.
        matte: (B, 1, h, w).
    """
    weights = plate.new_tensor(AP1_LUMINANCE)[:, None, None]
    seen = (plate * weights).sum(1, keepdim=True).clamp_min(2e-3).log()
    received = (source.unflatten(1, (LOBES, 3)).exp() * weights).sum(2).log()
    planes = []
    for window in WINDOWS:
        side = int(window * max(plate.shape[-2:])) // 2 * 2 + 1
        left = (_variance(seen - received, matte, side) + GRAIN).log()
        planes += [left[:, :1], left[:, 1:] - left[:, :1]]
    return torch.cat(planes, dim=1)


def _variance(values: torch.Tensor, weight: torch.Tensor, side: int) -> torch.Tensor:
    """The variance in a square window around each pixel, under a weight, (B, C, h, w)."""
    mass = _box(weight, side).clamp_min(1e-4)
    mean = _box(values * weight, side) / mass
    return (_box(values**2 * weight, side) / mass - mean**2).clamp_min(0)


def _box(planes: torch.Tensor, side: int) -> torch.Tensor:
    """The mean of a square window, with zeros beyond the picture."""
    return _run(_run(planes, side).transpose(2, 3), side).transpose(2, 3)


def _run(planes: torch.Tensor, side: int) -> torch.Tensor:
    """The mean of `side` values along the last axis: differences of sums, whatever the length."""
    summed = pad(planes, (side // 2 + 1, side // 2)).cumsum(-1)
    return (summed[..., side:] - summed[..., :-side]) / side
