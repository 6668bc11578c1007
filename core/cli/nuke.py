"""`relamp nuke`: the plugin into a Nuke folder and out again, and the test a person with a licence runs."""

from __future__ import annotations

from pathlib import Path

import click

from ...nuke_plugin import home

EXAMPLES = """\b
Examples:
  relamp nuke install
  relamp nuke selftest nuke_test
"""


@click.group(epilog=EXAMPLES)
def command() -> None:
    """Install the Relamp node for Nuke, remove it, or write a test for a real Nuke."""


_DIR = click.option("--dir", "folder", metavar="DIR", default="~/.nuke", show_default=True, help="The Nuke folder.")


@command.command()
@_DIR
def install(folder: str) -> None:
    """Copy the plugin into a Nuke folder and add it to its init.py. Run it again after an update of Relamp."""
    target = home.install(Path(folder).expanduser())
    click.echo(
        f"{target} is in place and in {target.parent / 'init.py'}; start Nuke and look for Relamp in the toolbar"
    )


@command.command()
@_DIR
def uninstall(folder: str) -> None:
    """Remove the plugin from a Nuke folder; everything else in it stays."""
    found = home.uninstall(Path(folder).expanduser())
    click.echo("Relamp is out of it" if found else f"there is no Relamp in {folder}")


@command.command()
@click.argument("folder", default="relamp_nuke_selftest")
def selftest(folder: str) -> None:
    """Write a test for a real Nuke into FOLDER: pictures, a script, and the output that is expected of it."""
    from ...exporters.nuke_selftest import write

    script = write(Path(folder))
    click.echo(f"install the plugin, then run:  Nuke17.0 -t {script}")
    click.echo(f"it has to print what is in {script.parent / 'expected.txt'}, and says what to try by hand")
