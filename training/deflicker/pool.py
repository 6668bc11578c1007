"""Batches for the deflicker head: a pool of clips whose motion is worked out once, new flicker every time one is drawn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import grid_sample

from ...core.temporal.align import NEIGHBOURS, RADIUS, Aligned, Aligner, Track, bring
from ...core.temporal.deflicker import as_planes
from ...core.temporal.flow import warp
from .clip_file import load
from .clips import FRAMES, SHAPE, Clip, Sighted, make
from .flicker import NONE, flicker

MIDDLES = (RADIUS, FRAMES - 1 - RADIUS)
OWN, FILMED = 0.25, 0.4
"""Shares of the samples that are what our own relighter leaves and clips off the light stage, where there are such clips."""


@dataclass
class Batch:
    """B samples of two neighbouring middles, T = 2 B frames in the order a0 b0 a1 b1 ...

    Inputs of the head (`head.Head.forward`), and: wrong (T, 3, h, w) what is wrong with the middle residuals, truth
    (T, 1, h, w) where it counts, back (B, h, w, 2) px from the second middle to the first and sure (B, 1, h, w) where that
    holds, scale (B,) how strong the flicker is.
    """

    difference: torch.Tensor
    light: torch.Tensor
    plate: torch.Tensor
    confidence: torch.Tensor
    matte: torch.Tensor
    wrong: torch.Tensor
    truth: torch.Tensor
    back: torch.Tensor
    sure: torch.Tensor
    scale: torch.Tensor

    @property
    def inputs(self) -> tuple[torch.Tensor, ...]:
        """What the head is called with."""
        return self.difference, self.light, self.plate, self.confidence, self.matte


@dataclass(frozen=True)
class Half:
    """One of a sample's two middles: the window, what is wrong with its residual (h, w, 3), where that counts (h, w), the
    track from the second middle to the first, and how strong the flicker is."""

    aligned: Aligned
    wrong: np.ndarray
    truth: np.ndarray
    track: Track
    scale: float


@dataclass
class Followed:
    """A clip with the tracks of its two windows, and both windows brought onto their middles as they are without flicker."""

    clip: Clip
    tracks: list[dict[int, Track]]
    steady: list[Aligned]

    @classmethod
    def of(cls, clip: Clip) -> Followed:
        aligner, frames = Aligner(), sights(clip, clip.steady)
        windows = [frames[m - RADIUS : m + RADIUS + 1] for m in MIDDLES]
        tracks = [aligner.tracks(window) for window in windows]
        return cls(clip, tracks, [bring(w, t) for w, t in zip(windows, tracks, strict=True)])


def sights(clip: Clip, residual: np.ndarray) -> list[Sighted]:
    """The frames of a clip with other residuals."""
    rows = zip(clip.code, clip.matte, clip.hint, residual, strict=True)
    return [Sighted(*row) for row in rows]


def sample(followed: Followed, wrong: np.ndarray, missing: set[int]) -> list[Half]:
    """A clip with flicker (F, h, w, 3) put in and without the frames of `missing`."""
    clip, last = followed.clip, followed.tracks[1][-1]
    wrong = np.ascontiguousarray(wrong, np.float32)
    scale = float(np.abs(wrong[1:] - wrong[:-1]).mean())
    rows = zip(MIDDLES, followed.tracks, followed.steady, strict=True)
    return [
        Half(_flickering(aligned, tracks, wrong, middle, missing), wrong[middle], clip.truth[middle], last, scale)
        for middle, tracks, aligned in rows
    ]


def _flickering(
    steady: Aligned, tracks: dict[int, Track], wrong: np.ndarray, middle: int, missing: set[int]
) -> Aligned:
    """An aligned window with flicker put in: what is linear need not be aligned anew."""
    difference = steady.difference.copy()
    light, plate, confidence = steady.light.copy(), steady.plate.copy(), steady.confidence.copy()
    for i, offset in enumerate(NEIGHBOURS):
        if middle + offset in missing or offset not in tracks:
            for planes in (difference, light, plate, confidence):
                planes[i] = 0
        elif wrong.any():
            difference[i] += warp(wrong[middle + offset], tracks[offset].back) - wrong[middle]
    return Aligned(difference, light, plate, confidence, steady.matte)


class Pool:
    """Draws samples; all chance comes from one generator.

    Args:
        size: procedural clips kept ready.
        files: of clips of our own relighter, of clips off the light stage (`clip_file`).
    """

    def __init__(self, seed: int, size: int, files: Sequence[Path] = ()) -> None:
        self.rng = np.random.default_rng(seed)
        self.size = size
        self.clips: list[Followed] = []
        kept = [Followed.of(clip) for path in files for clip in load(path)]
        self.own = [f for f in kept if f.clip.flicker is not None]
        self.filmed = [f for f in kept if f.clip.flicker is None]

    def batches(self, count: int, every: int = 8) -> Iterator[Batch]:
        """Endless batches of `count` samples; a new clip takes the place of an old one every so many, 0 for never."""
        while len(self.clips) < self.size:
            self.clips.append(Followed.of(make(self.rng, SHAPE)))
        drawn = 0
        while True:
            drawn += 1
            if every and drawn % every == 0:
                self.clips[int(self.rng.integers(self.size))] = Followed.of(make(self.rng, SHAPE))
            yield stack([self.draw() for _ in range(count)])

    def draw(self) -> list[Half]:
        """One sample."""
        rng, chance = self.rng, self.rng.random()
        source = self.clips
        if self.own and chance < OWN:
            source = self.own
        elif self.filmed and chance > 1 - FILMED:
            source = self.filmed
        followed = source[int(rng.integers(len(source)))]
        clip = followed.clip
        if clip.flicker is None:
            wrong = flicker(rng, clip)
        else:
            wrong = clip.flicker * (0.0 if rng.random() < NONE / 2 else rng.uniform(0.7, 1.5))
        made = sample(followed, wrong, _missing(rng))
        return _mirrored(made) if rng.random() < 0.5 else made


def stack(samples: list[list[Half]]) -> Batch:
    """Samples as tensors."""
    flat = [one for sample in samples for one in sample]
    planes = [as_planes(one.aligned) for one in flat]
    inputs = {name: torch.from_numpy(np.concatenate([p[name] for p in planes])) for name in planes[0]}
    tracks = [sample[0].track for sample in samples]
    return Batch(
        **inputs,
        wrong=torch.from_numpy(np.stack([one.wrong.transpose(2, 0, 1) for one in flat])),
        truth=torch.from_numpy(np.stack([one.truth[None] for one in flat])),
        back=torch.from_numpy(np.stack([t.back for t in tracks])),
        sure=torch.from_numpy(np.stack([t.sure[None] for t in tracks])),
        scale=torch.tensor([sample[0].scale for sample in samples], dtype=torch.float32),
    )


def _missing(rng: np.random.Generator) -> set[int]:
    """Frames that are not there: none, all before or after some frame, or one in the middle of others."""
    chance = rng.random()
    if chance < 0.6:
        return set()
    if chance < 0.75:
        return set(range(int(rng.integers(1, MIDDLES[0] + 1))))
    if chance < 0.9:
        return set(range(int(rng.integers(MIDDLES[1] + 1, FRAMES)), FRAMES))
    return {int(rng.integers(FRAMES))} - set(MIDDLES)


def _mirrored(sample: list[Half]) -> list[Half]:
    """Left and right exchanged."""

    def turned(one: Half) -> Half:
        aligned, track = one.aligned, one.track
        flipped = replace(
            aligned,
            difference=aligned.difference[:, :, ::-1],
            light=aligned.light[:, :, ::-1],
            **{f.name: getattr(aligned, f.name)[..., ::-1] for f in fields(Aligned)[2:]},
        )
        back = track.back[:, ::-1] * np.array([-1, 1], np.float32)
        track = Track(back, track.sure[:, ::-1].copy())
        return Half(flipped, one.wrong[:, ::-1].copy(), one.truth[:, ::-1].copy(), track, one.scale)

    return [turned(one) for one in sample]


def warped(pictures: torch.Tensor, back: torch.Tensor) -> torch.Tensor:
    """`flow.warp` for tensors: (B, C, h, w) sampled `back` (B, h, w, 2) px from each pixel."""
    h, w = back.shape[1:3]
    y, x = torch.meshgrid(torch.arange(h), torch.arange(w), indexing="ij")
    at = (torch.stack([x, y], -1) + back) * 2 / torch.tensor([w - 1, h - 1]) - 1
    return grid_sample(pictures, at, mode="bilinear", padding_mode="border", align_corners=True)
