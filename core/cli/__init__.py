"""The `relamp` command: the table of its verbs, one module each, and how every verb ends.

A verb is imported when it is called, and imports heavy libraries inside its function, so `relamp --help` is instant.
"""

from __future__ import annotations

from . import first_moment  # noqa: F401  # isort: skip

import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import click

from .. import VERSION, logs
from ..errors import ParameterError, StoppedError, one_line, outcome
from ..process import deafen, heeding_signals, set_up
from .declared import by_option
from .lazy import LazyCommand, LazyGroup, outspoken

log = logging.getLogger("relamp")

_VERBS = {
    "render": LazyCommand("relamp.core.cli.render", "Relight PLATE by a new light and write scene-linear EXR frames."),
    "passes": LazyCommand(
        "relamp.core.cli.passes",
        "Make normals, depth, albedo and other passes of PLATE, as layers of EXR frames.",
    ),
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
    "rig": LazyCommand("relamp.core.cli.rig", "Say what lights a rig holds, or make a rig from words."),
    "deflicker": LazyCommand("relamp.core.cli.deflicker", "Take the flicker out of frames that any program relit."),
    "flicker": LazyCommand("relamp.core.cli.flicker", "Say how much each frame of a sequence flickers."),
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
        "relamp.core.cli.export", "Write what another program reads: layered EXR, Nuke, USD, farm jobs."
    ),
}


class _OutputClosedError(Exception):
    """The program that reads standard output has closed it, as `head` does when it has enough. That is no failure."""


@contextmanager
def _output_may_close() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise _OutputClosedError from None


class _Root(LazyGroup):
    """Handles a closed standard output before click does, which would end the program with exit code 1."""

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        with _output_may_close():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        with _output_may_close():
            return super().invoke(ctx)


@click.group(
    cls=_Root,
    table=_VERBS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.version_option(VERSION, prog_name="relamp")
def relamp() -> None:
    """Relights film plates: scene-linear EXR and an HDR environment in, scene-linear relit EXR out."""


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
    except _OutputClosedError:
        deafen(sys.stdout)
        return 0
    return result if isinstance(result, int) else 0


def _explain(error: BaseException) -> int:
    """Say in one line what went wrong; the exit code."""
    code, sentence = outcome(error)
    if log.isEnabledFor(logging.DEBUG):
        log.debug("traceback", exc_info=error)
    if isinstance(error, ParameterError):
        sentence = by_option(sentence)
    with suppress(OSError):  # standard error may be closed
        print(f"relamp: {one_line(sentence)}", file=sys.stderr, flush=True)
    return code


outspoken(relamp)
