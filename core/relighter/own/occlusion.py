"""Occlusion as input of the denoiser: heights integrated from the normals, and their horizons.

The horizons around every pixel (Max 1988, "Horizon mapping") are computed from heights (`shape.depth`), and from the horizons
the share of each light that reaches the pixel. This includes creases and cast shadows, which a look-up by normal does not. The
view is taken as parallel and the surface as continuous; errors where that is wrong are left to the network.
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch.nn.functional import adaptive_avg_pool2d, avg_pool2d, interpolate, normalize, pad

from ...light.octahedral import octahedral_directions
from ...shape.depth import heights

OCCLUSION_CHANNELS = 7  # target (3), source (3), sky (1)
LONGEST = 48  # px, longer side at which horizons are traced; enough for shadows of large forms
AZIMUTHS = 16
DIRECTIONS = 8  # side of the octahedral grid on which lights are sampled
GROWTH = 1.5  # factor from one step of a march to the next
SOFT = 0.15  # tangent over which a horizon goes from dark to light
DARK = 0.02  # share of a light's mean; least value of a light
FAR = -1e4  # height where there is no surface


@torch.no_grad()
def occlusion(
    normals: torch.Tensor, standing: torch.Tensor, target: torch.Tensor, source: torch.Tensor
) -> torch.Tensor:
    """The unhidden share of each light, (B, 7, h, w): logs for target and source, 0 to 1 for a white sky.

    Args:
        normals: (B, 3, h, w) unit, camera space: X right, Y up, Z to the viewer.
        standing: (B, 1, h, w), 0 to 1, where there is a surface with known normals.
        target, source: (B, 3, S, S) natural logs of light in camera space by octahedral direction.
    """
    height, width = standing.shape[-2:]
    small = min(1.0, LONGEST / max(height, width))
    size = (max(1, round(height * small)), max(1, round(width * small)))
    there = adaptive_avg_pool2d(standing.float(), size)
    facing = normalize(adaptive_avg_pool2d(normals.float() * standing, size) + 1e-6, dim=1)
    traced = horizons(heights(facing, there), there)
    shares = _shares(facing, traced, _coarse(target), _coarse(source))
    return interpolate(shares, (height, width), mode="bilinear", align_corners=False) * standing


def horizons(field: torch.Tensor, matte: torch.Tensor) -> torch.Tensor:
    """Tangents of the elevation that the surface reaches around each pixel, (B, AZIMUTHS, h, w); very low where it is free.

    Args:
        field: (B, h, w) heights in pixels. matte: (B, 1, h, w).
    """
    height, width = field.shape[-2:]
    reach = max(height, width)
    standing = pad(torch.where(matte[:, 0] > 0.5, field, field.new_tensor(FAR)), (reach,) * 4, value=FAR)
    found = []
    for k in range(AZIMUTHS):
        angle, highest = 2 * math.pi * k / AZIMUTHS, torch.full_like(field, -10.0)
        for step in _march(reach):
            x, y = reach + round(math.cos(angle) * step), reach - round(math.sin(angle) * step)
            there = standing[:, y : y + height, x : x + width]
            highest = torch.maximum(highest, (there - field) / step)
        found.append(highest)
    return torch.stack(found, dim=1)


def _march(reach: int) -> list[int]:
    steps = {round(GROWTH**k) for k in range(32)}
    return sorted(s for s in steps if s < reach)


def _coarse(light: torch.Tensor) -> torch.Tensor:
    """The light on fewer directions, which are enough for horizons as coarse as these."""
    return avg_pool2d(light.float().exp(), light.shape[-1] // DIRECTIONS)


def _shares(normals: torch.Tensor, traced: torch.Tensor, target: torch.Tensor, source: torch.Tensor) -> torch.Tensor:
    batch, _, height, width = normals.shape
    d, omega, left, mixed, tangent = _directions(target.shape[-1], str(normals.device))
    n = normals.flatten(2).transpose(1, 2)  # B, P, 3
    cosine = (n @ d.T).clamp_min(0) * omega  # B, P, D
    h = traced.flatten(2).transpose(1, 2)
    at = torch.lerp(h[..., left], h[..., (left + 1) % AZIMUTHS], mixed)
    seen = cosine * torch.sigmoid((tangent - at) / SOFT)
    lights = torch.cat([target.flatten(2), source.flatten(2)], dim=1).transpose(1, 2)  # B, D, 6
    floor = DARK * lights.mean(1, keepdim=True) * math.pi
    share = ((seen @ lights + floor) / (cosine @ lights + floor)).log()
    sky = seen.sum(-1, keepdim=True) / cosine.sum(-1, keepdim=True).clamp_min(1e-6)
    return torch.cat([share, sky], dim=-1).transpose(1, 2).reshape(batch, OCCLUSION_CHANNELS, height, width)


@lru_cache(maxsize=4)
def _directions(size: int, device: str) -> tuple[torch.Tensor, ...]:
    """For each octahedral cell: direction (D, 3), solid angle, lower azimuth index, interpolation weight, tangent."""
    d = torch.from_numpy(octahedral_directions(size)).reshape(-1, 3)
    flat = d / d.abs().sum(1, keepdim=True)
    omega = flat.norm(dim=1) ** -3  # solid angle of a cell of the unfolded octahedron, from its centre
    omega = omega * 4 * math.pi / omega.sum()
    turn = (torch.atan2(d[:, 1], d[:, 0]) % (2 * math.pi)) / (2 * math.pi) * AZIMUTHS
    left = turn.floor().long() % AZIMUTHS
    tangent = d[:, 2] / torch.hypot(d[:, 0], d[:, 1]).clamp_min(1e-3)
    return tuple(x.to(device) for x in (d, omega, left, turn - turn.floor(), tangent))
