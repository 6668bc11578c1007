"""The test of the data before any training: how hard are the stage's frames?

    python -m relamp.training.check_data data/stage

For random pairs of lightings A and B of a frame, scores two answers against the frame under B, in sRGB inside the
matte: the plate unchanged (the frame under A), and the ratio oracle (the plate times E_B(n)/E_A(n), the irradiances of
both lights on the true normals). Path-traced shots give about 14 dB and 19 to 22 dB; more than that is too easy. Both
lights are brought to level 1, and one exposure serves both pictures: the geometric mean of the 99th percentiles of their
luminance inside the matte reads 0.9. Also writes a contact sheet, to be looked at.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from rich.console import Console
from rich.table import Table

from ..core.errors import InputError, RelampError
from ..core.light.environment import AP1_LUMINANCE, level
from ..core.light.irradiance import frame_irradiance
from ..core.pictures.curves import encode_srgb
from .environments import sample_environment
from .lighting import light_frame
from .shards import StageFrame, read_index, read_shard, shard_paths

TILE = 160  # px of the contact sheet


def exposure(plate: np.ndarray, target: np.ndarray, matte: np.ndarray) -> float:
    """One factor for both pictures: brings the geometric mean of their bright ends inside the matte to 0.9.

    Exposing for the plate alone blows out, or buries, a target whose light stands elsewhere, and scores that instead.
    """
    inside = matte > 0.5
    if not inside.any():
        return 1.0
    weights = np.asarray(AP1_LUMINANCE, np.float32)
    ends = [max(float(np.percentile((picture @ weights)[inside], 99)), 1e-9) for picture in (plate, target)]
    return 0.9 / float(np.sqrt(ends[0] * ends[1]))


def psnr_inside(picture: np.ndarray, truth: np.ndarray, matte: np.ndarray) -> float:
    """PSNR in dB of two scene-linear pictures, display-encoded, weighted by a matte; 99 for equal ones."""
    squared = ((encode_srgb(picture) - encode_srgb(truth)) ** 2).mean(-1)
    error = float((squared * matte).sum() / max(float(matte.sum()), 1e-9))
    return min(99.0, -10.0 * float(np.log10(max(error, 1e-12))))


def ratio_oracle(plate: np.ndarray, normals: np.ndarray, source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The plate times the ratio of the irradiances of two environments (camera axes) on the true normals."""
    before, after = frame_irradiance(source, normals), frame_irradiance(target, normals)
    return plate * after / np.maximum(before, 1e-6)


@dataclass(frozen=True)
class Pair:
    """A frame under two lights and its scores in dB."""

    frame: StageFrame
    plate: np.ndarray
    target: np.ndarray
    oracle: np.ndarray
    unchanged: float
    ratio: float
    level_free: float  # the oracle once its level is right


def unit_level(environment: np.ndarray) -> np.ndarray:
    """An environment scaled to level 1."""
    return environment / max(level(environment), 1e-9)


def score(frame: StageFrame, rng: np.random.Generator) -> Pair:
    """One random pair of lightings of a frame."""
    lights = [light_frame(frame, unit_level(sample_environment(rng)), rng) for _ in range(2)]
    plate, target = frame.relight(np.stack([light.weights for light in lights]))
    matte, normals = frame.matte_image(), frame.normal_image()
    scale = exposure(plate, target, matte)
    plate, target = plate * scale, target * scale
    oracle = ratio_oracle(plate, normals, lights[0].environment, lights[1].environment)
    sure = matte > 0.9
    gain = float(target[sure].mean() / max(float(oracle[sure].mean()), 1e-9)) if sure.any() else 1.0
    return Pair(
        frame, plate, target, oracle, psnr_inside(plate, target, matte), psnr_inside(oracle, target, matte),
        psnr_inside(oracle * gain, target, matte),
    )  # fmt: skip


def choose(folder: Path, count: int, version: int, rng: np.random.Generator) -> Iterator[StageFrame]:
    """Up to `count` frames of a folder's shards, at random, of one scene version or newer."""
    paths = shard_paths(folder)
    if not paths:
        raise InputError(f"{folder} holds no stage-*.safetensors; render some with python -m relamp.training.stage")
    listed = [(path, f["seed"]) for path in paths for f in read_index(path) if f["scene_version"] >= version]
    picked: dict[Path, set[int]] = defaultdict(set)
    for i in rng.permutation(len(listed))[:count]:
        picked[listed[i][0]].add(listed[i][1])
    for path, seeds in picked.items():
        yield from read_shard(path, seeds)


def contact_sheet(pairs: list[Pair], path: Path) -> None:
    """Rows of plate under A, under B, the oracle, normals, albedo, gloss and mattes (ground in red) as one PNG."""
    rows = []
    for pair in pairs:
        frame = pair.frame
        alpha, matte = frame.alpha_image(), frame.matte_image()
        tiles = [encode_srgb(x) for x in (pair.plate, pair.target, pair.oracle)]
        tiles += [frame.normal_image() * 0.5 + 0.5, encode_srgb(frame.albedo_image()), encode_srgb(frame.gloss_image())]
        tiles.append(np.stack([alpha, matte, matte], axis=-1))
        row = np.concatenate([cv2.resize(t, (TILE, TILE), interpolation=cv2.INTER_AREA) for t in tiles], axis=1)
        row = np.ascontiguousarray((np.clip(row, 0, 1) * 255).astype(np.uint8))
        label = f"{frame.seed} {frame.kind} {pair.unchanged:.1f} {pair.ratio:.1f}"
        cv2.putText(row, label, (3, 12), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (255, 255, 0))
        rows.append(row)
    cv2.imwrite(str(path), np.concatenate(rows)[..., ::-1])


def report(pairs: list[Pair]) -> Table:
    """The scores by kind of scene, and over all."""
    table = Table(
        "kind", "pairs", "plate unchanged, dB", "ratio oracle, dB", "oracle, level free, dB", "matte, % of frame"
    )
    kinds = sorted({p.frame.kind for p in pairs})
    for kind in (*kinds, "all"):
        rows = [p for p in pairs if kind in (p.frame.kind, "all")]
        area = [100 * float(p.frame.matte_image().mean()) for p in rows]
        means = [
            np.mean([p.unchanged for p in rows]),
            np.mean([p.ratio for p in rows]),
            np.mean([p.level_free for p in rows]),
            np.mean(area),
        ]
        table.add_row(kind, str(len(rows)), *(f"{m:.1f}" for m in means))
    return table


def main(argv: Sequence[str] | None = None) -> int:
    """Score, print and write the contact sheet; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m relamp.training.check_data", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("folder", type=Path, help="folder of the shards")
    parser.add_argument("--frames", type=int, default=60, help="frames to take at random")
    parser.add_argument("--pairs", type=int, default=2, help="pairs of lights a frame")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--scene-version", type=int, default=0, help="only frames of this scene version or newer")
    parser.add_argument("--sheet", type=Path, help="contact sheet; check.png in the folder by default")
    parser.add_argument("--rows", type=int, default=12, help="rows of the contact sheet")
    options = parser.parse_args(argv)
    try:
        rng = np.random.default_rng(options.seed)
        frames = choose(options.folder, options.frames, options.scene_version, rng)
        pairs = [score(frame, rng) for frame in frames for _ in range(options.pairs)]
        if not pairs:
            raise InputError(f"{options.folder} holds no frame of scene version {options.scene_version} or newer")
        Console().print(report(pairs))
        shown = pairs[:: options.pairs]
        sheet = options.sheet or options.folder / "check.png"
        contact_sheet([shown[i] for i in rng.permutation(len(shown))[: options.rows]], sheet)
    except RelampError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
