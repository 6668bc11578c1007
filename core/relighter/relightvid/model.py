"""RelightVid: IC-Light fbc with motion modules between its layers, conditioned on a clip of the foreground and one of the
background.

Fang et al., RelightVid: Temporal-Consistent Diffusion Model for Video Relighting (2025), and the released code. The
released file holds the motion modules alone. The motion UNet of diffusers computes the same after its norms are exchanged:
the authors' resnets and last norm take mean and variance over the whole clip and their motion modules frame by frame, where
diffusers does the opposite. The result of a clip therefore depends on all its frames.

Weights and code are CC BY-NC-SA 4.0: not for commercial work.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import torch
from diffusers.models.resnet import ResnetBlock2D
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.models.unets.unet_motion_model import AnimateDiffTransformer3D, MotionAdapter, UNetMotionModel
from torch import nn
from torch.nn.functional import group_norm

from ...errors import InputError
from ..stable_diffusion.checkpoints import Tensors, load_into

PREFIX = "unet."
LONGEST = 32  # frames the temporal positions count
_RENAMED = (
    (".temporal_transformer", ""),
    (".norms.0", ".norm1"),
    (".norms.1", ".norm2"),
    (".ff_norm", ".norm3"),
    (".attention_blocks.0", ".attn1"),
    (".attention_blocks.1", ".attn2"),
)


def adapter_tensors(motion: Mapping[str, torch.Tensor], name: str) -> Tensors:
    """The tensors of the released file under the keys of diffusers' `MotionAdapter`.

    Positions are left out: the network computes its own, for longer clips.

    Raises:
        InputError: the keys are those of another file.
    """
    renamed: Tensors = {}
    for key, tensor in motion.items():
        if ".motion_modules." not in key:
            raise InputError(f"{name} has {key}, which is of no motion module; RelightVid's file holds nothing else")
        if name_here := adapter_key(key):
            renamed[name_here] = tensor
    if not renamed:
        raise InputError(f"{name} holds no motion modules, so it is not RelightVid's file")
    return renamed


def adapter_key(key: str) -> str | None:
    """A key of the released file under `MotionAdapter`'s names; None for positions."""
    if "pos_encoder" in key:
        return None
    key = key.removeprefix(PREFIX)
    for old, new in _RENAMED:
        key = key.replace(old, new)
    return key


def adapter_for(unet: UNet2DConditionModel) -> MotionAdapter:
    """Randomly initialised motion modules for a UNet's shape, as RelightVid has them: none in the middle, positions for
    32 frames.
    """
    config = unet.config
    return MotionAdapter(
        block_out_channels=tuple(config["block_out_channels"]),
        motion_layers_per_block=config["layers_per_block"],
        motion_norm_num_groups=config["norm_num_groups"],
        motion_max_seq_length=LONGEST,
        use_motion_mid_block=False,
    )


def motion_adapter(unet: UNet2DConditionModel, motion: Mapping[str, torch.Tensor], name: str) -> MotionAdapter:
    """The motion modules for this UNet's shape; raises `InputError` where the file does not fit."""
    adapter = adapter_for(unet)
    own = {key: value for key, value in adapter.state_dict().items() if key.endswith("pos_embed.pe")}
    load_into(adapter, adapter_tensors(motion, name) | own, name)
    return adapter


def relightvid_unet(unet: UNet2DConditionModel, motion: Mapping[str, torch.Tensor], name: str) -> UNetMotionModel:
    """RelightVid's network from a merged IC-Light fbc UNet and the released motion modules.

    It takes (B, 12, F, h, w) and one row of text for every frame, clip by clip: (B F, L, D).
    """
    if unet.config["in_channels"] != 12:
        raise InputError(
            f"RelightVid goes on IC-Light fbc, with 12 channels in; this UNet has {unet.config['in_channels']}"
        )
    network = motion_unet(unet, motion_adapter(unet, motion, name))
    normalise_as_published(network)
    return network


def motion_unet(unet: UNet2DConditionModel, adapter: MotionAdapter) -> UNetMotionModel:
    """A UNet with motion modules between its layers, in diffusers' arrangement."""
    loud = logging.getLogger("diffusers.models.modeling_utils")
    level = loud.level
    # diffusers warns about modules that it would keep in float32, even where it keeps none.
    loud.setLevel(logging.ERROR)
    try:
        network = UNetMotionModel.from_unet2d(unet, adapter)
    finally:
        loud.setLevel(level)
    assert isinstance(network, UNetMotionModel)
    return network.eval().requires_grad_(False)


class _Clip:
    """The number of frames of the clip that the network is computing."""

    frames = 1


class ClipNorm(nn.GroupNorm):
    """Group norm of (B F, C, H, W) with one mean and variance a clip and group, over (C / groups, F, H, W)."""

    def __init__(self, like: nn.GroupNorm, clip: _Clip) -> None:
        super().__init__(like.num_groups, like.num_channels, like.eps, device="meta")
        self.weight, self.bias = like.weight, like.bias
        self._clip = clip

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        clips = input.unflatten(0, (-1, self._clip.frames)).transpose(1, 2)  # (B, C, F, H, W)
        return super().forward(clips).transpose(1, 2).flatten(0, 1)


class FrameNorm(nn.GroupNorm):
    """Group norm of (B, C, F, H, W) with one mean and variance a frame and group, over (C / groups, H, W)."""

    def __init__(self, like: nn.GroupNorm) -> None:
        super().__init__(like.num_groups, like.num_channels, like.eps, device="meta")
        self.weight, self.bias = like.weight, like.bias

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        frames = input.transpose(1, 2)
        normed = group_norm(frames.flatten(0, 1), self.num_groups, self.weight, self.bias, self.eps)
        return normed.unflatten(0, frames.shape[:2]).transpose(1, 2)


def normalise_as_published(network: UNetMotionModel) -> None:
    """Exchange the norms of a motion UNet: resnets and the last norm over the clip, motion modules frame by frame."""
    clip = _Clip()
    for module in network.modules():
        if isinstance(module, ResnetBlock2D):
            module.norm1, module.norm2 = ClipNorm(module.norm1, clip), ClipNorm(module.norm2, clip)
        elif isinstance(module, AnimateDiffTransformer3D):
            module.norm = FrameNorm(module.norm)
    assert network.conv_norm_out is not None
    network.conv_norm_out = ClipNorm(network.conv_norm_out, clip)

    def count(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        clip.frames = (args[0] if args else kwargs["sample"]).shape[2]

    network.register_forward_pre_hook(count, with_kwargs=True)
