"""Surfaces as lobes: the shares of reflected light that are matte, and glossy at each of three roughnesses.

If the shares are known, the effect of two lights on a surface is computed (`over_matte`). Under a known light, the plate
gives evidence of a surface's lobe (`evidence`): dividing by the light of the right lobe leaves the smoothest picture.
"""

from __future__ import annotations

import torch
from torch.nn.functional import pad

from ...light.environment import AP1_LUMINANCE
from ...light.reflection import ROUGHNESSES

LOBES = 1 + len(ROUGHNESSES)  # matte, and glossy at each roughness
WINDOWS = (1 / 14, 1 / 5)  # shares of the picture's longer side: about a detail of an object, and most of an object
EVIDENCE_CHANNELS = LOBES * len(WINDOWS)
GRAIN = 0.01  # variance of log light that noise and texture alone have


def over_matte(target: torch.Tensor, source: torch.Tensor, known: torch.Tensor, lobes: torch.Tensor) -> torch.Tensor:
    """The log gain (B, 3, h, w) to add to the matte analytic gain where surfaces are not matte.

    A surface with several lobes shows the sum of the light of each, independent of its colour (the split sum of
    `light.reflection`, without Fresnel). Where the surface is all matte, the result is 0.

    Args:
        target, source: the light that each lobe receives, (B, 3 LOBES, h, w) logs, matte first.
        known: (B,), 0 where the source is not known.
        lobes: (B, LOBES, h, w) logs of shares that sum to 1.
    """
    return _over_matte(target, lobes) - known[:, None, None, None] * _over_matte(source, lobes)


def _over_matte(light: torch.Tensor, lobes: torch.Tensor) -> torch.Tensor:
    each = light.unflatten(1, (LOBES, 3))
    return torch.logsumexp(each + lobes[:, :, None], dim=1) - each[:, 0]


def evidence(plate: torch.Tensor, source: torch.Tensor, matte: torch.Tensor) -> torch.Tensor:
    """Evidence for each lobe, (B, EVIDENCE_CHANNELS, h, w), by window.

    First the log of the local variance of the plate's log luminance after the matte light is removed, then the difference of
    that log for each other lobe.

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
    """The variance in a square window around each pixel, weighted, (B, C, h, w)."""
    mass = _box(weight, side).clamp_min(1e-4)
    mean = _box(values * weight, side) / mass
    return (_box(values**2 * weight, side) / mass - mean**2).clamp_min(0)


def _box(planes: torch.Tensor, side: int) -> torch.Tensor:
    """The mean of a square window, with zeros beyond the picture."""
    return _run(_run(planes, side).transpose(2, 3), side).transpose(2, 3)


def _run(planes: torch.Tensor, side: int) -> torch.Tensor:
    """The mean of `side` values along the last axis: computed as differences of cumulative sums."""
    summed = pad(planes, (side // 2 + 1, side // 2)).cumsum(-1)
    return (summed[..., side:] - summed[..., :-side]) / side
