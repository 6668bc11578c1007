"""The frames of previews: a plate and its subject, read and averaged down to the size of the preview."""

from __future__ import annotations

import os
from collections.abc import Hashable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from cachetools import LRUCache

from ..errors import RelampError
from ..gain.subject import Subject
from ..job import READ_WITH
from ..light.camera import Camera, shot_camera
from ..parameters import RelightParameters
from ..pictures.colour import Colour
from ..pictures.frame import Frame, Window, place
from ..pictures.resample import resize
from ..shape.depth_pass import shrink_depth
from .plan import RENDER, FrameTask, Inputs
from .read import gather, read_plate
from .read_ahead import Key, ReadFrame

KEPT_FRAMES = 8
KEPT_PIXELS = 24e6  # of all kept frames together; a frame at full 4K is 9e6


@dataclass(frozen=True)
class PreviewPlate:
    """A frame of the plate at the size of the preview, `scale` times its full size.

    `frame` holds the windows of the full size; `plate` is (h, w, 3) scene-linear light in the working space; `camera` took
    it. `subject` is None where the frame cannot be relit; `trouble` is then the error.
    """

    frame: Frame
    plate: np.ndarray
    subject: Subject | None
    trouble: RelampError | None
    scale: float
    camera: Camera

    def require_subject(self) -> Subject:
        """The subject; raises `trouble` if there is none."""
        if self.subject is None:
            assert self.trouble is not None
            raise self.trouble
        return self.subject

    def over_display(self, pixels: np.ndarray) -> np.ndarray:
        """Pixels of the data window (h, w, C) placed in the display window, black outside the data window."""
        data, display = self.frame.data_window, self.frame.display_window
        if data == display:
            return pixels
        height, width = _scaled(display.shape, self.scale)
        left, top = round((data.x - display.x) * self.scale), round((data.y - display.y) * self.scale)
        return place(pixels, Window(left, top, pixels.shape[1], pixels.shape[0]), Window(0, 0, width, height))


class PreviewPlates:
    """Plates read for previews. A few are kept; one is read again when the size or the time of its files changes."""

    def __init__(self) -> None:
        self._plates: LRUCache[Hashable, PreviewPlate] = LRUCache(KEPT_PIXELS, getsizeof=_share)

    def plate(self, p: RelightParameters, inputs: Inputs, colour: Colour, number: int, longer: int) -> PreviewPlate:
        """One frame, its display window at most `longer` px on its longer side, or at its own size for 0.

        Raises:
            InputError: the plate cannot be read.
        """
        key = self.identity(p, inputs, number, longer)
        plate = self._plates.get(key)
        if plate is None:
            plate = self._plates[key] = _read(p, inputs, colour, number, longer)
        return plate

    @staticmethod
    def identity(p: RelightParameters, inputs: Inputs, number: int, longer: int) -> Hashable:
        """A key of everything that affects the pixels of a frame at a size."""
        singles = [sequence for sequence, _ in inputs.materials.values()]
        files = (inputs.plate, inputs.matte, inputs.normals, inputs.depth, inputs.passes, *singles)
        channels = tuple((name, layer) for name, (_, layer) in inputs.materials.items())
        states = tuple(file_state(s.path(number)) if s else None for s in files)
        camera = file_state(Path(p.camera)) if p.camera else None
        return tuple(getattr(p, name) for name in READ_WITH), number, longer, states, channels, camera


class PreviewFrames:
    """`read_ahead.Frames` of a preview: the frame `number`, already read, and its neighbours, read when needed."""

    def __init__(
        self, plates: PreviewPlates, p: RelightParameters, inputs: Inputs, colour: Colour, number: int, longer: int
    ) -> None:
        self._plates, self._p, self._inputs, self._colour = plates, p, inputs, colour
        self.number, self._longer = number, longer
        self.plate = self._plate(number)

    def own(self, task: FrameTask) -> AbstractContextManager[ReadFrame]:
        """The frame."""
        return self.open((task.frame, task.plate_frame))

    def open(self, key: Key) -> AbstractContextManager[ReadFrame]:
        """The frame, or a neighbour. Raises `RelampError` where it cannot be read or relit."""
        plate = self.plate if key[1] == self.number else self._plate(key[1])
        return nullcontext(ReadFrame(plate.frame, plate.require_subject()))

    def skipped(self, task: FrameTask) -> None:
        """Nothing is kept for a task."""

    def identity(self, key: Key) -> Hashable:
        """The state of the frame's files, the settings it is read with and its size."""
        return self._plates.identity(self._p, self._inputs, key[1], self._longer)

    def _plate(self, number: int) -> PreviewPlate:
        return self._plates.plate(self._p, self._inputs, self._colour, number, self._longer)


def file_state(path: Path) -> tuple[str, int, int] | None:
    """The path, size and time of a file, which change when it changes; None if it does not exist."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return str(path), found.st_size, found.st_mtime_ns


def _share(plate: PreviewPlate) -> float:
    """The share of `KEPT_PIXELS` that a plate takes: at least 1 / `KEPT_FRAMES` of it, at most all of it."""
    return min(max(plate.plate.size / 3, KEPT_PIXELS / KEPT_FRAMES), KEPT_PIXELS)


def _read(p: RelightParameters, inputs: Inputs, colour: Colour, number: int, longer: int) -> PreviewPlate:
    task = FrameTask(number, RENDER, number, inputs.out.path(number))
    frame = read_plate(task, inputs, p, colour, carry=False)
    camera = shot_camera(p.camera, p.plate or "").at(number)
    subject, trouble = None, None
    try:
        subject = gather(frame, task, inputs, p, colour, camera)
    except RelampError as error:  # the plate can still be shown
        trouble = error
    plate = colour.to_working(frame.rgb, frame.colorspace) if subject is None else subject.plate  # (H, W, 3)
    display = frame.display_window
    scale = min(1.0, longer / max(display.width, display.height)) if longer else 1.0
    if scale < 1:
        shape = _scaled(frame.data_window.shape, scale)
        plate = resize(_finite(plate), shape)  # (h, w, 3)
        subject = None if subject is None else _shrunk(subject, plate)
    frame = replace(frame, rgb=plate, alpha=None, source=replace(frame.source, parts=()))
    return PreviewPlate(frame, plate, subject, trouble, scale, camera)


def _scaled(shape: tuple[int, int], scale: float) -> tuple[int, int]:
    return max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale))


def _shrunk(subject: Subject, plate: np.ndarray) -> Subject:
    """A subject at the size of `plate` (h, w, 3), its own plate averaged by area."""
    shape = plate.shape[:2]
    cover = None if subject.opacity is None else resize(np.clip(subject.opacity, 0, 1), shape)
    if subject.opacity is None or cover is None:
        weight = resize(subject.weight, shape)
    else:
        matte = resize(subject.weight * np.clip(subject.opacity, 0, 1), shape)
        weight = np.divide(matte, cover, out=np.zeros_like(matte), where=cover > 0)
    mass = resize(subject.known.astype(np.float32), shape)
    facing = resize(np.where(subject.known[..., None], subject.normals, 0).astype(np.float32), shape)
    length = np.linalg.norm(facing, axis=-1)
    known = (mass > 0.25) & (length > 0.1)
    normals = np.where(known[..., None], facing / np.maximum(length, 1e-6)[..., None], np.array((0, 0, 1), np.float32))
    depth = None if subject.depth is None else shrink_depth(subject.depth, shape)
    made = subject.materials
    materials = None if made is None else made.each(lambda picture: resize(picture, shape))
    weight, normals = np.clip(weight, 0, 1), normals.astype(np.float32)
    return Subject(plate, cover, weight, normals, known, subject.guessed, depth, materials)


def _finite(pixels: np.ndarray) -> np.ndarray:
    return pixels if np.isfinite(pixels).all() else np.where(np.isfinite(pixels), pixels, 0).astype(np.float32)
