"""A job as an Open Job Description bundle: a folder that `openjd run` and `deadline bundle submit` take as it is.

`template.yaml` (specification jobtemplate-2023-09, extension TASK_CHUNKING), `parameter_values.yaml`,
`asset_references.yaml`, and the job with what was measured of its shot. Each machine of the farm loads the shot once, in the
step's environment, and renders its chunks warm (`core/farm`). Source: github.com/OpenJobDescription/openjd-specifications.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import yaml

from ..core import job as jobs
from ..core.atomic import replacing, require_free
from ..core.counted import counted
from ..core.frames import format_frames
from .farm_job import DEFAULT_CHUNK, FarmJob, make

JOB_FILE = "shot.relamp.json"
VALUES, ASSETS = "parameter_values.yaml", "asset_references.yaml"
TEMPLATE = "template.yaml"
STEP = "Relight"
_SPOOL = "{{Session.WorkingDirectory}}/relamp"
_CANCEL = {"mode": "NOTIFY_THEN_TERMINATE", "notifyPeriodInSeconds": 30}


@click.command("openjd")
@click.argument("job_file", metavar="JOB")
@click.option("--bundle", required=True, metavar="DIR", help="The folder to write.")
@click.option("--chunk", default=DEFAULT_CHUNK, show_default=True, metavar="N", help="The number of frames in a task.")
@click.option("--gpu/--no-gpu", default=False, help="Use machines with a GPU only.")
@click.option("--overwrite", is_flag=True, help="Replace files that are already there.")
def command(job_file: str, bundle: str, chunk: int, gpu: bool, overwrite: bool) -> None:
    """Write JOB as an Open Job Description bundle."""
    require_free(files(Path(bundle)), overwrite, [Path(job_file)])
    farm_job = make(jobs.load(job_file), chunk)
    export(farm_job, Path(bundle), gpu=gpu, overwrite=overwrite)
    click.echo(
        f"{bundle}: {counted(len(farm_job.frames), 'frame')} in tasks of {farm_job.chunk}; openjd run {bundle}/{TEMPLATE}"
    )


def files(bundle: Path) -> list[Path]:
    """The files of a bundle."""
    return [bundle / name for name in (JOB_FILE, VALUES, ASSETS, TEMPLATE)]


def export(job: FarmJob, bundle: Path, *, gpu: bool = False, overwrite: bool = False) -> Path:
    """Write the bundle; the path of its template. Raises `OutputError`."""
    texts = (
        jobs.to_json(job.job, bundle),
        _as_yaml(parameter_values(job)),
        _as_yaml(asset_references(job)),
        _as_yaml(template(job, gpu=gpu)),  # last: a bundle with a template is whole
    )
    for path, text in zip(files(bundle), texts, strict=True):
        with replacing(path, overwrite) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return bundle / TEMPLATE


def template(job: FarmJob, *, gpu: bool = False) -> dict[str, Any]:
    """The job template. A wrangler may change every number of it at submission."""
    step: dict[str, Any] = {
        "name": STEP,
        "parameterSpace": {"taskParameterDefinitions": [_chunks(job)]},
        "stepEnvironments": [_warm_environment()],
        "script": {"actions": {"onRun": _action("task", "--frames", "{{Task.Param.Frame}}", cancelation=_CANCEL)}},
    }
    if gpu:
        step["hostRequirements"] = {"amounts": [{"name": "amount.worker.gpu", "min": 1}]}
    return {
        "specificationVersion": "jobtemplate-2023-09",
        "extensions": ["TASK_CHUNKING"],
        "name": f"relamp {job.name}",
        "parameterDefinitions": [
            _parameter("Job", "PATH", "The Relamp job.", default=JOB_FILE, objectType="FILE", dataFlow="IN"),
            _parameter("Frames", "STRING", "Frames to render.", default=format_frames(job.frames, openjd=True)),
            _parameter("ChunkSize", "INT", "Frames a task renders, at most.", default=job.chunk, minValue=1),
            _parameter(
                "Threads",
                "INT",
                "Frames in work at once on a machine.",
                default=job.job.parameters.threads,
                minValue=1,
                maxValue=256,
            ),
            _parameter("Relamp", "STRING", "The relamp program on the farm's machines.", default="relamp"),
        ],
        "steps": [step],
    }


def parameter_values(job: FarmJob) -> dict[str, Any]:
    """Values of the template's parameters for this job."""
    values = {
        "Frames": format_frames(job.frames, openjd=True),
        "ChunkSize": job.chunk,
        "Threads": job.job.parameters.threads,
    }
    return {"parameterValues": [{"name": name, "value": value} for name, value in values.items()]}


def asset_references(job: FarmJob) -> dict[str, Any]:
    """The files that the job reads and writes, for farms that transfer files."""
    return {
        "assetReferences": {
            "inputs": {"filenames": [str(path) for path in job.inputs], "directories": []},
            "outputs": {"directories": [str(path) for path in job.out]},
            "referencedPaths": [],
        }
    }


def _chunks(job: FarmJob) -> dict[str, Any]:
    """The frames as a task parameter. Neighbours go together, except where a shot on twos has none."""
    steps = "x" in format_frames(job.frames)
    chunks = {
        "defaultTaskCount": "{{Param.ChunkSize}}",
        "targetRuntimeSeconds": 0,
        "rangeConstraint": "NONCONTIGUOUS" if steps or job.whole else "CONTIGUOUS",
    }
    return {"name": "Frame", "type": "CHUNK[INT]", "range": "{{Param.Frames}}", "chunks": chunks}


def _warm_environment() -> dict[str, Any]:
    loads = ("--job", "{{Param.Job}}", "--path-mapping-rules", "{{Session.PathMappingRulesFile}}")
    return {
        "name": "WarmShot",
        "description": "Loads the shot once; tasks ask for their frames through a folder of the session.",
        "script": {
            "actions": {
                "onEnter": _action("start", *loads, "--threads", "{{Param.Threads}}", timeout=1800),
                "onExit": _action("stop", timeout=300),
            }
        },
    }


def _action(verb: str, *arguments: str, **more: Any) -> dict[str, Any]:
    return {"command": "{{Param.Relamp}}", "args": ["farm", verb, "--spool", _SPOOL, *arguments], **more}


def _parameter(name: str, kind: str, description: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": kind, "description": description, **more}


def _as_yaml(data: dict[str, Any]) -> str:
    return yaml.dump(data, Dumper=_Plain, sort_keys=False, width=120, allow_unicode=True)


class _Plain(yaml.SafeDumper):
    """A YAML dumper that repeats equal values instead of referring to the first: people read these files."""

    def ignore_aliases(self, data: Any) -> bool:
        return True
