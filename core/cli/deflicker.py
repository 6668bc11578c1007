"""`relamp deflicker` and `relamp flicker`. Floor 4."""

from __future__ import annotations

from typing import Any

import click

from ..errors import UsageError
from ..frames import parse_frames
from ..parameters import default_of, knob_of
from . import Declared


@click.command()
@click.argument("plate")
@click.argument("relit")
@click.option("--out", required=True, metavar="PATH", help="Where to: steady.####.exr.")
@click.option("--matte", metavar="PATH", help="What is corrected; without it everything.")
@click.option("--env", metavar="PATH", help="The light RELIT was given: changes of it are true and stay.")
@click.option("--env-rotate", type=Declared("env_rotate"), metavar="RX,RY,RZ", help=knob_of("env_rotate").help)
@click.option("--camera", metavar="FILE", help=knob_of("camera").help)
@click.option(
    "--strength", type=Declared("deflicker_strength"), default=default_of("deflicker_strength"), show_default=True,
    help=knob_of("deflicker_strength").help,
)  # fmt: skip
@click.option("--working-size", type=Declared("working_size"), default=256, show_default=True, metavar="N",
              help="Longer side of the picture flicker is looked for in, px.")  # fmt: skip
@click.option("--device", type=Declared("device"), default="auto", show_default=True, help=knob_of("device").help)
@click.option("-F", "--frames", type=Declared("frames"), metavar="TEXT", help="Without it every frame of RELIT.")
@click.option("--overwrite", is_flag=True, help="Write over frames that are there.")
def deflicker(
    plate: str, relit: str, out: str, matte: str | None, env: str | None, env_rotate: Any, camera: str | None,
    strength: float, working_size: int, device: str, frames: str | None, overwrite: bool,
) -> None:  # fmt: skip
    """Take the flicker out of RELIT, frames of PLATE that any program relit. Other layers of RELIT are copied as they are."""
    from ..light.camera import shot_camera
    from ..logs import start
    from ..relighter import resolve_device
    from ..temporal.deflicker import load
    from ..temporal.elsewhere import Elsewhere, steady

    start(20, None, False)
    move = shot_camera(camera, plate)
    shot = Elsewhere(plate, relit, out, matte, env, env_rotate or (0.0, 0.0, 0.0), move, working_size, strength)
    chosen = parse_frames(frames) if frames else None
    if device.startswith("cuda"):  # the head does without one, but who names one should hear that it is not there
        resolve_device(device)
    count = steady(shot, load(device), chosen, overwrite=overwrite, on_frame=lambda frame: click.echo(f"{frame} done"))
    click.echo(f"{out}: {count} frame{'s' if count != 1 else ''}")


@click.command()
@click.argument("sequences", nargs=-1, required=True, metavar="SEQUENCE...")
@click.option(
    "--plate", metavar="PATH", help="The frames before relighting: their motion is followed, their light left out."
)
@click.option("--matte", metavar="PATH", help="Where to measure. Without it the alpha of SEQUENCE.")
@click.option("--png", metavar="FILE", help="Draw it over the frames.")
@click.option("-F", "--frames", type=Declared("frames"), metavar="TEXT", help="Without it every frame.")
@click.option("--overwrite", is_flag=True, help="Write over a --png that is there.")
def flicker(
    sequences: tuple[str, ...], plate: str | None, matte: str | None, png: str | None, frames: str | None,
    overwrite: bool,
) -> None:  # fmt: skip
    """Say how much each frame of SEQUENCE flickers, in stops; up to three of them are drawn into one picture."""
    from pathlib import Path

    from ..atomic import require_free
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
