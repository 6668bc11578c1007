"""A depth pass as renderers and networks write it, cleaned: positive numbers of one kind, 0 where nothing stands.

The kinds are those of the parameter `depth_kind`:

- `z`: along the camera's axis, planar.
- `distance`: along the ray from the eye; it becomes `z` here, by the camera's field of view.
- `inverse`: 1 / z, larger is nearer, up to an unknown factor and shift, as Nuke's ScanlineRender and most networks write it.
- `normalised`: z between 0 and 1, near or far first, up to an unknown factor and shift.

The unit does not matter. What `inverse` and `normalised` leave open is found from normals (`depth_fit`).
"""

from __future__ import annotations

import numpy as np

FAR = 1e9  # renderers write 1e10 and more, or infinity, where nothing stands
SAMPLES = 3  # a side: so many samples of a larger picture make a pixel of a smaller one
OUT = 2  # px from a pixel to those that are taken for its two sides: filters of renderers mix over up to two
SPARSE = 7  # a pixel in so many, along both axes, tells the sign and the range of a pass
LEAST = 0.005  # of the pass's range: a smaller step is no edge
STEEP = 8.0  # times the steeper side's slope: a larger step over a pixel is an edge; an even slope makes 4
MIXED = 0.1  # of the step: what is nearer to one side belongs to it already


def clean_depth(read: np.ndarray, kind: str, rays: np.ndarray | None = None) -> np.ndarray:
    """A depth pass without the habits of renderers.

    Args:
        read: (H, W) float32 as read: of either sign; NaN, infinity, 0 or more than `FAR` where nothing stands.
        kind: of the parameter `depth_kind`.
        rays: (H, W, 3) unit, from the eye outward (`light.backdrop.camera_rays`); needed for `distance` alone.

    Returns:
        (H, W) float32: `z` for the kinds `z` and `distance`, else the kind's own numbers; 0 where nothing stands. Pixels that
        mixed two surfaces have the depth of one of them.
    """
    size = np.abs(read)
    there = (size > 0) & (size < FAR)  # False for NaN, too
    if not there.any():
        return np.zeros(read.shape, np.float32)
    some = read[::SPARSE, ::SPARSE][there[::SPARSE, ::SPARSE]]
    if np.median(some if some.size else read[there]) < 0:
        read = -read
    there &= read > 0
    if kind == "normalised":
        there &= read != 1  # where a far plane is, or a near one
    depth = np.where(there, read, 0).astype(np.float32)
    depth = _unmixed(_unmixed(depth, 1), 0)
    if kind == "distance":
        assert rays is not None
        depth = depth * -rays[..., 2]
    return np.ascontiguousarray(depth)


def shrink_depth(depth: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """A cleaned depth (H, W) at another size (h, w), 0 where less than half of a pixel is known.

    Each number is one of the pass's own, the median of samples: a mean would stand between a thing and what is behind it.
    """
    if depth.shape == shape:
        return depth
    count = SAMPLES if depth.shape[0] > shape[0] else 1
    sides = [((np.arange(n * count) + 0.5) * full / (n * count)).astype(int)
             for full, n in zip(depth.shape, shape, strict=True)]  # fmt: skip
    samples = depth[sides[0][:, None], sides[1]].reshape(shape[0], count, shape[1], count)
    samples = np.sort(samples.transpose(0, 2, 1, 3).reshape(*shape, -1), axis=-1)  # (h, w, samples), nothing first
    known = (samples > 0).sum(-1)
    middle = count * count - 1 - known // 2  # of those that are known
    found = np.take_along_axis(samples, middle[..., None], axis=-1)[..., 0]
    return np.where(2 * known > count * count, found, 0)


def _unmixed(depth: np.ndarray, axis: int) -> np.ndarray:
    """The depth (H, W) with pixels that mix two surfaces along an axis given to the nearer side, which is taken `OUT` px away."""
    length = depth.shape[axis]
    some = depth[::SPARSE, ::SPARSE]
    if length <= 2 * OUT + 2 or not some.any():
        return depth
    low, high = np.quantile(some[some > 0], (0.05, 0.95))
    least = np.float32(LEAST * (high - low))
    # Of pixels (N,) that stand near an edge, or near to where nothing stands: their numbers, and those of their two sides.
    first, last = [slice(None)] * 2, [slice(None)] * 2
    first[axis], last[axis] = slice(OUT, length - OUT - 2), slice(OUT + 2, length - OUT)
    steps = np.abs(depth[tuple(last)] - depth[tuple(first)]) > least
    width, step = depth.shape[1], 1 if axis else depth.shape[1]
    rows, columns = np.divmod(np.flatnonzero(steps), steps.shape[1])  # far faster than np.nonzero
    flat, near = depth.ravel(), rows * width + columns + (OUT + 1) * step

    def at(out: int) -> np.ndarray:
        return flat[near + out * step]

    near = near[at(0) > 0]
    here, left, right = at(0), at(-OUT), at(OUT)
    slopes = np.abs(at(-OUT - 1) - left), np.abs(at(OUT + 1) - right)
    to_left, to_right, across = np.abs(here - left), np.abs(here - right), np.abs(right - left)
    steep = np.maximum(*slopes)
    between = (left > 0) & (right > 0) & (across > STEEP * steep + least)
    mixed = between & (np.minimum(to_left, to_right) > MIXED * across)
    result = np.where(mixed, np.where(to_left < to_right, left, right), here)
    # Beside nothing, a number that leaves its own side's slope mixes that side with what stands for nothing.
    for side, other, slope, away in ((left, right, slopes[0], to_left), (right, left, slopes[1], to_right)):
        alone = (side > 0) & (other == 0) & (away > STEEP * slope + least)
        result = np.where(alone, side, result)
    flat = flat.copy()
    flat[near] = result
    return flat.reshape(depth.shape)
