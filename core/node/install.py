"""A self-contained copy of floor 0 and a host's plugin, for a Python without Relamp.

The copy is a folder `relamp` with the same modules in the same places, so that their relative imports hold, and
`site.json`, which names the Python of the worker. It carries a list of its files; only those are ever removed.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from .. import VERSION
from ..atomic import replacing
from ..errors import OutputError, UsageError

FLOOR_0 = (
    "__init__",
    "atomic",
    "counted",
    "errors",
    "frames",
    "job",
    "launch",
    "parameters",
    "plain_json",
    "rig_library",
    "rpc",
    "node",
)
"""What a plugin needs of `core`: modules, and the folder of the node."""

MANIFEST = "installed.json"
_ROOT = Path(__file__).resolve().parents[2]


def copy(target: Path, folders: tuple[str, ...], more: Mapping[str, bytes] | None = None) -> list[Path]:
    """Put floor 0 and the plugin's `folders` into `target`, which is called `relamp`.

    Files of an earlier copy that are no more are removed; whatever else lies there is left alone.

    Args:
        folders: beside `core`, as `("nuke_plugin", "ui")`.
        more: files made for this copy, by their path in it.

    Returns:
        The files, as they lie.

    Raises:
        UsageError: `target` holds something that is no copy of Relamp.
        OutputError: it cannot be written.
    """
    if target.exists() and not (target / MANIFEST).is_file() and any(target.iterdir()):
        raise UsageError(f"{target} is there and is no installed Relamp; move it away, or give another --dir")
    contents = {path.relative_to(_ROOT).as_posix(): path.read_bytes() for path in _sources(folders)}
    contents |= dict(more or {})
    contents["site.json"] = _text({"python": sys.executable})
    stale = set(installed(target)) - set(contents)
    for name, content in contents.items():
        with replacing(target / name, overwrite=True) as temporary:
            temporary.write_bytes(content)
    _remove(target, stale)
    with replacing(target / MANIFEST, overwrite=True) as temporary:
        temporary.write_bytes(_text({"version": VERSION, "files": sorted(contents)}))
    return [target / name for name in sorted(contents)]


def installed(target: Path) -> tuple[str, ...]:
    """The files that a copy lists as its own; none where there is no copy."""
    try:
        names = json.loads((target / MANIFEST).read_text(encoding="utf-8"))["files"]
    except FileNotFoundError:
        return ()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{target / MANIFEST} cannot be read ({error}); remove {target} yourself") from None
    # A list that was edited must not name files outside the copy.
    return tuple(name for name in names if ".." not in Path(name).parts and not Path(name).is_absolute())


def remove(target: Path) -> bool:
    """Remove a copy: its own files, and the folders that are empty then. Returns whether there was one."""
    names = installed(target)
    if not names:
        return False
    _remove(target, {*names, MANIFEST})
    return True


def _sources(folders: tuple[str, ...]) -> Iterator[Path]:
    for name in FLOOR_0:
        found = _ROOT / "core" / name
        if found.is_dir():
            yield from sorted(found.rglob("*.py"))
        else:  # a module, and what it reads beside itself
            yield from (file for suffix in (".py", ".json") if (file := found.with_suffix(suffix)).is_file())
    for folder in folders:
        if not (_ROOT / folder).is_dir():
            raise UsageError(f"there is no {folder} beside {_ROOT / 'core'}; this Relamp was installed without it")
        # The icons beside the modules, too. Bytecode is compiled again where the copy runs.
        files = (path for path in (_ROOT / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts)
        yield from sorted(files)


def _remove(target: Path, names: set[str]) -> None:
    try:
        for name in sorted(names):
            (target / name).unlink(missing_ok=True)
        for cache in sorted(target.rglob("__pycache__")):
            shutil.rmtree(cache, ignore_errors=True)
        for folder, _, _ in os.walk(target, topdown=False):
            if not os.listdir(folder):
                os.rmdir(folder)
    except OSError as error:
        raise OutputError(f"cannot remove {error.filename or target}: {error.strerror or error}") from None


def _text(data: object) -> bytes:
    return (json.dumps(data, indent=1) + "\n").encode()
