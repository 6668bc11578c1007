"""One relight as a file: parameters, and what was measured once for the whole shot.

A job file is JSON with a schema name; it holds data only and can never run code. Standard library only.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import os
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from . import plain_json
from .atomic import replacing
from .errors import InputError, ParameterError, UsageError
from .parameters import Curve, RelightParameters, knob_of, knobs

SCHEMA = "relamp.job/1"
_PATH_KINDS = ("picture", "file")
_LARGEST = 1e30
"""Measured numbers stay below this, and an anchor above its inverse, so that float32 holds what is made of them."""

_MOST_BEHIND = 3
"""Stops; the limit of `shot.background_level`."""

READ_WITH = (
    "plate", "matte", "passes", "normals", "normals_space", "normals_flip", "depth", "depth_kind", "camera", "layer", "views",
    "colorspace", "config",
)  # fmt: skip
"""The parameters that a plate and its subject are read with: measurements and read frames hold only for the same values."""

PASSES_WITH = (
    "matte", "camera", "estimator", "models", "accept", "layer", "views", "colorspace", "config", "anchor", "seed", "out",
    "data_type", "compression", "multipart", "create_dir", "frames", "missing", "skip_existing", "verify", "overwrite",
    "keep_going", "threads", "device",
)  # fmt: skip
"""The parameters, beside the plate, that passes are made with; the rest means nothing to `relamp passes`."""


@dataclass(frozen=True)
class Measured:
    """What is measured once on named frames of the plate, so that no result depends on which frames are asked for.

    `anchor` brings the plate to the proxy's exposure. `source_light` is a small lat-long map, rows of pixels of three
    floats in the working space, fitted when no source environment is given. `ground` are the four numbers of the ground found
    under the subject (`shape.ground.Ground`), empty where none was found. `facing` says for each frame which shares of its
    luminance face which directions (`shot.kept_level`), where the level is kept by it. `behind` is by how many stops a
    background that lights is brighter than the plate (`shot.background_level`). `frames` are the frames looked at.
    """

    frames: tuple[int, ...] = ()
    anchor: float | None = None
    source_light: tuple[tuple[tuple[float, float, float], ...], ...] | None = None
    ground: tuple[float, ...] | None = None
    facing: tuple[tuple[float, ...], ...] = ()
    behind: float | None = None


@dataclass(frozen=True)
class RelightJob:
    """Parameters of one relight, and the measurements that belong to its plate."""

    parameters: RelightParameters
    measured: Measured = field(default_factory=Measured)

    def require(self, *names: str) -> None:
        """Raise `UsageError` naming the first of the parameters `names` that is not given; `env` is any light."""
        for name in names:
            if name == "env":
                self.parameters.lit_by()
            elif not getattr(self.parameters, name):
                option = "PLATE" if name == "plate" else f"--{name.replace('_', '-')}"
                raise UsageError(f"{option} is not given: {knob_of(name).help}")


def to_json(job: RelightJob, folder: str | os.PathLike[str] | None = None) -> str:
    """The job as JSON text. With `folder`, paths inside it are written relative to it, others absolute."""
    values = {}
    for name, k in knobs():
        value = getattr(job.parameters, name)
        if k.kind in _PATH_KINDS and value and folder is not None and "://" not in value:
            value = _portable(value, Path(folder))
        values[name] = plain(value)
    return json.dumps({"schema": SCHEMA, "parameters": values, "measured": asdict(job.measured)}, indent=1) + "\n"


def from_json(text: str, where: str = "the job", folder: str | os.PathLike[str] | None = None) -> RelightJob:
    """The job that `text` describes; relative paths are taken from `folder`.

    Raises `InputError` naming `where` when the text is not a job this version reads.
    """
    try:
        data = plain_json.loads(text)
    except ValueError as error:
        raise InputError(f"{where} is not a Relamp job: it is not JSON ({error})") from None
    if not isinstance(data, dict) or not str(data.get("schema", "")).startswith("relamp.job/"):
        raise InputError(f'{where} is not a Relamp job: expected "schema": "{SCHEMA}" at its top')
    if data["schema"] != SCHEMA:
        raise InputError(
            f"{where} has schema {str(data['schema'])[:80]}, this Relamp reads {SCHEMA}; use the Relamp that wrote it"
        )
    if strange := sorted(set(data) - {"schema", "parameters", "measured"}):
        raise InputError(
            f"{where} has {', '.join(strange)[:200]} at its top; a job has schema, parameters and measured there"
        )
    parameters = data.get("parameters", {})
    if not isinstance(parameters, dict):
        raise InputError(f'{where}: "parameters" must be names with their values; got {str(parameters)[:80]}')
    parameters = _renamed(parameters)
    unknown = sorted(set(parameters) - {name for name, _ in knobs()})
    if unknown:
        raise InputError(
            f"{where} has parameters this Relamp does not know: {', '.join(unknown)[:200]}{_meant(unknown)}"
        )
    values = {name: _revive(name, value, folder, where) for name, value in parameters.items()}
    return RelightJob(RelightParameters(**values), _measured(data.get("measured", {}), where))


def load(path: str | os.PathLike[str]) -> RelightJob:
    """Read a job file. Relative paths in it are relative to its folder. Raises `InputError`."""
    file = Path(path)
    return from_json(plain_json.text(file, "job file"), str(file), file.absolute().parent)


def save(job: RelightJob, path: str | os.PathLike[str], overwrite: bool = False) -> None:
    """Write a job file, whole or not at all. Raises `OutputError`, and `UsageError` where a file is and `overwrite` is False."""
    file = Path(path)
    with replacing(file, overwrite) as temporary:
        temporary.write_text(to_json(job, file.absolute().parent), encoding="utf-8")


def with_parameters(job: RelightJob, **values: Any) -> RelightJob:
    """The job with some parameters replaced; measurements are dropped when what they were measured on changed."""
    parameters = replace(job.parameters, **values)
    same = all(getattr(parameters, name) == getattr(job.parameters, name) for name in READ_WITH)
    if not same:
        return RelightJob(parameters)
    held = job.measured
    return RelightJob(
        parameters, held if parameters.background == job.parameters.background else replace(held, behind=None)
    )


def look(job: RelightJob) -> dict[str, Any]:
    """Every look-affecting setting as plain JSON values: what a frame's fingerprint is made from."""
    values = {name: plain(getattr(job.parameters, name)) for name, k in knobs() if k.look}
    values["env_level"] = job.parameters.level_mode()
    values["working_size"] = job.parameters.working_side()
    return {"parameters": values, "measured": asdict(job.measured)}


def fingerprint(facts: dict[str, Any]) -> str:
    """SHA-256, in hex, of the canonical JSON of `facts`."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _meant(unknown: list[str]) -> str:
    """The parameters whose names are nearest to the unknown ones, as a question; empty where none is near."""
    names = [name for name, _ in knobs()]
    near = [name for word in unknown for name in difflib.get_close_matches(word, names, n=1)]
    return f"; did you mean {', '.join(near)[:200]}?" if near else ""


def _renamed(parameters: dict[str, Any]) -> dict[str, Any]:
    """The parameters of a job under today's names: `passes`, a whole number, was IC-Light's count; today it is files."""
    if not isinstance(parameters.get("passes"), int):
        return parameters
    return {{"passes": "ic_light_passes"}.get(name, name): value for name, value in parameters.items()}


def plain(value: Any) -> Any:
    """A parameter's value as JSON holds it."""
    if isinstance(value, Curve):
        return {"keys": [[frame, list(v) if isinstance(v, tuple) else v] for frame, v in value.keys]}
    return list(value) if isinstance(value, tuple) else value


def _portable(value: str, folder: Path) -> str:
    absolute = Path(os.path.abspath(os.path.expanduser(value)))
    folder = Path(os.path.abspath(folder))
    return absolute.relative_to(folder).as_posix() if absolute.is_relative_to(folder) else str(absolute)


def _revive(name: str, value: Any, folder: str | os.PathLike[str] | None, where: str) -> Any:
    k = knob_of(name)
    if isinstance(value, dict):
        try:
            return Curve(tuple((f, tuple(v) if isinstance(v, list) else v) for f, v in value["keys"]))
        except (KeyError, TypeError, ValueError, ParameterError) as error:
            raise InputError(
                f'{where}: {name} must be a value, or {{"keys": [[frame, value], ...]}} ({error!s:.200})'
            ) from None
    if isinstance(value, list):
        return tuple(value)
    if value == "" and k.kind in _PATH_KINDS:
        return None
    if k.kind in _PATH_KINDS and isinstance(value, str) and value and folder is not None and "://" not in value:
        return os.path.join(folder, os.path.expanduser(value))
    return value


def _measured(data: dict[str, Any], where: str) -> Measured:
    try:
        light = data.get("source_light")
        measured = Measured(
            frames=tuple(int(frame) for frame in data.get("frames", ())),
            anchor=None if data.get("anchor") is None else float(data["anchor"]),
            source_light=None if light is None else tuple(tuple(_three(pixel) for pixel in row) for row in light),
            ground=None if data.get("ground") is None else _plane(data["ground"]),
            facing=tuple(tuple(float(share) for share in frame) for frame in data.get("facing", ())),
            behind=None if data.get("behind") is None else float(data["behind"]),
        )
        if measured.behind is not None and not abs(measured.behind) <= _MOST_BEHIND:
            raise ValueError(f"behind must be from -{_MOST_BEHIND} to {_MOST_BEHIND} stops; got {measured.behind:g}")
        if measured.anchor is not None and not 1 / _LARGEST < measured.anchor < _LARGEST:
            raise ValueError(f"anchor must be above 0 and finite; got {measured.anchor:g}")
        _check_facing(measured)
        rows = measured.source_light
        if rows is not None and (not rows or any(len(row) != 2 * len(rows) for row in rows)):
            raise ValueError("source_light must be twice as wide as it is high")
        if rows is not None:
            _check_radiance([value for row in rows for pixel in row for value in pixel])
        return measured
    except (AttributeError, OverflowError, TypeError, ValueError) as error:
        raise InputError(
            f'{where}: what it says was measured cannot be read ({error}); delete "measured" in it'
        ) from None


def _check_facing(measured: Measured) -> None:
    """Raise `ValueError` unless `facing` has 256 shares for each frame, or is empty."""
    if measured.facing and len(measured.facing) != len(measured.frames):
        raise ValueError(f"facing must have one list for each of {len(measured.frames)} frames")
    for shares in measured.facing:
        if len(shares) != 256 or not all(0 <= share <= 1 for share in shares):
            raise ValueError("facing must hold lists of 256 numbers from 0 to 1")


def _check_radiance(values: list[float]) -> None:
    """Raise `ValueError` unless these are numbers that a light can have: finite, none negative, and not all zero."""
    wrong = next((value for value in values if not 0 <= value < _LARGEST), None)
    if wrong is not None:
        raise ValueError(f"source_light must hold finite numbers of 0 or more; got {wrong:g}")
    if not any(values):
        raise ValueError("source_light must hold some light; all of its numbers are 0")


def _plane(numbers: Any) -> tuple[float, ...]:
    """The four numbers of a ground, or none. Raises `ValueError` for others."""
    plane = tuple(float(number) for number in numbers)
    if plane and (len(plane) != 4 or not all(abs(v) < _LARGEST for v in plane) or not any(plane[:3])):
        raise ValueError("ground must be four finite numbers, a direction and an offset")
    return plane


def _three(pixel: Any) -> tuple[float, float, float]:
    r, g, b = pixel
    return float(r), float(g), float(b)
