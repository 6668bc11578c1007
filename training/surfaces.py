"""Signed-distance shapes and the meshes made of them: what heads, clothes and blobs are modelled with.

A shape is a function from points (..., 3) to a distance (...), negative inside. numpy only.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Shape = Callable[[np.ndarray], np.ndarray]


def ellipsoid(p: np.ndarray, centre, radii) -> np.ndarray:
    """Near distance to an ellipsoid (the bound of Inigo Quilez: exact in sign, first order at the surface)."""
    q = (p - np.asarray(centre, np.float32)) / np.asarray(radii, np.float32)
    k0 = np.sqrt((q * q).sum(-1))
    q = q / np.asarray(radii, np.float32)
    k1 = np.sqrt((q * q).sum(-1))
    return k0 * (k0 - 1.0) / np.maximum(k1, 1e-6)


def capsule(p: np.ndarray, a, b, ra: float, rb: float | None = None) -> np.ndarray:
    """Distance to a segment from a to b with a radius that goes from ra to rb."""
    a, b = np.asarray(a, np.float32), np.asarray(b, np.float32)
    rb = ra if rb is None else rb
    ab = b - a
    t = np.clip(((p - a) @ ab) / max(float(ab @ ab), 1e-9), 0.0, 1.0)
    d = p - a - t[..., None] * ab
    return np.sqrt((d * d).sum(-1)) - (ra + (rb - ra) * t)


def torus(p: np.ndarray, centre, axis, radius: float, thickness: float) -> np.ndarray:
    """Distance to a ring about an axis."""
    q = p - np.asarray(centre, np.float32)
    axis = np.asarray(axis, np.float32) / np.linalg.norm(axis)
    h = q @ axis
    r = np.sqrt(np.maximum((q * q).sum(-1) - h * h, 0.0)) - radius
    return np.sqrt(r * r + h * h) - thickness


def box(p: np.ndarray, centre, half, rounding: float = 0.0) -> np.ndarray:
    """Distance to an axis-aligned box with rounded edges."""
    q = np.abs(p - np.asarray(centre, np.float32)) - (np.asarray(half, np.float32) - rounding)
    return np.linalg.norm(np.maximum(q, 0.0), axis=-1) + np.minimum(q.max(-1), 0.0) - rounding


def join(a: np.ndarray, b: np.ndarray, k: float) -> np.ndarray:
    """Union with a fillet of about k (polynomial smooth minimum)."""
    h = np.maximum(k - np.abs(a - b), 0.0) / k
    return np.minimum(a, b) - h * h * k * 0.25


def carve(a: np.ndarray, b: np.ndarray, k: float) -> np.ndarray:
    """a without b, with a fillet of about k."""
    return -join(-a, b, k)


class Noise:
    """A smooth random field: trilinear lattice noise summed over octaves, mean about 0, range about -1 to 1."""

    def __init__(self, rng: np.random.Generator, frequency: float, octaves: int = 3, gain: float = 0.5):
        self._lattices = [rng.uniform(-1, 1, (16, 16, 16)).astype(np.float32) for _ in range(octaves)]
        self._frequency, self._gain = frequency, gain

    def __call__(self, p: np.ndarray) -> np.ndarray:
        total, amplitude, frequency = np.zeros(p.shape[:-1], np.float32), 1.0, self._frequency
        for lattice in self._lattices:
            q = p * frequency + 37.3
            i = np.floor(q).astype(np.int32)
            f = q - i
            f = f * f * (3.0 - 2.0 * f)
            i &= 15
            j = (i + 1) & 15
            x, y, z = f[..., 0], f[..., 1], f[..., 2]
            for cx, wx in ((i[..., 0], 1 - x), (j[..., 0], x)):
                for cy, wy in ((i[..., 1], 1 - y), (j[..., 1], y)):
                    w = wx * wy * amplitude
                    total += w * (1 - z) * lattice[cx, cy, i[..., 2]] + w * z * lattice[cx, cy, j[..., 2]]
            amplitude *= self._gain
            frequency *= 2.03
        return total


def polygonise(shape: Shape, lo, hi, spacing: float) -> tuple[np.ndarray, np.ndarray]:
    """Surface of a shape inside a box as quads (naive surface nets, Gibson 1998).

    Returns:
        vertices (V, 3) float32 and quads (F, 4) int32 that wind counter-clockwise seen from outside.
    """
    axes = [np.arange(a, b + spacing, spacing, dtype=np.float32) for a, b in zip(lo, hi, strict=True)]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    values = shape(grid).astype(np.float32)
    values[[0, -1]] = values[:, [0, -1]] = values[:, :, [0, -1]] = spacing  # closed at the box
    inside = values < 0
    n = np.array(values.shape) - 1
    corners = [(i, j, k) for i in (0, 1) for j in (0, 1) for k in (0, 1)]

    def corner(a: np.ndarray, c: tuple[int, int, int]) -> np.ndarray:
        return a[c[0] : c[0] + n[0], c[1] : c[1] + n[1], c[2] : c[2] + n[2]]

    count = sum(corner(inside, c).astype(np.int8) for c in corners)
    cells = np.argwhere((count > 0) & (count < 8))
    number = np.full(tuple(n), -1, np.int32)
    number[tuple(cells.T)] = np.arange(len(cells))
    value = np.stack([values[tuple((cells + c).T)] for c in corners], axis=1)
    total, hits = np.zeros((len(cells), 3), np.float32), np.zeros(len(cells), np.float32)
    offsets = np.array(corners, np.float32)
    for a in range(8):
        for b in range(a + 1, 8):
            if np.abs(offsets[a] - offsets[b]).sum() != 1:
                continue
            va, vb = value[:, a], value[:, b]
            cut = (va < 0) != (vb < 0)
            t = np.where(cut, va / np.where(va == vb, 1.0, va - vb), 0.0)
            total += np.where(cut[:, None], offsets[a] + t[:, None] * (offsets[b] - offsets[a]), 0.0)
            hits += cut
    vertices = np.asarray(lo, np.float32) + (cells + total / np.maximum(hits, 1)[:, None]) * spacing
    quads = []
    for axis in range(3):
        u, w = (axis + 1) % 3, (axis + 2) % 3
        here = np.take(inside, np.arange(values.shape[axis] - 1), axis)
        there = np.take(inside, np.arange(1, values.shape[axis]), axis)
        edge = np.argwhere(here != there)
        edge = edge[(edge[:, u] > 0) & (edge[:, w] > 0) & (edge[:, u] < n[u]) & (edge[:, w] < n[w])]
        eu, ew = np.eye(3, dtype=int)[u], np.eye(3, dtype=int)[w]
        ring = np.stack([number[tuple((edge - d).T)] for d in (0 * eu, eu, eu + ew, ew)], axis=1)
        flip = ~here[tuple(edge.T)]
        ring[flip] = ring[flip][:, ::-1]
        quads.append(ring)
    return vertices.astype(np.float32), np.concatenate(quads).astype(np.int32)


def gradient(shape: Shape, p: np.ndarray, step: float = 1e-2) -> np.ndarray:
    """(..., 3) unit outward normals of a shape at points, by central differences."""
    d = np.stack([shape(p + e) - shape(p - e) for e in np.eye(3, dtype=np.float32) * step], axis=-1)
    return d / np.maximum(np.linalg.norm(d, axis=-1, keepdims=True), 1e-9)
