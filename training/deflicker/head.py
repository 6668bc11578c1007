"""The deflicker head as a torch module: only training and export use it, what ships runs without torch.

    output = residual + sum_i a_i g_i + sum_i w_i(x) (d_i(x) - g_i) + spread(x) * bounded(x)

`d_i` is a neighbour's difference to the middle frame, `g_i` the robust mean of it over the matte: what the picture does as a
whole. `a` weighs whole frames, `w` pixels; both are soft-max weights with a confidence in front, the middle frame's own being
what is left of 1. `spread` is how far neighbours lie apart, so where they agree with the middle nothing happens at all.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import nn
from torch.nn.functional import avg_pool2d, interpolate, relu, softplus, softsign

from ...core.errors import InputError
from ...core.temporal.align import NEIGHBOURS

SCHEMA = "relamp.deflicker/1"
N = len(NEIGHBOURS)
POOL = 4  # the network looks at a quarter of the working size
BOUND = 1.0  # of the correction, in units of the spread
ROUNDS = 3  # of reweighting for the robust mean
TINY = 1e-3
LOUD = 8.0  # log gain is brought to the network's range by softsign(LOUD x)
GATE = 24.0  # a neighbour whose light is x log gain away is believed by exp(-GATE x)
FACTS = 8  # numbers a neighbour that describe whole frames


class Head(nn.Module):
    """See the module. 60,000 to 120,000 parameters, no normalisation over time or space."""

    def __init__(self, width: int = 36, deep: int = 44) -> None:
        super().__init__()
        planes = N * (9 + FACTS) + 1
        self.enter = nn.Conv2d(planes, width, 1)
        self.near = nn.Conv2d(width, width, 3, padding=1)
        self.down = nn.Conv2d(width, deep, 3, padding=1, stride=2)
        self.blocks = nn.ModuleList([nn.Conv2d(deep, deep, 3, padding=1) for _ in range(2)])
        self.up = nn.Conv2d(deep, width, 1)
        self.out = nn.Conv2d(width, width, 3, padding=1)
        self.maps = nn.Conv2d(width, 2 * N + 1 + 3, 1)
        self.whole = nn.Sequential(nn.Linear(N * FACTS + width, 48), nn.ReLU(), nn.Linear(48, N))
        for last in (self.maps, self.whole[-1]):
            nn.init.zeros_(last.weight)  # type: ignore[arg-type]
            nn.init.zeros_(last.bias)  # type: ignore[arg-type]

    def forward(
        self,
        difference: torch.Tensor,
        light: torch.Tensor,
        plate: torch.Tensor,
        confidence: torch.Tensor,
        matte: torch.Tensor,
    ) -> torch.Tensor:
        """The correction to the middle residual, (T, 3, h, w) log gain.

        Args:
            difference, light: (T, N, 3, h, w); plate, confidence: (T, N, 1, h, w); matte: (T, 1, h, w); see `align.Aligned`.
                h and w are multiples of 8.
        """
        whole, facts, turn = _whole(difference, light, confidence * matte[:, None])
        local = difference - whole
        apart = _rms(local)  # T, N, 1, h, w
        turned = _rms(light)
        seen = _features(local, apart, light, turned, plate, confidence, whole, facts, matte)
        hidden = relu(self.enter(seen))
        hidden = relu(self.near(hidden))
        deep = relu(self.down(hidden))
        for block in self.blocks:
            deep = deep + relu(block(deep))
        hidden = hidden + interpolate(self.up(deep), scale_factor=2.0, mode="bilinear", align_corners=False)
        hidden = relu(self.out(hidden))
        maps = interpolate(self.maps(hidden), scale_factor=float(POOL), mode="bilinear", align_corners=False)
        frames = self.whole(torch.cat([facts.flatten(1), _mean(hidden)], 1))
        # Under another light a neighbour says little of this frame, also where the hint is the same: shadows move there too.
        confidence = confidence * torch.exp(-GATE * turn)[:, :, None, None, None]
        weights = _pixel_weights(maps, apart, turned, confidence)
        by_frame = _weights(frames - LOUD * turn, facts[:, :, -1])
        spread = _spread(local, confidence)
        bounded = BOUND * torch.tanh(maps[:, 2 * N + 1 :])
        global_part = (by_frame[:, :, None, None, None] * whole).sum(1)
        return global_part + (weights * local).sum(1) + bounded * spread


def _whole(
    difference: torch.Tensor, light: torch.Tensor, share: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Robust means over each frame, (T, N, 3, 1, 1), the facts of whole frames, (T, N, FACTS), the mass last, and how much
    their light turned, (T, N).

    Reweighted least squares with Cauchy's weights, over blocks of pixels; sums are means so that half precision holds them.
    """
    whole, share = share, _pool(share)
    difference, light = (_pool(whole * planes) / (share + TINY) for planes in (difference, light))
    mass = _mean5(share)
    value = _mean5(share * difference) / (mass + TINY)
    for _ in range(ROUNDS):
        off = _rms(difference - value)
        scale = _mean5(share * off) / (mass + TINY) + TINY
        trust = share / (1 + (off / scale) ** 2)
        value = _mean5(trust * difference) / (_mean5(trust) + TINY * TINY)
    off = _mean5(share * _rms(difference - value)) / (mass + TINY)
    turned = _mean5(share * _rms(light)) / (mass + TINY)
    signed = _mean5(share * light.mean(2, keepdim=True)) / (mass + TINY)
    there = mass / (_mean5(share.amax(1, keepdim=True)) + TINY)  # of what any neighbour shows
    loud = softsign(LOUD * torch.cat([value, _rms(value), off, turned, signed], 2))
    return value, torch.cat([loud, there], 2)[..., 0, 0], turned[:, :, 0, 0, 0]


def _features(
    local: torch.Tensor,
    apart: torch.Tensor,
    light: torch.Tensor,
    turned: torch.Tensor,
    plate: torch.Tensor,
    confidence: torch.Tensor,
    whole: torch.Tensor,
    facts: torch.Tensor,
    matte: torch.Tensor,
) -> torch.Tensor:
    """Everything at a quarter of the size, averaged by confidence: (T, planes, h / 4, w / 4)."""
    loud = torch.cat([local, apart, turned, light.mean(2, keepdim=True)], 2)
    sure = _pool(confidence)
    seen = softsign(LOUD * _pool(confidence * loud) / (sure + TINY))
    edge = softsign(LOUD * _pool(confidence * apart * apart) / (sure + TINY))
    unlike = _pool(softsign(LOUD * plate))
    near = torch.cat([seen, edge, unlike, sure], 2).flatten(1, 2)
    inside = avg_pool2d(matte, POOL)
    frames = facts.flatten(1)[:, :, None, None] * torch.ones_like(inside)
    return torch.cat([near, frames, inside], 1)


def _pixel_weights(
    maps: torch.Tensor, apart: torch.Tensor, turned: torch.Tensor, confidence: torch.Tensor
) -> torch.Tensor:
    """(T, N, 1, h, w): the network's weights, less where a pixel itself lies far off or its light turned."""
    logits, steep, light = (
        maps[:, :N, None],
        softplus(maps[:, N : 2 * N, None]),
        softplus(maps[:, 2 * N : 2 * N + 1, None]),
    )
    logits = logits - LOUD * steep * apart - LOUD * light * turned
    likely = confidence * torch.exp(logits.clamp(-15.0, 8.0))
    return likely / (1 + likely.sum(1, keepdim=True))


def _weights(logits: torch.Tensor, mass: torch.Tensor) -> torch.Tensor:
    likely = mass * torch.exp(logits.clamp(-15.0, 8.0))
    return likely / (1 + likely.sum(1, keepdim=True))


def _spread(local: torch.Tensor, confidence: torch.Tensor) -> torch.Tensor:
    """How far the neighbours lie from the middle, each channel, smoothed: (T, 3, h, w), 0 where they agree with it."""
    far = _pool(confidence * local.abs()).sum(1) / (_pool(confidence).sum(1) + TINY)
    return interpolate(far, scale_factor=float(POOL), mode="bilinear", align_corners=False)


def _pool(planes: torch.Tensor) -> torch.Tensor:
    pooled = avg_pool2d(planes.flatten(1, 2), POOL)
    return pooled.reshape(-1, N, int(planes.shape[2]), pooled.shape[-2], pooled.shape[-1])


def _rms(planes: torch.Tensor) -> torch.Tensor:
    """Root mean square over the channels, kept as one; its slope stays finite at 0."""
    return torch.sqrt((planes * planes).mean(2, keepdim=True) + 1e-8) - 1e-4


def _mean5(planes: torch.Tensor) -> torch.Tensor:
    return planes.mean((3, 4), keepdim=True)


def _mean(planes: torch.Tensor) -> torch.Tensor:
    return planes.mean((2, 3))


def load(path: Path) -> tuple[Head, dict]:
    """A head from its safetensors, in float32, and what the file says of itself. Raises `InputError`."""
    try:
        with safe_open(str(path), framework="pt") as file:
            card = json.loads((file.metadata() or {}).get("relamp", "{}"))
        if card.get("schema") != SCHEMA:
            raise InputError(
                f"{path} has schema {card.get('schema')}, expected {SCHEMA}; use the weights of this version"
            )
        head = Head()
        head.load_state_dict({name: value.float() for name, value in load_file(str(path)).items()})
    except (OSError, SafetensorError, RuntimeError) as error:
        raise InputError(f"{path} cannot be read as the deflicker head's weights ({error})") from None
    return head.eval().requires_grad_(False), card


def parameters(head: nn.Module) -> int:
    """How many numbers are learned."""
    return sum(p.numel() for p in head.parameters())
