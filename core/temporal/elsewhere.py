"""The deflicker head for frames that another program relit: its correction is multiplied into frames at full resolution.

The relight of a frame is measured as the log ratio of the relit frame over the plate, at the working size. Only the working
frames of the neighbours are in memory, and every frame depends on its neighbours by absolute number, so a part of a shot
gets the same result as the whole.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache

import cv2
import numpy as np

from ..atomic import require_free
from ..errors import InputError, UsageError
from ..frames import format_frames, missing_frames
from ..gain.analytic import over_even
from ..gain.law import matte_weight
from ..gain.proxy import PROBE_SIZE, exposure_anchor, probe_frames
from ..light.camera import CameraMove, default_camera
from ..light.sources import MapLight, camera_to_map
from ..parameters import at_frame
from ..pictures import exr
from ..pictures.colour import Colour
from ..pictures.curves import FLOOR, encode_log
from ..pictures.frame import Frame, place
from ..pictures.header import Attribute
from ..pictures.resample import resize, working_shape
from ..pictures.sequence import Sequence, files_of
from ..process import pin_opencv
from ..shape.normals import clean_normals, inflate
from .align import RADIUS
from .deflicker import Deflicker
from .windows import same_take
from .working_frame import WorkingFrame

MOST = 8.0
"""Log gain, either way, beyond which a ratio of two pictures tells nothing of light."""


@dataclass(frozen=True)
class Elsewhere:
    """A shot that another program relit: motion is taken from `plate`, and `relit` is corrected; paths as typed.

    `matte` is where (without it the plate's alpha, else everywhere), `env` the light it was given, if known, turned by
    `env_rotate` (angles or a curve), before `camera`; `working_size` is the longer side in px at which flicker is measured.
    """

    plate: str
    relit: str
    out: str
    matte: str | None = None
    env: str | None = None
    env_rotate: object = (0.0, 0.0, 0.0)
    camera: CameraMove | None = None
    working_size: int = 256
    strength: float = 1.0


def steady(
    shot: Elsewhere,
    head: Deflicker,
    frames: tuple[int, ...] | None = None,
    *,
    overwrite: bool = False,
    on_frame: Callable[[int], None] | None = None,
) -> int:
    """Write the frames without their flicker; returns how many were written.

    Args:
        frames: which; every frame of `relit` when None. Neighbours are read whether they are among them or not.
        overwrite: replace frames that exist.
        on_frame: called after each frame that was written.

    Raises:
        UsageError: no frames, or outputs that would be overwritten.
        InputError: a file is missing, unreadable or of another size.
        OutputError: a frame cannot be written.
    """
    pin_opencv()
    run = _Run(shot, head)
    wanted = run.relit.frames_on_disk() if frames is None else tuple(sorted(set(frames)))
    if run.out.is_still and len(wanted) > 1:
        raise UsageError(f"--out {shot.out} is one file for {len(wanted)} frames; put #### before its extension")
    run.require(wanted, overwrite)
    for frame in wanted:
        run.write(frame, overwrite)
        if on_frame:
            on_frame(frame)
    return len(wanted)


class _Run:
    """One shot: its files, its exposure, and the working frames in memory."""

    def __init__(self, shot: Elsewhere, head: Deflicker) -> None:
        self.shot, self.head, self.colour = shot, head, Colour()
        self.plate, self.relit, self.out = (Sequence.parse(p) for p in (shot.plate, shot.relit, shot.out))
        path, self.channel = exr.split_layer(shot.matte) if shot.matte else (None, None)
        self.matte = Sequence.parse(path) if path else None
        self.light = MapLight(Sequence.parse(shot.env), self.colour) if shot.env else None
        self.camera = shot.camera or default_camera()
        self.there = frozenset(self.relit.frames_on_disk())
        self.working_frame = lru_cache(maxsize=2 * RADIUS + 2)(self._working_frame)

    @cached_property
    def anchor(self) -> float:
        """The exposure anchor of the plate, measured on a few frames spread over all that lie on disk."""
        pixels, weights = [], []
        for frame in probe_frames(tuple(sorted(self.there))):
            plate = exr.read_frame(self.plate.path(frame), colour=self.colour, carry=False)
            shape = working_shape(*plate.display_window.shape, PROBE_SIZE)
            pixels.append(resize(self._working(plate), shape).reshape(-1, 3))
            weights.append(self._matte(frame, plate, shape)[0].ravel())
        return exposure_anchor(np.concatenate(pixels), np.concatenate(weights), self.colour.luminance_weights)

    def require(self, frames: tuple[int, ...], overwrite: bool) -> None:
        """Raise, before the first frame is written, for inputs that are missing and outputs that would be overwritten."""
        if not frames:
            raise UsageError("no frames to steady; name them with --frames 1001-1010")
        needed = sorted({n for f in frames for n in range(f - RADIUS, f + RADIUS + 1) if n in self.there} | set(frames))
        for sequence in (self.relit, self.plate, self.matte):
            if sequence is not None and (missing := sequence.missing(needed)):
                raise InputError(f"{sequence}: {missing_frames(missing)}")
        if self.light is not None:
            self.light.require(tuple(needed))
        read = [*files_of(self.shot.plate, self.shot.relit, self.shot.matte, self.shot.env)]
        read += [s.path(frame) for s in (self.plate, self.relit) for frame in needed]
        require_free(map(self.out.path, frames), True, read)
        if not overwrite and (taken := [f for f in frames if self.out.path(f).exists()]):
            raise UsageError(f"{self.out}: frames {format_frames(taken)} are there already; --overwrite replaces them")

    def write(self, frame: int, overwrite: bool) -> None:
        """Correct and write one frame."""
        window = [self.working_frame(n) if n in self.there else None for n in range(frame - RADIUS, frame + RADIUS + 1)]
        here = window[RADIUS]
        assert here is not None
        window = [n if n is not None and n.canvas == here.canvas else None for n in window]
        window = same_take(window, RADIUS, lambda n: n.thumb)
        correction = self.head.steady(window, self.shot.strength) - here.residual
        whole = exr.read_frame(self.relit.path(frame), colour=self.colour)
        attributes: dict[str, Attribute] = {
            "relamp/deflicker": self.head.weights,
            "relamp/deflicker_strength": float(self.shot.strength),
        }
        corrected = self._corrected(frame, whole, correction)
        exr.write_frame(self.out.path(frame), whole, corrected, attributes=attributes, overwrite=overwrite)

    def _corrected(self, frame: int, whole: Frame, correction: np.ndarray) -> np.ndarray:
        """The relit colour times the correction, in the space of its file; the file's own numbers where there is none."""
        height, width = whole.display_window.shape
        wide = cv2.resize(correction, (width, height), interpolation=cv2.INTER_LINEAR)
        wide = place(wide, whole.display_window, whole.data_window)
        if self.matte is not None:
            wide = wide * matte_weight(self._given_matte(frame, whole), None, whole.data_window.shape)[..., None]
        light = self.colour.to_working(whole.rgb, whole.colorspace)
        with np.errstate(invalid="ignore", over="ignore"):  # what is not finite stays as it is
            steadied = self.colour.from_working(light * np.exp(wide), whole.colorspace)
        changed = (wide != 0).any(axis=-1, keepdims=True) & np.isfinite(whole.rgb)
        return np.where(changed, steadied, whole.rgb)

    def _working_frame(self, frame: int) -> WorkingFrame:
        plate, relit = (
            exr.read_frame(s.path(frame), colour=self.colour, carry=False) for s in (self.plate, self.relit)
        )
        if plate.display_window.shape != relit.display_window.shape:
            raise InputError(
                f"{relit.path.name} is {relit.display_window.width}x{relit.display_window.height}, but the plate "
                f"{plate.path.name} is {plate.display_window.width}x{plate.display_window.height}; both must be of one size"
            )
        shape = working_shape(*plate.display_window.shape, self.shot.working_size)
        before, after = (resize(self._working(f), shape) * np.float32(self.anchor) for f in (plate, relit))
        ratio = np.log((np.maximum(after, 0) + FLOOR) / (np.maximum(before, 0) + FLOOR))
        ratio = np.clip(ratio, -MOST, MOST).astype(np.float32)
        matte, drawn = self._matte(frame, plate, shape)
        normals, hint = self._hint(frame, plate, matte, drawn)
        return WorkingFrame(encode_log(before), matte, normals, hint, ratio - hint, canvas=shape)

    def _working(self, frame: Frame) -> np.ndarray:
        rgb = self.colour.to_working(place(frame.rgb, frame.data_window, frame.display_window), frame.colorspace)
        return np.where(np.isfinite(rgb), rgb, 0).astype(np.float32)

    def _matte(self, frame: int, plate: Frame, shape: tuple[int, int]) -> tuple[np.ndarray, bool]:
        """(h, w), 0 to 1, and whether it draws a shape."""
        if self.matte is not None:
            weight = matte_weight(self._given_matte(frame, plate), None, plate.data_window.shape)
        elif plate.coverage is not None:
            weight = np.clip(np.nan_to_num(plate.coverage), 0, 1)
        else:
            return np.ones(shape, np.float32), False
        weight = place(weight.astype(np.float32), plate.data_window, plate.display_window)
        return np.clip(resize(weight, shape), 0, 1), bool(weight.min() < 0.5)

    def _given_matte(self, frame: int, over: Frame) -> np.ndarray:
        assert self.matte is not None
        return exr.read_matte(self.matte.path(frame), self.channel).over(over)[..., 0]

    def _hint(self, frame: int, plate: Frame, matte: np.ndarray, drawn: bool) -> tuple[np.ndarray, np.ndarray]:
        """The normals (h, w, 3), those of the plate or those blown up from the matte, and the analytic gain of the light
        on them, 0 without a light.
        """
        facing = np.broadcast_to(np.array((0, 0, 1), np.float32), (*matte.shape, 3))
        if self.light is None:
            return facing, np.zeros_like(facing)
        found = exr.find_normals(plate)
        if found is not None:
            wide = place(found.over(plate), plate.data_window, plate.display_window)
            facing = clean_normals(resize(np.nan_to_num(wide).astype(np.float32), matte.shape))[0]
        elif drawn:
            facing = inflate(matte)
        rotation = self.camera.at(frame).rotation
        light = self.light.light(frame)
        turned = light.turned(camera_to_map(at_frame(self.shot.env_rotate, frame), rotation))
        # With the level of the light: frames that were relit elsewhere follow a fade, and a fade is true change.
        return facing, over_even(turned).at(facing) + np.float32(np.log(max(light.level, 1e-6)))
