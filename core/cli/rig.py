"""The `relamp rig` command: the lights of a rig file, or a rig made from words and from the library of lights."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .. import rig_library
from ..atomic import replacing, require_free
from ..errors import UsageError

if TYPE_CHECKING:
    from ..light.rig import Rig

EXAMPLES = """\b
Examples:
  relamp rig "warm rim from behind left, soft fill from the right" --out rig.json
  relamp rig --add key --add candle --out rig.json
  relamp rig rig.json --say "make the key stronger, add a warm rim from behind left" --out rig2.json
  relamp rig rig.json
  relamp render plate.####.exr --rig rig.json --out relit.####.exr
"""


@click.command("rig", epilog=EXAMPLES)
@click.argument("rig", metavar="[RIG]", required=False)
@click.option(
    "--add", "added", metavar="NAME", multiple=True, help="Add a light of the library; may be given several times."
)
@click.option(
    "--say", "sentence", metavar="WORDS",
    help='Change RIG in words, as in "make the key stronger, add a candle near her face"; the changed rig is shown.',
)  # fmt: skip
@click.option("--library", is_flag=True, help="List the lights of the library.")
@click.option(
    "--subject", metavar="X,Y,Z",
    help="Where the subject's middle is, in camera axes and the depth's unit; added lights stand around it. [default: 0,0,-2]",
)  # fmt: skip
@click.option("--out", metavar="FILE", help="Write the rig here, .json.")
@click.option("--frame", type=int, default=1, show_default=True, help="The frame whose values are shown.")
@click.option("--overwrite", is_flag=True, help="Replace a file that is already there.")
def command(
    rig: str | None,
    added: tuple[str, ...],
    sentence: str | None,
    library: bool,
    subject: str | None,
    out: str | None,
    frame: int,
    overwrite: bool,
) -> None:
    """Show the lights of RIG, which is a rig file or words such as "warm rim from behind left".

    relamp render --rig adds the lights of a rig to the plate's own light, or to a new light where one is given.
    """
    from ..light import rig_words
    from ..light.rig import Rig, to_json
    from ..light.rig_changes import said

    if library:
        for preset in rig_library.presets():
            click.echo(f"{preset.name}: {preset.says}")
        return
    if rig is None and not (added or sentence):
        raise UsageError("give a rig file, words, or lights of the library with --add; --library lists them")
    if subject is not None and not (added or sentence):
        raise UsageError("--subject says where lights of --add and --say stand, and neither is given; leave it out")
    file = _rig_file(rig)
    found = _with_library(_read(rig, file) if rig else Rig(()), added, _middle(subject))
    if sentence is not None:
        found, done = said(found, sentence, _middle(subject))
        click.echo("\n".join(done))
    for light in found.lights:
        click.echo(rig_words.sentence(light.at_frame(frame)))
    if out is None:
        return
    target = Path(out)
    if target.suffix.lower() != ".json":
        raise UsageError(f"--out {out} must end in .json")
    require_free([target], overwrite, [file] if file else [])
    with replacing(target, overwrite) as temporary:
        temporary.write_text(to_json(found), encoding="utf-8")


def _rig_file(rig: str | None) -> Path | None:
    """The file that RIG names; None for words."""
    from ..light.rig_file import USD

    # Unlike Path.exists, lexists is False, and no error, for words that are longer than a file's name may be.
    return Path(rig) if rig and (rig.lower().endswith((".json", *USD)) or os.path.lexists(rig)) else None


def _read(rig: str, file: Path | None) -> Rig:
    from ..light.rig_file import load
    from ..light.rig_words import rig_of

    return rig_of(rig) if file is None else load(file)


def _with_library(rig: Rig, names: tuple[str, ...], middle: rig_library.Point) -> Rig:
    """The rig with lights of the library added. Raises `UsageError` for an unknown name, or a rig in the world's axes."""
    from ..light.rig import with_lights

    for name in names:
        rig = with_lights(rig, rig_library.lights_of(name, middle, [light.name for light in rig.lights]))
    return rig


def _middle(text: str | None) -> rig_library.Point:
    if text is None:
        return rig_library.MIDDLE
    try:
        x, y, z = (float(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"--subject must be three numbers, as in 0,0,-2; got {text!r:.80}") from None
    if not z < 0 or not all(abs(v) < 1e6 for v in (x, y, z)):
        raise UsageError(f"--subject must be before the camera, where z is below 0, as in 0,0,-2; got {text}")
    return x, y, z
