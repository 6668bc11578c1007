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
    "render": LazyCommand(
        "relamp.core.cli.render", "Relight PLATE with a new light and write scene-linear EXR frames."
    ),
    "passes": LazyCommand(
        "relamp.core.cli.passes",
        "Make normals, depth, albedo and other passes of PLATE, as layers of EXR frames.",
    ),
    "info": LazyCommand(
        "relamp.core.cli.info",
        "Show what an EXR or a sequence holds: parts, layers, windows, colour, time code, and how Relamp made it.",
    ),
    "evaluate": LazyCommand(
        "relamp.core.cli.evaluate",
        "Measure relit frames PRED against the true frames GT, and say whether they are good.",
    ),
    "panel": LazyCommand("relamp.core.cli.panel", "Open the panel, with a job file or a plate if one is given."),
    "doctor": LazyCommand("relamp.core.cli.doctor", "Check this machine; show what is missing and how to install it."),
    "env": LazyCommand(
        "relamp.core.cli.env", "Show the level and the lamps of an environment, or make an environment."
    ),
    "rig": LazyCommand("relamp.core.cli.rig", "Show the lights of a rig, or make a rig from words."),
    "deflicker": LazyCommand("relamp.core.cli.deflicker", "Remove flicker from frames that any program relit."),
    "flicker": LazyCommand(
        "relamp.core.cli.flicker", "Measure how much each frame of a sequence flickers, and say whether it is steady."
    ),
    "models": LazyCommand(
        "relamp.core.cli.models", "List, check, convert and add the weights of the published systems."
    ),
    "submit": LazyCommand(
        "relamp.core.cli.submit", "Send a job to a farm, or run it here through the farm's own runner."
    ),
    "status": LazyCommand(
        "relamp.core.cli.status", "Show which frames of a sequence exist, are missing or failed, and why."
    ),
    "offline": LazyCommand("relamp.core.cli.offline", "Collect wheels and weights for machines without a network."),
    "farm": LazyCommand("relamp.core.cli.farm", "Commands that exported farm jobs call; not for typing."),
    "blender": LazyCommand("relamp.core.cli.blender", "Install the Relamp node for Blender, or remove it."),
    "nuke": LazyCommand("relamp.core.cli.nuke", "Install the Relamp node for Nuke, remove it, or write its test."),
    "export": LazyCommand(
        "relamp.core.cli.export", "Write files for other programs: layered EXR, Nuke, USD, farm jobs."
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
    """Relights film plates: a plate and a new light in, scene-linear relit EXR out."""


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
