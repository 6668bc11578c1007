"""Finding the Python that Relamp's worker runs in, and starting it there with a clean environment.

A host (Nuke, Blender) has a Python of its own that must never load the heavy libraries; the worker lives in another one
and is started by its path. Standard library only.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from . import plain_json
from .errors import UsageError

VARIABLE = "RELAMP_PYTHON"
SITE_VARIABLE = "RELAMP_SITE"

# Hosts point these at their own folders, and a foreign Python that inherits them loads the wrong libraries.
POISON = (
    "PYTHONHOME",
    "PYTHONPATH",
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
    "QT_PLUGIN_PATH",
    "QT_QPA_PLATFORM_PLUGIN_PATH",
    "OCIO",
)


# What `relamp nuke install` and its like write into a host's copy of these modules.
_INSTALLED = Path(__file__).resolve().parents[1] / "site.json"


def site_file() -> Path:
    """Where a studio says which Python it is: `{"python": "/path/to/python"}`; `RELAMP_SITE` names another file.

    Where the studio says nothing and this is a host's copy of Relamp, it is the file its installer wrote.
    """
    named = os.environ.get(SITE_VARIABLE)
    if named:
        return Path(named)
    studio = _studio_file()
    return _INSTALLED if _INSTALLED.is_file() and not studio.is_file() else studio


def find_python(explicit: str | os.PathLike[str] | None = None) -> Path:
    """The Python of the worker: the one given, else that of `RELAMP_PYTHON`, else that of the site file.

    Raises `UsageError` naming the path that is wrong, or all three ways when none is there.
    """
    if explicit:
        return _runnable(Path(explicit), "the path given for it")
    named = os.environ.get(VARIABLE)
    if named:
        return _runnable(Path(named), VARIABLE)
    site = site_file()
    if site.is_file():
        return _runnable(_site_python(site), str(site))
    raise UsageError(
        f"Relamp's worker is not found: give the path of the Python it is installed in, set {VARIABLE} to it, "
        f'or write {{"python": "<path>"}} into {site}'
    )


def clean_environment(ocio: str | None = None) -> dict[str, str]:
    """The environment of the worker: this process's without what hosts poison; `ocio` is a config passed on purpose."""
    environment = {name: value for name, value in os.environ.items() if name not in POISON}
    environment["PYTHONSAFEPATH"] = "1"  # a folder the artist happens to work in must not shadow a module
    if ocio:
        environment["OCIO"] = ocio
    return environment


def start(python: Path, ocio: str | None = None) -> subprocess.Popen[bytes]:
    """Start a worker with pipes for its standard streams. Raises `UsageError` when the system will not run it."""
    try:
        return subprocess.Popen(
            [os.fspath(python), "-m", "relamp.core.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=clean_environment(ocio),
            # Ctrl-C in the host's terminal is for the host; the worker ends when its pipe closes.
            start_new_session=sys.platform != "win32",
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except OSError as error:
        raise UsageError(
            f"{python} cannot be started ({error.strerror or error}); give a Python that has Relamp"
        ) from None


def _studio_file() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("PROGRAMDATA", r"C:\ProgramData"), "relamp", "site.json")
    if sys.platform == "darwin":
        return Path("/Library/Application Support/relamp/site.json")
    return Path("/etc/relamp/site.json")


def _runnable(python: Path, source: str) -> Path:
    if not python.is_file():
        raise UsageError(f"there is no Python at {python}, which {source} names; correct it there")
    if not os.access(python, os.X_OK):
        raise UsageError(f"{python}, which {source} names, is not a program that can be run; correct it there")
    return python


def _site_python(site: Path) -> Path:
    try:
        return Path(plain_json.loads(site.read_text(encoding="utf-8"))["python"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f'{site} must be JSON like {{"python": "/path/to/python"}}; it is not ({error!r})') from None
