"""Commands that are imported when they are called, so that `relamp --help` loads nothing but their one-line descriptions.

Every one of them takes `-v`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import click

from ..logs import be_verbose


@dataclass(frozen=True)
class LazyCommand:
    """Where a command is: the attribute `attribute` of `module`; and what it does, in a sentence."""

    module: str
    help: str
    attribute: str = "command"

    def load(self) -> click.Command:
        """The command itself."""
        return getattr(import_module(self.module), self.attribute)


class LazyGroup(click.Group):
    """A group that knows some of its commands by a table, and imports one when it is called."""

    def __init__(self, *args: Any, table: Mapping[str, LazyCommand] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.table = dict(table or {})

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *self.table})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in self.table:
            return outspoken(self.table[cmd_name].load())
        command = super().get_command(ctx, cmd_name)
        return None if command is None else outspoken(command)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = []
        for name in self.list_commands(ctx):
            own = self.commands.get(name)
            if own is None or not own.hidden:
                rows.append((name, self.table[name].help if own is None else own.get_short_help_str(90)))
        if rows:
            with formatter.section("Commands"):
                formatter.write_dl(rows)


def outspoken(command: click.Command) -> click.Command:
    """The command, and those in it, with the option that has the log tell everything."""
    if not any("--verbose" in parameter.opts for parameter in command.params):
        command.params.append(
            click.Option(
                ["-v", "--verbose"],
                is_flag=True,
                expose_value=False,
                is_eager=True,
                help="Log more lines, and tracebacks of errors.",
                callback=lambda ctx, option, on: be_verbose(True) if on else None,
            )
        )
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            outspoken(inner)
    return command
