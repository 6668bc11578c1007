"""A relit shot against the truth, frame by frame: files are read and brought together, and every measure is computed.

Only two frames are in memory at a time.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from ..errors import InputError, UsageError
from ..frames import missing_frames
from ..pictures import exr
from ..pictures.colour import Colour
from ..pictures.frame import Frame, place
from ..pictures.sequence import Sequence
from . import constancy, metrics, motion

MATTE_THRESHOLD = 0.5
"""A pixel is inside where the matte is above this."""
SPACE = "lin_rec709_scene"
"""Standard id of the colour space everything is measured in."""

log = logging.getLogger("relamp.evaluation")


@dataclass(frozen=True)
class Measure:
    """What is measured: `name` as in the JSON, `title` as in the table, and what the number means."""

    name: str
    title: str
    unit: str
    meaning: str
    digits: int = 3


MEASURES = (
    Measure("psnr", "PSNR", "dB", "sRGB inside the matte, higher is better", 2),
    Measure("psnr_aligned", "aligned", "dB", "the same once one exposure is fitted in linear light", 2),
    Measure("exposure", "exposure", "stops", "that exposure: above 0, the relight is too dark", 2),
    Measure("ssim", "SSIM", "", "Gaussian 11x11, sigma 1.5; 1 is alike", 4),
    Measure("log_rmse", "log RMSE", "stops", "error of linear light, lower is better"),
    Measure("flicker", "flicker", "stops", "change from frame to frame that the truth does not have"),
    Measure("flicker_global", "global", "stops", "the part of it that is the whole picture's"),
    Measure("warp_error", "warp err", "", "each frame against the one before moved onto it", 4),
    Measure("warp_ssim", "warp SSIM", "", "the same as SSIM, higher is steadier", 4),
    Measure("motion", "motion", "px", "distance from the motion of what was filmed"),
    Measure("detail", "detail", "", "correlation of fine detail with the plate; 1 is kept"),
    Measure("hue_drift", "hue", "deg", "turn of the hue where the light changed by white alone", 2),
    Measure("edge_laplacian", "edge Lap.", "x truth", "Laplacian variance along the matte's edge; 1 is as sharp"),
    Measure("edge_tenengrad", "edge Ten.", "x truth", "Tenengrad along the matte's edge; 1 is as sharp"),
)


@dataclass(frozen=True)
class FrameScores:
    """One frame: `scores` by the names of `MEASURES`, `truth` and `unchanged` what the truth itself and the plate as it is
    score, where that means something.

    A name is missing where there is nothing to measure: the first frame has no frame before, no plate was given, and so on.
    """

    frame: int
    pixels: int
    """Inside the matte and finite in both pictures."""
    scores: dict[str, float]
    truth: dict[str, float]
    unchanged: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Evaluation:
    """A relit shot against the truth. Paths are as they were given."""

    pred: str
    gt: str
    plate: str | None
    matte: str | None
    width: int
    height: int
    frames: tuple[FrameScores, ...]

    @property
    def shot(self) -> dict[str, float]:
        """Means over the frames of every measure there is; infinite where one frame is."""
        return _means([frame.scores for frame in self.frames])

    @property
    def shot_truth(self) -> dict[str, float]:
        """Means of what the truth itself scores."""
        return _means([frame.truth for frame in self.frames])

    @property
    def shot_unchanged(self) -> dict[str, float]:
        """Means of what the unchanged plate scores against the truth; empty without a plate."""
        return _means([frame.unchanged for frame in self.frames])


def evaluate(
    pred: str,
    gt: str,
    *,
    plate: str | None = None,
    matte: str | None = None,
    frames: tuple[int, ...] | None = None,
    colour: Colour | None = None,
) -> Evaluation:
    """Measure a relit shot against the truth.

    Everything is read in its own colour space and measured in linear Rec.709, display-encoded (sRGB curve, no exposure added,
    clipped) where `core.evaluation.metrics` says so, inside the matte only.

    Args:
        pred: the relit frames, an EXR or a sequence such as `relit.####.exr`.
        gt: the true frames, by the same numbers; a still stands for all of them.
        plate: the frames before relighting: what was filmed, for its motion, its detail and its hue.
        matte: where to measure, `file.exr:layer.A` picks a channel. Without it the truth's alpha, else the relit one's, else
            everything.
        frames: which; without it every frame of `pred`.
        colour: None for the config of `$OCIO`, else the pinned one.

    Raises:
        UsageError: no frames.
        InputError: a file is missing, unreadable or of another size, or nothing is inside the matte.
    """
    colour = colour or Colour()
    files = _Files(pred, gt, plate, matte, colour)
    wanted = files.pred.frames_on_disk() if frames is None else tuple(sorted(set(frames)))
    if not wanted:
        raise UsageError("no frames to evaluate; name them with --frames 1001-1010")
    files.require(wanted)
    scored, before, size = [], None, (0, 0)
    for frame in wanted:
        now = files.moment(frame)
        size = now.inside.shape
        scored.append(_score(frame, now, before))
        before = now
    return Evaluation(pred, gt, plate, matte, size[1], size[0], tuple(scored))


@dataclass(frozen=True)
class _Moment:
    """Everything of one frame, (H, W, 3) linear Rec.709 over the truth's display window, and where to measure."""

    pred: np.ndarray
    truth: np.ndarray
    plate: np.ndarray | None
    inside: np.ndarray


class _Files:
    """The files of an evaluation."""

    def __init__(self, pred: str, gt: str, plate: str | None, matte: str | None, colour: Colour) -> None:
        self.colour = colour
        self.pred, self.truth = Sequence.parse(pred), Sequence.parse(gt)
        self.plate = Sequence.parse(plate) if plate else None
        path, self.matte_channel = exr.split_layer(matte) if matte else (None, None)
        self.matte = Sequence.parse(path) if path else None

    def require(self, frames: tuple[int, ...]) -> None:
        """Raise InputError for files that are not there."""
        for sequence in (self.pred, self.truth, self.plate, self.matte):
            if sequence is None:
                continue
            sequence.frames_on_disk()
            if missing := sequence.missing(frames):
                raise InputError(f"{sequence}: {missing_frames(missing)}; --frames evaluates only those that are there")

    def moment(self, frame: int) -> _Moment:
        """Read everything of one frame."""
        relit = self._frame(self.pred, frame)
        true = self._frame(self.truth, frame)
        filmed = self._frame(self.plate, frame) if self.plate else None
        for other in (relit, filmed):
            if other is not None and other.display_window.shape != true.display_window.shape:
                ours, theirs = other.display_window, true.display_window
                raise InputError(
                    f"{other.path.name} is {ours.width}x{ours.height}, but the truth {true.path.name} is "
                    f"{theirs.width}x{theirs.height}; both must be of one size"
                )
        pictures = [None if f is None else self._linear(f) for f in (relit, true, filmed)]
        finite = np.logical_and.reduce([np.isfinite(p).all(axis=-1) for p in pictures if p is not None])
        inside = self._inside(frame, relit, true)
        if not (inside & finite).any():
            raise InputError(f"frame {frame}: nothing to measure, the matte is nowhere above {MATTE_THRESHOLD:g}")
        if lost := int((inside & ~finite).sum()):
            log.warning("frame %d: %d pixels are NaN or infinite and are left out", frame, lost)
        pred, truth, plate = (None if p is None else np.where(finite[..., None], p, 0) for p in pictures)
        assert pred is not None
        assert truth is not None
        return _Moment(pred, truth, plate, inside & finite)

    def _frame(self, sequence: Sequence, frame: int) -> Frame:
        found = exr.read_frame(sequence.path(frame), colour=self.colour, carry=False)
        if min(found.display_window.shape) < motion.SMALLEST:
            raise InputError(
                f"{found.path.name} is {found.display_window.width}x{found.display_window.height}; "
                f"evaluation needs at least {motion.SMALLEST} pixels a side"
            )
        return found

    def _linear(self, frame: Frame) -> np.ndarray:
        rgb = place(frame.rgb, frame.data_window, frame.display_window)
        return self.colour.from_working(self.colour.to_working(rgb, frame.colorspace), SPACE)

    def _inside(self, frame: int, relit: Frame, true: Frame) -> np.ndarray:
        if self.matte:
            weight = exr.read_matte(self.matte.path(frame), self.matte_channel).over(true)[..., 0]
            return place(weight, true.data_window, true.display_window) > MATTE_THRESHOLD
        for candidate in (true, relit):
            if candidate.alpha is not None:
                return place(candidate.alpha, candidate.data_window, candidate.display_window) > MATTE_THRESHOLD
        return np.ones(true.display_window.shape, bool)


def _score(frame: int, now: _Moment, before: _Moment | None) -> FrameScores:
    scores = dict(_likeness(now.pred, now)) | dict(_kept(now.pred, now)) | dict(_edges(now))
    truth = dict(_kept(now.truth, now))
    if before is not None:
        filmed = [m.truth if m.plate is None else m.plate for m in (before, now)]
        moved = motion.follow(filmed[0], filmed[1])
        inside = now.inside & before.inside
        steady = motion.flicker((before.pred, now.pred), (before.truth, now.truth), moved, inside)
        if steady:
            scores |= {"flicker": steady[0], "flicker_global": steady[1]}
        scores |= dict(_along((before.pred, now.pred), moved, inside))
        truth |= dict(_along((before.truth, now.truth), moved, inside))
    unchanged = {} if now.plate is None else dict(_likeness(now.plate, now))
    return FrameScores(frame, int(now.inside.sum()), scores, truth, unchanged)


def _likeness(pred: np.ndarray, now: _Moment) -> Iterator[tuple[str, float]]:
    truth, inside = now.truth, now.inside
    factor = metrics.alignment(pred, truth, inside)
    yield "psnr", metrics.psnr(pred, truth, inside)
    yield "psnr_aligned", metrics.psnr(np.float32(factor) * pred, truth, inside)
    if factor > 0:
        yield "exposure", float(np.log2(factor))
    yield "ssim", metrics.ssim(pred, truth, inside)
    yield "log_rmse", metrics.log_rmse(pred, truth, inside)


def _kept(picture: np.ndarray, now: _Moment) -> Iterator[tuple[str, float]]:
    if now.plate is None:
        return
    if (detail := constancy.detail_correlation(picture, now.plate, now.inside)) is not None:
        yield "detail", detail
    if (drift := constancy.hue_drift(picture, now.plate, now.truth, now.inside)) is not None:
        yield "hue_drift", drift


def _edges(now: _Moment) -> Iterator[tuple[str, float]]:
    ours, true = constancy.sharpness(now.pred, now.inside), constancy.sharpness(now.truth, now.inside)
    if ours and true and true.laplacian > 0 and true.tenengrad > 0:
        yield "edge_laplacian", ours.laplacian / true.laplacian
        yield "edge_tenengrad", ours.tenengrad / true.tenengrad


def _along(
    frames: tuple[np.ndarray, np.ndarray], moved: motion.Motion, inside: np.ndarray
) -> Iterator[tuple[str, float]]:
    if steady := motion.warping(frames, moved, inside):
        yield "warp_error", steady[0]
        yield "warp_ssim", steady[1]
    if (distance := motion.motion_error(frames, moved, inside)) is not None:
        yield "motion", distance


def _means(scores: list[dict[str, float]]) -> dict[str, float]:
    names = [measure.name for measure in MEASURES if any(measure.name in one for one in scores)]
    return {name: float(np.mean([one[name] for one in scores if name in one])) for name in names}
