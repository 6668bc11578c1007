"""Broken inputs by the thousand: each is read or refused with a sentence, in time, and nothing is half-written."""

import random
import subprocess
import sys
from pathlib import Path

import pytest

from shots import Shot

FUZZING = Path(__file__).with_name("fuzzing.py")
RELAMP = str(Path(sys.executable).parent / "relamp")
COUNTS = {
    "pictures": 1500,
    "headers": 300,
    "jobs": 2000,
    "frames": 5000,
    "options": 2000,
    "cameras": 1500,
    "rigs": 1500,
    "messages": 2000,
}


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("kind", COUNTS)
def test_broken_inputs_are_sentences(tmp_path, kind, seed):
    command = [sys.executable, str(FUZZING), kind, str(seed), str(COUNTS[kind]), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    assert done.returncode == 0, done.stderr[-5000:]


def test_a_few_broken_inputs_of_each_kind_are_sentences(tmp_path):
    command = [sys.executable, str(FUZZING), ",".join(COUNTS), "3", "12", str(tmp_path)]  # one process for all
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False, timeout=300)
    assert done.returncode == 0, done.stderr[-5000:]


@pytest.mark.slow
def test_the_installed_command_ends_every_broken_plate_with_a_sentence_and_whole_frames(tmp_path):
    shot = Shot(tmp_path, frames=1)
    whole = shot.plate_frame(1001).read_bytes()
    rng = random.Random(4)
    for _ in range(20):
        at = rng.randrange(len(whole))
        shot.plate_frame(1001).write_bytes(whole[:at] + rng.randbytes(8) + whole[at + rng.choice((8, 500)) :])
        lights = ("--env", shot.env_b, "--source-env", shot.env_a, "--backbone", "ratio")
        command = [RELAMP, "render", shot.plate, *lights, "--out", shot.out, "--overwrite", "-q"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode in (0, 4), done.stderr
        assert done.returncode == 0 or len(done.stderr.strip().splitlines()) == 1, done.stderr
        out = tmp_path / "out"
        assert not out.exists() or not [path for path in out.iterdir() if path.name.startswith(".")]
