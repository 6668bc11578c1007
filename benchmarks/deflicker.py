"""What the deflicker head takes out and what it keeps, against simpler filters, on shots the training code did not make.

    python benchmarks/deflicker.py [--data data/flicker ...] [--out benchmarks/deflicker] [--head FILE.onnx]
    python benchmarks/deflicker.py --tables own --out benchmarks/deflicker_own

Shots are those of `benchmarks/validation/render_flicker.py`: true relights by another renderer, with maps, normals and
mattes; each folder has tables of its own. Their residuals over the hint are steady; flicker of one kind at a time is put in,
and every method sees the same seven frames.

- *left*: change of the error (output less truth) from frame to frame along the motion of the plate, root mean square, as a part
  of what went in. So it holds what was not taken out and what was done wrong. Light is coarse: what is finer than a 24th of
  the picture (noise of the renderer, hair that is not followed quite) is averaged out first.
- *kept*, without flicker: true change of the whole gain along the motion that comes through, as the slope of output over
  truth, the error as a part of the change, and the delay in frames; frames around a switched light that are off by more than
  5 % of the step.
- *own*: our own relighter's output before and after, through `relamp render` and `relamp evaluate`.
- *speed*: processor ms a frame, and as a part of a whole frame of `relamp render --backbone relamp --deflicker`.

Writes the tables as markdown, and a plot of what is left.
"""

# pyright: reportMissingImports=false
# relamp is found where it is installed.

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import av
import av.filter
import cv2
import numpy as np

from relamp.core.cli import main as relamp
from relamp.core.evaluation.evaluate import evaluate
from relamp.core.evaluation.flicker import COARSE
from relamp.core.gain.analytic import between
from relamp.core.gain.proxy import exposure_anchor
from relamp.core.light.camera import load_camera
from relamp.core.light.sheet import write_png
from relamp.core.light.sources import MapLight, camera_to_map
from relamp.core.pictures import exr
from relamp.core.pictures.colour import Colour
from relamp.core.pictures.curves import FLOOR, encode_log
from relamp.core.pictures.sequence import Sequence
from relamp.core.process import pin_opencv
from relamp.core.temporal.align import RADIUS, Aligned, Aligner, Link, Track, bring, links
from relamp.core.temporal.deflicker import SHIPPED, Deflicker
from relamp.core.temporal.flow import warp
from relamp.core.temporal.smaller import Smaller
from relamp.core.temporal.working_frame import WorkingFrame

AROUND = 4  # frames to each side of a switch that are looked at
FIRST = 1001
FOLDERS = ("flicker", "flicker_fresh", "flicker_unseen")
OWN = ("head", "cloth", "still_life_sun", "orbit")  # shots our own relighter is measured on
OWN_FRAMES = 12  # and how much of them

Window = list[WorkingFrame | None]
Method = Callable[[Window, Aligned], np.ndarray]


@dataclass(frozen=True)
class Shot:
    """A steady relight: its looks, whose residuals are the truth, and the frame at which its lamp is switched, if it is."""

    name: str
    looks: list[WorkingFrame]
    switch: int | None = None

    def window(self, looks: list[WorkingFrame], t: int) -> Window:
        """Frame `t` among its neighbours."""
        return [looks[n] if 0 <= n < len(looks) else None for n in range(t - RADIUS, t + RADIUS + 1)]

    @cached_property
    def tracks(self) -> list[dict[int, Track]]:
        """The motion around each frame, worked out once: flicker does not touch the plate."""
        aligner = Aligner()
        return [aligner.tracks(self.window(self.looks, t)) for t in range(len(self.looks))]

    @cached_property
    def links(self) -> list[Link]:
        """The motion from each frame but the first to the one before."""
        return [links(now.code, before.code)[0] for before, now in pairwise(self.looks)]

    def run(self, methods: dict[str, Method], looks: list[WorkingFrame]) -> dict[str, np.ndarray]:
        """What each method makes of these looks, (F, h, w, 3)."""
        out: dict[str, list[np.ndarray]] = {name: [] for name in methods}
        for t in range(len(looks)):
            window = self.window(looks, t)
            aligned = bring(window, self.tracks[t])
            for name, method in methods.items():
                out[name].append(method(window, aligned))
        return {name: np.stack(frames) for name, frames in out.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, nargs="+", default=[Path(f"data/{name}") for name in FOLDERS])
    parser.add_argument("--out", type=Path, default=Path("benchmarks/deflicker"), help="writes OUT.md and OUT.png")
    parser.add_argument("--head", type=Path, default=SHIPPED, help="another file of the head")
    parser.add_argument("--against", type=Path, help="one more file of the head, which gets a row of its own")
    parser.add_argument("--shots", help="names, separated by commas; all of them without it")
    parser.add_argument("--tables", default="left,kept,speed", help="of left, kept, own, speed")
    given = parser.parse_args()
    pin_opencv()
    head, tables = Deflicker("cpu", given.head), given.tables.split(",")
    methods, pages, plots = make_methods(head), [], []
    if given.against:
        methods["head before"] = make_methods(Deflicker("cpu", given.against))["head"]
    for folder in given.data:
        shots = (
            load_shots(folder, given.shots.split(",") if given.shots else None) if {"left", "kept"} & {*tables} else []
        )
        pages += [f"`{folder}`, head {head.weights[:12]}" + (": " * bool(shots)) + ", ".join(s.name for s in shots)]
        if "left" in tables:
            left = table_of_left(shots, methods)
            pages += [as_markdown("left", left)]
            plots += [bars(folder.name, left)]
        if "kept" in tables:
            pages += [as_markdown("kept", table_of_kept(shots, methods))]
        if "own" in tables:
            pages += [as_markdown("own relighter", table_of_own(folder))]
    if "speed" in tables:
        pages += [as_markdown("processor ms a frame", table_of_speed(head))]
    given.out.with_suffix(".md").write_text("\n\n".join(pages) + "\n", encoding="utf-8")
    if plots:
        write_png(given.out.with_suffix(".png"), np.concatenate(plots), overwrite=True)
    print("\n\n".join(pages))


# Shots


def load_shots(folder: Path, names: list[str] | None = None) -> list[Shot]:
    """Every shot of the folder, and one whose lamp is switched: a shot that becomes the same one under other lights."""
    there = [f for f in sorted(folder.iterdir()) if (f / f"truth.{FIRST + 2 * RADIUS}.exr").exists()]
    shots = [load_shot(f) for f in there if names is None or f.name in names]
    by_name = {shot.name: shot for shot in shots}
    for name, shot in by_name.items():
        others = [other for other in by_name if other.startswith(f"{name}_")]
        for other in others:
            middle = min(len(shot.looks), len(by_name[other].looks)) // 2
            looks = shot.looks[:middle] + by_name[other].looks[middle : 2 * middle]
            shots.append(Shot(f"{name} switched", looks, middle))
    return shots


def load_shot(folder: Path) -> Shot:
    """The true residuals of a rendered shot over its hints, at its own size."""
    colour = Colour()
    files = {n: Sequence.parse(folder / f"{n}.####.exr") for n in ("plate", "truth", "matte", "normals")}
    frames = files["truth"].frames_on_disk()
    camera = load_camera(folder / "camera.json")
    lights = {n: MapLight(Sequence.parse(_map(folder, n)), colour) for n in ("env_a", "env_b")}
    looks, anchor = [], None
    for frame in frames:
        plate, truth = (exr.read_frame(files[n].path(frame), colour=colour) for n in ("plate", "truth"))
        matte = exr.read_matte(files["matte"].path(frame)).over(plate)[..., 0]
        normals = exr.read_normals(files["normals"].path(frame)).over(plate)
        normals = normals / np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), 1e-6)
        anchor = anchor or exposure_anchor(plate.rgb.reshape(-1, 3), matte.ravel(), colour.luminance_weights)
        rotation = camera.at(frame).rotation
        turned = [light.light(frame).turned(camera_to_map((0, 0, 0), rotation)) for light in lights.values()]
        hint = between(turned[1], turned[0]).at(normals.astype(np.float32))
        before, after = (np.maximum(f.rgb, 0) * anchor + FLOOR for f in (plate, truth))
        residual = np.clip(np.log(after / before), -6, 6) - hint
        look = WorkingFrame(
            encode_log(plate.rgb * np.float32(anchor)), matte, normals, hint, residual.astype(np.float32)
        )
        looks.append(look)
    return Shot(folder.name, looks)


def _map(folder: Path, name: str) -> Path:
    still = folder / f"{name}.exr"
    return still if still.exists() else folder / f"{name}.####.exr"


# Flicker that is put in: (F, h, w, 3) log gain


@dataclass(frozen=True)
class Flicker:
    """`strength` is about the standard deviation in log gain, `tint` that of the colours as a part of it, `radius` that of spots
    as a part of the picture's width; every so many frames one pops.
    """

    strength: float = 0.1
    tint: float = 0.3
    radius: tuple[float, float] = (0.08, 0.25)
    every: int = 6


def everything(rng: np.random.Generator, shape: tuple[int, ...], how: Flicker) -> np.ndarray:
    """Gain and tint of whole frames."""
    level = rng.normal(0, 1, (shape[0], 1, 1, 1)) + rng.normal(0, how.tint, (shape[0], 1, 1, 3))
    return np.broadcast_to(how.strength * level, shape)


def local(rng: np.random.Generator, shape: tuple[int, ...], how: Flicker) -> np.ndarray:
    """Soft spots that wander over the picture, each with a brightness of its own in every frame."""
    frames, h, w, _ = shape
    y, x = np.mgrid[:h, :w]
    total = np.zeros(shape)
    for _ in range(6):
        place, speed, radius = rng.uniform((0, 0), (w, h)), rng.normal(0, 2, 2), rng.uniform(*how.radius) * w
        for t in range(frames):
            at = place + speed * t
            spot = np.exp(-(((x - at[0]) ** 2 + (y - at[1]) ** 2) / (2 * radius**2)))
            total[t] += spot[..., None] * rng.normal(0, 1.5 * how.strength)
    return total


def pops(rng: np.random.Generator, shape: tuple[int, ...], how: Flicker) -> np.ndarray:
    """Single frames that are off as a whole."""
    popped = np.arange(shape[0]) % how.every == how.every // 2
    off = np.where(popped, rng.choice([-1, 1], shape[0]) * 2.5 * how.strength, 0)
    return np.broadcast_to(off[:, None, None, None], shape)


def breathing(rng: np.random.Generator, shape: tuple[int, ...], how: Flicker) -> np.ndarray:
    """Slow changes of level, correlated by 0.9 from frame to frame."""
    level = rng.normal(0, how.strength, shape[0])
    for t in range(1, shape[0]):
        level[t] = 0.9 * level[t - 1] + np.sqrt(1 - 0.81) * level[t]
    return np.broadcast_to(level[:, None, None, None], shape)


def drifting(rng: np.random.Generator, shape: tuple[int, ...], how: Flicker) -> np.ndarray:
    """Low-frequency fields, correlated by 0.5."""
    frames, h, w, _ = shape
    grid = rng.normal(0, 1, (frames, 4, 5))
    for t in range(1, frames):
        grid[t] = 0.5 * grid[t - 1] + np.sqrt(0.75) * grid[t]
    wide = [cv2.resize(g, (w, h), interpolation=cv2.INTER_CUBIC) for g in grid]
    return np.broadcast_to(how.strength * np.stack(wide)[..., None], shape)


KINDS = {"global": everything, "local": local, "pops": pops, "breathing": breathing, "drifting": drifting}


# Methods


def make_methods(head: Deflicker) -> dict[str, Method]:
    """Every method sees a window of looks, also aligned, and gives the middle residual."""

    def nothing(window: Window, _: Aligned) -> np.ndarray:
        return _middle(window).residual

    def gaussian(window: Window, _: Aligned) -> np.ndarray:
        there = [(i - RADIUS, look.residual) for i, look in enumerate(window) if look is not None]
        weights = np.array([np.exp(-(offset**2) / (2 * 1.5**2)) for offset, _ in there])
        return np.tensordot(weights / weights.sum(), np.stack([r for _, r in there]), 1).astype(np.float32)

    def median(window: Window, _: Aligned) -> np.ndarray:
        return np.median(np.stack([look.residual for look in window if look is not None]), axis=0)

    def flow_median(window: Window, aligned: Aligned) -> np.ndarray:
        moved = aligned.difference.copy()
        moved[aligned.confidence < 0.5] = np.nan
        return _middle(window).residual + np.nanmedian(np.concatenate([moved, np.zeros_like(moved[:1])]), axis=0)

    def ours(window: Window, aligned: Aligned) -> np.ndarray:
        return _middle(window).residual + head.correct(aligned)

    return {"none": nothing, "Gaussian": gaussian, "median": median, "flow median": flow_median, "head": ours}


def by_ffmpeg(looks: list[WorkingFrame]) -> np.ndarray:
    """ffmpeg's deflicker (arithmetic mean of 7 frames' luma) on the display-encoded relight, by PyAV.

    It scales whole frames, so its factor is measured on the matte and given to every pixel; it ignores the plate.
    """
    gain = np.stack([look.residual + look.hint for look in looks])
    light = np.exp(3 * np.stack([look.code for look in looks]) + gain) * 0.18
    shown = np.clip(0.5 * light.mean(-1), 0, 1) ** (1 / 2.2)  # (F, h, w)
    after = filtered((shown * 65535).round().astype(np.uint16), f"size={2 * RADIUS + 1}:mode=am") / 65535
    factors = []
    for look, a, b in zip(looks, shown, after, strict=True):
        inside = (look.matte > 0.5) & (a > 0.02) & (a < 0.98)
        factors.append(2.2 * np.log(max(b[inside].mean(), 1e-4) / a[inside].mean()))
    return np.stack([look.residual for look in looks]) + np.array(factors, np.float32)[:, None, None, None]


def filtered(frames: np.ndarray, options: str) -> np.ndarray:
    """Frames (F, h, w) uint16 after ffmpeg's filter `deflicker`."""
    graph = av.filter.Graph()
    source = graph.add_buffer(
        width=frames.shape[2], height=frames.shape[1], format=av.VideoFormat("gray16le"), time_base=Fraction(1, 24)
    )
    stages = [source, graph.add("deflicker", options), graph.add("buffersink")]
    for one, other in pairwise(stages):
        one.link_to(other)
    graph.configure()
    for t, frame in enumerate(frames):
        picture = av.VideoFrame.from_ndarray(frame, format="gray16le")
        picture.pts, picture.time_base = t, Fraction(1, 24)
        graph.push(picture)
    graph.push(None)
    out = []
    while len(out) < len(frames):
        out.append(graph.pull().to_ndarray())
    return np.stack(out)


def _middle(window: Window) -> WorkingFrame:
    middle = window[RADIUS]
    assert middle is not None
    return middle


# Measures


def changes(shot: Shot, values: np.ndarray) -> list[np.ndarray]:
    """From each frame to the next, along the motion of the plate, where both show the same point inside the matte: (P, 3)."""
    return [coarse(values[t] - moved, seen) for t, moved, seen in followed(shot, values)]


def followed(shot: Shot, values: np.ndarray) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """Each frame but the first with the values of the one before, brought onto it, and where both show the same point."""
    for t in range(1, len(values)):
        link = shot.links[t - 1]
        before = warp(shot.looks[t - 1].matte, link.back)
        seen = (link.sure > 0.8) & (shot.looks[t].matte > 0.9) & (before > 0.9)
        yield t, warp(np.ascontiguousarray(values[t - 1], np.float32), link.back), seen


def delay(shot: Shot, error: np.ndarray, true: list[np.ndarray]) -> float:
    """Frames by which the output is late, from its error (F, h, w, 3): a light that is late lags by as much change.

    What is smeared alike to both sides is not late; slopes and frames off tell of it.
    """
    lag = sum(
        float((coarse((error[t] + moved) / 2, seen) * true[t - 1]).sum()) for t, moved, seen in followed(shot, error)
    )
    return -lag / sum(float((change * change).sum()) for change in true)


def coarse(picture: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Means of a picture (h, w, 3) around the pixels that are seen, of what is seen there, (P, 3)."""
    side = (max(1, round(min(seen.shape) / COARSE)),) * 2
    count = cv2.blur(seen.astype(np.float32), side, borderType=cv2.BORDER_CONSTANT)[..., None]
    total = cv2.blur(np.where(seen[..., None], picture, 0), side, borderType=cv2.BORDER_CONSTANT)
    return (total / np.maximum(count, 1e-6))[seen]


def rms(parts: list[np.ndarray]) -> float:
    return float(np.sqrt(np.mean(np.concatenate([p.ravel() for p in parts]) ** 2)))


def flickering(shot: Shot, kind: str) -> tuple[list[WorkingFrame], np.ndarray]:
    """The shot with flicker put in, the same for every method, and the flicker."""
    rng = np.random.default_rng([len(shot.name), list(KINDS).index(kind)])
    shape = (len(shot.looks), *shot.looks[0].residual.shape)
    wrong = np.asarray(KINDS[kind](rng, shape, Flicker()), np.float32)
    return [replace(look, residual=look.residual + w) for look, w in zip(shot.looks, wrong, strict=True)], wrong


def table_of_left(shots: list[Shot], methods: dict[str, Method]) -> dict[str, dict[str, float]]:
    """By method and kind: what is left, mean over the shots."""
    found: dict[str, dict[str, list[float]]] = {}
    for shot in shots:
        clean = np.stack([look.residual for look in shot.looks])
        for kind in KINDS:
            looks, wrong = flickering(shot, kind)
            into = rms(changes(shot, wrong))
            results = shot.run(methods, looks)
            results["ffmpeg deflicker"] = by_ffmpeg(looks)
            for name, out in results.items():
                left = rms(changes(shot, out - clean)) / into
                found.setdefault(name, {}).setdefault(kind, []).append(left)
    return {name: {kind: float(np.mean(v)) for kind, v in kinds.items()} for name, kinds in found.items()}


def table_of_kept(shots: list[Shot], methods: dict[str, Method]) -> dict[str, dict[str, float]]:
    """By method: slope and error of the true change of each shot without and with flicker, frames off beside a switch."""
    found: dict[str, dict[str, float]] = {}
    for shot in shots:
        clean = np.stack([look.residual for look in shot.looks])
        hints = np.stack([look.hint for look in shot.looks])
        true = changes(shot, clean + hints)
        noisy, _ = flickering(shot, "global")
        steady, shaken = shot.run(methods, shot.looks), shot.run(methods, noisy)
        for name, out in steady.items():
            row = found.setdefault(name, {})
            ours = changes(shot, out + hints)
            row[f"{shot.name}: delay"] = delay(shot, out - clean, true)
            if shot.switch is not None:
                at = shot.switch - 1  # the change into the first frame after it
                row[f"{shot.name}: slope"] = _slope(ours[at], true[at])
                step = rms([true[at]])
                near = range(shot.switch - AROUND, shot.switch + AROUND)
                errors = [coarse(out[t] - clean[t], shot.looks[t].matte > 0.9) for t in near]
                off = [rms([error]) > 0.05 * step for error in errors]
                row[f"{shot.name}: frames off"] = float(sum(off))
                blurred = changes(shot, shaken[name] + hints)[at]
                row[f"{shot.name}: slope, flickering"] = _slope(blurred, true[at])
            else:
                row[f"{shot.name}: slope"] = _slope(np.concatenate(ours), np.concatenate(true))
                row[f"{shot.name}: error"] = rms([a - b for a, b in zip(ours, true, strict=True)]) / rms(true)
    return found


def _slope(ours: np.ndarray, true: np.ndarray) -> float:
    return float((ours * true).sum() / (true * true).sum())


def table_of_own(folder: Path) -> dict[str, dict[str, float]]:
    """Our own relighter over the shots, plate and matte only and with everything, before and after the head."""
    found: dict[str, dict[str, float]] = {}
    for shot in [folder / name for name in OWN if (folder / name).is_dir()]:
        for inputs in ("plate + matte", "normals + source"):
            for how in ("before", "after"):
                with tempfile.TemporaryDirectory() as out:
                    relit = f"{out}/relit.####.exr"
                    command = ["render", f"{shot}/plate.####.exr", "--matte", f"{shot}/matte.####.exr", "--out", relit,
                               "--env", str(_map(shot, "env_b")), "--camera", f"{shot}/camera.json", "-q",
                               "--backbone", "relamp", "--env-level", "absolute",
                               "--frames", f"{FIRST}-{FIRST + OWN_FRAMES - 1}",
                               "--deflicker" if how == "after" else "--no-deflicker"]  # fmt: skip
                    if inputs == "normals + source":
                        command += ["--normals", f"{shot}/normals.####.exr", "--source-env", str(_map(shot, "env_a"))]
                    if relamp(command) != 0:
                        raise SystemExit(f"could not render {shot.name}")
                    frames = tuple(range(FIRST, FIRST + OWN_FRAMES))
                    truth, plate, matte = (f"{shot}/{n}.####.exr" for n in ("truth", "plate", "matte"))
                    scores = evaluate(relit, truth, plate=plate, matte=matte, frames=frames).shot
                row = found.setdefault(f"{shot.name}, {inputs}", {})
                row |= {f"{n} {how}": scores[n] for n in ("flicker", "flicker_global", "psnr", "psnr_aligned")}
    return found


def table_of_speed(head: Deflicker) -> dict[str, dict[str, float]]:
    """Processor ms for one more frame of a stream, motion and network apart, the least of 12 since machines are shared; and
    the whole frame of `relamp render` at that working size, with the head's part of it in percent."""
    found = {}
    for height, width in ((90, 160), (288, 512)):
        rng = np.random.default_rng(0)
        wide = cv2.GaussianBlur(rng.normal(0, 1, (height, 2 * width)).astype(np.float32), (0, 0), 3) * 3
        looks = []
        for t in range(20):
            code = np.repeat(wide[:, 2 * t : 2 * t + width, None], 3, axis=2)
            matte = np.ones(code.shape[:2], np.float32)
            residual = 0.1 * rng.normal(0, 1, code.shape).astype(np.float32)
            looks.append(WorkingFrame(code, matte, np.zeros_like(code), np.zeros_like(code), residual))
        aligner, smaller, spent = Aligner(), Smaller(), {"motion": [], "network": []}
        for t in range(RADIUS, len(looks) - RADIUS):
            begun = time.process_time()
            aligned = aligner.align(smaller.window(looks[t - RADIUS : t + RADIUS + 1]))
            between_ = time.process_time()
            head.correct(aligned)
            spent["motion"].append(between_ - begun)
            spent["network"].append(time.process_time() - between_)
        row = {n: 1000 * min(v[2:]) for n, v in spent.items()}
        whole = whole_frame(width)
        found[f"{width} x {height}"] = {**row, "whole frame": whole, "%": 100 * sum(row.values()) / whole}
    return found


def whole_frame(working_size: int) -> float:
    """Processor ms of a frame of the example shot with everything on, start-up left out."""

    def spent(frames: int) -> float:
        with tempfile.TemporaryDirectory() as out:
            command = ["render", "examples/plate/plate.####.exr", "--out", f"{out}/relit.####.exr", "-q", "--deflicker",
                       "--env", "examples/environments/overcast.exr", "--backbone", "relamp",
                       "--working-size", str(working_size), "--frames", f"{FIRST}-{FIRST + frames - 1}"]  # fmt: skip
            begun = time.process_time()
            if relamp(command) != 0:
                raise SystemExit("could not render the example")
            return time.process_time() - begun

    spent(1)  # what is loaded once is loaded
    few, many = spent(2), spent(6)
    return 1000 * (many - few) / 4


# What it looks like


def as_markdown(title: str, table: dict[str, dict[str, float]]) -> str:
    """A table, rows by their names."""
    columns = list(dict.fromkeys(c for row in table.values() for c in row))
    lines = [f"| {title} | " + " | ".join(columns) + " |", "| --- |" + " --- |" * len(columns)]
    for name, row in table.items():
        cells = [f"{row[c]:.0f}" if "frames off" in c else f"{row[c]:.2f}" if c in row else "-" for c in columns]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def bars(title: str, table: dict[str, dict[str, float]]) -> np.ndarray:
    """What is left by kind and method, (H, W, 3) uint8; the line is 0.3."""
    height, width, base = 260, 900, 215
    picture = np.full((height, width, 3), 250, np.uint8)
    inks = [
        (150, 150, 150),
        (205, 150, 90),
        (200, 110, 60),
        (90, 140, 200),
        (60, 150, 70),
        (170, 90, 160),
        (90, 90, 90),
    ]
    cv2.putText(picture, title, (50, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (60, 60, 60), 1, cv2.LINE_AA)
    kinds = list(KINDS)
    room, bar = (width - 60) / len(kinds), (width - 60) / len(kinds) / (len(table) + 1.5)
    for k, kind in enumerate(kinds):
        x0 = 50 + k * room
        cv2.putText(picture, kind, (int(x0), base + 18), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (60, 60, 60), 1, cv2.LINE_AA)
        for i, row in enumerate(table.values()):
            top = int(base - 170 * min(row[kind], 1.15))
            cv2.rectangle(
                picture, (int(x0 + i * bar), top), (int(x0 + (i + 0.85) * bar), base), inks[i % len(inks)], -1
            )
    for i, name in enumerate(table):
        cv2.putText(
            picture,
            name,
            (50 + 840 * i // len(table), height - 8),
            cv2.FONT_HERSHEY_SIMPLEX,
            0.42,
            inks[i % len(inks)],
            1,
            cv2.LINE_AA,
        )
    for value in (0.3, 1.0):
        y = int(base - 170 * value)
        cv2.line(picture, (45, y), (width - 10, y), (120, 120, 120), 1)
        cv2.putText(picture, f"{value:g}", (10, y + 4), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (60, 60, 60), 1, cv2.LINE_AA)
    return picture


if __name__ == "__main__":
    main()
