"""A job for OpenCue, through its own pyoutline: one layer of chunks, each a plain `relamp render`.

The specification (CJSL 1.15) is made without any server; `launch` needs a Cuebot. The job file must lie where the farm's
machines see it. OpenCue has no environment that outlives a chunk, so each loads the shot for itself: take large chunks.
"""

from __future__ import annotations

import getpass
import logging
import re
import shlex
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..core import job as jobs
from ..core.atomic import replacing, require_free
from ..core.counted import counted
from ..core.errors import RelampError, UsageError
from ..core.frames import format_frames
from .farm_job import DEFAULT_CHUNK, FarmJob, make
from .openjd import JOB_FILE

if TYPE_CHECKING:
    from outline.cuerun import OutlineLauncher

log = logging.getLogger("relamp")

SPECIFICATION = "job.xml"
LAYER = "relight"


@click.command("opencue")
@click.argument("job_file", metavar="JOB")
@click.option(
    "--bundle", required=True, metavar="DIR", help="The folder to write. The farm's machines must be able to read it."
)
@click.option("--chunk", default=DEFAULT_CHUNK, show_default=True, metavar="N", help="The number of frames in a task.")
@click.option("--show", default="testing", show_default=True, metavar="NAME", help="OpenCue's show.")
@click.option("--gpu/--no-gpu", default=False, help="Use machines with a GPU only.")
@click.option("--overwrite", is_flag=True, help="Replace files that are already there.")
def command(job_file: str, bundle: str, chunk: int, show: str, gpu: bool, overwrite: bool) -> None:
    """Write JOB as an OpenCue job specification."""
    require_free(files(Path(bundle)), overwrite, [Path(job_file)])
    farm_job = make(jobs.load(job_file), chunk)
    export(farm_job, Path(bundle), show=show, gpu=gpu, overwrite=overwrite)
    click.echo(f"{bundle}/{SPECIFICATION}: {counted(len(farm_job.frames), 'frame')} in tasks of {farm_job.chunk}")


def files(bundle: Path) -> list[Path]:
    """The files of a bundle."""
    return [bundle / JOB_FILE, bundle / SPECIFICATION]


def export(job: FarmJob, bundle: Path, *, show: str = "testing", gpu: bool = False, overwrite: bool = False) -> Path:
    """Write the job file and the specification; the path of the latter.

    Raises:
        OutputError: a file cannot be written.
        UsageError: pyoutline is missing; then nothing is written.
    """
    _library()  # before anything is written
    job_file, described = files(bundle)
    _write(job_file, jobs.to_json(job.job, bundle), overwrite)
    _write(described, specification(job, job_file, show=show, gpu=gpu), overwrite)
    return described


def specification(job: FarmJob, job_file: Path, *, show: str = "testing", gpu: bool = False) -> str:
    """The job as XML, as Cuebot takes it."""
    with _launcher(job, job_file, show, gpu) as launcher:
        return launcher.serialize(use_pycuerun=False)


def launch(job: FarmJob, bundle: Path, *, show: str = "testing", gpu: bool = False, overwrite: bool = False) -> str:
    """Write the bundle and send it to the Cuebot of this site; the name of the job there.

    Raises:
        UsageError: no Cuebot answers; nothing is written.
        RelampError: it does not take the job.
    """
    _require_cuebot()
    export(job, bundle, show=show, gpu=gpu, overwrite=overwrite)
    with _launcher(job, bundle / JOB_FILE, show, gpu) as launcher:
        try:
            (launched, *_) = launcher.launch(use_pycuerun=False)
        except Exception as error:  # any error of grpc or Cuebot has this meaning here
            raise RelampError(
                f"OpenCue did not take the job ({type(error).__name__}: {next(iter(str(error).splitlines()), '')}); "
                f"what was sent is {bundle / SPECIFICATION}"
            ) from None
    return str(launched.data.name)


def _require_cuebot() -> None:
    """Raise `UsageError` unless a Cuebot answers."""
    _library()  # says what to install
    import opencue
    from opencue.exception import CueException

    quiet = logging.getLogger("opencue")
    before, quiet.level = quiet.level, logging.CRITICAL  # its warning repeats the sentence raised below
    try:
        opencue.Cuebot.init()
    except (CueException, KeyError) as error:
        hosts = ", ".join(opencue.Cuebot.Hosts or ()) or "nowhere"
        log.debug("opencue: %s", error)
        raise UsageError(
            f"no Cuebot answers (looked at {hosts}): set CUEBOT_HOSTS to this site's, as in cuebot.studio:8443; or relamp "
            "export opencue writes the job, to be sent from a machine that reaches it"
        ) from None
    finally:
        quiet.level = before


def _write(path: Path, text: str, overwrite: bool) -> None:
    with replacing(path, overwrite) as temporary:
        temporary.write_text(text, encoding="utf-8")


@contextmanager
def _launcher(job: FarmJob, job_file: Path, show: str, gpu: bool) -> Iterator[OutlineLauncher]:
    outline, shell, launcher_of = _library()
    name = re.sub(r"[^A-Za-z0-9_]+", "_", job.name)
    # Pyoutline keeps a session for its own wrapper, which is not used here: it must not stay in anybody's home.
    with tempfile.TemporaryDirectory(prefix="relamp-") as folder:
        before = outline.config.get("outline", "session_dir")
        outline.config.set("outline", "session_dir", folder)
        try:
            made = outline.Outline(f"relamp_{name}", shot=name, show=show, user=getpass.getuser())
            made.add_layer(shell.Shell(LAYER, **_layer(job, job_file, gpu)))
            made.set_frame_range(format_frames(job.frames))
            launcher = launcher_of(made, facility="local")
            launcher.set_flag("os", "Linux")
            yield launcher
        finally:
            outline.config.set("outline", "session_dir", before)


def _layer(job: FarmJob, job_file: Path, gpu: bool) -> dict[str, Any]:
    # Cuebot puts the frames of a chunk in for the token; what stands around it goes through a shell on the machine.
    words = ["relamp", "render", "--job", str(job_file.absolute()), "--progress", "plain", "--frames"]
    return {
        "command": [*(shlex.quote(word) for word in words), "#FRAMESPEC#"],
        "range": format_frames(job.frames),
        "chunk": job.chunk,
        "cores": job.job.parameters.threads,
        "threadable": True,
        **({"gpus": 1} if gpu else {}),
    }


def _library() -> tuple[Any, Any, Any]:
    try:
        import outline
        import outline.modules.shell as shell
        from outline.cuerun import OutlineLauncher
    except ImportError as error:
        raise UsageError(f"OpenCue jobs need pyoutline: pip install 'relamp[farm]' ({error})") from None
    return outline, shell, OutlineLauncher
