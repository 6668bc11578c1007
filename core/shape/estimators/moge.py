"""MoGe-2 as ONNX (Wang et al. 2025, "MoGe-2: Accurate Monocular Geometry with Metric Scale and Sharp Details").

The graph takes `image` (1, 3, H, W), display-encoded RGB from 0 to 1, and `num_tokens`, and gives `points` (1, H, W, 3) known
up to a shift along the view axis, `normal` (1, H, W, 3), `mask` (1, H, W) and `metric_scale` (1,). Its axes are OpenCV's: X
right, Y down, Z away from the viewer. The shift is recovered here from the field of view of the shot's camera, so that depth
is planar and in metres.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from scipy.optimize import least_squares

from ...errors import InputError
from . import Passes, Picture, Z
from .onnx_file import OnnxFile

TOKENS = 1800  # of the picture; the authors suggest 1200 to 2500
AXES = np.diag((1.0, -1.0, -1.0)).astype(np.float32)  # OpenCV's axes to ours, on column vectors
THERE = 0.5  # least value of the mask; below it there is sky, or no surface
_FITTED = 64  # px per side at which the shift is fitted, as by the authors


class MoGe:
    """See the module and `Estimator`. `turn` (3, 3) corrects the file's normals into camera space, on column vectors."""

    name = "moge"
    gives = frozenset({"normals", "depth", "matte"})
    size = 644

    def __init__(self, path: Path, device: str = "cpu", turn: np.ndarray | None = None) -> None:
        """Open the file. Raises `InputError` for a file that is not MoGe-2 with normals."""
        self._file = OnnxFile(path, device)
        self._file.require(
            "MoGe-2 with normals",
            {"image": 4, "num_tokens": 0},
            {"points": 4, "normal": 4, "mask": 3, "metric_scale": 1},
        )
        self._axes = AXES if turn is None else np.asarray(turn, np.float32) @ AXES

    def estimate(self, picture: Picture) -> Passes:
        """See `Estimator.estimate`; `depth` is in metres."""
        seen = picture.displayed().transpose(2, 0, 1)[None]  # (1, 3, h, w')
        made = self._file.run({"image": seen, "num_tokens": np.array(TOKENS, np.int64)})
        points, normals, mask = made["points"][0], made["normal"][0], made["mask"][0]
        there = (mask > THERE) & np.isfinite(points).all(-1)
        depth = np.zeros(mask.shape, np.float32)
        if there.any():
            z = points[..., 2] + np.float32(shift(points, there, picture.fov))
            depth = np.where(there & (z > 0), z * made["metric_scale"][0], 0).astype(np.float32)
        turned = normals @ self._axes.T
        turned = np.where(there[..., None], turned, 0).astype(np.float32)
        return Passes(normals=turned, depth=depth, depth_kind=Z, matte=np.clip(mask, 0, 1))


def shift(points: np.ndarray, there: np.ndarray, fov: float) -> float:
    """The value to add to the z of points so that they project to their own pixels, least squares over the picture.

    Args:
        points: (H, W, 3), X right, Y down, Z forward, up to a shift of Z.
        there: (H, W) bool, where they count.
        fov: horizontal field of view, degrees.

    Raises:
        InputError: no shift brings the points in front of the camera.
    """
    height, width = there.shape
    focal = 1 / math.tan(math.radians(fov) / 2)  # in units of half the width
    x = ((np.arange(width) + 0.5) / width * 2 - 1) / focal
    y = ((np.arange(height) + 0.5) * 2 - height) / width / focal
    rays = np.stack(np.meshgrid(x, y), -1)  # (H, W, 2): x / z and y / z of each pixel
    step = max(1, max(height, width) // _FITTED)
    sparse = (slice(None, None, step), slice(None, None, step))
    if not there[sparse].any():
        sparse = (slice(None), slice(None))
    kept = points[sparse][there[sparse]]  # (N, 3)
    xy, z, ray = kept[:, :2], kept[:, 2], rays[sparse][there[sparse]]
    nearest = float(z.min())
    # The log of the nearest point's distance is fitted, so that it stays in front of the camera.
    first = max(1e-3, float(np.ptp(z)))

    def error(parameter: np.ndarray) -> np.ndarray:
        return (xy / (z - nearest + np.exp(parameter[0]))[:, None] - ray).ravel()

    found = least_squares(error, [math.log(first)], method="lm")
    if not np.isfinite(found.x).all():
        raise InputError("MoGe's points fit no camera; check --camera")
    return float(np.exp(found.x[0])) - nearest
