"""Where log lines go: stderr for people, a file or JSON for farms. Every line is flushed. Floor 0."""

from __future__ import annotations

import json
import logging
import sys

from .errors import OutputError, readable

_LOGGER = logging.getLogger("relamp")
_asked = {"verbose": False}


class _Plain(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return readable(super().format(record))  # a file's name may hold what no stream takes


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {"time": self.formatTime(record), "level": record.levelname.lower(), "message": record.getMessage()}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line)


def be_verbose(on: bool) -> None:
    """Have every log from now on tell everything, tracebacks too, whatever level it is started with; or no longer."""
    _asked["verbose"] = on
    if on:
        start(logging.DEBUG)


def start(level: int, log_file: str | None = None, as_json: bool = False) -> None:
    """Send the `relamp` logger to stderr and, if given, to `log_file`. Raises `OutputError`."""
    for handler in list(_LOGGER.handlers):
        _LOGGER.removeHandler(handler)
        handler.close()
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    if log_file:
        try:
            handlers.append(logging.FileHandler(log_file, encoding="utf-8"))
        except OSError as error:
            raise OutputError(f"{log_file}: cannot write the log there ({error.strerror})") from None
    for handler in handlers:
        handler.setFormatter(_Json() if as_json else _Plain("%(message)s"))
        _LOGGER.addHandler(handler)
    _LOGGER.setLevel(logging.DEBUG if _asked["verbose"] else level)
    _LOGGER.propagate = False
