"""Batches for the deflicker head: a pool of clips whose motion is worked out once, new flicker every time one is drawn.

Flicker is put in where the head works, in cells, and every draw is one of many that a clip could as well have been: mirrored,
upside down, backward in time, in other channels, with more or less contrast of light.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import torch
from torch.nn.functional import grid_sample

from ...core.temporal.align import NEIGHBOURS, RADIUS, Aligned, Aligner, Track, bring
from ...core.temporal.deflicker import as_planes
from ...core.temporal.flow import warp
from ...core.temporal.head import POOL, TINY, Cells, in_cells
from .clip_file import load
from .clips import FRAMES, SHAPE, Clip, Sighted, make
from .flicker import NONE, flicker

MIDDLES = (RADIUS, FRAMES - 1 - RADIUS)
OWN, FILMED = 0.1, 0.45
"""Shares of the samples that are what our own relighter leaves and clips off the light stage, where there are such clips."""


@dataclass(frozen=True)
class Motion:
    """From the pixels or cells of one frame to those of another: `back` (h, w, 2) in their own units, `sure` (h, w)."""

    back: np.ndarray
    sure: np.ndarray

    @classmethod
    def of(cls, track: Track) -> Motion:
        """Of cells, from a track of pixels."""
        return cls(coarse(track.back) / np.float32(POOL), coarse(track.sure))


@dataclass(frozen=True)
class Half:
    """One of a sample's two middles: its window in cells (numpy arrays, no T), what is wrong with its residual (h, w, 3) and
    where that counts (h, w)."""

    cells: Cells[np.ndarray]
    wrong: np.ndarray
    truth: np.ndarray


@dataclass(frozen=True)
class Sample:
    """Two neighbouring middles, the motion from the second to the first, and how strong the flicker is."""

    halves: tuple[Half, Half]
    motion: Motion
    scale: float


@dataclass
class Batch:
    """B samples, T = 2 B frames in the order a0 b0 a1 b1 ..., all in cells.

    cells: what the head decides on. wrong (T, 3, h, w): what is wrong with the middle residuals; truth (T, 1, h, w) where that
    counts; back (B, h, w, 2) cells from the second middle to the first and sure (B, 1, h, w) where that holds; scale (B,) how
    strong the flicker is.
    """

    cells: Cells[torch.Tensor]
    wrong: torch.Tensor
    truth: torch.Tensor
    back: torch.Tensor
    sure: torch.Tensor
    scale: torch.Tensor


@dataclass(frozen=True)
class Followed:
    """A clip with the motion around its two middles, `motions` by offset, and both windows as they are without flicker.

    `links` are the motions from the second middle to the first and from the first to the second.
    """

    clip: Clip
    motions: list[dict[int, Motion]]
    steady: list[Cells[np.ndarray]]
    truth: np.ndarray
    links: tuple[Motion, Motion]

    @classmethod
    def of(cls, clip: Clip) -> Followed:
        aligner, frames = Aligner(), sights(clip, clip.steady)
        windows = [frames[m - RADIUS : m + RADIUS + 1] for m in MIDDLES]
        tracks = [aligner.tracks(window) for window in windows]
        motions = [{offset: Motion.of(track) for offset, track in found.items()} for found in tracks]
        steady = [as_cells(bring(w, t)) for w, t in zip(windows, tracks, strict=True)]
        truth = np.stack([coarse(clip.truth[m]) for m in MIDDLES])
        return cls(clip, motions, steady, truth, (motions[1][-1], motions[0][1]))


def as_cells(aligned: Aligned) -> Cells[np.ndarray]:
    """A window in cells, as arrays without T."""
    planes = (torch.from_numpy(np.ascontiguousarray(p, np.float32)) for p in as_planes(aligned).values())
    return Cells(*(c[0].numpy() for c in in_cells(*planes)))


def coarse(picture: np.ndarray) -> np.ndarray:
    """(h, w) or (h, w, C) as means of POOL x POOL pixels."""
    height, width = picture.shape[:2]
    small = cv2.resize(picture, (width // POOL, height // POOL), interpolation=cv2.INTER_AREA)
    return small.reshape(height // POOL, width // POOL, *picture.shape[2:])


def sights(clip: Clip, residual: np.ndarray) -> list[Sighted]:
    """The frames of a clip with other residuals."""
    rows = zip(clip.code, clip.matte, clip.hint, residual, strict=True)
    return [Sighted(*row) for row in rows]


def sample(followed: Followed, wrong: np.ndarray, missing: set[int], contrast: float = 1.0) -> Sample:
    """A clip with flicker (F, h, w, 3) put in and without the frames of `missing`, its true light times `contrast`."""
    scale = float(np.abs(wrong[1:] - wrong[:-1]).mean())
    small = np.stack([coarse(np.ascontiguousarray(frame, np.float32)) for frame in wrong])
    first, second = (
        Half(_flickering(_contrasted(steady, contrast), motions, small, middle, missing), small[middle], truth)
        for steady, motions, middle, truth in zip(
            followed.steady, followed.motions, MIDDLES, followed.truth, strict=True
        )
    )
    return Sample((first, second), followed.links[0], scale)


def _contrasted(steady: Cells[np.ndarray], factor: float) -> Cells[np.ndarray]:
    louder = {name: np.float32(factor) * getattr(steady, name) for name in ("difference", "light", "edge")}
    return _each(steady, np.copy)._replace(**louder)


def _each(cells: Cells[np.ndarray], change: Callable[[np.ndarray], np.ndarray]) -> Cells[np.ndarray]:
    return Cells(*map(change, cells))


def _flickering(
    cells: Cells[np.ndarray], motions: dict[int, Motion], wrong: np.ndarray, middle: int, missing: set[int]
) -> Cells[np.ndarray]:
    """A window with flicker (F, h, w, 3), in cells, put into it: what is linear need not be aligned anew."""
    for i, offset in enumerate(NEIGHBOURS):
        if middle + offset in missing or offset not in motions:
            for planes in cells[:-1]:
                planes[i] = 0
        elif wrong.any():
            apart = warp(wrong[middle + offset], motions[offset].back) - wrong[middle]
            sure = cells.sure[i]
            cells.difference[i] += apart.transpose(2, 0, 1) * (sure / (sure + TINY))
    return cells


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

    def draw(self) -> Sample:
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
        contrast = float(np.exp(rng.normal(0, 0.5)))
        return varied(rng, followed, sample(followed, wrong, _missing(rng), contrast))


def stack(samples: Sequence[Sample]) -> Batch:
    """Samples as tensors."""
    halves = [half for one in samples for half in one.halves]
    stacked = (np.stack(planes) for planes in zip(*(half.cells for half in halves), strict=True))
    motions = [one.motion for one in samples]
    return Batch(
        cells=Cells(*(torch.from_numpy(planes) for planes in stacked)),
        wrong=torch.from_numpy(np.stack([half.wrong.transpose(2, 0, 1) for half in halves])),
        truth=torch.from_numpy(np.stack([half.truth[None] for half in halves])),
        back=torch.from_numpy(np.stack([motion.back for motion in motions])),
        sure=torch.from_numpy(np.stack([motion.sure[None] for motion in motions])),
        scale=torch.tensor([one.scale for one in samples], dtype=torch.float32),
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


def varied(rng: np.random.Generator, followed: Followed, drawn: Sample) -> Sample:
    """A sample as it could as well have been."""
    halves, motion = drawn.halves, drawn.motion
    if rng.random() < 0.5:  # backward in time
        first, second = (replace(half, cells=_each(half.cells, np.flipud)) for half in reversed(halves))
        halves = (first, second)
        motion = followed.links[1]
    rows, columns = (slice(None, None, -1 if rng.random() < 0.5 else 1) for _ in range(2))
    channels = rng.permutation(3)

    def turned(half: Half) -> Half:
        mixed = {name: getattr(half.cells, name)[:, channels] for name in ("difference", "light")}
        cells = half.cells._replace(**mixed)
        return Half(
            _each(cells, lambda planes: np.ascontiguousarray(planes[..., rows, columns])),
            np.ascontiguousarray(half.wrong[rows, columns][..., channels]),
            np.ascontiguousarray(half.truth[rows, columns]),
        )

    signs = np.array([columns.step, rows.step], np.float32)
    motion = Motion(
        np.ascontiguousarray(motion.back[rows, columns] * signs), np.ascontiguousarray(motion.sure[rows, columns])
    )
    first, second = (turned(half) for half in halves)
    return Sample((first, second), motion, drawn.scale)


def warped(pictures: torch.Tensor, back: torch.Tensor) -> torch.Tensor:
    """`flow.warp` for tensors: (B, C, h, w) sampled `back` (B, h, w, 2) from each pixel or cell."""
    h, w = back.shape[1:3]
    y, x = torch.meshgrid(torch.arange(h), torch.arange(w), indexing="ij")
    at = (torch.stack([x, y], -1) + back) * 2 / torch.tensor([w - 1, h - 1]) - 1
    return grid_sample(pictures, at, mode="bilinear", padding_mode="border", align_corners=True)
