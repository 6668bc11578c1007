"""Weights on disk: half-precision safetensors whose header says what they are, and the ledger of those that ship.

The header's `relamp` entry is JSON: schema, architecture, licence tag, data recipe, training steps and scores. Nothing is
ever pickled, and weights that are missing are an error, never chance. Floor 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ... import ledger
from ...errors import InputError
from ...weights_file import LICENCE, digest_of, fill, read_card, write
from ..own.denoiser import Architecture, Network
from ..own.motion import Motion, MotionArchitecture

SCHEMA = "relamp.weights/1"
MOTION_SCHEMA = "relamp.motion/1"
SHIPPED = Path(__file__).with_name("relamp-1.safetensors")


@dataclass(frozen=True)
class LoadedMotion:
    """Temporal layers ready to use, the SHA-256 of their file in hex, and the card from its header."""

    motion: Motion
    digest: str
    card: dict


@dataclass(frozen=True)
class Loaded:
    """A network ready to use, the SHA-256 of its file in hex, and the card from its header."""

    network: Network
    digest: str
    card: dict


def motion_path(spatial: Path = SHIPPED) -> Path:
    """Where the temporal layers of spatial weights lie: beside them."""
    return spatial.with_name(f"{spatial.stem}-motion.safetensors")


def save(network: Network, path: Path, card: dict) -> None:
    """Write a network in half precision with its card (anything JSON holds) in the header."""
    write(network, path, {"schema": SCHEMA, "licence": LICENCE, "architecture": network.architecture.as_dict(), **card})


def save_motion(motion: Motion, path: Path, card: dict) -> None:
    """Write temporal layers as `save` does; the card's `spatial` is the digest of the weights they were trained on."""
    about = {"schema": MOTION_SCHEMA, "licence": LICENCE, "architecture": motion.architecture.as_dict()}
    write(motion, path, {**about, **card})


def load(path: Path = SHIPPED, device: str = "cpu") -> Loaded:
    """A network from its file, in float32, ready to predict.

    Raises:
        InputError: the file is missing, damaged, not the one its ledger speaks of, of another schema, or does not fit
            its own architecture.
    """
    if not path.is_file():
        raise InputError(f"the weights {path.name} are not in {path.parent}; reinstall Relamp, or use --backbone ratio")
    digest = digest_of(path)
    ledger.require_entered(path, digest)
    card = read_card(path, SCHEMA)
    network = Network(Architecture.from_dict(card["architecture"]))
    fill(network, path)
    network.to(device).eval().requires_grad_(False)
    return Loaded(network, digest, card)


def load_motion(spatial: Loaded, path: Path, device: str = "cpu") -> LoadedMotion:
    """The temporal layers of loaded spatial weights, in float32, ready to predict.

    Raises:
        InputError: as `load`, or the layers were trained on other spatial weights.
    """
    digest = digest_of(path)
    ledger.require_entered(path, digest)
    card = read_card(path, MOTION_SCHEMA)
    if card.get("spatial") != spatial.digest:
        raise InputError(
            f"{path.name} holds temporal layers for the spatial weights {str(card.get('spatial'))[:12]}, but those in use are "
            f"{spatial.digest[:12]}; reinstall Relamp, train them again, or render with --no-temporal"
        )
    motion = Motion(spatial.network.denoiser.unet, MotionArchitecture.from_dict(card["architecture"]))
    fill(motion, path)
    motion.to(device).eval().requires_grad_(False)
    return LoadedMotion(motion, digest, card)
