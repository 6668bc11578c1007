"""Weights of the denoiser on disk, half-precision safetensors whose header says what they are; and the ledger of all that ship.

The header's `relamp` entry is JSON: schema, architecture, licence tag, data recipe, training steps and scores. Nothing is
ever pickled, and weights that are missing are an error, never chance.
"""

from __future__ import annotations

from pathlib import Path

from ...errors import InputError
from ...weights import file
from ...weights.file import LICENCE, Loaded, write
from ..own.denoiser import Architecture, Network

SCHEMA = "relamp.weights/1"


def save(network: Network, path: Path, card: dict) -> None:
    """Write a network in half precision with its card (anything JSON holds) in the header."""
    write(network, path, {"schema": SCHEMA, "licence": LICENCE, "architecture": network.architecture.as_dict(), **card})


def load(path: Path, device: str = "cpu") -> Loaded[Network]:
    """A network from its file, in float32, ready to predict.

    Raises:
        InputError: the file is missing, damaged, not the one its ledger speaks of, of another schema, or does not fit
            its own architecture.
    """
    if not path.is_file():
        raise InputError(f"there are no weights {path}; train some with python -m relamp.training.train")
    return file.load(path, SCHEMA, lambda architecture: Network(Architecture.from_dict(architecture)), device)
