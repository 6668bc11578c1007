"""Weights of the denoiser on disk, half-precision safetensors whose header says what they are; and the ledger of all that ship.

The header's `relamp` entry is JSON: schema, architecture, licence tag, data recipe, training steps and scores. Nothing is
ever pickled, and weights that are missing are an error, never chance. Floor 2.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file

from ... import plain_json
from ...errors import InputError
from .. import ledger
from ..own.denoiser import Architecture, Network

SCHEMA = "relamp.weights/1"
LICENCE = "Apache-2.0"


@dataclass(frozen=True)
class Loaded:
    """A network ready to use, the SHA-256 of its file in hex, and the card from its header."""

    network: Network
    digest: str
    card: dict


def save(network: Network, path: Path, card: dict) -> None:
    """Write a network in half precision with its card (anything JSON holds) in the header."""
    write(network, path, {"schema": SCHEMA, "licence": LICENCE, "architecture": network.architecture.as_dict(), **card})


def read_card(path: Path, schema: str = SCHEMA) -> dict:
    """What weights say of themselves; raises `InputError`."""
    try:
        with safe_open(str(path), framework="pt") as file:
            card = plain_json.loads((file.metadata() or {}).get("relamp", "{}"))
    except (OSError, ValueError, SafetensorError) as error:
        raise InputError(f"{path} cannot be read as weights ({error}); reinstall Relamp") from None
    found = card.get("schema") if isinstance(card, dict) else None
    if found != schema:
        raise InputError(f"{path} has schema {found}, expected {schema}; use the weights of this version")
    return card


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
    card = read_card(path)
    network = Network(Architecture.from_dict(card["architecture"]))
    fill(network, path)
    network.to(device).eval().requires_grad_(False)
    return Loaded(network, digest, card)


def digest_of(path: Path) -> str:
    """The SHA-256 of a file in hex. Raises `InputError` when it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise InputError(f"{path} cannot be read as weights ({error.strerror}); reinstall Relamp") from None


def write(module: torch.nn.Module, path: Path, card: dict) -> None:
    """Write any module in half precision with a card in the header; the file appears whole."""
    tensors = {
        name: value.detach().to("cpu", torch.float16).contiguous() for name, value in module.state_dict().items()
    }
    beside = path.with_suffix(".part")
    save_file(tensors, str(beside), {"relamp": json.dumps(card)})
    beside.replace(path)


def fill(module: torch.nn.Module, path: Path) -> None:
    """Put weights from a file into a module; raises `InputError` where they do not fit it."""
    try:
        module.load_state_dict({name: value.float() for name, value in load_file(str(path)).items()})
    except RuntimeError as error:
        raise InputError(f"{path.name} does not fit its own description: {error}") from None
