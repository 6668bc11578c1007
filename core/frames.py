"""Frame ranges, written and read in one grammar everywhere: command line, job file, nodes, farm templates.

`1001-1012x2, 1020 1030-1040` is what an artist types: single frames and ranges, a step after `x` (or `:`, as Open Job
Description writes it), separated by commas or spaces, negative frames included. A descending range is refused, because
frames are rendered in ascending order whatever is typed. Standard library only: this module runs inside other people's Pythons.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from .errors import ParameterError

LONGEST = 1_000_000
"""Frames in one range string; more is a typing mistake (11 hours at 24 fps), not a shot."""

LARGEST = 2**31 - 1
"""The largest frame number, up or down: files and farms keep it in 32 bits."""

_TERM = re.compile(r"(?P<first>-?\d+)(?:-(?P<last>-?\d+)(?:[xX:](?P<step>-?\d+))?)?")


def parse_frames(text: str) -> tuple[int, ...]:
    """Read a frame range into its frames, ascending and each once.

    Args:
        text: terms `a`, `a-b`, `a-bxN` or `a-b:N`, separated by commas or spaces. `N` counts from `a`.

    Raises:
        ParameterError: nothing, a descending range, a step below 1, or anything else than such terms.

    >>> parse_frames("1001-1006x2, 1009 -2--1")
    (-2, -1, 1001, 1003, 1005, 1009)
    """
    frames: set[int] = set()
    terms = re.split(r"[,\s]+", text.strip(" \t\r\n,"))
    if terms == [""]:
        raise ParameterError("the frame range is empty; write one like 1001-1012x2, 1020")
    for term in terms:
        frames.update(_term(term, text))
        if len(frames) > LONGEST:
            raise ParameterError(f"frame range {_shown(text)} holds more than {LONGEST} frames; render it in pieces")
    return tuple(sorted(frames))


def check_frame(frame: int) -> int:
    """`frame`, when it is a whole number that can be one. Raises `ParameterError`."""
    if isinstance(frame, bool) or not isinstance(frame, int):
        raise ParameterError(f"a frame is a whole number; got {frame!r}")
    if abs(frame) > LARGEST:
        raise ParameterError(f"frame numbers go up to {LARGEST}; got {frame:g}")
    return frame


def _shown(text: str) -> str:
    return repr(text) if len(text) <= 200 else f"{text[:200]!r}..."


def _term(term: str, text: str) -> range:
    match = _TERM.fullmatch(term)
    if match is None:
        raise ParameterError(
            f"cannot read {_shown(term)} in the frame range {_shown(text)}; write one like 1001-1012x2, 1020"
        )
    if max(len(number) for number in match.groups(default="")) > 11:  # more digits than LARGEST and its sign have
        raise ParameterError(f"frame range {_shown(term)} holds a number beyond {LARGEST}; correct it")
    first = check_frame(int(match["first"]))
    last = first if match["last"] is None else check_frame(int(match["last"]))
    step = 1 if match["step"] is None else int(match["step"])
    if last < first:
        raise ParameterError(
            f"frame range {term!r} runs backwards; write {last}-{first}, frames render in ascending order"
        )
    if step < 1:
        raise ParameterError(f"frame range {term!r} has a step of {step}; the step must be 1 or more")
    if (last - first) // step >= LONGEST:
        raise ParameterError(f"frame range {term!r} holds more than {LONGEST} frames; render it in pieces")
    return range(first, last + 1, step)


def format_frames(frames: Iterable[int], *, openjd: bool = False) -> str:
    """Write frames as the shortest plain range string, the inverse of `parse_frames`.

    Args:
        frames: in any order; duplicates count once.
        openjd: write steps as Open Job Description does (`1-11:2`) instead of as artists do (`1-11x2`).

    >>> format_frames([7, 1, 2, 3, 9, 11])
    '1-3,7-11x2'
    >>> format_frames([1, 3, 5], openjd=True)
    '1-5:2'
    """
    ordered = sorted(set(frames))
    terms = []
    start = 0
    while start < len(ordered):
        stop = _end_of_run(ordered, start)
        first, last = ordered[start], ordered[stop - 1]
        if first == last:
            terms.append(f"{first}")
        else:
            step = ordered[start + 1] - first
            terms.append(f"{first}-{last}" + ("" if step == 1 else f"{':' if openjd else 'x'}{step}"))
        start = stop
    return ",".join(terms)


def missing_frames(frames: Iterable[int]) -> str:
    """Say that frames are missing, in the number that fits.

    >>> missing_frames([1003]), missing_frames([1003, 1006])
    ('frame 1003 is missing', 'frames 1003,1006 are missing')
    """
    missing = sorted(set(frames))
    return f"frame {missing[0]} is missing" if len(missing) == 1 else f"frames {format_frames(missing)} are missing"


def _end_of_run(ordered: Sequence[int], start: int) -> int:
    """Index after the longest evenly stepped run; two frames make a run only when they are neighbours."""
    stop = start + 1
    if stop == len(ordered):
        return stop
    step = ordered[stop] - ordered[start]
    while stop < len(ordered) and ordered[stop] - ordered[stop - 1] == step:
        stop += 1
    return stop if step == 1 or stop - start > 2 else start + 1
