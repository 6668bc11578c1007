"""A relighter of toy size with random weights, and conditions to run it on: the real code path in seconds."""

import numpy as np
import torch

from relamp.core.light.backdrop import camera_rays
from relamp.core.light.environment import AP1_LUMINANCE, directions
from relamp.core.light.irradiance import Light
from relamp.core.relighter.own.conditions import build
from relamp.core.relighter.own.denoiser import Architecture, Network
from relamp.core.relighter.own.light_tables import LightTables

SMALL = Architecture(
    channels=(32, 32, 32), tokens=2, token_width=32, hidden=32, refiner=8, intrinsic_channels=(32, 32, 32)
)


def network(seed=0, awake=True):
    """A toy network; `awake` lets its silenced last layers say something."""
    torch.manual_seed(seed)
    made = Network(SMALL).eval().requires_grad_(False)
    if awake:
        for layer in (made.denoiser.refiner[-1], made.intrinsic.unet.conv_out):
            torch.nn.init.normal_(layer.weight, std=0.1)
    return made


def environment(toward=(1.0, 0.0, 0.0), strength=20.0):
    """A soft lobe of light over a dim sphere, (32, 64, 3)."""
    d = directions(32, 64)
    lobe = np.exp(12 * (d @ np.float32(toward) - 1))[..., None]
    return (0.2 + strength * lobe * np.float32([1, 0.9, 0.7])).astype(np.float32)


def tables(pixels):
    """Tables of a map."""
    return LightTables.of(pixels, Light.of(pixels, np.array(AP1_LUMINANCE)))


def ball(height=48, width=48):
    """Light (h, w, 3), matte (h, w) and normals (h, w, 3) of a ball."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    x, y = (x + 0.5) / width * 2.4 - 1.2, 1.2 - (y + 0.5) / height * 2.4
    inside = x * x + y * y < 1
    z = np.sqrt(np.maximum(1 - x * x - y * y, 0))
    normals = np.where(inside[..., None], np.stack([x, y, z], -1), np.float32([0, 0, 1])).astype(np.float32)
    light = np.where(inside[..., None], 0.1 + 0.3 * z[..., None], 0).astype(np.float32).repeat(3, -1)[..., :3]
    return light, inside.astype(np.float32), normals


def conditions(target=None, source=None, *, size=(48, 48), given=True, to_map=None):
    """Conditions of a ball under a light from the right."""
    light, matte, normals = ball(*size)
    turn = np.eye(3) if to_map is None else to_map
    return build(
        light,
        matte,
        camera_rays(size[1], size[0]),
        (target or tables(environment()), turn),
        normals=normals if given else None,
        known=np.ones(matte.shape, bool) if given else None,
        source=None if source is None else (source, np.eye(3)),
    )
