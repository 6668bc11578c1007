"""The light network: the light that a plate was shot under, from the picture, its matte and its seen shape.

Each pixel gives features, from a few convolutions; every direction of a set about the subject collects those of the pixels that
face it; attention lets the directions look at each other; and each answers how much light comes from it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import nn
from torch.nn.functional import relu, softplus

from ...light.environment import AP1_LUMINANCE
from ...light.source_fit import LOBE_ROWS, SHARPNESS, lobe_directions
from ...pictures.curves import decode_log_tensor
from .shape_network import EDGE, Mixing

SIZE = 32  # px, longer side of the pictures
DARKEST = 1e-3  # luminance in the proxy's exposure, where middle grey is 0.18
INPUTS = 10  # of `planes_of`


@dataclass(frozen=True)
class LightArchitecture:
    """Sizes of the network; stored with the weights. `channels` of a pixel, `width` of a direction, `blocks` of attention."""

    channels: int = 24
    width: int = 64
    blocks: int = 3
    heads: int = 4

    def as_dict(self) -> dict[str, Any]:
        """The sizes as a dictionary for JSON."""
        return asdict(self)


class LightNetwork(nn.Module):
    """See the module."""

    directions: torch.Tensor  # (N, 3) of the lobes

    def __init__(self, architecture: LightArchitecture = LightArchitecture()) -> None:
        super().__init__()
        self.architecture = architecture
        channels, width = architecture.channels, architecture.width
        self.first = nn.Conv2d(INPUTS, channels, 3, padding=1)
        self.pixels = nn.ModuleList(nn.Conv2d(channels, channels, 3, padding=d, dilation=d) for d in (1, 2, 4))
        self.told = nn.Conv2d(channels, channels, 1)
        self.trust = nn.Conv2d(channels, 1, 1)
        self.collect = nn.Linear(2 * channels + 3 + 3, width)
        self.mixing = nn.ModuleList(Mixing(width, architecture.heads) for _ in range(architecture.blocks))
        self.last = nn.LayerNorm(width)
        self.out = nn.Linear(width, 1)
        self.register_buffer("directions", torch.from_numpy(lobe_directions(LOBE_ROWS)).float(), persistent=False)

    def forward(self, planes: torch.Tensor, normals: torch.Tensor, matte: torch.Tensor) -> torch.Tensor:
        """The light of pictures of one size: amounts (B, N) of the lobes of `source_fit`, above 0, with mean 1.

        Args:
            planes: (B, INPUTS, h, w) of `planes_of`. normals: (B, 3, h, w) unit, camera space. matte: (B, 1, h, w), 0 to 1.
        """
        x = relu(self.first(planes))
        for layer in self.pixels:
            x = x + relu(layer(x))
        # Every direction's mean over the pixels that face it, by their matte and by how far the network trusts them.
        mass = matte.flatten(2)  # B, 1, P
        told = self.told(x).flatten(2)  # B, C, P
        trusted = mass * self.trust(x).flatten(2).sigmoid()
        near = torch.exp(SHARPNESS * (self.directions @ normals.flatten(2) - 1))  # B, N, P
        collected = _mean(near * trusted, told)
        whole = _mean(trusted, told).expand_as(collected)
        count = torch.cat([(near * m).mean(2, keepdim=True).add(1e-5).log() / 4 for m in (mass, trusted)], 2)
        crowd = torch.cat([count, mass.mean(2, keepdim=True).expand(-1, count.shape[1], -1)], 2)
        where = self.directions.expand(len(told), -1, -1)
        x = self.collect(torch.cat([collected, whole, crowd, where], 2))  # B, N, width
        x = x.transpose(1, 2)[..., None]  # B, width, N, 1
        for block in self.mixing:
            x = block(x)
        amounts = softplus(self.out(self.last(x[..., 0].transpose(1, 2)))[..., 0]) + 1e-4
        return amounts / amounts.mean(1, keepdim=True)


def planes_of(
    code: torch.Tensor, matte: torch.Tensor, normals: torch.Tensor, log_albedo: torch.Tensor, doubt: torch.Tensor
) -> torch.Tensor:
    """What the network is given of pictures, (B, INPUTS, h, w); all in ACEScg.

    Args:
        code: (B, 3, h, w) of `curves.encode_log`. matte: (B, 1, h, w), 0 to 1. normals: (B, 3, h, w) unit.
        log_albedo: (B, 3, h, w) natural logs. doubt: (B, 1, h, w) radians, 0 where the normals are given.
    """
    weights = code.new_tensor(AP1_LUMINANCE)[:, None, None]
    light = decode_log_tensor(code)
    luminance = (light * weights).sum(1, keepdim=True).clamp_min(DARKEST).log()
    chroma = (light[:, (0, 2)].clamp_min(DARKEST).log() - luminance).clamp(-2, 2)
    albedo = (log_albedo.exp() * weights).sum(1, keepdim=True).clamp_min(0.01).log()
    mass = matte.sum((2, 3), keepdim=True).clamp_min(1e-3)
    level, grey = ((plane * matte).sum((2, 3), keepdim=True) / mass for plane in (luminance, albedo))
    shading = luminance - level - albedo + grey
    seen = torch.cat([luminance - level, shading, chroma, albedo - grey, normals, doubt], 1) * (matte > EDGE)
    return torch.cat([seen, matte], 1)


def _mean(weights: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    """Weighted means of values (B, C, P) for weights (B, N, P), (B, N, C); 0 where nothing weighs anything."""
    return weights @ values.transpose(1, 2) / weights.sum(2, keepdim=True).clamp_min(1e-3)
