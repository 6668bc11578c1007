"""`relamp farm`: what the actions of an exported farm job call. Nobody types these by hand."""

from __future__ import annotations

import logging
import os
from typing import Any

import click

from ..errors import outcome
from ..farm import session
from ..farm.spool import Spool
from ..parameters import parse
from ..progress import Progress

_spool = click.option("--spool", required=True, metavar="DIR", help="The session's private folder.")
_progress = click.option("--progress", type=click.Choice(("openjd", "plain")), default="openjd", hidden=True)


@click.group("farm")
def command() -> None:
    """Commands that exported farm jobs call; not for typing."""


@command.command()
@_spool
@click.option("--job", required=True, metavar="FILE", help="The job file of the bundle.")
@click.option(
    "--path-mapping-rules", metavar="FILE", help="The rules that map the artist's paths to paths on this machine."
)
@click.option("--threads", metavar="N", help="The number of frames that are rendered at once.")
@_progress
def start(spool: str, job: str, path_mapping_rules: str | None, threads: str | None, progress: str) -> None:
    """Load a shot once for all chunks of it that this machine renders."""
    parameters: dict[str, Any] = {"threads": parse("threads", threads)} if threads else {}
    rules = os.path.abspath(path_mapping_rules) if path_mapping_rules else None
    settings = {"job": os.path.abspath(job), "rules": rules, "parameters": parameters}
    with Progress(progress) as told:
        _told(told, lambda: session.start(Spool(spool), settings))


@command.command()
@_spool
@click.option("-F", "--frames", required=True, metavar="TEXT", help="The frames of the chunk.")
@_progress
def task(spool: str, frames: str, progress: str) -> None:
    """Render a chunk."""
    from ..logs import start as start_log

    start_log(logging.INFO)
    with Progress(progress) as told:
        _told(told, lambda: session.render(Spool(spool), frames, told, logging.getLogger("relamp").info))


@command.command()
@_spool
def stop(spool: str) -> None:
    """End the session. It is no error when there is none, because farms also clean up sessions that never began."""
    session.stop(Spool(spool))


def _told(told: Progress, work: Any) -> None:
    """Do it, and tell the farm the reason when it fails: it sees no more than a number otherwise."""
    try:
        work()
    except Exception as error:
        told.failed(outcome(error)[1])
        raise
