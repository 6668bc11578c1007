"""What every farm engine needs of a job: its frames, its files, how it may be split. Made once, before submission.

The job is prepared as a render would prepare it, so that its errors are shown to the artist and not to the farm. The shot
is measured here, so no machine of the farm measures it again.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ..core.errors import UsageError
from ..core.frames import format_frames
from ..core.job import RelightJob, with_parameters
from ..core.parameters import knobs
from ..core.pictures.sequence import files_of
from ..core.shot.outputs import finished
from ..core.shot.plan import SKIP, Plan
from ..core.shot.prepare import prepare_views

log = logging.getLogger("relamp")

DEFAULT_CHUNK = 50


@dataclass(frozen=True)
class FarmJob:
    """A job made ready for a farm.

    `job` has absolute paths, what was measured, and never refuses its own finished frames. `frames` are those to be made,
    `chunk` how many a task renders; `whole` says that the job cannot be cut. `inputs` are the files it reads, `out` the
    folders it writes.
    """

    name: str
    job: RelightJob
    frames: tuple[int, ...]
    chunk: int
    whole: bool
    inputs: tuple[Path, ...]
    out: tuple[Path, ...]

    @property
    def chunks(self) -> int:
        """The number of tasks, at least."""
        return -(-len(self.frames) // self.chunk)


def make(job: RelightJob, chunk: int = DEFAULT_CHUNK) -> FarmJob:
    """Prepare a job for a farm.

    Raises:
        UsageError: settings that cannot work.
        InputError: an input is missing; so is a gap in the plate, under `--missing error`.
    """
    if chunk < 1:
        raise UsageError(f"--chunk must be 1 or more; got {chunk}")
    overwrite = job.parameters.overwrite
    job = with_parameters(_absolute(job), skip_existing=_resuming(job), overwrite=False, keep_going=True)
    plans = prepare_views(job)
    if not overwrite:
        _spare_others(plans)
    frames = tuple(sorted({task.frame for plan in plans for task in plan.tasks if task.action != SKIP}))
    skipped = {task.frame for plan in plans for task in plan.tasks} - set(frames)
    if skipped:
        log.warning("frames %s are left out: their plates are missing", format_frames(skipped))
    if not frames:
        raise UsageError("there is nothing to render: every plate asked for is missing")
    # Views are measured one by one on the farm, since a job holds the measurements of one plate.
    frozen = plans[0].job if not job.parameters.views else job
    frozen = with_parameters(frozen, frames=format_frames(frames))
    whole = any(_sees_whole_shot(plan) for plan in plans)
    return FarmJob(
        name=plans[0].inputs.out.name,
        job=frozen,
        frames=frames,
        chunk=len(frames) if whole else min(chunk, len(frames)),
        whole=whole,
        inputs=tuple(sorted({path for plan in plans for path in _files(plan)})),
        out=tuple(sorted({plan.inputs.out.path(frames[0]).parent for plan in plans})),
    )


def _spare_others(plans: Iterable[Plan]) -> None:
    """Tasks continue in their own frames and never replace others.

    Raises:
        UsageError: a frame with other settings, or of another program, is in the way.
    """
    for plan in plans:
        for task in plan.tasks:
            done, why = finished(plan, task)
            if not done and task.out.exists() and "broken" not in why:
                raise UsageError(
                    f"{task.out} was made with other settings; choose another --out, or let the job say overwrite"
                )


def _resuming(job: RelightJob) -> str:
    return "any" if job.parameters.skip_existing == "any" else "same"


def _absolute(job: RelightJob) -> RelightJob:
    """The job with absolute paths; what was measured stays, since the files are the same."""
    values = {
        name: os.path.abspath(os.path.expanduser(path))
        for name, k in knobs()
        if k.kind in ("picture", "file") and (path := getattr(job.parameters, name)) and "://" not in path
    }
    return RelightJob(with_parameters(job, **values).parameters, job.measured)


def _sees_whole_shot(plan: Plan) -> bool:
    return getattr(plan.backbone.network, "span", "frame") == "shot"


def _files(plan: Plan) -> Iterable[Path]:
    """Every file that the job may read: those of its own frames and, where a frame depends on its neighbours, theirs."""
    p = plan.parameters
    yield from plan.inputs.files(())
    yield from files_of(p.background)
    yield from (Path(path) for path in (p.camera, p.rig, p.config) if path and "://" not in path)
