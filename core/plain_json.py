"""JSON that somebody else wrote."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from .errors import InputError


def loads(text: str | bytes) -> Any:
    """What JSON text says. Raises `ValueError` for anything that is not, brackets nested beyond Python's depth included.

    >>> loads('{"mix": 0.5}')
    {'mix': 0.5}
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def text(path: str | os.PathLike[str], what: str) -> str:
    """The text of the file `path`, which should be `what`, as in "job file". Raises `InputError` where it cannot be read."""
    try:
        return Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(f"{path} does not exist; give the path of a {what}") from None
    except OSError as error:
        raise InputError(f"{path}: cannot read this {what} ({error.strerror})") from None
    except UnicodeDecodeError:
        raise InputError(f"{path} is not a {what}: it is not text") from None
