"""Every deliberate error of Relamp, with the exit code a farm sees.

The codes are those of the table in README's farm section. Anything that is not a `RelampError` is a bug.
Standard library only: this module runs inside other people's Pythons.
"""

from __future__ import annotations


def readable(text: str) -> str:
    """Text of files as a person can read it: bytes that are not UTF-8 are taken for Latin-1."""
    return "".join(chr(ord(c) - 0xDC00) if 0xDC80 <= ord(c) <= 0xDCFF else c for c in text)


def one_line(text: object) -> str:
    """A text of any number of lines as one, for logs and farms that read line by line."""
    return " ".join(line.strip() for line in str(text).splitlines() if line.strip())


class RelampError(Exception):
    """A failure that is explained in one sentence an artist can act on."""

    exit_code = 1

    def __init__(self, message: str) -> None:
        super().__init__(readable(message))


class UsageError(RelampError):
    """The command, the job or a parameter is wrong; retrying changes nothing."""

    exit_code = 2


class ParameterError(UsageError):
    """A parameter has a value outside its declaration."""


class FramesFailedError(RelampError):
    """Some frames failed or were skipped while others were written."""

    exit_code = 3


class InputError(RelampError):
    """An input is missing, unreadable or not what it has to be."""

    exit_code = 4


class DeviceError(RelampError):
    """No usable device, or not enough memory on it."""

    exit_code = 5


class OutputError(RelampError):
    """The output cannot be written."""

    exit_code = 6


class StoppedError(RelampError):
    """SIGINT or SIGTERM arrived; finished frames are kept."""

    def __init__(self, message: str, signal_number: int) -> None:
        super().__init__(message)
        self.exit_code = 128 + signal_number
