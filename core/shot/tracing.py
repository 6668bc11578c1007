"""Traces the lights of a frame on its shape: their visibility at the working size and at the frame's own.

The shape of a frame does not depend on the light, so it is made once while a light is turned over one frame. Floor 3.
"""

from __future__ import annotations

from collections.abc import Hashable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ..gain.arrival import Arrival, TracedLights
from ..gain.subject import Subject
from ..light.camera import Camera
from ..light.parcels import Parcels
from ..pictures.resample import shrink_normals
from ..shape.depth_grain import without_grain
from ..shape.depth_pass import shrink_depth
from ..shape.normals import INSIDE
from ..temporal.working_frame import WorkingFrame
from .ground import ground_of, ground_shadow, standing_on
from .lights import FrameLight, Lights
from .plan import Plan
from .read import view_rays
from .read_ahead import ReadFrame
from .rig_lights import rig_lights

if TYPE_CHECKING:
    from ..gain.ground import Standing
    from ..gain.traced import Shape
    from ..shape.ground import Ground


class LastShape:
    """Makes shapes, and keeps the last one with the lights traced on it.

    The shape stays the same while an artist turns a light over one frame, and so does the light the plate was shot under.
    """

    def __init__(self) -> None:
        self._last: tuple[Hashable, tuple[np.ndarray | None, ...], Shape] | None = None
        self._standing: tuple[Shape, Hashable, Standing] | None = None

    def standing(
        self, shape: Shape, ground: Ground, read: ReadFrame, light: FrameLight, working: WorkingFrame
    ) -> Standing:
        """A shape that `of` returned, on a ground (`ground.standing_on`)."""
        kept, key = self._standing, (ground, light.camera.rotation.tobytes(), light.camera.position)
        if kept is None or kept[0] is not shape or kept[1] != key:
            self._standing = kept = shape, key, standing_on(ground, read, light, working, shape)
        return kept[2]

    def of(self, read: ReadFrame, subject: Subject, working: WorkingFrame, camera: Camera, kind: str) -> Shape:
        """The shape of a frame.

        Args:
            read: the frame, and its subject as read.
            subject: with the normals that are used for lighting.
            working: the frame at the working size.
            kind: of its depth (the parameter `depth_kind`).
        """
        from ..gain.traced import Depth, Fine, Shape, height_of

        key = (
            working.normals, working.matte, working.height, working.doubt,
            subject.normals, subject.known, subject.coverage, subject.depth,
        )  # fmt: skip
        frame, last = read.frame, self._last
        view = (kind, camera.fov, frame.pixel_aspect, frame.data_window, frame.display_window, read.subject.guessed)
        if last and last[0] == view and all(_same(a, b) for a, b in zip(last[1], key, strict=True)):
            return last[2]
        shape = working.matte.shape[0], working.matte.shape[1]
        rays = view_rays(read.frame, camera, shape)  # (h, w, 3)
        fine, height, unsure = Fine(subject.normals, subject.coverage), working.height, 0.0
        if subject.depth is not None:
            small, sure = shrink_normals(subject.normals, subject.known, shape, least=0.9)  # (h, w, 3), (h, w)
            depth = Depth(shrink_depth(subject.depth, shape), kind)
            found, fit = depth.heights(rays, small, working.matte, sure & (not read.subject.guessed))
            height, unsure = found if height is None else height, fit.doubt
            if fit.doubt == 0:
                full = view_rays(read.frame, camera, subject.weight.shape)  # (H, W, 3)
                there = subject.known & (subject.depth > 0) & (subject.coverage > INSIDE) & (not read.subject.guessed)
                tall = fit.heights(subject.depth, full, subject.coverage)
                fine = replace(fine, height=without_grain(tall, full, subject.normals, there))
        if height is None:
            height = height_of(working.normals, working.matte, rays)
        doubt = np.zeros_like(working.matte) if working.doubt is None else working.doubt
        doubt = doubt + np.float32(unsure)
        made = Shape.of(working.normals, working.matte, height, doubt, rays, fine)
        self._last = (view, key, made)
        return made


def _same(one: np.ndarray | None, other: np.ndarray | None) -> bool:
    return one is other or (one is not None and other is not None and np.array_equal(one, other))


class Tracer:
    """Traces the lights of a plan's frames; from any number of threads.

    Args:
        last: keeps the last shape and its traced lights.
        alone: entered while a frame is traced (`frame.Shot.of`).
    """

    def __init__(self, plan: Plan, lights: Lights, last: LastShape, alone: AbstractContextManager[object]) -> None:
        self._plan, self._lights, self.last = plan, lights, last
        self._alone = alone
        self._ground = ground_of(plan)

    def traces(self, subject: Subject) -> bool:
        """Whether lights are traced on a subject: shadows are above 0, and its shape is given or estimated by a network."""
        network = self._plan.backbone.network
        # Lights of a rig need the positions of surface points, even without shadows, and so does a shadow on the ground.
        if self._plan.rig is not None or self._ground is not None:
            return True
        return self._plan.parameters.shadows > 0 and (network is not None or not subject.guessed)

    def trace(
        self, frame: int, read: ReadFrame, light: FrameLight, subject: Subject, working: WorkingFrame
    ) -> TracedLights | None:
        """The lights of a frame at its full size; None where there is no reliable shape.

        Args:
            light: the frame's light, with its lamps where they are requested as layers.
            subject: with the normals that are used for lighting.
        """
        import torch

        network, strength = self._plan.backbone.network, self._plan.parameters.shadows
        keeps = self._plan.parameters.keeps_light()
        if network is None and subject.guessed:  # a shape inflated from the matte is too rough for shadows
            strength = 0.0
        if network is not None and working.height is None:
            return None
        full = (subject.weight.shape[0], subject.weight.shape[1])
        parcels, shading = self._lights.parcels(frame, light), light.shading
        # With a network, a source light that was fitted only for its level is not used as a divisor.
        known = shading.source is not None and (network is None or light.source is not None)
        with self._alone:
            torch.set_num_threads(1)  # on every machine, because another number of threads can change the last bits
            shape = self.last.of(read, subject, working, light.camera, self._plan.parameters.depth_kind)

            def lit(table: np.ndarray, light: Parcels) -> Arrival:
                arrival = shape.lit(table, light, strength, full)
                return arrival if subject.hair is None or keeps else arrival.on_hair(subject.hair, light)

            target = lit(shading.target, parcels.target)
            source = None
            if known and parcels.source is not None and shading.source is not None:
                source = lit(shading.source, parcels.source)
            lamps = tuple(lit(table, part) for table, part in zip(shading.lamps, parcels.lamps, strict=True))
            rig = rig_lights(self._plan, frame, light, working, shape, source, strength, full, subject.hair)
            ground = None
            if self._ground is not None:
                standing = self.last.standing(shape, self._ground, read, light, working)
                ground = ground_shadow(self._plan, standing, parcels, rig, (target, source), shape, full)
        relief = shape.surface if strength > 0 and subject.depth is not None else None
        return TracedLights(target, source, lamps, rig, ground, relief)
