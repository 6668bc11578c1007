"""Frame ranges: one grammar everywhere."""

from __future__ import annotations

import subprocess
import sys

import pytest

from relamp.core.errors import ParameterError
from relamp.core.frames import format_frames, parse_frames


@pytest.mark.parametrize(
    ("text", "frames"),
    [
        ("7", (7,)),
        ("1001-1004", (1001, 1002, 1003, 1004)),
        ("1001-1012x4", (1001, 1005, 1009)),
        ("1-10:4", (1, 5, 9)),  # a step, as in Open Job Description; Fileseq would read a stagger
        ("1 3 4", (1, 3, 4)),  # three frames, as in Nuke; Fileseq would read 134
        ("5 7, 9,,  3", (3, 5, 7, 9)),
        ("3,1-4,2", (1, 2, 3, 4)),
        ("-5--3", (-5, -4, -3)),
        ("-2-1", (-2, -1, 0, 1)),
        (" 0010 ", (10,)),
    ],
)
def test_a_range_string_means_these_frames(text, frames):
    assert parse_frames(text) == frames


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "empty"),
        (" , ", "empty"),
        ("10-1", "runs backwards; write 1-10"),
        ("1-10x0", "step of 0"),
        ("1-10x-2", "step of -2"),
        ("1-", "cannot read '1-'"),
        ("a-b", "cannot read 'a-b'"),
        ("1-5x", "cannot read"),
        ("1.5", "cannot read"),
        ("1-99999999", "more than"),
        ("1-9999999999", "go up to 2147483647"),
        ("9" * 5000, "beyond 2147483647"),
        ("####", "cannot read"),
    ],
)
def test_a_bad_range_is_refused_with_a_sentence(text, why):
    with pytest.raises(ParameterError, match=why):
        parse_frames(text)


@pytest.mark.parametrize(
    ("frames", "text"),
    [
        ([], ""),
        ([5], "5"),
        ([1, 2], "1-2"),
        ([1, 3], "1,3"),
        ([1, 3, 5], "1-5x2"),
        ([1, 3, 4, 5], "1,3-5"),
        ([11, 9, 7, 3, 2, 1, 1], "1-3,7-11x2"),
        ([-5, -4, -3, 0], "-5--3,0"),
    ],
)
def test_frames_are_written_as_the_shortest_plain_range(frames, text):
    assert format_frames(frames) == text


def test_open_job_description_gets_colons():
    assert format_frames([1, 3, 5, 9], openjd=True) == "1-5:2,9"


@pytest.mark.parametrize("openjd", [False, True])
def test_writing_and_reading_gives_the_same_frames(openjd):
    state = 1
    for _ in range(200):
        frames = set()
        for _ in range(12):
            state = state * 1103515245 + 12345 & 0x7FFFFFFF
            frames.add(state % 40 - 10)
        assert parse_frames(format_frames(frames, openjd=openjd)) == tuple(sorted(frames))


def test_the_grammar_needs_the_standard_library_only():
    code = "import relamp.core.frames, sys; print([m for m in ('numpy', 'fileseq', 'OpenImageIO') if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "[]"
