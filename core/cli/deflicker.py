"""`relamp deflicker`: the flicker taken out of frames that any program relit."""

from __future__ import annotations

from typing import Any

import click

from ..counted import counted
from ..frames import parse_frames
from ..parameters import default_of, knob_of
from .declared import Declared

EXAMPLES = """\b
Example:
  relamp deflicker plate.####.exr relit.####.exr --out steady.####.exr --matte matte.####.exr
"""


@click.command("deflicker", epilog=EXAMPLES)
@click.argument("plate")
@click.argument("relit")
@click.option(
    "--out", required=True, metavar="PATH", help="Where the steady frames are written, as in steady.####.exr."
)
@click.option("--matte", metavar="PATH", help="Where the frames are corrected. Without it, everywhere.")
@click.option("--env", metavar="PATH", help="The light of RELIT; its own changes over time are kept.")
@click.option("--env-rotate", type=Declared("env_rotate"), metavar="RX,RY,RZ", help=knob_of("env_rotate").help)
@click.option("--camera", metavar="FILE", help=knob_of("camera").help)
@click.option(
    "--strength", type=Declared("deflicker_strength"), default=default_of("deflicker_strength"), show_default=True,
    help=knob_of("deflicker_strength").help,
)  # fmt: skip
@click.option("--working-size", type=Declared("working_size"), default=256, show_default=True, metavar="N",
              help="Longer side of the picture in which flicker is measured, px.")  # fmt: skip
@click.option("--device", type=Declared("device"), default="auto", show_default=True, help=knob_of("device").help)
@click.option(
    "-F",
    "--frames",
    type=Declared("frames"),
    metavar="TEXT",
    help="Frames to correct. Without it, every frame of RELIT.",
)
@click.option("--overwrite", is_flag=True, help="Replace frames that are already there.")
def command(
    plate: str, relit: str, out: str, matte: str | None, env: str | None, env_rotate: Any, camera: str | None,
    strength: float, working_size: int, device: str, frames: str | None, overwrite: bool,
) -> None:  # fmt: skip
    """Remove flicker from RELIT, frames of PLATE that any program relit. Other layers of RELIT are copied unchanged."""
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
    click.echo(f"{out}: {counted(count, 'frame')}")
