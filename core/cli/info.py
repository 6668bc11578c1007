"""`relamp info`. Floor 4."""

from __future__ import annotations

import click


@click.command("info")
@click.argument("path", metavar="FILE|PATTERN")
@click.option(
    "--pixels", is_flag=True, help="Read the pixels, too, and show ranges and the number of NaN and infinite pixels."
)
def command(path: str, pixels: bool) -> None:
    """Show what an EXR or a sequence holds: parts, layers, windows, colour, time code, and how Relamp made it."""
    from ..pictures.colour import Colour
    from ..shot.inspect import describe

    click.echo(describe(path, colour=Colour(), pixels=pixels))
