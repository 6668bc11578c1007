"""`relamp render`: every declared parameter is an option, the plate is the argument."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from .. import logs
from ..atomic import require_free
from ..errors import outcome
from ..parameters import GROUPS, Knob, RelightParameters, default_of, knob_of, knobs
from ..process import Stop, asking_on_signals
from ..progress import DIALECTS, Progress
from .declared import Declared, flag_of

_OPTIONAL_VALUE = {"--skip-existing": "same"}  # options that may stand without their value, and what they mean then
EXAMPLES = """\b
Examples:
  relamp render plate.####.exr --env sunset.exr --out relit.####.exr
  relamp render plate.%04d.exr --env studio.hdr --source-env set.exr --out relit.####.exr --frames 1001-1012x2
  relamp render plate.####.exr --env sun.exr --env-rotate "1001=0,0,0;1024=0,180,0" --out turn.####.exr
  relamp render --job shot.relamp.json --skip-existing --threads 4
"""


class DeclaredCommand(click.Command):
    """Lets an option stand without its value, and shows options under the headings of their groups."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        filled = list(args)
        for i, argument in enumerate(args):
            if argument in _OPTIONAL_VALUE:
                choices = knob_of(argument[2:].replace("-", "_")).choices
                valued = i + 1 < len(args) and args[i + 1] in choices
                filled[i] = argument if valued else f"{argument}={_OPTIONAL_VALUE[argument]}"
        return super().parse_args(ctx, filled)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        grouped: dict[str, list[tuple[str, str]]] = {}
        declared = {name: k.group for name, k in knobs()}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None:
                grouped.setdefault(declared.get(str(parameter.name), "command"), []).append(record)
        *often, last = GROUPS
        for group in (*often, "command", last):
            if group in grouped:
                with formatter.section(group.capitalize()):
                    formatter.write_dl(grouped[group])


def _declared_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Every declared parameter as a click option, the plate as the argument."""
    for name, k in reversed(list(knobs())):
        command = option(name, k)(command)
    return click.argument("plate", required=False, type=Declared("plate"))(command)


def option(name: str, k: Knob) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A click option for the parameter `name`, declared as `k`."""
    if name == "plate":
        return lambda command: command
    flag = flag_of(name)
    help_text = f"{k.help} {_shown_default(name, k)}".strip()
    if k.kind == "bool":
        return click.option(f"{flag}/--no-{flag[2:]}", name, default=None, help=help_text)
    names = [n for n in (k.short, flag, name) if n]
    multiple = name == "data_type"
    return click.option(
        *names,
        type=Declared(name),
        default=None,
        multiple=multiple,
        metavar=_metavar(k),
        help=help_text,
    )


def _metavar(k: Knob) -> str:
    if k.metavar:
        return k.metavar
    if k.kind in ("choice", "names") and k.choices:
        return ("|" if k.kind == "choice" else ",").join(k.choices)
    return {"float": "X", "int": "N", "picture": "PATH", "file": "FILE"}.get(k.kind, "TEXT")


def _shown_default(name: str, k: Knob) -> str:
    default = default_of(name)
    if default is None or default == () or k.kind == "bool":
        return ""
    shown = ",".join(f"{v:g}" for v in default) if isinstance(default, tuple) else default
    return f"[default: {shown}{' ' + k.unit if k.unit else ''}]"


def logging_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of what is logged, and where to."""
    command = click.option("--log-json", is_flag=True, help="Log lines as JSON objects.")(command)
    command = click.option(
        "--log-file", type=click.Path(dir_okay=False), help="Write the log here too, behind an earlier log."
    )(command)
    return click.option("-q", "--quiet", is_flag=True, help="Only errors.")(command)


@click.command("render", cls=DeclaredCommand, epilog=EXAMPLES)
@_declared_options
@click.option("--job", "job_file", metavar="FILE", help="Start from this job file; options given here win.")
@click.option("--save-job", metavar="FILE", help="Write the job, with what was measured, for a farm or another day.")
@click.option("--dry-run", is_flag=True, help="Show frames, paths, sizes and memory; render nothing.")
@click.option("--progress", type=click.Choice(DIALECTS), default="auto", help="Progress for whom.")
@logging_options
def command(
    job_file: str | None,
    save_job: str | None,
    dry_run: bool,
    progress: str,
    quiet: bool,
    log_file: str | None,
    log_json: bool,
    **given: Any,
) -> None:
    """Relight PLATE by an environment, words, a background or a rig, and write scene-linear EXR frames."""
    from .. import job as jobs
    from ..shot import prepare, relight

    start_log(quiet, log_file, log_json)
    job = jobs.load(job_file) if job_file else jobs.RelightJob(RelightParameters())
    given["data_type"] = tuple(kind for group in given["data_type"] for kind in group)  # -d may be given several times
    context = click.get_current_context()
    typed = {name for name in given if context.get_parameter_source(name) is not ParameterSource.DEFAULT}
    job = jobs.with_parameters(job, **{name: value for name, value in given.items() if name in typed})
    stop = Stop()
    with Progress("none" if quiet and progress == "auto" else progress) as told:
        try:
            plans = prepare.prepare_views(job)
            if save_job:
                read = prepare.files_read(plans) | ({Path(job_file)} if job_file else set())
                require_free([Path(save_job)], job.parameters.overwrite, read)
                # Views are measured one by one, and the job is all of them.
                jobs.save(plans[0].job if not job.parameters.views else job, save_job, job.parameters.overwrite)
            if dry_run:
                for plan in plans:
                    click.echo(prepare.describe(plan))
                return
            with asking_on_signals(stop.ask):
                relight(job, told, stop, plans=plans)
        except Exception as error:
            told.failed(outcome(error)[1])
            raise


def start_log(quiet: bool, log_file: str | None, log_json: bool) -> None:
    """Begin to log, by those options."""
    logs.start(logging.ERROR if quiet else logging.INFO, log_file, log_json)
