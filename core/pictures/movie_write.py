"""Writes display-encoded pictures as a movie that players and editorial tools open: H.264, 8 bits, BT.709. Needs PyAV."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from ..atomic import Overwrite, replacing
from ..errors import InputError, OutputError, UsageError
from .movie import require_pyav

EXTENSIONS = (".mp4", ".mov")
_BT709 = 1  # ITU-T H.273
_SRGB = 13
_QUALITY = {"crf": "16", "preset": "medium"}


def require_movie_writer(path: Path) -> Any:
    """The module `av`. Raises `UsageError` for another extension than .mp4 and .mov, and where PyAV or its H.264 is missing."""
    if path.suffix.lower() not in EXTENSIONS:
        raise UsageError(f"{path}: a movie is written as .mp4 or .mov")
    av = require_pyav(f"writing {path.name}")
    if "libx264" not in av.codecs_available:
        raise UsageError(f"{path}: this PyAV was built without an H.264 encoder (libx264); install its wheel from PyPI")
    return av


def write_movie(path: Path, pictures: Iterable[np.ndarray], rate: Fraction, overwrite: Overwrite = False) -> None:
    """Write pictures of one size as a movie, completely or not at all.

    Args:
        pictures: (h, w, 3) uint8, sRGB, one per frame; h and w even.
        rate: frames per second.

    Raises:
        InputError: there are no pictures.
        UsageError: as `require_movie_writer`, or a file exists that may not be replaced.
        OutputError: the file cannot be written.
    """
    av = require_movie_writer(path)
    with replacing(path, overwrite) as temporary:
        try:
            with av.open(str(temporary), "w", format=path.suffix[1:].lower()) as file:
                if not _encode(av, file, pictures, rate):
                    raise InputError(f"{path}: there is no frame to write")
        except av.error.FFmpegError as error:
            raise OutputError(f"{path}: the movie cannot be written ({error})") from None


def _encode(av: Any, file: Any, pictures: Iterable[np.ndarray], rate: Fraction) -> int:
    """Encode the pictures; returns how many there were."""
    stream, count = None, 0
    for picture in pictures:
        count += 1
        if stream is None:
            stream = file.add_stream("libx264", rate=rate, options=_QUALITY)
            stream.height, stream.width = picture.shape[:2]
            stream.pix_fmt = "yuv420p"
            context = stream.codec_context
            context.colorspace, context.color_primaries, context.color_trc = _BT709, _BT709, _SRGB
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
        for packet in stream.encode(frame.reformat(format="yuv420p", dst_colorspace=_BT709)):
            file.mux(packet)
    if stream is not None:
        for packet in stream.encode():
            file.mux(packet)
    return count
