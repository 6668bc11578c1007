"""Writes passes: an estimator's results for each frame, as layers at the plate's own size.

A file of passes holds the plate's own picture, untouched, and the passes as layers beside it, so that it aligns with
the plate in any program and can replace it as an input. Passes are zero wherever the matte is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import VERSION
from ..pictures import exr
from ..pictures.frame import Frame
from ..shape.estimators import Z
from .estimated_passes import EstimatedPasses
from .outputs import may_replace
from .passes_plan import FILE_NAMES, PassesPlan
from .passes_prepare import describe
from .plan import FrameTask
from .read_ahead import ReadAhead
from .render import deliver_frames

if TYPE_CHECKING:
    from ..process import Stop
    from ..progress import Listener
    from ..report import Report


def make_passes(plan: PassesPlan, on_event: Listener | None = None, stop: Stop | None = None) -> Report:
    """Make and write the passes of every frame of a plan; raises what `render.deliver_frames` raises."""
    return deliver_frames(plan, lambda: Estimating(plan), describe(plan), on_event, stop)


class Estimating:
    """`render.Work` of passes; from any number of threads."""

    def __init__(self, plan: PassesPlan) -> None:
        self._plan, self._frames = plan, ReadAhead(plan)
        self._seeing = EstimatedPasses(plan, self._frames)

    def skipped(self, task: FrameTask) -> None:
        """Record that a task will not be done, so that its frame need not be kept."""
        self._frames.skipped(task)

    def write(self, task: FrameTask) -> None:
        """Make and write the passes of one frame."""
        plan, p = self._plan, self._plan.parameters
        try:
            with self._frames.open((task.frame, task.plate_frame)) as read:
                layers = self._seeing.layers(task, read)
                stored = {FILE_NAMES.get(name, name): _stored(name, a, read.frame, plan) for name, a in layers.items()}
                exr.write_frame(
                    task.out, read.frame, read.frame.rgb, new_layers=stored, attributes=self._provenance(task),
                    compression=p.compression, drop_layers=True, multipart=p.multipart,
                    overwrite=lambda _: may_replace(plan, task),
                )  # fmt: skip
        finally:
            self._frames.skipped(task)

    def _provenance(self, task: FrameTask) -> dict[str, Any]:
        plan = self._plan
        scaled = "normals" in plan.loaded.estimator.gives or plan.loaded.estimator.name == "moge"
        made = {
            "relamp/version": VERSION,
            "relamp/passes": plan.loaded.estimator.name,
            "relamp/weights": plan.loaded.digest[:12],
            "relamp/models": "; ".join(plan.loaded.used),
            "relamp/job": plan.fingerprint(task),
            "relamp/anchor": plan.job.measured.anchor or 1.0,
            "relamp/frame": task.frame,
            "relamp/ai": "passes",
        }
        return made | ({"relamp/depth_kind": Z if scaled else "normalised"} if "depth" in plan.layers else {})


def _stored(name: str, pixels: np.ndarray, frame: Frame, plan: PassesPlan) -> np.ndarray:
    """A pass as it is written: depth always as float, the others in the plate's type unless `-d` says otherwise; colour in the
    plate's own space."""
    types = {layer: kind for layer, _, kind in (item.rpartition("=") for item in plan.parameters.data_type)}
    if name == "albedo":
        pixels = plan.colour.from_working(np.ascontiguousarray(pixels, np.float32), frame.colorspace)
    kind = "float" if name == "depth" else types.get(name, types.get("", frame.data_type))
    return exr.quantise(np.ascontiguousarray(pixels, np.float32), kind)[0]
