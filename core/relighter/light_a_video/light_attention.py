"""Consistent Light Attention: self-attention of an image relighter that includes the mean light of the whole clip.

Zhou et al., Light-A-Video (2025), as the released code computes it: every frame keeps its query and attends once to its own
keys and values and once to their mean over the clip; the two results are mixed by γ. It applies to the two middle up blocks
of the network only. The light of a clip is averaged, so light that changes with time is reduced.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import torch
from diffusers.models.attention_processor import Attention, AttnProcessor
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch.nn.functional import scaled_dot_product_attention

BLOCKS = ("up_blocks.1.", "up_blocks.2.")


class LightAttention:
    """A processor for diffusers' attention layers.

    The batch holds `halves` runs of the same frames one after the other: [no prompt x F ; prompt x F] under guidance. Each
    has a mean of its own. `at_once` frames are attended to at a time, all when None; the mean is of the whole clip first,
    so the answer does not depend on it.
    """

    def __init__(self, gamma: float, halves: int = 2, at_once: int | None = None) -> None:
        self.gamma, self.halves, self.at_once = gamma, halves, at_once

    def __call__(
        self,
        attn: Attention,
        hidden_states: torch.Tensor,
        encoder_hidden_states: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        temb: torch.Tensor | None = None,
        **_: object,
    ) -> torch.Tensor:
        """(halves x F, N, C) to the same."""
        residual = hidden_states
        assert attn.to_k is not None
        assert attn.to_v is not None
        assert attn.to_out is not None
        q, k, v = (_by_head(project(hidden_states), attn.heads) for project in (attn.to_q, attn.to_k, attn.to_v))
        k_mean, v_mean = self._clip_mean(k), self._clip_mean(v)
        size = self.at_once or len(q)
        parts = [
            (1 - self.gamma) * scaled_dot_product_attention(q[at], k[at], v[at])
            + self.gamma * scaled_dot_product_attention(q[at], k_mean[at], v_mean[at])
            for at in (slice(i, i + size) for i in range(0, len(q), size))
        ]
        mixed = torch.cat(parts).transpose(1, 2).flatten(2)
        out = attn.to_out[1](attn.to_out[0](mixed))
        if attn.residual_connection:
            out = out + residual
        return out / attn.rescale_output_factor

    def _clip_mean(self, x: torch.Tensor) -> torch.Tensor:
        """The mean over the frames of each half, repeated for every frame: (B, heads, N, d)."""
        per_half = x.unflatten(0, (self.halves, -1))
        return per_half.mean(1, keepdim=True).expand_as(per_half).flatten(0, 1)


def light_layers(unet: UNet2DConditionModel) -> list[str]:
    """The names of the self-attention layers in `BLOCKS`, which share light."""
    return [
        name
        for name, module in unet.named_modules()
        if isinstance(module, Attention) and name.startswith(BLOCKS) and name.endswith(".attn1")
    ]


@contextmanager
def shared_light(unet: UNet2DConditionModel, gamma: float, *, at_once: int | None = None) -> Iterator[None]:
    """A context in which the network attends to the light of the whole batch of frames; see `LightAttention`.

    γ = 0 leaves the network as it is. Published: 0.5 with AnimateDiff, 0.7 with Wan and CogVideoX.
    """
    layers = [unet.get_submodule(name) for name in light_layers(unet)]
    attentions = [layer for layer in layers if isinstance(layer, Attention)]
    before = [layer.processor for layer in attentions]
    processor = LightAttention(gamma, at_once=at_once)
    try:
        for layer in attentions:
            layer.processor = cast(AttnProcessor, processor)
        yield
    finally:
        for layer, own in zip(attentions, before, strict=True):
            layer.processor = own


def _by_head(x: torch.Tensor, heads: int) -> torch.Tensor:
    """(B, N, heads d) to (B, heads, N, d)."""
    return x.unflatten(-1, (heads, -1)).transpose(1, 2)
