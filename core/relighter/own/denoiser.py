"""The network: a small denoiser of the residual log gain, and the network that estimates normals and albedo.

Both are diffusers' U-Nets on pixels folded four by four into channels. A few layers at full size follow the denoiser, so
that the fold leaves no grid pattern.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import torch
from diffusers.models.unets.unet_2d import UNet2DModel
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import nn
from torch.nn.functional import conv2d, normalize, pad, pixel_shuffle, pixel_unshuffle

from ...pictures.curves import MIDDLE_GREY, STRETCH
from .conditions import FEATURE_CHANNELS, FLAGS, Conditions, Features, features
from .hdr_encoder import HdrEncoder
from .lobes import LOBES, over_matte

FOLD = 4
MULTIPLE = FOLD * 4  # pictures are padded to this: the fold, and two halvings
STEPS = 1000  # number of noise levels of the time embedding
FINE = 8  # channels at full size
HEADS = 6  # of the denoiser's attention
MATTE_AT_FIRST = 3.0  # initial logit of the matte lobe: untrained, surfaces are taken as matte


@dataclass(frozen=True)
class Architecture:
    """Sizes of both networks; stored with the weights."""

    channels: tuple[int, ...] = (64, 128, 192)
    tokens: int = 4
    token_width: int = 128
    hidden: int = 384
    refiner: int = 24
    intrinsic_channels: tuple[int, ...] = (32, 64, 96)

    def as_dict(self) -> dict:
        """The sizes as a dictionary for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict) -> Architecture:
        """The inverse of `as_dict`."""
        read: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
        return cls(**read)


class Prediction(NamedTuple):
    """`residual` (B, 3, h, w), a log gain over the analytic one; `lobes` (B, LOBES, h, w), logs of shares that sum to 1."""

    residual: torch.Tensor
    lobes: torch.Tensor


class Denoiser(nn.Module):
    """Predicts the clean residual, a log gain over the analytic one.

    It predicts the shares of matte and of glossy reflection in each pixel. The effect of both lights on such a surface is
    computed (`lobes.over_matte`), and only the remainder is predicted directly.
    """

    def __init__(self, a: Architecture) -> None:
        super().__init__()
        self.encoder = HdrEncoder(a.tokens, a.token_width, a.hidden)
        self.roles = nn.Parameter(torch.randn(2, a.token_width) * 0.02)
        self.unet = UNet2DConditionModel(
            in_channels=(FEATURE_CHANNELS + 3) * FOLD * FOLD,
            out_channels=FINE * FOLD * FOLD,
            conv_in_kernel=1,
            down_block_types=("DownBlock2D", "DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D", "UpBlock2D"),
            block_out_channels=a.channels,
            layers_per_block=1,
            norm_num_groups=16,
            attention_head_dim=HEADS,  # diffusers reads the number of heads here, for this class alone
            cross_attention_dim=a.token_width,
            class_embed_type="projection",
            projection_class_embeddings_input_dim=FLAGS + 2 * a.token_width,
            resnet_time_scale_shift="scale_shift",
        )
        last = nn.Conv2d(a.refiner, 6 + LOBES, 3, padding=1, padding_mode="replicate")
        _silence(last)  # before training, the result is nearly the analytic gain
        self.refiner = nn.Sequential(
            nn.Conv2d(FINE + FEATURE_CHANNELS, a.refiner, 3, padding=1, padding_mode="replicate"), nn.SiLU(), last
        )
        matte = last.get_parameter("bias")[6:7]
        nn.init.constant_(matte, MATTE_AT_FIRST)

    def forward(self, f: Features, noisy: torch.Tensor, level: torch.Tensor) -> torch.Tensor:
        """The residual of `predict`, (B, 3, h, w)."""
        return self.predict(f, noisy, level).residual

    def predict(self, f: Features, noisy: torch.Tensor, level: torch.Tensor) -> Prediction:
        """The residual, and the surface's lobes that it was computed from.

        Args:
            f: of `conditions.features`.
            noisy: (B, 3, h, w), `sampling.wiener` of the noisy residual; zeros where nothing of it is known.
            level: (B,) noise level, 0 to 1.
        """
        height, width = noisy.shape[-2:]
        planes = _padded(torch.cat([f.planes, noisy], dim=1))
        tokens = torch.stack(
            [
                self.encoder(f.target_map, torch.ones_like(level)) + self.roles[0],
                self.encoder(f.source_map, f.flags[:, 0]) + self.roles[1],
            ],
            dim=1,
        )
        summary = torch.cat([f.flags, tokens.mean(2).flatten(1)], dim=1)
        fine = self.unet(
            pixel_unshuffle(planes, FOLD), level * (STEPS - 1), tokens.flatten(1, 2), class_labels=summary
        ).sample
        fine = _without_grid(pixel_shuffle(fine, FOLD))
        out = self.refiner(torch.cat([fine, planes[:, :FEATURE_CHANNELS]], dim=1))[..., :height, :width]
        detail, overall, lobes = out.float().split((3, 3, LOBES), dim=1)
        matte = f.planes[:, 3:4]
        # One number per channel for the whole subject: the level, which cannot be found from local pixels.
        mean = (overall * matte).sum((2, 3), keepdim=True) / matte.sum((2, 3), keepdim=True).clamp_min(1e-3)
        lobes = lobes.log_softmax(1)
        return Prediction(detail + mean + over_matte(f.target, f.source, f.flags[:, 0], lobes), lobes)


class Intrinsics(NamedTuple):
    """The properties that do not depend on light: `normals` (B, 3, h, w) unit camera-space, `log_albedo` (B, 3, h, w), at most 0.

    Albedo is all reflected light, diffuse and specular; the albedo of a metal is its colour.
    """

    normals: torch.Tensor
    log_albedo: torch.Tensor


class IntrinsicNet(nn.Module):
    """Intrinsic images from a proxy and its matte."""

    def __init__(self, a: Architecture) -> None:
        super().__init__()
        self.unet = UNet2DModel(
            in_channels=4 * FOLD * FOLD,
            out_channels=6 * FOLD * FOLD,
            down_block_types=("DownBlock2D", "DownBlock2D", "AttnDownBlock2D"),
            up_block_types=("AttnUpBlock2D", "UpBlock2D", "UpBlock2D"),
            block_out_channels=a.intrinsic_channels,
            layers_per_block=1,
            norm_num_groups=16,
            attention_head_dim=32,
        )
        _silence(self.unet.conv_out)

    def forward(self, code: torch.Tensor, matte: torch.Tensor) -> Intrinsics:
        """The intrinsic images of log-encoded proxies (B, 3, h, w) with mattes (B, 1, h, w)."""
        height, width = code.shape[-2:]
        planes = _padded(torch.cat([code, matte], dim=1))
        out = self.unet(pixel_unshuffle(planes, FOLD), 0).sample
        facing, shading = _without_grid(pixel_shuffle(out, FOLD).float())[..., :height, :width].split(3, dim=1)
        normals = normalize(facing + out.new_tensor([0.0, 0.0, 1.0])[:, None, None], dim=1, eps=1e-4)
        # The light that is removed is smooth, so that the texture of the plate is kept.
        log_light = code.float() * STRETCH + math.log(MIDDLE_GREY)
        return Intrinsics(normals, (log_light - shading).clamp_max(0))


class Network(nn.Module):
    """The denoiser and the intrinsic network together, as they are trained and stored."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.architecture = architecture
        self.denoiser = Denoiser(architecture)
        self.intrinsic = IntrinsicNet(architecture)

    def see(self, c: Conditions) -> Intrinsics:
        """The intrinsic images that the network estimates for each frame."""
        return self.intrinsic(c.code, c.matte)

    def told(self, c: Conditions, seen: Intrinsics) -> Features:
        """The features on the given normals, and on those of `seen` where none are given."""
        return features(c, torch.where(c.normals_known > 0.5, c.normals, seen.normals))


def _without_grid(planes: torch.Tensor) -> torch.Tensor:
    """Planes smoothed so that nothing with the period of the fold, or half of it, remains."""
    taps = planes.new_tensor([1, 2, 2, 2, 1]) / 8  # a box of four convolved with a box of two, which centres it
    count = planes.shape[1]
    across = taps.expand(count, 1, 1, 5)
    wide = pad(planes, (2, 2, 2, 2), mode="replicate")
    return conv2d(conv2d(wide, across, groups=count), across.transpose(2, 3), groups=count)


def _silence(layer: nn.Module) -> None:
    """Initialise a layer so that its output is zero."""
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)


def _padded(planes: torch.Tensor) -> torch.Tensor:
    """Planes padded at the right and the bottom to a multiple of 16, by repeating the last row and column."""
    height, width = planes.shape[-2:]
    return pad(planes, (0, -width % MULTIPLE, 0, -height % MULTIPLE), mode="replicate")
