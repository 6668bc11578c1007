"""Environment tokens: a light as a few vectors for the denoiser's cross-attention.

After RelightVid (Fang et al. 2025): a small perceptron gets a low-dynamic-range and a logarithmic picture of the map. Here
both are made from the octahedral map in camera space (`conditions.light_map`). The log keeps the absolute intensity of a sun,
and turning the map turns the tokens' input.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import nn

from .conditions import MAP_SIZE

LOG_RANGE = 5.0  # natural logs are divided by this, to be about 1


class HdrEncoder(nn.Module):
    """Five linear layers from a (B, 3, 16, 16) map of logs to (B, tokens, width); learned tokens where no map is known."""

    def __init__(self, tokens: int, width: int, hidden: int) -> None:
        super().__init__()
        self.tokens, self.width = tokens, width
        sizes = [6 * MAP_SIZE * MAP_SIZE, hidden, hidden, hidden, hidden]
        layers: list[nn.Module] = []
        for before, after in pairwise(sizes):
            layers += [nn.Linear(before, after), nn.SiLU()]
        self.layers = nn.Sequential(*layers, nn.Linear(hidden, tokens * width))
        self.unknown = nn.Parameter(torch.zeros(tokens, width))

    def forward(self, light_map: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
        """Tokens of B maps; `known` is (B,), 0 where the learned tokens are used."""
        both = torch.cat([torch.sigmoid(light_map), light_map / LOG_RANGE], dim=1)  # x / (1 + x) is sigmoid(log x)
        made = self.layers(both.flatten(1)).view(-1, self.tokens, self.width)
        return torch.where(known[:, None, None] > 0, made, self.unknown)
