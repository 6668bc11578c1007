"""Losses that look at light: log residual, what a display shows, both coarser and coarser, and the level."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import torch
from torch.nn.functional import adaptive_avg_pool2d

from ..core.light.reflection import ROUGHNESSES
from ..core.pictures.curves import encode_log_tensor
from ..core.relighter.own.denoiser import Intrinsics, Network
from ..core.relighter.own.sampling import SPREAD
from .dataset import Batch

EPSILON = 0.002  # as in the law of the gain, at the proxy's exposure
LARGEST = 4.0  # natural logs a residual is asked to correct, either way
ROUNDING = 0.05  # of the robust loss, natural logs: below it errors count quadratically
COARSE = ((40, 0.5), (20, 0.75), (10, 1.0))  # cells a side, and how much they count
DISPLAY, DECIBEL, LEVEL, NORMALS, ALBEDO, SURFACE, RETURN = 8.0, 0.15, 0.5, 0.5, 0.25, 1.0, 0.5
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


def return_loss(network: Network, relit: torch.Tensor, batch: Batch) -> dict[str, torch.Tensor]:
    """The loss of a batch relit, (B, 3, h, w) anchored light, that is relit once more with the first light, by name.

    The way back starts from what the network itself made and knows both lights; it has to end at the plate.
    """
    c = batch.conditions
    everywhere, nowhere = torch.ones_like(c.source_known), torch.zeros_like(c.background_known)
    back = replace(
        c,
        code=encode_log_tensor(relit),
        target=c.source,
        source=c.target,
        source_known=everywhere,
        background_known=nowhere,
    )
    with torch.no_grad():
        f = network.told(back, network.see(back))
    f = replace(f, planes=torch.cat([back.code, f.planes[:, 3:]], dim=1))  # the first way learns from the second
    residual = network.denoiser(f, torch.zeros_like(f.hint), torch.ones_like(c.source_known))
    off = true_gain(batch.plate, apply_gain(relit, f.hint + residual))
    trusted = _trusted(batch)
    return {"return": RETURN * (_mean(_robust(off), trusted) + _robust(_overall(off, trusted)).mean())}


def surface_loss(lobes: torch.Tensor, batch: Batch) -> dict[str, torch.Tensor]:
    """The loss of the lobes seen in a batch, (B, LOBES, h, w) logs: their Kullback-Leibler divergence, by name."""
    true = true_lobes(batch.surface)
    divergence = (true * (true.clamp_min(1e-6).log() - lobes)).sum(1, keepdim=True)
    return {"surface": SURFACE * _mean(divergence, _trusted(batch))}


def true_lobes(surface: torch.Tensor) -> torch.Tensor:
    """How a surface reflects, (B, LOBES, h, w) shares that sum to 1, of its specular share and roughness, (B, 2, h, w)."""
    share, roughness = surface.split(1, dim=1)
    # Between two of the roughnesses, a part of each; beyond the last, the last.
    steps = list(pairwise(ROUGHNESSES))
    place = torch.cat([((roughness - a) / (b - a)).clamp(0, 1) for a, b in steps], dim=1).sum(1, keepdim=True)
    at = torch.arange(len(ROUGHNESSES), device=surface.device)[:, None, None]
    return torch.cat([1 - share, share * (1 - (place - at).abs()).clamp_min(0)], dim=1)


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
