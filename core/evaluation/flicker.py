"""How much a shot flickers, measured without a truth (`relamp flicker`).

Each frame is compared with the mean of the one before and the one after, brought onto it along the motion of the plate.
Light that fades or turns evenly does not count; light that comes and goes does. The result is in stops of luminance, over
the plate's where a plate is given, so that the plate's own light does not count.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ..errors import InputError, UsageError
from ..frames import missing_frames
from ..light.sheet import write_png
from ..pictures import exr
from ..pictures.colour import Colour
from ..pictures.frame import place
from ..pictures.sequence import Sequence
from ..process import pin_opencv
from . import motion, verdict
from .evaluate import MATTE_THRESHOLD, SPACE
from .metrics import luminance, rms, stops
from .report import panel

COARSE = 24
"""Light is coarse: what is finer than the shorter side over this is noise, or motion not followed quite, and is averaged out."""
SCALE = (0.0, 0.2)
"""Stops: the fixed scale of the drawing."""
HIDDEN_SHARE = 0.02
"""Of the pixels inside: a frame whose neighbours show less of it says nothing, as at a cut."""


@dataclass(frozen=True)
class FrameFlicker:
    """One frame: `whole`, how far all of it lies above its neighbours, and `local`, root mean square of the rest of it.

    In stops. None for the first and the last frame, beside a gap, and where the neighbours show something else.
    """

    frame: int
    whole: float | None = None
    local: float | None = None


def measure(
    sequence: str, plate: str | None = None, matte: str | None = None, frames: tuple[int, ...] | None = None
) -> list[FrameFlicker]:
    """Measure the flicker of a sequence, frame by frame.

    Args:
        sequence: EXR frames.
        plate: the frames before relighting, whose motion is followed; without it that of the sequence itself.
        matte: where to measure, `file.exr:layer.A` picks a channel; without it the sequence's alpha, else everywhere.
        frames: which; without it every frame of the sequence.

    Raises:
        UsageError: fewer than three frames.
        InputError: a file is missing, unreadable or of another size.
    """
    pin_opencv()
    files = _Files(sequence, plate, matte)
    wanted = files.sequence.frames_on_disk() if frames is None else tuple(sorted(set(frames)))
    if len(wanted) < 3:
        raise UsageError(f"flicker is told from three frames or more; {sequence} has {len(wanted)} of those asked for")
    files.require(wanted)
    return list(_scores(files, wanted))


def as_text(sequence: str, scores: list[FrameFlicker]) -> str:
    """A line a frame, then the shot's means, its worst frames, and whether that is steady."""
    lines = [sequence, f"stops; motion by classical flow ({motion.FLOW})", "frame     whole     local"]
    for s in scores:
        lines.append(
            f"{s.frame:5}" + ("         -         -" if s.whole is None else f"{s.whole:+10.4f}{s.local:10.4f}")
        )
    told = [s for s in scores if s.whole is not None]
    if not told:
        return "\n".join([*lines, "no frame with neighbours on both sides"])
    whole, local = (float(np.mean([abs(getattr(s, n)) for s in told])) for n in ("whole", "local"))
    worst = sorted(told, key=lambda s: -np.hypot(s.whole or 0, s.local or 0))[:3]
    lines += [f"mean {abs(whole):10.4f}{local:10.4f}", f"worst: {', '.join(str(s.frame) for s in worst)}"]
    lines.append(verdict.of_flicker(abs(whole), local))
    return "\n".join(lines)


def save_plot(named: dict[str, list[FrameFlicker]], path: Path, overwrite: bool = False) -> None:
    """Both measures of some sequences over their frames, as PNG, whole or not at all. Raises OutputError, UsageError."""
    frames = [s.frame for scores in named.values() for s in scores]
    span = (min(frames), max(frames))
    curves = [
        {
            name: [(s.frame, abs(v)) for s in scores if (v := getattr(s, which)) is not None]
            for name, scores in named.items()
        }
        for which in ("whole", "local")
    ]
    units = ("whole, stops", "local, stops")
    write_png(
        path, np.concatenate([panel(c, span, unit, SCALE) for c, unit in zip(curves, units, strict=True)]), overwrite
    )


@dataclass(frozen=True)
class _Moment:
    """One frame: `light` (H, W) stops, `filmed` (H, W, 3) linear Rec.709 whose motion counts, `inside` (H, W) bool."""

    light: np.ndarray
    filmed: np.ndarray
    inside: np.ndarray


class _Files:
    """The files of the shot."""

    def __init__(self, sequence: str, plate: str | None, matte: str | None) -> None:
        self.colour = Colour()
        self.sequence = Sequence.parse(sequence)
        self.plate = Sequence.parse(plate) if plate else None
        path, self.channel = exr.split_layer(matte) if matte else (None, None)
        self.matte = Sequence.parse(path) if path else None

    def require(self, frames: tuple[int, ...]) -> None:
        """Raise InputError for files that are not there."""
        for sequence in (self.sequence, self.plate, self.matte):
            if sequence is not None and (missing := sequence.missing(frames)):
                raise InputError(f"{sequence}: {missing_frames(missing)}; --frames measures the others")

    def moment(self, frame: int) -> _Moment:
        """Read one frame of everything."""
        shown = exr.read_frame(self.sequence.path(frame), colour=self.colour, carry=False)
        plate = exr.read_frame(self.plate.path(frame), colour=self.colour, carry=False) if self.plate else None
        window = shown.display_window
        if min(window.shape) < motion.SMALLEST:
            raise InputError(
                f"{shown.path.name} is {window.width}x{window.height}; {motion.SMALLEST} px a side are needed"
            )
        if plate is not None and plate.display_window.shape != window.shape:
            other = plate.display_window
            raise InputError(
                f"{shown.path.name} is {window.width}x{window.height}, but the plate {plate.path.name} is "
                f"{other.width}x{other.height}; both must be of one size"
            )
        inside = np.ones(window.shape, bool)
        if self.matte is not None:
            given = exr.read_matte(self.matte.path(frame), self.channel).over(shown)[..., 0]
            inside = place(given, shown.data_window, window) > MATTE_THRESHOLD
        elif shown.alpha is not None:
            inside = place(shown.alpha, shown.data_window, window) > MATTE_THRESHOLD
        pictures = []
        for picture in (shown, shown if plate is None else plate):
            rgb = place(picture.rgb, picture.data_window, picture.display_window)
            linear = self.colour.from_working(self.colour.to_working(rgb, picture.colorspace), SPACE)
            finite = np.all(np.isfinite(linear), axis=-1)
            inside = inside & finite
            pictures.append(np.where(finite[..., None], linear, 0).astype(np.float32))
        light = stops(luminance(pictures[0])) - (0 if plate is None else stops(luminance(pictures[1])))
        return _Moment(light.astype(np.float32), pictures[1], inside)


def _coarse(picture: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Means of a picture over a box around each pixel, of what is seen in it; at the pixels that are seen."""
    side = max(1, round(min(picture.shape) / COARSE))
    total = cv2.blur(np.where(seen, picture, 0).astype(np.float32), (side, side), borderType=cv2.BORDER_CONSTANT)
    count = cv2.blur(seen.astype(np.float32), (side, side), borderType=cv2.BORDER_CONSTANT)
    return (total[seen] / count[seen]).astype(np.float64)


def _scores(files: _Files, frames: tuple[int, ...]) -> Iterator[FrameFlicker]:
    """The scores of all frames; three frames are in memory at a time."""
    held: dict[int, _Moment] = {}
    for frame in frames:
        if not {frame - 1, frame + 1} <= set(frames):
            yield FrameFlicker(frame)
            continue
        held = {n: held[n] if n in held else files.moment(n) for n in (frame - 1, frame, frame + 1)}
        now = held[frame]
        off, seen = -now.light, now.inside.copy()
        for other in (held[frame - 1], held[frame + 1]):
            moved = motion.follow(other.filmed, now.filmed)
            off = off + 0.5 * motion.warp(other.light, moved.back)
            seen = seen & moved.seen & (motion.warp(other.inside.astype(np.float32), moved.back) > 0.99)
        if seen.sum() < HIDDEN_SHARE * max(now.inside.sum(), 1):
            yield FrameFlicker(frame)
            continue
        whole = float(np.median(-off[seen]))
        yield FrameFlicker(frame, whole, rms(_coarse(-off - whole, seen)))
