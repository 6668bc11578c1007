"""Where log lines go: stderr for people, a file or JSON for farms. Every line is flushed. Floor 0."""

from __future__ import annotations

import json
import logging
import sys

from .errors import OutputError


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {"time": self.formatTime(record), "level": record.levelname.lower(), "message": record.getMessage()}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line)


def start(level: int, log_file: str | None = None, as_json: bool = False) -> None:
    """Send the `relamp` logger to stderr and, if given, to `log_file`. Raises `OutputError`."""
    logger = logging.getLogger("relamp")
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
        handler.close()
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    if log_file:
        try:
            handlers.append(logging.FileHandler(log_file, encoding="utf-8"))
        except OSError as error:
            raise OutputError(f"{log_file}: cannot write the log there ({error.strerror})") from None
    for handler in handlers:
        handler.setFormatter(_Json() if as_json else logging.Formatter("%(message)s"))
        logger.addHandler(handler)
    logger.setLevel(level)
    logger.propagate = False
