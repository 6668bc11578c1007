"""`relamp offline DIR`: everything a machine without a network needs, in one folder: wheels, weights, and what installs them.

Gathered on a machine of the same kind (system, processor, Python) that has a network and a checkout; the folder is carried
over, and `python DIR/install.py VENV` there makes an environment from it, after every file's hash was checked. Floor 4.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import click

from .. import VERSION
from ..atomic import replacing
from ..errors import OutputError, RelampError, UsageError

MANIFEST = "manifest.json"
INSTALLER = "install.py"
LEFT_OUT = (".*", "build", "dist", "data", "renders", "tests", "benchmarks", "examples", "__pycache__", "*.egg-info")

EXAMPLES = """\b
Example:
  relamp offline wheels --extras panel,farm
"""


@click.command("offline", epilog=EXAMPLES)
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--extras",
    default="panel,farm,usd",
    show_default=True,
    metavar="NAMES",
    help="The extras of Relamp to include, or none.",
)
@click.option(
    "--models",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder of downloaded weights. [default: this machine's]",
)
@click.option(
    "--source",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="The checkout to take Relamp from. [default: this one]",
)
def command(folder: Path, extras: str, models: Path | None, source: Path | None) -> None:
    """Collect wheels and weights in DIR, for machines without a network."""
    from ..relighter.models.folder import default_folder

    root = find_source(source)
    names = () if extras == "none" else tuple(name for name in extras.split(",") if name)
    gather(folder, root, names, models or default_folder())
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    click.echo(f"{folder}: {size / 1e6:.0f} MB; carry it over, then: python {INSTALLER} VENV")


def find_source(given: Path | None = None) -> Path:
    """The checkout to gather from: the one given, else the one this Relamp runs from. Raises `UsageError`."""
    root = given or Path(__file__).parents[2]
    if not (root / "pyproject.toml").is_file() or not (root / "constraints.txt").is_file():
        raise UsageError(f"{root} is no checkout of Relamp; give one with --source, it is what the wheel is made from")
    return root


def gather(folder: Path, source: Path, extras: tuple[str, ...], models: Path, *pip: str) -> None:
    """Fill `folder`: `wheels/`, `weights/`, the installer, and last the manifest with every file's SHA-256.

    Args:
        models: the folder of downloaded weights; nothing is taken where it is not there. What ships is in Relamp's wheel.
        pip: more arguments for pip.

    Raises:
        UsageError: the folder holds an installer or a manifest of something else.
        RelampError: pip failed; what it said stands above.
        OutputError: the folder cannot be written.
    """
    wheels = folder / "wheels"
    _require_own(folder)
    (folder / MANIFEST).unlink(missing_ok=True)  # without it, what is half gathered cannot be installed
    with tempfile.TemporaryDirectory(prefix="relamp-") as temporary:
        # From a copy: building leaves files in the folder it builds, which would go into the next wheel.
        clean = Path(temporary) / "relamp"
        shutil.copytree(source, clean, ignore=shutil.ignore_patterns(*LEFT_OUT))
        wanted = f"{clean}[{','.join(extras)}]" if extras else str(clean)
        arguments = ["--wheel-dir", str(wheels), "-c", str(source / "constraints.txt"), *pip, wanted]
        if subprocess.run([sys.executable, "-m", "pip", "wheel", "--quiet", *arguments], check=False).returncode:
            raise RelampError("pip could not gather the wheels; what it said stands above")
    try:
        if models.is_dir():
            shutil.copytree(models, folder / "weights", dirs_exist_ok=True, copy_function=_copy)
        _copy(Path(__file__).with_name("offline_install.py"), folder / INSTALLER)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be filled ({error})") from None
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    manifest = {
        "schema": "relamp.offline/1",
        "version": VERSION,
        "extras": list(extras),
        "python": f"{sys.version_info.major}.{sys.version_info.minor}",
        "files": {path.relative_to(folder).as_posix(): _sha256(path) for path in files},
    }
    with replacing(folder / MANIFEST, overwrite=True) as temporary:
        temporary.write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")


def _require_own(folder: Path) -> None:
    """Refuse to write over an installer or a manifest that is not of an earlier gathering."""
    for path, sign in ((folder / INSTALLER, "relamp offline"), (folder / MANIFEST, '"relamp.offline/')):
        if path.exists() and not (path.is_file() and sign in path.read_text(encoding="utf-8", errors="replace")):
            raise UsageError(f"{path} is there and was not gathered by relamp offline; give another folder")


def _copy(source: str | Path, target: str | Path) -> None:
    """Copy a file over the one of an earlier gathering."""
    with replacing(Path(target), overwrite=True) as temporary:
        shutil.copy(source, temporary)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
