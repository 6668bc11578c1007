"""Describes pictures on disk from their headers: frame range, gaps, size, colour."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ..errors import InputError, UsageError
from ..frames import format_frames, parse_frames
from ..light.map_file import load_environment
from ..parameters import knob_of
from ..pictures import exr
from ..pictures.colour import Colour
from ..pictures.frame import Frame
from ..pictures.sequence import Sequence, pattern_of, sequences_in

_LIGHTS = ("env", "source_env")


def inspect_input(name: str, path: str, config: str | None = None) -> dict[str, Any]:
    """Describe the input `name` (plate, matte, normals, depth, background, env, source_env or camera).

    Returns:
        `sentence` for the artist; `pattern`, the whole sequence where `path` is one frame of it. For pictures also `frames`
        and `missing` as ranges, `first` and `last`, `width` and `height`, `channels` as a list of layers.

    Raises:
        RelampError: the input is not usable; the message says why.
    """
    kind = knob_of(name).kind
    if kind == "file":
        return _file(name, path)
    if kind != "picture":
        raise UsageError(f"{name} is no input")
    where, layer = exr.split_layer(path)
    pattern = as_pattern(where)
    sequence = Sequence.parse(pattern)
    frames = sequence.frames_on_disk()
    first = sequence.path(frames[0])
    missing = sorted(set(range(frames[0], frames[-1] + 1)) - set(frames)) if not sequence.is_still else []
    facts: dict[str, Any] = {
        "pattern": f"{pattern}:{layer}" if layer else pattern,
        "frames": format_frames(frames),
        "missing": format_frames(missing),
        "first": frames[0],
        "last": frames[-1],
    }
    colour = Colour(config)
    if name in _LIGHTS:
        environment = load_environment(first, colour=colour)
        height, width = environment.pixels.shape[:2]
        words = "lat-long"
    else:
        frame = exr.read_frame(first, colour=colour, carry=False) if name == "plate" else None
        window = exr.display_window(first)
        width, height = window.width, window.height
        words = _words(frame, first) if frame is not None else ""
        if frame is not None:
            facts["layers"] = list(frame.layers)
    facts |= {"width": width, "height": height, "sentence": _sentence(facts, width, height, words, sequence.is_still)}
    return facts


def describe(path: str, *, colour: Colour | None = None, pixels: bool = False) -> str:
    """Describe a file or a sequence in lines of text: `exr.info` of its first frame, and how other frames differ from it.

    Args:
        path: a file, a pattern such as `shot.####.exr`, or a folder with one sequence in it.
        colour, pixels: as in `exr.info`.

    Raises:
        InputError: no file exists, or none can be read.
        UsageError: the folder has several sequences.
    """
    sequence = Sequence.parse(only_sequence(path) if os.path.isdir(path) else path)
    if sequence.is_still:
        return exr.info(sequence.path(0), colour, pixels=pixels)
    frames = sequence.frames_on_disk()
    gaps = sorted(set(range(frames[0], frames[-1] + 1)) - set(frames))
    lines = [f"{sequence}: frames {format_frames(frames)} ({len(frames)})"]
    lines += [f"missing   {format_frames(gaps)} ({len(gaps)})"] if gaps else []
    kinds: dict[str, list[int]] = {}
    reasons: dict[int, InputError] = {}
    for frame in frames:
        file = sequence.path(frame)
        try:
            window, names = exr.display_window(file), exr.channel_names(file)
        except InputError as error:
            reasons[frame] = error
            continue
        kinds.setdefault(f"{window.width} x {window.height}, {' '.join(names)}", []).append(frame)
    if not kinds:
        raise reasons[frames[0]]
    lines += [f"broken    {frame}: {reason}" for frame, reason in reasons.items()]
    (_, usual), *others = sorted(kinds.items(), key=lambda kind: -len(kind[1]))
    lines += [f"unlike    {format_frames(them)}: {what}" for what, them in others]
    return "\n".join([*lines, exr.info(sequence.path(usual[0]), colour, pixels=pixels)])


def only_sequence(folder: str) -> str:
    """The pattern of the one EXR sequence in a folder; raises `UsageError` for several, `InputError` for none."""
    there = sequences_in(folder)
    if not there:
        raise InputError(
            f"{folder} holds no EXR files; give a sequence, as in {os.path.join(folder, 'relit.####.exr')}"
        )
    if len(there) > 1:
        shown = ", ".join(f"{name} ({frames})" if frames else name for name, frames in list(there.items())[:6])
        more = f" and {len(there) - 6} more" if len(there) > 6 else ""
        raise UsageError(f"{folder} holds {len(there)} sequences: {shown}{more}; give one of them")
    return os.path.join(folder, next(iter(there)))


def how_made(pattern: str, frames: str) -> dict[str, Any]:
    """How frames written by Relamp were made, read from their headers alone.

    Returns:
        `channels`, the full channel names of the first frame, and `frames`: the `relamp/` attributes by frame number.

    Raises:
        InputError: a frame is missing, unreadable, or was not written by Relamp.
    """
    sequence, numbers = Sequence.parse(pattern), parse_frames(frames)
    found: dict[str, Any] = {}
    for number in numbers:
        header = exr.header(sequence.path(number))
        if "relamp/version" not in header:
            raise InputError(f"{sequence.path(number)} was not written by Relamp")
        found[str(number)] = {name: value for name, value in header.items() if name.startswith("relamp/")}
    return {"channels": exr.channel_names(sequence.path(numbers[0])), "frames": found}


def as_pattern(path: str) -> str:
    """The sequence a frame belongs to, `shot.####.exr` for `shot.1001.exr` where another frame exists beside it."""
    folder, name = os.path.split(os.path.expanduser(path))
    try:
        beside = os.listdir(folder or ".")
    except OSError:
        return path
    return os.path.join(folder, found) if (found := pattern_of(name, beside)) else path


def _words(frame: Frame, first: Path) -> str:
    """The type and the colour space of a plate as its file has them."""
    stored = exr.stored_as(first)
    return f"{stored}, {frame.colorspace_reason}" if stored else f"{frame.data_type}, {frame.colorspace}"


def _sentence(facts: dict[str, Any], width: int, height: int, words: str, still: bool) -> str:
    parts = ["still" if still else f"{facts['frames']}", f"{width} x {height}", words]
    if facts["missing"]:
        parts.insert(1, f"missing {facts['missing']}")
    return ", ".join(part for part in parts if part)


def _file(name: str, path: str) -> dict[str, Any]:
    found = Path(path)
    if not found.is_file():
        raise UsageError(f"there is no {name} file {path}")
    return {"pattern": path, "sentence": f"{found.stat().st_size} bytes"}
