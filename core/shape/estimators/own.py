"""Relamp's own network of shape: normals, relief and albedo of a subject from one picture, and their expected error.

Weights are half-precision safetensors whose header holds the architecture and the origin of the weights.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch.nn.functional import interpolate, normalize

from ...errors import InputError
from ...pictures.curves import STRETCH
from ...weights import file
from ...weights.file import LICENCE, Loaded, write
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


def see(network: ShapeNetwork, code: torch.Tensor, matte: torch.Tensor) -> Shape:
    """The shape in pictures of any size, estimated at `SEEN` px so that it does not depend on that size.

    The results for each picture and its mirror image are averaged, so that a mirrored plate has the mirrored shape. Arguments
    and result are those of `ShapeNetwork.forward`.
    """
    size = height, width = int(matte.shape[-2]), int(matte.shape[-1])
    scale = SEEN / max(size)
    at = (max(1, round(height * scale)), max(1, round(width * scale)))
    small = _resized(code, at)
    shape = _with_mirror_image(network, small, _resized(matte, at))
    # The enlarged plane is the removed light, which is smooth, so that the texture of the picture is kept.
    light = _resized(small * STRETCH - shape.log_albedo, size)
    normals, relief, doubt = (_resized(plane, size) for plane in (shape.normals, shape.relief, shape.doubt))
    return Shape(normalize(normals, dim=1, eps=1e-4), relief, (code * STRETCH - light).clamp_max(0), doubt)


def _with_mirror_image(network: ShapeNetwork, code: torch.Tensor, matte: torch.Tensor) -> Shape:
    both = network(torch.cat([code, code.flip(3)]), torch.cat([matte, matte.flip(3)]))  # in one call, which costs less
    straight, mirrored = zip(*(plane.split(len(code)) for plane in both), strict=True)
    back = [plane.flip(3) for plane in mirrored]
    back[0] = back[0] * back[0].new_tensor([-1.0, 1.0, 1.0])[:, None, None]
    normals, *others = ((a + b) / 2 for a, b in zip(straight, back, strict=True))
    return Shape(normalize(normals, dim=1), *others)


def _resized(planes: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """Planes (B, C, h, w) at another size; smoothed first where it is smaller."""
    if planes.shape[-2:] == size:
        return planes
    return interpolate(planes, size=size, mode="bilinear", align_corners=False, antialias=True)
