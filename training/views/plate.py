"""Lit views as cameras make plates of them: balance, focus, sensor, clipping, display and file, and mattes as artists make
them. torch.

What comes out is a proxy as the product makes it (`core.proxy`): scene-linear light brought to middle grey inside the
matte, log-encoded.
"""

from __future__ import annotations

import torch
from torch.nn.functional import avg_pool2d, conv2d, interpolate, max_pool2d, pad

from ...core.pictures.curves import MIDDLE_GREY, encode_log_tensor
from .light import LUMINANCE, Draw

BALANCED = 0.75  # chance that a camera is balanced to the light, wholly or partly


def plate(
    picture: torch.Tensor, white: torch.Tensor, matte: torch.Tensor, draw: Draw
) -> tuple[torch.Tensor, torch.Tensor]:
    """A camera's picture of a lit view and an artist's matte of it.

    Args:
        picture: (B, 3, S, S) scene-linear light of the subject, as if it filled its pixels.
        white: (B, 3, S, S) what a white matte surface there would read.
        matte: (B, 1, S, S) true coverage.

    Returns:
        The log-encoded proxy (B, 3, S, S) and the matte (B, 1, S, S) that comes with it.
    """
    count = len(picture)
    picture = picture / _balance(white, matte, draw)
    level = _typical(picture, matte)
    picture = picture / level
    behind = _background(picture, draw)
    filmed = picture * matte + behind * (1 - matte)
    filmed = _focus(filmed, draw)
    filmed = _sensor(filmed, draw)
    filmed = _developed(filmed, draw)
    cut = _matte(matte, draw)
    filmed = filmed * torch.exp(draw.normal(0, 0.05, count, 3, 1, 1))
    anchored = (
        filmed.clamp_min(0) / _typical(filmed, cut) * MIDDLE_GREY * torch.exp(draw.normal(0, 0.12, count, 1, 1, 1))
    )
    return encode_log_tensor(anchored.clamp(0, 400)), cut


def _balance(white: torch.Tensor, matte: torch.Tensor, draw: Draw) -> torch.Tensor:
    """(B, 3, 1, 1): the colour of the light that the camera takes for white."""
    mean = (white * matte).sum((2, 3), keepdim=True) / matte.sum((2, 3), keepdim=True).clamp_min(1)
    luminance = (mean * torch.tensor(LUMINANCE, device=mean.device)[:, None, None]).sum(1, keepdim=True)
    count = len(white)
    wholly = draw.chance(0.6, count, 1, 1, 1)
    share = torch.where(wholly > 0, 1.0, draw.uniform(0.4, 1.1, count, 1, 1, 1)) * draw.chance(BALANCED, count, 1, 1, 1)
    return (mean / luminance.clamp_min(1e-6)).clamp(0.05, 20) ** share


def _typical(picture: torch.Tensor, matte: torch.Tensor) -> torch.Tensor:
    """(B, 1, 1, 1) geometric mean of the luminance inside the matte, between its 5th and 95th percentile
    (`gain.proxy.exposure_anchor`)."""
    weights = torch.tensor(LUMINANCE, device=picture.device)[:, None, None]
    luminance = (picture * weights).sum(1).flatten(1).clamp_min(1e-6)
    inside = matte.flatten(1) > 0.5
    values = torch.where(inside, luminance, torch.full_like(luminance, float("inf"))).sort(1).values
    number = inside.sum(1, keepdim=True).clamp_min(1)
    low = values.gather(1, ((number - 1) * 0.05).long())
    high = values.gather(1, ((number - 1) * 0.95).long())
    logs = luminance.clamp(low.clamp(max=1e9), high.clamp(max=1e9)).log() * inside
    return (logs.sum(1) / number[:, 0]).exp()[:, None, None, None]


def _background(picture: torch.Tensor, draw: Draw) -> torch.Tensor:
    """Something soft behind the subject, which shows through soft and loose mattes."""
    count, _, size, _ = picture.shape
    coarse = torch.exp(draw.normal(0, 0.6, count, 3, 4, 4) * 0.5 + draw.normal(0, 1.0, count, 1, 1, 1))
    return interpolate(coarse, size=(size, size), mode="bicubic", align_corners=False).clamp_min(0)


def _focus(picture: torch.Tensor, draw: Draw) -> torch.Tensor:
    """Out of focus, moving, or sharpened."""
    count = len(picture)
    soft = _blurred(picture, 1)
    softer = _blurred(soft, 1)
    amount = draw.uniform(-1, 1.6, count, 1, 1, 1)  # below nothing it is sharpened
    blurred = torch.lerp(picture, soft, amount.clamp(0, 1)) + (softer - soft) * (amount - 1).clamp(0, 1)
    sharpened = (picture + (picture - soft) * (-amount).clamp(0, 1) * 0.9).clamp_min(0)
    moved = avg_pool2d(pad(picture, (3, 3, 0, 0), mode="replicate"), (1, 7), stride=1)
    moving = draw.chance(0.08, count, 1, 1, 1)
    out = torch.where(amount < 0, sharpened, blurred)
    return torch.where(draw.chance(0.7, count, 1, 1, 1) > 0, torch.where(moving > 0, moved, out), picture)


def _sensor(picture: torch.Tensor, draw: Draw) -> torch.Tensor:
    """Shot and floor noise, partly of one colour, partly coarse."""
    count, _, size, _ = picture.shape
    fine = draw.normal(0, 1, count, 3, size, size)
    coarse = (
        interpolate(
            draw.normal(0, 1, count, 3, size // 2, size // 2), size=(size, size), mode="bilinear", align_corners=False
        )
        * 1.5
    )
    noise = torch.where(draw.chance(0.5, count, 1, 1, 1) > 0, fine, coarse)
    grey = draw.uniform(0, 1, count, 1, 1, 1)
    noise = noise * (1 - grey) + noise.mean(1, keepdim=True) * 1.7 * grey
    strength = draw.uniform(0, 1, count, 1, 1, 1) ** 2 * 0.09
    return picture + noise * strength * (picture.clamp_min(0) + 0.08).sqrt()


def _developed(picture: torch.Tensor, draw: Draw) -> torch.Tensor:
    """Clipping, eight bits, compression and tone curves that nobody undid. Typical light is 1 here."""
    count = len(picture)
    top = draw.uniform(1.8, 7, count, 1, 1, 1)
    clipped = picture.clamp_min(0).minimum(top)
    out = torch.where(draw.chance(0.45, count, 1, 1, 1) > 0, clipped, picture)
    coded = (clipped / top).clamp(0, 1) ** (1 / 2.2)
    block = avg_pool2d(coded, 8).repeat_interleave(8, 2).repeat_interleave(8, 3)
    lossy = torch.lerp(coded, block, draw.uniform(0, 0.12, count, 1, 1, 1)) if coded.shape[-1] % 8 == 0 else coded
    eight = (lossy * 255).round() / 255
    out = torch.where(draw.chance(0.3, count, 1, 1, 1) > 0, eight**2.2 * top, out)
    bent = out.clamp_min(0) ** draw.uniform(0.78, 1.3, count, 1, 1, 1)
    return torch.where(draw.chance(0.35, count, 1, 1, 1) > 0, bent, out)


def _matte(matte: torch.Tensor, draw: Draw) -> torch.Tensor:
    """As it is, soft, binary, tight or loose, or everything."""
    count = len(matte)
    kind = draw.uniform(0, 1, count, 1, 1, 1)
    soft = _blurred(_blurred(matte, 2), 2)
    loose = _blurred(max_pool2d(matte, 5, stride=1, padding=2), 1)
    tight = _blurred(1 - max_pool2d(1 - matte, 5, stride=1, padding=2), 1)
    out = matte
    for below, other in ((0.6, soft), (0.4, loose), (0.25, tight), (0.12, (matte > 0.5).float())):
        out = torch.where(kind < below, other, out)
    return out.clamp(0, 1)


def _blurred(picture: torch.Tensor, radius: int) -> torch.Tensor:
    """By a binomial filter of 2 radius + 1 taps."""
    taps = torch.tensor([1.0, 2, 1] if radius == 1 else [1.0, 4, 6, 4, 1], device=picture.device)
    taps = taps / taps.sum()
    count = picture.shape[1]
    wide = pad(picture, (radius,) * 4, mode="replicate")
    wide = conv2d(wide, taps.expand(count, 1, 1, -1), groups=count)
    return conv2d(wide, taps.expand(count, 1, 1, -1).transpose(2, 3), groups=count)
