import json
import subprocess
import sys
import time

import pytest

from relamp.core.cli import main
from shots import QUICK_OPTIONS


def render(shot, *more, env=None, source=None):
    """The exit code of a quick render by the shot's second environment, the first being the plate's light."""
    lights = ["--env", env or shot.env_b, "--source-env", source or shot.env_a]
    return main(["render", shot.plate, *lights, "--out", shot.out, "-q", *QUICK_OPTIONS, *more])


@pytest.fixture
def rendered(shot):
    assert render(shot) == 0
    return shot


def test_a_whole_sequence_is_whole(rendered, capsys):
    assert main(["status", rendered.out]) == 0
    said = capsys.readouterr().out
    for words in ("expected  1001-1004 (4)", "there     1001-1004 (4)", "ratio", "b.exr"):
        assert words in said
    assert "missing" not in said


def test_what_failed_is_missing_and_the_reason_is_the_renders(shot, capsys):
    shot.plate_frame(1002).write_bytes(b"not a picture")
    assert render(shot, "--keep-going") == 3
    capsys.readouterr()
    assert main(["status", shot.out]) == 3
    said = capsys.readouterr()
    assert "missing   1002 (1)" in said.out
    assert "failed    1002: " in said.out
    assert "plate.1002.exr" in said.out
    assert "3 of 4 frames are there" in said.err


def test_reports_of_parts_are_read_together(shot, capsys):
    assert render(shot, "-F", "1001-1002") == 0
    assert render(shot, "-F", "1003-1004") == 0
    shot.out_frame(1003).unlink()
    assert main(["status", shot.out]) == 3
    assert "missing   1003 (1)" in capsys.readouterr().out


def test_a_chunk_that_was_killed_is_missing(shot, capsys):
    assert render(shot, "-F", "1001-1002") == 0
    lights = ["--env", shot.env_b, "--source-env", shot.env_a]
    chunk = ["render", shot.plate, *lights, "--out", shot.out, "-q", *QUICK_OPTIONS, "-F", "1003-1004"]
    report = shot.out_frame(1001).parent / "relit.1003-1004.relamp.json"
    with subprocess.Popen([sys.executable, "-m", "relamp.core.cli", *chunk]) as process:
        while not report.exists() and process.poll() is None:
            time.sleep(0.002)
        process.kill()
    capsys.readouterr()
    whole = all(shot.out_frame(frame).exists() for frame in (1003, 1004))
    assert not whole  # killed before it was done
    assert main(["status", shot.out]) == 3
    assert "expected  1001-1004 (4)" in capsys.readouterr().out


def test_frames_made_later_are_no_longer_failed(rendered, capsys):
    rendered.out_frame(1002).unlink()
    rendered.plate_frame(1002).rename(rendered.folder / "kept.exr")
    again = ("--skip-existing", "-F", "1001-1004", "--missing", "skip")
    assert render(rendered, *again) == 3
    assert main(["status", rendered.out]) == 3
    assert "skipped   1002" in capsys.readouterr().out
    (rendered.folder / "kept.exr").rename(rendered.plate_frame(1002))
    assert render(rendered, *again) == 0
    capsys.readouterr()
    assert main(["status", rendered.out]) == 0
    assert "skipped" not in capsys.readouterr().out


def test_a_broken_frame_counts_as_missing(rendered, capsys):
    whole = rendered.out_frame(1003).read_bytes()
    rendered.out_frame(1003).write_bytes(whole[: len(whole) // 2])
    assert main(["status", rendered.out, "--verify"]) == 3
    assert "broken    1003: " in capsys.readouterr().out


def test_frames_of_others_and_gaps_without_a_report(shot, capsys):
    shot.plate_frame(1003).unlink()
    assert main(["status", str(shot.plate_frame(1001))]) == 3
    said = capsys.readouterr().out
    assert "missing   1003" in said
    assert "foreign   1001-1002,1004: not made by Relamp" in said


def test_two_lights_in_one_sequence_are_told_apart(rendered, capsys):
    swapped = {"env": rendered.env_a, "source": rendered.env_b}
    assert render(rendered, "--overwrite", "-F", "1004", **swapped) == 0
    assert main(["status", rendered.out]) == 0
    said = capsys.readouterr().out
    assert "made      3 by" in said
    assert "made      1 by" in said


def test_json_is_for_programs(rendered, capsys):
    rendered.out_frame(1001).unlink()
    assert main(["status", rendered.out, "--json"]) == 3
    data = json.loads(capsys.readouterr().out)
    assert data["missing"] == "1001"
    assert data["whole"] is False


def test_a_folder_stands_for_the_one_sequence_in_it(rendered, capsys):
    assert main(["status", str(rendered.out_frame(1001).parent)]) == 0
    assert "there     1001-1004 (4)" in capsys.readouterr().out


def test_a_folder_of_several_sequences_says_what_to_give(rendered, capsys):
    assert main(["status", str(rendered.folder)]) == 2
    said = capsys.readouterr().err
    assert "plate.####.exr (1001-1004)" in said
    assert "give one of them" in said
    (rendered.folder / "empty").mkdir()
    assert main(["status", str(rendered.folder / "empty")]) == 4
    assert "holds no EXR files" in capsys.readouterr().err


def test_nothing_at_all_is_an_error(tmp_path, capsys):
    assert main(["status", str(tmp_path / "relit.####.exr")]) == 4
    assert "matches no file" in capsys.readouterr().err
