"""The plate's own light where it is not known: its brightness as a function of the normal, measured in the plate.

The colour of a light cannot be separated from that of the surfaces, and cameras are white-balanced, so the light is taken as
white. Its first order can be measured: one smooth change of brightness with the normal. It is fitted to the log luminance of the
subject, robustly, so that dark hair and bright shirts have little influence, and most of the fit is used.
"""

from __future__ import annotations

import torch

BELIEVED = 0.8  # share of the fit that is taken as light; the rest may be surfaces with different albedo by normal
ROUNDS = 12
LEAST_ERROR = 0.15  # natural logs; pixels nearer to the fit all have the same weight
RIDGE = 0.05
CLIPPED = 0.98  # quantile of luminance above which pixels are taken as clipped or as highlights
DARKEST = 0.004  # in the proxy's exposure, where middle grey is 0.18; darker pixels are noise


def log_light_by_facing(light: torch.Tensor, normals: torch.Tensor, matte: torch.Tensor) -> torch.Tensor:
    """The log of the plate's own light on each pixel, (B, 1, h, w), with mean 0 over the matte; 0 where the matte is empty.

    Args:
        light: (B, 1, h, w) luminance of the proxy.
        normals: (B, 3, h, w) unit. matte: (B, 1, h, w), 0 to 1.
    """
    return torch.cat([_fit(*one) for one in zip(light.split(1), normals.split(1), matte.split(1), strict=True)])


def _fit(luminance: torch.Tensor, normals: torch.Tensor, matte: torch.Tensor) -> torch.Tensor:
    inside = matte[0, 0] > 0.5
    if int(inside.sum()) < 16:
        return torch.zeros_like(matte)
    values = luminance[0, 0][inside]
    use = values <= torch.quantile(values, CLIPPED)
    log = values[use].clamp_min(DARKEST).log().double()
    facing = normals[0, :, inside].T[use].double()
    basis = torch.cat([torch.ones_like(log)[:, None], facing], dim=1)
    ridge = torch.diag(log.new_tensor([1e-6, RIDGE, RIDGE, RIDGE])) * len(log)
    weight, slope = torch.ones_like(log), log.new_zeros(4)
    for _ in range(ROUNDS):
        weighted = basis * weight[:, None]
        slope = torch.linalg.solve(basis.T @ weighted + ridge, weighted.T @ log)
        weight = 1 / (log - basis @ slope).abs().clamp_min(LEAST_ERROR)
    fitted = BELIEVED * torch.einsum("k,bkhw->bhw", slope[1:].float(), normals)[:, None]
    return fitted - (fitted * matte).sum() / matte.sum()
