"""Steady clips off the light stage: path-traced shadows, gloss and motion, true under lights that truly change.

    python -m relamp.training.deflicker.filmed --data data/stage --moving data/clips --out data/deflicker/filmed.safetensors

What the procedural clips (`.clips`) only sketch. The residual is what the true relight has over the hint on true normals;
nothing in it flickers, so flicker is put in when a clip is drawn.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import torch

from ...core.errors import RelampError
from ...core.pictures.curves import FLOOR
from ...core.relighter.own.conditions import analytic_hint, shade
from ..clips import LENGTH, ClipMaker, Scene
from ..dataset import Frames, Sample, held_out, stack
from ..shards import StageFrame, read_shard, shard_paths
from .clip_file import save
from .clips import SHAPE, Clip, drawn

MOST = 6.0  # log gain, either way, that a ratio of two pictures is believed
STARTS = 4  # frames from one start in a rendered clip to the next


def scenes(folder: Path, *, validation: bool = False) -> list[Scene]:
    """The rendered clips of a folder in pieces of LENGTH frames: those for training, or those held out."""
    found: list[Scene] = []
    for path in shard_paths(folder):
        by_seed: dict[int, list[StageFrame]] = {}
        for frame in read_shard(path):
            if held_out(frame.seed) == validation:
                by_seed.setdefault(frame.seed, []).append(frame)
        for frames in by_seed.values():
            frames.sort(key=lambda f: f.frame)
            round_trip = frames + frames[-2:0:-1]  # a short clip goes on by running backward
            for start in range(0, len(round_trip), STARTS):
                found.append(Scene.rendered([round_trip[(start + t) % len(round_trip)] for t in range(LENGTH)]))
    return found


def make(maker: ClipMaker) -> Iterator[Clip]:
    """Endless clips of SHAPE."""
    side, rows = max(SHAPE), slice((max(SHAPE) - SHAPE[0]) // 2, (max(SHAPE) + SHAPE[0]) // 2)
    while True:
        clip = maker.clip(side)
        if clip is None or clip.samples[0].truth[:, rows].mean() < 0.03:
            continue
        arrays = [a[:, rows] for a in steady(clip.samples, clip.clean)]
        if maker.rng.random() < 0.5:
            arrays[1] = np.stack([drawn(maker.rng, matte) for matte in arrays[1]])
        yield Clip(*(np.ascontiguousarray(a, np.float32) for a in arrays))


def steady(samples: Sequence[Sample], clean: np.ndarray) -> list[np.ndarray]:
    """Code (F, h, w, 3), matte (F, h, w), hint and true residual (F, h, w, 3), and where it counts (F, h, w).

    Args:
        samples: one a frame.
        clean: (F, 3, h, w) their plates without noise.
    """
    batch = stack(list(samples))
    c = batch.conditions
    target, source = (shade(light, c.normals, c.rays)[:, :3] for light in (c.target, c.source))
    hint = analytic_hint(target, source, c.source_known[:, None, None, None], c.matte)
    before = torch.from_numpy(clean)
    whole = torch.log((batch.target.clamp_min(0) + FLOOR) / (before.clamp_min(0) + FLOOR)).clamp(-MOST, MOST)
    pictures = [p.permute(0, 2, 3, 1).numpy() for p in (c.code, c.matte, hint, whole - hint, batch.truth)]
    return [p[..., 0] if p.shape[-1] == 1 else p for p in pictures]


def main(argv: Sequence[str] | None = None) -> int:
    """Make a file of clips; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m relamp.training.deflicker.filmed", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of the light stage's shards")
    parser.add_argument("--moving", type=Path, help="folder of its clips (stage --clip 16)")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--clips", type=int, default=240)
    parser.add_argument("--held-out", action="store_true", help="of the frames that are never trained on")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(argv)
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    try:
        frames = Frames(options.data, validation=options.held_out)
        frames.require()
        moving = scenes(options.moving, validation=options.held_out) if options.moving else []
        maker = ClipMaker(frames, moving, options.seed, 16, (max(SHAPE),))
        clips = [clip for clip, _ in zip(make(maker), range(options.clips), strict=False)]
        save(options.out, clips, {"seed": options.seed, "held_out": options.held_out})
    except RelampError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    changes = float(np.mean([np.abs(np.diff(clip.steady, axis=0)).mean() for clip in clips]))
    print(f"{len(clips)} clips, {len(moving)} pieces that move; true change {changes:.4f} a frame, {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
