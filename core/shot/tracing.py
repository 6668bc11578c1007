"""The lights of a frame traced on its shape: what the form hides of them, at the working size and at the frame's own.

The shape of a frame does not depend on the light, so while a light is turned over one frame it is made once. Floor 3.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ..gain.arrival import Arrival, RigArrival, TracedLights
from ..gain.finish import Subject
from ..light.camera import Camera
from ..light.prompt import PAINTED_IN
from ..light.rig import RigLight
from ..light.sky import blackbody
from ..pictures.colour import Colour
from ..pictures.resample import shrink_normals
from ..shape.depth_grain import without_grain
from ..shape.depth_pass import shrink_depth
from ..shape.normals import INSIDE
from ..shape.placing import DISTANCE, View, placed
from ..temporal.working_frame import WorkingFrame
from .lights import FrameLight, Lights
from .plan import Plan
from .read import view_rays
from .read_ahead import ReadFrame

if TYPE_CHECKING:
    from ..gain.traced import Shape


class LastShape:
    """Makes shapes, and keeps the last: it stays the same while an artist turns a light over one frame."""

    def __init__(self) -> None:
        self._last: tuple[tuple[str, float], tuple[np.ndarray | None, ...], Shape] | None = None

    def of(self, read: ReadFrame, subject: Subject, working: WorkingFrame, camera: Camera, kind: str) -> Shape:
        """The shape of a frame.

        Args:
            read: the frame, and its subject as read.
            subject: with the normals that are lit.
            working: what is seen of it at the working size.
            kind: of its depth (the parameter `depth_kind`).
        """
        from ..gain.traced import Depth, Fine, Shape, height_of
        from ..shape.depth import QUIET

        key = (working.normals, working.matte, subject.normals, subject.weight, subject.depth)
        view, last = (kind, camera.fov), self._last
        if last and last[0] == view and all(_same(a, b) for a, b in zip(last[1], key, strict=True)):
            return last[2]
        shape = working.matte.shape[0], working.matte.shape[1]
        rays = view_rays(read.frame, camera, shape)  # (h, w, 3)
        fine, height = Fine(subject.normals, subject.coverage), working.height
        if subject.depth is not None:
            small, sure = shrink_normals(subject.normals, subject.known, shape, least=0.9)  # (h, w, 3), (h, w)
            depth = Depth(shrink_depth(subject.depth, shape), kind)
            found, fit = depth.heights(rays, small, working.matte, sure & (not read.subject.guessed))
            height = found if height is None else height
            if fit.noise < QUIET:
                full = view_rays(read.frame, camera, subject.weight.shape)  # (H, W, 3)
                there = subject.known & (subject.depth > 0) & (subject.coverage > INSIDE) & (not read.subject.guessed)
                tall = fit.heights(subject.depth, full, subject.coverage)
                fine = replace(fine, height=without_grain(tall, full, subject.normals, there))
        if height is None:
            height = height_of(working.normals, working.matte, rays)
        doubt = np.zeros_like(working.matte) if working.doubt is None else working.doubt
        made = Shape.of(working.normals, working.matte, height, doubt, rays, fine)
        self._last = (view, key, made)
        return made


def _same(one: np.ndarray | None, other: np.ndarray | None) -> bool:
    return one is other or (one is not None and other is not None and np.array_equal(one, other))


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
        if self._plan.rig is not None:  # its lights need points to shine on, even where they throw no shadows
            return True
        return self._plan.parameters.shadows > 0 and (network is not None or not subject.guessed)

    def trace(
        self, frame: int, read: ReadFrame, light: FrameLight, subject: Subject, working: WorkingFrame
    ) -> TracedLights | None:
        """The lights of a frame at its full size; None where the relighter says nothing of the shape that it lights.

        Args:
            light: as `Lights.conditioning` gives it, with its lamps where they are wanted as layers.
            subject: with the normals that are lit.
        """
        network, strength = self._plan.backbone.network, self._plan.parameters.shadows
        if network is None and subject.guessed:  # a shape that was blown up from the matte throws no shadows
            strength = 0.0
        if network is not None and working.height is None:
            return None
        full = (subject.weight.shape[0], subject.weight.shape[1])
        placed, shading = self._lights.placed(frame, light), light.shading
        # Of a network, a source light that was fitted for its level alone is not divided by.
        known = shading.source is not None and (network is None or light.source is not None)
        with self._one_at_a_time:
            shape = self.last.of(read, subject, working, light.camera, self._plan.parameters.depth_kind)
            target = shape.lit(shading.target, placed.target, strength, full)
            source = None
            if known and placed.source is not None and shading.source is not None:
                source = shape.lit(shading.source, placed.source, strength, full)
            parts = zip(shading.lamps, placed.lamps, strict=True)
            lamps = tuple(shape.lit(table, part, strength, full) for table, part in parts)
            rig = self._rig(frame, light, working, shape, source, full, strength)
        return TracedLights(target, source, lamps, rig)

    def _rig(
        self,
        frame: int,
        light: FrameLight,
        working: WorkingFrame,
        shape: Shape,
        source: Arrival | None,
        full: tuple[int, int],
        strength: float,
    ) -> RigArrival | None:
        """The lights of the plan's rig on a frame; None where none is on.

        Args:
            working: its frame at the working size. source: the plate's own light on it, where that is known.
            strength: 0 to 1, of shadows.
        """
        rig, p = self._plan.rig, self._plan.parameters
        if rig is None or not (rig.at_frame(frame) or p.keeps_light()):
            return None
        view = _view(rig.space, light.camera, working)
        # Lights keep to their own stops: what the whole change is multiplied by is taken out of them again.
        unit = np.float32(1 / light.law.level)
        lights = [
            placed(one, unit * _colour_of(one, self._plan.colour), view, shape.height, shape.normals, shape.matte)
            for one in rig.at_frame(frame)
        ]
        mean = 1.0 if source is None else self._mean(replace(source, shape=shape.size), shape)
        own = None if working.own is None else np.exp(working.own)[..., None]
        arrivals = tuple(shape.placed(one, strength, full) for one in lights)
        return RigArrival(arrivals, own, mean, p.keeps_light(), full)

    def _mean(self, source: Arrival, shape: Shape) -> float:
        """The mean luminance over the subject of a light on it, 1 without a matte."""
        weights = np.asarray(self._plan.colour.luminance_weights, np.float32)
        luminance = source.received(shape.normals, slice(None)) @ weights
        mass = float(shape.matte.sum())
        return max(float((luminance * shape.matte).sum()) / mass, 1e-6) if mass > 0 else 1.0


def _view(space: str, camera: Camera, working: WorkingFrame) -> View:
    """How a frame's camera sees a rig in the axes `space`, in the working picture."""
    data, display = working.canvas  # type: ignore[misc]
    in_world = space == "world"
    to_camera = camera.rotation.T if in_world else np.eye(3)
    origin = np.array(camera.position if in_world else (0.0, 0.0, 0.0))
    windows = [(window.x, window.y, window.width, window.height) for window in (data, display)]
    distance = working.distance or DISTANCE
    return View.of(working.matte.shape, *windows, camera.fov, to_camera, origin, distance)  # type: ignore[arg-type]


def _colour_of(light: RigLight, colour: Colour) -> np.ndarray:
    """The colour of a light in the working space, (3,) of luminance 1."""
    rec709 = np.ones(3, np.float32)
    if light.kelvin is not None:
        rec709 = blackbody(light.kelvin)
    elif light.colour is not None:
        rec709 = np.array(light.colour, np.float32)
    working = np.maximum(colour.to_working(rec709[None, None], PAINTED_IN)[0, 0], 0)
    return working / max(float(working @ np.asarray(colour.luminance_weights)), 1e-6)
