"""The models folder: finds weights by name, stores their licences and hashes, and adds weights.

`models.json` in the folder holds the licences and hashes by name; a hash is valid while size and time of every file are
unchanged. Nothing is ever downloaded, and no network is built here.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ... import plain_json
from ...atomic import replacing
from ...errors import InputError, OutputError, UsageError
from . import ledger
from .ledger import LICENCES, UNKNOWN, WEIGHTS, Model, Used

log = logging.getLogger("relamp")

VARIABLE = "RELAMP_MODELS"
_NOTES = "models.json"
_WEIGHTS = ".safetensors"
_CHUNK = 1 << 22


def default_folder() -> Path:
    """`$RELAMP_MODELS`, else `.relamp/models` at home."""
    return Path(os.environ.get(VARIABLE) or Path.home() / ".relamp" / "models")


@dataclass(frozen=True)
class Found:
    """A model on disk: its name, its path, and its licence."""

    name: str
    path: Path
    licence: str
    terms: str


class Models:
    """A folder of weights; see the module."""

    def __init__(self, folder: str | os.PathLike[str] | None = None) -> None:
        self.folder = Path(folder).expanduser() if folder else default_folder()

    def find(self, name: str) -> Found:
        """The model of a name in the folder, or at a path; raises an `InputError` that says where to put it."""
        return self.find_all([name])[0]

    def find_all(self, names: Iterable[str]) -> list[Found]:
        """The models of some names, or at some paths; raises one `InputError` for all that are missing."""
        places = {name: self._places(name) for name in names}
        paths = {name: next((p for p in tried if p.exists()), None) for name, tried in places.items()}
        absent = [self._absent(name, places[name][0]) for name, path in paths.items() if path is None]
        if len(absent) == 1:
            raise InputError(f"{absent[0]}; see `relamp models list`, and name another folder with --models")
        if absent:
            raise InputError(
                f"{len(absent)} models are missing; see `relamp models list`, and name another folder with --models: "
                + "; ".join(absent)
            )
        return [Found(path.name, path, *self.licence(path)) for path in paths.values() if path is not None]

    def _places(self, name: str) -> list[Path]:
        given = Path(name).expanduser()
        if given.is_absolute() or len(given.parts) > 1:
            return [given]
        return [self.folder / name, *(self.folder / f"{name}{end}" for end in WEIGHTS)]

    def licence(self, path: Path) -> tuple[str, str]:
        """Licence tag and terms of a file or folder: as noted when it was added, else as in the ledger, else unknown."""
        note = self._notes().get(path.name, {}) if path.parent == self.folder else {}
        model = ledger.known(path.name)
        tag, terms = (model.licence, model.terms) if model else (UNKNOWN, "nothing is said of it")
        return str(note.get("licence", tag)), str(note.get("terms", terms))

    def present(self) -> list[Found]:
        """The models in the folder, by name, without hidden files and the notes."""
        if not self.folder.is_dir():
            return []
        entries = sorted(entry for entry in self.folder.iterdir() if not entry.name.startswith("."))
        return [Found(e.name, e, *self.licence(e)) for e in entries if e.is_dir() or e.suffix in WEIGHTS]

    def used(self, found: Found) -> Used:
        """A model with the hash of its files. Raises `InputError` if they differ from those that were added."""
        digest = self.digest(found.path)
        noted = self.noted_digest(found.name) if found.path.parent == self.folder else None
        if noted not in (None, digest):
            raise InputError(
                f"{found.path} is not what was added: SHA-256 {digest[:12]}, noted {noted[:12]}; "
                "remove it and add it again with relamp models add"
            )
        return Used(found.name, found.licence, found.terms, digest)

    def digest(self, path: Path) -> str:
        """SHA-256 in hex of a file, or of a folder's hashes and names; stored where the notes can be written."""
        state = _state(path)
        own = path.parent == self.folder
        note = self._notes().get(path.name, {}) if own else {}
        if note.get("state") == state and isinstance(note.get("sha256"), str):
            return note["sha256"]
        log.info("hashing %s; this is done once", path)
        made = _digest(path)
        if own:
            try:
                self._write(path.name, {"state": state, "sha256": made})
            except OutputError:
                log.debug("%s cannot be written; %s is hashed again next time", self.folder / _NOTES, path.name)
        return made

    def noted_digest(self, name: str) -> str | None:
        """The hash noted when a model was added; None if it was not added."""
        return self._notes().get(name, {}).get("added")

    def add(self, source: Path, *, name: str = "", licence: str = "", terms: str = "", link: bool = False,
            finish: Callable[[Path], None] | None = None) -> Found:  # fmt: skip
        """Copy a file or folder of weights into the folder (or link it), and note its licence and hash.

        `finish` is called with the copy's path before it is hashed, to add to it; never with a link.

        Raises:
            UsageError: it exists already, the name is a path, or the licence tag is not known.
            InputError: the source is missing, or neither safetensors, ONNX nor a folder.
            OutputError: the folder cannot be written.
        """
        if licence and licence not in LICENCES:
            raise UsageError(f"a licence is one of {', '.join(LICENCES)}; got {licence!r}")
        if Path(name).name != name:
            raise UsageError(f"--name is a name in the models folder, not a path; got {name!r}")
        if not source.is_dir() and (not source.is_file() or source.suffix not in WEIGHTS):
            wrong = (
                "is neither a safetensors or ONNX file nor a folder; `relamp models convert` makes one of a checkpoint"
            )
            raise InputError(f"{source} {wrong if source.exists() else 'does not exist'}")
        target = self.folder / (name or source.name)
        if source.is_file() and target.suffix != source.suffix:
            target = target.with_name(target.name + source.suffix)
        if target.exists():
            raise UsageError(f"{target} is already there; give another --name, or remove it first")
        _place(source.resolve(), target, link)
        if finish is not None and not link:
            finish(target)
        model = ledger.known(target.name)
        known = {"licence": model.licence, "terms": model.terms} if model else {"licence": UNKNOWN}
        said = {key: value for key, value in (("licence", licence), ("terms", terms)) if value}
        digest = _digest(target)
        self._write(target.name, {**known, **said, "state": _state(target), "sha256": digest, "added": digest})
        return self.find(target.name)

    def note(self, name: str) -> dict[str, Any]:
        """The notes of a model besides licence and hash, by key; may be empty."""
        return self._notes().get(name, {})

    def note_down(self, name: str, **facts: Any) -> None:
        """Note facts of a model, anything JSON holds. Raises `OutputError` where the folder cannot be written."""
        self._write(name, facts)

    def _absent(self, name: str, place: Path) -> str:
        model: Model | None = ledger.known(name)
        if model is None:
            there = ", ".join(found.name for found in self.present()) or "nothing"
            return f"there is no model {place} (the models folder holds {there})"
        place = self.folder / model.name if place.parent == self.folder else place
        return f"{model.name} is not there: download it ({model.size}) from {model.home} and put it at {place}"

    def _notes(self) -> dict[str, Any]:
        try:
            notes = plain_json.loads((self.folder / _NOTES).read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return {k: v for k, v in notes.items() if isinstance(v, dict)} if isinstance(notes, dict) else {}

    def _write(self, name: str, note: dict[str, Any]) -> None:
        notes = self._notes()
        notes[name] = {**notes.get(name, {}), **note}
        with replacing(self.folder / _NOTES, overwrite=True) as temporary:
            temporary.write_text(json.dumps(notes, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def files(path: Path) -> Iterator[Path]:
    """The files of a model, sorted: itself, or everything in its folder but hidden files."""
    if path.is_file():
        yield path
        return
    for entry in sorted(path.rglob("*")):
        inside = entry.relative_to(path).parts
        if entry.is_file() and not any(part.startswith(".") for part in inside):
            yield entry


def pickles(folder: Path) -> list[tuple[Path, Path]]:
    """Torch's checkpoints below a folder without safetensors beside them, and the names of such safetensors.

    A text encoder's `pytorch_model.bin` becomes `model.safetensors`, as its library names it.
    """
    found = sorted(p for p in folder.rglob("*") if p.suffix in (".bin", ".pth", ".pt", ".ckpt") and p.is_file())
    named = [(p, p.with_name(re.sub("^pytorch_model", "model", p.name)).with_suffix(_WEIGHTS)) for p in found]
    return [(source, target) for source, target in named if not target.exists()]


def _state(path: Path) -> str:
    facts = [(str(f.relative_to(path)), f.stat().st_size, f.stat().st_mtime_ns) for f in files(path)]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def _digest(path: Path) -> str:
    if path.is_file():
        return _sha256(path)
    lines = [f"{_sha256(f)}  {f.relative_to(path).as_posix()}\n" for f in files(path)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _sha256(path: Path) -> str:
    whole = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                whole.update(chunk)
    except OSError as cause:
        raise InputError(f"{path} cannot be read: {cause.strerror}") from cause
    return whole.hexdigest()


def _place(source: Path, target: Path, link: bool) -> None:
    try:
        with replacing(target) as temporary:
            if link:
                temporary.symlink_to(source)
            elif source.is_dir():
                _copy_folder(source, temporary)
            else:
                shutil.copyfile(source, temporary)
    except (OSError, shutil.Error) as cause:
        raise OutputError(f"{target} cannot be written: {cause}") from cause


def _copy_folder(source: Path, target: Path) -> None:
    try:
        shutil.copytree(source, target)
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)
        raise
