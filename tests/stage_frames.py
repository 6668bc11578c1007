"""Small frames of the light stage for tests: noise, and a matte ball."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from relamp.training.light_rig import CELLS, cell_solid_angles, fibonacci_directions
from relamp.training.shards import StageFrame, encode_log, write_shard
from small_relighter import ball

SIZE = 48


def make_frame(seed: int = 7, size: int = 12) -> StageFrame:
    """A small frame of noise whose upper half is covered."""
    rng = np.random.default_rng(seed)
    covered = np.zeros((size, size), np.uint8)
    covered[: size // 2] = 1
    p = int(covered.sum())
    codes, curve = encode_log(np.exp(rng.normal(-2, 1.5, (60, p, 3))))
    byte = rng.integers(0, 256, (p, 3)).astype(np.uint8)
    return StageFrame(
        seed=seed,
        kind="head",
        scene_version=1,
        height=size,
        width=size,
        hfov=40.0,
        camera_to_world=np.eye(3, dtype=np.float32),
        cells=fibonacci_directions(CELLS).astype(np.float32),
        cell_solid_angles=cell_solid_angles(fibonacci_directions(CELLS)).astype(np.float32),
        suns=fibonacci_directions(12).astype(np.float32),
        sun_diameters=np.ones(12, np.float32),
        codes=codes,
        curve=curve,
        alpha=np.full(p, 255, np.uint8),
        covered=covered,
        matte=np.full(p, 128, np.uint8),
        normals=rng.integers(-127, 128, (p, 3)).astype(np.int8),
        albedo=byte,
        gloss=byte,
        surface=byte[:, :2],
        depth=rng.random(p).astype(np.float16),
    )


def lambert_ball(seed: int) -> StageFrame:
    """A frame whose every light does exactly what a matte white ball does under it."""
    frame = make_frame(seed, SIZE)
    _, matte, normals = ball(SIZE, SIZE)
    covered = matte > 0
    n = normals[covered]
    cells = np.maximum(n @ frame.cells.T, 0) * frame.cell_solid_angles / np.pi
    suns = np.maximum(n @ frame.suns.T, 0) / np.pi
    codes, curve = encode_log(np.repeat(np.concatenate([cells, suns], 1).T[..., None], 3, -1))
    p = int(covered.sum())
    full, colour, none = np.full(p, 255, np.uint8), np.full((p, 3), 180, np.uint8), np.zeros((p, 3), np.uint8)
    return replace(
        frame, codes=codes, curve=curve, covered=covered.astype(np.uint8), alpha=full, matte=full,
        normals=np.rint(n * 127).astype(np.int8), albedo=colour, gloss=none, surface=colour[:, :2],
        depth=full.astype(np.float16),
    )  # fmt: skip


def small_stage(folder: Path) -> Path:
    """A folder of the light stage with three matte balls, of which that of seed 7 is held out; gives the folder back."""
    write_shard(folder / "stage-000000000.safetensors", [lambert_ball(seed) for seed in (1, 2, 7)])
    return folder
