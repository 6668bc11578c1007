"""`relamp blender`: the add-on into Blender and out again. Floor 4."""

from __future__ import annotations

import re
from pathlib import Path

import click

from ...blender_plugin import home
from ..errors import UsageError

EXAMPLES = """\b
Example:
  relamp blender install
"""


@click.group(epilog=EXAMPLES)
def command() -> None:
    """Install the Relamp node for Blender's compositor, or remove it."""


_DIR = click.option(
    "--dir",
    "folder",
    metavar="DIR",
    help="Folder of add-ons. Without it, the folder of the Blender that --version names.",
)
_VERSION = click.option(
    "--version", metavar="X.Y", default="5.0", show_default=True, help="The version of Blender to install it for."
)


@command.command()
@_DIR
@_VERSION
def install(folder: str | None, version: str) -> None:
    """Copy the add-on into Blender's folder. Run it again after an update of Relamp."""
    target = home.install(_folder(folder, version))
    click.echo(f"{target} is in place; in Blender tick Relamp under Preferences > Add-ons")


@command.command()
@_DIR
@_VERSION
def uninstall(folder: str | None, version: str) -> None:
    """Remove the add-on."""
    there = _folder(folder, version)
    click.echo("Relamp is out of it" if home.uninstall(there) else f"there is no Relamp in {there}")


def _folder(folder: str | None, version: str) -> Path:
    """Raises `UsageError` for a version that is none."""
    if not re.fullmatch(r"\d+\.\d+", version):
        raise UsageError(f"--version takes a Blender's two numbers, as in 5.0; got {version}")
    return Path(folder).expanduser() if folder else home.addons(version)
