"""The bundle as other programs read it: by the reference library, and run by the reference runner."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import warnings
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import yaml

from relamp.core import job as jobs
from relamp.core.cli import main
from relamp.core.errors import UsageError
from relamp.core.farm import guard
from relamp.core.frames import format_frames, parse_frames
from relamp.core.job import RelightJob, with_parameters
from relamp.core.parameters import RelightParameters
from relamp.exporters import farm_job, openjd
from shots import QUICK, QUICK_OPTIONS, Shot, layer, write_exr

GOLDENS = Path(__file__).parent / "goldens" / "openjd"
EXAMPLES = Path(__file__).parent.parent / "examples"
RELAMP = str(Path(sys.executable).with_name("relamp"))


def job_of(shot, **more):
    given = {
        "plate": shot.plate,
        "env": shot.env_b,
        "source_env": shot.env_a,
        "out": shot.out,
        **QUICK,
        **more,
    }
    return RelightJob(RelightParameters(**given))


def chunks(template, **values):
    """The tasks of a template as the reference library cuts them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from openjd.model import StepParameterSpaceIterator as Tasks
        from openjd.model import create_job, decode_job_template, preprocess_job_parameters

        decoded = decode_job_template(template=template, supported_extensions=["TASK_CHUNKING"])
        values = {name: str(value) for name, value in values.items()}
        parameters = preprocess_job_parameters(
            job_template=decoded,
            job_parameter_values=values,
            job_template_dir=Path.cwd(),
            current_working_dir=Path.cwd(),
        )
        job = create_job(job_template=decoded, job_parameter_values=parameters)
        return [str(task["Frame"].value) for task in Tasks(space=job.steps[0].parameterSpace)]


def run(template, *arguments):
    command = [sys.executable, "-m", "openjd", "run", str(template), "-p", f"Relamp={RELAMP}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=500)


# What is written


@pytest.mark.parametrize("engine", ["openjd", "opencue"])
def test_a_bundle_that_is_there_is_not_written_over(shot, tmp_path, capsys, engine):
    jobs.save(job_of(shot), tmp_path / "shot.relamp.json")
    bundle = tmp_path / "bundle"
    command = ["export", engine, str(tmp_path / "shot.relamp.json"), "--bundle", str(bundle)]
    assert main(command) == 0
    before = {path: path.read_bytes() for path in bundle.iterdir()}
    submit = ["submit", "--engine", engine, "--job", command[2], "--bundle", str(bundle)]
    for again in (command, [*submit, "--local"] if engine == "openjd" else submit):
        capsys.readouterr()
        assert main([*again, "--chunk", "2"]) == 2
        assert "already there; --overwrite writes over" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in bundle.iterdir()} == before
    assert main([*command, "--chunk", "2", "--overwrite"]) == 0
    assert {path: path.read_bytes() for path in bundle.iterdir()} != before


def test_a_bundle_is_what_it_was(shot, tmp_path):
    made = farm_job.make(job_of(shot), chunk=2)
    openjd.export(made, tmp_path / "bundle")
    for name in ("template.yaml", "parameter_values.yaml", "asset_references.yaml"):
        text = (tmp_path / "bundle" / name).read_text().replace(str(tmp_path), "/show")
        assert text == (GOLDENS / name).read_text(), f"{name} is not as in {GOLDENS}"


def test_the_bundles_job_is_measured_and_resumes(shot, tmp_path):
    openjd.export(farm_job.make(job_of(shot, overwrite=True), chunk=2), tmp_path / "bundle")
    job = jobs.load(tmp_path / "bundle" / "shot.relamp.json")
    assert job.measured.anchor is not None
    assert (job.parameters.skip_existing, job.parameters.overwrite) == ("same", False)
    assert job.parameters.frames == "1001-1004"


@pytest.mark.parametrize(
    ("frames", "chunk", "expected"),
    [
        ("1001-1010", 4, ["1001-1004", "1005-1007", "1008-1010"]),
        ("1001-1003,1010-1011", 50, ["1001-1003", "1010-1011"]),
        ("1001-1011x2", 3, ["1001-1005:2", "1007-1011:2"]),
    ],
)
def test_chunks_are_neighbours_and_hold_every_frame_once(shot, tmp_path, frames, chunk, expected):
    for frame in range(1005, 1012):
        shutil.copy(shot.plate_frame(1001), shot.plate_frame(frame))
    made = farm_job.make(job_of(shot, frames=frames), chunk)
    found = chunks(openjd.template(made))
    assert found == expected
    assert parse_frames(",".join(found)) == parse_frames(frames)


def test_a_machine_with_a_gpu_is_asked_for_only_when_wanted(shot):
    made = farm_job.make(job_of(shot))
    assert "hostRequirements" not in openjd.template(made)["steps"][0]
    wanted = openjd.template(made, gpu=True)
    assert wanted["steps"][0]["hostRequirements"] == {"amounts": [{"name": "amount.worker.gpu", "min": 1}]}
    assert chunks(wanted)


def test_a_gap_is_said_at_submission_or_left_out(shot, caplog):
    shot.plate_frame(1002).unlink()
    with pytest.raises(Exception, match="1002 is missing"):
        farm_job.make(job_of(shot))
    assert farm_job.make(job_of(shot, missing="skip")).frames == (1001, 1003, 1004)
    assert farm_job.make(job_of(shot, missing="hold")).frames == (1001, 1002, 1003, 1004)
    assert farm_job.make(job_of(shot, missing="black")).frames == (1001, 1002, 1003, 1004)


def test_export_and_dry_run_from_the_command_line(shot, tmp_path, capsys):
    jobs.save(job_of(shot), tmp_path / "shot.relamp.json")
    bundle = tmp_path / "bundle"
    assert main(["export", "openjd", str(tmp_path / "shot.relamp.json"), "--bundle", str(bundle), "--chunk", "2"]) == 0
    assert "4 frames in tasks of 2" in capsys.readouterr().out
    assert main(["submit", "--job", str(tmp_path / "shot.relamp.json"), "--chunk", "2", "--dry-run"]) == 0
    shown = yaml.safe_load(capsys.readouterr().out)
    assert shown == yaml.safe_load((bundle / "template.yaml").read_text())


def test_without_deadline_the_sentence_says_what_to_do(shot, tmp_path, capsys, monkeypatch):
    jobs.save(job_of(shot), tmp_path / "shot.relamp.json")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["submit", "--job", str(tmp_path / "shot.relamp.json"), "--bundle", str(tmp_path / "bundle")]) == 2
    assert "pip install deadline" in capsys.readouterr().err
    assert not (tmp_path / "bundle").exists()


# What the reference runner makes of it


def test_the_runner_renders_the_bits_of_a_single_render_with_one_load(shot, tmp_path):
    single = job_of(shot, out=str(tmp_path / "single" / "relit.####.exr"))
    jobs.save(single, tmp_path / "single.json")
    assert main(["render", "--job", str(tmp_path / "single.json"), "-q"]) == 0
    template = openjd.export(farm_job.make(job_of(shot), chunk=2), tmp_path / "bundle")
    done = run(template)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "openjd_progress: 100.0" in done.stdout
    assert done.stdout.count("Entering Environment: WarmShot") == 1
    for frame in range(1001, 1005):
        alone = tmp_path / "single" / f"relit.{frame}.exr"
        assert layer(shot.out_frame(frame), *"RGBA").tobytes() == layer(alone, *"RGBA").tobytes()


def test_a_broken_environment_is_the_reason_the_runner_gives(shot, tmp_path):
    template = openjd.export(farm_job.make(job_of(shot), chunk=2), tmp_path / "bundle")
    Path(shot.env_b).write_bytes(b"not a picture")
    done = run(template)
    assert done.returncode == 1
    assert re.search(r"openjd_fail: .*b\.exr.*", done.stdout), done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(("policy", "made"), [("error", 2), ("skip", 3), ("hold", 4), ("black", 4)])
def test_a_plate_lost_after_submission_is_treated_as_the_job_says(shot, tmp_path, policy, made):
    template = openjd.export(farm_job.make(job_of(shot, missing=policy), chunk=2), tmp_path / "bundle")
    shot.plate_frame(1003).unlink()
    done = run(template)
    whole = made == 4
    assert (done.returncode == 0) == whole, done.stdout
    if not whole:
        assert re.search(r"openjd_fail: .*(1003)", done.stdout)
    assert len(list((tmp_path / "out").glob("relit.*.exr"))) == made
    assert main(["status", shot.out, "-F", "1001-1004"]) == (0 if whole else 3)


@pytest.mark.slow
@pytest.mark.parametrize("chunk", [4, 7, 24])
def test_the_example_in_chunks_is_the_example(tmp_path, chunk):
    plate, maps = EXAMPLES / "plate" / "plate.####.exr", EXAMPLES / "environments"
    given = {"plate": str(plate), "env": str(maps / "low_sun.exr"), "source_env": str(maps / "source.exr")}
    single, cut = (str(tmp_path / name / "relit.####.exr") for name in ("single", "cut"))
    jobs.save(RelightJob(RelightParameters(**given, out=single, layers=("ratio", "lamps"))), tmp_path / "job.json")
    assert main(["render", "--job", str(tmp_path / "job.json"), "-q"]) == 0
    saved = str(tmp_path / "cut.json")
    job = ["--job", str(tmp_path / "job.json")]
    assert main(["render", *job, "--out", cut, "--dry-run", "--save-job", saved]) == 0
    assert main(["submit", "--job", saved, "--chunk", str(chunk), "--local"]) == 0
    for frame in parse_frames("1001-1024"):
        one, other = (Path(pattern.replace("####", str(frame))) for pattern in (single, cut))
        names = ("R", "G", "B", "A", "ratio.R", "lamp1.G", "rest.B")
        assert layer(one, *names).tobytes() == layer(other, *names).tobytes(), format_frames([frame])


@pytest.mark.parametrize("code", [0, 3])
def test_a_guarded_command_ends_with_its_own_exit_code(code, capfd):
    assert guard.run([sys.executable, "-c", f"raise SystemExit({code})"]) == code
    assert capfd.readouterr().err == ""


@pytest.mark.slow
def test_a_local_run_that_lacks_a_frame_does_not_end_well(shot, tmp_path, capsys):
    jobs.save(job_of(shot), tmp_path / "shot.relamp.json")
    shot.plate_frame(1002).write_bytes(b"not a picture")
    assert main(["submit", "--job", str(tmp_path / "shot.relamp.json"), "--chunk", "2", "--local"]) == 3
    assert "frames 1002-1004 are missing" in capsys.readouterr().err


def test_a_job_never_replaces_what_is_not_its_own(tmp_path):
    shot = Shot(tmp_path)
    job = RelightJob(RelightParameters(plate=shot.plate, env=shot.env_b, out=shot.out, **QUICK))
    theirs = write_exr(shot.out_frame(1002), np.ones((4, 4, 3), np.float32), ("R", "G", "B"))
    before = theirs.read_bytes()
    with pytest.raises(UsageError, match="not made by Relamp"):
        farm_job.make(job)
    arguments = ["render", shot.plate, "--env", shot.env_b, "--out", shot.out, "--skip-existing", "-q"]
    assert main([*arguments, *QUICK_OPTIONS]) == 2
    assert theirs.read_bytes() == before
    theirs.unlink()
    assert main([*arguments, *QUICK_OPTIONS]) == 0
    farm_job.make(job)  # its own frames are no hindrance
    with pytest.raises(UsageError, match="other settings"):
        farm_job.make(with_parameters(job, env_exposure=1.0))
    farm_job.make(with_parameters(job, env_exposure=1.0, overwrite=True))


def marked(mark: str) -> list[str]:
    """The command lines of living processes that have `mark` in their environment."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if mark.encode() in (folder / "environ").read_bytes():
                found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode())
    return found


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes in /proc")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_local_run_whose_submitter_is_ended_leaves_no_render_running(tmp_path, number):
    shot = Shot(tmp_path, size=256, frames=60)
    jobs.save(job_of(shot), tmp_path / "shot.relamp.json")
    command = [
        sys.executable,
        "-m",
        "relamp.core.cli",
        "submit",
        "--local",
        "--job",
        str(tmp_path / "shot.relamp.json"),
    ]
    mark = f"RELAMP_TEST_MARK={tmp_path}"
    environment = {**os.environ, "RELAMP_TEST_MARK": str(tmp_path)}
    with subprocess.Popen(
        [*command, "--chunk", "60"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
    ) as one:
        until = time.monotonic() + 120
        while not shot.out_frame(1002).exists():
            assert one.poll() is None
            assert time.monotonic() < until
            time.sleep(0.05)
        one.send_signal(number)
    assert one.returncode == (143 if number == signal.SIGTERM else -9)
    until = time.monotonic() + 60
    while marked(mark):
        assert time.monotonic() < until, marked(mark)
        time.sleep(0.2)
    assert not shot.out_frame(1060).exists()
