"""The light of a shot, frame by frame: from maps, from words or from the background plate."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Hashable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError, UsageError
from ..frames import format_frames
from ..parameters import RelightParameters
from ..pictures import exr
from ..pictures.colour import Colour
from ..pictures.frame import place
from ..pictures.sequence import Sequence
from .backdrop import camera_rays
from .camera import CameraMove
from .environment import rotation_matrix
from .from_background import from_background
from .irradiance import Light
from .lamps import split
from .map_file import Environment, load_environment, within_half
from .parcels import parcels_of
from .prompt import from_prompt
from .said_back import said_back
from .words import describe

RAYS = 96  # view rays across a background, enough to find its edges
UNKNOWN_LIGHT = "even white light"
EVEN_ROWS = 64  # of a map that is the same everywhere


@dataclass(frozen=True)
class LampTables:
    """The light of each lamp alone by normal, in the axes of the map: K tables (S, S, 3), then that of the rest.

    `parcels` are the same parts as distant lights, (PARCELS, 7) each at the level of the whole (`parcels.parcels_of`).
    """

    lights: tuple[Light, ...]
    parcels: tuple[np.ndarray, ...]


class Illumination(ABC):
    """The light of a shot: an environment for each frame, before it is turned into camera space.

    Frames with the same `key` have the same environment. The last two that were computed are kept, so a still one is computed
    once. `sequence` holds the files that the light depends on, None where there are none. `stops` is the change of the subject's
    level that the light requests, where the level is not that of maps.
    """

    stops = 0.0

    def __init__(self, sequence: Sequence | None, colour: Colour) -> None:
        self.sequence = sequence
        self._colour = colour
        self._environment = lru_cache(maxsize=2)(self._load)
        self._light = lru_cache(maxsize=2)(self._tabulate)
        self._lamps = lru_cache(maxsize=2)(self._split)

    @property
    @abstractmethod
    def is_still(self) -> bool:
        """Whether every frame has the same environment."""

    @abstractmethod
    def key(self, frame: int) -> Hashable:
        """The source of a frame's environment; equal for frames that have the same environment."""

    @abstractmethod
    def named(self, frame: int) -> str:
        """The name of a frame's environment, for a header."""

    @abstractmethod
    def file(self, frame: int) -> Path:
        """The file that holds the environment of a frame. Raises `UsageError` for a light that does not come from a map."""

    @abstractmethod
    def require(self, frames: tuple[int, ...]) -> None:
        """Raise `InputError` unless each of `frames` has an environment."""

    @abstractmethod
    def _load(self, key: Any) -> Environment:
        """The environment of the frames with this `key`."""

    def environment(self, frame: int) -> Environment:
        """The environment of a frame, in its own axes."""
        return self._environment(self.key(frame))

    def light(self, frame: int) -> Light:
        """The light of a frame on matte surfaces, at unit level, not yet turned."""
        return self._light(self.key(frame))

    def lamps(self, frame: int, count: int) -> LampTables:
        """The lamps of a frame's environment and the rest, each tabulated in units of the whole environment's level."""
        return self._lamps(self.key(frame), count)

    def digest(self, frame: int) -> str:
        """SHA-256, in hex, of the source of a frame's environment."""
        return self.environment(frame).sha256

    def _tabulate(self, key: Hashable) -> Light:
        return Light.of(self._environment(key).pixels, self._colour.luminance_weights)

    def _split(self, key: Hashable, count: int) -> LampTables:
        whole = self._light(key)
        lamps = split(self._environment(key).pixels, count, self._colour.luminance_weights)
        # A still light has as many tables as lamps: no layer is black throughout the shot. Under a light that changes, every
        # frame has `count`, so that a frame with fewer lamps has black layers and not missing ones.
        held = len(lamps.lamps) if self.is_still else count
        parts = (*(lamps.part(index) for index in range(held)), lamps.rest)
        return LampTables(
            tuple(Light.of_part(part, whole) for part in parts), tuple(parcels_of(part, whole) for part in parts)
        )


class MapLight(Illumination):
    """Light from latitude-longitude maps on disk, a still or a sequence; `colorspace` None reads their colour space from them."""

    def __init__(self, sequence: Sequence, colour: Colour, colorspace: str | None = None) -> None:
        super().__init__(sequence, colour)
        self._files = sequence
        self._colorspace = colorspace

    def __str__(self) -> str:
        return str(self._files)

    @property
    def is_still(self) -> bool:
        return self._files.is_still

    def key(self, frame: int) -> Path:
        return self._files.path(frame)

    def named(self, frame: int) -> str:
        return self._files.path(frame).name

    def file(self, frame: int) -> Path:
        return self._files.path(frame)

    def require(self, frames: tuple[int, ...]) -> None:
        missing = self._files.missing(frames)
        if missing and self._files.is_still:
            raise InputError(f"{self._files} does not exist; give a lat-long environment, .exr or .hdr")
        if missing:
            raise InputError(f"{self._files}: no environment for frames {format_frames(missing)}")

    def _load(self, key: Path) -> Environment:
        return load_environment(key, colorspace=self._colorspace, colour=self._colour)


class PromptLight(Illumination):
    """Light from words, the same for every frame."""

    def __init__(self, prompt: str, colour: Colour) -> None:
        super().__init__(None, colour)
        self._prompt = prompt
        self.stops = describe(prompt).level

    def __str__(self) -> str:
        return f"words: {self._prompt} (understood: {said_back(describe(self._prompt))})"

    @property
    def is_still(self) -> bool:
        return True

    def key(self, frame: int) -> str:
        return self._prompt

    def named(self, frame: int) -> str:
        return f"words ({self._prompt})"

    def file(self, frame: int) -> Path:
        raise UsageError("the light comes from words, not from a file; save it with relamp env --out")

    def require(self, frames: tuple[int, ...]) -> None:
        """Does nothing, because words apply to every frame."""

    def _load(self, key: str) -> Environment:
        return from_prompt(key, self._colour)


class OwnLight(PromptLight):
    """The light that the plate has and keeps, to which a rig is added; it stands for itself as even light of unit level."""

    def __init__(self, colour: Colour) -> None:
        super().__init__(UNKNOWN_LIGHT, colour)

    def _load(self, key: str) -> Environment:
        return from_prompt(key, self._colour, EVEN_ROWS)

    def __str__(self) -> str:
        return "the plate's own, which stays"

    def named(self, frame: int) -> str:
        return "the plate's own"


class BackgroundLight(Illumination):
    """Light from the background plate of each frame, as seen by the shot's camera. `view` selects one of a file's views."""

    def __init__(self, sequence: Sequence, colour: Colour, camera: CameraMove, view: str | None = None) -> None:
        super().__init__(sequence, colour)
        self._files = sequence
        self._camera = camera
        self._view = view

    def __str__(self) -> str:
        return f"background: {self._files}"

    @property
    def is_still(self) -> bool:
        return self._files.is_still and len(self._camera.keys) == 1

    def key(self, frame: int) -> tuple[Path, tuple[float, ...], float]:
        """The plate, the camera's rotation row by row (9 numbers), and its field of view in degrees."""
        camera = self._camera.at(frame)
        turn = tuple(float(value) for value in camera.rotation.ravel())
        return self._files.path(frame), turn, camera.fov

    def named(self, frame: int) -> str:
        return f"background {self._files.path(frame).name}"

    def file(self, frame: int) -> Path:
        raise UsageError("the light comes from a background, not from a file; save it with relamp env --out")

    def require(self, frames: tuple[int, ...]) -> None:
        missing = self._files.missing(frames)
        if missing:
            what = "does not exist" if self._files.is_still else f"has no frames {format_frames(missing)}"
            raise InputError(f"--background {self._files} {what}")

    def _load(self, key: tuple[Path, tuple[float, ...], float]) -> Environment:
        path, turn, fov = key
        picture, aspect = self._read(path)
        height, width = picture.shape[:2]
        rays = camera_rays(RAYS, max(2, round(RAYS * height / width)), fov, aspect)
        rays = rays @ np.array(turn, np.float32).reshape(3, 3).T  # (h, w, 3), in the world of the map
        try:
            pixels = from_background(picture, rays)
        except InputError as error:
            raise InputError(f"{path}: {error}") from None
        return Environment(pixels, path, hashlib.sha256(pixels.tobytes()).hexdigest())

    def picture(self, frame: int) -> np.ndarray:
        """The background of a frame over its display window, (H, W, 3) in the working space; 0 where it is not finite."""
        return np.nan_to_num(self._read(self._files.path(frame))[0], nan=0, posinf=0, neginf=0)

    def _read(self, path: Path) -> tuple[np.ndarray, float]:
        """A background over its display window, (H, W, 3) in the working space, and its pixel aspect."""
        frame = exr.read_frame(path, colour=self._colour, view=self._view, carry=False)
        seen = within_half(frame.rgb) if frame.data_type == "half" else frame.rgb
        working = self._colour.to_working(seen, frame.colorspace)
        return place(working, frame.data_window, frame.display_window), frame.pixel_aspect


def lighting(parameters: RelightParameters, colour: Colour, camera: CameraMove) -> Illumination:
    """The new light of a job: its map, else its words, else its background (`RelightParameters.lit_by`).

    Raises:
        UsageError: no light is given, or two are.
    """
    by = parameters.lit_by()
    if by == "env":
        if parameters.env_colorspace:
            colour.resolve(parameters.env_colorspace)
        return MapLight(Sequence.parse(parameters.env or ""), colour, parameters.env_colorspace)
    if by == "prompt":
        return PromptLight(parameters.prompt, colour)
    if by == "background":
        return BackgroundLight(Sequence.parse(parameters.background or ""), colour, camera, parameters.view())
    if parameters.keeps_light():
        return OwnLight(colour)
    return PromptLight(UNKNOWN_LIGHT, colour)  # the light is a rig, or a published backbone reads the prompt itself


def camera_to_map(env_rotate: tuple[float, float, float], camera_rotation: np.ndarray) -> np.ndarray:
    """The rotation, (3, 3), from camera-space directions to directions in the map of an environment turned by `env_rotate`."""
    return rotation_matrix(*env_rotate).T @ camera_rotation
