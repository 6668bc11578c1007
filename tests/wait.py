"""Waiting for something to become true, never for a time."""

from __future__ import annotations

import time
from collections.abc import Callable


def wait_until(condition: Callable[[], object], what: str = "", timeout: float = 60.0) -> None:
    """Return as soon as `condition()` holds; fail with `what` after `timeout` seconds."""
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, f"never became true: {what or condition}"
        time.sleep(0.01)
