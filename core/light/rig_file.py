"""Reads a rig from a file: JSON, or a USD stage."""

from __future__ import annotations

from pathlib import Path

from .. import plain_json
from .rig import Rig, from_json
from .rig_usd import load_usd

USD = (".usd", ".usda", ".usdc", ".usdz")  # files that are stages


def load(path: str | Path) -> Rig:
    """Read a rig file, or the lights of a USD stage. Raises `InputError` naming the file, the light and the key."""
    if str(path).lower().endswith(USD):
        return load_usd(path)
    return from_json(plain_json.text(path, "rig file"), str(path))
