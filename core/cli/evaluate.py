"""`relamp evaluate`."""

from __future__ import annotations

from pathlib import Path

import click

from ..atomic import require_free
from .declared import Declared

EXAMPLES = """\b
Example:
  relamp evaluate relit.####.exr truth.####.exr --plate plate.####.exr --json scores.json
"""


@click.command("evaluate", epilog=EXAMPLES)
@click.argument("pred")
@click.argument("gt")
@click.option(
    "--plate", metavar="PATH", help="The frames before relighting, which motion, detail and hue are compared with."
)
@click.option(
    "--matte", metavar="PATH", help="Where to measure. Without it, the alpha of GT; without that, the alpha of PRED."
)
@click.option("--json", "json_file", metavar="FILE", help="Write all measurements as JSON.")
@click.option("--png", metavar="FILE", help="Draw the measurements over the frames.")
@click.option(
    "-F",
    "--frames",
    type=Declared("frames"),
    metavar="TEXT",
    help="Frames to measure. Without it, every frame of PRED.",
)
@click.option("--overwrite", is_flag=True, help="Replace files that are already there.")
def command(
    pred: str, gt: str, plate: str | None, matte: str | None, json_file: str | None, png: str | None,
    frames: str | None, overwrite: bool,
) -> None:  # fmt: skip
    """Measure relit frames PRED against the true frames GT, and say whether they are good.

    Measured are likeness, flicker, and what a new light must not change.
    """
    from ..evaluation import report
    from ..evaluation.evaluate import evaluate as measure
    from ..frames import parse_frames
    from ..pictures.sequence import files_of

    require_free([Path(f) for f in (json_file, png) if f], overwrite, files_of(pred, gt, plate, matte))
    found = measure(pred, gt, plate=plate, matte=matte, frames=parse_frames(frames) if frames else None)
    if json_file:
        report.save_json(found, Path(json_file), overwrite)
    if png:
        report.save_plot(found, Path(png), overwrite)
    click.echo(report.as_text(found))
