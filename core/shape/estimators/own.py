"""Relamp's own network of shape: normals, relief and albedo of a subject from one picture, and their expected error.

Weights are half-precision safetensors whose header holds the architecture and the origin of the weights.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import torch
from torch.nn.functional import interpolate, normalize

from ...errors import InputError
from ...pictures.curves import STRETCH
from ...weights import file
from ...weights.file import LICENCE, Loaded, write
from ..seen import PARTS
from .parts_network import PartsNetwork
from .shape_network import Shape, ShapeArchitecture, ShapeNetwork

SCHEMA = "relamp.shape/1"
SEEN = 320  # px, longer side of all pictures for the network; in the middle of the sizes of training
SHIPPED = Path(__file__).parents[1] / "weights" / "shape-1.safetensors"


def save(network: ShapeNetwork, path: Path, card: dict) -> None:
    """Write a network in half precision with its card (anything JSON holds) in the header."""
    about = {"schema": SCHEMA, "licence": LICENCE, "architecture": network.architecture.as_dict()}
    write(network, path, {**about, **card})


def load(path: Path = SHIPPED, device: str = "cpu") -> Loaded[ShapeNetwork]:
    """Load a network from its file, in float32, ready for `see`.

    Raises:
        InputError: the file is missing, damaged, not the one in its ledger, of another schema, or does not fit its
            own architecture.
    """
    if not path.is_file():
        raise InputError(f"the weights {path.name} are not in {path.parent}; reinstall Relamp, or use --backbone ratio")
    return file.load(path, SCHEMA, lambda architecture: ShapeNetwork(ShapeArchitecture.from_dict(architecture)), device)


class Seen(NamedTuple):
    """A shape and `parts` (B, 3, h, w): the shares of skin, hair and cloth; zeros where no network of parts looked."""

    shape: Shape
    parts: torch.Tensor


def see(network: ShapeNetwork, code: torch.Tensor, matte: torch.Tensor, parts: PartsNetwork | None = None) -> Seen:
    """The shape in pictures of any size, estimated at `SEEN` px so that it does not depend on that size.

    The results for each picture and its mirror image are averaged, so that a mirrored plate has the mirrored shape. `code` and
    `matte` are those of `ShapeNetwork.forward`; `parts` reads the features of this `network`.
    """
    size = height, width = int(matte.shape[-2]), int(matte.shape[-1])
    scale = SEEN / max(size)
    at = (max(1, round(height * scale)), max(1, round(width * scale)))
    small = _resized(code, at)
    shape, found = _with_mirror_image(network, parts, small, _resized(matte, at))
    # The enlarged plane is the removed light, which is smooth, so that the texture of the picture is kept.
    light = _resized(small * STRETCH - shape.log_albedo, size)
    normals, relief, doubt = (_resized(plane, size) for plane in (shape.normals, shape.relief, shape.doubt))
    large = Shape(normalize(normals, dim=1, eps=1e-4), relief, (code * STRETCH - light).clamp_max(0), doubt)
    return Seen(large, _resized(found, size) * (matte > 0))


def _with_mirror_image(
    network: ShapeNetwork, parts: PartsNetwork | None, code: torch.Tensor, matte: torch.Tensor
) -> Seen:
    # In one call, which costs less.
    both, features = network.with_features(torch.cat([code, code.flip(3)]), torch.cat([matte, matte.flip(3)]))
    found = matte.new_zeros(2 * len(matte), len(PARTS), *matte.shape[-2:]) if parts is None else parts.shares(features)
    straight, mirrored = zip(*(plane.split(len(code)) for plane in (*both, found)), strict=True)
    back = [plane.flip(3) for plane in mirrored]
    back[0] = back[0] * back[0].new_tensor([-1.0, 1.0, 1.0])[:, None, None]
    normals, *others, shares = ((a + b) / 2 for a, b in zip(straight, back, strict=True))
    return Seen(Shape(normalize(normals, dim=1), *others), shares)


def _resized(planes: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """Planes (B, C, h, w) at another size; smoothed first where it is smaller."""
    if planes.shape[-2:] == size:
        return planes
    return interpolate(planes, size=size, mode="bilinear", align_corners=False, antialias=True)
