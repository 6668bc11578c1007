"""The files that exist at a render's outputs: which are finished frames of the same settings, and which may be replaced."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..atomic import file_state
from ..errors import InputError, UsageError
from ..pictures import exr
from .plan import FrameTask, Plan

if TYPE_CHECKING:
    from .passes_plan import PassesPlan


def found_outputs(tasks: tuple[FrameTask, ...]) -> dict[int, list[int]]:
    """The state of the output files that already exist, by frame."""
    states = {task.frame: file_state(task.out) for task in tasks}
    return {frame: state for frame, state in states.items() if state is not None}


def finished(plan: Plan | PassesPlan, task: FrameTask) -> tuple[bool, str]:
    """Whether a task's output exists, is complete, and was made with these settings; and the reason if not, for the log.

    Raises `UsageError` if a file there was not written by Relamp, or was written after the plan was made.
    """
    if not task.out.exists():
        return False, ""
    p, found, broken = plan.parameters, None, None
    try:
        found = exr.header(task.out).get("relamp/job")
        if p.verify:
            exr.verify(task.out)
    except InputError as error:
        broken = error
    ours = found == plan.fingerprint(task)
    if not broken and (ours or p.skip_existing == "any"):
        return True, ""
    if found is None and not p.overwrite:
        why = f" and cannot be read as EXR ({broken})" if broken else ""
        raise UsageError(
            f"{task.out} was not made by Relamp{why}; choose another --out, or give --overwrite to replace it"
        )
    if broken:
        return False, f"{task.out.name} is there but broken ({broken}); rendering it again"
    if not p.overwrite and file_state(task.out) != plan.found.get(task.frame):
        raise _appeared(task)
    return (
        False,
        f"{task.out.name} was made with other settings or inputs; rendering it again (--skip-existing=any keeps it)",
    )


def may_replace(plan: Plan | PassesPlan, task: FrameTask) -> bool:
    """Whether a finished frame may replace the file that exists at its output now.

    It may with `--overwrite`, or if `finished` already checked this same file when the render began, or if the file holds the
    same frame, made with the same settings by another process.

    Raises:
        UsageError: another program, or a render with other settings, wrote the file while this one ran.
    """
    state = file_state(task.out)
    if plan.parameters.overwrite or (state is not None and state == plan.found.get(task.frame)):
        return True
    if _made_by(task.out) == plan.fingerprint(task):
        return True
    raise _appeared(task)


def _made_by(path: Path) -> object:
    """The fingerprint in the header of a file; None where it has none or cannot be read."""
    try:
        return exr.header(path).get("relamp/job")
    except InputError:
        return None


def _appeared(task: FrameTask) -> UsageError:
    return UsageError(
        f"{task.out} was written with other settings while this render ran, and stays as it is; "
        "give one of the two another --out, or --overwrite to replace it"
    )
