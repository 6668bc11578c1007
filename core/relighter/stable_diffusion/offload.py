"""The device that networks are on while they run: their device all the time, or one network at a time (model offload)."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import nn

N = TypeVar("N", bound=nn.Module)


class Home:
    """A device and a precision for networks. With `offload`, only the network that was used last is on the device."""

    def __init__(self, device: str = "cpu", dtype: torch.dtype = torch.float32, offload: bool = False) -> None:
        self.device, self.dtype = torch.device(device), dtype
        self._offload = offload and self.device.type != "cpu"
        self._inside: nn.Module | None = None

    def take(self, network: N) -> N:
        """Convert a network to this home's precision; returns it."""
        device = None if self._offload else self.device
        # torch's own: diffusers' complains about modules it would keep in float32, even where it keeps none.
        nn.Module.to(network, device, self.dtype)
        network.eval().requires_grad_(False)
        return network

    def __call__(self, network: N) -> N:
        """Move the network to the device, if it is not there, and return it."""
        if self._offload and network is not self._inside:
            if self._inside is not None:
                self._inside.to("cpu")
            self._inside = network.to(self.device)
        return network


def anywhere(network: N) -> N:
    """The network on the device that it is on now."""
    return network
