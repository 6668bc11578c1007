"""What the deflicker head takes out and keeps on many shots, with and without a lamp that is switched, beside other filters.

    python benchmarks/deflicker_wide.py [--seeds 3] [--out benchmarks/deflicker_wide.md] [--against FILE.onnx] [WORDS ...]

Shots are the scenes of `flicker_shots.py`, or those whose names hold one of WORDS: traced, so that the true residual of each
frame is known. Flicker of one kind at a time is put in, as loud and as wide as the scene says, anew for each seed. All filters
see the same seven frames, but ffmpeg's deflicker, which takes a mean of seven of its own.

- *global*, *local*, *pops*, *breathing*: change of the error (output less truth) from frame to frame along the motion of the
  plate, root mean square, as a part of what went in. It holds what was not taken out and what was done wrong.
- *at a switch*: the same over the frame pairs whose windows hold a switch, for global and local flicker.
- *switch kept*: slope of the output's step over the true one, without flicker, and with global flicker and its opposite, so that
  the flicker's own steps cancel in the mean.
- *change kept*, without flicker: slope of the whole gain's true change over the shot, and its error as a part of that change,
  in shots in which the relight changes.
"""

# pyright: reportMissingImports=false
from __future__ import annotations

import argparse
import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from deflicker import KINDS, Method, Shot, Window, as_markdown, by_ffmpeg, changes, make_methods, rms
from flicker_shots import SCENES, Scene, traced
from report import Report

from relamp.core.process import pin_opencv
from relamp.core.temporal.align import RADIUS, Aligned
from relamp.core.temporal.deflicker import SHIPPED, Deflicker
from relamp.core.temporal.head import POOL
from relamp.core.temporal.working_frame import WorkingFrame

WIDE_KINDS = ("global", "local", "pops", "breathing")
PRICE = 0.2  # log gain, of a step in the total variation; 0.05 left more of every flicker
ROUNDS = 12  # of reweighted least squares
STEP = 0.05  # squared log gain a step must explain, summed over the window
Found = dict[str, dict[str, list[float]]]  # by method and column


@dataclass(frozen=True)
class Wide(Shot):
    """A traced scene."""

    scene: Scene = SCENES[0]


def main() -> None:
    """Measure all methods on all shots and seeds, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="*")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/deflicker_wide.md"))
    parser.add_argument("--head", type=Path, default=SHIPPED, help="another file of the head")
    parser.add_argument("--against", type=Path, help="one more file of the head, which gets a row of its own")
    given = parser.parse_args()
    pin_opencv()
    head = Deflicker("cpu", given.head)
    methods = {name: method for name, method in make_methods(head).items() if name not in ("median", "head")}
    methods |= {"total variation": total_variation, "one step": one_step}
    if given.against:
        methods["other head"] = make_methods(Deflicker("cpu", given.against))["head"]
    methods["head"] = make_methods(head)["head"]
    say = Report(given.out)
    scenes = [scene for scene in SCENES if not given.words or any(word in scene.name for word in given.words)]
    say(
        f"Head {head.weights[:12]}, {len(scenes)} shots, {sum(s.frames for s in scenes)} frames, {given.seeds} seeds.\n"
    )
    everywhere: Found = defaultdict(lambda: defaultdict(list))
    by_shot: dict[str, dict[str, float]] = {}
    for scene in scenes:
        found = measured(Wide(scene.name, traced(scene), scene=scene), methods, given.seeds)
        by_shot[scene.name] = means({"head": found["head"]})["head"]
        for name, columns in found.items():
            for column, values in columns.items():
                everywhere[name][column] += values
    say(as_markdown("mean over shots and seeds", means(everywhere)) + "\n")
    say(as_markdown("head, by shot", by_shot) + "\n")
    say(f"Load {os.getloadavg()[0]:.1f} at the end.")


def means(found: Found) -> dict[str, dict[str, float]]:
    """By method and column."""
    return {name: {column: float(np.mean(v)) for column, v in columns.items()} for name, columns in found.items()}


def measured(shot: Wide, methods: dict[str, Method], seeds: int) -> Found:
    """Every column of every method: a value a seed, and of what holds no flicker one value a switch."""
    found: Found = defaultdict(lambda: defaultdict(list))
    clean, hints = (np.stack([getattr(look, name) for look in shot.looks]) for name in ("residual", "hint"))
    true = changes(shot, clean + hints)
    for name, out in everything(shot, methods, shot.looks).items():
        ours = changes(shot, out + hints)
        _kept(found[name], shot, ours, true, "switch kept")
        if _changes_light(shot.scene):
            found[name]["change kept"].append(slope(np.concatenate(ours), np.concatenate(true)))
            found[name]["its error"].append(rms([a - b for a, b in zip(ours, true, strict=True)]) / rms(true))
    for seed in range(seeds):
        for kind in WIDE_KINDS:
            rng = np.random.default_rng([seed, shot.scene.seed, WIDE_KINDS.index(kind)])
            wrong = np.asarray(KINDS[kind](rng, clean.shape, shot.scene.flicker), np.float32)
            looks = [replace(look, residual=look.residual + w) for look, w in zip(shot.looks, wrong, strict=True)]
            into = changes(shot, wrong)
            for name, out in everything(shot, methods, looks).items():
                error = changes(shot, out - clean)
                found[name][kind].append(rms(error) / rms(into))
                near = _near(shot.scene)
                if kind in ("global", "local") and near:
                    at = rms([error[t] for t in near]) / rms([into[t] for t in near])
                    found[name][f"{kind} at a switch"].append(at)
                if kind == "global":
                    _kept(found[name], shot, changes(shot, out + hints), true, "switch kept, flickering")
            if kind == "global" and shot.scene.switches:
                # With the opposite flicker, so that the flicker's own steps cancel in the mean.
                looks = [replace(look, residual=look.residual - w) for look, w in zip(shot.looks, wrong, strict=True)]
                for name, out in everything(shot, methods, looks).items():
                    _kept(found[name], shot, changes(shot, out + hints), true, "switch kept, flickering")
    return found


def everything(shot: Wide, methods: dict[str, Method], looks: list[WorkingFrame]) -> dict[str, np.ndarray]:
    """What all methods make of a shot, (F, h, w, 3) each."""
    out = shot.run(methods, looks)
    return {**{n: v for n, v in out.items() if n != "head"}, "ffmpeg deflicker": by_ffmpeg(looks), "head": out["head"]}


def _kept(
    columns: dict[str, list[float]], shot: Wide, ours: list[np.ndarray], true: list[np.ndarray], name: str
) -> None:
    for switch in shot.scene.switches:
        columns[name].append(slope(ours[switch - 1], true[switch - 1]))  # the change into the first frame after it


def _near(scene: Scene) -> list[int]:
    """The changes between frames one of whose windows holds a switch, as indices of what `changes` gives."""
    near = {t for switch in scene.switches for t in range(switch - RADIUS - 1, switch + RADIUS)}
    return sorted(t for t in near if 0 <= t < scene.frames - 1)


def _changes_light(scene: Scene) -> bool:
    return bool(scene.power or scene.turn or scene.swap)


def slope(ours: np.ndarray, true: np.ndarray) -> float:
    """Of one change over another."""
    return float((ours * true).sum() / (true * true).sum())


# Filters that keep steps, on cells as the head's, along the motion of the plate


def total_variation(window: Window, aligned: Aligned) -> np.ndarray:
    """Least squares over the window with a price for each step between frames, its colours together: the middle frame of it.

    Solved by iteratively reweighted least squares.
    """
    values, weights, shape = in_window(aligned)  # (P, 7, 3), (P, 7)
    steps = np.diff(np.eye(2 * RADIUS + 1), axis=0)  # (6, 7)
    squares = np.einsum("si,sj->sij", steps, steps).reshape(len(steps), -1)
    found = values
    for _ in range(ROUNDS):
        size = np.sqrt(((steps @ found) ** 2).sum(-1) + 1e-6)  # (P, 6)
        between = ((PRICE / size) @ squares).reshape(len(values), 2 * RADIUS + 1, -1)
        found = np.linalg.solve(between + weights[:, :, None] * np.eye(2 * RADIUS + 1), weights[..., None] * values)
    return corrected(window, found[:, RADIUS], shape)


def one_step(window: Window, aligned: Aligned) -> np.ndarray:
    """The window as one level, or as two where that explains `STEP` more (Potts): the level of the middle frame."""
    values, weights, shape = in_window(aligned)
    mass, first = weights[..., None], weights[..., None] * values
    best, level = _off(values, mass, slice(None)), first.sum(1) / mass.sum(1)
    for at in range(1, 2 * RADIUS + 1):
        parts = slice(None, at), slice(at, None)
        off = STEP + sum(_off(values, mass, part) for part in parts)
        own = parts[at <= RADIUS]
        better = off < best
        best = np.where(better, off, best)
        level = np.where(better[:, None], first[:, own].sum(1) / mass[:, own].sum(1), level)
    return corrected(window, level, shape)


def _off(values: np.ndarray, mass: np.ndarray, part: slice) -> np.ndarray:
    """Sum of squares (P,) of a part of the window about its mean."""
    v, m = values[:, part], mass[:, part]
    mean = (m * v).sum(1, keepdims=True) / m.sum(1, keepdims=True)
    return (m * (v - mean) ** 2).sum((1, 2))


def in_window(aligned: Aligned) -> tuple[np.ndarray, np.ndarray, tuple[int, int]]:
    """An aligned window in cells: differences to the middle frame (P, 7, 3), weights (P, 7), and how many cells (h, w)."""
    height, width = aligned.matte.shape
    shape = (height // POOL, width // POOL)
    sure = np.stack([_small(c, shape) for c in aligned.confidence])  # (6, h, w)
    moved = np.stack(
        [_small(d * c[..., None], shape) for d, c in zip(aligned.difference, aligned.confidence, strict=True)]
    )
    moved = moved / np.maximum(sure, 1e-3)[..., None]
    values = np.insert(moved, RADIUS, 0, axis=0).reshape(2 * RADIUS + 1, -1, 3)
    weights = np.insert(sure, RADIUS, 1, axis=0).reshape(2 * RADIUS + 1, -1)
    return values.transpose(1, 0, 2).astype(np.float64), np.maximum(weights.T, 1e-3).astype(np.float64), shape


def corrected(window: Window, correction: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """The middle residual with a correction of its cells, (P, 3)."""
    middle = window[RADIUS]
    assert middle is not None
    height, width = middle.matte.shape
    picture = correction.reshape(*shape, 3).astype(np.float32)
    return middle.residual + cv2.resize(picture, (width, height), interpolation=cv2.INTER_LINEAR)


def _small(picture: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    return cv2.resize(np.ascontiguousarray(picture, np.float32), (shape[1], shape[0]), interpolation=cv2.INTER_AREA)


if __name__ == "__main__":
    main()
