"""JSON that somebody else wrote."""

from __future__ import annotations

import json
from typing import Any


def loads(text: str | bytes) -> Any:
    """What JSON text says. Raises `ValueError` for anything that is not, brackets nested beyond Python's depth included.

    >>> loads('{"mix": 0.5}')
    {'mix': 0.5}
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
