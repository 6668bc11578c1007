"""What a network is given of a frame: its proxy, the light it is conditioned on, and what stands behind the subject."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from ..errors import InputError, UsageError
from ..gain.finish import Subject
from ..gain.proxy import Proxy
from ..gain.proxy import make as make_proxy
from ..light.backdrop import backdrop
from ..light.prompt import PAINTED_IN
from ..light.rig import RigLight
from ..light.sky import blackbody
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
    from ..shape.placing import RigView

log = logging.getLogger("relamp")

_Part = tuple[Path, Window, Window, tuple[int, int]]
"""A part of a picture: its file, a data window in a format, and the size (h, w) it is wanted at."""


@dataclass(frozen=True)
class NetworkInput:
    """One frame at the working size, before any network.

    `code` (h, w, 3) is the log-encoded proxy, `matte` (h, w) from 0 to 1, `normals` (h, w, 3) unit camera-space vectors,
    `light` the light the network is conditioned on. `canvas` holds the data window and the display window: frames that differ in
    them do not lie over each other. `conditions` is None without a network.
    """

    code: np.ndarray
    matte: np.ndarray
    normals: np.ndarray
    light: FrameLight
    canvas: tuple[Window, Window]
    conditions: Conditions | None

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
        """The input of a frame; None where it cannot be read or nothing in it is lit, as if the frame were missing."""
        return self._inputs.get(key, self._from_disk)

    def get_all(self, keys: Sequence[Key | None]) -> list[NetworkInput | None]:
        """The inputs of some frames; None for None."""
        found = iter(self._inputs.get_all((key for key in keys if key is not None), self._from_disk))
        return [None if key is None else next(found) for key in keys]

    def of(self, read: ReadFrame, key: Key) -> NetworkInput:
        """The input of a frame that is read already. Raises `InputError` where its background cannot be read."""
        frame, subject = read.frame, read.subject
        light = self._lights.light(key[0])
        proxy = proxy_of(subject, self._plan)
        networked = self._plan.backbone.network is not None
        conditions = self._conditions(frame, proxy, light, key) if networked else None
        # Without a network, guessed normals are all there is.
        normals = proxy.normals if networked or not subject.guessed else _shrunk(subject.normals, proxy.matte.shape)
        canvas = (frame.data_window, frame.display_window)
        return NetworkInput(encode_log(proxy.light), proxy.matte, normals, light, canvas, conditions)

    def _from_disk(self, key: Key) -> NetworkInput | None:
        try:
            self._lights.light(key[0])  # where there is no light, the plate need not be read
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
            rig=self._rig(frame, proxy, light, key[0]),
            keeps_light=self._plan.parameters.keeps_light(),
            depth=proxy.depth,
            depth_kind=self._plan.parameters.depth_kind,
            shadows=self._plan.parameters.shadows,
            to_acescg=self._plan.colour.to_acescg,
        )

    def _rig(self, frame: Frame, proxy: Proxy, light: FrameLight, number: int) -> RigView | None:
        """The rig's lights of a frame before its camera, None where none is on."""
        lights = () if self._plan.rig is None else self._plan.rig.at_frame(number)
        if not lights:
            return None
        from ..shape.placing import DISTANCE, RigView, view_of

        assert self._plan.rig is not None
        in_world = self._plan.rig.space == "world"
        camera = light.camera
        to_camera = camera.rotation.T if in_world else np.eye(3)
        origin = np.array(camera.position if in_world else (0.0, 0.0, 0.0))
        there = None if proxy.depth is None else proxy.depth[(proxy.depth > 0) & (proxy.matte > 0.5)]
        known = self._plan.parameters.depth_kind in ("z", "distance") and there is not None and there.size > 0
        distance = float(np.median(there)) if known and there is not None else DISTANCE
        windows = (_corners(frame.data_window), _corners(frame.display_window))
        view = view_of(proxy.matte.shape, *windows, camera.fov, to_camera, origin, distance)
        # Lights keep to their own stops: what the whole change is multiplied by is taken out of them again.
        colours = np.stack([_colour_of(one, self._plan.colour) for one in lights]) / light.law.level  # (L, 3)
        return RigView(lights, colours, view)

    def _behind(self, frame: Frame, rays: np.ndarray, light: FrameLight, key: Key) -> np.ndarray:
        """What stands behind the subject at unit level, (h, w, 3): the new light as the camera sees it, or the background.

        A background that is given is scaled to the level of that view: a network is never given a level.
        """
        p, given = self._plan.parameters, self._plan.inputs.background
        view = backdrop(self._lights.maps.view(self._plan.target, key[0]), rays, light.target_to_map.T)
        if p.lit_by() != "background":  # brighter or darker than this light would have it
            view = view * np.float32(2.0 ** at_frame(p.background_exposure, key[0]))
        if given is None:
            return view
        part = (given.path(key[1]), frame.data_window, frame.display_window, view.shape[:2])
        plate = self._backgrounds.get(part, self._background)
        weights = np.asarray(self._plan.colour.luminance_weights, np.float32)
        own = max(float((plate @ weights).mean()), 1e-6)
        return plate * np.float32(float((view @ weights).mean()) / own)

    def _background(self, wanted: _Part) -> np.ndarray:
        """A background's file over some window of a format at some size (h, w, 3), whatever its own size is."""
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
    """The proxy of a subject at a plan's working size and exposure; normals that are a guess are not in it."""
    return make_proxy(
        subject.plate,
        subject.opacity,
        subject.weight,
        subject.normals,
        subject.known & (not subject.guessed),
        subject.depth,
        anchor=plan.job.measured.anchor or 1.0,
        longer=plan.parameters.working_side(),
    )


def _corners(window: Window) -> tuple[int, int, int, int]:
    return window.x, window.y, window.width, window.height


def _colour_of(light: RigLight, colour: Colour) -> np.ndarray:
    """The colour of a light in the working space, (3,) of luminance 1."""
    rec709 = np.ones(3, np.float32)
    if light.kelvin is not None:
        rec709 = blackbody(light.kelvin)
    elif light.colour is not None:
        rec709 = np.array(light.colour, np.float32)
    working = np.maximum(colour.to_working(rec709[None, None], PAINTED_IN)[0, 0], 0)
    return working / max(float(working @ np.asarray(colour.luminance_weights)), 1e-6)


def _shrunk(normals: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    small = cv2.resize(normals, (shape[1], shape[0]), interpolation=cv2.INTER_AREA)
    return small / np.maximum(np.linalg.norm(small, axis=-1, keepdims=True), 1e-6)
