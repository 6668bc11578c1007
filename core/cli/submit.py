"""`relamp submit`: a job to a farm, or through a farm's own runner on this machine."""

from __future__ import annotations

import importlib.util
import json
import logging
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .. import job as jobs
from ..atomic import require_free
from ..counted import counted
from ..errors import FramesFailedError, RelampError, UsageError
from ..farm import guard
from ..frames import format_frames, missing_frames
from ..process import last_words

if TYPE_CHECKING:
    from ...exporters.farm_job import FarmJob

ENGINES = ("openjd", "opencue")

EXAMPLES = """\b
Examples:
  relamp submit --job shot.relamp.json --local
  relamp submit --job shot.relamp.json --engine opencue --dry-run
"""


@click.command("submit", epilog=EXAMPLES)
@click.option("--engine", type=click.Choice(ENGINES), default="openjd", show_default=True, help="The farm system.")
@click.option(
    "--job", "job_file", required=True, metavar="FILE", help="The job file, written by relamp render --save-job."
)
@click.option("--chunk", default=50, show_default=True, metavar="N", help="The number of frames in a task.")
@click.option("--bundle", metavar="DIR", help="Keep the submitted job in this folder.")
@click.option("--overwrite", is_flag=True, help="Replace files that are already in the folder.")
@click.option("--gpu/--no-gpu", default=False, help="Use machines with a GPU only.")
@click.option("--dry-run", is_flag=True, help="Show the job that would be submitted, and submit nothing.")
@click.option("--local", is_flag=True, help="Run the job on this machine, through the farm's own runner.")
def command(
    engine: str, job_file: str, chunk: int, bundle: str | None, overwrite: bool, gpu: bool, dry_run: bool, local: bool
) -> None:
    """Send a job to a farm."""
    from ...exporters.farm_job import make
    from ..logs import start

    start(logging.INFO)
    if local and engine != "openjd":
        raise UsageError(f"--local runs openjd jobs; {engine} has no runner without its servers")
    loaded = jobs.load(job_file)
    if not dry_run and engine == "openjd":
        _require_program(local)
    if engine == "opencue" and bundle is None and not dry_run:
        raise UsageError("--engine opencue needs --bundle: a folder for the job file that the farm's machines see")
    if bundle is not None and not dry_run:
        require_free(_files(engine, Path(bundle)), overwrite, [Path(job_file)])
    job = make(loaded, chunk)
    if dry_run:
        click.echo(_shown(engine, job, Path(bundle or "."), gpu))
        return
    if engine == "opencue":
        from ...exporters.opencue import launch

        assert bundle is not None
        click.echo(launch(job, Path(bundle), gpu=gpu, overwrite=overwrite))
        return
    with tempfile.TemporaryDirectory(prefix="relamp-") as temporary:
        folder = Path(bundle or temporary).absolute()
        from ...exporters.openjd import export

        template = export(job, folder, gpu=gpu, overwrite=overwrite)
        with last_words(lambda: shutil.rmtree(temporary, ignore_errors=True)):  # the runner has read it
            _run_here(template, job) if local else _send(folder)


def _files(engine: str, bundle: Path) -> list[Path]:
    from ...exporters import opencue, openjd

    return (opencue if engine == "opencue" else openjd).files(bundle)


def _shown(engine: str, job: FarmJob, bundle: Path, gpu: bool) -> str:
    frames, tasks = counted(len(job.frames), "frame"), counted(job.chunks, "task")
    head = f"# {frames} ({format_frames(job.frames)}) in {tasks} of {job.chunk} at most"
    if engine == "opencue":
        from ...exporters.opencue import JOB_FILE, specification

        return f"{head}\n{specification(job, bundle / JOB_FILE, gpu=gpu)}"
    import yaml

    from ...exporters.openjd import template

    return f"{head}\n{yaml.safe_dump(template(job, gpu=gpu), sort_keys=False)}"


def _require_program(local: bool) -> None:
    if local and importlib.util.find_spec("openjd") is None:
        raise UsageError("--local needs the Open Job Description runner: pip install 'relamp[farm]'")
    if not local and shutil.which("deadline") is None:
        raise UsageError(
            "AWS Deadline Cloud's program `deadline` is not here: pip install deadline and log in; "
            "or --local runs the job here, and relamp export openjd writes a bundle for other farms"
        )


def _send(folder: Path) -> None:
    code = subprocess.run(["deadline", "bundle", "submit", str(folder)], check=False).returncode
    if code:
        raise RelampError(f"deadline did not take the job (exit code {code}); what it said stands above")


def _run_here(template: Path, job: FarmJob) -> None:
    """Run the bundle through `openjd run`, and find out what became of it: the runner itself tells every failure as 1."""
    relamp = Path(sys.executable).with_name("relamp")
    parameters = json.dumps({"Relamp": str(relamp if relamp.exists() else "relamp")})
    command = [sys.executable, "-m", "openjd", "run", str(template), "-p", parameters]
    code = guard.run(command)
    _check_frames(job)
    if code:
        raise FramesFailedError("the runner reports a failed task; what it said stands above")


def _check_frames(job: FarmJob) -> None:
    """Raise `FramesFailedError` unless every frame of every view is there, made with these settings."""
    from ..logs import stage
    from ..shot.outputs import finished
    from ..shot.prepare import prepare_views

    stage("checking that every frame is there")
    lacking: list[str] = []
    for plan in prepare_views(job.job):
        frames = [task.frame for task in plan.tasks if not finished(plan, task)[0]]
        if frames:
            lacking.append(f"{plan.inputs.out}: {missing_frames(frames)}")
    if lacking:
        raise FramesFailedError(f"{'; '.join(lacking)}; relamp status tells why")
