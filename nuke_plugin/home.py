"""Relamp in a Nuke folder (`~/.nuke`): a copy of the plugin, and one marked block in its `init.py`.

Nothing outside the block is ever touched, and what was there before is there, byte for byte, after `uninstall`.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from ..core.atomic import replacing
from ..core.errors import InputError
from ..core.node import install as copies

NAME = "relamp"
BEGIN = b"# relamp: begin (written by 'relamp nuke install', taken out by 'relamp nuke uninstall')"
END = b"# relamp: end"
ENDED = b" +"  # behind BEGIN: the line before it had no end, and was given one


def install(folder: Path) -> Path:
    """Put the plugin into a Nuke folder and wire it up; doing so again brings it up to date. Returns the copy.

    Raises:
        UsageError: something that is not ours is in the way.
        OutputError: the folder cannot be written.
    """
    from . import gizmo

    made = {
        "nuke_plugin/startup/Relamp.gizmo": gizmo.gizmo_file().encode(),
        "nuke_plugin/startup/Relamp.nk": gizmo.paste_file().encode(),
    }
    target = folder / NAME
    before = _text(folder / "init.py")
    copies.copy(target, ("nuke_plugin", "ui"), made)
    _write(folder / "init.py", _with_block(before))
    return target


def uninstall(folder: Path) -> bool:
    """Take the plugin and its block out again; whether there was anything. Other files and lines stay as they are."""
    path = folder / "init.py"
    before = _text(path)
    after = _without_block(before)
    if after != before:
        if after:
            _write(path, after)
        else:  # there was nothing but our block
            path.unlink()
    return copies.remove(folder / NAME) or after != before


def _block(newline: bytes, begin: bytes) -> bytes:
    # Relative to this init.py, so that the folder may move.
    lines = (begin, b"import nuke", b"nuke.pluginAddPath('./relamp/nuke_plugin/startup')", END)
    return newline.join(lines) + newline


def _with_block(text: bytes) -> bytes:
    rest = _without_block(text)
    newline = b"\r\n" if b"\r\n" in rest else b"\n"
    if rest and not rest.endswith((b"\n", b"\r")):
        return rest + newline + _block(newline, BEGIN + ENDED)
    return rest + _block(newline, BEGIN)


def _without_block(text: bytes) -> bytes:
    start = text.find(BEGIN)
    if start < 0:
        return text
    end = text.find(END, start)
    if end < 0:
        raise InputError(f"init.py has the line {BEGIN.decode()!r} without {END.decode()!r}; take both out by hand")
    end += len(END)
    end += _line_end(text[end : end + 2])
    if text[start + len(BEGIN) :].startswith(ENDED):
        start -= 2 if text[start - 2 : start] == b"\r\n" else 1
    return text[:start] + text[end:]


def _line_end(text: bytes) -> int:
    return 2 if text == b"\r\n" else 1 if text[:1] == b"\n" else 0


def _text(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from None


def _write(path: Path, text: bytes) -> None:
    path = Path(os.path.realpath(path))  # a link stays a link
    with replacing(path, overwrite=True) as temporary:
        temporary.write_bytes(text)
        if path.exists():
            shutil.copymode(path, temporary)
