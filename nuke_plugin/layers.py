"""The layers a bake brings, made known to Nuke before anything speaks of them."""

from __future__ import annotations

import nuke

from .gizmo import LAYERS


def register() -> None:
    """Make the layers known; those that are already stay as they are."""
    for name, channels in LAYERS.items():
        nuke.Layer(name, [f"{name}.{channel}" for channel in channels])
