"""Error messages of OpenImageIO. They quote headers, and a damaged or foreign header may hold bytes that are not UTF-8."""

from __future__ import annotations

from typing import Any


def said_by(source: Any) -> str:
    """The last error of an OpenImageIO file, or of the library; bytes that are not UTF-8 are escaped. Clears the error."""
    try:
        return source.geterror()
    except UnicodeDecodeError as error:
        return error.object.decode("utf-8", "backslashreplace")
