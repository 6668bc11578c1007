"""Relamp in Blender's add-on folder: a copy of the plugin that Blender finds as the add-on `relamp`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from ..core import VERSION
from ..core.node import install as copies

NAME = "relamp"

_ENTRY = '''# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
"""Relamp: relights plates in the compositor."""

bl_info = {{
    "name": "Relamp",
    "description": "Relights plates in the compositor",
    "author": "The Relamp authors",
    "version": {version},
    "blender": (5, 0, 0),
    "location": "Compositor > Sidebar > Relamp",
    "category": "Compositing",
}}

from .blender_plugin import register, unregister
'''


def addons(version: str) -> Path:
    """Where a Blender of this version, as in 5.0, looks for a user's add-ons."""
    if sys.platform == "win32":
        base = Path(os.environ.get("APPDATA", "~")) / "Blender Foundation" / "Blender"
    elif sys.platform == "darwin":
        base = Path("~/Library/Application Support/Blender")
    else:
        base = Path(os.environ.get("XDG_CONFIG_HOME") or "~/.config") / "blender"
    return base.expanduser() / version / "scripts" / "addons"


def install(folder: Path) -> Path:
    """Put the add-on into a folder of add-ons; doing so again brings it up to date. Returns the copy.

    Raises:
        UsageError: something that is not ours is in the way.
        OutputError: the folder cannot be written.
    """
    version = tuple(int(part) for part in VERSION.split(".")[:3])
    copies.copy(folder / NAME, ("blender_plugin",), {"__init__.py": _ENTRY.format(version=version).encode()})
    return folder / NAME


def uninstall(folder: Path) -> bool:
    """Take it out again; whether it was there."""
    return copies.remove(folder / NAME)
