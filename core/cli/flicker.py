"""`relamp flicker`: how much each frame of a sequence flickers."""

from __future__ import annotations

from pathlib import Path

import click

from ..atomic import require_free
from ..errors import UsageError
from ..frames import parse_frames
from .declared import Declared

EXAMPLES = """\b
Example:
  relamp flicker relit.####.exr --plate plate.####.exr --png flicker.png
"""


@click.command("flicker", epilog=EXAMPLES)
@click.argument("sequences", nargs=-1, required=True, metavar="SEQUENCE...")
@click.option(
    "--plate",
    metavar="PATH",
    help="The frames before relighting. Their motion is followed, and changes of their own light do not count.",
)
@click.option("--matte", metavar="PATH", help="Where to measure. Without it, the alpha of SEQUENCE.")
@click.option("--png", metavar="FILE", help="Draw the flicker over the frames.")
@click.option(
    "-F", "--frames", type=Declared("frames"), metavar="TEXT", help="Frames to measure. Without it, every frame."
)
@click.option("--overwrite", is_flag=True, help="Replace a picture that is already there.")
def command(
    sequences: tuple[str, ...], plate: str | None, matte: str | None, png: str | None, frames: str | None,
    overwrite: bool,
) -> None:  # fmt: skip
    """Measure how much each frame of SEQUENCE flickers, in stops, and say whether it is steady."""
    from ..evaluation.flicker import as_text, measure, save_plot
    from ..pictures.sequence import files_of

    if png and len(sequences) > 3:
        raise UsageError(f"a picture holds up to three sequences; got {len(sequences)}")
    require_free([Path(png)] if png else [], overwrite, files_of(*sequences, plate, matte))
    chosen = parse_frames(frames) if frames else None
    found = {sequence: measure(sequence, plate, matte, chosen) for sequence in sequences}
    click.echo("\n\n".join(as_text(sequence, scores) for sequence, scores in found.items()))
    if png:
        names = {Path(sequence).parent.name or Path(sequence).name: scores for sequence, scores in found.items()}
        save_plot(names, Path(png), overwrite)
