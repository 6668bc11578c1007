"""An estimator's passes of each frame, smoothed in time along the plate's motion, at the frame's own size.

Passes are zero wherever the matte is.
"""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..errors import InputError, UsageError
from ..gain.law import unpremultiply
from ..gain.proxy import make as make_proxy
from ..gain.subject import Subject
from ..pictures.curves import encode_log
from ..pictures.frame import Window
from ..pictures.resample import resize
from ..shape.estimators import PLANES as ALL_PLANES
from ..shape.estimators import Passes, Picture
from ..temporal.align import RADIUS, Aligner
from ..temporal.average import steadied
from ..temporal.windows import same_canvas, same_take
from ..temporal.working_frame import thumb
from .passes_plan import MATTE, PLANES, PassesPlan
from .plan import FrameTask
from .read_ahead import Frames, Key, ReadFrame, keys_of
from .residual import with_detail
from .shared_cache import SharedCache

log = logging.getLogger("relamp")

_CONFIDENT = 1e-3  # least length of a mean normal; a shorter one has no reliable direction


@dataclass(frozen=True)
class EstimatedFrame:
    """An estimator's result for one frame alone: its input `picture`, and its `planes` by name, (h, w) or (h, w, C).

    `code` (h, w, 3) is the log-encoded picture, in the working space as the albedo is. `canvas` holds data and display window;
    frames with different windows cannot be compared pixel by pixel. `depth_kind` is of `estimators.DEPTH_KINDS`.
    """

    picture: Picture
    code: np.ndarray
    planes: Mapping[str, np.ndarray]
    depth_kind: str
    canvas: tuple[Window, Window]

    @property
    def matte(self) -> np.ndarray:
        """The matte, (h, w), 0 to 1."""
        return self.picture.matte

    @cached_property
    def thumb(self) -> np.ndarray:
        """The thumbnail of `code`, from which cuts are detected."""
        return thumb(self.code)


class EstimatedPasses:
    """The passes of a plan's frames; from any number of threads."""

    def __init__(self, plan: PassesPlan, frames: Frames) -> None:
        self._plan = plan
        self._frames = frames
        self._seen: SharedCache[Key, EstimatedFrame | None] = SharedCache(plan.parameters.threads + 2 * RADIUS + 1)
        self._aligner = Aligner()
        self._one_at_a_time = threading.Lock()

    def layers(self, task: FrameTask, read: ReadFrame) -> dict[str, np.ndarray]:
        """The passes of one frame at its own size, by the names of `--layers`; (H, W) or (H, W, 3) float32."""
        shape = read.subject.weight.shape
        key = (task.frame, task.plate_frame)
        there = read.subject.weight > 0
        if not there.any():
            return {name: np.zeros(_shape_of(name, shape), np.float32) for name in self._plan.layers}
        # 1. Estimated (h, w, C) for this frame and its neighbours; 2. smoothed along the plate's motion, (h, w, C).
        window = self._window(key, read)
        here = window[RADIUS]
        assert here is not None
        with self._one_at_a_time:
            planes = steadied(window, self._aligner)
        if "normals" in planes:
            planes["normals"] = _unit(planes["normals"])
        # 3. One shape: planar depth that fits the normals and the camera.
        if "depth" in planes:
            planes["depth"] = self._planar(planes, here)
        # 4. At the frame's own size, zero where the matte is.
        given = {MATTE: read.subject.coverage} if self._plan.inputs.matte or read.frame.coverage is not None else {}
        wanted = (name for name in self._plan.layers if name not in given)
        made = {name: self._enlarged(name, planes, here, read.subject) for name in wanted}
        made |= {name: plane for name, plane in given.items() if name in self._plan.layers}
        return {name: np.where(there[..., None] if a.ndim == 3 else there, a, 0) for name, a in made.items()}

    def _planar(self, planes: Mapping[str, np.ndarray], here: EstimatedFrame) -> np.ndarray:
        from ..shape.reconcile import planar

        picture = here.picture
        found = planar(planes["depth"], here.depth_kind, planes.get("normals"), here.matte, picture.fov, picture.aspect)
        if found is None:  # depth stays relative, 0 near to 1 far, as the header states
            return planes["depth"]
        return found

    def _enlarged(
        self, name: str, planes: Mapping[str, np.ndarray], here: EstimatedFrame, subject: Subject
    ) -> np.ndarray:
        shape = subject.weight.shape
        if name == MATTE and name not in planes:  # this frame has no alpha, unlike others of the plate
            return subject.weight
        plane = planes[PLANES.get(name, name)]
        if name == MATTE:
            return np.clip(resize(plane, shape), 0, 1)
        if name == "normals":
            return _unit(_carried(plane, here.matte, shape))
        if name == "albedo":
            # The plate's brightness is part of the guide, so that a removed highlight has sharp edges.
            anchor = np.float32(self._plan.job.measured.anchor or 1.0)
            light = unpremultiply(subject.plate, subject.alpha) * anchor  # (H, W, 3)
            small = np.dstack([here.matte, here.code.mean(-1)])  # (h, w, 2)
            full = np.dstack([subject.weight, encode_log(light).mean(-1)])  # (H, W, 2)
            return with_detail(plane, here.code, here.matte, subject, small, full, anchor)
        if name == "depth":  # 0 means no depth and must not be mixed with its neighbours
            return _carried(plane, here.matte * (plane > 0), shape) * (
                resize((plane > 0).astype(np.float32), shape) > 0.5
            )
        return np.clip(_carried(plane, here.matte, shape), 0, 1)

    def _window(self, key: Key, read: ReadFrame) -> list[EstimatedFrame | None]:
        """The results for a frame and its neighbours, by absolute number; None for a missing frame and for one across a cut."""
        near = self._plan.near(key[1])
        keys = keys_of(key, range(key[1] - RADIUS, key[1] + RADIUS + 1), near)
        seen = self._seen.get(key, lambda _: self._see(read, key))
        if seen is None:
            raise InputError(f"frame {key[0]} shows nothing inside its matte")
        others = iter(self._seen.get_all((k for k in keys if k not in (None, key)), self._from_disk))
        window = [None if k is None else seen if k == key else next(others) for k in keys]
        return same_take(same_canvas(window, RADIUS), RADIUS, lambda s: s.thumb)

    def _from_disk(self, key: Key) -> EstimatedFrame | None:
        try:
            with self._frames.open(key) as read:
                return self._see(read, key)
        except (InputError, UsageError) as error:
            log.warning("frame %d is left out beside its neighbours: %s", key[0], error)
            return None

    def _see(self, read: ReadFrame, key: Key) -> EstimatedFrame | None:
        """The estimator's result for one frame; None where the matte is empty."""
        if not read.subject.weight.any():
            return None
        estimator = self._plan.loaded.estimator
        picture = picture_of(read, self._plan, key, estimator.size)
        with self._one_at_a_time:
            found = estimator.estimate(picture)
        canvas = (read.frame.data_window, read.frame.display_window)
        planes = _at_size(found, picture.matte.shape)
        to_working = np.linalg.inv(self._plan.colour.to_acescg)
        if "albedo" in planes:
            planes["albedo"] = _converted(planes["albedo"], to_working)
        code = encode_log(_converted(picture.light, to_working))
        return EstimatedFrame(picture, code, planes, found.depth_kind, canvas)


def picture_of(read: ReadFrame, plan: PassesPlan, key: Key, longer: int) -> Picture:
    """An estimator's input picture of a frame, its longer side at most `longer` px."""
    subject, data, display = read.subject, read.frame.data_window, read.frame.display_window
    proxy = make_proxy(
        subject.plate, subject.opacity, subject.weight, subject.normals, subject.known,
        anchor=plan.job.measured.anchor or 1.0, longer=longer,
    )  # fmt: skip
    # The field of view is that of the display window; the data window is treated as centred in it.
    half = math.tan(math.radians(plan.camera.at(key[0]).fov) / 2) * data.width / display.width
    height, width = proxy.matte.shape
    aspect = read.frame.pixel_aspect * (data.width / width) / (data.height / height)
    light = _converted(proxy.light, plan.colour.to_acescg)
    return Picture(light, proxy.matte, math.degrees(2 * math.atan(half)), aspect, key[1])


def _converted(colours: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Colours (h, w, 3) by a matrix (3, 3) on column vectors, float32; unchanged by the identity."""
    if np.array_equal(matrix, np.eye(3)):
        return colours
    return np.ascontiguousarray(colours @ matrix.T, np.float32)


def _at_size(found: Passes, shape: tuple[int, int]) -> dict[str, np.ndarray]:
    """The planes that exist, resized to one size, float32."""
    planes = {name: getattr(found, name) for name in ALL_PLANES}
    return {n: np.ascontiguousarray(resize(a, shape), np.float32) for n, a in planes.items() if a is not None}


def _carried(plane: np.ndarray, mass: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """A plane (h, w) or (h, w, C) at another size; values inside the matte are carried across its edge."""
    weight = (mass + 1e-4).astype(np.float32)
    held = resize(plane * (weight[..., None] if plane.ndim == 3 else weight), shape)
    total = resize(weight, shape)
    return held / (total[..., None] if plane.ndim == 3 else total)


def _unit(normals: np.ndarray) -> np.ndarray:
    """Unit vectors; zero where a vector is so short that it has no direction."""
    length = np.linalg.norm(normals, axis=-1, keepdims=True)
    return np.where(length > _CONFIDENT, normals / np.maximum(length, _CONFIDENT), 0).astype(np.float32)


def _shape_of(name: str, shape: tuple[int, int]) -> tuple[int, ...]:
    return (*shape, 3) if name in ("normals", "albedo") else shape
