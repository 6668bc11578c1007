"""Relamp's own network of shape: normals, relief and albedo of a subject from one picture of it, and how far to trust them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from torch import nn

from ...relighter import weights

SHIPPED = weights.SHIPPED


class Shape(NamedTuple):
    normals: torch.Tensor
    relief: torch.Tensor
    log_albedo: torch.Tensor
    doubt: torch.Tensor


class StandIn(nn.Module):
    """TEMPORARY: the intrinsic net of the first weights as a shape network, until the shape network's weights come."""

    def __init__(self, intrinsic: nn.Module) -> None:
        super().__init__()
        self.intrinsic = intrinsic

    def forward(self, code: torch.Tensor, matte: torch.Tensor) -> Shape:
        seen = self.intrinsic(code, matte)
        return Shape(seen.normals, torch.zeros_like(matte), seen.log_albedo, torch.full_like(matte, 0.35))


@dataclass(frozen=True)
class LoadedShape:
    """A network ready to see, the SHA-256 of its file in hex, and the card from its header."""

    network: nn.Module
    digest: str
    card: dict


def load(path: Path = SHIPPED, device: str = "cpu") -> LoadedShape:
    found = weights.load(path, device)
    return LoadedShape(StandIn(found.network.intrinsic), found.digest, found.card)
