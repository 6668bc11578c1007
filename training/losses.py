"""Losses that look at light: log residual, what a display shows, both coarser and coarser, and the level."""

from __future__ import annotations

import torch
from torch.nn.functional import adaptive_avg_pool2d

from ..core.relighter.denoiser import Intrinsics
from ..core.relighter.sampling import SPREAD
from .dataset import Batch

EPSILON = 0.002  # as in the law of the gain, at the proxy's exposure
LARGEST = 4.0  # natural logs a residual is asked to correct, either way
ROUNDING = 0.05  # of the robust loss, natural logs: below it errors count quadratically
COARSE = ((40, 0.5), (20, 0.75), (10, 1.0))  # cells a side, and how much they count
DISPLAY, DECIBEL, LEVEL, NORMALS, ALBEDO = 8.0, 0.15, 0.5, 0.5, 0.25
BLACK = 0.02  # albedo, below which it does not matter how black a surface is


def true_gain(plate: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """The log gain that the law of the gain needs to bring `plate` to `target`, both (B, 3, h, w) anchored light."""
    p, t = plate.clamp_min(0), target.clamp_min(0)
    return ((t + EPSILON) / (p + EPSILON)).log()


def apply_gain(plate: torch.Tensor, gain: torch.Tensor) -> torch.Tensor:
    """The plate relit: exp(g) p + e (exp(g) - 1) where light is added, exp(g) p where it is taken."""
    more = gain.clamp(-8, 8).exp()
    return more * plate.clamp_min(0) + EPSILON * (more - 1).clamp_min(0)


def display(light: torch.Tensor, exposure: torch.Tensor) -> torch.Tensor:
    """Scene-linear light as a display shows it, with a knee instead of a clip so that what is bright still teaches."""
    x = (light * exposure[:, None, None, None]).clamp_min(0)
    shown = (x + 1e-4) ** (1 / 2.2)
    return torch.where(x < 1, shown, 1 + (shown - 1) * 0.3)


def loss(predicted: torch.Tensor, hint: torch.Tensor, batch: Batch) -> dict[str, torch.Tensor]:
    """The parts of the loss of a batch's residuals over `hint`, both (B, 3, h, w) in natural logs, by name."""
    weight, trusted = batch.truth, _trusted(batch)
    wanted = (true_gain(batch.plate, batch.target) - hint).clamp(-LARGEST, LARGEST)
    error = predicted - wanted
    parts = {"log": _mean(_robust(error), trusted)}
    relit = apply_gain(batch.plate, hint + predicted)
    off = display(relit, batch.exposure) - display(batch.target, batch.exposure)
    squared = ((off**2) * weight).sum((2, 3)).mean(1) / weight.sum((1, 2, 3)).clamp_min(1e-3)
    parts["display"] = DISPLAY * squared.mean()
    # In decibels a small error counts as much as a large one, so that what is told both lights keeps learning.
    parts["decibel"] = DECIBEL * (squared + 1e-3).log().mean()
    for cells, share in COARSE:
        if cells < error.shape[-1]:
            mass = adaptive_avg_pool2d(trusted, cells)
            pooled = adaptive_avg_pool2d(error * trusted, cells) / mass.clamp_min(1e-4)
            parts[f"log{cells}"] = share * _mean(_robust(pooled), mass)
    parts["level"] = LEVEL * _robust(_overall(error, trusted)).mean()
    return parts


def intrinsic_loss(seen: Intrinsics, batch: Batch) -> dict[str, torch.Tensor]:
    """The parts of the loss of what the intrinsic net makes of a batch's plates, by name."""
    trusted = _trusted(batch)
    cosine = 1 - (seen.normals * batch.normals).sum(1, keepdim=True)
    off = seen.log_albedo - batch.albedo.clamp_min(BLACK).log()
    # The mean tells the level of the light, so it counts as much as all detail.
    albedo = _mean(_robust(off), trusted) + _robust(_overall(off, trusted)).mean()
    return {"normals": NORMALS * _mean(cosine, batch.truth), "albedo": ALBEDO * albedo}


def clean_residual(hint: torch.Tensor, batch: Batch) -> torch.Tensor:
    """The residual that noise is added to, (B, 3, h, w): bounded, and zero outside the subject."""
    wanted = true_gain(batch.plate, batch.target) - hint
    return wanted.clamp(-4 * SPREAD, 4 * SPREAD) * batch.truth


def _trusted(batch: Batch) -> torch.Tensor:
    """The truth's weight, less where the plate is nearly black: there a gain is mostly noise."""
    return batch.truth * (batch.plate.clamp_min(0).mean(1, keepdim=True) / 0.01).clamp(0.05, 1)


def _overall(error: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """The mean over each subject, (B, 3)."""
    return (error * weight).sum((2, 3)) / weight.sum((2, 3)).clamp_min(1e-4)


def _robust(error: torch.Tensor) -> torch.Tensor:
    return (error**2 + ROUNDING**2).sqrt() - ROUNDING


def _mean(values: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """The mean over pixels and channels under a weight (B, 1, h, w), each sample counting alike."""
    summed = (values * weight).sum((2, 3)) / weight.sum((2, 3)).clamp_min(1e-3)
    return summed.mean()
