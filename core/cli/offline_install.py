"""Installs Relamp from the folder this file lies in, without a network: python install.py VENV [MODELS].

Checks every file against the manifest, makes the virtual environment VENV, installs from the wheels alone, and puts the
weights into MODELS (else ~/.relamp/models, or $RELAMP_MODELS). Copied into the folder by `relamp offline`; standard library
only, since nothing of Relamp is there yet.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main(arguments: list[str]) -> int:
    """Install; the exit code: 2 for usage, or weights that differ from those there; 4 for a folder not as it was gathered."""
    if not 1 <= len(arguments) <= 2:
        print((__doc__ or "").splitlines()[0], file=sys.stderr)
        return 2
    try:
        manifest = json.loads((HERE / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        return _fail(f"{HERE}/manifest.json cannot be read ({error}); gather the folder again")
    running = f"{sys.version_info.major}.{sys.version_info.minor}"
    if manifest["python"] != running:
        return _fail(f"these wheels are for Python {manifest['python']}, this is {running}; use that one")
    wrong = [name for name, digest in manifest["files"].items() if _sha256(HERE / name) != digest]
    if wrong:
        return _fail(f"{', '.join(wrong[:3])}: not as gathered, {len(wrong)} files in all; carry the folder over again")
    default = os.environ.get("RELAMP_MODELS") or Path.home() / ".relamp" / "models"
    weights, models = _weights(), Path(arguments[1] if len(arguments) > 1 else default)
    other = [str(models / name) for name, path in weights.items() if _differs(path, models / name)]
    if other:
        print(
            f"{', '.join(other[:3])}: already there and not these weights; move it away, or name MODELS",
            file=sys.stderr,
        )
        return 2
    home = Path(arguments[0])
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    venv.create(home, with_pip=True)
    extras = f"[{','.join(manifest['extras'])}]" if manifest["extras"] else ""
    wanted = f"relamp{extras}=={manifest['version']}"
    install = ["-m", "pip", "install", "--quiet", "--no-index", "--find-links", str(HERE / "wheels"), wanted]
    if subprocess.run([python, *install], check=False).returncode:
        return _fail("pip could not install from the wheels; what it said stands above")
    for name, path in weights.items():
        _put(path, models / name)
    print(f"installed: {python.parent / 'relamp'} doctor looks whether this machine has all it needs")
    return 0


def _weights() -> dict[str, Path]:
    """The weights gathered, by their names in the folder of models."""
    home = HERE / "weights"
    return {path.relative_to(home).as_posix(): path for path in sorted(home.rglob("*")) if path.is_file()}


def _differs(path: Path, there: Path) -> bool:
    return os.path.lexists(there) and _sha256(there) != _sha256(path)


def _put(path: Path, target: Path) -> None:
    """Copy a file whole, beside its name and then renamed; one that is there already is the same."""
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        shutil.copyfile(path, beside)
        beside.rename(target)
    finally:
        beside.unlink(missing_ok=True)


def _fail(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 4


def _sha256(path: Path) -> str:
    if not path.is_file():
        return ""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
