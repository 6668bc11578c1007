"""Paths of the artist's machine replaced by those of the farm: Open Job Description's path mapping rules.

The rules come as a file, `{"version": "pathmapping-1.0", "path_mapping_rules": [{"source_path_format": "POSIX",
"source_path": ..., "destination_path": ...}, ...]}` (openjd-specifications, How Jobs Are Run). Where several fit, the
longest source applies.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath

from .. import job as jobs
from .. import plain_json
from ..errors import InputError
from ..job import RelightJob
from ..parameters import knobs

VERSION = "pathmapping-1.0"


@dataclass(frozen=True)
class Rule:
    """Files below `source` on the artist's machine lie below `destination` here."""

    source: PurePath
    destination: str

    def apply(self, path: str) -> str | None:
        """The mapped `path`, or None where the rule does not apply to it."""
        pure = type(self.source)(path)
        if not pure.is_relative_to(self.source):
            return None
        return os.path.join(self.destination, *pure.relative_to(self.source).parts)


def load_rules(path: str | os.PathLike[str]) -> tuple[Rule, ...]:
    """The rules of a file, those with the longest source first; a file without rules gives none.

    Raises:
        InputError: the file cannot be read as rules.
    """
    file = Path(path)
    try:
        data = plain_json.loads(file.read_text(encoding="utf-8") or "{}")
        rules = [_rule(item) for item in data.get("path_mapping_rules", ())]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{file}: these path mapping rules cannot be read ({error})") from None
    return tuple(sorted(rules, key=lambda rule: len(rule.source.parts), reverse=True))


def load_job(path: str | os.PathLike[str], rules: tuple[Rule, ...] = ()) -> RelightJob:
    """A job with its paths mapped to this machine. The measurements of the shot are kept.

    Raises:
        InputError: the job file cannot be read.
    """
    file = Path(path)
    if not rules:
        return jobs.load(file)
    try:
        data = plain_json.loads(plain_json.text(file, "job file"))
    except ValueError as error:
        raise InputError(f"{file} is not a Relamp job: it is not JSON ({error})") from None
    parameters = data.get("parameters") if isinstance(data, dict) else None
    if isinstance(parameters, dict):
        for name, k in knobs():
            if k.kind in ("picture", "file") and isinstance(parameters.get(name), str):
                parameters[name] = mapped(parameters[name], rules)
    return jobs.from_json(json.dumps(data), str(file), file.absolute().parent)


def mapped(path: str, rules: tuple[Rule, ...]) -> str:
    """`path` by the first rule that applies, else unchanged."""
    for rule in rules:
        found = rule.apply(path)
        if found is not None:
            return found
    return path


def _rule(item: dict[str, str]) -> Rule:
    kinds: dict[str, type[PurePath]] = {"POSIX": PurePosixPath, "WINDOWS": PureWindowsPath}
    source = kinds[item["source_path_format"].upper()](item["source_path"])
    return Rule(source, item["destination_path"])
