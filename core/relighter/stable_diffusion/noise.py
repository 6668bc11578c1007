"""The noise of a run: functions of the step and the shape; no global random generator is used."""

from __future__ import annotations

from collections.abc import Callable

import torch

START = -1  # the step number of the noise a run begins with

# Unit noise of a step, `START` or 0, 1, 2 ..., in a shape.
Noise = Callable[[int, tuple[int, ...]], torch.Tensor]


def frame_noise(seed: int) -> Noise:
    """The same noise for every frame, at every step: shapes are (F, ...), and all F are equal. Noise that differs
    between frames would flicker.
    """

    def draw(step: int, shape: tuple[int, ...]) -> torch.Tensor:
        return _drawn(seed, step, (1, *shape[1:])).expand(shape)

    return draw


def clip_noise(seed: int) -> Noise:
    """Independent noise for every number of a clip, as video models are trained with."""
    return lambda step, shape: _drawn(seed, step, shape)


def light_a_video_noise(seed: int) -> Noise:
    """The noise of Light-A-Video's image relighter: the same for every frame in the beginning, independent within the steps."""

    def draw(step: int, shape: tuple[int, ...]) -> torch.Tensor:
        return (frame_noise if step == START else clip_noise)(seed)(step, shape)

    return draw


def _drawn(seed: int, step: int, shape: tuple[int, ...]) -> torch.Tensor:
    """Unit noise drawn on the CPU, so that every device has the same, from a generator for each step, so that no step
    depends on another.
    """
    mixed = (seed * 1_000_003 + step + 1) % 2**63
    return torch.randn(shape, generator=torch.Generator().manual_seed(mixed))
