"""The processing of one frame: read, lit, relit by the network where there is one, and finished at its own resolution.

Renders and previews call the same `relight_frame`; a preview gives it smaller frames. (H, W) is the size of the frame's data
window, (h, w) the working size of the network and the deflicker, S the side of a table over octahedral directions.
"""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..gain.finish import Finished, FinishInput, finish
from ..gain.grain import measure as measure_noise
from ..gain.law import Law
from ..gain.subject import Shading, Subject
from ..pictures.frame import Frame
from ..relighter.answer import Seeing
from .estimated import EstimatedFrames
from .gloss import gloss_of
from .lights import LightMaps, Lights
from .network import CacheSizes, WorkingFrames
from .network_input import NetworkInputs
from .over import cut_out, put_over
from .plan import FrameTask, Plan
from .read_ahead import Frames, ReadAhead
from .residual import LastFit, Residuals
from .shapes import SeenShapes, Shapes
from .tracing import LastShape, Tracer

if TYPE_CHECKING:
    from ..temporal.residual_store import ResidualStore


@dataclass(frozen=True)
class Shot:
    """A plan with the source of its frames and everything that its frames share."""

    plan: Plan
    frames: Frames
    lights: Lights
    working: WorkingFrames
    residuals: Residuals
    tracer: Tracer
    one_at_a_time: threading.Lock

    @classmethod
    def of(
        cls,
        plan: Plan,
        frames: Frames | None = None,
        store: ResidualStore | None = None,
        like: Shot | None = None,
        seen: SeenShapes | None = None,
        maps: LightMaps | None = None,
    ) -> Shot:
        """Build the shot of a plan; nothing is computed yet.

        Args:
            frames: the source of frames; None reads the plan's own at full size.
            store: the storage through which the chunks of a job share the network's predictions.
            like: a shot of the same plate, whose tables, estimates, last guide and last shape are reused.
            seen: shapes that were estimated before, in shots whose `frames` have the same `identity` keys.
            maps: results that were computed from environment maps before.
        """
        plates = frames = frames or ReadAhead(plan)
        if plan.estimator is not None:
            frames = EstimatedFrames(plan, plates, like.frames if like else None)
        lock = like.one_at_a_time if like else threading.Lock()
        sizes = CacheSizes.of(plan)
        lights = Lights(plan, sizes.inputs, maps or (like.lights.maps if like else None))
        # A network's shape depends on plate and matte alone, so no estimator need run for it.
        shapes = Shapes(plan, plates, seen or SeenShapes(sizes.shapes))
        # Relamp's own network and the tracing keep to the thread that calls them; a published network fills the machine.
        own = plan.backbone.network is None or isinstance(plan.backbone.network, Seeing)
        alone: AbstractContextManager[object] = nullcontext() if own else lock
        working = WorkingFrames(plan, NetworkInputs(plan, frames, lights, sizes.inputs), lights, alone, shapes, store)
        residuals = Residuals(plan, working, lights, like.residuals.last if like else LastFit(), lock)
        tracer = Tracer(plan, lights, like.tracer.last if like else LastShape(), alone)
        return cls(plan, frames, lights, working, residuals, tracer, lock)

    def with_amounts(self, plan: Plan) -> Shot:
        """This shot under a plan that differs in `env_exposure`, `mix` and `grain` alone; the network's predictions are kept."""
        lights = Lights(plan, CacheSizes.of(plan).inputs, self.lights.maps)
        return replace(self, plan=plan, lights=lights)


@dataclass(frozen=True)
class RelitFrame:
    """A frame with its relit picture, and the data it was made with; `subject` has the normals that were used for lighting."""

    frame: Frame
    finished: Finished
    subject: Subject
    shading: Shading
    law: Law


def relight_frame(shot: Shot, task: FrameTask) -> RelitFrame:
    """Relight the frame of one task.

    Raises:
        InputError: a file is missing, damaged, or lacks a requested channel or layer.
        UsageError: the frame cannot be relit with these settings.
    """
    p = shot.plan.parameters

    # 1. Read: plate (H, W, 3) premultiplied scene-linear light in the working space, weight (H, W) of the matte, normals
    #    (H, W, 3). The frame stays open so that neighbouring frames need not read it again.
    with shot.frames.own(task) as read:
        frame, subject = read.frame, read.subject

        # 2. Light: target, source and lamps as tables (S, S, 3) over camera-space normals, at unit level.
        light = shot.lights.with_lamps(task.frame)
        law = light.law if light.law.grain == "off" else replace(light.law, noise=measure_noise(subject.plate))

        # 3. Analytic: the log gain of every normal, a table (S, S, 3); `finish` reads it at (H, W, 3) in bands of rows.
        given = FinishInput(subject, light.shading)

        predicts = shot.plan.backbone.network is not None or shot.plan.head is not None
        if subject.weight.any() and (predicts or shot.tracer.traces(subject)):
            key = (task.frame, task.plate_frame)
            working = shot.working.of(key, read)
            if predicts:
                # 4. Network: residual (h, w, 3) natural log gain over the analytic one; zeros without a network.
                # 5. Deflicker: the same (h, w, 3), smoothed in time over the neighbouring frames.
                residual = shot.residuals.steady(key, working)

                # 6. Enlarge: coefficients (h, w, G + 1, 3) with a guide (H, W, G); the analytic gain with the network's normals.
                given = shot.residuals.enlarge(subject, light, working, residual)

            # 7. Trace: the visibility of each light, pictures (h, w, C) of several sizes that `finish` enlarges to (H, W).
            if shot.tracer.traces(given.subject):
                traced = shot.tracer.trace(task.frame, read, light, given.subject, working)
                given = replace(given, traced=traced)

        # 8. Gloss: maps and tables for the reflections on given materials; `finish` evaluates them at (H, W, 3).
        given = replace(
            given, gloss=gloss_of(shot.plan, shot.lights.maps, task.frame, frame, light, given, subject.guessed)
        )

        # 9. Finish: apply the gain to the plate, with grain; make lamps and layers, (H, W, 3) or (H, W).
        lit = cut_out(given.subject) if p.over else given.subject
        finished = finish(replace(given, subject=lit), law, p.layers)

        # 10. Composite: the relit subject over the background, (H, W, 3).
        if p.over:
            ground = given.traced.ground if given.traced else None
            frame, finished = put_over(shot.plan, task, frame, lit, finished, ground)
    return RelitFrame(frame, finished, lit, given.shading, law)
