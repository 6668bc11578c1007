"""The layers of a bake, registered in Nuke before anything refers to them."""

from __future__ import annotations

import nuke

from .gizmo import LAYERS


def register() -> None:
    """Register the layers; those that exist stay unchanged."""
    for name, channels in LAYERS.items():
        nuke.Layer(name, [f"{name}.{channel}" for channel in channels])
