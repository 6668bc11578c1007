"""Declared parameters as options of the command line: how they are made and read, and how a sentence names them."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from typing import Any

import click
from click.core import ParameterSource

from .. import logs
from ..errors import ParameterError
from ..parameters import GROUPS, Knob, default_of, knob_of, knobs, parse

_ALL = "relamp.help_all"  # in a context: the help lists every option
_HEADINGS = {
    "relight": "How the light is worked out",
    "run": "Frames and the run",
    "command": "Job, progress and help",
    "published": "Published systems (IC-Light, RelightVid, Light-A-Video), on weights that you download",
}
_OPTIONAL_VALUE = {"--skip-existing": "same"}  # options that may stand without their value, and what they mean then


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
            raise ParameterError(renamed(str(error), self.parameter, option)) from None


def flag_of(name: str) -> str:
    """The option of a parameter, as it is typed."""
    return f"--{name.replace('_', '-')}"


def renamed(message: str, parameter: str, option: str) -> str:
    """A sentence that begins with the name of `parameter`, as those of declarations do, with the option in its place."""
    first = re.match(r"\w+", message)
    return option + message.removeprefix(parameter) if first and first[0] == parameter else message


def by_option(message: str) -> str:
    """The same, whichever parameter the sentence begins with."""
    for name, _ in knobs():
        message = renamed(message, name, flag_of(name))
    return message


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
            shown = isinstance(parameter, click.Option) and self.shows(ctx, parameter)
            record = parameter.get_help_record(ctx) if shown else None
            if record is not None:
                grouped.setdefault(declared.get(str(parameter.name), "command"), []).append(record)
        *ours, published = GROUPS
        for group in (*ours, "command", published):
            if group in grouped:
                with formatter.section(_HEADINGS.get(group, group.capitalize())):
                    formatter.write_dl(grouped[group])

    def shows(self, ctx: click.Context, parameter: click.Parameter) -> bool:
        """Whether the help lists an option."""
        return True


class BriefCommand(DeclaredCommand):
    """A command with more options than a page holds: `--help` lists those that most need, `--help-all` lists all of them."""

    BRIEF = ("job_file", "review", "dry_run", "quiet", "help", "help_all")
    """The options that belong to no declared parameter and stand in the short list."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.append(
            click.Option(
                ["--help-all"],
                is_flag=True,
                expose_value=False,
                is_eager=True,
                help="List every option, those of the published systems last.",
                callback=_help_all,
            )
        )

    def shows(self, ctx: click.Context, parameter: click.Parameter) -> bool:
        """Whether the help lists an option: all in the long list, the declared ones that are needed often in the short one."""
        declared = {name: k.often for name, k in knobs()}
        return bool(ctx.meta.get(_ALL)) or declared.get(str(parameter.name), parameter.name in self.BRIEF)


def _help_all(ctx: click.Context, option: click.Parameter, on: bool) -> None:
    if on:
        ctx.meta[_ALL] = True
        click.echo(ctx.get_help())
        ctx.exit()


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
    if default in (None, "", ()) or k.kind == "bool":
        return ""
    numbers = default if isinstance(default, tuple) else (default,)
    shown = default if isinstance(default, str) else ",".join(f"{v:g}" for v in numbers)
    return f"[default: {shown}{' ' + k.unit if k.unit else ''}]"


def logging_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of what is logged, and where to."""
    command = click.option("--log-json", is_flag=True, help="Write log lines as JSON objects.")(command)
    command = click.option(
        "--log-file",
        type=click.Path(dir_okay=False),
        help="Write the log to this file, too; an earlier log in it is kept.",
    )(command)
    return click.option("-q", "--quiet", is_flag=True, help="Log errors only.")(command)


def typed(given: Mapping[str, Any]) -> dict[str, Any]:
    """Of the parameters `given` to the current command those that were typed; the others keep what a job says."""
    source = click.get_current_context().get_parameter_source
    values = {name: value for name, value in given.items() if source(name) is not ParameterSource.DEFAULT}
    if "data_type" in values:  # -d may be given several times
        values["data_type"] = tuple(kind for group in values["data_type"] for kind in group)
    return values


def start_log(quiet: bool, log_file: str | None, log_json: bool) -> None:
    """Begin to log as `logging_options` say."""
    logs.start(logging.ERROR if quiet else logging.INFO, log_file, log_json)
