"""The one door for every file that is written: whole or not at all, on disk before it gets its name, and over nothing unasked.

A file is written to a hidden sibling, `.name.exr.<host>.<pid>.tmp`, which no sequence scanner takes for a frame, and then
takes the final name. Floor 0.
"""

from __future__ import annotations

import errno
import os
import re
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .errors import OutputError, UsageError

_HOST = re.sub(r"[^A-Za-z0-9-]", "-", socket.gethostname()) or "host"
_TEMPORARY = re.compile(r"\..+\.(?P<host>[A-Za-z0-9-]+)\.(?P<pid>\d+)\.tmp")

Overwrite = bool | Callable[[Path], bool]
"""Whether a file that is there may be replaced; a function is asked when the new one is ready, with the path."""


@contextmanager
def replacing(path: Path, overwrite: Overwrite = False) -> Iterator[Path]:
    """Give a temporary path to write to; on leaving well it becomes `path`, on an exception it is removed.

    Missing folders are made. The contents, and then the folder's entry, are on disk before this returns.

    Args:
        path: the final path.
        overwrite: whether a file that lies at `path` by the end may be replaced.

    Raises:
        UsageError: a file is there that may not be replaced; it stays as it is.
        OutputError: the folder cannot be made or the file not be put in place.
    """
    temporary = path.with_name(f".{path.name}.{_HOST}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        _to_disk(temporary)
        _put(temporary, path, overwrite)
        _folder_to_disk(path.parent)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def require_free(paths: Iterable[Path], overwrite: bool, inputs: Iterable[Path] = ()) -> None:
    """Find out before any work whether files may be written.

    Args:
        paths: the files to be written.
        overwrite: whether those that are there already may be replaced.
        inputs: the files that are read. They are never written over, by whatever path or link they are reached.

    Raises:
        UsageError: naming the files that may not be written.
    """
    paths, read = tuple(paths), {identity for path in inputs for identity in _identities(path)}
    for path in paths:
        if read & _identities(path):
            raise UsageError(
                f"{path} is an input of this command, and inputs are never written over; give another name"
            )
    there = [str(path) for path in paths if os.path.lexists(path)]
    if there and not overwrite:
        verb, which = ("is", "it") if len(there) == 1 else ("are", "them")
        raise UsageError(f"{', '.join(there)} {verb} already there; --overwrite writes over {which}")


def _identities(path: Path) -> set[str | tuple[int, int]]:
    """What two paths of one file share: the path without links, and where the file exists its place on the disk."""
    found: set[str | tuple[int, int]] = {os.path.normcase(os.path.realpath(path))}
    with suppress(OSError):
        status = os.stat(path)
        found.add((status.st_dev, status.st_ino))
    return found


def _put(temporary: Path, path: Path, overwrite: Overwrite) -> None:
    """Give a finished file its name. Nothing that appears in the meantime is replaced unless `overwrite` says so."""
    if overwrite is not True:
        try:
            _put_where_nothing_is(temporary, path)
            return
        except FileExistsError:
            if path.is_dir():  # no asking helps here
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR)) from None
            if overwrite is False or not overwrite(path):
                raise UsageError(f"{path} is already there and stays as it is; --overwrite writes over it") from None
    os.replace(temporary, path)


def _put_where_nothing_is(temporary: Path, path: Path) -> None:
    """Raise `FileExistsError` where a file is; a link is made in one step, so no other process can come between."""
    if temporary.is_file() and not temporary.is_symlink():
        try:
            os.link(temporary, path)
            return
        except FileExistsError:
            raise
        except OSError:
            pass  # a file system without hard links
    if os.path.lexists(path):
        raise FileExistsError(path)
    os.rename(temporary, path)


def _to_disk(path: Path) -> None:
    """Have the system write a file's contents out, so that a loss of power cannot leave its name on an empty file."""
    if path.is_file() and not path.is_symlink():
        with open(path, "rb+") as file:
            os.fsync(file.fileno())


def _folder_to_disk(folder: Path) -> None:
    """The same for the names in a folder.

    Windows does that by itself; a folder that may be written to and not read cannot be asked, and some network file systems
    refuse to be. There the file is in place all the same.
    """
    if os.name == "nt":
        return
    try:
        handle = os.open(folder, os.O_RDONLY)
    except PermissionError:
        return
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EBADF):
            raise
    finally:
        os.close(handle)


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
