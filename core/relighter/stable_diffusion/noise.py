"""Where a run's noise comes from: a callable of the step and the shape, never a global generator."""

from __future__ import annotations

from collections.abc import Callable

import torch

START = -1  # the step number of the noise a run begins with

# Unit noise of a step, `START` or 0, 1, 2 ..., in a shape.
Noise = Callable[[int, tuple[int, ...]], torch.Tensor]


def frame_noise(seed: int) -> Noise:
    """One noise for every frame, at every step: shapes are (F, ...), all F the same. What changes by frame flickers."""

    def draw(step: int, shape: tuple[int, ...]) -> torch.Tensor:
        return _drawn(seed, step, (1, *shape[1:])).expand(shape)

    return draw


def clip_noise(seed: int) -> Noise:
    """Noise of its own for every number of a clip, as video models are trained with."""
    return lambda step, shape: _drawn(seed, step, shape)


def light_a_video_noise(seed: int) -> Noise:
    """Light-A-Video's relighter: one noise for every frame to begin with, independent ones inside the steps."""

    def draw(step: int, shape: tuple[int, ...]) -> torch.Tensor:
        return (frame_noise if step == START else clip_noise)(seed)(step, shape)

    return draw


def _drawn(seed: int, step: int, shape: tuple[int, ...]) -> torch.Tensor:
    """On the CPU, so that every device sees the same; a generator a step, so that a step depends on no other."""
    mixed = (seed * 1_000_003 + step + 1) % 2**63
    return torch.randn(shape, generator=torch.Generator().manual_seed(mixed))
