"""Where log lines go: stderr for people, a file or JSON for farms. Every line is flushed."""

from __future__ import annotations

import json
import logging
import os
import sys
import time
import warnings

from . import VERSION
from .errors import OutputError, UsageError, one_line, readable

_LOGGER = logging.getLogger("relamp")
_asked = {"verbose": False}
_begun = {"at": time.monotonic()}
_OPENING = "log of relamp"
"""What the first line of a log file holds, so that lines are added to logs and to no other file."""


class _Line(logging.Formatter):
    """One line a message, and the lines of a traceback behind it where one was asked for."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        return readable(one_line(record.message))  # a file's name may hold what no stream takes


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": self.formatTime(record),
            "level": record.levelname.lower(),
            "message": one_line(record.getMessage()),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line)


def be_verbose(on: bool) -> None:
    """Have every log from now on tell everything, tracebacks too, whatever level it is started with; or no longer."""
    _asked["verbose"] = on
    if on:
        start(logging.DEBUG)


def start(level: int, log_file: str | None = None, as_json: bool = False) -> None:
    """Send the `relamp` logger to stderr and, if given, to `log_file`, behind what an earlier log holds.

    Raises:
        UsageError: `log_file` holds something else than a log of Relamp.
        OutputError: it cannot be written.
    """
    _begun["at"] = time.monotonic()
    for handler in list(_LOGGER.handlers):
        _LOGGER.removeHandler(handler)
        handler.close()
    formatter = _Json() if as_json else _Line()
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    if log_file:
        handlers.append(_log_file(log_file, formatter))
    for handler in handlers:
        handler.setFormatter(formatter)
        _LOGGER.addHandler(handler)
    _LOGGER.setLevel(logging.DEBUG if _asked["verbose"] else level)
    _LOGGER.propagate = False
    warnings.showwarning = _library_warning


def stage(words: str) -> None:
    """Log that a stage of the work begins, behind the seconds since the log was started, as in `2.1 s  loading the network`."""
    _LOGGER.info("%.1f s  %s", time.monotonic() - _begun["at"], words)


def _library_warning(message: Warning | str, category: type[Warning], filename: str, lineno: int, *_: object) -> None:
    """What a library warns its programmers of: nothing an artist or a farm can act on, so it is told with `-v` only."""
    _LOGGER.debug("%s line %d: %s: %s", filename, lineno, category.__name__, message)


def _log_file(path: str, formatter: logging.Formatter) -> logging.Handler:
    """A handler that adds to a log, or begins one."""
    try:
        begun = os.path.isfile(path) and os.path.getsize(path) > 0
        if begun:
            with open(path, "rb") as file:
                first = file.readline(400)
            if _OPENING.encode() not in first:
                raise UsageError(f"--log-file {path} is there and is no log of Relamp; give another name")
        handler = logging.FileHandler(path, encoding="utf-8")
        if not begun:
            handler.setFormatter(formatter)
            handler.emit(_LOGGER.makeRecord("relamp", logging.INFO, "", 0, f"{_OPENING} {VERSION}", (), None))
        return handler
    except OSError as error:
        raise OutputError(f"{path}: cannot write the log there ({error.strerror})") from None
