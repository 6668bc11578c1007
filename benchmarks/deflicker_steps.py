"""What the deflicker head leaves of many kinds of flicker across lamps that no environment tells of, against its peers.

    python benchmarks/deflicker_steps.py [--data data/validation] [--out benchmarks/deflicker_steps.md] [--before FILE.onnx]
    python benchmarks/deflicker_steps.py --plot benchmarks/deflicker_steps.png

Shots are those of `benchmarks/validation/render.py`, 192 px wide, their four frames played forth and back so that the motion is
real, at lengths of 8 to 24 frames, and their true residuals. A lamp is added to the relight by its direction on the true normals:
*none*; *known*, two thirds of it in the hint; *switch*, all of it in the residual, as where another program relit the frames;
*two*, on and most of it off again; *ramp*, brought up over 6 to 12 frames. All by chance (seeded).
Flicker goes on top: global, local in spots of 5 to 12 % (small) and 12 to 30 % (large) of the width, or by the direction a
surface faces; independent from frame to frame (white), 1/f, pulsing over 2 to 8 frames, pops, breathing (correlated by 0.9).

- *left*: change of the error from frame to frame along the motion of the plate, as a part of what went in.
- *kept*: without flicker, how much of the step of the lamp comes through in the frame it comes in (1 is all).
- *harm*: without flicker, root mean square of the change of the error, log gain.

Peers see the same seven aligned frames: weights by likeness (bilateral), least absolute change (total variation), and the
median on the side of the most likely step.
"""

# pyright: reportMissingImports=false
# relamp is found where it is installed.

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
from deflicker import Method, Shot, Window, as_markdown, changes, load_shot, rms
from report import Report

from relamp.core.light.sheet import write_png
from relamp.core.pictures.resample import working_shape
from relamp.core.process import pin_opencv
from relamp.core.temporal.align import NEIGHBOURS, RADIUS, Aligned, bring
from relamp.core.temporal.deflicker import SHIPPED, Deflicker
from relamp.core.temporal.flow import warp
from relamp.core.temporal.smaller import made
from relamp.core.temporal.working_frame import WorkingFrame

SHOTS = ("head", "cloth", "portrait", "still_life", "orbit", "sitter", "textures", "porch")
WIDTH = 192
LENGTHS = (8, 12, 16, 24)
THERE_AND_BACK = (0, 1, 2, 3, 2, 1)
STRENGTHS = (0.05, 0.1, 0.2)
EVENTS = ("none", "known", "switch", "two", "ramp")
FLICKER = (
    ("global", "white"), ("large", "white"), ("small", "white"), ("facing", "white"), ("global", "pops"), ("large", "pops"),
    ("global", "1/f"), ("large", "1/f"), ("global", "pulsing"), ("large", "pulsing"), ("global", "breathing"),
    ("large", "breathing"),
)  # fmt: skip
IN_HINT = 0.65


@dataclass(frozen=True)
class Case:
    """A steady shot whose lamp comes on: the looks before it, what it adds to the gain (F, h, w, 3), and its first frame."""

    shot: Shot
    lamp: np.ndarray
    first: int

    @cached_property
    def clean(self) -> np.ndarray:
        return np.stack([look.residual for look in self.shot.looks])

    @cached_property
    def aligned(self) -> list[Aligned]:
        """The windows without flicker; what is linear need not be aligned anew."""
        return [bring(self.shot.window(self.shot.looks, t), self.shot.tracks[t]) for t in range(len(self.shot.looks))]

    def run(self, methods: dict[str, Method], wrong: np.ndarray) -> dict[str, np.ndarray]:
        """What each method gets wrong, (F, h, w, 3) log gain, with `wrong` (F, h, w, 3) put into the residuals."""
        out: dict[str, list[np.ndarray]] = {name: [] for name in methods}
        looks = [replace(look, residual=look.residual + w) for look, w in zip(self.shot.looks, wrong, strict=True)]
        for t, aligned in enumerate(self.aligned):
            difference = aligned.difference.copy()
            for i, offset in enumerate(NEIGHBOURS):
                if offset in self.shot.tracks[t]:
                    difference[i] += warp(wrong[t + offset], self.shot.tracks[t][offset].back) - wrong[t]
            window = self.shot.window(looks, t)
            for name, method in methods.items():
                out[name].append(method(window, replace(aligned, difference=difference)) - self.clean[t])
        return {name: np.stack(frames) for name, frames in out.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("data/validation"))
    parser.add_argument("--out", type=Path, help="write the tables here, too")
    parser.add_argument("--before", type=Path, help="another file of the head, which gets a column of its own")
    parser.add_argument("--shots", default=",".join(SHOTS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--plot", type=Path, help="draw one pixel's residual over a switch instead")
    given = parser.parse_args()
    pin_opencv()
    methods = {
        "none": nothing,
        "bilateral": bilateral,
        "total variation": total_variation,
        "median by step": median_by_step,
    }
    if given.before:
        methods["head before"] = corrected(Deflicker("cpu", given.before))
    methods["head"] = corrected(Deflicker("cpu", SHIPPED))
    names = given.shots.split(",")
    bases = {name: base(given.data / name) for name in names}
    if given.plot:
        write_png(given.plot, traces(bases[names[0]], methods), overwrite=True)
        return
    found: dict[str, dict[str, list[float]]] = {}
    for number, (name, looks) in enumerate(bases.items()):
        for event in EVENTS:
            rng = np.random.default_rng([given.seed, number, EVENTS.index(event)])
            case = make(rng, name, looks, event)
            for column, values in scores(rng, case, methods, event, number).items():
                for method, value in values.items():
                    found.setdefault(column, {}).setdefault(method, []).append(value)
    say = Report(given.out)
    say(as_markdown("", {row: {m: float(np.mean(v)) for m, v in values.items()} for row, values in found.items()}))


def scores(
    rng: np.random.Generator, case: Case, methods: dict[str, Method], event: str, number: int
) -> dict[str, dict[str, float]]:
    """Rows of the table, by method; every case has a third of the flicker, each kind in turn."""
    rows: dict[str, dict[str, float]] = {}
    still = case.run(methods, np.zeros_like(case.clean))
    rows[f"{event}: harm"] = {name: rms(changes(case.shot, error)) for name, error in still.items()}
    if event in ("known", "switch"):
        true = changes(case.shot, case.lamp)[case.first - 1]
        lost = {n: changes(case.shot, error)[case.first - 1] for n, error in still.items()}
        rows[f"{event}: kept"] = {n: 1 + float((e * true).sum() / (true * true).sum()) for n, e in lost.items()}
    for k, (where, how) in enumerate(FLICKER):
        if k % 3 != number % 3:
            continue
        wrong = flicker(rng, case.shot.looks, where, how, float(rng.choice(STRENGTHS)))
        into = rms(changes(case.shot, wrong))
        rows[f"{event}, {where} {how}: left"] = {
            name: rms(changes(case.shot, error)) / into for name, error in case.run(methods, wrong).items()
        }
    return rows


# Shots


def base(folder: Path) -> list[WorkingFrame]:
    """The four looks of a shot, small."""
    looks = []
    for look in load_shot(folder).looks:
        s = made(look, working_shape(*look.matte.shape, WIDTH))
        looks.append(WorkingFrame(s.code, s.matte, s.normals, s.hint, s.residual))
    return looks


def make(rng: np.random.Generator, name: str, looks: list[WorkingFrame], event: str, frames: int = 0) -> Case:
    """A shot of a length by chance with a lamp that comes on."""
    frames = frames or int(rng.choice(LENGTHS))
    played = [looks[THERE_AND_BACK[t % 6]] for t in range(frames)]
    first = int(rng.integers(3, frames - 3))
    on = (np.arange(frames) >= first).astype(float)
    if event == "two":
        on = np.where(np.arange(frames) >= (first + frames) // 2, 0.2, on)
    elif event == "ramp":
        on = np.clip((np.arange(frames) - frames / 4) / rng.uniform(6, 12), 0, 1)
    elif event == "none":
        on = 0 * on
    toward = rng.normal((0, 0.3, 0.5), 1)
    toward = (toward / np.linalg.norm(toward)).astype(np.float32)
    colour = np.exp(rng.uniform(np.log(0.3), np.log(4))) * np.exp(rng.normal(0, 0.3, 3))
    lamp = np.stack(
        [
            np.log1p(o * colour * np.maximum(look.normals @ toward, 0)[..., None])
            for o, look in zip(on, played, strict=True)
        ]
    ).astype(np.float32)
    told = np.float32(IN_HINT if event == "known" else 0) * lamp
    lit = [
        replace(look, hint=look.hint + h, residual=look.residual + whole - h)
        for look, whole, h in zip(played, lamp, told, strict=True)
    ]
    return Case(Shot(name, lit), lamp, first)


# Flicker that is put in


def series(rng: np.random.Generator, how: str, frames: int, count: int) -> np.ndarray:
    """(F, count), a standard deviation of about 1."""
    steps = rng.standard_normal((frames, count))
    if how == "1/f":
        bands = np.fft.rfft(steps, axis=0)
        bands /= np.sqrt(np.maximum(np.arange(len(bands)), 1))[:, None]
        steps = np.fft.irfft(bands, frames, axis=0)
        return steps / steps.std()
    if how == "pulsing":
        period, begun = rng.uniform(2, 8), rng.uniform(0, 2 * np.pi, count)
        return np.sqrt(2) * np.sin(2 * np.pi * np.arange(frames)[:, None] / period + begun)
    if how == "pops":
        return np.where((np.arange(frames) % 6 == 3)[:, None], 2.5 * np.sign(steps), 0)
    if how == "breathing":
        for t in range(1, frames):
            steps[t] = 0.9 * steps[t - 1] + np.sqrt(1 - 0.81) * steps[t]
    return steps


def flicker(rng: np.random.Generator, looks: list[WorkingFrame], where: str, how: str, strength: float) -> np.ndarray:
    """(F, h, w, 3) log gain."""
    frames, (h, w) = len(looks), looks[0].matte.shape
    if where == "global":
        level = series(rng, how, frames, 1) * (1 + 0.3 * rng.standard_normal(3))  # (F, 3)
        return np.broadcast_to(strength * level[:, None, None], (frames, h, w, 3)).astype(np.float32)
    if where == "facing":
        toward = 1.5 * strength * series(rng, how, frames, 3)
        gains = [look.normals @ d.astype(np.float32) for look, d in zip(looks, toward, strict=True)]
        return np.repeat(np.stack(gains)[..., None], 3, -1)
    y, x = np.mgrid[:h, :w].astype(np.float32)
    least, most, count = (0.12, 0.3, 6) if where == "large" else (0.05, 0.12, 14)
    total = np.zeros((frames, h, w, 3), np.float32)
    for level in series(rng, how, frames, count).T:
        place, speed, radius = rng.uniform((0, 0), (w, h)), rng.normal(0, 1.5, 2), rng.uniform(least, most) * w
        tint = 1.3 * strength * (1 + 0.3 * rng.standard_normal(3))
        for t in range(frames):
            far = (x - place[0] - speed[0] * t) ** 2 + (y - place[1] - speed[1] * t) ** 2
            total[t] += (np.exp(-far / (2 * radius * radius))[..., None] * (level[t] * tint)).astype(np.float32)
    return total


# Methods


def nothing(window: Window, _: Aligned) -> np.ndarray:
    return _residual(window)


def corrected(head: Deflicker) -> Method:
    """A head as a method."""

    def ours(window: Window, aligned: Aligned) -> np.ndarray:
        return _residual(window) + head.correct(aligned)

    return ours


def bilateral(window: Window, aligned: Aligned) -> np.ndarray:
    """Weights that halve at a difference of 0.1 log gain, on means of 20 px."""
    return _residual(window) + _weighted(aligned, lambda d: np.exp(-np.log(2) * (np.abs(d).mean(-1) / 0.1) ** 2))


def total_variation(window: Window, aligned: Aligned) -> np.ndarray:
    """Least squares plus 0.2 times the sum of absolute changes over the window, by reweighting, on means of 20 px."""
    values, sure = _series(aligned)  # (7, h, w, 3), (7, h, w)
    smooth = values.copy()
    apart = np.eye(len(values))[1:] - np.eye(len(values))[:-1]
    for _ in range(6):
        edges = 0.2 / (np.abs(np.diff(smooth, axis=0)).mean(-1) + 0.01)  # (6, h, w)
        system = np.einsum("ka,khw,kb->hwab", apart, edges, apart) + np.einsum(
            "ahw,ab->hwab", sure, np.eye(len(values))
        )
        right = np.moveaxis(values * sure[..., None], 0, 2)  # (h, w, 7, 3)
        smooth = np.moveaxis(np.linalg.solve(system, right), 2, 0)
    return _residual(window) + _wide(smooth[RADIUS], aligned)


def median_by_step(window: Window, aligned: Aligned) -> np.ndarray:
    """The median of the frames on the middle one's side of the split that leaves least squares, if that is under a third."""
    values, sure = _series(aligned)
    best = _squares(values, sure)
    limit, kept = best / 3, np.ones_like(sure, bool)
    for last in range(len(values) - 1):
        left = _squares(values[: last + 1], sure[: last + 1]) + _squares(values[last + 1 :], sure[last + 1 :])
        better = left < np.minimum(limit, best)
        best = np.where(better, left, best)
        side = (np.arange(len(values)) <= last) == (last >= RADIUS)
        kept = np.where(better, side[:, None, None], kept)
    picked = np.where((kept & (sure > 0.3))[..., None], values, np.nan)
    return _residual(window) + _wide(np.nanmedian(picked, axis=0), aligned)


def _squares(values: np.ndarray, sure: np.ndarray) -> np.ndarray:
    weight = sure[..., None]
    mean = (weight * values).sum(0) / (weight.sum(0) + 1e-3)
    return (weight * (values - mean) ** 2).sum(0).mean(-1)


def _weighted(aligned: Aligned, like: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    values, sure = _series(aligned)
    weight = (sure * like(values))[..., None]
    return _wide((weight * values).sum(0) / weight.sum(0), aligned)


def _series(aligned: Aligned) -> tuple[np.ndarray, np.ndarray]:
    """The window in cells of 4 px: differences (7, h, w, 3), means of 20 px, and confidences (7, h, w)."""
    h, w = (n // 4 for n in aligned.matte.shape)
    sure = [cv2.resize(cv2.blur(c * aligned.matte, (21, 21)), (w, h)) for c in aligned.confidence]
    mean = [
        cv2.resize(cv2.blur(d * (c * aligned.matte)[..., None], (21, 21)), (w, h)) / (s[..., None] + 1e-3)
        for d, c, s in zip(aligned.difference, aligned.confidence, sure, strict=True)
    ]
    mean.insert(RADIUS, np.zeros_like(mean[0]))
    sure.insert(RADIUS, np.ones_like(sure[0]))
    return np.stack(mean), np.stack(sure)


def _wide(cells: np.ndarray, aligned: Aligned) -> np.ndarray:
    return cv2.resize(cells.astype(np.float32), aligned.matte.shape[::-1])


def _residual(window: Window) -> np.ndarray:
    middle = window[RADIUS]
    assert middle is not None
    return middle.residual


# What it looks like


def traces(looks: list[WorkingFrame], methods: dict[str, Method]) -> np.ndarray:
    """The residual of the subject's brightest place over 24 frames with a switch half-way and flicker: a panel a kind."""
    rng = np.random.default_rng(3)
    case = make(rng, "traces", looks, "switch", 24)
    drawn = [name for name in ("none", "head before", "head") if name in methods]
    panels = []
    for where, how in (("global", "white"), ("large", "white"), ("global", "pops"), ("large", "pulsing")):
        error = case.run({name: methods[name] for name in drawn}, flicker(rng, case.shot.looks, where, how, 0.1))
        strength = np.where(looks[0].matte > 0.9, np.abs(case.lamp[-1]).mean(-1), 0)
        row, column = np.unravel_index(np.argmax(cv2.blur(strength, (9, 9))), strength.shape)
        lines = {"truth": case.clean[:, row, column, 1]}
        lines |= {name: (case.clean + e)[:, row, column, 1] for name, e in error.items()}
        panels.append(panel(f"{where} {how}", lines))
    return np.concatenate(panels)


def panel(title: str, lines: dict[str, np.ndarray]) -> np.ndarray:
    """Lines over frames, (H, W, 3) uint8."""
    picture = np.full((220, 900, 3), 250, np.uint8)
    low, high = (f([f(v) for v in lines.values()]) for f in (np.min, np.max))
    inks = {"truth": (40, 40, 40), "none": (190, 190, 190), "head before": (200, 110, 60), "head": (40, 140, 60)}
    cv2.putText(picture, title, (40, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (60, 60, 60), 1, cv2.LINE_AA)
    for k, (name, values) in enumerate(lines.items()):
        at = [(40 + 35 * t, int(195 - 165 * (v - low) / max(high - low, 1e-6))) for t, v in enumerate(values)]
        cv2.polylines(picture, [np.array(at)], False, inks[name], 2, cv2.LINE_AA)
        cv2.putText(picture, name, (300 + 140 * k, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.45, inks[name], 1, cv2.LINE_AA)
    return picture


if __name__ == "__main__":
    main()
