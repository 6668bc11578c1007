"""What reaches a log: one line a message, once a shot, and where a frame failed when that is asked for."""

import json
import logging
import os
import subprocess
import sys
import warnings

import numpy as np
import pytest

from relamp.core import logs
from relamp.core.cli import main
from relamp.core.errors import InputError
from relamp.core.shot.lights import Lights
from shots import QUICK_OPTIONS, write_exr


def arguments_of(shot, *more):
    return ["render", shot.plate, "--env", shot.env_b, "--out", shot.out, *QUICK_OPTIONS, *more]


def broken_at(frame, error):
    """`Lights.light` that fails for one frame."""
    works = Lights.light

    def light(self, number):
        if number == frame:
            raise error
        return works(self, number)

    return light


def test_with_keep_going_the_traceback_of_a_frame_is_told_when_asked_for(shot, monkeypatch, capsys):
    monkeypatch.setattr(Lights, "light", broken_at(1002, ZeroDivisionError("oops")))
    assert main(arguments_of(shot, "--keep-going")) == 3
    assert "Traceback" not in capsys.readouterr().err
    assert main(arguments_of(shot, "--keep-going", "--overwrite", "-v")) == 3
    said = capsys.readouterr().err
    assert "frame 1002 failed\nTraceback" in said
    assert "ZeroDivisionError: oops" in said


@pytest.mark.parametrize("keep_going", [True, False])
def test_an_error_of_two_lines_reaches_a_farm_as_one(shot, monkeypatch, capsys, keep_going):
    monkeypatch.setattr(Lights, "light", broken_at(1002, InputError("first line\n  second line")))
    more = ["--keep-going"] if keep_going else []
    assert main(arguments_of(shot, "--progress", "openjd", "-q", *more)) in (3, 4)
    captured = capsys.readouterr()
    lines = [*captured.err.splitlines(), *captured.out.splitlines()]
    told = [line for line in lines if "second line" in line]
    assert told
    assert all("first line second line" in line for line in told)
    assert "relamp: " in captured.err.splitlines()[-1]
    report = json.loads((shot.folder / "out" / "relit.relamp.json").read_text())
    assert report["failed"]["1002"] == "first line second line"


def test_a_log_message_of_two_lines_is_one(tmp_path):
    for as_json in (False, True):
        file = tmp_path / f"{as_json}.log"
        logs.start(logging.INFO, str(file), as_json)
        logging.getLogger("relamp").warning("first\nsecond")
        assert sum("first second" in line for line in file.read_text().splitlines()) == 1


def test_what_libraries_warn_of_is_told_with_v_only(capsys):
    for level in (logging.INFO, logging.DEBUG):
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            logs.start(level)
            warnings.warn("use the new function", DeprecationWarning, stacklevel=1)
        said = capsys.readouterr().err
        assert ("use the new function" in said) == (level == logging.DEBUG)
        assert said.count("\n") <= 1


def test_a_plate_without_a_colour_space_is_told_of_once_a_shot(shot, capsys):
    picture = np.full((48, 48, 4), 0.3, np.float32)
    picture[..., 3] = [[0]] * 8 + [[1]] * 40
    for frame in range(1001, 1005):
        write_exr(shot.plate_frame(frame), picture, ("R", "G", "B", "A"), **{"oiio:ColorSpace": ""})
    assert main(arguments_of(shot)) == 0
    assert capsys.readouterr().err.count("plate.####.exr does not say its colour space") == 1


def test_views_of_one_file_are_told_of_together(tmp_path, capsys):
    picture = np.full((16, 16, 8), 0.3, np.float32)
    picture[..., 3::4] = 1
    names = tuple(prefix + letter for prefix in ("", "right.") for letter in "RGBA")
    attributes = {"oiio:ColorSpace": "", "multiView": ("string[2]", ("left", "right"))}
    plate = write_exr(tmp_path / "stereo.1001.exr", picture, names, "half", **attributes)
    env = write_exr(tmp_path / "env.exr", picture[:8, :, :3], ("R", "G", "B"))
    out = str(tmp_path / "relit.%V.1001.exr")
    options = ["--views", "left,right", "--backbone", "ratio", "--dry-run"]
    assert main(["render", str(plate), "--env", str(env), "--out", out, *options]) == 0
    assert capsys.readouterr().err.count("stereo.####.exr does not say its colour space") == 1


def test_threads_of_a_numpy_that_was_loaded_before_are_pinned():
    code = (
        "import numpy, threadpoolctl; from relamp.core.process import set_up\n"
        "before = [library['num_threads'] for library in threadpoolctl.threadpool_info()]; set_up()\n"
        "print(before, [library['num_threads'] for library in threadpoolctl.threadpool_info()])"
    )
    names = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
    environment = {**os.environ, **dict.fromkeys(names, "2")}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[2] [1]"
    assert done.stderr == ""
