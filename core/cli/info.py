"""`relamp info`. Floor 4."""

from __future__ import annotations

import click


@click.command("info")
@click.argument("path", metavar="FILE|PATTERN")
@click.option("--pixels", is_flag=True, help="Read the pixels too: ranges, and what is not finite.")
def command(path: str, pixels: bool) -> None:
    """Say what is in an EXR: parts, layers, windows, colour, timecode, and how Relamp made it; and what a sequence has."""
    from ..pictures.colour import Colour
    from ..shot.inspect import describe

    click.echo(describe(path, colour=Colour(), pixels=pixels))
