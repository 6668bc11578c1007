"""The `relamp` command: a loop over the declared parameters, and one function a verb.

Parsing ends before work begins; everything heavy is imported inside the verb that needs it, so `relamp --help` is
instant. Floor 4.
"""

from __future__ import annotations

from . import first_moment  # noqa: F401  # isort: skip

import logging
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from .. import VERSION, logs
from ..atomic import require_free
from ..errors import ParameterError, StoppedError, one_line, outcome
from ..parameters import GROUPS, Knob, RelightParameters, default_of, knob_of, knobs, parse
from ..process import Stop, asking_on_signals, deafen, heeding_signals, set_up
from ..progress import DIALECTS, Progress
from .lazy import LazyCommand, LazyGroup, outspoken

log = logging.getLogger("relamp")

_ELSEWHERE = {
    "info": LazyCommand(
        "relamp.core.cli.info",
        "Say what is in an EXR: parts, layers, windows, colour, timecode, and how Relamp made it; and what a sequence has.",
    ),
    "evaluate": LazyCommand(
        "relamp.core.cli.evaluate",
        "Measure relit frames PRED against the truth GT: likeness, flicker, and what must not change.",
    ),
    "panel": LazyCommand("relamp.core.cli.panel", "Open the panel, on a job file or a plate if one is given."),
    "doctor": LazyCommand("relamp.core.cli.doctor", "Check this machine and say what is missing and how to get it."),
    "env": LazyCommand("relamp.core.cli.env", "Show what light an environment is, or make one."),
    "deflicker": LazyCommand(
        "relamp.core.cli.deflicker", "Take the flicker out of frames that any program relit.", "deflicker"
    ),
    "flicker": LazyCommand("relamp.core.cli.deflicker", "Say how much each frame of a sequence flickers.", "flicker"),
    "models": LazyCommand("relamp.core.cli.models", "Weights of the published systems: list, check, convert, add."),
    "submit": LazyCommand(
        "relamp.core.cli.submit", "Send a job to a farm, or run it here through the farm's own runner."
    ),
    "status": LazyCommand("relamp.core.cli.status", "Say what a sequence has, lacks and failed at, and why."),
    "offline": LazyCommand("relamp.core.cli.offline", "Gather wheels and weights for machines without a network."),
    "farm": LazyCommand("relamp.core.cli.farm", "What the actions of an exported farm job call."),
    "blender": LazyCommand("relamp.core.cli.blender", "The node in Blender: put it in place, take it back."),
    "nuke": LazyCommand("relamp.core.cli.nuke", "The node in Nuke: put it in place, take it back, test it."),
    "export": LazyCommand(
        "relamp.exporters.cli", "Write what another program reads: layered EXR, Nuke, USD, farm jobs."
    ),
}
_OPTIONAL_VALUE = {"--skip-existing": "same"}  # options that may stand without their value, and what they mean then
RENDER_EXAMPLES = """\b
Examples:
  relamp render plate.####.exr --env sunset.exr --out relit.####.exr
  relamp render plate.%04d.exr --env studio.hdr --source-env set.exr --out relit.####.exr --frames 1001-1012x2
  relamp render plate.####.exr --env sun.exr --env-rotate "1001=0,0,0;1024=0,180,0" --out turn.####.exr
  relamp render --job shot.relamp.json --skip-existing --threads 4
"""


class _RenderCommand(click.Command):
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


class Declared(click.ParamType):
    """A click type that leaves reading and checking to the declaration."""

    name = "value"

    def __init__(self, parameter: str) -> None:
        self.parameter = parameter

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not isinstance(value, str):
            return value
        try:
            return parse(self.parameter, value)
        except ParameterError as error:
            option = max(param.opts, key=len) if isinstance(param, click.Option) else self.parameter
            raise ParameterError(_renamed(str(error), self.parameter, option)) from None


def _renamed(message: str, parameter: str, option: str) -> str:
    """A sentence about a parameter, by the option that sets it: declarations begin theirs with its name."""
    first = re.match(r"\w+", message)
    return option + message.removeprefix(parameter) if first and first[0] == parameter else message


class _NobodyReadsError(Exception):
    """Whoever read what we print has read enough, as `head` does, and gone. That is no failure."""


@contextmanager
def _read_or_not() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise _NobodyReadsError from None


class _Root(LazyGroup):
    """Tells a reader who has gone before click does, which would end the program with 1."""

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        with _read_or_not():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        with _read_or_not():
            return super().invoke(ctx)


@click.group(
    cls=_Root,
    table=_ELSEWHERE,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.version_option(VERSION, prog_name="relamp")
def relamp() -> None:
    """Relights film plates: scene-linear EXR and an HDR environment in, scene-linear relit EXR out."""


def _declared_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Every declared parameter as a click option, the plate as the argument."""
    for name, k in reversed(list(knobs())):
        command = _option(name, k)(command)
    return click.argument("plate", required=False, type=Declared("plate"))(command)


def _option(name: str, k: Knob) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    if name == "plate":
        return lambda command: command
    flag = _flag(name)
    help_text = f"{k.help} {_shown_default(name, k)}".strip()
    if k.kind == "bool":
        return click.option(f"{flag}/--no-{flag[2:]}", name, default=None, help=help_text, hidden=k.hidden)
    names = [n for n in (k.short, flag, name) if n]
    multiple = name == "data_type"
    return click.option(
        *names,
        type=Declared(name),
        default=None,
        multiple=multiple,
        metavar=_metavar(k),
        help=help_text,
        hidden=k.hidden,
    )


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


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


def _logging_options(command: Callable[..., Any]) -> Callable[..., Any]:
    command = click.option("--log-json", is_flag=True, help="Log lines as JSON objects.")(command)
    command = click.option(
        "--log-file", type=click.Path(dir_okay=False), help="Write the log here too, behind an earlier log."
    )(command)
    return click.option("-q", "--quiet", is_flag=True, help="Only errors.")(command)


@relamp.command(cls=_RenderCommand, epilog=RENDER_EXAMPLES)
@_declared_options
@click.option("--job", "job_file", metavar="FILE", help="Start from this job file; options given here win.")
@click.option("--save-job", metavar="FILE", help="Write the job, with what was measured, for a farm or another day.")
@click.option("--dry-run", is_flag=True, help="Show frames, paths, sizes and memory; render nothing.")
@click.option("--progress", type=click.Choice(DIALECTS), default="auto", help="Progress for whom.")
@_logging_options
def render(
    job_file: str | None,
    save_job: str | None,
    dry_run: bool,
    progress: str,
    quiet: bool,
    log_file: str | None,
    log_json: bool,
    **given: Any,
) -> None:
    """Relight PLATE by an environment and write scene-linear EXR frames."""
    from .. import job as jobs
    from ..shot import prepare, relight

    _start_log(quiet, log_file, log_json)
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


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code (see `core/errors.py`)."""
    with heeding_signals() as heard:
        try:
            return _run(list(sys.argv[1:] if arguments is None else arguments))
        except (Exception, KeyboardInterrupt) as error:
            if heard.number and not isinstance(error, StoppedError):
                # An interrupted import or call may fail with any error of its own.
                error = StoppedError("stopped", heard.number).with_traceback(error.__traceback__)
            return _explain(error)


def _run(arguments: list[str]) -> int:
    set_up()
    logs.be_verbose(False)
    try:
        result = relamp.main(args=arguments, prog_name="relamp", standalone_mode=False)
    except click.exceptions.Abort:
        raise KeyboardInterrupt from None
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except _NobodyReadsError:
        deafen(sys.stdout)
        return 0
    return result if isinstance(result, int) else 0


def _explain(error: BaseException) -> int:
    """Say in one line what went wrong; the exit code."""
    code, sentence = outcome(error)
    if log.isEnabledFor(logging.DEBUG):
        log.debug("traceback", exc_info=error)
    if isinstance(error, ParameterError):
        sentence = _by_option(sentence)
    with suppress(OSError):  # nobody reads it
        print(f"relamp: {one_line(sentence)}", file=sys.stderr, flush=True)
    return code


def _by_option(message: str) -> str:
    """A sentence about a parameter that is checked beside others, by its option."""
    for name, _ in knobs():
        message = _renamed(message, name, _flag(name))
    return message


def _start_log(quiet: bool, log_file: str | None, log_json: bool) -> None:
    logs.start(logging.ERROR if quiet else logging.INFO, log_file, log_json)


outspoken(relamp)
