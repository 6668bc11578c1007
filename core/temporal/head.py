"""The deflicker head as a torch module. Only training and export import it: a render runs the ONNX file that was made from it.

Light that flickers is coarse, so everything is first averaged over cells of POOL x POOL pixels, and a neighbour's
difference to the middle frame is split by scale: the whole frame g, wide surroundings, near surroundings, and the rest of a
cell.

    output = residual + sum_i a_i g_i + sum_s sum_i w_si(x) d_si(x)

`a` weighs whole frames, `w_s` the surroundings of a scale; all are soft-max weights times a confidence, and the weight of
the middle frame is what is left of 1. The correction is therefore bounded by the differences of the neighbours, and is zero
where they equal the middle frame. The rest of a cell is an input and never changed: true change is mostly fine, flicker is
not. True change that is coarse goes steadily one way, and weights that are equal on both sides of the middle leave it as it
is; or it steps, and what is beyond the step has no say (`steps`).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import nn
from torch.nn.functional import avg_pool2d, interpolate, relu, softplus, softsign

from ..errors import InputError
from . import steps
from .align import NEIGHBOURS

SCHEMA = "relamp.deflicker/2"
N = len(NEIGHBOURS)
POOL = 4  # px, a side of a cell
WIDE, NEAR = 13, 5  # cells, a side of what counts as surroundings
SCALES = 2  # that are corrected, besides the whole frame
ROUNDS = 3  # of reweighting for the robust mean of a frame
TINY = 1e-3
LOUD = 8.0  # log gain is brought to the network's range by softsign(LOUD x)
USUAL = (7 / 16, 12 / 16, 15 / 16, 15 / 16, 12 / 16, 7 / 16)
"""Weights of the neighbours over the middle's: of all filters this long, a parabola leaves least change from frame to frame."""
GATE = 16.0  # a neighbour whose light is x log gain off its course is believed by exp(-GATE x)
CALM = 0.02  # log gain that light may be off its course and count as on it
HALF = 0.5  # of what any neighbour shows: a neighbour that shows more than this counts in full for whole frames
FACTS = 8  # numbers a neighbour that describe whole frames
PLANES = 2 * (SCALES + 1) + 5  # numbers a neighbour that describe a cell
TOGETHER = 3  # numbers a scale that describe what all neighbours of a cell say


Planes = TypeVar("Planes")


class Cells(NamedTuple, Generic[Planes]):
    """A window's neighbours on its middle frame, averaged over cells; T windows, N neighbours, h x w cells.

    difference, light: (T, N, 3, h, w) mean log gains, see `align.Aligned`; edge: (T, N, 1, h, w) how much the differences vary
    within a cell; plate: (T, N, 1, h, w) how unlike the plates are, 0 to 1; sure: (T, N, 1, h, w) mean confidence;
    inside: (T, 1, h, w) mean matte.
    """

    difference: Planes
    light: Planes
    edge: Planes
    plate: Planes
    sure: Planes
    inside: Planes


class Head(nn.Module):
    """See the module. 60,000 to 120,000 parameters, no normalisation over time or space."""

    def __init__(self, width: int = 36, deep: int = 44) -> None:
        super().__init__()
        self.enter = nn.Conv2d(N * PLANES + (SCALES + 1) * TOGETHER + 1, width, 1)
        self.frames = nn.Linear(N * FACTS, width)
        self.near = nn.Conv2d(width, width, 3, padding=1)
        self.down = nn.Conv2d(width, deep, 3, padding=1, stride=2)
        self.blocks = nn.ModuleList([nn.Conv2d(deep, deep, 3, padding=1) for _ in range(2)])
        self.up = nn.Conv2d(deep, width, 1)
        self.out = nn.Conv2d(width, width, 3, padding=1)
        self.maps = nn.Conv2d(width, SCALES * N, 1)
        self.whole = nn.Sequential(nn.Linear(N * FACTS + width, 48), nn.ReLU(), nn.Linear(48, N))
        # How much less a neighbour counts the farther off it lies and the more its light turned, by scale and for whole frames.
        self.far = nn.Parameter(torch.full((SCALES,), -2.0))
        self.turn = nn.Parameter(torch.full((SCALES + 1,), -1.0))
        for last in (self.maps, self.whole[-1]):
            nn.init.zeros_(last.weight)  # type: ignore[arg-type]
            nn.init.zeros_(last.bias)  # type: ignore[arg-type]
        usual = torch.tensor(USUAL).log()
        with torch.no_grad():
            self.whole[-1].bias += usual  # type: ignore[operator]
            self.maps.bias += usual.repeat(SCALES)  # type: ignore[index]

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
        cells = in_cells(difference, light, plate, confidence, matte)
        by_frame, local = self.decide(cells)
        # A pixel takes from cells that hold the subject and were followed.
        known = cells.sure.amax(1) * (cells.inside + TINY)
        return by_frame + _enlarged(known * local) / (_enlarged(known) + TINY * TINY)

    def decide(self, cells: Cells[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        """The correction to the whole frame, (T, 3, 1, 1), and on top of it to each cell, (T, 3, h, w), log gain."""
        whole, facts, turn = _whole(cells)
        parts = _by_scale(cells.difference - whole, cells.sure * (cells.inside + 0.1)[:, None])
        apart, turned = [_rms(part) for part in parts], _rms(cells.light)
        # A neighbour under another light tells little about this frame, also where the hint is the same: shadows move there too.
        jumped = GATE * _off_course(cells.light)
        share = _share(cells)
        jumped_whole = (_mean5(share * jumped) / (_mean5(share) + TINY))[:, :, 0, 0, 0]
        # The same where no hint tells of it: a residual that steps from one level to another.
        seen = _mean5(share) / (_mean5(share.amax(1, keepdim=True)) + TINY)
        stepped_whole, stepped = steps.apart(whole, parts[:SCALES], cells.sure, cells.inside, seen)
        hidden = self._seen(_features(cells, parts, apart, turned), facts.flatten(1))
        maps = self.maps(hidden)
        far, light = LOUD * softplus(self.far), LOUD * softplus(self.turn)
        frames = self.whole(torch.cat([facts.flatten(1), hidden.mean((2, 3))], 1))
        frames = frames - light[SCALES] * turn - jumped_whole + stepped_whole[:, :, 0, 0, 0]
        # The mean of a whole frame is as good from half of it.
        by_frame = _weights(frames, (facts[:, :, -1] / HALF).clamp(max=1))[:, :, None, None, None]
        local = torch.zeros_like(cells.difference[:, 0])
        for s, part in enumerate(parts[:SCALES]):
            logits = maps[:, s * N : (s + 1) * N, None] - far[s] * apart[s] - light[s] * turned - jumped + stepped[s]
            local = local + (_weights(logits, cells.sure) * part).sum(1)
        return (by_frame * whole).sum(1), local

    def _seen(self, planes: torch.Tensor, facts: torch.Tensor) -> torch.Tensor:
        """The features of cells (T, planes, h, w) and of whole frames (T, N FACTS) after the network's trunk: (T, width,
        h, w).
        """
        hidden = relu(self.enter(planes) + self.frames(facts)[:, :, None, None])
        hidden = relu(self.near(hidden))
        deep = relu(self.down(hidden))
        for block in self.blocks:
            deep = deep + relu(block(deep))
        hidden = hidden + interpolate(self.up(deep), scale_factor=2.0, mode="bilinear", align_corners=False)
        return relu(self.out(hidden))


def in_cells(
    difference: torch.Tensor,
    light: torch.Tensor,
    plate: torch.Tensor,
    confidence: torch.Tensor,
    matte: torch.Tensor,
) -> Cells[torch.Tensor]:
    """The inputs of the head, averaged over cells by confidence."""
    sure = _pool(confidence)
    squared = (difference * difference).mean(2, keepdim=True)
    mean, turned, square = (_pool(confidence * p) / (sure + TINY) for p in (difference, light, squared))
    edge = _root((square - (mean * mean).mean(2, keepdim=True)).clamp_min(0))
    return Cells(mean, turned, edge, _pool(softsign(LOUD * plate)), sure, avg_pool2d(matte, POOL))


def _whole(cells: Cells[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Robust means over each frame, (T, N, 3, 1, 1), the facts of whole frames, (T, N, FACTS), the mass last, and how much
    their light turned, (T, N).

    Reweighted least squares with Cauchy's weights; sums are means so that half precision holds them.
    """
    difference, light, share = cells.difference, cells.light, _share(cells)
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


def _share(cells: Cells[torch.Tensor]) -> torch.Tensor:
    return cells.sure * cells.inside[:, None]


def _off_course(light: torch.Tensor) -> torch.Tensor:
    """How far each neighbour's light is from a steady turn through the frames beside the middle, (T, N, 1, h, w) log
    gain: a lamp that is switched or flashes is far off, a light that turns or fades is not.
    """
    before, after = -light[:, N // 2 - 1], light[:, N // 2]
    steady = 0.5 * (torch.sign(before) + torch.sign(after)) * torch.minimum(before.abs(), after.abs())
    time = torch.tensor(NEIGHBOURS, dtype=light.dtype)[None, :, None, None, None]
    course = time * steady[:, None]
    return relu(_rms(light - course) - 0.5 * _rms(course) - CALM)


def _by_scale(local: torch.Tensor, share: torch.Tensor) -> list[torch.Tensor]:
    """Differences less the frame's as parts that add up to them: wide and near surroundings, and the cells' own."""
    parts = []
    for side in (WIDE, NEAR):
        around = _around(share, side) + TINY
        mean = _around(share * local, side) / around
        off = _rms(local - mean)
        scale = _around(share * off, side) / around + TINY
        trust = share / (1 + (off / scale) ** 2)
        parts.append(_around(trust * local, side) / (_around(trust, side) + TINY * TINY))
        local = local - parts[-1]
    return [*parts, local]


def _features(
    cells: Cells[torch.Tensor], parts: list[torch.Tensor], apart: list[torch.Tensor], turned: torch.Tensor
) -> torch.Tensor:
    """The inputs of the network for every cell, (T, planes, h, w)."""
    signed = [part.mean(2, keepdim=True) for part in parts]
    loud = [plane for pair in zip(signed, apart, strict=True) for plane in pair]
    loud += [turned, cells.light.mean(2, keepdim=True), cells.edge]
    each = torch.cat([*(softsign(LOUD * plane) for plane in loud), cells.plate, cells.sure], 2).flatten(1, 2)
    together = [_together(part, cells.sure) for part in parts]
    return torch.cat([each, *together, cells.inside], 1)


def _together(part: torch.Tensor, sure: torch.Tensor) -> torch.Tensor:
    """What the neighbours of a cell have in common, (T, 3, h, w): their usual mean, their trend over time, and how far
    they lie from both.
    """
    usual, time = (torch.tensor(x, dtype=part.dtype)[None, :, None, None, None] for x in (USUAL, NEIGHBOURS))
    share = sure * usual
    mass = share.sum(1) + TINY
    level = part.mean(2, keepdim=True)
    mean = (share * level).sum(1) / mass
    trend = (share * time * level).sum(1) / ((share * time * time).sum(1) + TINY)
    off = level - mean[:, None] - time * trend[:, None]
    return softsign(LOUD * torch.cat([mean, trend, _root((share * off * off).sum(1) / mass)], 1))


def _around(planes: torch.Tensor, side: int) -> torch.Tensor:
    """Means over side x side cells; cells outside the picture are 0."""
    rows, columns = (_band(planes.shape[axis], side, planes) for axis in (-2, -1))
    return rows @ planes @ columns


def _band(count: int, side: int, like: torch.Tensor) -> torch.Tensor:
    """A matrix (count, count) that takes means over `side` neighbours; it is many times as fast as pooling."""
    place = torch.arange(count, device=like.device)
    return ((place[:, None] - place).abs() <= side // 2).to(like.dtype) / side


def _weights(logits: torch.Tensor, mass: torch.Tensor) -> torch.Tensor:
    likely = mass * torch.exp(logits.clamp(-15.0, 8.0))
    return likely / (1 + likely.sum(1, keepdim=True))


def _pool(planes: torch.Tensor) -> torch.Tensor:
    pooled = avg_pool2d(planes.flatten(1, 2), POOL)
    return pooled.reshape(-1, N, int(planes.shape[2]), pooled.shape[-2], pooled.shape[-1])


def _enlarged(planes: torch.Tensor) -> torch.Tensor:
    return interpolate(planes, scale_factor=float(POOL), mode="bilinear", align_corners=False)


def _rms(planes: torch.Tensor) -> torch.Tensor:
    """Root mean square over the channels, kept as one."""
    return _root((planes * planes).mean(2, keepdim=True))


def _root(squares: torch.Tensor) -> torch.Tensor:
    """A square root whose slope stays finite at 0."""
    return torch.sqrt(squares + 1e-8) - 1e-4


def _mean5(planes: torch.Tensor) -> torch.Tensor:
    return planes.mean((3, 4), keepdim=True)


def load(path: Path) -> tuple[Head, dict]:
    """A head from its safetensors, in float32, and its card.

    Raises:
        InputError: the file is missing, damaged, or of another schema.
    """
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
    """The number of learnt weights."""
    return sum(p.numel() for p in head.parameters())
