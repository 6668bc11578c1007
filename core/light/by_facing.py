"""The plate's own light where nobody knows it: how bright it is by facing, read off the plate itself.

A picture cannot tell the colour of its light from that of its surfaces, and cameras are white-balanced: the light is taken for
white. What can be read is its first order, one smooth change of brightness with the normal. It is fitted to the log luminance
of the subject, robustly, so that dark hair and bright shirts have no say, and most of it is believed.
"""

from __future__ import annotations

import torch

BELIEVED = 0.8  # share of the fit that is light, not surfaces that are brighter where they face one way
ROUNDS = 12
LEAST_ERROR = 0.15  # natural logs: pixels nearer to the fit all count alike
RIDGE = 0.05
CLIPPED = 0.98  # quantile of luminance above which pixels are clipped or mirror the light
DARKEST = 0.004  # in the proxy's exposure, where middle grey is 0.18: what is darker is noise


def log_light_by_facing(light: torch.Tensor, normals: torch.Tensor, matte: torch.Tensor) -> torch.Tensor:
    """The log of the plate's own light on each pixel, (B, 1, h, w), its mean over the matte 0; 0 without a matte.

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
    weight = torch.ones_like(log)
    for _ in range(ROUNDS):
        weighted = basis * weight[:, None]
        slope = torch.linalg.solve(basis.T @ weighted + ridge, weighted.T @ log)
        weight = 1 / (log - basis @ slope).abs().clamp_min(LEAST_ERROR)
    fitted = BELIEVED * torch.einsum("k,bkhw->bhw", slope[1:].float(), normals)[:, None]
    return fitted - (fitted * matte).sum() / matte.sum()
