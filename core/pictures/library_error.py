"""What OpenImageIO says went wrong. It quotes headers, and a damaged or foreign header may hold bytes that are not UTF-8."""

from __future__ import annotations

from typing import Any


def said_by(source: Any) -> str:
    """The last error of a file of OpenImageIO, or of the library itself; bytes that are not UTF-8 come escaped. Forgets it."""
    try:
        return source.geterror()
    except UnicodeDecodeError as error:
        return error.object.decode("utf-8", "backslashreplace")
