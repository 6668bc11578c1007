"""How a command ends: exit codes for every kind of error, signals at any moment, pipes that close, no display."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from relamp.core.cli import main
from relamp.core.errors import InputError, RelampError, StoppedError, error_of, outcome
from relamp.core.farm.spool import ending
from shots import QUICK_OPTIONS, Shot

RELAMP = str(Path(sys.executable).parent / "relamp")
COMMAND = [sys.executable, "-m", "relamp.core.cli"]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB"), 5),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate(handle)"), 5),
        (RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"), 5),
        (MemoryError(), 5),
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), 6),
        (FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), "plate.exr"), 4),
        (OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG), "p" * 999), 2),
        (KeyboardInterrupt(), 130),
        (ValueError("out of memory"), 1),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), 1),
        (InputError("plate.exr is damaged"), 4),
    ],
)
def test_every_error_has_the_exit_code_of_its_kind(error, code):
    assert outcome(error)[0] == code
    assert ending(error)["end"] == code


@pytest.mark.parametrize("code", [1, 2, 3, 4, 5, 6, 130, 143])
def test_an_error_of_another_process_keeps_its_code_and_sentence(code):
    assert outcome(error_of(code, "a sentence")) == (code, "a sentence")
    assert isinstance(error_of(code, ""), StoppedError if code > 128 else RelampError)


def out_of_memory(*_, **__):
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")


def test_memory_of_the_device_that_runs_out_in_our_own_network_is_5(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("relamp.core.relighter.own.backbone.Relamp.relight", out_of_memory)
    made = Shot(tmp_path, frames=1)
    lights = ("--env", made.env_b, "--source-env", made.env_a)
    assert main(["render", made.plate, *lights, "--out", made.out, "--progress", "openjd"]) == 5
    said = capsys.readouterr()
    assert "openjd_fail: the device has not enough memory" in said.out
    assert "--working-size" in said.err.splitlines()[-1]
    assert "not enough memory" in json.loads((tmp_path / "out" / "relit.relamp.json").read_text())["failed"]["1001"]


def render(made: Shot, *more: str) -> list[str]:
    return [*COMMAND, "render", made.plate, "--env", made.env_b, "--out", made.out, *more]


def test_ctrl_c_ends_a_long_frame_within_two_seconds_and_leaves_nothing_half_written(tmp_path):
    """The frame in work sleeps for a minute where a network would work."""
    made = Shot(tmp_path, frames=3)
    code = (
        "import sys, time\n"
        "from relamp.core import atomic, cli; from relamp.core.shot import render as shot\n"
        "write = shot.write\n"
        "def slow(plan, task, *more):\n"
        "    if task.frame > 1001:\n"
        "        with atomic.replacing(task.out) as temporary:\n"
        "            temporary.touch()\n"
        "            print('slow', file=sys.stderr, flush=True)\n"
        "            time.sleep(60)\n"
        "    write(plan, task, *more)\n"
        "shot.write = slow\n"
        "sys.exit(cli.main(sys.argv[1:]))\n"
    )
    arguments = render(made, *QUICK_OPTIONS, "--threads", "1")[3:]
    process = subprocess.Popen([sys.executable, "-c", code, *arguments], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    assert any(line == "slow\n" for line in process.stderr)
    begun = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, rest = process.communicate(timeout=30)
    assert time.monotonic() - begun < 3  # two seconds, and one for a busy machine
    assert process.returncode == 130
    assert "stopped; 1 frame written, still missing: 1002-1003" in rest
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["relit.1001.exr", "relit.relamp.json"]
    assert json.loads((tmp_path / "out" / "relit.relamp.json").read_text())["missing"] == "1002-1003"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("what", ["python", "library"])
def test_a_signal_while_modules_load_has_its_exit_code(tmp_path, number, what):
    """Loading stands still in Python, or in a library that hears of no signal and raises an error of its own."""
    stands = {
        "python": "time.sleep(60)",
        "library": "\ntry:\n    time.sleep(60)\nexcept BaseException:\n    raise ImportError('interrupted')",
    }[what]
    (tmp_path / "numpy.py").write_text(f"import sys, time\nprint('loading', flush=True)\n{stands}\n")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    process = subprocess.Popen(
        [*COMMAND, "info", "a.exr"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "loading\n"
    process.send_signal(number)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 128 + number
    assert "Traceback" not in said


def test_a_library_that_hears_of_no_signal_is_ended_all_the_same():
    code = (
        "import ctypes, sys, relamp.core.cli as cli\n"
        "def deaf(*_):\n"
        "    print('deaf', flush=True)\n"
        "    lock = ctypes.create_string_buffer(64)\n"
        "    for _ in range(2): ctypes.CDLL(None).pthread_mutex_lock(lock)\n"  # the second never comes back
        "cli.relamp.get_command(None, 'doctor').callback = deaf\n"
        "sys.exit(cli.main(['doctor']))\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "deaf\n"
    begun = time.monotonic()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 130
    assert time.monotonic() - begun < 3


def test_a_reader_that_has_read_enough_is_no_failed_render(tmp_path):
    made = Shot(tmp_path, frames=4)
    process = subprocess.Popen(
        render(made, *QUICK_OPTIONS, "--progress", "json"), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdout is not None
    process.stdout.close()
    process.communicate(timeout=120)
    assert process.returncode == 0
    assert all(made.out_frame(frame).exists() for frame in range(1001, 1005))


@pytest.mark.parametrize("arguments", [["render", "--help"], ["env", "--words"]])
def test_help_into_a_pager_that_was_left_is_no_error(arguments):
    process = subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.close()
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (0, b"")


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="there is always a display")
@pytest.mark.parametrize(("display", "words"), [(None, "there is no display"), (":4711", ":4711 does not answer")])
def test_the_panel_without_a_display_says_so(display, words):
    hidden = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    if display:
        environment["DISPLAY"] = display
    done = subprocess.run([*COMMAND, "panel"], capture_output=True, text=True, env=environment, check=False, timeout=60)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_ctrl_c_while_the_command_itself_loads_is_130(tmp_path):
    (tmp_path / "click.py").write_text("import time\nprint('loading', flush=True)\ntime.sleep(60)\n")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    process = subprocess.Popen([RELAMP], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    assert process.stdout.readline() == "loading\n"
    process.send_signal(signal.SIGINT)
    assert (process.communicate(timeout=30)[1], process.returncode) == ("", 130)
