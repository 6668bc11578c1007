"""The shape network: normals, relief and albedo from a log-encoded picture and its matte.

A U-Net on pixels folded two by two, with attention at its coarsest scale, because the brightness of each
normal can only be found from the whole picture. A few layers at full size add the detail.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.nn.functional import (
    avg_pool2d,
    interpolate,
    normalize,
    pad,
    pixel_unshuffle,
    relu,
    scaled_dot_product_attention,
    softplus,
)

from ...pictures.curves import MIDDLE_GREY, STRETCH

FOLD = 2
OUTPUTS = 3 + 1 + 3 + 1  # normals, relief, removed light, doubt
EDGE = 0.02  # matte below which a pixel is ignored


class Shape(NamedTuple):
    """The properties of B pictures that do not depend on light.

    `normals` (B, 3, h, w) unit, camera space: X right, Y up, Z to the viewer. `relief` (B, 1, h, w), height toward the
    viewer in units of the picture's longer side, mean 0 over the matte. `log_albedo` (B, 3, h, w), natural log of
    reflectance, at most 0; for a metal, of its colour. `doubt` (B, 1, h, w), expected error of the normals in radians.
    """

    normals: torch.Tensor
    relief: torch.Tensor
    log_albedo: torch.Tensor
    doubt: torch.Tensor


@dataclass(frozen=True)
class ShapeArchitecture:
    """Sizes of the network; stored with the weights.

    `channels` of each scale, from half size down by two; `blocks` of attention with `heads`; `fine` features at full size.
    """

    channels: tuple[int, ...] = (48, 96, 160, 224, 256)
    blocks: int = 2
    heads: int = 8
    fine: int = 16

    def as_dict(self) -> dict[str, Any]:
        """The sizes as a dictionary for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> ShapeArchitecture:
        """The inverse of `as_dict`."""
        return cls(**{**values, "channels": tuple(values["channels"])})  # JSON has no tuples


@dataclass(frozen=True)
class Features:
    """What the network has found of B pictures before it says their shape, for other small networks to read.

    `scales` are (B, C, h', w') each, from half of the padded picture's size down by two. `margins` are those of the padding:
    left, right, above and below; `size` is (h, w) of the picture.
    """

    scales: tuple[torch.Tensor, ...]
    margins: tuple[int, int, int, int]
    size: tuple[int, int]

    def cropped(self, padded: torch.Tensor) -> torch.Tensor:
        """Planes over the padded picture, at its full size, without the margins: (B, C, h, w)."""
        left, _, above, _ = self.margins
        return padded[..., above : above + self.size[0], left : left + self.size[1]]


class ShapeNetwork(nn.Module):
    """See the module."""

    def __init__(self, architecture: ShapeArchitecture = ShapeArchitecture()) -> None:
        super().__init__()
        self.architecture = architecture
        channels, fine = architecture.channels, architecture.fine
        self.first = nn.Conv2d(5 * FOLD * FOLD, channels[0], 3, padding=1)
        before = (channels[0], *channels[:-1])
        self.down = nn.ModuleList(Residual(a, b) for a, b in zip(before, channels, strict=True))
        self.mixing = nn.ModuleList(Mixing(channels[-1], architecture.heads) for _ in range(architecture.blocks))
        self.up = nn.ModuleList(Residual(b + a, a) for a, b in pairwise(channels))
        self.coarse = nn.Conv2d(channels[0], OUTPUTS + fine, 1)
        self.refine = nn.Sequential(
            nn.Conv2d(4 + fine, 24, 3, padding=1), nn.ReLU(), nn.Conv2d(24, OUTPUTS, 3, padding=1)
        )

    def forward(self, code: torch.Tensor, matte: torch.Tensor) -> Shape:
        """The shape in pictures of any size.

        Args:
            code: (B, 3, h, w) of `curves.encode_log`: scene-linear light whose typical value was brought to middle grey,
            log-encoded.
            matte: (B, 1, h, w), 0 to 1; pixels outside are ignored.
        """
        return self.with_features(code, matte)[0]

    def with_features(self, code: torch.Tensor, matte: torch.Tensor) -> tuple[Shape, Features]:
        """`forward`, and the features that the shape was read from."""
        height, width = matte.shape[-2:]
        seen = torch.cat([code * (matte > EDGE), matte], 1)  # B, 4, h, w
        planes = torch.cat([seen, self._down_the_picture(seen)], 1)
        margins = self._margins(height, width)
        planes = pad(planes, margins, mode="replicate")
        features = Features(self._scales(planes), margins, (height, width))
        out = features.cropped(self._outputs(features.scales[0], planes[:, :4])).float()
        facing, relief, light, doubt = out.split((3, 1, 3, 1), 1)
        toward = torch.cat([facing[:, :2], softplus(facing[:, 2:]) - 0.05], 1)
        mass = matte.sum((2, 3), keepdim=True).clamp_min(1e-3)
        relief = relief - (relief * matte).sum((2, 3), keepdim=True) / mass
        log_light = code.float() * STRETCH + math.log(MIDDLE_GREY)
        shape = Shape(normalize(toward, dim=1, eps=1e-4), relief, (log_light - light).clamp_max(0), softplus(doubt))
        return shape, features

    def _scales(self, planes: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """The features of every scale, from half size down by two."""
        x = self.first(pixel_unshuffle(planes, FOLD))
        kept: list[torch.Tensor] = []
        for scale, block in enumerate(self.down):
            x = block(avg_pool2d(x, 2) if scale else x)
            kept.append(x)
        for block in self.mixing:
            x = block(x)
        scales = [x]
        for scale in reversed(range(len(self.up))):
            larger = interpolate(x, size=kept[scale].shape[-2:], mode="bilinear", align_corners=False)
            x = self.up[scale](torch.cat([larger, kept[scale]], 1))
            scales.append(x)
        return tuple(reversed(scales))

    def _outputs(self, x: torch.Tensor, full: torch.Tensor) -> torch.Tensor:
        """The coarse outputs at full size, and the detail that the full-size layers add."""
        coarse = interpolate(self.coarse(x), size=full.shape[-2:], mode="bilinear", align_corners=False)
        return coarse[:, :OUTPUTS] + self.refine(torch.cat([full, coarse[:, OUTPUTS:]], 1))

    def _margins(self, height: int, width: int) -> tuple[int, int, int, int]:
        """What is added left, right, above and below, so that both sides are multiples of the scales' factor.

        Margins repeat the pixels of the border. Black ones on two sides made normals 1.2 degrees worse on ten shots: training
        has no margins, and a subject that the frame cuts looked as if it ended there.
        """
        multiple = FOLD * 2 ** (len(self.down) - 1)
        across, down = -width % multiple, -height % multiple
        return across // 2, across - across // 2, down // 2, down - down // 2

    @staticmethod
    def _down_the_picture(planes: torch.Tensor) -> torch.Tensor:
        """(B, 1, h, w): -1 at the top to 1 at the bottom, an input because light mostly comes from above."""
        rows = torch.linspace(-1, 1, planes.shape[-2], device=planes.device, dtype=planes.dtype)
        return rows[None, None, :, None].expand(len(planes), 1, -1, planes.shape[-1])


class Residual(nn.Module):
    """Two convolutions with a skip connection."""

    def __init__(self, given: int, out: int) -> None:
        super().__init__()
        self.one, self.two = (nn.Conv2d(c, out, 3, padding=1, bias=False) for c in (given, out))
        self.norm_one, self.norm_two = (nn.BatchNorm2d(out, momentum=0.05) for _ in range(2))
        self.short = nn.Conv2d(given, out, 1) if given != out else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, C, h, w) to (B, C', h, w)."""
        return relu(self.norm_two(self.two(relu(self.norm_one(self.one(x))))) + self.short(x))


class Mixing(nn.Module):
    """Self-attention over the whole picture, then a layer on each position (Vaswani et al. 2017, pre-normalised)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm_one, self.norm_two = nn.LayerNorm(width), nn.LayerNorm(width)
        self.ask, self.answer = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.place = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, C, h, w) to the same."""
        batch, width, height, across = x.shape
        rows = x.flatten(2).transpose(1, 2)  # B, h w, C
        asked = self.ask(self.norm_one(rows)).reshape(batch, -1, 3, self.heads, width // self.heads)
        query, key, value = asked.permute(2, 0, 3, 1, 4)
        mixed = scaled_dot_product_attention(query, key, value).transpose(1, 2).reshape(batch, -1, width)
        rows = rows + self.answer(mixed)
        rows = rows + self.place(self.norm_two(rows))
        return rows.transpose(1, 2).reshape(batch, width, height, across)
