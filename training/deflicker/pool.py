"""Batches for the deflicker head: a pool of clips whose motion is worked out once, new flicker every time one is drawn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
import torch

from ...core.temporal.align import RADIUS, Aligned, Aligner, Track, bring
from ...core.temporal.deflicker import as_planes
from . import own
from .clips import FRAMES, SHAPE, Clip, Sighted, make
from .flicker import NONE, flicker

MIDDLES = (RADIUS, FRAMES - 1 - RADIUS)
OWN = 0.25
"""Share of the samples that are what our own relighter leaves, where there are such clips."""


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
class _Followed:
    """A clip with the tracks of its two windows."""

    clip: Clip
    tracks: list[dict[int, Track]]

    @classmethod
    def of(cls, clip: Clip) -> _Followed:
        aligner, frames = Aligner(), sights(clip, clip.steady)
        return cls(clip, [aligner.tracks(frames[m - RADIUS : m + RADIUS + 1]) for m in MIDDLES])


def sights(clip: Clip, residual: np.ndarray) -> list[Sighted]:
    """The frames of a clip with other residuals."""
    rows = zip(clip.code, clip.matte, clip.hint, residual, strict=True)
    return [Sighted(*row) for row in rows]


class Pool:
    """Draws samples; all chance comes from one generator."""

    def __init__(self, seed: int, size: int, own_clips: Path | None) -> None:
        self.rng = np.random.default_rng(seed)
        self.size = size
        self.clips: list[_Followed] = []
        self.own = [_Followed.of(clip) for clip in own.load(own_clips)] if own_clips else []

    def batches(self, count: int, every: int = 4) -> Iterator[Batch]:
        """Endless batches of `count` samples; a new clip takes the place of an old one every so many, 0 for never."""
        while len(self.clips) < self.size:
            self.clips.append(_Followed.of(make(self.rng, SHAPE)))
        drawn = 0
        while True:
            drawn += 1
            if every and drawn % every == 0:
                self.clips[int(self.rng.integers(self.size))] = _Followed.of(make(self.rng, SHAPE))
            yield stack([self.draw() for _ in range(count)])

    def draw(self) -> list[Half]:
        """One sample."""
        rng = self.rng
        mine = bool(self.own) and rng.random() < OWN
        source = self.own if mine else self.clips
        followed = source[int(rng.integers(len(source)))]
        clip = followed.clip
        if clip.flicker is None:
            wrong = flicker(rng, clip)
        else:
            wrong = clip.flicker * (0.0 if rng.random() < NONE / 2 else rng.uniform(0.7, 1.5))
        frames = sights(clip, clip.steady + wrong)
        scale = float(np.abs(wrong[1:] - wrong[:-1]).mean())
        missing = _missing(rng)
        made = []
        for middle, tracks in zip(MIDDLES, followed.tracks, strict=True):
            kept = {o: t for o, t in tracks.items() if middle + o not in missing}
            aligned = bring(frames[middle - RADIUS : middle + RADIUS + 1], kept)
            made.append(Half(aligned, wrong[middle], clip.truth[middle], followed.tracks[1][-1], scale))
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
