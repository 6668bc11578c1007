"""The `relamp env` command: what light a map is, or one made from words, a plate behind, or the plate it was shot on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ..errors import UsageError
from ..parameters import Curve, default_of
from .declared import Declared

EXAMPLES = """\b
Examples:
  relamp env sunset.exr --png sheet.png
  relamp env --prompt "low warm sun from the left, cool sky" --out sky.exr --png sky.png
  relamp env --background street.1001.exr --out street_light.exr
  relamp env --from plate.####.exr --matte matte.####.exr --normals n.####.exr --out source.exr
  relamp env --from ball.1001.exr --matte ball_matte.1001.exr --mirror --out set.exr
"""


@click.command("env", epilog=EXAMPLES)
@click.argument("environment", required=False)
@click.option("--prompt", help="Make the light that these words describe.")
@click.option("--background", metavar="PATH", help="Make the light that this background plate shows.")
@click.option("--from", "plate", metavar="PLATE", help="Estimate the light that this plate was shot under.")
@click.option(
    "--matte", metavar="PATH", help="With --from: the subject whose shading is measured. Without it, the plate's alpha."
)
@click.option(
    "--normals",
    metavar="PATH",
    help="With --from: the subject's normals. Without them, Relamp's network estimates the shape.",
)
@click.option(
    "--mirror",
    is_flag=True,
    help="With --from: the matte shows a mirror, such as a chrome ball, which is unwrapped into a map.",
)
@click.option("--camera", metavar="FILE", help="With --from or --background: the shot's camera.")
@click.option("--colorspace", metavar="CS", help="With --from: colour space of the plate.")
@click.option(
    "--out", metavar="FILE", help="Write the map, turned by --env-rotate, as an EXR for --env or --source-env."
)
@click.option("--lamps", type=Declared("lamps"), default=default_of("lamps"), metavar="K",
              help="The largest number of lamps that are listed and drawn.")  # fmt: skip
@click.option("--png", metavar="FILE", help="Draw the map, its lamps, and a grey and a chrome ball lit by it.")
@click.option(
    "--env-rotate",
    type=Declared("env_rotate"),
    metavar="RX,RY,RZ",
    help="Turn the map by these angles first, in degrees.",
)
@click.option("--env-colorspace", metavar="CS", help="Colour space of the map.")
@click.option("--words", is_flag=True, help="List the words that --prompt understands.")
@click.option("--overwrite", is_flag=True, help="Replace files that are already there.")
def command(
    environment: str | None,
    prompt: str | None,
    background: str | None,
    plate: str | None,
    matte: str | None,
    normals: str | None,
    mirror: bool,
    camera: str | None,
    colorspace: str | None,
    out: str | None,
    lamps: int,
    png: str | None,
    env_rotate: Any,
    env_colorspace: str | None,
    words: bool,
    overwrite: bool,
) -> None:
    """Show the level and the lamps of an environment, and draw it; or make an environment and write it.

    The light is the map ENVIRONMENT, or is made from --prompt, --background or --from.
    """
    if words:
        click.echo(vocabulary())
        return
    if isinstance(env_rotate, Curve):
        raise UsageError(f"relamp env shows one moment, so --env-rotate is three angles here; got {env_rotate}")
    given = {"ENVIRONMENT": environment, "--prompt": prompt, "--background": background, "--from": plate}
    said = [name for name, value in given.items() if value is not None]
    if len(said) != 1:
        got = f"got {' and '.join(said)}" if said else "got none"
        raise UsageError(f"relamp env takes one light: a map, --prompt, --background or --from; {got}")
    for option, value in (
        ("--matte", matte),
        ("--normals", normals),
        ("--colorspace", colorspace),
        ("--mirror", mirror or None),
    ):
        if value is not None and plate is None:
            raise UsageError(f"{option} says where to read the light off a plate; give the plate with --from")
    from ..atomic import require_free
    from ..pictures.sequence import files_of
    from . import env_maker as maker

    read = [*files_of(environment, background, plate, matte, normals), *([Path(camera)] if camera else [])]
    require_free([Path(path) for path in (out, png) if path], overwrite, read)
    made = maker.make(
        environment, prompt, background, plate,
        matte=matte, normals=normals, camera=camera, mirror=mirror, colorspace=colorspace, env_colorspace=env_colorspace,
        env_rotate=env_rotate or (0.0, 0.0, 0.0),
    )  # fmt: skip
    if out:
        maker.save(made, Path(out), overwrite)
    click.echo(maker.describe(made, lamps, png, overwrite))


def vocabulary() -> str:
    """The words of a prompt, a topic a paragraph."""
    import textwrap

    from ..light.vocabulary import NUMBERS, TOPICS

    topics = [f"{topic}: {', '.join(terms)}" for topic, terms in TOPICS.items()] + [f"numbers: {', '.join(NUMBERS)}"]
    return "\n".join(textwrap.fill(topic, 100, subsequent_indent="  ") for topic in topics)
