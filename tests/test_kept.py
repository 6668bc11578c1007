"""What lies on disk is kept: no command writes over a file unasked, and none writes over its own inputs at all."""

import json
import time
from concurrent.futures import Future
from pathlib import Path

import numpy as np
import pytest

from relamp.core.cli import main
from relamp.core.errors import FramesFailedError, UsageError
from relamp.core.frames import format_frames
from relamp.core.job import RelightJob
from relamp.core.parameters import RelightParameters
from relamp.core.shot import prepare
from relamp.core.shot import render as shots
from shots import QUICK, QUICK_OPTIONS, layer

FAST = (*QUICK_OPTIONS, "-q")


def render(shot, *more):
    return main(["render", shot.plate, "--env", shot.env_b, "--out", shot.out, *FAST, *more])


def plan_of(shot, **more):
    given = {"plate": shot.plate, "env": shot.env_b, "out": shot.out, **QUICK, **more}
    return prepare.prepare(RelightJob(RelightParameters(**given)))


def report_of(shot):
    return json.loads((shot.folder / "out" / "relit.relamp.json").read_text())


@pytest.mark.parametrize("option", ["--save-job", "--log-file"])
@pytest.mark.parametrize("overwrite", [(), ("--overwrite",)])
def test_no_option_of_a_render_writes_over_its_inputs(shot, capsys, option, overwrite):
    camera = shot.folder / "camera.json"
    camera.write_text('{"fov": 40}')
    for path in (shot.plate_frame(1001), Path(shot.env_b), camera):
        before = path.read_bytes()
        assert render(shot, "--camera", str(camera), option, str(path), "--dry-run", *overwrite) == 2
        assert path.name in capsys.readouterr().err
        assert path.read_bytes() == before


def test_a_job_is_saved_over_another_only_when_asked_and_never_over_the_one_it_came_from(shot, capsys):
    job, other = shot.folder / "a.relamp.json", shot.folder / "b.relamp.json"
    assert render(shot, "--save-job", str(job), "--dry-run") == 0
    before = job.read_bytes()
    assert render(shot, "--mix", "0.5", "--save-job", str(job), "--dry-run") == 2
    assert "already there; --overwrite" in capsys.readouterr().err
    assert job.read_bytes() == before
    assert render(shot, "--mix", "0.5", "--save-job", str(job), "--dry-run", "--overwrite") == 0
    assert json.loads(job.read_text())["parameters"]["mix"] == 0.5
    again = ["render", "--job", str(job), "--dry-run", "--overwrite", "-q", "--save-job"]
    assert main([*again, str(job)]) == 2
    assert "is an input" in capsys.readouterr().err
    assert main([*again, str(other)]) == 0


def test_a_log_goes_on_behind_an_earlier_log_and_into_no_other_file(shot, capsys):
    log, notes = shot.folder / "render.log", shot.folder / "notes.txt"
    notes.write_text("do not touch\n")
    arguments = ["render", shot.plate, "--env", shot.env_b, "--out", shot.out, "--backbone", "ratio", "--dry-run"]
    for times in (1, 2):
        assert main([*arguments, "--log-file", str(log)]) == 0
        assert log.read_text().count("log of relamp") == 1, times
    assert main([*arguments, "--log-file", str(notes)]) == 2
    assert "is no log of Relamp" in capsys.readouterr().err
    assert notes.read_text() == "do not touch\n"


def test_a_report_replaces_a_report_and_no_other_file(shot, capsys):
    assert render(shot) == 0
    assert render(shot, "--overwrite") == 0
    place = shot.folder / "out" / "relit.relamp.json"
    assert render(shot, "--overwrite", "--save-job", str(place.with_name("job.json"))) == 0
    place.write_text(place.with_name("job.json").read_text())
    before = place.read_bytes()
    assert render(shot, "--overwrite") == 2
    assert "is no report" in capsys.readouterr().err
    assert place.read_bytes() == before


def test_measures_and_pictures_of_them_are_written_over_nothing_unasked(shot, capsys):
    def refused(*arguments, words):
        assert main(list(arguments)) == 2
        assert words in capsys.readouterr().err

    plate, notes = str(shot.plate_frame(1001)), shot.folder / "notes.png"
    notes.write_text("do not touch")
    for verb in (["evaluate", plate, plate], ["flicker", shot.plate], ["env", shot.env_a]):
        refused(*verb, "--png", str(notes), words="already there; --overwrite")
        assert notes.read_text() == "do not touch"
    before = [Path(path).read_bytes() for path in (plate, shot.env_a)]
    refused("evaluate", plate, plate, "--json", str(notes), words="already there; --overwrite")
    refused("evaluate", plate, plate, "--json", plate, "--overwrite", words="is an input")
    refused("flicker", shot.plate, "--png", plate, "--overwrite", words="is an input")
    refused("env", shot.env_a, "--out", shot.env_a, "--overwrite", words="is an input")
    refused("env", "--from", shot.plate, "--out", plate, "--overwrite", words="is an input")
    refused("export", "exr", shot.plate, "--out", shot.plate, "--overwrite", words="is an input")
    assert [Path(path).read_bytes() for path in (plate, shot.env_a)] == before


def test_a_held_frame_is_not_written_into_the_plate(shot, capsys):
    shot.plate_frame(1003).unlink()
    arguments = ["render", shot.plate, "--env", shot.env_b, "--out", shot.plate, "-F", "1003", *FAST]
    assert main([*arguments, "--missing", "hold"]) == 2
    assert "is an input" in capsys.readouterr().err
    assert not shot.plate_frame(1003).exists()


def test_an_output_that_is_another_frame_of_the_plate_is_refused(shot, capsys):
    before = shot.plate_frame(1001).read_bytes()
    arguments = ["render", shot.plate, "--env", shot.env_b, "--out", str(shot.plate_frame(1001)), "-F", "1002", *FAST]
    assert main([*arguments, "--overwrite"]) == 2
    assert "is an input" in capsys.readouterr().err
    assert shot.plate_frame(1001).read_bytes() == before


def test_an_output_that_is_a_light_of_another_frame_is_refused(shot, capsys):
    for frame in (900, *range(1001, 1005)):
        (shot.folder / f"sky.{frame:04d}.exr").write_bytes(Path(shot.env_b).read_bytes())
    out, sky = str(shot.folder / "sky.0900.exr"), str(shot.folder / "sky.####.exr")
    assert main(["render", shot.plate, "--env", sky, "--out", out, "-F", "1002", "--overwrite", *FAST]) == 2
    assert "is an input" in capsys.readouterr().err


@pytest.mark.parametrize("content", [b"", b"not a picture"])
@pytest.mark.parametrize("mode", ["same", "any"])
def test_skip_existing_replaces_no_file_that_is_not_known_to_be_relamps(shot, capsys, content, mode):
    shot.out_frame(1002).parent.mkdir()
    shot.out_frame(1002).write_bytes(content)
    assert render(shot, "--skip-existing", mode) == 2
    assert "was not made by Relamp and cannot be read as EXR" in capsys.readouterr().err
    assert shot.out_frame(1002).read_bytes() == content
    assert render(shot, "--skip-existing", mode, "--overwrite") == 0


def test_keep_going_goes_on_past_a_file_of_others_and_leaves_it(shot, capsys):
    shot.out_frame(1002).parent.mkdir()
    shot.out_frame(1002).write_bytes(b"not a picture")
    assert render(shot, "--skip-existing", "same", "--keep-going") == 3
    assert "3 of 4 frames are there; failed: 1002" in capsys.readouterr().err
    assert shot.out_frame(1002).read_bytes() == b"not a picture"
    report = json.loads((shot.folder / "out" / "relit.relamp.json").read_text())
    assert report["written"] == "1001,1003-1004"
    assert "was not made by Relamp" in report["failed"]["1002"]


@pytest.mark.parametrize("skip_existing", ["off", "same"])
def test_of_two_renders_with_different_settings_the_second_leaves_the_frames_of_the_first(shot, skip_existing):
    first, second = plan_of(shot), plan_of(shot, mix=0.5, skip_existing=skip_existing)
    shots.render(first)
    before = {frame: shot.out_frame(frame).read_bytes() for frame in range(1001, 1005)}
    with pytest.raises(UsageError, match="with other settings while this render ran"):
        shots.render(second)
    assert {frame: shot.out_frame(frame).read_bytes() for frame in before} == before


def test_two_renders_with_the_same_settings_share_their_frames(shot):
    first, second = plan_of(shot), plan_of(shot)
    shots.render(first)
    assert shots.render(second).missing == ()


def test_frames_that_appear_are_replaced_where_overwrite_was_given(shot):
    first, second = plan_of(shot), plan_of(shot, mix=0.0, overwrite=True)
    shots.render(first)
    shots.render(second)
    np.testing.assert_array_equal(layer(shot.out_frame(1002), *"RGB"), layer(shot.plate_frame(1002), *"RGB"))


@pytest.mark.parametrize("threads", [1, 2])
def test_after_a_failure_every_frame_on_disk_is_in_the_report(shot, monkeypatch, threads):
    shot.plate_frame(1002).write_bytes(shot.plate_frame(1002).read_bytes()[:900])
    settle, later = Future.exception, []

    def patient(self, timeout=None):
        """Leave the frames behind the failed one the time to be rendered, if they were begun."""
        error = settle(self, timeout)
        if error is not None and not later:
            later.append(error)
            for _ in range(100):
                if shot.out_frame(1003).exists():
                    break
                time.sleep(0.01)
        return error

    monkeypatch.setattr(Future, "exception", patient)
    assert render(shot, "--anchor", "1", "--source-env", shot.env_a, "--threads", str(threads)) == 4
    report = report_of(shot)
    on_disk = [frame for frame in range(1001, 1005) if shot.out_frame(frame).exists()]
    assert later
    assert report["written"] == format_frames(on_disk)
    assert set(map(int, report["failed"])) == {1002}


def test_frames_that_vanish_while_the_shot_is_rendered_are_missing(shot, capsys):
    def remove_first(event):
        if event.frame == 1003:
            shot.out_frame(1001).unlink()

    with pytest.raises(FramesFailedError, match=r"relit\.1001\.exr was removed"):
        shots.render(plan_of(shot), on_event=remove_first)
    report = report_of(shot)
    assert report["missing"] == "1001"
    assert "was removed while the shot was rendered" in report["failed"]["1001"]
