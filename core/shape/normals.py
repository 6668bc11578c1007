"""The shape of the subject: camera-space normals, from the plate's own pass or inflated from its matte.

Camera space is X right, Y up, Z to the viewer.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from ..pictures.bands import bands, each_band
from ..pictures.channels import planes, thrice

# A rendered normal is shorter than one where a pixel mixes surfaces; under half no single surface is dominant.
SHORTEST_NORMAL = 0.5
# The inflated shape is smooth, so solving at this size and enlarging loses nothing and takes milliseconds. A subject that is
# small in its picture is solved at up to this many times that size, in powers of two, so that the factor seldom changes in a
# shot.
INFLATION_SIZE = 160
FINEST = 8
INSIDE = 0.5


def clean_normals(
    normals: np.ndarray, *, flip: tuple[str, ...] = (), world_to_camera: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Unit camera-space normals from a normals pass, and where it has any.

    Args:
        normals: (H, W, 3) float32 as read; (0, 0, 0) where nothing was rendered. Non-finite values count as no normal.
        flip: axes to negate, of x, y, z.
        world_to_camera: (3, 3) rotation when the pass is in world space.

    Returns:
        (H, W, 3) float32 unit vectors, (0, 0, 1) where there is no normal, and (H, W) bool, true where there is one.
    """
    turn = np.eye(3, dtype=np.float32) if world_to_camera is None else world_to_camera.astype(np.float32)
    turn = turn * np.array(
        [-1 if axis in flip else 1 for axis in "xyz"], np.float32
    )  # flips come first, so they act on its columns
    plain = np.array_equal(turn, np.eye(3))
    clean, known = np.empty(normals.shape, np.float32), np.empty(normals.shape[:-1], bool)

    def clean_band(rows: slice) -> None:
        n = normals[rows]
        x, y, z = planes(n)
        squared = x * x + y * y + z * z
        known[rows] = (squared > SHORTEST_NORMAL**2) & (squared < np.inf)
        scale = 1 / np.sqrt(np.where(known[rows], squared, 1))
        np.multiply(n if plain else n @ turn.T, thrice(scale), out=clean[rows])
        if not known[rows].all():
            clean[rows][~known[rows]] = (0, 0, 1)

    each_band(normals.shape[0], clean_band)
    return clean, known


def looks_green_flipped(normals: np.ndarray, known: np.ndarray) -> bool:
    """Whether the tops of things seem to face down, as in a pass with a DirectX-style green channel.

    The upper outline is checked, which faces up wherever it is inside the picture. Where there is none, the upper third of the
    rows with normals is, where surfaces of almost any subject face up.
    """
    rows = np.flatnonzero(known.any(axis=1))
    if rows.size < 6:
        return False
    first = known.argmax(axis=0)  # (W,) row of each column's uppermost known pixel
    columns = np.flatnonzero(known.any(axis=0) & (first > 0))
    if columns.size >= 6:
        return bool(normals[first[columns], columns, 1].mean() < -0.05)
    top = slice(rows[0], rows[0] + max(2, (rows[-1] - rows[0] + 1) // 3))
    return bool(normals[top, :, 1][known[top]].mean() < -0.05)


def inflate(matte: np.ndarray) -> np.ndarray:
    """Normals of a shape inflated from the matte, used when no normals pass is given.

    The height is the root of the solution of Poisson's equation with a constant source, zero on the outline; for a disc
    that is exactly a half sphere. Where the matte touches the picture's edge the subject continues outside, so the shape is cut
    off there and not closed.

    Args:
        matte: (H, W) float, 0 to 1. Values above one half count as inside.

    Returns:
        (H, W, 3) float32 unit camera-space normals; outside, those of the nearest point of the outline.
    """
    height, width = matte.shape
    scale = min(1.0, INFLATION_SIZE * _finer(matte) / max(height, width))
    small = (max(2, round(width * scale)), max(2, round(height * scale)))
    inside = cv2.resize(np.clip(matte, 0, 1).astype(np.float32), small, interpolation=cv2.INTER_AREA) > INSIDE
    normals = np.zeros((*inside.shape, 3), np.float32)
    normals[..., 2] = 1
    if inside.any() and not inside.all():
        # u = z^2, so the surface z^2 - u = 0 has the gradient (-u_x, -u_y, 2z): no division by a z that is 0 at the rim.
        u = _poisson(inside).astype(np.float32)
        rows, columns = np.gradient(np.pad(u, 1, mode="edge"))
        slopes = np.stack([-columns, rows, 2 * np.sqrt(np.pad(u, 1, mode="edge"))], -1)[1:-1, 1:-1]
        from scipy.ndimage import distance_transform_edt

        # The rim's normals are continued outside it, so that enlarging does not bend them toward the viewer.
        nearest: Any = distance_transform_edt(~inside, return_distances=False, return_indices=True)
        length = np.maximum(np.linalg.norm(slopes, axis=-1, keepdims=True), 1e-6)
        normals = np.ascontiguousarray((slopes / length)[tuple(nearest)])
    enlarged = cv2.resize(normals, (width, height), interpolation=cv2.INTER_CUBIC)
    enlarged /= np.maximum(np.linalg.norm(enlarged, axis=-1, keepdims=True), 1e-6)
    return enlarged


def along_rays(normals: np.ndarray, rays: np.ndarray) -> np.ndarray:
    """Convert normals that are relative to each pixel's view ray to camera space.

    At an outline, a normal is perpendicular to the view ray and not to the camera's axis. At the side of the picture the two
    differ much.

    Args:
        normals: (H, W, 3) unit, Z toward the eye along the pixel's own ray (`inflate`).
        rays: (H, W, 3) unit, from the eye outward (`light.backdrop.camera_rays`).
    """
    turned = np.empty(normals.shape, np.float32)
    for rows in bands(normals.shape[0]):
        n, toward = normals[rows], -rays[rows]
        # Rodrigues' rotation of Z onto `toward`, by the smallest angle.
        half = toward + np.array((0, 0, 1), np.float32)
        share = np.einsum("hwk,hwk->hw", half, n) / half[..., 2]
        turned[rows] = n - share[..., None] * half + 2 * n[..., 2:] * toward
    return turned


def _finer(matte: np.ndarray) -> int:
    """How many times finer than for a whole picture the inside must be solved, a power of two."""
    inside = matte > INSIDE
    extents = [np.flatnonzero(inside.any(axis=axis)) for axis in (0, 1)]
    if not extents[0].size:
        return 1
    extent = max(int(e[-1] - e[0]) + 1 for e in extents)
    return min(FINEST, 2 ** int(np.log2(max(matte.shape) / extent)))


def _poisson(inside: np.ndarray) -> np.ndarray:
    """Solve -laplace(u) = 4 inside, u = 0 outside, no flow through the picture's edge; pixels are one unit apart."""
    index = np.full(inside.shape, -1)
    index[inside] = np.arange(inside.sum())
    padded = np.pad(index, 1, constant_values=-2)
    centre = padded[1:-1, 1:-1][inside]
    diagonal = np.zeros(centre.size)
    rows, columns = [], []
    for dy, dx in ((0, 1), (2, 1), (1, 0), (1, 2)):
        neighbour = padded[dy : dy + inside.shape[0], dx : dx + inside.shape[1]][inside]
        diagonal += neighbour != -2
        joined = neighbour >= 0
        rows.append(centre[joined])
        columns.append(neighbour[joined])
    row, column = np.concatenate(rows), np.concatenate(columns)
    values = np.concatenate([-np.ones(row.size), np.maximum(diagonal, 1)])
    places = (np.concatenate([row, centre]), np.concatenate([column, centre]))
    from scipy.sparse import csc_array
    from scipy.sparse.linalg import spsolve

    matrix = csc_array((values, places), shape=(centre.size, centre.size))
    u = np.zeros(inside.shape)
    u[inside] = np.asarray(spsolve(matrix, np.full(centre.size, 4.0)))
    return np.maximum(u, 0)
