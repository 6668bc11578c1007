"""Reads the frames of a movie (MOV, MP4, MXF, MKV, AVI) as pictures. PyAV, the extra `movies`, does the decoding.

The frames of `shot.mov` are numbered from 1; frame 12 has the path `shot.mov/shot.mov frame 12`, so that messages name it.
`MovieFrame` answers like a reader of OpenImageIO, so the rest of the project reads it as any other picture.
"""

from __future__ import annotations

import importlib
import os
import threading
from bisect import bisect_right
from collections import OrderedDict
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio

from ..atomic import file_state
from ..errors import InputError, UsageError

EXTENSIONS = (".mov", ".mp4", ".m4v", ".mxf", ".mkv", ".avi")
KEPT = 4  # decoded frames that a movie keeps, for threads that read neighbours

# ITU-T H.273: transfer characteristics and colour primaries, and the space of the two together.
_TRANSFERS = {1: "rec709", 2: "rec709", 6: "rec709", 14: "rec709", 15: "rec709", 13: "srgb", 4: "gamma22", 8: "linear"}
_REC709_PRIMARIES = (1, 2)
_SPACES = {
    "rec709": "ocio:itu709_rec709_scene",
    "srgb": "srgb_rec709_scene",
    "gamma22": "g22_rec709_scene",
    "linear": "lin_rec709_scene",
}
_UNSPECIFIED = 2
_ORIENTATIONS = {0: 1, 90: 8, 180: 3, 270: 6}  # a turn in degrees against the clock, as the EXIF number that undoes it


def is_movie(path: str | os.PathLike[str]) -> bool:
    """Whether a path names a movie, by its extension."""
    return os.path.splitext(os.fspath(path))[1].lower() in EXTENSIONS


def movie_frame(path: Path) -> tuple[Path, int] | None:
    """The movie and the frame number that a path such as `shot.mov/shot.mov frame 12` names; None for any other path."""
    number = path.name.removeprefix(frame_prefix(path.parent.name))
    if number.isdigit() and is_movie(path.parent) and path.parent.is_file():
        return path.parent, int(number)
    return None


def frame_prefix(movie: str) -> str:
    """What stands before the number in the names of a movie's frames, given the movie's name."""
    return f"{movie} frame "


def frame_count(path: str | os.PathLike[str]) -> int:
    """The number of frames of a movie. Raises `InputError` for a damaged movie, and `UsageError` where PyAV is missing."""
    return len(_opened(Path(path)).times)


class MovieFrame:
    """One frame of a movie, with the calls of `OpenImageIO.ImageInput` that reading a picture needs."""

    def __init__(self, path: Path, number: int) -> None:
        """Raises `InputError`: the movie is damaged or has no such frame."""
        self._path, self._number = path, number
        self._movie = _opened(path)
        if not 1 <= number <= len(self._movie.times):
            raise InputError(f"{path} has frames 1-{len(self._movie.times)}, and frame {number} was asked for")

    def format_name(self) -> str:
        """`movie`."""
        return "movie"

    def spec(self) -> oiio.ImageSpec:
        """The header: R, G, B and, in a movie with alpha, A; the colour space that the movie states, if it does."""
        return self._movie.spec.copy()

    def seek_subimage(self, subimage: int, miplevel: int) -> bool:
        """Whether there is such a part; a frame has one."""
        return (subimage, miplevel) == (0, 0)

    def read_image(self, subimage: int, miplevel: int, first: int, last: int, kind: str) -> np.ndarray:
        """Channels `first` to `last` of the frame, (h, w, c) float32, 0 to 1."""
        pixels = self._movie.pixels(self._number)  # (h, w, c) uint16
        return np.multiply(pixels[..., first:last], np.float32(1 / 65535), dtype=np.float32)

    def geterror(self) -> str:
        """An empty text: errors are raised."""
        return ""

    def close(self) -> None:
        """Do nothing: movies stay open for the next frame."""


class _Movie:
    """An open movie: its frames by their presentation times, and the last few decoded; used by several threads."""

    def __init__(self, path: Path) -> None:
        self._path, self._av = path, require_pyav(f"reading {path.name}")
        self._lock = threading.Lock()
        self._kept: OrderedDict[int, np.ndarray] = OrderedDict()
        try:
            self._file = self._av.open(str(path))
            if not self._file.streams.video:
                raise InputError(f"{path} holds no picture, only sound or data; give a movie with a video track")
            self._stream = self._file.streams.video[0]
            packets = list(self._file.demux(self._stream))
            self.times = sorted({packet.pts for packet in packets if packet.pts is not None})
            self._keys = sorted(packet.pts for packet in packets if packet.is_keyframe and packet.pts is not None)
            if not self.times:
                raise InputError(f"{path} holds no frames; copy or export it again")
            self._frames = self._decoder(self.times[0])
            self._next = 1
            self.spec = self._spec_of(next(self._frames))
            self._frames, self._next = self._decoder(self.times[0]), 1
        except self._av.error.FFmpegError as error:
            raise self._damaged(error) from None
        except StopIteration:
            raise InputError(f"{path} holds no frame that can be decoded; copy or export it again") from None

    def pixels(self, number: int) -> np.ndarray:
        """The frame of a number from 1, (h, w, 3 or 4) uint16. Raises `InputError` where it cannot be decoded."""
        with self._lock:
            if number not in self._kept:
                self._kept[number] = self._decoded(number)
                while len(self._kept) > KEPT:
                    self._kept.popitem(last=False)
            return self._kept[number]

    def _decoded(self, number: int) -> np.ndarray:
        wanted = self.times[number - 1]
        try:
            # Decoding on costs less than seeking, unless a keyframe lies between here and there.
            key = self._keys[max(0, bisect_right(self._keys, wanted) - 1)] if self._keys else self.times[0]
            if number < self._next or key > self.times[min(self._next, len(self.times)) - 1]:
                self._frames = self._decoder(wanted)
            for frame in self._frames:
                if frame.pts is not None and frame.pts >= wanted:
                    self._next = number + 1
                    if frame.pts > wanted:
                        break
                    return self._rgb(frame)
        except self._av.error.FFmpegError as error:
            raise self._damaged(error, number) from None
        raise InputError(f"{self._path}: frame {number} is cut short or damaged; copy or export the movie again")

    def _decoder(self, time: int) -> Any:
        self._file.seek(time, stream=self._stream, backward=True)
        return self._file.decode(self._stream)

    def _rgb(self, frame: Any) -> np.ndarray:
        """A decoded frame as (h, w, c) uint16 of full range."""
        matrix = frame.colorspace if frame.colorspace != _UNSPECIFIED else (1 if frame.height >= 720 else 5)
        picture = frame.reformat(
            format="rgba64le" if self.spec.nchannels == 4 else "rgb48le", src_colorspace=matrix, interpolation="BICUBIC"
        )
        return picture.to_ndarray()

    def _spec_of(self, frame: Any) -> oiio.ImageSpec:
        has_alpha = any(component.is_alpha for component in frame.format.components)
        spec = oiio.ImageSpec(frame.width, frame.height, 4 if has_alpha else 3, "uint16")
        spec.channelnames = ("R", "G", "B", "A")[: spec.nchannels]
        spec.attribute("oiio:BitsPerSample", frame.format.components[0].bits)
        spec.attribute("oiio:UnassociatedAlpha", 1)
        spec.attribute("Orientation", _ORIENTATIONS.get(round(frame.rotation) % 360, 1))
        if (rate := self._stream.average_rate) is not None:
            spec.attribute("framesPerSecond", oiio.TypeDesc("rational"), (rate.numerator, rate.denominator))
        if (aspect := self._stream.sample_aspect_ratio) is not None and aspect > 0:
            spec.attribute("PixelAspectRatio", float(aspect))
        transfer = _TRANSFERS.get(int(frame.color_trc)) if frame.color_primaries in _REC709_PRIMARIES else None
        spec.attribute("oiio:ColorSpace", _SPACES[transfer] if transfer else "")
        spec.attribute("relamp:stated", int(frame.color_trc != _UNSPECIFIED))
        return spec

    def _damaged(self, error: Exception, number: int | None = None) -> InputError:
        where = f"{self._path}" if number is None else f"{self._path}: frame {number}"
        return InputError(f"{where} cannot be decoded ({error}); copy or export the movie again")


def require_pyav(purpose: str) -> Any:
    """The module `av`. Raises `UsageError` where it is not installed; `purpose` begins the sentence, as in `reading a.mov`."""
    try:
        return importlib.import_module("av")
    except ImportError:
        raise UsageError(f"{purpose} needs PyAV, which is not installed here: pip install 'relamp[movies]'") from None


def _opened(path: Path) -> _Movie:
    state = file_state(path)
    return _open(path, tuple(state) if state else ())


@lru_cache(maxsize=4)
def _open(path: Path, state: tuple[int, ...]) -> _Movie:
    """The movie; `state` makes a movie that was written anew another one."""
    return _Movie(path)
