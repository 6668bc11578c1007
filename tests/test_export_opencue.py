"""The job as Cuebot would take it, and its tasks run as RQD would run them: a shell and the command."""

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as Xml
from pathlib import Path

import pytest

from relamp.core import job as jobs
from relamp.core.cli import main
from relamp.core.frames import format_frames
from relamp.core.job import RelightJob
from relamp.core.parameters import RelightParameters
from shots import QUICK, layer

GOLDEN = Path(__file__).parent / "goldens" / "opencue" / "job.xml"


@pytest.fixture
def bundle(shot, tmp_path):
    given = {"plate": shot.plate, "env": shot.env_b, "source_env": shot.env_a, "out": shot.out}
    job = RelightJob(RelightParameters(**given, **QUICK))
    jobs.save(job, tmp_path / "shot.relamp.json")
    folder = tmp_path / "a bundle"
    assert main(["export", "opencue", str(tmp_path / "shot.relamp.json"), "--bundle", str(folder), "--chunk", "3"]) == 0
    return folder


def test_a_specification_is_what_it_was(bundle, tmp_path):
    text = (bundle / "job.xml").read_text().replace(str(tmp_path), "/show")
    text = re.sub("<(user|uid|email)>[^<]*<", r"<\1><", text)
    assert text == GOLDEN.read_text().strip()


def test_the_chunks_as_the_farm_runs_them_make_every_frame(bundle, shot):
    found = Xml.parse(bundle / "job.xml").find("job/layers/layer")
    assert found is not None
    text = {name: str(found.findtext(name)) for name in ("cmd", "range", "chunk")}
    assert (text["range"], text["chunk"]) == ("1001-1004", "3")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for chunk in (range(1001, 1004), range(1004, 1005)):  # as Cuebot's FrameSet.getChunk cuts the range
        command = text["cmd"].replace("#FRAMESPEC#", format_frames(chunk))
        subprocess.run(["bash", "-c", command], check=True, capture_output=True, env={**os.environ, "PATH": path})
    for frame in range(1001, 1005):
        assert layer(shot.out_frame(frame), *"RGBA").any()


def test_nothing_stays_in_the_home_of_who_submits(shot, tmp_path, monkeypatch, bundle):
    from outline import config

    assert not list(Path(str(config.get("outline", "session_dir"))).glob("*relamp*"))


def test_a_submission_without_a_cuebot_says_where_it_looked_and_writes_nothing(bundle, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("CUEBOT_HOSTS", "localhost:1")
    job = [
        "submit",
        "--engine",
        "opencue",
        "--job",
        str(bundle / "shot.relamp.json"),
        "--bundle",
        str(tmp_path / "new"),
    ]
    assert main(job) == 2
    said = capsys.readouterr().err
    assert "no Cuebot answers (looked at localhost:1): set CUEBOT_HOSTS" in said
    assert "Traceback" not in said
    assert not (tmp_path / "new").exists()


def test_a_submission_without_a_farm_says_what_is_wrong(bundle, tmp_path, capsys, monkeypatch):
    job = ["submit", "--engine", "opencue", "--job", str(bundle / "shot.relamp.json")]
    assert main(job) == 2
    assert "needs --bundle" in capsys.readouterr().err
    assert main([*job, "--local"]) == 2
    assert "--local runs openjd jobs" in capsys.readouterr().err
    assert main([*job, "--dry-run"]) == 0
    assert "<cmd>relamp render" in capsys.readouterr().out


def test_without_pyoutline_nothing_is_written(shot, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "outline", None)
    jobs.save(
        RelightJob(RelightParameters(plate=shot.plate, env=shot.env_b, out=shot.out)), tmp_path / "shot.relamp.json"
    )
    folder = tmp_path / "bundle"
    assert main(["export", "opencue", str(tmp_path / "shot.relamp.json"), "--bundle", str(folder)]) == 2
    assert "relamp[farm]" in capsys.readouterr().err
    assert not folder.exists()
