"""`relamp info`. Floor 4."""

from __future__ import annotations

import click

EXAMPLES = """\b
Examples:
  relamp info plate.1001.exr
  relamp info relit.####.exr --pixels
"""


@click.command("info", epilog=EXAMPLES)
@click.argument("path", metavar="FILE|PATTERN")
@click.option(
    "--pixels", is_flag=True, help="Read the pixels, too, and show ranges and the number of NaN and infinite pixels."
)
def command(path: str, pixels: bool) -> None:
    """Show what an EXR or a sequence holds: parts, layers, windows, colour, time code, and how Relamp made it."""
    from ..pictures.colour import Colour
    from ..shot.inspect import describe

    click.echo(describe(path, colour=Colour(), pixels=pixels))
