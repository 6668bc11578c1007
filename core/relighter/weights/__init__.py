"""Weights of the denoiser on disk, half-precision safetensors whose header says what they are; and the ledger of all that ship.

The header's `relamp` entry is JSON: schema, architecture, licence tag, data recipe, training steps and scores. Nothing is
ever pickled, and weights that are missing are an error, never chance.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ...errors import InputError
from ...weights import ledger
from ...weights.file import LICENCE, digest_of, fill, read_card, write
from ..own.denoiser import Architecture, Network

SCHEMA = "relamp.weights/1"


@dataclass(frozen=True)
class Loaded:
    """A network ready to use, the SHA-256 of its file in hex, and the card from its header."""

    network: Network
    digest: str
    card: dict


def save(network: Network, path: Path, card: dict) -> None:
    """Write a network in half precision with its card (anything JSON holds) in the header."""
    write(network, path, {"schema": SCHEMA, "licence": LICENCE, "architecture": network.architecture.as_dict(), **card})


def load(path: Path, device: str = "cpu") -> Loaded:
    """A network from its file, in float32, ready to predict.

    Raises:
        InputError: the file is missing, damaged, not the one its ledger speaks of, of another schema, or does not fit
            its own architecture.
    """
    if not path.is_file():
        raise InputError(f"there are no weights {path}; train some with python -m relamp.training.train")
    digest = digest_of(path)
    ledger.require_entered(path, digest)
    card = read_card(path, SCHEMA)
    network = Network(Architecture.from_dict(card["architecture"]))
    fill(network, path)
    network.to(device).eval().requires_grad_(False)
    return Loaded(network, digest, card)
