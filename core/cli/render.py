"""`relamp render`: every declared parameter is an option, the plate is the argument."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from ..atomic import require_free
from ..errors import outcome
from ..logs import stage
from ..parameters import RelightParameters, knobs
from ..process import Stop, asking_on_signals
from ..progress import DIALECTS, Progress
from .declared import BriefCommand, Declared, logging_options, option, start_log, typed

EXAMPLES = """\b
Examples:
  relamp render plate.####.exr --env sunset.exr --out relit.####.exr
  relamp render plate.%04d.exr --env studio.hdr --source-env set.exr --out relit.####.exr --frames 1001-1012x2
  relamp render plate.####.exr --env sun.exr --env-rotate "1001=0,0,0;1024=0,180,0" --out turn.####.exr
  relamp render plate.mov --prompt "warm low sun from the left" --out relit.####.exr --review relit.mp4
  relamp render --job shot.relamp.json --skip-existing --threads 4

relamp render --help-all lists every option.
"""


def _declared_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Every declared parameter as a click option, the plate as the argument."""
    for name, k in reversed(list(knobs())):
        command = option(name, k)(command)
    return click.argument("plate", required=False, type=Declared("plate"))(command)


@click.command("render", cls=BriefCommand, epilog=EXAMPLES)
@_declared_options
@click.option(
    "--job",
    "job_file",
    metavar="FILE",
    help="Read the settings from this job file; options typed here take precedence over it.",
)
@click.option("--save-job", metavar="FILE", help="Write the settings and what was measured of the shot as a job file.")
@click.option(
    "--review", metavar="FILE", multiple=True,
    help="Write plate and relight side by side in display colours: a movie (.mp4, .mov) or a sheet of frames (.png); may be "
    "given several times.",
)  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Show frames, paths, sizes and memory, and render nothing.")
@click.option("--progress", type=click.Choice(DIALECTS), default="auto", help="The form in which progress is reported.")
@logging_options
def command(
    job_file: str | None,
    save_job: str | None,
    review: tuple[str, ...],
    dry_run: bool,
    progress: str,
    quiet: bool,
    log_file: str | None,
    log_json: bool,
    **given: Any,
) -> None:
    """Relight PLATE with a new light (an environment, words, a background or a rig) and write scene-linear EXR frames."""
    from .. import job as jobs

    start_log(quiet, log_file, log_json)
    stage("loading the picture libraries")
    from ..shot import prepare, relight
    from ..shot.review import require_reviews, write_reviews

    job = jobs.load(job_file) if job_file else jobs.RelightJob(RelightParameters())
    job = jobs.with_parameters(job, **typed(given))
    stop = Stop()
    with Progress("none" if quiet and progress == "auto" else progress) as told:
        try:
            plans = prepare.prepare_views(job)
            if save_job:
                read = prepare.files_read(plans) | ({Path(job_file)} if job_file else set())
                require_free([Path(save_job)], job.parameters.overwrite, read)
                # Views are measured one by one, and the job is all of them.
                jobs.save(plans[0].job if not job.parameters.views else job, save_job, job.parameters.overwrite)
            require_reviews(plans, review)
            if dry_run:
                for plan in plans:
                    click.echo(prepare.describe(plan))
                return
            with asking_on_signals(stop.ask):
                relight(job, told, stop, plans=plans)
            if review:
                stage(f"writing {' and '.join(review)}")
                write_reviews(plans, review)
        except Exception as error:
            told.failed(outcome(error)[1])
            raise
