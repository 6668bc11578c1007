"""Relamp's own network of parts: where a subject is skin, hair and cloth, from the features of the shape network.

Weights are half-precision safetensors whose header holds the architecture, the origin of the weights and the hash of the
shape network's weights whose features they read.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from ...errors import InputError
from ...weights import file
from ...weights.file import LICENCE, Loaded, write
from .parts_network import PartsArchitecture, PartsNetwork

SCHEMA = "relamp.parts/1"
SHIPPED = Path(__file__).parents[1] / "weights" / "parts-1.safetensors"


def save(network: PartsNetwork, path: Path, card: dict) -> None:
    """Write a network in half precision with its card (anything JSON holds) in the header."""
    about = {"schema": SCHEMA, "licence": LICENCE, "architecture": network.architecture.as_dict()}
    write(network, path, {**about, **card})


@lru_cache(maxsize=2)
def load(path: Path, shape: str, device: str = "cpu") -> Loaded[PartsNetwork]:
    """Load a network from its file, in float32.

    Args:
        shape: SHA-256 of the weights of the shape network whose features it is to read.

    Raises:
        InputError: the file is missing, damaged, not the one in its ledger, of another schema, does not fit its
            own architecture, or reads the features of other weights.
    """
    if not path.is_file():
        raise InputError(f"the weights {path.name} are not in {path.parent}; reinstall Relamp, or use --backbone ratio")
    found = file.load(path, SCHEMA, lambda built: PartsNetwork(PartsArchitecture.from_dict(built)), device)
    if found.card.get("shape") != shape:
        raise InputError(f"{path.name} belongs to other weights of the shape network; reinstall Relamp")
    return found
