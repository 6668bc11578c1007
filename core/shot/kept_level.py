"""The level by which a subject keeps its exposure under `--env-level match`: one number for the whole shot.

It is made from how much of the plate's luminance faces each direction, measured once on the shot's probe frames, and from the
two lights. It depends on neither the frames asked for nor the exposure of the new light, and no pixel is read for it again.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..gain.analytic import DARKEST
from ..light.octahedral import octahedral_directions, sample_table

SIDE = 16  # of the octahedral grid of directions; the light of a matte surface changes little over one cell
# Without a limit a subject that is lit from behind alone would be brightened until its unlit front had the old exposure, and its
# rim would be white.
MOST_STOPS = 1.0


def facing_of(rgb: np.ndarray, normals: np.ndarray, weights: np.ndarray, luminance_weights: np.ndarray) -> list[float]:
    """The shares of a subject's luminance that face each direction of the grid, SIDE * SIDE numbers of six digits.

    Args:
        rgb: (N, 3) light of the subject's pixels.
        normals: (N, 3) unit, world space.
        weights: (N,) of the matte.

    Returns:
        Numbers that add up to 1, or all 0 where the subject is black.
    """
    luminance = np.maximum(rgb @ np.asarray(luminance_weights, np.float32), 0) * weights  # (N,)
    nearest = np.argmax(normals @ _directions().T, axis=1)  # (N,)
    shares = np.bincount(nearest, luminance.astype(np.float64), SIDE * SIDE)
    return [float(f"{share:.6g}") for share in shares / max(float(shares.sum()), 1e-12)]


def light_by_facing(table: np.ndarray, world_to_map: np.ndarray, luminance_weights: np.ndarray) -> np.ndarray:
    """The luminance of a light's table, (S, S, 3) at unit level in the axes of its map, on the grid: (SIDE * SIDE,) float64."""
    found = sample_table(table, _directions() @ world_to_map.T.astype(np.float32))
    return np.maximum(found, DARKEST).astype(np.float64) @ np.asarray(luminance_weights, np.float64)


def kept_level(shares: Sequence[Sequence[float]], gains: Sequence[np.ndarray]) -> float:
    """The factor by which the subject's mean luminance over some frames stays what it was in the plate.

    It is at most `MOST_STOPS` from 1, and exactly 1 where all gains are 1.

    Args:
        shares: for each frame, the result of `facing_of`.
        gains: for each frame, the light that a surface receives over what it received before, (SIDE * SIDE,) by facing.
    """
    before = sum(float(np.asarray(share).sum()) for share in shares)
    after = sum(float((np.asarray(share) * gain).sum()) for share, gain in zip(shares, gains, strict=True))
    if before <= 0 or after <= 0:
        return 1.0
    return float(np.clip(before / after, 2.0**-MOST_STOPS, 2.0**MOST_STOPS))


def _directions() -> np.ndarray:
    """The unit directions of the grid, (SIDE * SIDE, 3)."""
    return octahedral_directions(SIDE).reshape(-1, 3)
