"""Pictures of a job's new light for the panel and the hosts: its map with the lamps found in it, and two balls lit by it."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import numpy as np
from cachetools import LRUCache

from ..job import RelightJob
from ..light.balls import grey_and_chrome
from ..light.camera import CameraMove, shot_camera
from ..light.environment import direction_to_uv, directions, lookup, resize, rotation_matrix
from ..light.lamps import split
from ..light.sources import Illumination, camera_to_map, lighting
from ..parameters import RelightParameters, at_frame
from ..pictures.screen import Picture, Screens, View
from .preview_plate import file_state

SHOWN_LEVEL = 0.5  # scene-linear value at which the level of a light is shown
MAP_ROWS = 256


class LightPictures:
    """Pictures of one light after another; the last two lights are kept."""

    def __init__(self, screens: Screens) -> None:
        self._screens = screens
        self._lights: LRUCache[Hashable, Illumination] = LRUCache(2)
        self._maps: LRUCache[Hashable, np.ndarray] = LRUCache(2)

    def environment(self, job: RelightJob, frame: int, lamps: int, stops: float, view: View) -> Picture:
        """The new light as a lat-long picture of 512 x 256, turned by `env_rotate` without its turn about Y.

        The picture's facts hold `lamps`, strongest first, as positions in that picture, (u, v) from 0 to 1.
        """
        p = job.parameters
        light = self._light(p, frame)
        unit = light.light(frame)
        rx, _, rz = at_frame(p.env_rotate, frame)
        tilt = rotation_matrix(rx, 0.0, rz)
        pixels = self._map(light, frame)  # (h, 2h, 3)
        shown = lookup(pixels, directions(MAP_ROWS, 2 * MAP_ROWS) @ tilt.astype(np.float32))  # (256, 512, 3)
        found = split(pixels, lamps, unit.luminance_weights).lamps
        picture = self._screens.screen(p.config, view).encode(shown * np.float32(SHOWN_LEVEL / unit.level), stops)
        size = light.environment(frame).pixels.shape
        facts: dict[str, Any] = {
            "width": 2 * MAP_ROWS,
            "height": MAP_ROWS,
            "full_width": size[1],
            "full_height": size[0],
            "level": unit.level,
            "lamps": [],
        }
        for lamp in found:
            u, v = direction_to_uv(tilt @ lamp.direction)
            facts["lamps"].append(
                {"u": float(u), "v": float(v), "share": lamp.share, "radius": lamp.angular_radius,
                 "colour": [float(c) for c in lamp.colour]}
            )  # fmt: skip
        return Picture(picture, facts)

    def balls(self, job: RelightJob, frame: int, size: int, view: View) -> Picture:
        """A grey and a chrome ball in the new light as it is turned, with alpha, un-premultiplied."""
        p = job.parameters
        light = self._light(p, frame)
        turn = camera_to_map(at_frame(p.env_rotate, frame), _camera(p).at(frame).rotation)
        unit = light.light(frame)
        drawn = grey_and_chrome(unit.turned(turn), self._map(light, frame) / np.float32(unit.level), turn, size)
        stops = float(at_frame(p.env_exposure, frame))
        pixels = self._screens.screen(p.config, view).encode(drawn[..., :3] * np.float32(SHOWN_LEVEL), stops)
        pixels[..., 3] = np.round(drawn[..., 3] * 255).astype(np.uint8)
        return Picture(pixels, {"width": 2 * size, "height": size})

    def _light(self, p: RelightParameters, frame: int) -> Illumination:
        light = lighting(p, self._screens.colour(p.config), _camera(p))
        state = file_state(light.sequence.path(frame)) if light.sequence else None
        camera = (p.plate, file_state(Path(p.camera))) if p.camera else None
        key = (str(light), p.env_colorspace, p.config, camera, state)
        if key not in self._lights:
            light.require((frame,))
            light.environment(frame)
            self._lights[key] = light
        return self._lights[key]

    def _map(self, light: Illumination, frame: int) -> np.ndarray:
        """The map, reduced to at most (512, 1024, 3) for the screen."""
        key = light.digest(frame)
        if key not in self._maps:
            pixels = light.environment(frame).pixels
            self._maps[key] = resize(pixels, 2 * MAP_ROWS) if pixels.shape[0] > 2 * MAP_ROWS else pixels
        return self._maps[key]


def _camera(p: RelightParameters) -> CameraMove:
    return shot_camera(p.camera, p.plate or "")
