"""`relamp export NAME`: the exporters of `table` as one command."""

from __future__ import annotations

import click

from ..core.cli.lazy import LazyGroup
from .table import EXPORTERS


@click.group("export", cls=LazyGroup, table=EXPORTERS)
def command() -> None:
    """Write what another program reads."""
