"""Temporal layers: attention over the frames of a window, laid into the denoiser while its spatial layers stay as they are.

After RelightVid (Fang et al. 2025) and AnimateDiff (Guo et al. 2024): behind the last layer of a block every pixel attends
to itself in the other frames, and what comes of it is added. The last projection starts at zero, so untrained layers change
nothing. Frames are the batch of the denoiser, so it runs as it does on stills; the layers are hung into it by forward hooks
for the length of a call and follow whatever its U-Net is made of. diffusers' `UNetMotionModel` could not stand in for that
U-Net: in 0.42 it takes no class embedding, no 1 x 1 first convolution and no scale-shift time embedding.

Norms are taken frame by frame, not over the clip, so frames that are not there can be masked. A frame that is alone in its
window keeps the spatial layers' numbers exactly. Floor 2.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import torch
from diffusers.models.attention import BasicTransformerBlock
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import nn

ABSENT = -1e4  # added to the attention's logits for a frame that is not there


@dataclass(frozen=True)
class MotionArchitecture:
    """Sizes of the temporal layers; kept with their weights. `length` is how many frames a window has."""

    length: int = 8
    heads: int = 4
    widening: int = 2  # of the feed-forward layer

    def as_dict(self) -> dict:
        """For a card in JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict) -> MotionArchitecture:
        """The inverse of `as_dict`."""
        return cls(**values)


class TemporalLayer(nn.Module):
    """One transformer block over the frames of each pixel, with sinusoidal positions."""

    def __init__(self, channels: int, a: MotionArchitecture) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(16, channels, eps=1e-6)
        self.into = nn.Linear(channels, channels)
        self.block = BasicTransformerBlock(
            channels,
            a.heads,
            channels // a.heads,
            double_self_attention=True,
            positional_embeddings="sinusoidal",
            num_positional_embeddings=a.length,
            ff_inner_dim=a.widening * channels,
        )
        self.out = nn.Linear(channels, channels)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: torch.Tensor, present: torch.Tensor) -> torch.Tensor:
        """The frames, (B F, C, h, w), each told of the others; `present` is (B, F), 1 where a frame is there."""
        clips, frames = present.shape
        _, channels, height, width = x.shape
        pixels = height * width
        y = self.norm(x).view(clips, frames, channels, pixels).permute(0, 3, 1, 2)  # B, pixel, F, C
        mask = ((1 - present) * ABSENT).to(x.dtype)[:, None, None].expand(-1, pixels, 1, -1).flatten(0, 1)
        y = self.into(y.flatten(0, 1))
        y = self.out(self.block(y, attention_mask=mask, encoder_attention_mask=mask))
        y = y.view(clips, pixels, frames, channels).permute(0, 2, 3, 1).reshape(x.shape)
        alone = (present.sum(1) < 2).repeat_interleave(frames)[:, None, None, None]
        # In units of the features: their size differs by a factor of forty from block to block.
        size = x.float().square().mean((1, 2, 3), keepdim=True).sqrt().to(x.dtype)
        return torch.where(alone, x, x + size * y)


class Motion(nn.Module):
    """All temporal layers of a denoiser's U-Net: behind its lowest block on the way down, its middle and the way up.

    The upper blocks on the way down have none: at their size a pixel is not the same thing from frame to frame.
    """

    def __init__(self, unet: UNet2DConditionModel, a: MotionArchitecture) -> None:
        super().__init__()
        self.architecture = a
        self.layers = nn.ModuleDict({name: TemporalLayer(width, a) for name, (_, width) in taps(unet).items()})

    @contextmanager
    def over(self, unet: UNet2DConditionModel, present: torch.Tensor) -> Iterator[None]:
        """Within this, `unet` takes its batch for the frames of clips, one clip after the other.

        Args:
            unet: of a denoiser whose sizes these layers were made for; no other call of it may run meanwhile.
            present: (B, F) float, 1 where a frame is there. What stands for the others has no say.
        """
        hooks = [
            place.register_forward_hook(partial(self._mix, name, present)) for name, (place, _) in taps(unet).items()
        ]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def _mix(self, name: str, present: torch.Tensor, module: nn.Module, given: Any, answer: Any) -> Any:
        if isinstance(answer, tuple):  # diffusers' spatial transformers answer with one
            return (self.layers[name](answer[0], present), *answer[1:])
        return self.layers[name](answer, present)


def taps(unet: UNet2DConditionModel) -> dict[str, tuple[nn.Module, int]]:
    """By name the modules of a U-Net behind which temporal layers come, and how many channels they answer with."""
    blocks: dict[str, Any] = {"down": unet.down_blocks[-1], "mid": unet.mid_block}
    blocks |= {f"up{i}": block for i, block in enumerate(unet.up_blocks)}
    found = {}
    for name, block in blocks.items():
        # The middle ends with a residual layer, other blocks with attention where they have it.
        attends = name != "mid" and getattr(block, "attentions", None)
        found[name] = (block.attentions[-1] if attends else block.resnets[-1], block.resnets[-1].out_channels)
    return found
