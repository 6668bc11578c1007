"""Combines an estimator's depth and normals: planar depth that fits the normals, at a distance that fits the camera.

A picture does not show how far away a thing is, so where depth has no unit, the picture's longer side measures 1 at
the subject's mean depth: a subject that fills the frame is about one unit wide.
"""

from __future__ import annotations

import math

import numpy as np
import torch

from .depth import relief_of
from .estimators import INVERSE, RELIEF, Z


def planar(
    depth: np.ndarray, kind: str, normals: np.ndarray | None, matte: np.ndarray, fov: float, aspect: float = 1.0
) -> np.ndarray | None:
    """Planar depth, (h, w) float32, positive, from an estimated depth of any kind; None where its scale cannot be found.

    Relative depth without normals has no scale. With normals its relief is scaled to theirs, least squares over the matte, and
    combined with them (`depth.relief_of`). Where the two contradict each other, the normals are used.

    Args:
        depth: (h, w) of the kind `kind` (`estimators.DEPTH_KINDS`).
        normals: (h, w, 3) unit camera-space vectors, or None.
        matte: (h, w), 0 to 1.
        fov: horizontal field of view in degrees. aspect: width of a pixel over its height.
    """
    if kind == Z:
        return depth
    height, width = matte.shape
    longer = max(height, width)
    if kind == RELIEF:
        found: np.ndarray | None = depth
    elif normals is None:
        return None
    else:
        away = 1 / np.maximum(depth, 1e-6) if kind == INVERSE else depth
        found = _scaled(-away, _heights(normals, matte, None) / longer, matte)
    relief = found if normals is None else _heights(normals, matte, found) / longer  # (h, w), in longer sides
    assert relief is not None
    mass = max(float(matte.sum()), 1e-6)
    relief = relief - float((relief * matte).sum()) / mass
    distance = width * aspect / longer / (2 * math.tan(math.radians(fov) / 2))
    return np.maximum(distance - relief, 0.02 * distance).astype(np.float32)


def _heights(normals: np.ndarray, matte: np.ndarray, relief: np.ndarray | None) -> np.ndarray:
    """Heights toward the viewer in pixels, (h, w), from normals and optionally a relief in units of the longer side."""
    planes = torch.from_numpy(np.ascontiguousarray(normals, np.float32)).permute(2, 0, 1)[None]  # (1, 3, h, w)
    cover = torch.from_numpy(np.ascontiguousarray(matte, np.float32))[None, None]
    given = None if relief is None else torch.from_numpy(np.ascontiguousarray(relief, np.float32))[None, None]
    return relief_of(planes, cover, given)[0].numpy()


def _scaled(relief: np.ndarray, heights: np.ndarray, matte: np.ndarray) -> np.ndarray | None:
    """A relief of unknown scale at the scale of `heights`; None where the two contradict each other."""
    weight = matte / max(float(matte.sum()), 1e-6)
    one, other = relief - (relief * weight).sum(), heights - (heights * weight).sum()
    size, shared = float((weight * one * one).sum()), float((weight * one * other).sum())
    return (one * (shared / size)).astype(np.float32) if size > 1e-12 and shared > 0 else None
