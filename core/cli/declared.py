"""Declared parameters as options of the command line: how they are read, and how a sentence names them."""

from __future__ import annotations

import re
from typing import Any

import click

from ..errors import ParameterError
from ..parameters import knobs, parse


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
