"""Relamp's own network of shape: normals, relief and albedo of a subject from one picture of it, and how far to trust them.

Weights are half-precision safetensors whose header holds the architecture and where they come from.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch.nn.functional import normalize

from ...errors import InputError
from ...ledger import require_entered
from ...weights_file import LICENCE, digest_of, fill, read_card, write
from .shape_network import Shape, ShapeArchitecture, ShapeNetwork

SCHEMA = "relamp.shape/1"
SHIPPED = Path(__file__).parents[1] / "weights" / "shape-1.safetensors"


@dataclass(frozen=True)
class LoadedShape:
    """A network ready to see, the SHA-256 of its file in hex, and the card from its header."""

    network: ShapeNetwork
    digest: str
    card: dict


def save(network: ShapeNetwork, path: Path, card: dict) -> None:
    """Write a network in half precision with its card (anything JSON holds) in the header."""
    about = {"schema": SCHEMA, "licence": LICENCE, "architecture": network.architecture.as_dict()}
    write(network, path, {**about, **card})


def load(path: Path = SHIPPED, device: str = "cpu") -> LoadedShape:
    """A network from its file, in float32, ready to see.

    Raises:
        InputError: the file is missing, damaged, not the one its ledger speaks of, of another schema, or does not fit its
            own architecture.
    """
    if not path.is_file():
        raise InputError(f"the weights {path.name} are not in {path.parent}; reinstall Relamp, or use --backbone ratio")
    digest = digest_of(path)
    require_entered(path, digest)
    card = read_card(path, SCHEMA)
    network = ShapeNetwork(ShapeArchitecture.from_dict(card["architecture"]))
    fill(network, path)
    network.to(device).eval().requires_grad_(False)
    return LoadedShape(network, digest, card)


def see(network: ShapeNetwork, code: torch.Tensor, matte: torch.Tensor) -> Shape:
    """The shape in pictures, seen in each and in its mirror image and averaged: a mirrored plate has the mirrored shape.

    Arguments and result are those of `ShapeNetwork.forward`.
    """
    straight, mirrored = network(code, matte), network(code.flip(3), matte.flip(3))
    back = [plane.flip(3) for plane in mirrored]
    back[0] = back[0] * back[0].new_tensor([-1.0, 1.0, 1.0])[:, None, None]
    normals, *others = ((a + b) / 2 for a, b in zip(straight, back, strict=True))
    return Shape(normalize(normals, dim=1), *others)
