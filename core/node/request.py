"""The values and inputs of a node converted to a job. Floor 0."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from .. import job as jobs
from ..errors import ParameterError, UsageError
from ..frames import format_frames, parse_frames
from ..job import PASSES_WITH, RelightJob
from ..parameters import Curve, RelightParameters, at_frame, knob_of
from .knobs import FACING, PIPES, parameters

# What may differ between two bakes of one version: how the job is run, never what decides its pixels.
_HOW = ("frames", "skip_existing", "overwrite", "keep_going", "missing", "threads", "verify", "create_dir", "device")

PASSES_OF = ("plate", "matte")
"""The pipes that passes are made of."""


@dataclass(frozen=True)
class Source:
    """How an input reaches the worker.

    `path` is absolute, with `####` for the frame where it is a sequence, and `:layer.A` behind it to pick a channel.
    `first` and `last` are its frames. `written` says that the host wrote these pictures for the bake, so they are in the
    host's working space and may change without their name changing.
    """

    path: str
    first: int
    last: int
    written: bool = False


def make_job(
    values: Mapping[str, Any],
    sources: Mapping[str, Source | None],
    out: str,
    *,
    folder: str = "",
    frames: tuple[int, ...] = (),
    views: tuple[str, ...] = (),
) -> RelightJob:
    """The job a node asks for.

    Args:
        values: by knob name (`knobs.all_knobs`), animated ones as `Curve`.
        sources: by pipe label (`knobs.PIPES`); None or absent where nothing is connected.
        out: pattern of the frames to write.
        folder: where paths typed into knobs start, when they are relative: that of the script.
        frames: which frames; without them those of the `frames` knob, else the plate's.
        views: the views to bake, one after the other; `out` and the sources that differ hold `%V` then.

    Raises:
        UsageError: there is no plate, no light, or more than one light, with what to connect.
        ParameterError: a knob has a value outside its declaration.
    """
    plate, given = _given(values, sources, folder)
    # Words and backgrounds are placed before the camera already; only a map can have its middle on either side.
    if given.get("env") and values.get("env_facing", FACING[0]) == FACING[1]:
        given["env_rotate"] = turned(given.get("env_rotate", (0.0, 0.0, 0.0)))
    wanted = frames or wanted_frames(values, plate)
    fixed = {"mix": 1.0, "out": out, "frames": format_frames(wanted), "views": views, "skip_existing": "same"}
    job = RelightJob(RelightParameters(**{**given, **fixed}))
    _require_light(job.parameters)
    return job


def make_passes_job(
    values: Mapping[str, Any],
    sources: Mapping[str, Source | None],
    out: str,
    *,
    folder: str = "",
    frames: tuple[int, ...] = (),
) -> RelightJob:
    """The job of the passes of a node's plate, with the settings that `relamp passes` takes; arguments as for `make_job`.

    Raises:
        UsageError: there is no plate.
        ParameterError: a knob has a value outside its declaration.
    """
    plate, given = _given(values, sources, folder)
    wanted = frames or wanted_frames(values, plate)
    over = bool(values.get("bake_over", False))
    fixed = {"out": out, "frames": format_frames(wanted), "skip_existing": "same", "overwrite": over}
    kept = {name: value for name, value in given.items() if name in (*PASSES_WITH, "plate")}
    return RelightJob(RelightParameters(**{**kept, **fixed}))


def _given(
    values: Mapping[str, Any], sources: Mapping[str, Source | None], folder: str
) -> tuple[Source, dict[str, Any]]:
    """The plate, and the parameters that a node's knobs and pipes give; relative paths start at `folder`."""
    plate = sources.get("plate")
    if plate is None:
        raise UsageError("nothing is connected to the plate input; connect a scene-linear plate")
    given = parameters(values)
    for name, value in given.items():
        if value and knob_of(name).kind in ("picture", "file") and "://" not in value:
            given[name] = os.path.join(folder, os.path.expanduser(value))
    for pipe, name in PIPES.items():
        source = sources.get(pipe)
        if source is not None:
            given[name] = source.path
    return plate, given


def _require_light(parameters: RelightParameters) -> None:
    """Raise `UsageError`, in the words of a node, unless one thing says what the new light is (`lit_by`)."""
    try:
        parameters.lit_by()
    except ParameterError:
        if parameters.env:
            raise UsageError(
                "the environment and the prompt both say what the new light is; empty the prompt, or leave env unconnected"
                " and its file empty"
            ) from None
        raise UsageError(
            "there is no new light: connect a lat-long environment to env or a plate to bg, or name a map or a rig or write a"
            " prompt in the Light tab"
        ) from None


def wanted_frames(values: Mapping[str, Any], plate: Source) -> tuple[int, ...]:
    """The frames a bake is asked for: those of the `frames` knob, else the plate's. Raises `ParameterError`."""
    asked = str(values.get("frames") or "").strip()
    return parse_frames(asked) if asked else tuple(range(plate.first, plate.last + 1))


def same_look(one: RelightJob, other: RelightJob) -> bool:
    """Whether two jobs give the same pictures, whatever the frames and however they are run."""
    return _look(one) == _look(other)


def look_key(job: RelightJob) -> str:
    """Eight hexadecimal digits that are equal for jobs that give the same pictures, whatever their frames and their place."""
    return jobs.fingerprint({"look": jobs.to_json(RelightJob(replace(_look(job), out=None)))})[:8]


def turned(rotate: Any) -> Any:
    """The rotation that does what `rotate` does to a map whose middle is ahead of the camera.

    Such a map is the canonical one turned by 180 degrees about Y first, and Ry Rx(a) Rz(b) Ry(180) is
    Ry(180) Ry Rx(-a) Rz(-b). `rotate` is three angles or a `Curve` of them.
    """
    if isinstance(rotate, Curve):
        return Curve(tuple((frame, _half_turn(at_frame(rotate, frame))) for frame, _ in rotate.keys))
    return _half_turn(rotate)


def curve(samples: Mapping[int, Any]) -> Any:
    """An animated knob's value: `samples` by frame as a `Curve` without keys a straight line does not need.

    A knob that never moves gives its one value.
    """
    keys: list[tuple[int, Any]] = []
    for frame, value in sorted(samples.items()):
        if len(keys) > 1 and Curve((keys[-2], (frame, value))).at(keys[-1][0]) == keys[-1][1]:
            keys.pop()
        keys.append((frame, value))
    if all(value == keys[0][1] for _, value in keys):
        return keys[0][1]
    return Curve(tuple(keys))


def as_hashes(path: str) -> str:
    """A host's `%04d` written as `####`, which every Relamp path takes; other paths as they are."""
    return re.sub(r"%0?(\d*)d", lambda match: "#" * int(match[1] or 1), path)


def as_percent(path: str) -> str:
    """`####` written as `%04d`, as hosts like it; other paths as they are."""
    return re.sub(r"#+", lambda match: f"%0{len(match[0])}d", path)


def _half_turn(rotate: tuple[float, ...]) -> tuple[float, ...]:
    rx, ry, rz = rotate
    return (-rx, ry + 180.0, -rz)


def _look(job: RelightJob) -> RelightParameters:
    rest = RelightParameters()
    return replace(job.parameters, **{name: getattr(rest, name) for name in _HOW})
