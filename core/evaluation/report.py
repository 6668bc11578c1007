"""The result of an evaluation as plain text, as JSON, and as a plot over the frames."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ..atomic import replacing
from ..counted import counted
from ..light.sheet import write_png
from . import motion, verdict
from .evaluate import MATTE_THRESHOLD, MEASURES, Evaluation, Measure

SCHEMA = "relamp.evaluation/1"
_GROUPS = (
    ("psnr", "psnr_aligned", "exposure", "ssim", "log_rmse"),
    ("flicker", "flicker_global", "warp_error", "warp_ssim", "motion"),
    ("detail", "hue_drift", "edge_laplacian", "edge_tenengrad"),
)
# Measures of one unit, the unit, and the fixed scale they are drawn on, so that pictures of different shots compare.
_PANELS = ((("psnr", "psnr_aligned"), "dB", (10, 50)), (("log_rmse",), "stops", (0, 2)),
           (("flicker", "flicker_global"), "stops", (0, 0.5)), (("ssim", "warp_ssim", "detail"), "1 is alike", (0, 1)),
           (("motion",), "px", (0, 4)))  # fmt: skip
_PANEL_SIZE = (150, 860)  # px, height and width
_MARGIN = (70, 150)  # px, left for the scale and right for the names
_INKS = ((205, 92, 40), (40, 120, 200), (60, 150, 70), (150, 60, 160), (30, 160, 180), (110, 110, 110), (20, 20, 20))


def as_text(evaluation: Evaluation) -> str:
    """A table a group of measures with a line a frame, then the shot's means with the truth's own and what they say."""
    e = evaluation
    matte = f"{e.matte or 'alpha'} above {MATTE_THRESHOLD:g}"
    lines = [
        f"{e.pred} against {e.gt}",
        f"{e.width} x {e.height}, {counted(len(e.frames), 'frame')}, inside {matte}",
        f"linear Rec.709; sRGB curve, no exposure added, clipped; motion by classical flow ({motion.FLOW})",
    ]
    for names in _GROUPS:
        shown = [m for m in MEASURES if m.name in names and m.name in e.shot]
        if shown:
            lines += ["", *_frame_table(e, shown)]
    sentence = verdict.of_likeness(e.shot["psnr_aligned"], e.shot.get("exposure"), e.shot_unchanged.get("psnr_aligned"))
    steadiness = verdict.of_flicker(e.shot["flicker_global"]) if "flicker_global" in e.shot else ""
    return "\n".join([*lines, "", *_shot_table(e), "", sentence, *([steadiness] if steadiness else [])])


def as_json(evaluation: Evaluation) -> str:
    """The same as JSON; an infinite PSNR is the text "inf", for JSON has no such number."""
    e = evaluation
    facts: dict[str, Any] = {
        "schema": SCHEMA,
        "pred": e.pred,
        "gt": e.gt,
        "plate": e.plate,
        "matte": e.matte,
        "matte_threshold": MATTE_THRESHOLD,
        "width": e.width,
        "height": e.height,
        "space": "linear Rec.709; display-encoded: sRGB, no exposure added, clipped to 0..1",
        "flow": motion.FLOW,
        "shot": _plain(e.shot),
        "shot_truth": _plain(e.shot_truth),
        "shot_unchanged": _plain(e.shot_unchanged),
        "frames": [
            {"frame": f.frame, "pixels": f.pixels, "scores": _plain(f.scores), "truth": _plain(f.truth)}
            for f in e.frames
        ],
    }
    return json.dumps(facts, indent=2, allow_nan=False) + "\n"


def save_json(evaluation: Evaluation, path: Path, overwrite: bool = False) -> None:
    """Write `as_json`, whole or not at all. Raises OutputError, and UsageError where a file is and `overwrite` is False."""
    with replacing(path, overwrite) as temporary:
        temporary.write_text(as_json(evaluation), encoding="utf-8")


def save_plot(evaluation: Evaluation, path: Path, overwrite: bool = False) -> None:
    """Write the measures over the frames as a PNG, whole or not at all. Raises OutputError, UsageError."""
    write_png(path, plot(evaluation), overwrite)


def plot(evaluation: Evaluation) -> np.ndarray:
    """Measures over the frames, a panel a unit; (H, W, 3) uint8 display-encoded."""
    e, titles = evaluation, {m.name: m.title for m in MEASURES}
    present = [shown for shown in _PANELS if any(name in e.shot for name in shown[0])]
    curves = [
        {
            titles[n]: [(f.frame, f.scores[n]) for f in e.frames if math.isfinite(f.scores.get(n, math.nan))]
            for n in names
        }
        for names, _, _ in present
    ]
    span = (e.frames[0].frame, e.frames[-1].frame)
    drawn = [panel(c, span, unit, scale) for c, (_, unit, scale) in zip(curves, present, strict=True)]
    return np.concatenate(drawn)


def panel(
    curves: dict[str, list[tuple[int, float]]], span: tuple[int, int], unit: str, scale: tuple[float, float]
) -> np.ndarray:
    """Curves of one unit over the frames of `span`, by their titles; (H, W, 3) uint8 display-encoded.

    Values must be finite; a curve may lack frames. `scale` is the lowest and the highest value of the drawing; values beyond
    it lie on its edge, and the name of such a curve says its largest value.
    """
    height, width = _PANEL_SIZE
    left, right = _MARGIN
    picture = np.full((height, width, 3), 250, np.uint8)
    low, high = scale
    first, last = span

    def at(frame: float, value: float) -> tuple[int, int]:
        value = min(max(value, low), high)
        x = left + (width - left - right) * ((frame - first) / (last - first) if last > first else 0.5)
        return round(x), round(height - 25 - (height - 40) * (value - low) / (high - low))

    for value in (low, (low + high) / 2, high):
        cv2.line(picture, (left, at(first, value)[1]), (width - right, at(first, value)[1]), (215, 215, 215), 1)
        _write(picture, f"{value:.3g}", (8, at(first, value)[1] + 4))
    _write(picture, unit, (8, height - 6))
    _write(picture, f"frame {first}", (left, height - 6))
    _write(picture, f"{last}", (width - right - 30, height - 6))
    drawn = [(title, points) for title, points in curves.items() if points]
    for row, (ink, (title, points)) in enumerate(zip(_INKS, drawn, strict=False)):
        places = [at(frame, value) for frame, value in points]
        cv2.polylines(picture, [np.array(places, np.int32)], False, ink, 2, cv2.LINE_AA)
        for centre in places:
            cv2.circle(picture, centre, 3, ink, -1, cv2.LINE_AA)
        largest = max(value for _, value in points)
        shown = title if largest <= high else f"{title} {largest:.3g}"
        _write(picture, shown, (width - right + 15, 25 + 20 * row), ink)
    return picture


def _frame_table(e: Evaluation, shown: list[Measure]) -> list[str]:
    header = ["frame", *(f"{m.title} {m.unit}".strip() for m in shown)]
    rows = [[str(f.frame), *(_number(f.scores.get(m.name), m.digits) for m in shown)] for f in e.frames]
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    return ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in [header, *rows]]


def _shot_table(e: Evaluation) -> list[str]:
    lines = [f"{'shot':16}{'mean':>9}{'truth':>9}"]
    for m in MEASURES:
        if m.name in e.shot:
            mean, truth = _number(e.shot[m.name], m.digits), _number(e.shot_truth.get(m.name), m.digits)
            lines.append(f"{f'{m.title} {m.unit}'.strip():16}{mean:>9}{truth:>9}  {m.meaning}")
    return lines


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _plain(scores: dict[str, float]) -> dict[str, float | str]:
    return {name: value if math.isfinite(value) else "inf" for name, value in scores.items()}


def _write(panel: np.ndarray, text: str, at: tuple[int, int], ink: tuple[int, int, int] = (60, 60, 60)) -> None:
    cv2.putText(panel, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.42, ink, 1, cv2.LINE_AA)
