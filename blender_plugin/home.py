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
    """The folder of a user's add-ons for a version of Blender such as 5.0."""
    if sys.platform == "win32":
        base = Path(os.environ.get("APPDATA", "~")) / "Blender Foundation" / "Blender"
    elif sys.platform == "darwin":
        base = Path("~/Library/Application Support/Blender")
    else:
        base = Path(os.environ.get("XDG_CONFIG_HOME") or "~/.config") / "blender"
    return base.expanduser() / version / "scripts" / "addons"


def install(folder: Path) -> Path:
    """Copy the add-on into a folder of add-ons, or update the copy there. Returns the copy.

    Raises:
        UsageError: another program's file or folder has the same name.
        OutputError: the folder cannot be written.
    """
    version = tuple(int(part) for part in VERSION.split(".")[:3])
    copies.copy(folder / NAME, ("blender_plugin",), {"__init__.py": _ENTRY.format(version=version).encode()})
    return folder / NAME


def uninstall(folder: Path) -> bool:
    """Remove the add-on; returns whether it was there."""
    return copies.remove(folder / NAME)
