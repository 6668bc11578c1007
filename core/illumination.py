"""The light of a shot, frame by frame: a still environment or a sequence, turned before the camera. Floor 1."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from .errors import InputError
from .frames import format_frames
from .hint import Light
from .light.environment import Environment, load_environment, rotation_matrix
from .light.lamps import split
from .pictures.colour import Colour
from .pictures.sequence import Sequence


@dataclass(frozen=True)
class LampTables:
    """What each lamp alone gives to each facing, in the axes of the map: K tables (S, S, 3), then the rest's."""

    lights: tuple[Light, ...]


class Illumination:
    """An environment as a shot sees it. Keeps the last few maps it read, so a still one is read once."""

    def __init__(self, sequence: Sequence, colour: Colour, colorspace: str | None = None) -> None:
        self.sequence = sequence
        self._colour = colour
        self._colorspace = colorspace
        self._environment = lru_cache(maxsize=2)(self._load)
        self._light = lru_cache(maxsize=2)(self._tabulate)
        self._lamps = lru_cache(maxsize=2)(self._split)

    def require(self, frames: tuple[int, ...]) -> None:
        """Raise `InputError` unless there is a map for each of `frames`."""
        missing = self.sequence.missing(frames)
        if missing and self.sequence.is_still:
            raise InputError(f"{self.sequence} does not exist; give a lat-long environment, .exr or .hdr")
        if missing:
            raise InputError(f"{self.sequence}: no environment for frames {format_frames(missing)}")

    def environment(self, frame: int) -> Environment:
        """The map of a frame, as it lies in its file."""
        return self._environment(str(self.sequence.path(frame)))

    def light(self, frame: int) -> Light:
        """The light of a frame on matte surfaces, at unit level, not yet turned."""
        return self._light(str(self.sequence.path(frame)))

    def lamps(self, frame: int, count: int) -> LampTables:
        """The lamps of a frame's map and the rest, each tabulated in units of the whole map's level."""
        return self._lamps(str(self.sequence.path(frame)), count)

    def digest(self, frame: int) -> str:
        """SHA-256, in hex, of the file of a frame's map."""
        return self.environment(frame).sha256

    def _load(self, path: str) -> Environment:
        return load_environment(path, colorspace=self._colorspace, colour=self._colour)

    def _tabulate(self, path: str) -> Light:
        return Light.of(self._environment(path).pixels, self._colour.luminance_weights)

    def _split(self, path: str, count: int) -> LampTables:
        whole = self._light(path)
        lamps = split(self._environment(path).pixels, count)
        # Always `count` of them: a frame with fewer lamps has black layers, not missing ones.
        parts = (*(lamps.part(index) for index in range(count)), lamps.rest)
        return LampTables(tuple(Light.of_part(part, whole) for part in parts))


def camera_to_map(env_rotate: tuple[float, float, float], camera_rotation: np.ndarray) -> np.ndarray:
    """The rotation, (3, 3), that takes a camera-space direction to where an environment turned by `env_rotate` is read."""
    return rotation_matrix(*env_rotate).T @ camera_rotation
