"""The parts network: which pixels of a subject are skin, hair, cloth or something else.

It reads the features that the frozen shape network has already found, so that it costs next to nothing: what a surface is made
of must be known before its shape and its albedo can be told apart.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import nn
from torch.nn.functional import interpolate, relu

from ..seen import PARTS
from .shape_network import FOLD, Features, ShapeArchitecture

CHANNELS = ShapeArchitecture().channels


@dataclass(frozen=True)
class PartsArchitecture:
    """Sizes of the network; stored with the weights. `channels` are those of the shape network's features, finest first."""

    channels: tuple[int, ...] = CHANNELS
    width: int = 64
    last: int = 32

    def as_dict(self) -> dict[str, Any]:
        """The sizes as a dictionary for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> PartsArchitecture:
        """The inverse of `as_dict`."""
        return cls(**{**values, "channels": tuple(values["channels"])})  # JSON has no tuples


class PartsNetwork(nn.Module):
    """See the module. A network on each point: features of every scale there, two layers, a score a part."""

    def __init__(self, architecture: PartsArchitecture = PartsArchitecture()) -> None:
        super().__init__()
        self.architecture = architecture
        self.norms = nn.ModuleList(nn.BatchNorm2d(c, affine=False, momentum=0.01) for c in architecture.channels)
        self.scales = nn.ModuleList(nn.Conv2d(c, architecture.width, 1) for c in architecture.channels)
        self.middle = nn.Conv2d(architecture.width, architecture.last, 1)
        self.out = nn.Conv2d(architecture.last, len(PARTS) + 1, 1)

    def forward(self, features: tuple[torch.Tensor, ...]) -> torch.Tensor:
        """Scores (B, 4, h, w), of `PARTS` and of something else, at the size of the finest features.

        Args:
            features: `shape_network.Features.scales`, (B, C, h', w') each, the finest first.
        """
        size = features[0].shape[-2:]
        # The first layer is linear, so each scale goes through its part of it before it is enlarged, which costs less.
        told = [layer(norm(x)) for layer, norm, x in zip(self.scales, self.norms, features, strict=True)]
        x = sum((_enlarged(plane, size) for plane in told[1:]), told[0])
        return self.out(relu(self.middle(relu(x))))

    def shares(self, features: Features) -> torch.Tensor:
        """The shares of `PARTS` in each pixel of the picture whose features these are, (B, 3, h, w), 0 to 1."""
        found = self(features.scales).softmax(1)[:, : len(PARTS)].float()
        height, width = found.shape[-2:]
        return features.cropped(_enlarged(found, torch.Size((FOLD * height, FOLD * width))))


def _enlarged(planes: torch.Tensor, size: torch.Size) -> torch.Tensor:
    return interpolate(planes, size=size, mode="bilinear", align_corners=False)
