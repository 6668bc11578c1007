"""The `relamp rig` command: the lights of a rig file, or a rig made from words."""

from __future__ import annotations

import os
from pathlib import Path

import click

from ..atomic import replacing, require_free
from ..errors import UsageError

EXAMPLES = """\b
Examples:
  relamp rig "warm rim from behind left, soft fill from the right" --out rig.json
  relamp rig rig.json
  relamp render plate.####.exr --rig rig.json --out relit.####.exr
"""


@click.command("rig", epilog=EXAMPLES)
@click.argument("rig", metavar="RIG")
@click.option("--out", metavar="FILE", help="Write the rig here, .json.")
@click.option("--frame", type=int, default=1, show_default=True, help="The frame whose values are shown.")
@click.option("--overwrite", is_flag=True, help="Write over a file that is there.")
def command(rig: str, out: str | None, frame: int, overwrite: bool) -> None:
    """Say what lights RIG holds: a rig file, or words such as "warm rim from behind left".

    A rig is given to relamp render --rig: its lights are added to the plate's own, or stand in the new light.
    """
    from ..light.rig import load, to_json
    from ..light.rig_words import rig_of, sentence

    # Unlike Path.exists, lexists is False, and no error, for words that are longer than a file's name may be.
    from_words = not (rig.lower().endswith(".json") or os.path.lexists(rig))
    found = rig_of(rig) if from_words else load(rig)
    for light in found.lights:
        click.echo(sentence(light.at_frame(frame)))
    if out is None:
        return
    file = Path(out)
    if file.suffix.lower() != ".json":
        raise UsageError(f"--out {out} must end in .json")
    require_free([file], overwrite, [] if from_words else [Path(rig)])
    with replacing(file, overwrite) as temporary:
        temporary.write_text(to_json(found), encoding="utf-8")
