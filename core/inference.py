"""One frame through a backbone: the light before its camera, the network's residual, and the shape it is put on. Floor 3.

The light is made ready on the shot's thread, so that a still environment is worked out once; the network runs one frame at a
time, whoever asks, because its own threads fill the machine.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from .camera import Camera
from .finish import Shading, Subject
from .gain import GuidedResidual, Law, guide_residual
from .hint import Light, alone, between
from .illumination import Illumination, camera_to_map
from .light.backdrop import camera_rays
from .parameters import at_frame
from .pictures.frame import Frame
from .plan import FrameTask, Plan
from .proxy import Proxy
from .proxy import make as make_proxy

if TYPE_CHECKING:
    from .relighter.backbones import Network
    from .relighter.light_tables import LightTables

# The smallest light there is, at the proxy's exposure, where middle grey is 0.18; see ARCHITECTURE.md.
EPSILON = 0.002
_KEPT_MAPS = 4


@dataclass(frozen=True)
class FrameLight:
    """The light of one frame, turned before its camera: tables for the hint, and for the network when there is one."""

    shading: Shading
    law: Law
    camera: Camera
    target_to_map: np.ndarray
    source_to_map: np.ndarray
    target: LightTables | None = None
    source: LightTables | None = None


@dataclass(frozen=True)
class Work:
    """What `finish` puts together: the subject with its final normals, the light, and the residual with its guide."""

    subject: Subject
    shading: Shading
    residual: GuidedResidual | None = None
    guide: np.ndarray | None = None


class Inference:
    """A plan's lights and its backbone, kept warm from frame to frame."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._one_at_a_time = threading.Lock()
        self._looked = False
        self._tables: dict[Path, LightTables] = {}

    def with_plan(self, plan: Plan) -> Inference:
        """For a plan that differs from this one in its numbers, not in its files: what is warm stays warm."""
        other = Inference(plan)
        other._one_at_a_time, other._tables = self._one_at_a_time, self._tables
        return other

    def first_look(self) -> bool:
        """True for the first frame that asks: what is worth a warning is said once a shot."""
        with self._one_at_a_time:
            first, self._looked = not self._looked, True
        return first

    def light(self, task: FrameTask) -> FrameLight:
        """The light of one frame, and the numbers of its change."""
        plan, p = self._plan, self._plan.parameters
        camera = plan.camera.at(task.frame)
        to_target = camera_to_map(at_frame(p.env_rotate, task.frame), camera.rotation)
        to_source = camera_to_map((0.0, 0.0, 0.0), camera.rotation)
        light = plan.target.light(task.frame)
        source_light = self._source_light(task.frame)
        target = light.turned(to_target)
        source = None if source_light is None else source_light.turned(to_source)
        level = 2.0 ** at_frame(p.env_exposure, task.frame)
        if p.level_mode() == "absolute" and source_light is not None:
            level *= light.level / source_light.level
        lamps: tuple[np.ndarray, ...] = ()
        if "lamps" in p.layers:
            lamps = tuple(lamp.turned(to_target) for lamp in plan.target.lamps(task.frame, p.lamps).lights)
        source_level = 1.0 if source_light is None else source_light.level
        shading = Shading(between(target, target if source is None else source), target, source, source_level, lamps)
        law = Law(
            float(level), float(at_frame(p.mix, task.frame)), EPSILON / (plan.job.measured.anchor or 1.0), p.grain
        )
        network = plan.backbone.network
        return FrameLight(
            shading,
            law,
            camera,
            to_target,
            to_source,
            self._tables_of(plan.target, task.frame) if network else None,
            self._tables_of(plan.source, task.frame) if network and plan.source else None,
        )

    def work(self, frame: Frame, subject: Subject, light: FrameLight) -> Work:
        """Everything `finish` needs of one frame; the hint alone where the backbone is no network."""
        network = self._plan.backbone.network
        if network is None or not subject.weight.any():
            return Work(subject, light.shading)
        return self._network_work(network, frame, subject, light)

    def _network_work(self, network: Network, frame: Frame, subject: Subject, light: FrameLight) -> Work:
        from .relighter.conditions import build

        p = self._plan.parameters
        assert light.target is not None
        proxy = make_proxy(
            subject.plate,
            subject.alpha,
            subject.weight,
            subject.normals,
            subject.known & (not subject.guessed),
            anchor=self._plan.job.measured.anchor or 1.0,
            longer=p.working_size,
        )
        conditions = build(
            proxy.light,
            proxy.matte,
            _rays(frame, proxy, light.camera),
            (light.target, light.target_to_map),
            normals=proxy.normals,
            known=proxy.known,
            source=None if light.source is None else (light.source, light.source_to_map),
        )
        with self._one_at_a_time:
            answer = network.relight(conditions, seed=p.seed)
        shading = light.shading
        if light.source is None:
            weights = self._plan.colour.luminance_weights
            hint = alone(shading.target, answer.normals, proxy.matte, weights)
            shading = replace(shading, hint=hint)
        if subject.guessed:
            subject = replace(subject, normals=_enlarged(answer.normals, subject.weight.shape), guessed=False)
        small = np.concatenate([answer.normals, proxy.matte[..., None]], -1)
        full = np.concatenate([subject.normals, subject.weight[..., None]], -1)
        return Work(subject, shading, guide_residual(answer.residual, small, proxy.matte), full)

    def _source_light(self, frame: int) -> Light | None:
        if self._plan.source is not None:
            return self._plan.source.light(frame)
        rows = self._plan.job.measured.source_light
        return None if rows is None else _fitted_light(rows, tuple(self._plan.colour.luminance_weights))

    def _tables_of(self, illumination: Illumination, frame: int) -> LightTables:
        from .relighter.light_tables import LightTables

        path = illumination.sequence.path(frame)  # by file and not by frame: a still is made ready once
        if path not in self._tables:
            while len(self._tables) >= _KEPT_MAPS:
                self._tables.pop(next(iter(self._tables)))
            self._tables[path] = LightTables.of(illumination.environment(frame).pixels, illumination.light(frame))
        return self._tables[path]


def _rays(frame: Frame, proxy: Proxy, camera: Camera) -> np.ndarray:
    """View rays of the proxy's pixels: it covers the data window, the field of view is the display window's."""
    data, display = frame.data_window, frame.display_window
    height, width = proxy.matte.shape
    across, down = width / data.width, height / data.height
    window = ((data.x - display.x) * across, (data.y - display.y) * down, width, height)
    aspect = frame.pixel_aspect * down / across
    return camera_rays(display.width * across, display.height * down, camera.fov, aspect, window)


def _enlarged(normals: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    wide = cv2.resize(normals, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
    return wide / np.maximum(np.linalg.norm(wide, axis=-1, keepdims=True), 1e-6)


@lru_cache(maxsize=2)
def _fitted_light(rows: tuple[tuple[tuple[float, float, float], ...], ...], weights: tuple[float, ...]) -> Light:
    return Light.of(np.array(rows, np.float32), np.array(weights))
