"""`relamp passes`: what a plate is made of, as layers: normals, depth, albedo and what else an estimator sees."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from ..atomic import require_free
from ..errors import UsageError, outcome
from ..job import PASSES_WITH
from ..parameters import RelightParameters, knob_of
from ..process import Stop, asking_on_signals
from ..progress import DIALECTS, Progress
from .declared import Declared, DeclaredCommand, logging_options, option, start_log, typed

EXAMPLES = """\b
Examples:
  relamp passes plate.####.exr --matte matte.####.exr --out passes.####.exr
  relamp passes plate.####.exr --out passes.####.exr --estimator moge --layers normals,depth --sheet passes.png
"""


HELP = {
    "matte": "What the passes are made of. Without it, the plate's alpha is the matte; without an alpha, the whole frame. "
    "file.exr:layer.A picks a channel.",
    "estimator": "The network that estimates shape and surface. own is Relamp's own; moge, david and marigold are downloaded "
    "(relamp models list).",
    "out": "Where the passes are written, as in passes.####.exr.",
    "frames": "Frames to make the passes of, as in 1001-1012x2,1020. Without it, every frame of the plate.",
}
"""What is said otherwise here than of a relight."""


def _declared(command: Callable[..., Any]) -> Callable[..., Any]:
    for name in reversed(PASSES_WITH):
        knob = knob_of(name)
        command = option(name, replace(knob, help=HELP.get(name, knob.help)))(command)
    return command


@click.command("passes", cls=DeclaredCommand, epilog=EXAMPLES)
@click.argument("plate", type=Declared("plate"))
@_declared
@click.option("--layers", default="", metavar="NAME,…",
              help="The passes to make, of normals, depth, albedo, roughness, metallic, skin, hair, cloth, matte and "
              "shape_confidence. Without it, all that the estimator knows.")  # fmt: skip
@click.option("--sheet", metavar="PNG", help="Draw a contact sheet of the first, the middle and the last frame.")
@click.option("--dry-run", is_flag=True, help="Show frames, paths, layers and the estimator, and make nothing.")
@click.option("--progress", type=click.Choice(DIALECTS), default="auto", help="The form in which progress is reported.")
@logging_options
def command(
    layers: str, sheet: str | None, dry_run: bool, progress: str, quiet: bool, log_file: str | None, log_json: bool,
    **given: Any,
) -> None:  # fmt: skip
    """Make the passes of PLATE and write them as layers beside its picture: N, depth.Z, albedo and others."""
    from .. import job as jobs
    from ..shot.passes import make_passes
    from ..shot.passes_plan import LAYERS
    from ..shot.passes_prepare import describe, prepare_passes
    from ..shot.passes_sheet import write_sheet

    start_log(quiet, log_file, log_json)
    asked = tuple(name.strip() for name in layers.split(",") if name.strip())
    unknown = [name for name in asked if name not in LAYERS]
    if unknown:
        raise UsageError(f"--layers must be of {', '.join(LAYERS)}; got {', '.join(unknown)}")
    if sheet and not sheet.lower().endswith(".png"):
        raise UsageError(f"--sheet {sheet} must end in .png")
    parameters = RelightParameters(**typed(given))
    stop = Stop()
    with Progress("none" if quiet and progress == "auto" else progress) as told:
        try:
            plan = prepare_passes(jobs.RelightJob(parameters), asked)
            if sheet:
                read = plan.inputs.files(task.frame for task in plan.tasks)
                require_free([Path(sheet)], parameters.overwrite, read | {task.out for task in plan.tasks})
            if dry_run:
                click.echo(describe(plan))
                return
            with asking_on_signals(stop.ask):
                make_passes(plan, told, stop)
            if sheet:
                write_sheet(plan, sheet)
        except Exception as error:
            told.failed(outcome(error)[1])
            raise
