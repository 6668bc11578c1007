"""The noise levels of the residual, and the loop that denoises it.

A variance-preserving cosine schedule (Nichol & Dhariwal 2021) with a continuous level t from 0 (clean) to 1 (noise
alone), clean-signal prediction and deterministic DDIM steps (Song et al. 2021). The network's input is not the noisy
signal but its Wiener estimate, which goes to zero with the signal. At t = 1 it is zero, so the first prediction is the mean
and does not depend on the noise. The result of one step is that mean.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

SPREAD = 0.5  # standard deviation of residuals, natural logs


def signal_and_noise(level: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The factors of signal and noise at levels of any shape, 0 to 1."""
    return torch.cos(level * torch.pi / 2), torch.sin(level * torch.pi / 2)


def wiener(noisy: torch.Tensor, level: torch.Tensor) -> torch.Tensor:
    """The linear estimate of the residual from `noisy`, (B, 3, h, w), at levels (B,)."""
    signal, noise = (x[:, None, None, None] for x in signal_and_noise(level))
    estimate = noisy * signal / (signal**2 + noise**2 / SPREAD**2).clamp_min(1e-8)
    return torch.where(level[:, None, None, None] >= 1, torch.zeros_like(estimate), estimate)


def add_noise(residual: torch.Tensor, noise: torch.Tensor, level: torch.Tensor) -> torch.Tensor:
    """The residual mixed with unit noise of the same shape, at levels (B,)."""
    signal, amount = (x[:, None, None, None] for x in signal_and_noise(level))
    return signal * residual + amount * noise


def sample(
    predict: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    noise: torch.Tensor,
    steps: int,
    on_step: Callable[[int, torch.Tensor], None] | None = None,
) -> torch.Tensor:
    """Denoise a residual.

    Args:
        predict: from a Wiener estimate (B, 3, h, w) and levels (B,) to the clean residual.
        noise: (B, 3, h, w) unit noise; the same for every frame of a shot. One step does not depend on it.
        steps: number of denoising steps; 1 gives the mean.
        on_step: called with each step's number and prediction.
    """
    levels = torch.linspace(1, 0, steps + 1, device=noise.device)
    noisy, clean = noise, torch.zeros_like(noise)
    for step in range(steps):
        here = levels[step].expand(len(noise))
        clean = predict(wiener(noisy, here), here)
        if on_step is not None:
            on_step(step, clean)
        signal, amount = signal_and_noise(here[:, None, None, None])
        left = (noisy - signal * clean) / amount.clamp_min(1e-6)
        noisy = add_noise(clean, left, levels[step + 1].expand(len(noise)))
    return clean
