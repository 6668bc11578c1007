"""The lights of `benchmarks/photographs.py`: an even white one that should change nothing, and six to light people with.

Lat-long maps (64, 128, 3) float32 with Rec.709 primaries, the middle behind the camera (`core/light/environment.py`).
"""

# pyright: reportMissingImports=false
# relamp is found where it is installed.

from __future__ import annotations

import numpy as np

from relamp.core.light.environment import directions

ROWS = 64
EVEN = "even white"
MIRROR_OF = {"key left": "key right", "key right": "key left"}


def lights() -> dict[str, np.ndarray]:
    """Each light by its name, the even one first."""
    warm, white, sun, sky = (1.0, 0.86, 0.7), (1.0, 1.0, 1.0), (1.0, 0.62, 0.3), (0.75, 0.9, 1.15)
    up = np.maximum(directions(ROWS, 2 * ROWS)[..., 1:2], 0)
    key = lamp((-1.0, 0.5, 0.7), 12.0, warm, 12.0, fill=0.25)
    return {
        EVEN: np.ones((ROWS, 2 * ROWS, 3), np.float32),
        "key left": key,
        "key right": mirrored(key),
        "front": lamp((0.0, 0.15, 1.0), 12.0, white, 10.0, fill=0.25),
        "overcast": (np.array([0.12, 0.11, 0.1], np.float32) + up * np.array(sky, np.float32)).astype(np.float32),
        "low sun": lamp((0.9, 0.2, 0.5), 400.0, sun, 400.0, fill=0.2, tint=sky),
        "rim": lamp((-0.5, 0.5, -1.0), 30.0, white, 40.0, fill=0.15),
    }


def lamp(
    direction: tuple[float, float, float],
    narrow: float,
    colour: tuple[float, float, float],
    radiance: float,
    fill: float,
    tint: tuple[float, float, float] = (1.0, 1.0, 1.0),
) -> np.ndarray:
    """One lamp over an even fill: exp(narrow (cos - 1)) toward `direction`, camera axes of a camera that looks down -Z."""
    axis = np.array(direction, np.float32) / np.linalg.norm(direction)
    lobe = np.exp(narrow * (directions(ROWS, 2 * ROWS) @ axis - 1))[..., None]
    return (fill * np.array(tint) + radiance * lobe * np.array(colour)).astype(np.float32)


def mirrored(light: np.ndarray) -> np.ndarray:
    """The light with left and right exchanged: X becomes -X, which mirrors a lat-long about its middle."""
    return np.ascontiguousarray(light[:, ::-1])
