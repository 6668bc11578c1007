"""Losses that look at light: log residual, what a display shows, both coarser and coarser, and the level."""

from __future__ import annotations

import torch
from torch.nn.functional import adaptive_avg_pool2d

from ..core.relighter.sampling import SPREAD
from .dataset import Batch

EPSILON = 0.002  # as in the law of the gain, at the proxy's exposure
LARGEST = 4.0  # natural logs a residual is asked to correct, either way
ROUNDING = 0.05  # of the robust loss, natural logs: below it errors count quadratically
COARSE = ((40, 0.5), (20, 0.75), (10, 1.0))  # cells a side, and how much they count
DISPLAY, DECIBEL, LEVEL, NORMALS = 8.0, 0.15, 0.5, 0.5


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


def loss(
    predicted: torch.Tensor, hint: torch.Tensor, seen: torch.Tensor, batch: Batch
) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """The whole loss of a batch and its parts by name.

    Args:
        predicted: (B, 3, h, w) residual over `hint`, natural logs.
        seen: (B, 3, h, w) unit normals of the net.
    """
    weight = batch.truth
    # Where the plate is nearly black a gain is mostly noise.
    trusted = weight * (batch.plate.clamp_min(0).mean(1, keepdim=True) / 0.01).clamp(0.05, 1)
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
    total = trusted.sum((2, 3)).clamp_min(1e-4)
    parts["level"] = LEVEL * _robust((error * trusted).sum((2, 3)) / total).mean()
    cosine = 1 - (seen * batch.normals).sum(1, keepdim=True)
    parts["normals"] = NORMALS * _mean(cosine, weight)
    return torch.stack(list(parts.values())).sum(), parts


def clean_residual(hint: torch.Tensor, batch: Batch) -> torch.Tensor:
    """The residual that noise is added to, (B, 3, h, w): bounded, and zero outside the subject."""
    wanted = true_gain(batch.plate, batch.target) - hint
    return wanted.clamp(-4 * SPREAD, 4 * SPREAD) * batch.truth


def _robust(error: torch.Tensor) -> torch.Tensor:
    return (error**2 + ROUNDING**2).sqrt() - ROUNDING


def _mean(values: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """The mean over pixels and channels under a weight (B, 1, h, w), each sample counting alike."""
    summed = (values * weight).sum((2, 3)) / weight.sum((2, 3)).clamp_min(1e-3)
    return summed.mean()
