"""Views lit while training: any light on the open directions of each pixel, with a bounce, scattering and gloss. torch, on
any device.

Light is a set of spherical Gaussians: soft ones that make up a sky, and lamps with bits of their own. What is matte sums
the light of
the open directions; what is glossy reads the same Gaussians along the mirrored ray, widened by its roughness (Wang et al.
2009).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch.nn.functional import avg_pool2d, interpolate

from .mesh import CLOTH, EYE, HAIR, SKIN
from .view import DIRECTIONS, LAMPS, PER_LAMP, SKY

LOBES = 7  # soft lights of a sky
LUMINANCE = (0.2722, 0.6741, 0.0537)  # of the working space (AP1)


@dataclass
class Views:
    """B views as tensors: `normals` (B, 3, S, S), `matte` (B, 1, S, S), `part` (B, 1, S, S) long, `colour` (B, 3, S, S) linear,
    `roughness`, `metallic`, `relief` (B, 1, S, S), `open` (B, S S, DIRECTIONS) 0 or 1, `directions` (B, DIRECTIONS, 3),
    `pixel` (B,)."""

    normals: torch.Tensor
    matte: torch.Tensor
    part: torch.Tensor
    colour: torch.Tensor
    roughness: torch.Tensor
    metallic: torch.Tensor
    relief: torch.Tensor
    open: torch.Tensor
    directions: torch.Tensor
    pixel: torch.Tensor

    @classmethod
    def of(cls, stored: dict[str, torch.Tensor]) -> Views:
        """From the arrays of a shard, (B, …), as they are stored."""

        def planes(name: str) -> torch.Tensor:
            value = stored[name].float()
            return value.permute(0, 3, 1, 2).contiguous() if value.dim() == 4 else value[:, None]

        bits = stored["open"].flatten(1, 2)  # B, S S, DIRECTIONS / 8
        each = torch.arange(8, device=bits.device, dtype=torch.uint8)
        open_ = ((bits[..., None] >> each) & 1).flatten(2)[..., :DIRECTIONS]
        return cls(
            planes("normals") / 127, planes("matte") / 255, planes("part").long(), (planes("colour") / 255) ** 2,
            planes("roughness") / 255, planes("metallic") / 255, planes("relief"), open_, stored["directions"].float(),
            stored["pixel"].float()[:, 0],
        )  # fmt: skip


@dataclass
class Light:
    """Of B views: soft lights `axis` (B, L, 3), `sharpness` (B, L), `colour` (B, L, 3); lamps' `lamp` (B, LAMPS, 3)
    irradiances."""

    axis: torch.Tensor
    sharpness: torch.Tensor
    colour: torch.Tensor
    lamp: torch.Tensor


class Draw:
    """Random numbers of one shape from one generator."""

    def __init__(self, generator: torch.Generator, device: torch.device) -> None:
        self._generator, self._device = generator, device

    def uniform(self, low: float, high: float, *shape: int) -> torch.Tensor:
        """Even between two numbers."""
        return low + (high - low) * torch.rand(*shape, generator=self._generator, device=self._device)

    def normal(self, mean: float, spread: float, *shape: int) -> torch.Tensor:
        """Gaussian."""
        return mean + spread * torch.randn(*shape, generator=self._generator, device=self._device)

    def chance(self, probability: float, *shape: int) -> torch.Tensor:
        """0 or 1, float."""
        return (self.uniform(0, 1, *shape) < probability).float()


def draw_light(draw: Draw, count: int) -> Light:
    """Skies, rooms and lamps: from overcast to one hard lamp in the dark, white, warm and cold, and coloured."""
    axis = _unit(draw.normal(0, 1, count, LOBES, 3) + torch.tensor([0, 0.35, 0.3], device=draw._device))
    up = _unit(
        draw.normal(0, 0.25, count, 3) * torch.tensor([1, 0.2, 1.0], device=draw._device)
        + torch.tensor([0, 1.0, 0], device=draw._device)
    )
    axis[:, 0], axis[:, 1] = up, -up
    sharpness = torch.exp(draw.uniform(math.log(1.2), math.log(30), count, LOBES))
    sharpness[:, 0], sharpness[:, 1] = draw.uniform(0.3, 2.5, count), draw.uniform(0.3, 2, count)
    strength = torch.exp(draw.normal(0, 0.9, count, LOBES)) * (0.4 + sharpness / 8) * draw.chance(0.45, count, LOBES)
    ambient = torch.exp(draw.normal(-0.2, 0.8, count))
    strength[:, 0], strength[:, 1] = ambient, ambient * torch.exp(draw.uniform(-2.5, 0.4, count))
    # One picture in six has next to no sky: what its lamps do not reach is dark.
    dark = 1 - draw.chance(0.17, count) * draw.uniform(0.6, 0.97, count)
    strength = strength * dark[:, None]
    vivid = draw.chance(0.22, count)  # pictures whose lights have colours
    colour = strength[..., None] * _tints(draw, vivid, count, LOBES)
    mean = (strength / (0.4 + sharpness)).sum(1).clamp_min(0.05)
    on = torch.stack([draw.chance(p, count) for p in (0.72, 0.35, 0.15)], 1)
    lamp = torch.exp(draw.normal(0.55, 0.9, count, LAMPS)) * mean[:, None] * on / dark[:, None]
    return Light(axis, sharpness, colour, lamp[..., None] * _tints(draw, vivid, count, LAMPS))


def _tints(draw: Draw, vivid: torch.Tensor, count: int, lights: int) -> torch.Tensor:
    """(count, lights, 3) of luminance about 1: along the line from tungsten to blue sky, off it a little, and vivid ones."""
    warm = draw.normal(0, 0.16, count, lights, 1) * torch.tensor([1.0, 0.05, -1.0], device=draw._device)
    off = draw.normal(0, 0.04, count, lights, 3)
    strong = draw.normal(0, 0.75, count, lights, 3) * vivid[:, None, None] * draw.chance(0.6, count, lights, 1)
    tint = torch.exp(warm + off + strong)
    return tint / (tint @ torch.tensor(LUMINANCE, device=tint.device))[..., None]


def shade(views: Views, light: Light, draw: Draw) -> tuple[torch.Tensor, torch.Tensor]:
    """The picture (B, 3, S, S) of the views in a light, and what a white matte surface there would read."""
    batch, _, height, width = views.normals.shape
    soft, lamps = _radiance(light, views.directions)
    weight = torch.cat([soft * (4 / SKY), (light.lamp / PER_LAMP).repeat_interleave(PER_LAMP, 1)], 1)  # B, D, 3
    normals = views.normals.flatten(2).transpose(1, 2)  # B, P, 3
    cosine = torch.bmm(normals, views.directions.transpose(1, 2)).clamp_min(0)
    reached = cosine * views.open
    unhidden = torch.bmm(cosine, weight)
    lit = torch.bmm(reached, weight)
    share = reached[..., :SKY].sum(-1) / cosine[..., :SKY].sum(-1).clamp_min(1e-4)
    there = views.matte.flatten(2).transpose(1, 2)
    mean = (unhidden * there).sum(1, keepdim=True) / there.sum(1, keepdim=True).clamp_min(1)
    back = (views.colour.flatten(2).transpose(1, 2) * there).sum(1, keepdim=True) / there.sum(
        1, keepdim=True
    ).clamp_min(1)
    back = 0.5 * (back + back.mean(-1, keepdim=True))  # what stands around has half of the subject's own colours
    bounce = draw.uniform(0.5, 1.4, batch, 1, 1) * back.clamp(0.05, 0.7)
    irradiance = lit + bounce * (1 - share[..., None]) * mean + 0.01 * mean
    plane = irradiance.transpose(1, 2).reshape(batch, 3, height, width)
    skin = (views.part == SKIN).float()
    scattered = _scattered(plane, views, draw)
    diffuse = plane + (scattered - plane) * skin
    gloss = _gloss(views, light, lamps, share, draw)
    metal = views.metallic
    specular = 0.04 + (views.colour - 0.04) * metal
    fresnel = specular + (1 - specular) * (1 - views.normals[:, 2:].clamp(0, 1)) ** 5 * (1 - views.roughness) ** 2
    strength = torch.ones_like(metal) * draw.uniform(0.4, 1.3, batch, 1, 1, 1)
    for part, low, high in ((SKIN, 0.4, 1.6), (HAIR, 0.5, 2.5), (CLOTH, 0.0, 0.6), (EYE, 0.8, 1.6)):
        strength = torch.where(views.part == part, draw.uniform(low, high, batch, 1, 1, 1), strength)
    picture = views.colour * diffuse * (1 - metal) + fresnel * gloss * torch.where(metal > 0.5, 1.0, strength)
    return picture, plane


def _radiance(light: Light, directions: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The soft lights' radiance along the sky's directions (B, SKY, 3), and where each lamp is (B, LAMPS, 3)."""
    sky = directions[:, :SKY]
    toward = torch.bmm(sky, light.axis.transpose(1, 2))  # B, SKY, L
    soft = torch.bmm(torch.exp(light.sharpness[:, None] * (toward - 1)), light.colour)
    return soft, _unit(directions[:, SKY:].unflatten(1, (LAMPS, PER_LAMP)).mean(2))


def _gloss(views: Views, light: Light, lamps: torch.Tensor, share: torch.Tensor, draw: Draw) -> torch.Tensor:
    """What is mirrored, (B, 3, S, S), by a surface that gives all of it back."""
    batch, _, height, width = views.normals.shape
    n = views.normals
    mirrored = torch.cat([2 * n[:, :1] * n[:, 2:], 2 * n[:, 1:2] * n[:, 2:], 2 * n[:, 2:] ** 2 - 1], 1)
    mirrored = mirrored.flatten(2).transpose(1, 2)  # B, P, 3
    rough = views.roughness.flatten(1).clamp(0.08, 1)
    own = (0.5 / rough**4).clamp(0.8, 400)[..., None]  # sharpness of the lobe around the mirrored ray
    soft = light.sharpness[:, None]
    wide = soft * own / (soft + own)
    toward = torch.bmm(mirrored, light.axis.transpose(1, 2))
    sky = torch.bmm(torch.exp(wide * (toward - 1)) * (wide / soft), light.colour)
    sky = sky * share[..., None]
    lobe = own.clamp_max(120)
    near = torch.exp(lobe * (torch.bmm(mirrored, lamps.transpose(1, 2)) - 1)) * lobe / (2 * math.pi) * math.pi
    seen = views.open[..., SKY:].float().unflatten(2, (LAMPS, PER_LAMP)).mean(3)
    total = sky + torch.bmm(near * seen / math.pi, light.lamp)
    return total.transpose(1, 2).reshape(batch, 3, height, width)


def _scattered(plane: torch.Tensor, views: Views, draw: Draw) -> torch.Tensor:
    """Irradiance as it comes out of skin: spread by millimetres, red the most (d'Eon et al. 2007, roughly)."""
    there = (views.matte > 0.3).float()
    spreads = (draw.uniform(1.5, 5, len(plane)) * 1e-3 / views.pixel).clamp(0, 16)  # pixels, of red
    levels = [plane * there]
    for size in (3, 7, 15, 31):
        levels.append(_box(plane * there, size) / _box(there, size).clamp_min(0.05))
    stack = torch.stack(levels)  # 5, B, 3, S, S
    at = torch.log2(1 + spreads[:, None] * torch.tensor([1.0, 0.45, 0.3], device=plane.device)).clamp(0, 3.99)  # B, 3
    low = at.floor().long()
    b = torch.arange(len(plane), device=plane.device)[:, None]
    c = torch.arange(3, device=plane.device)[None]
    part = (at - low)[..., None, None]
    return stack[low, b, c] * (1 - part) + stack[low + 1, b, c] * part


def _box(planes: torch.Tensor, size: int) -> torch.Tensor:
    """The mean over size x size pixels, taken as black beyond the picture."""
    across = avg_pool2d(planes, (1, size), stride=1, padding=(0, size // 2))
    return avg_pool2d(across, (size, 1), stride=1, padding=(size // 2, 0))


def resized(planes: torch.Tensor, size: int) -> torch.Tensor:
    """(B, C, S, S) at another size: by area when it shrinks, else linear."""
    if planes.shape[-1] == size:
        return planes
    if planes.shape[-1] > size:
        return interpolate(planes, size=(size, size), mode="area")
    return interpolate(planes, size=(size, size), mode="bilinear", align_corners=False)


def _unit(vectors: torch.Tensor) -> torch.Tensor:
    return vectors / vectors.norm(dim=-1, keepdim=True).clamp_min(1e-6)
