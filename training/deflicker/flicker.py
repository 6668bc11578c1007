"""What a frame-wise relighter does wrong from frame to frame: flicker to be put into steady clips, as a log gain."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from .clips import Clip, noise, smooth_step

Injector = Callable[[np.random.Generator, Clip], np.ndarray]
NONE = 0.34
"""Share of the clips that hold true changes and nothing else."""


def flicker(rng: np.random.Generator, clip: Clip) -> np.ndarray:
    """Flicker of one to three kinds at once, (F, h, w, 3) log gain; zeros for a third of the clips."""
    shape = clip.code.shape
    if rng.random() < NONE:
        return np.zeros(shape, np.float32)
    kinds = rng.choice(len(KINDS), int(rng.integers(1, 4)), replace=False)
    total = sum(_loud(rng) * KINDS[k](rng, clip) for k in kinds)
    return np.asarray(total, np.float32)


def breath(rng: np.random.Generator, frames: int, *size: int, held: float | None = None) -> np.ndarray:
    """Unit noise (frames, *size) correlated by `held` from frame to frame; None is 0 in half of the cases, else up to 0.95."""
    if held is None:
        held = 0.0 if rng.random() < 0.5 else rng.uniform(0, 0.95)
    steps = rng.standard_normal((frames, *size))
    for t in range(1, frames):
        steps[t] = held * steps[t - 1] + np.sqrt(1 - held * held) * steps[t]
    return steps.astype(np.float32)


def gain(rng: np.random.Generator, clip: Clip) -> np.ndarray:
    """The level of whole frames, and a little of their tint."""
    frames = len(clip.code)
    level = breath(rng, frames, 1) + rng.uniform(0, 0.6) * breath(rng, frames, 3)
    return np.broadcast_to(level[:, None, None], clip.code.shape)


def breathing(rng: np.random.Generator, clip: Clip, held: float | None = None) -> np.ndarray:
    """The level of whole frames, slowly: correlated by `held` from frame to frame, by 0.8 to 0.95 when None."""
    held = rng.uniform(0.8, 0.95) if held is None else held
    return np.broadcast_to(breath(rng, len(clip.code), 1, held=held)[:, None, None], clip.code.shape)


def table(rng: np.random.Generator, clip: Clip) -> np.ndarray:
    """Gamma and tone tables: a gain that depends on how bright the picture, or its relight, is."""
    bright = (clip.code if rng.random() < 0.5 else clip.hint + clip.steady).mean(-1)
    low, high = np.quantile(bright, (0.05, 0.95))
    place = np.clip((bright - low) / max(float(high - low), 1e-3), 0, 1) * 2 - 1
    knots = int(rng.integers(2, 5))
    heights = breath(rng, len(bright), knots)
    curves = [np.interp(p, np.linspace(-1, 1, knots), h) for p, h in zip(place, heights, strict=True)]
    return np.broadcast_to(np.stack(curves)[..., None], clip.code.shape)


def field(rng: np.random.Generator, clip: Clip) -> np.ndarray:
    """Low-frequency fields that drift over the picture and change as they do."""
    frames, h, w, _ = clip.code.shape
    rows = int(rng.integers(2, 7))
    grid = breath(rng, frames, rows, rows + 1, 3 if rng.random() < 0.4 else 1)
    drift = rng.normal(0, 1.5, 2)
    fields = []
    for t in range(frames):
        big = cv2.resize(grid[t], (w, h), interpolation=cv2.INTER_CUBIC)
        move = np.array([[1, 0, drift[0] * t], [0, 1, drift[1] * t]], np.float32)
        fields.append(cv2.warpAffine(big, move, (w, h), borderMode=cv2.BORDER_REFLECT))
    return np.broadcast_to(np.stack(fields).reshape(frames, h, w, -1), clip.code.shape)


def blobs(rng: np.random.Generator, clip: Clip) -> np.ndarray:
    """Soft-edged patches that wander and shine as they like."""
    frames, h, w, _ = clip.code.shape
    x, y = np.meshgrid(np.arange(w, dtype=np.float32), np.arange(h, dtype=np.float32))
    total = np.zeros(clip.code.shape, np.float32)
    for _ in range(int(rng.integers(1, 5))):
        place, speed = rng.uniform((0, 0), (w, h)), rng.normal(0, 2.5, 2)
        radius, soft = 10 ** rng.uniform(0.7, 1.5), rng.uniform(0.3, 1.5)
        loud = breath(rng, frames, 3) * rng.uniform(0, 0.4) + breath(rng, frames, 1)
        for t in range(frames):
            far = np.hypot(x - place[0] - speed[0] * t, y - place[1] - speed[1] * t) / radius
            total[t] += smooth_step(1 - far, soft)[..., None] * loud[t]
    return total


def pop(rng: np.random.Generator, clip: Clip) -> np.ndarray:
    """One frame that is off, all of it or a smooth part."""
    frames, h, w, _ = clip.code.shape
    total = np.zeros(clip.code.shape, np.float32)
    at = int(rng.integers(1, frames - 1)) if rng.random() < 0.6 else int(rng.integers(3, 5))
    off = rng.standard_normal(3) * 0.4 + rng.standard_normal()
    where = np.ones((h, w), np.float32)
    if rng.random() < 0.5:
        where = smooth_step(noise(rng, (h, w), rng.uniform(15, 60)), 0.6)
    total[at] = 1.5 * where[..., None] * off
    return total


def seething(rng: np.random.Generator, clip: Clip) -> np.ndarray:
    """Noise of a few pixels, another one every frame: what a network makes of grain."""
    frames, h, w, _ = clip.code.shape
    cell = 2 ** rng.uniform(1, 3.5)
    return np.stack([noise(rng, (h, w), cell)[..., None] * rng.uniform(0.6, 1.4, 3) for _ in range(frames)])


def thing(rng: np.random.Generator, clip: Clip) -> np.ndarray:
    """The level of what the matte holds, or of what faces one way, apart from the rest."""
    frames = len(clip.code)
    which = clip.truth if rng.random() < 0.5 else smooth_step(clip.hint.mean(-1) - np.median(clip.hint), 0.5)
    return which[..., None] * (breath(rng, frames, 1, 1, 1) + 0.3 * breath(rng, frames, 1, 1, 3))


KINDS: tuple[Injector, ...] = (
    gain, gain, breathing, breathing, table, field, field, field, blobs, blobs, blobs, blobs, pop, seething, thing
)  # fmt: skip
"""The whole picture's gain twice, since that is what relighters do most, fields and patches more often: they are hardest."""


def _loud(rng: np.random.Generator) -> float:
    return float(np.exp(rng.uniform(np.log(0.015), np.log(0.3))))
