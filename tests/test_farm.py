import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from relamp.core import job as jobs
from relamp.core.atomic import process_lives
from relamp.core.cli import main
from relamp.core.errors import InputError, RelampError, UsageError
from relamp.core.farm import path_mapping, session
from relamp.core.farm.spool import Spool
from relamp.core.job import RelightJob
from relamp.core.parameters import RelightParameters
from relamp.core.progress import Progress
from shots import QUICK, layer

FARM = [sys.executable, "-m", "relamp.core.cli", "farm"]


def save_job(shot, **more):
    given = {"plate": shot.plate, "env": shot.env_b, "source_env": shot.env_a, "out": shot.out, **QUICK}
    job = RelightJob(RelightParameters(**given | more))
    path = shot.folder / "shot.relamp.json"
    jobs.save(job, path)
    return path


@pytest.fixture
def spool(tmp_path):
    """A spool whose session is ended after the test."""
    spool = Spool(tmp_path / "spool")
    yield spool
    session.stop(spool)


def start(spool, job):
    session.start(spool, {"job": str(job), "rules": None, "parameters": {}})


def render(spool, frames):
    session.render(spool, frames, Progress("openjd"), print)


def wait_for_end(pid):
    until = time.monotonic() + 20
    while process_lives(pid):
        assert time.monotonic() < until, "it lives on"
        time.sleep(0.05)


def loads(spool):
    """How often the shot was loaded, by the warm process's own log."""
    return spool.log.read_text().count("loaded in")


def test_chunks_are_what_a_single_render_gives_and_the_shot_is_loaded_once(shot, spool, capfd):
    assert main(["render", shot.plate, "--env", shot.env_b, "--source-env", shot.env_a, "--out", shot.out, "-q"]) == 0
    single = {frame: layer(shot.out_frame(frame), *"RGBA") for frame in range(1001, 1005)}
    for frame in single:
        shot.out_frame(frame).unlink()
    start(spool, save_job(shot, backbone="relamp", shadows=1.0))
    for chunk in ("1001-1003", "1004"):
        render(spool, chunk)
    for frame, pixels in single.items():
        assert layer(shot.out_frame(frame), *"RGBA").tobytes() == pixels.tobytes()
    assert loads(spool) == 1
    said = capfd.readouterr().out
    assert "openjd_progress: 33.3" in said
    assert "openjd_status: frame 1004 done" in said


def test_a_task_that_is_sent_again_keeps_its_finished_frames(shot, spool, capfd):
    start(spool, save_job(shot))
    render(spool, "1001-1002")
    before = shot.out_frame(1001).stat().st_mtime_ns
    render(spool, "1001-1003")
    assert shot.out_frame(1001).stat().st_mtime_ns == before
    assert "frame 1001 kept" in capfd.readouterr().out


def test_a_broken_environment_is_told_when_the_session_starts(shot, spool):
    Path(shot.env_b).write_bytes(b"not a picture")
    with pytest.raises(InputError, match=r"b\.exr") as caught:
        start(spool, save_job(shot))
    assert caught.value.exit_code == 4
    assert not spool.alive()


def test_a_failing_chunk_has_the_exit_code_and_the_sentence_of_a_render(shot, spool):
    start(spool, save_job(shot))
    shot.plate_frame(1002).unlink()
    with pytest.raises(RelampError, match="1002 is missing") as caught:
        render(spool, "1001-1004")
    assert caught.value.exit_code == 4
    render(spool, "1003-1004")
    assert shot.out_frame(1004).exists()


def test_a_warm_process_that_was_killed_is_started_again(shot, spool):
    start(spool, save_job(shot))
    pid = int((spool.folder / "alive").read_text())
    os.kill(pid, signal.SIGKILL)
    wait_for_end(pid)
    render(spool, "1001")
    assert shot.out_frame(1001).exists()
    assert loads(spool) == 2


def test_a_task_that_is_killed_leaves_whole_frames_and_goes_on_when_sent_again(shot, spool):
    start(spool, save_job(shot))
    task = subprocess.Popen([*FARM, "task", "--spool", str(spool.folder), "-F", "1001-1004"], stdout=subprocess.PIPE)
    assert task.stdout is not None
    assert next(line for line in task.stdout if b"openjd_status" in line)
    task.kill()
    task.communicate()
    render(spool, "1001-1004")
    for frame in range(1001, 1005):
        layer(shot.out_frame(frame), *"RGBA")


def test_a_task_that_is_asked_to_end_ends_with_its_signal(shot, spool):
    start(spool, save_job(shot, threads=1))
    arguments = [*FARM, "task", "--spool", str(spool.folder), "-F", "1001-1004"]
    task = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert task.stdout is not None
    for line in task.stdout:
        if line.startswith("relamp "):  # the chunk has begun
            break
    task.send_signal(signal.SIGTERM)
    said = task.communicate(timeout=60)[0]
    assert task.returncode == 143
    assert "still missing" in said


def test_a_spool_that_others_can_write_to_is_refused(shot, tmp_path):
    (tmp_path / "open").mkdir(mode=0o777)
    (tmp_path / "open").chmod(0o777)
    with pytest.raises(UsageError, match="open to other users"):
        start(Spool(tmp_path / "open"), save_job(shot))


def test_a_spool_that_is_a_link_is_not_followed(shot, tmp_path, capsys):
    (tmp_path / "own").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(tmp_path / "own")
    with pytest.raises(UsageError, match="is a link"):
        start(Spool(tmp_path / "link"), save_job(shot))
    assert main(["farm", "stop", "--spool", str(tmp_path / "link")]) == 2
    assert "is a link" in capsys.readouterr().err
    assert not list((tmp_path / "own").iterdir())


def test_stop_ends_no_process_whose_number_somebody_wrote_into_the_spool(tmp_path, monkeypatch):
    monkeypatch.setattr(session, "GRACE", 0.2)
    monkeypatch.setattr(session, "DEAD", 0.2)
    (tmp_path / "spool").mkdir(mode=0o700)
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as other:
        (tmp_path / "spool" / "alive").write_text(str(other.pid))
        with pytest.raises(RelampError, match="does not end"):
            session.stop(Spool(tmp_path / "spool"))
        assert other.poll() is None
        other.kill()


def test_stop_writes_nothing_into_a_spool_of_others(tmp_path, capsys):
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    assert main(["farm", "stop", "--spool", str(tmp_path / "open")]) == 2
    assert "open to other users" in capsys.readouterr().err
    assert not list((tmp_path / "open").iterdir())


def test_a_warm_process_that_does_not_heed_the_end_ends_itself(shot, spool, monkeypatch):
    """A frame that never ends, and a grace of nothing."""
    code = (
        "import sys, time\n"
        "from relamp.core.farm import warm\n"
        "warm.GRACE = 0.1\n"
        "warm.WarmShot = lambda session: time.sleep(600)\n"
        "sys.exit(warm.serve(warm.Spool(sys.argv[1])))\n"
    )
    spool.make({"job": "none"})
    process = subprocess.Popen([sys.executable, "-c", code, str(spool.folder)], stderr=subprocess.DEVNULL)
    while not spool.alive():
        assert process.poll() is None
        time.sleep(0.02)
    spool.ask_to_stop()
    assert process.wait(30) == 143


@pytest.mark.parametrize("poison", ["[" * 100_000, "[1]", "", '{"frames": 1e999}', '{"frames": null}', "\ud800"])
def test_a_poisoned_request_is_looked_at_once_and_the_next_is_answered(tmp_path, poison):
    spool = Spool(tmp_path / "spool")
    spool.make({})
    (spool.folder / "1.request").write_text(poison, encoding="utf-8", errors="surrogatepass")
    (spool.folder / "2.request").mkdir()
    (spool.folder / f"{'9' * 200}.request").touch()
    (spool.folder / "3.request").write_text('{"frames": "1001"}')
    assert [(chunk.number, chunk.frames) for chunk in spool.requests()] == [(3, (1001,))]
    assert [(chunk.number, chunk.frames) for chunk in spool.requests()] == []
    assert '"end": 2' in (spool.folder / "1.events").read_text()


def test_a_request_can_name_frames_and_nothing_else(shot, spool):
    start(spool, save_job(shot))
    chunk = spool.ask("__import__('os')")
    try:
        assert [event["end"] for event in chunk.events()] == [2]
    finally:
        chunk.close()


def test_stopping_what_never_began_is_no_error(tmp_path):
    assert main(["farm", "stop", "--spool", str(tmp_path / "nothing")]) == 0


def test_a_task_without_a_session_says_so(tmp_path, capsys):
    assert main(["farm", "task", "--spool", str(tmp_path), "-F", "1"]) == 2
    assert "openjd_fail: " in capsys.readouterr().out


def test_a_warm_process_ends_when_its_folder_is_taken_away(shot, spool):
    start(spool, save_job(shot))
    pid = int((spool.folder / "alive").read_text())
    spool.folder.rename(spool.folder.with_name("gone"))
    wait_for_end(pid)


# Paths of another machine


def rules(tmp_path, *items):
    file = tmp_path / "rules.json"
    named = [dict(zip(("source_path_format", "source_path", "destination_path"), item, strict=True)) for item in items]
    file.write_text(json.dumps({"version": "pathmapping-1.0", "path_mapping_rules": named}))
    return path_mapping.load_rules(file)


def test_paths_follow_the_longest_rule(tmp_path):
    found = rules(tmp_path, ("POSIX", "/show", "/mnt/a"), ("POSIX", "/show/plates", "/mnt/b"))
    assert path_mapping.mapped("/show/plates/x.####.exr", found) == "/mnt/b/x.####.exr"
    assert path_mapping.mapped("/show/env.exr", found) == "/mnt/a/env.exr"
    assert path_mapping.mapped("/showreel/env.exr", found) == "/showreel/env.exr"


def test_a_windows_artist_is_understood(tmp_path):
    found = rules(tmp_path, ("WINDOWS", r"P:\show", "/mnt/show"))
    assert path_mapping.mapped(r"p:\Show\plates\x.%04d.exr", found) == "/mnt/show/plates/x.%04d.exr"


def test_a_mapped_job_keeps_what_was_measured(shot, tmp_path):
    path = save_job(shot)
    data = json.loads(path.read_text())
    data["parameters"]["plate"] = r"P:\show\plate.####.exr"
    data["measured"] = {"frames": [1001], "anchor": 2.0, "source_light": None}
    path.write_text(json.dumps(data))
    job = path_mapping.load_job(path, rules(tmp_path, ("WINDOWS", r"P:\show", str(shot.folder))))
    assert job.parameters.plate == shot.plate
    assert job.measured.anchor == 2.0


def test_rules_that_are_none_are_named(tmp_path):
    (tmp_path / "rules.json").write_text('{"path_mapping_rules": [{"source_path": "/a"}]}')
    with pytest.raises(InputError, match=r"rules\.json"):
        path_mapping.load_rules(tmp_path / "rules.json")
    (tmp_path / "rules.json").write_text("{}")
    assert path_mapping.load_rules(tmp_path / "rules.json") == ()


def test_a_warm_process_that_dies_in_its_work_fails_the_task(shot, spool):
    start(spool, save_job(shot))
    chunk = spool.ask("1001-1004")
    try:
        events = chunk.events()
        next(events)
        os.kill(int((spool.folder / "alive").read_text()), signal.SIGKILL)
        with pytest.raises(RelampError, match="warm process died"):
            list(events)
    finally:
        chunk.close()
