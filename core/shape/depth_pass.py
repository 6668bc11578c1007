"""Cleans a depth pass from a renderer or network: positive numbers of one kind, 0 where there is no surface.

The kinds are those of the parameter `depth_kind`:

- `z`: along the camera's axis, planar.
- `distance`: along the ray from the eye; it is converted to `z` here, by the camera's field of view.
- `inverse`: 1 / z, larger is nearer, up to an unknown factor and shift, as Nuke's ScanlineRender and most networks write it.
- `normalised`: z between 0 and 1, with 0 near or 0 far, up to an unknown factor and shift.

The unit does not matter. The unknown shift of `inverse` and `normalised` is found from normals (`depth_fit`).
"""

from __future__ import annotations

import numpy as np

FAR = 1e9  # renderers write 1e10 and more, or infinity, where there is no surface
SAMPLES = 3  # per side; samples of the larger picture per pixel of the smaller one
OUT = 2  # px from a pixel to the pixels that represent its two sides; renderers' filters mix up to two pixels
SPARSE = 7  # one pixel in this many, along both axes, is used to find the sign and the range of a pass
LEAST = 0.005  # share of the pass's range; a smaller step is no edge
STEEP = 8.0  # times the steeper side's slope; a larger step over a pixel is an edge; a uniform slope gives 4
MIXED = 0.1  # share of the step; a pixel nearer to one side than this belongs to that side
UNIFORM = 0.3  # share of the step that one of its pixels makes at least; smaller ones make a slope, of 0.25 each


def clean_depth(read: np.ndarray, kind: str, rays: np.ndarray | None = None) -> np.ndarray:
    """Clean a depth pass.

    Args:
        read: (H, W) float32 as read: of either sign; NaN, infinity, 0 or more than `FAR` where there is no surface.
        kind: of the parameter `depth_kind`.
        rays: (H, W, 3) unit, from the eye outward (`light.backdrop.camera_rays`); needed for `distance` alone.

    Returns:
        (H, W) float32: `z` for the kinds `z` and `distance`, else the kind's own numbers; 0 where there is no surface. Pixels
        that mixed two surfaces have the depth of one of them.
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
        there &= read != 1  # 1 is written for empty pixels
    depth = np.where(there, read, 0).astype(np.float32)
    depth = _unmixed(_unmixed(depth, 1), 0)
    if kind == "distance":
        assert rays is not None
        depth = depth * -rays[..., 2]
    return np.ascontiguousarray(depth)


def shrink_depth(depth: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """A cleaned depth (H, W) at another size (h, w), 0 where less than half of a pixel is known.

    Each value is the median of samples. A mean would lie between a thing and its background.
    """
    if depth.shape == shape:
        return depth
    count = SAMPLES if depth.shape[0] > shape[0] else 1
    sides = [((np.arange(n * count) + 0.5) * full / (n * count)).astype(int)
             for full, n in zip(depth.shape, shape, strict=True)]  # fmt: skip
    samples = depth[sides[0][:, None], sides[1]].reshape(shape[0], count, shape[1], count)
    samples = np.sort(samples.transpose(0, 2, 1, 3).reshape(*shape, -1), axis=-1)  # (h, w, samples), zeros first
    known = (samples > 0).sum(-1)
    middle = count * count - 1 - known // 2  # index of the median of the known samples
    found = np.take_along_axis(samples, middle[..., None], axis=-1)[..., 0]
    return np.where(2 * known > count * count, found, 0)


def _unmixed(depth: np.ndarray, axis: int) -> np.ndarray:
    """The depth (H, W) whose pixels that mix two surfaces along an axis get the more similar depth of those `OUT` px away."""
    length = depth.shape[axis]
    some = depth[::SPARSE, ::SPARSE]
    if length <= 2 * OUT + 4 or not some.any():
        return depth
    low, high = np.quantile(some[some > 0], (0.05, 0.95))
    least = np.float32(LEAST * (high - low))
    # For N pixels near an edge, or near empty pixels: their depth, and the depths on their two sides, (N,) each.
    first, last = [slice(None)] * 2, [slice(None)] * 2
    first[axis], last[axis] = slice(OUT + 1, length - OUT - 3), slice(OUT + 3, length - OUT - 1)
    steps = np.abs(depth[tuple(last)] - depth[tuple(first)]) > least
    width, step = depth.shape[1], 1 if axis else depth.shape[1]
    rows, columns = np.divmod(np.flatnonzero(steps), steps.shape[1])  # far faster than np.nonzero
    flat, near = depth.ravel(), rows * width + columns + (OUT + 2) * step

    def at(out: int) -> np.ndarray:
        return flat[near + out * step]

    near = near[at(0) > 0]
    here, left, right = at(0), at(-OUT), at(OUT)
    beyond = at(-OUT - 1), at(OUT + 1)
    slopes = np.abs(beyond[0] - left), np.abs(beyond[1] - right)
    across = np.abs(right - left)
    # The two sides continued to the pixel itself, since a slope has another depth `OUT` px away. The slope is that over `OUT` px,
    # because that of one pixel is 0 or doubled where the depth was enlarged.
    left_here, right_here = (
        np.where(far > 0, 2 * side - far, side) for side, far in ((left, at(-2 * OUT)), (right, at(2 * OUT)))
    )
    to_left, to_right = (
        np.minimum(np.abs(here - side), np.abs(here - on)) for side, on in ((left, left_here), (right, right_here))
    )
    parts = np.stack([at(out) for out in range(-OUT, OUT + 1)])  # (5, N)
    abrupt = np.abs(np.diff(parts, axis=0)).max(0) > UNIFORM * across
    between = (left > 0) & (right > 0) & (across > STEEP * np.maximum(*slopes) + least) & abrupt
    between &= (here - left) * (right - here) > 0  # as what two depths mix to is
    mixed = between & (np.minimum(to_left, to_right) > MIXED * across)
    result = np.where(mixed, np.where(to_left < to_right, left, right), here)
    # Beside empty pixels, a depth that deviates from its side's slope is mixed with the value of empty pixels.
    for side, other, slope, away in ((left, right, slopes[0], to_left), (right, left, slopes[1], to_right)):
        alone = (side > 0) & (other == 0) & (away > STEEP * slope + least)
        result = np.where(alone, side, result)
    flat = flat.copy()
    flat[near] = result
    return flat.reshape(depth.shape)
