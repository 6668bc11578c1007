"""Clips of what our own relighter leaves: its answers to frames of the light stage, seen by a camera that moves.

    python -m relamp.training.deflicker.own --data data/stage --out data/deflicker/own.safetensors --clips 120

The camera pans and zooms over one rendered frame, so the motion is known exactly; grain and matte are new in each frame,
and the network answers frame by frame. What it says of a point on average over the clip, and over some more views of it,
is the steady answer; the rest is its flicker.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch

from ...core.errors import RelampError
from ...core.pictures.curves import encode_log_tensor
from ...core.relighter.own.backbone import Relamp
from ...core.relighter.own.conditions import Conditions, LightBatch
from ..dataset import Frames, Maker, Sample
from .clip_file import save
from .clips import FRAMES, SHAPE, Clip

VIEWS = 12
"""Answers that the steady one is the mean of, those of the clip among them."""
PAIRS = 2  # of lights a frame is relit under: its pictures are made once
GRAIN = 0.01  # standard deviation at an anchored light of 1
SIDE = 96  # px of the pictures the camera moves over


def make(rng: np.random.Generator, sample: Sample, network: Relamp) -> Clip:
    """The network's answers to one sample, seen by a moving camera."""
    views = _views(rng)
    answers = [_answer(rng, sample, view, network) for view in views]
    code, matte, hint, residual, truth = (np.stack(a) for a in zip(*answers, strict=True))
    # Where normals are the network's own they flicker, and the hint on them: all that is not the mean hint is residual.
    mean_hint, mean_total = _mean(hint, views), _mean(hint + residual, views)
    arrays = (code, matte, mean_hint, mean_total - mean_hint, truth, hint + residual - mean_total)
    return Clip(*(a[:FRAMES] for a in arrays))


def _mean(pictures: np.ndarray, views: list[np.ndarray]) -> np.ndarray:
    """What all views say of each point on average, as each view sees it."""
    wide = [_widened(picture, view) for picture, view in zip(pictures, views, strict=True)]
    whole = sum(picture for picture, _ in wide) / np.maximum(sum(weight for _, weight in wide), 1e-3)
    return np.stack([_seen(whole, view) for view in views])


def _views(rng: np.random.Generator) -> list[np.ndarray]:
    """Affine maps (2, 3) from a view's pixels to the sample's: FRAMES along a path, then some about it."""
    h, w = SHAPE
    room = np.array([SIDE - w, SIDE - h], float)
    start = rng.uniform(0.15, 0.85, 2) * room
    speed = rng.normal(0, 1.2, 2) * (rng.random() < 0.8)
    zoom, faster = rng.uniform(0.85, 1.0), rng.normal(0, 0.006)
    views = []
    for t in range(VIEWS):
        path = t if t < FRAMES else rng.uniform(0, FRAMES)
        scale = np.clip(zoom * (1 + faster * (path - 4)), 0.75, 1.02)
        place = np.clip(start + speed * (path - 4), 0, np.maximum(SIDE - scale * np.array([w, h]), 0))
        views.append(np.array([[scale, 0, place[0]], [0, scale, place[1]]], np.float32))
    return views


def _answer(rng: np.random.Generator, sample: Sample, view: np.ndarray, network: Relamp) -> tuple[np.ndarray, ...]:
    """Code, matte, hint, residual and truth of one view."""
    plate = _seen(sample.plate.transpose(1, 2, 0), view)
    plate = plate + GRAIN * np.sqrt(np.maximum(plate, 0) + 0.01) * rng.standard_normal(plate.shape, np.float32)
    truth = _seen(sample.truth[0], view)
    matte = np.clip(cv2.GaussianBlur(truth, (0, 0), rng.uniform(0.3, 0.9)), 0, 1)
    planes = [
        torch.from_numpy(_seen(a.transpose(1, 2, 0), view).transpose(2, 0, 1)[None])
        for a in (sample.normals, sample.rays, sample.background)
    ]
    planes[0] = torch.nn.functional.normalize(planes[0], dim=1)
    lights = [
        LightBatch(
            *(
                torch.from_numpy(a)[None]
                for a in (sample.diffuse[k], sample.glossy[k], sample.to_map, sample.parcels[k])
            )
        )
        for k in (1, 0)
    ]
    flag = {n: torch.tensor([float(getattr(sample, n))]) for n in ("source_known", "background_known")}
    conditions = Conditions(
        code=encode_log_tensor(torch.from_numpy(plate.transpose(2, 0, 1)[None])),
        matte=torch.from_numpy(matte[None, None]),
        rays=planes[1],
        normals=planes[0],
        normals_known=torch.full((1, 1, *SHAPE), float(sample.normals_given)),
        target=lights[0],
        source=lights[1],
        background=encode_log_tensor(planes[2]),
        **flag,
    )  # fmt: skip
    (answer,) = network.relight([conditions], frames=[0])
    code = conditions.code[0].numpy().transpose(1, 2, 0)
    return code, matte, answer.hint, answer.residual, truth


def _seen(picture: np.ndarray, view: np.ndarray) -> np.ndarray:
    """A picture of the sample's size through a view."""
    size = (SHAPE[1], SHAPE[0])
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(
        np.ascontiguousarray(picture, np.float32), view, size, flags=how, borderMode=cv2.BORDER_REPLICATE
    )


def _widened(picture: np.ndarray, view: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A view's picture (h, w, C) back on the sample, times its weight, and the weight (SIDE, SIDE, 1)."""
    there = cv2.warpAffine(np.ones(SHAPE, np.float32), view, (SIDE, SIDE), flags=cv2.INTER_LINEAR)[..., None]
    whole = cv2.warpAffine(picture, view, (SIDE, SIDE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return whole * there, there


def main(argv: Sequence[str] | None = None) -> int:
    """Make a file of clips; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m relamp.training.deflicker.own", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of the light stage's shards")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--clips", type=int, default=120)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(argv)
    cv2.setNumThreads(1)
    try:
        frames = Frames(options.data)
        frames.require()
        maker, network = Maker(frames, options.seed, 16, (SIDE,)), Relamp()
        rng, clips = np.random.default_rng(options.seed), []
        while len(clips) < options.clips:
            clips += [make(rng, sample, network) for sample in maker.visit(SIDE, pairs=PAIRS)]
        save(options.out, clips, {"weights": network.weights, "seed": options.seed})
    except RelampError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    flicker = float(np.mean([np.abs(clip.flicker).mean() for clip in clips if clip.flicker is not None]))
    print(f"{len(clips)} clips, flicker {flicker:.4f} on average, {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
