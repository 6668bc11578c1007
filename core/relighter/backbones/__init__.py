"""Backbones by name. A new one is a module here and a line in `load`."""

from __future__ import annotations

from typing import Protocol

from ...errors import UsageError


class Backbone(Protocol):
    """What the shot loop knows of a relighter.

    `name` and `weights` (hex digest of the weights, empty when there are none) are written into every frame.
    `wants_source` says that it needs some light to come from, fitted to the plate when none is given.
    """

    @property
    def name(self) -> str: ...

    @property
    def weights(self) -> str: ...

    @property
    def wants_source(self) -> bool: ...


def load(name: str, device: str) -> Backbone:
    """The backbone `name`, ready on `device`. Raises `UsageError` for a name that is none."""
    if name == "ratio":
        from .ratio import Ratio

        return Ratio()
    raise UsageError(f"there is no backbone {name!r}")
