"""Weights on disk: half-precision safetensors with a card, JSON, as the header's `relamp` entry.

The card says what the weights are: schema, architecture, licence, data recipe, training steps and scores. Nothing is pickled,
and weights that are missing are an error.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file

from .. import plain_json
from ..atomic import replacing
from ..errors import InputError
from .ledger import require_entered

LICENCE = "Apache-2.0"

Module = TypeVar("Module", bound=torch.nn.Module)


@dataclass(frozen=True)
class Loaded(Generic[Module]):
    """A network in float32, without gradients, ready to predict; the SHA-256 of its file in hex; and the card of its header."""

    network: Module
    digest: str
    card: dict


def load(path: Path, schema: str, build: Callable[[Any], Module], device: str) -> Loaded[Module]:
    """A network from its file.

    Args:
        path: the file, which exists.
        schema: the schema its card must have.
        build: makes the network, with any weights, from the card's `architecture`.
        device: torch's name of the device to put it on.

    Raises:
        InputError: the file is damaged, differs from its entry in the ledger, has another schema, or does not fit its own
            architecture.
    """
    digest = digest_of(path)
    require_entered(path, digest)
    card = read_card(path, schema)
    network = build(card["architecture"])
    fill(network, path)
    network.to(device).eval().requires_grad_(False)
    return Loaded(network, digest, card)


def read_card(path: Path, schema: str) -> dict:
    """The card in a weights file's header. Raises `InputError` when it cannot be read or has another schema than `schema`."""
    try:
        with safe_open(str(path), framework="pt") as file:
            card = plain_json.loads((file.metadata() or {}).get("relamp", "{}"))
    except (OSError, ValueError, SafetensorError) as error:
        raise InputError(f"{path} cannot be read as weights ({error}); reinstall Relamp") from None
    found = card.get("schema") if isinstance(card, dict) else None
    if found != schema:
        raise InputError(f"{path} has schema {found}, expected {schema}; use the weights of this version")
    return card


def digest_of(path: Path) -> str:
    """The SHA-256 of a file in hex. Raises `InputError` when it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise InputError(f"{path} cannot be read as weights ({error.strerror}); reinstall Relamp") from None


def write(module: torch.nn.Module, path: Path, card: dict) -> None:
    """Write any module in half precision with a card in the header, over an earlier file; the file appears whole."""
    tensors = {
        name: value.detach().to("cpu", torch.float16).contiguous() for name, value in module.state_dict().items()
    }
    with replacing(path, overwrite=True) as temporary:
        save_file(tensors, str(temporary), {"relamp": json.dumps(card)})


def fill(module: torch.nn.Module, path: Path) -> None:
    """Put weights from a file into a module; raises `InputError` where they do not fit it."""
    try:
        module.load_state_dict({name: value.float() for name, value in load_file(str(path)).items()})
    except RuntimeError as error:
        raise InputError(f"{path.name} does not fit its own description: {error}") from None
