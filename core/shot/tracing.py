"""The lights of a frame traced on its shape: what the form hides of them, at the working size and at the frame's own.

The shape of a frame does not depend on the light, so while a light is turned over one frame it is made once. Floor 3.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np

from ..gain.arrival import TracedLights
from ..gain.finish import Subject
from ..temporal.working_frame import WorkingFrame
from .lights import FrameLight, Lights
from .plan import Plan

if TYPE_CHECKING:
    from ..gain.traced import Shape


class LastShape:
    """Makes shapes, and keeps the last: it stays the same while an artist turns a light over one frame."""

    def __init__(self) -> None:
        self._last: tuple[tuple[np.ndarray, ...], Shape] | None = None

    def of(self, subject: Subject, working: WorkingFrame) -> Shape:
        """The shape of a frame: its subject at full size, and what is seen of it at the working size."""
        from ..gain.traced import Shape, height_of

        key = (working.normals, working.matte, subject.normals, subject.weight)
        last = self._last
        if last is not None and all(a is b or np.array_equal(a, b) for a, b in zip(last[0], key, strict=True)):
            return last[1]
        height = working.height if working.height is not None else height_of(working.normals, working.matte)
        doubt = working.doubt if working.doubt is not None else np.zeros_like(working.matte)
        made = Shape.of(working.normals, working.matte, height, doubt, (subject.normals, subject.coverage))
        self._last = (key, made)
        return made


class Tracer:
    """Traces the lights of a plan's frames; from any number of threads.

    Args:
        last: keeps the shape of the frame before, and its traced lights.
        one_at_a_time: held while a frame is traced, because torch's own threads fill the machine.
    """

    def __init__(self, plan: Plan, lights: Lights, last: LastShape, one_at_a_time: threading.Lock) -> None:
        self._plan, self._lights, self.last = plan, lights, last
        self._one_at_a_time = one_at_a_time

    def traces(self, subject: Subject) -> bool:
        """Whether lights are traced on a subject: some shadows are wanted, and its shape is given or a network sees it."""
        network = self._plan.backbone.network
        return self._plan.parameters.shadows > 0 and (network is not None or not subject.guessed)

    def trace(self, frame: int, light: FrameLight, subject: Subject, working: WorkingFrame) -> TracedLights | None:
        """The lights of a frame at its full size; None where the relighter says nothing of the shape that it lights.

        Args:
            light: as `Lights.conditioning` gives it, with its lamps where they are wanted as layers.
            subject: with the normals that are lit.
        """
        network, strength = self._plan.backbone.network, self._plan.parameters.shadows
        if network is not None and working.height is None:
            return None
        full = (subject.weight.shape[0], subject.weight.shape[1])
        placed, shading = self._lights.placed(frame, light), light.shading
        # Of a network, a source light that was fitted for its level alone is not divided by.
        known = shading.source is not None and (network is None or light.source is not None)
        with self._one_at_a_time:
            shape = self.last.of(subject, working)
            target = shape.lit(shading.target, placed.target, strength, full)
            source = None
            if known and placed.source is not None and shading.source is not None:
                source = shape.lit(shading.source, placed.source, strength, full)
            parts = zip(shading.lamps, placed.lamps, strict=True)
            lamps = tuple(shape.lit(table, part, strength, full) for table, part in parts)
        return TracedLights(target, source, lamps)
