"""The values in a front end's messages, checked before anything is done with them."""

from __future__ import annotations

import json
from typing import Any

from ..errors import UsageError
from ..job import RelightJob, from_json
from ..parameters import check_characters


def job_of(data: dict[str, Any]) -> RelightJob:
    """The job in a message: the same JSON as a job file, and nothing else."""
    if not isinstance(data, dict):
        raise UsageError(f"a job is an object like that of a job file; got {type(data).__name__}")
    try:
        return from_json(json.dumps(data), "the job")
    except (TypeError, AttributeError, ValueError) as error:
        raise UsageError(f"the job cannot be read: {error}") from None


def check_numbers(**values: Any) -> None:
    """Raise `UsageError` for a value that is no number, or one of 1e9 or more."""
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < 1e9:
            raise UsageError(f"{name} must be a number; got {value!r}")


def check_texts(**values: Any) -> None:
    """Raise `UsageError` for a value that is neither None nor text, `ParameterError` for characters that no text may hold."""
    for name, value in values.items():
        if value is None:
            continue
        if not isinstance(value, str):
            raise UsageError(f"{name} must be text; got {value!r:.200}")
        check_characters(name, value, as_path=name in ("path", "pattern", "config"))


def require_texts(**values: Any) -> None:
    """Raise as `check_texts`, and `UsageError` for None."""
    check_texts(**values)
    lacking = [name for name, value in values.items() if value is None]
    if lacking:
        raise UsageError(f"{lacking[0]} must be text; got nothing")


def gains_of(dim: Any) -> tuple[float, ...]:
    """The gains of lamps in a message, none for None. Raises `UsageError` for what is no list of numbers."""
    if dim is None:
        return ()
    if not isinstance(dim, list):
        raise UsageError(f"dim must be a list of numbers; got {dim!r}")
    check_numbers(**{f"dim[{index}]": gain for index, gain in enumerate(dim)})
    return tuple(float(gain) for gain in dim)
