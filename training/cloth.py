"""Sheets that hang, drape and fold: position-based dynamics on a grid of points, numpy only.

Z is up, as in the host that renders them; the sheet is a square grid of points that keep their distance.
"""

from __future__ import annotations

import numpy as np

from .surfaces import Noise, Shape, gradient


def grid_faces(rows: int, columns: int) -> np.ndarray:
    """Quads (F, 4) of a grid of points in row order."""
    i = np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)
    return np.stack([i, i + 1, i + columns + 1, i + columns], axis=-1).reshape(-1, 4)


def drape(
    rng: np.random.Generator, obstacle: Shape, sheet: np.ndarray, pinned: np.ndarray, steps: int = 120
) -> np.ndarray:
    """Let a sheet fall over an obstacle.

    Args:
        obstacle: signed distance that the sheet stays outside of (a floor included).
        sheet: (N, N, 3) float32 starting points, evenly spaced.
        pinned: (N, N) bool, points that stay where they are.

    Returns:
        (N, N, 3) float32 after `steps` steps of verlet integration with Jacobi distance constraints (Mueller 2007).
    """
    p, before = sheet.astype(np.float32).copy(), sheet.astype(np.float32).copy()
    rest = float(np.linalg.norm(sheet[1:, 0] - sheet[:-1, 0], axis=-1).mean())
    free = (~pinned)[..., None].astype(np.float32)
    near = [(0, 1, 1.0), (1, 0, 1.0), (1, 1, 2**0.5), (1, -1, 2**0.5)]
    # Long links only hold, they never push: they carry a pull across the sheet in few rounds, and leave folds alone.
    far = [link for k in (2, 4, 8, 16) for link in ((0, k, float(k)), (k, 0, float(k)))]
    limpness = float(rng.choice([0.0, 0.03, 0.15]))
    wind, gust = [Noise(rng, 0.8, 1) for _ in range(3)], rng.normal(0, 0.004)
    push = np.zeros_like(p)
    for step in range(steps):
        velocity = np.clip((p - before) * 0.97, -0.07, 0.07)
        before = p.copy()
        if step % 10 == 0:
            push = gust * np.stack([w(p) for w in wind], axis=-1) - np.array([0, 0, 0.004], np.float32)
        p = p + free * (velocity + push)
        for _ in range(6):
            move, count = np.zeros_like(p), np.full(p.shape[:2], 1e-6, np.float32)
            for di, dj, scale in near + far:
                a = (slice(0, p.shape[0] - di), slice(max(0, -dj), p.shape[1] - max(0, dj)))
                b = (slice(di, p.shape[0]), slice(max(0, dj), p.shape[1] - max(0, -dj)))
                d = p[b] - p[a]
                length = np.sqrt((d * d).sum(-1)) + 1e-9
                gap = (length - rest * scale) / length
                if scale == 2.0:
                    gap = np.where(gap > 0, gap, limpness * gap)  # bends more readily than it stretches
                elif scale > 2.0:
                    gap = np.maximum(gap, 0.0)
                shift, active = 0.5 * gap[..., None] * d, (gap != 0).astype(np.float32)
                move[a] += shift
                move[b] -= shift
                count[a] += active
                count[b] += active
            p += free * move / np.maximum(count, 1)[..., None] * 1.3
        distance = obstacle(p)
        close = distance < 0.03
        if close.any():
            q = p[close]
            p[close] = q + (0.03 - distance[close])[:, None] * gradient(obstacle, q, 0.02) * free[close]
            before[close] += 0.6 * (p[close] - before[close])  # friction
    return p


def flat_sheet(rng: np.random.Generator, count: int, size: float, height: float) -> np.ndarray:
    """(N, N, 3) a level square sheet, turned at random about the vertical and slightly crumpled."""
    t = (np.arange(count, dtype=np.float32) / (count - 1) - 0.5) * size
    x, y = np.meshgrid(t, t, indexing="ij")
    turn = rng.uniform(0, np.pi)
    p = np.stack(
        [x * np.cos(turn) - y * np.sin(turn), x * np.sin(turn) + y * np.cos(turn), np.full_like(x, height)], -1
    )
    rumple = rng.uniform(0.02, 0.15)  # slack that gravity turns into folds
    return (p + rumple * np.stack([Noise(rng, 1.5, 2)(p) for _ in range(3)], -1)).astype(np.float32)


def hanging_sheet(rng: np.random.Generator, count: int, size: float) -> tuple[np.ndarray, np.ndarray]:
    """A sheet gathered at its top (a curtain, washing on a line): starting points and pinned points."""
    t = np.arange(count, dtype=np.float32) / (count - 1) - 0.5
    x, z = np.meshgrid(t * size, -t * size, indexing="xy")  # row 0 is the top
    gather = rng.uniform(0.5, 0.95)
    waves = rng.uniform(2, 7)
    depth = size / waves * 0.25 * np.sqrt(max(1.0 / gather**2 - 1.0, 0.0)) * rng.uniform(0.7, 1.3)
    phase = rng.uniform(0, 7)
    y = depth * np.sin(np.arange(count) / (count - 1) * waves * 2 * np.pi + phase)[None] * np.ones_like(x)
    p = np.stack([x * gather, y, z], -1).astype(np.float32)
    p += 0.02 * np.stack([Noise(rng, 1.5, 2)(p) for _ in range(3)], -1)
    pinned = np.zeros(p.shape[:2], bool)
    if rng.random() < 0.7:
        pinned[0] = True
    else:
        for column in np.linspace(0, count - 1, int(rng.integers(3, 8))).astype(int):  # clothes pegs
            pinned[:2, max(0, column - 2) : column + 3] = True
    return p, pinned


def crumpled(rng: np.random.Generator, count: int, size: float) -> np.ndarray:
    """(N, N, 3) a sheet in relief: ridged folds, a valance, crushed paper or a rolling surface."""
    t = (np.arange(count, dtype=np.float32) / (count - 1) - 0.5) * size
    x, y = np.meshgrid(t, t, indexing="ij")
    p = np.stack([x, y, np.zeros_like(x)], -1)
    warp = 0.5 * np.stack([Noise(rng, 0.5, 2)(p) for _ in range(3)], -1) * rng.uniform(0.2, 1.5)
    kind = str(rng.choice(["ridges", "waves", "paper", "rolling"]))
    stretch = np.exp(rng.normal(0, 0.5, 3)).astype(np.float32)
    noise = Noise(rng, rng.uniform(0.5, 1.6), 3 if kind == "paper" else 2, 0.45)
    field = noise((p + warp) * stretch)
    if kind in ("ridges", "paper"):
        field = 1.0 - 2.0 * np.abs(field)
    if kind == "waves":
        angle = rng.uniform(0, np.pi)
        along = (p + warp)[..., 0] * np.cos(angle) + (p + warp)[..., 1] * np.sin(angle)
        field = np.sin(along * rng.uniform(2, 8)) * (0.6 + 0.4 * field)
    p[..., 2] += field * rng.uniform(0.15, 0.6)
    p[..., :2] += 0.3 * warp[..., :2]
    return p.astype(np.float32)
