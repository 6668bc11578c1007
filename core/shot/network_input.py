"""The network's input for one frame: its proxy, the light it is conditioned on, and the background of the subject."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from ..errors import InputError, UsageError
from ..gain.proxy import Proxy
from ..gain.proxy import make as make_proxy
from ..gain.subject import Subject
from ..light.backdrop import backdrop
from ..parameters import at_frame
from ..pictures import exr
from ..pictures.curves import encode_log
from ..pictures.frame import Frame, Window, place
from ..pictures.resample import resize
from ..temporal.working_frame import thumb
from .lights import FrameLight, Lights
from .plan import Plan
from .read import view_rays
from .read_ahead import Frames, Key, ReadFrame
from .shared_cache import SharedCache

if TYPE_CHECKING:
    from ..relighter.own.conditions import Conditions

log = logging.getLogger("relamp")

_Part = tuple[Path, Window, Window, tuple[int, int]]
"""A part of a picture: its file, a data window, a display window, and the size (h, w) to which it is resized."""


@dataclass(frozen=True)
class NetworkInput:
    """One frame at the working size, as network input.

    `code` (h, w, 3) is the log-encoded proxy, `matte` (h, w) from 0 to 1, `normals` (h, w, 3) unit camera-space vectors,
    `light` the light the network is conditioned on. `canvas` holds the data window and the display window: frames with
    different windows cannot be compared pixel by pixel. `conditions` is None without a network. `distance` is the distance of the
    subject's middle from the camera, in the unit of the depth, where a depth gives it.
    """

    code: np.ndarray
    matte: np.ndarray
    normals: np.ndarray
    light: FrameLight
    canvas: tuple[Window, Window]
    conditions: Conditions | None
    distance: float | None = None

    @property
    def thumb(self) -> np.ndarray:
        """The thumbnail of `code` (`working_frame.thumb`)."""
        return thumb(self.code)


class NetworkInputs:
    """The network inputs of a plan's frames, from disk; from any number of threads. `maxsize` of them are kept."""

    def __init__(self, plan: Plan, frames: Frames, lights: Lights, maxsize: int) -> None:
        self._plan, self._frames, self._lights = plan, frames, lights
        self._inputs: SharedCache[Key, NetworkInput | None] = SharedCache(maxsize)
        self._backgrounds: SharedCache[_Part, np.ndarray] = SharedCache(2)

    def get(self, key: Key) -> NetworkInput | None:
        """The input of a frame; None where it cannot be read or its matte is empty, as if the frame were missing."""
        return self._inputs.get(key, self._from_disk)

    def get_all(self, keys: Sequence[Key | None]) -> list[NetworkInput | None]:
        """The inputs of several frames; a key of None gives None."""
        found = iter(self._inputs.get_all((key for key in keys if key is not None), self._from_disk))
        return [None if key is None else next(found) for key in keys]

    def of(self, read: ReadFrame, key: Key) -> NetworkInput:
        """The input of a frame that is already read. Raises `InputError` where its background cannot be read."""
        frame, subject = read.frame, read.subject
        light = self._lights.light(key[0])
        proxy = proxy_of(subject, self._plan)
        networked = self._plan.backbone.network is not None
        conditions = self._conditions(frame, proxy, light, key) if networked else None
        # Without a network, guessed normals are used, because there are no others.
        normals = proxy.normals if networked or not subject.guessed else _shrunk(subject.normals, proxy.matte.shape)
        canvas = (frame.data_window, frame.display_window)
        distance = _distance(proxy, self._plan.parameters.depth_kind)
        return NetworkInput(encode_log(proxy.light), proxy.matte, normals, light, canvas, conditions, distance)

    def _from_disk(self, key: Key) -> NetworkInput | None:
        try:
            self._lights.light(key[0])  # raises before the plate is read if there is no light
            with self._frames.open(key) as read:
                return self.of(read, key) if read.subject.weight.any() else None
        except (InputError, UsageError) as error:
            log.warning("frame %d is left out beside its neighbours: %s", key[0], error)
            return None

    def _conditions(self, frame: Frame, proxy: Proxy, light: FrameLight, key: Key) -> Conditions:
        from ..relighter.own.conditions import build

        assert light.target is not None
        rays = view_rays(frame, light.camera, proxy.matte.shape)  # (h, w, 3)
        return build(
            proxy.light,
            proxy.matte,
            rays,
            (light.target, light.target_to_map),
            normals=proxy.normals,
            known=proxy.known,
            source=None if light.source is None else (light.source, light.source_to_map),
            background=self._behind(frame, rays, light, key),
            depth=proxy.depth,
            depth_kind=self._plan.parameters.depth_kind,
            shadows=self._plan.parameters.shadows if self._needs_traced(light) else 0.0,
            keeps_level=self._plan.parameters.level_mode() != "absolute" or light.shading.source is None,
            to_acescg=self._plan.colour.to_acescg,
        )

    def _needs_traced(self, light: FrameLight) -> bool:
        """Whether the network must trace the lights, although every frame is traced at its full size (`tracing`).

        The deflicker smooths what tracing adds, the level of a subject whose source light is not known depends on it, and so
        does the mean over an ensemble.
        """
        return self._plan.head is not None or light.source is None or self._plan.parameters.ensemble > 1

    def _behind(self, frame: Frame, rays: np.ndarray, light: FrameLight, key: Key) -> np.ndarray:
        """The picture behind the subject at unit level, (h, w, 3): the new light as the camera sees it, or the background.

        A given background is scaled to the level of that view, because a network is never given a level.
        """
        p, given = self._plan.parameters, self._plan.inputs.background
        view = backdrop(self._lights.maps.view(self._plan.target, key[0]), rays, light.target_to_map.T)
        if p.lit_by() != "background":  # the artist's change relative to this light
            view = view * np.float32(2.0 ** at_frame(p.background_exposure, key[0]))
        if given is None:
            return view
        part = (given.path(key[1]), frame.data_window, frame.display_window, view.shape[:2])
        plate = self._backgrounds.get(part, self._background)
        weights = np.asarray(self._plan.colour.luminance_weights, np.float32)
        own = max(float((plate @ weights).mean()), 1e-6)
        return plate * np.float32(float((view @ weights).mean()) / own)

    def _background(self, wanted: _Part) -> np.ndarray:
        """The picture (h, w, 3) of a background file over a data window, resized from whatever size it has."""
        path, data, display, shape = wanted
        colour = self._plan.colour
        found = exr.read_frame(path, colour=colour, view=self._plan.parameters.view(), carry=False)
        light = np.maximum(np.nan_to_num(colour.to_working(found.rgb, found.colorspace), posinf=0, neginf=0), 0)
        light = place(light, found.data_window, found.display_window)
        down, across = shape[0] / data.height, shape[1] / data.width
        whole = resize(light, (max(1, round(display.height * down)), max(1, round(display.width * across))))
        window = Window(round((data.x - display.x) * across), round((data.y - display.y) * down), shape[1], shape[0])
        return place(whole, Window(0, 0, whole.shape[1], whole.shape[0]), window)


def proxy_of(subject: Subject, plan: Plan) -> Proxy:
    """The proxy of a subject at a plan's working size and exposure; guessed normals are not included.

    It is made once for each subject, because the shape and the light of a frame are both worked out from it.
    """
    anchor, longer = plan.job.measured.anchor or 1.0, plan.parameters.working_side()
    if (kept := subject.proxies.get((anchor, longer))) is None:
        known = subject.known & (not subject.guessed)
        given = (subject.plate, subject.opacity, subject.weight, subject.normals, known, subject.depth)
        kept = subject.proxies[anchor, longer] = make_proxy(*given, anchor=anchor, longer=longer)
    return kept


def _distance(proxy: Proxy, depth_kind: str) -> float | None:
    """How far the middle of the subject is from the camera, in the unit of the depth; None where that is not known."""
    if proxy.depth is None or depth_kind not in ("z", "distance"):
        return None
    there = proxy.depth[(proxy.depth > 0) & (proxy.matte > 0.5)]
    return float(np.median(there)) if there.size else None


def _shrunk(normals: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    small = cv2.resize(normals, (shape[1], shape[0]), interpolation=cv2.INTER_AREA)
    return small / np.maximum(np.linalg.norm(small, axis=-1, keepdims=True), 1e-6)
