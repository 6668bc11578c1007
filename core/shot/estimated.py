"""Frames whose shape and surface are estimated during the render: the passes of `relamp passes`, without files."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np

from ..gain.materials import ROUGHNESS, Materials
from ..gain.subject import Subject
from ..shape.seen import PARTS
from ..temporal.align import RADIUS
from .estimated_passes import EstimatedPasses
from .passes_plan import LAYERS, PLANES, PassesPlan
from .plan import BLACK, RENDER, FrameTask, Plan
from .read_ahead import Frames, Key, ReadFrame, keys_of
from .shared_cache import SharedCache

_KEPT = 4  # frames kept with their passes, in addition to one per thread


class EstimatedFrames:
    """`read_ahead.Frames` of a plan with an estimator. Given inputs are kept; what is not given is estimated.

    Args:
        like: the frames of another shot; if they are estimated, results for the same pixels are reused.
    """

    def __init__(self, plan: Plan, frames: Frames, like: Frames | None = None) -> None:
        assert plan.estimator is not None
        gives = plan.estimator.estimator.gives
        # Depth without normals has no scale, so no light can be traced with it; a given matte is never replaced; parts are seen
        # by the relighter itself.
        unused = {"matte", *PARTS, *(() if "normals" in gives else ("depth",))}
        layers = tuple(name for name in LAYERS if name not in unused and PLANES.get(name, name) in gives)
        passes = PassesPlan(
            plan.job, plan.inputs, plan.colour, plan.camera, plan.tasks, plan.on_disk, layers, plan.estimator
        )
        self._plan, self._frames, self._seeing = plan, frames, EstimatedPasses(passes, frames)
        self._out = plan.tasks[0].out
        kept = SharedCache[Hashable, Subject](plan.parameters.threads + _KEPT)
        self._subjects = like._subjects if isinstance(like, EstimatedFrames) else kept

    @contextmanager
    def own(self, task: FrameTask) -> Iterator[ReadFrame]:
        """The frame of a task, to be relit once. Raises the errors of reading the frame and of estimating."""
        with self._frames.own(task) as read:
            yield self._seen(read, task)

    @contextmanager
    def open(self, key: Key) -> Iterator[ReadFrame]:
        """Any frame, for its pixels alone; raises the same errors."""
        with self._frames.open(key) as read:
            yield self._seen(read, FrameTask(key[0], RENDER, key[1], self._out))

    def skipped(self, task: FrameTask) -> None:
        """Record that a task will not be relit, so that its frame need not be kept."""
        self._frames.skipped(task)

    def identity(self, key: Key) -> Hashable:
        """A key of the frame's pixels, of the estimator and of all that its result depends on."""
        p, estimator = self._plan, self._plan.estimator
        assert estimator is not None
        window = keys_of(key, range(key[1] - RADIUS, key[1] + RADIUS + 1), p.near(key[1]))
        pixels = tuple(k and self._frames.identity(k) for k in window)
        return key, pixels, estimator.digest, p.parameters.seed, p.job.measured.anchor

    def _seen(self, read: ReadFrame, task: FrameTask) -> ReadFrame:
        if task.action == BLACK or not read.subject.weight.any():
            return read
        key = self.identity((task.frame, task.plate_frame))
        subject = self._subjects.get(key, lambda _: _filled(read.subject, self._seeing.layers(task, read)))
        return replace(read, subject=subject)


def _filled(subject: Subject, seen: dict[str, np.ndarray]) -> Subject:
    """A subject in which the estimator's passes replace what was not given."""
    if subject.guessed and "normals" in seen:
        known = np.abs(seen["normals"]).sum(-1) > 0
        facing = np.where(known[..., None], seen["normals"], np.array([0, 0, 1], np.float32))
        subject = replace(subject, normals=facing, known=known, guessed=False)
    if subject.depth is None and "depth" in seen:
        subject = replace(subject, depth=seen["depth"])
    if subject.materials is None and {"roughness", "metallic"} & seen.keys():
        shape = subject.weight.shape
        rough = seen.get("roughness", np.full(shape, ROUGHNESS, np.float32))
        metal = seen.get("metallic", np.zeros(shape, np.float32))
        subject = replace(subject, materials=Materials(seen.get("albedo"), rough, metal))
    return subject
