"""What arrives of one light at each pixel of a subject: its shadows, and what the subject gives back.

The table of a light says what a matte surface gets of it with nothing in the way. From that is taken what the form hides of the
small lamps, each by its own shadow, and of the broad rest; and what hides the sky gives back a part of the subject's mean light:

    E = T - sum over lamps of L_k (1 - v_k) - (T - sum L_k) (1 - b) + BOUNCE (1 - s) mean(E)

with T from the table, L_k what lamp k alone gives the surface, v_k the share of it that the point sees, b the share of the rest
that arrives, and s the cosine-weighted share of the hemisphere that is open. Where nothing is in the way, E is T.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..light.octahedral import sample_table
from ..pictures.bands import bands
from ..shape.placed import PlacedLight
from ..shape.shadow import points_of
from .analytic import DARKEST
from .guide import enlarged_rows

BOUNCE = 0.35  # of the subject's mean light, which what hides the sky gives back
DIM = 1e-3  # of the light a surface may get: no share is told of less


@dataclass(frozen=True)
class Lamp:
    """A small lamp before the camera, and where it is seen from.

    `direction` is (3,) unit toward it, `light` (3,) what a white matte surface that faces it reads, `radius` half its angle in
    radians, and `visible` (h, w, 1) the share of it that each point sees, at any size.
    """

    direction: np.ndarray
    light: np.ndarray
    radius: float
    visible: np.ndarray

    def given(self, normals: np.ndarray) -> np.ndarray:
        """What surfaces with these normals (..., 3) get with nothing in the way, (..., 3); rounded off where the disc sets."""
        cosine = normals @ self.direction
        r = np.float32(max(self.radius, 1e-3))
        cosine = np.where(np.abs(cosine) < r, (cosine + r) ** 2 / (4 * r), np.maximum(cosine, 0))
        return cosine[..., None] * self.light


@dataclass(frozen=True)
class Arrival:
    """One light on a frame, at unit level, linear, float32.

    `table` (S, S, 3) is the light on camera-space normals; `lamps` are the small lamps in it. `broad` (h, w, 3) is the share
    of the rest that arrives, `closed` (h, w, 1) the share of the hemisphere that is not open, and `back` (3,) the light that
    is given back there. `strength`, 0 to 1, scales all that the form does. Pictures are enlarged to the frame's size (H, W),
    `shape`.
    """

    table: np.ndarray
    lamps: tuple[Lamp, ...]
    broad: np.ndarray
    closed: np.ndarray
    shape: tuple[int, int]
    strength: float = 1.0
    back: np.ndarray | None = None

    def received(self, normals: np.ndarray, rows: slice) -> np.ndarray:
        """What the surfaces of some rows get, (n, W, 3) zero or more, for their normals (n, W, 3)."""
        return self._free_and_received(normals, rows)[1]

    def arriving(self, normals: np.ndarray, rows: slice) -> np.ndarray:
        """What arrives over what would with nothing in the way, (n, W, 3) above zero; 1 where the form does nothing."""
        free, received = self._free_and_received(normals, rows)
        darkest = np.float32(DARKEST)
        return np.maximum(received, darkest) / np.maximum(free, darkest)

    def visibility(self, normals: np.ndarray, rows: slice) -> np.ndarray:
        """The share of the light that reaches the points of some rows on a straight way, (n, W) from 0 to 1; 1 is open."""
        free, taken = (picture.mean(-1) for picture in self._free_and_taken(normals, rows))
        return np.clip(1 - taken / np.maximum(free, np.float32(DIM)), 0, 1)

    def _free_and_received(self, normals: np.ndarray, rows: slice) -> tuple[np.ndarray, np.ndarray]:
        """What surfaces would get with nothing in the way, and what they get, (n, W, 3) each."""
        free, taken = self._free_and_taken(normals, rows)
        if self.back is not None:
            taken -= enlarged_rows(self.closed, rows, self.shape) * self.back
        return free, np.maximum(free - np.float32(self.strength) * taken, 0)

    def _free_and_taken(self, normals: np.ndarray, rows: slice) -> tuple[np.ndarray, np.ndarray]:
        """What surfaces would get with nothing in the way, and what of that is hidden from them, (n, W, 3) each."""
        free = np.maximum(sample_table(self.table, normals), 0)
        rest, taken = free, np.zeros_like(free)
        for lamp in self.lamps:
            given = np.minimum(lamp.given(normals), rest)
            rest = rest - given
            taken += given * (1 - enlarged_rows(lamp.visible, rows, self.shape))
        taken += rest * (1 - enlarged_rows(self.broad, rows, self.shape))
        return free, taken


@dataclass(frozen=True)
class PlacedArrival:
    """A light that stands in the scene, on a frame.

    `light` is in pixels of the frame's size (H, W), `shape`, and so are the focal length and the `centre` of the view
    (`shadow.Surface`). `height` (h, w, 1) is the relief in those pixels and `visible` (h, w, 1) the share of the light that each
    point sees, at any size.
    """

    light: PlacedLight
    height: np.ndarray
    visible: np.ndarray
    focal: float
    centre: tuple[float, float]
    shape: tuple[int, int]

    def received(self, normals: np.ndarray, rows: slice) -> np.ndarray:
        """What the surfaces of some rows get, (n, W, 3) zero or more, for their normals (n, W, 3); see `PlacedLight.energy`."""
        height = enlarged_rows(self.height, rows, self.shape)[..., 0]
        given = self.light.given(normals, points_of(height, self.focal, self.centre, rows.indices(self.shape[0])[0]))
        return given * enlarged_rows(self.visible, rows, self.shape)


@dataclass(frozen=True)
class RigArrival:
    """The lights of a rig on a frame.

    What they are over is the plate's own light: the source light where it is known, divided by `mean`, its mean luminance over
    the subject; else `own` (h, w, 1), the plate's brightness by facing, at any size; else 1. `keeps` says that the plate keeps
    that light beside the rig.
    """

    lights: tuple[PlacedArrival, ...]
    own: np.ndarray | None
    mean: float
    keeps: bool
    shape: tuple[int, int]

    def over_own(self, source: Arrival | None, normals: np.ndarray, rows: slice) -> list[np.ndarray]:
        """What each light gives the surfaces of some rows over the plate's own light, (n, W, 3) each."""
        own: np.ndarray | np.float32 = np.float32(1)
        if source is not None:
            own = np.maximum(source.received(normals, rows) / np.float32(self.mean), np.float32(DARKEST))
        elif self.own is not None:
            own = enlarged_rows(self.own, rows, self.shape)
        return [light.received(normals, rows) / own for light in self.lights]


@dataclass(frozen=True)
class TracedLights:
    """The lights of a frame on its shape; `source` is None where it is not known, `lamps` are the parts of the target.

    `rig` are lights that stand in the scene beside the target, or beside the plate's own light.
    """

    target: Arrival
    source: Arrival | None
    lamps: tuple[Arrival, ...] = ()
    rig: RigArrival | None = None

    def log_share(self, normals: np.ndarray, rows: slice) -> np.ndarray:
        """What tracing adds to the log gain of some rows, (n, W, 3)."""
        if self.rig is not None and self.rig.keeps:
            return np.zeros_like(normals)
        arriving = self.target.arriving(normals, rows)
        return np.log(arriving if self.source is None else arriving / self.source.arriving(normals, rows))


def with_bounce(arrival: Arrival, normals: np.ndarray, matte: np.ndarray) -> Arrival:
    """The same with the light that the subject gives back, of its normals (H, W, 3) and matte (H, W) at `arrival.shape`."""
    mass = max(float(matte.sum()), 1e-6)
    total = np.zeros(3, np.float64)
    for rows in bands(len(matte)):
        free, taken = arrival._free_and_taken(normals[rows], rows)
        total += ((free - taken) * matte[rows, :, None]).sum((0, 1), dtype=np.float64)
    return replace(arrival, back=(BOUNCE * total / mass).astype(np.float32))
