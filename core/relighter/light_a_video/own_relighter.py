"""Relamp's own network as Light-A-Video's image relighter: a clip at once, each frame told of the clip's light.

It states a change from the light of the plate, so it is asked of the plate and not of a clip that is half relit already;
its answer is therefore one for all steps of the fusion. Floor 2.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from ..own.backbone import changed, joined, softened
from ..own.conditions import Conditions
from ..own.denoiser import Network
from ..own.sampling import sample
from .light_attention import shared_light

BLOCKS = ("up_blocks.",)  # all its self-attention on the way up; the published run shares light there too


@torch.inference_mode()
def clip_gain(network: Network, seen: Sequence[Conditions], gamma: float, at_once: int | None = None) -> torch.Tensor:
    """The log gain of every frame, (F, 3, h, w), the network's mean answer, light shared over the clip by γ.

    Args:
        seen: one of B = 1 a frame, all of one size.
        at_once: frames attended to at a time; the light is the whole clip's all the same.
    """
    c = softened(joined(seen))
    told = network.told(c, network.see(c))
    # One step is the mean, whatever the noise.
    with shared_light(network.denoiser.unet, gamma, halves=1, at_once=at_once, blocks=BLOCKS):
        residual = sample(lambda guess, t: network.denoiser(told, guess, t), torch.zeros_like(told.hint), steps=1)
    return told.hint + residual * changed(told, c)
