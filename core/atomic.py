"""Files that appear whole or not at all: written to a hidden sibling, then renamed over the final name.

The sibling is `.name.exr.<host>.<pid>.tmp`, which no sequence scanner takes for a frame. Floor 0.
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .errors import OutputError, UsageError

_HOST = re.sub(r"[^A-Za-z0-9-]", "-", socket.gethostname()) or "host"
_TEMPORARY = re.compile(r"\..+\.(?P<host>[A-Za-z0-9-]+)\.(?P<pid>\d+)\.tmp")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path to write to; on leaving well it becomes `path`, on an exception it is removed.

    Missing folders are made.

    Raises:
        OutputError: the folder cannot be made or the file not be put in place.
    """
    temporary = path.with_name(f".{path.name}.{_HOST}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def require_free(paths: Iterable[Path], overwrite: bool) -> None:
    """Raise `UsageError` naming what is there already, unless it may be written over."""
    there = [str(path) for path in paths if os.path.lexists(path)]
    if there and not overwrite:
        verb, which = ("is", "it") if len(there) == 1 else ("are", "them")
        raise UsageError(f"{', '.join(there)} {verb} already there; --overwrite writes over {which}")


def remove_stale(folder: Path) -> int:
    """Remove what dead processes of this machine left half-written in a folder; the number of files removed.

    Files of other machines and of living processes stay: chunks of one shot may be rendered into one folder at once.
    """
    removed = 0
    if os.name == "nt" or not folder.is_dir():  # Windows has no harmless way to ask whether a process lives
        return removed
    for entry in folder.iterdir():
        match = _TEMPORARY.fullmatch(entry.name)
        if match and match["host"] == _HOST and not process_lives(int(match["pid"])):
            try:
                entry.unlink(missing_ok=True)
                removed += 1
            except OSError:
                continue  # another user's; it does no harm
    return removed


def remove_unfinished(folder: Path) -> None:
    """Remove what this process has half-written in a folder, because it ends at once."""
    for entry in folder.iterdir():
        match = _TEMPORARY.fullmatch(entry.name)
        if match and match["host"] == _HOST and int(match["pid"]) == os.getpid():
            with suppress(OSError):
                entry.unlink()


def process_lives(pid: int) -> bool:
    """Whether a process of this machine lives. On Windows, which has no harmless way to ask, always."""
    if os.name == "nt":
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
