"""The light that arrives at each pixel of a subject: direct light with its shadows, and light reflected by the subject.

The table of a light holds what a matte surface receives from it when nothing is in the way. The light that the subject's form
hides is subtracted: for each small lamp by its own shadow, and for the broad rest of the light together. Where the form hides
the sky, a share of the subject's mean light is added, as light reflected by the subject:

    E = T - sum over lamps of L_k (1 - v_k) - (T - sum L_k) (1 - b) + BOUNCE (1 - s) mean(E)

T is the value of the table, L_k the light of lamp k alone, v_k the visible share of lamp k, b the share of the rest that
arrives, and s the cosine-weighted share of the hemisphere that is open. Where nothing is in the way, E is T.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ..light.fibres import light_on_fibres
from ..light.octahedral import Facing, sample_table
from ..pictures.bands import bands
from ..pictures.channels import in_colour, thrice
from ..shape.highlight import Sheen
from ..shape.placed import PlacedLight, risen
from ..shape.shadow import points_of
from .analytic import DARKEST
from .guide import enlarged_rows
from .hair import LEAST, Hair, spread

if TYPE_CHECKING:
    from ..light.parcels import Parcels
    from ..shape.shadow import Surface
    from .ground import GroundShadow

BOUNCE = 0.35  # share of the subject's mean light that is reflected from where the sky is hidden
DIM = 1e-3  # at unit level: least unoccluded light that a visibility is divided by


@dataclass(frozen=True)
class Lamp:
    """A small lamp in camera space, and its visibility from each point of the subject.

    `direction` (3,) is the unit vector toward the lamp, `light` (3,) the value of a white matte surface that faces it, `radius`
    half its angle in radians, and `visible` (h, w, 1) its visible share at each point, 0 to 1, at any size.
    """

    direction: np.ndarray
    light: np.ndarray
    radius: float
    visible: np.ndarray

    def given(self, normals: np.ndarray) -> np.ndarray:
        """The unoccluded light (n, W, 3) on surfaces with normals (n, W, 3); it fades smoothly where the lamp's disc sets."""
        return in_colour(risen(normals @ self.direction, np.float32(max(self.radius, 1e-3))), self.light)


@dataclass(frozen=True)
class Arrival:
    """One light on a frame, at unit level, linear, float32.

    `table` (S, S, 3) is the light on camera-space normals; `lamps` are the small lamps in it. `broad` (h, w, 3) is the share
    of the rest that arrives, `closed` (h, w, 1) the share of the hemisphere that is not open, and `back` (3,) the light that
    is reflected from there. `strength`, 0 to 1, scales all effects of the form. Pictures are enlarged to `shape`, the frame's
    size (H, W). `hair` is the light on hair; None where there is none.
    """

    table: np.ndarray
    lamps: tuple[Lamp, ...]
    broad: np.ndarray
    closed: np.ndarray
    shape: tuple[int, int]
    strength: float = 1.0
    back: np.ndarray | None = None
    hair: Hair | None = None

    def received(self, normals: np.ndarray | Facing, rows: slice) -> np.ndarray:
        """The light on the surfaces of `rows`, (n, W, 3) zero or more, for their normals (n, W, 3)."""
        return self._free_and_received(Facing.of(normals), rows)[1]

    def arriving(self, normals: np.ndarray | Facing, rows: slice) -> np.ndarray:
        """The light that arrives, divided by the unoccluded light, (n, W, 3) above zero; 1 where the form has no effect."""
        free, received = self._free_and_received(Facing.of(normals), rows)
        darkest = np.float32(DARKEST)
        return np.divide(np.maximum(received, darkest, out=received), np.maximum(free, darkest, out=free), out=received)

    def visibility(self, normals: np.ndarray, rows: slice) -> np.ndarray:
        """The share of the light that reaches the points of `rows` directly, (n, W) from 0 to 1; 1 is unoccluded."""
        free, taken = (picture.mean(-1) for picture in self._free_and_taken(Facing.of(normals), rows))
        return np.clip(1 - taken / np.maximum(free, np.float32(DIM)), 0, 1)

    def _free_and_received(self, normals: Facing, rows: slice) -> tuple[np.ndarray, np.ndarray]:
        """The unoccluded light on surfaces, and the light that arrives, (n, W, 3) each."""
        free, taken = self._free_and_taken(normals, rows)
        if self.back is not None:
            taken -= in_colour(enlarged_rows(self.closed, rows, self.shape), self.back)
        taken *= np.float32(self.strength)
        received = np.subtract(free, taken, out=taken)
        np.maximum(received, 0, out=received)
        if self.hair is not None:
            self._put_on_hair(self.hair, received, normals.directions, rows)
        return free, received

    def on_hair(self, share: np.ndarray, light: Parcels) -> Arrival:
        """The same where some pixels are hair.

        Args:
            share: (H, W), 0 to 1, how much of each pixel is hair.
            light: this light as lamps and small parcels, in camera space.
        """
        hair = Hair.of(share, light)
        lamps = tuple(replace(lamp, visible=spread(share, lamp.visible)) for lamp in self.lamps)
        return replace(self, lamps=lamps, hair=hair)

    def _put_on_hair(self, hair: Hair, received: np.ndarray, normals: np.ndarray, rows: slice) -> None:
        """Mix, where there is hair, the light on it into the light that matte surfaces receive, (n, W, 3)."""
        share = hair.share[rows]
        there = np.nonzero(share > LEAST)  # P pixels
        if not len(there[0]):
            return
        facing = normals[there]  # (P, 3)
        rest = np.maximum(sample_table(hair.table, facing), 0)
        lit = np.zeros_like(rest)
        for lamp in self.lamps:
            given = light_on_fibres(facing, lamp.direction)[:, None] * lamp.light  # (P, 3)
            rest -= np.minimum(given, rest)
            visible = 1 - np.float32(self.strength) * (1 - enlarged_rows(lamp.visible, rows, self.shape)[there])
            lit += given * visible
        broad = 1 - np.float32(self.strength) * (1 - enlarged_rows(self.broad, rows, self.shape)[there])
        lit += rest * broad
        if self.back is not None:
            lit += np.float32(self.strength) * enlarged_rows(self.closed, rows, self.shape)[there] * self.back
        received[there] += share[there][:, None] * (lit - received[there])

    def _free_and_taken(self, normals: Facing, rows: slice) -> tuple[np.ndarray, np.ndarray]:
        """The unoccluded light on surfaces, and the part of it that the form hides, (n, W, 3) each."""
        free = sample_table(self.table, normals)
        np.maximum(free, 0, out=free)
        rest, hidden = (free.copy() if self.lamps else free), []
        for lamp in self.lamps:
            given = lamp.given(normals.directions)
            rest -= np.minimum(given, rest, out=given)
            given *= thrice(1 - enlarged_rows(lamp.visible, rows, self.shape))
            hidden.append(given)
        taken = 1 - enlarged_rows(self.broad, rows, self.shape)
        taken *= rest
        # Summed in the order of the lamps, the broad light last.
        return free, taken if not hidden else np.add(sum(hidden[1:], start=hidden[0]), taken, out=taken)


@dataclass(frozen=True)
class PlacedArrival:
    """The light of one source at a place in the scene, on one frame.

    `light` is in pixels of the frame's size (H, W), `shape`, and so are the focal length and the `centre` of the view
    (`shadow.Surface`). `height` (h, w, 1) is the relief in those pixels and `visible` (h, w, 1) the visible share of the
    light at each point, 0 to 1, at any size. `hair` (H, W), 0 to 1, is how much of each pixel is hair; None where there is none.
    """

    light: PlacedLight
    height: np.ndarray
    visible: np.ndarray
    focal: float
    centre: tuple[float, float]
    shape: tuple[int, int]
    hair: np.ndarray | None = None

    def received(self, normals: np.ndarray, rows: slice) -> np.ndarray:
        """The light on the surfaces of `rows`, (n, W, 3) zero or more, for their normals (n, W, 3); see `PlacedLight.energy`."""
        points = self._points(rows)
        given = self.light.given(normals, points)
        if self.hair is not None:
            there = np.nonzero(self.hair[rows] > LEAST)  # P pixels
            on_hair = self.light.given(normals[there], points[there], light_on_fibres)  # (P, 3)
            given[there] += self.hair[rows][there][:, None] * (on_hair - given[there])
        return given * enlarged_rows(self.visible, rows, self.shape)

    def mirrored(self, sheen: Sheen, rows: slice, there: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        """What P glossy pixels `there` in `rows` mirror of the light before its colour, (P, 1, 2); see `PlacedLight.mirrored`."""
        points, visible = (
            self._points(rows)[there][:, None],
            enlarged_rows(self.visible, rows, self.shape)[there][:, None],
        )
        return self.light.mirrored(sheen, points) * visible

    def _points(self, rows: slice) -> np.ndarray:
        """The points of the surface at `rows`, (n, W, 3) px."""
        height = enlarged_rows(self.height, rows, self.shape)[..., 0]
        return points_of(height, self.focal, self.centre, rows.indices(self.shape[0])[0])


@dataclass(frozen=True)
class RigArrival:
    """The lights of a rig on a frame.

    They are divided by the plate's own light. That is the source light where it is known, divided by `mean`, its mean luminance
    over the subject; else `own` (h, w, 1), the plate's brightness as a function of the normal, at any size; else 1. With
    `keeps` the plate keeps its own light and the rig is added to it.
    """

    lights: tuple[PlacedArrival, ...]
    own: np.ndarray | None
    mean: float
    keeps: bool
    shape: tuple[int, int]

    def over_own(self, source: Arrival | None, normals: Facing, rows: slice) -> list[np.ndarray]:
        """The light of each source on the surfaces of `rows`, divided by the plate's own light, (n, W, 3) each."""
        own: np.ndarray | np.float32 = np.float32(1)
        if source is not None:
            own = np.maximum(source.received(normals, rows) / np.float32(self.mean), np.float32(DARKEST))
        elif self.own is not None:
            own = enlarged_rows(self.own, rows, self.shape)
        return [light.received(normals.directions, rows) / own for light in self.lights]


@dataclass(frozen=True)
class TracedLights:
    """The lights of a frame on its shape; `source` is None where it is not known, `lamps` are the parts of the target.

    `rig` are lights at places in the scene, added to the target or to the plate's own light. `ground` is the subject's
    shadow on the ground, None where there is none. `relief` is the surface on which shadows were traced; None without
    shadows, and where its depth was not given.
    """

    target: Arrival
    source: Arrival | None
    lamps: tuple[Arrival, ...] = ()
    rig: RigArrival | None = None
    ground: GroundShadow | None = None
    relief: Surface | None = None

    def log_share(
        self, normals: np.ndarray | Facing, rows: slice, source_arriving: np.ndarray | None = None
    ) -> np.ndarray:
        """What tracing adds to the log gain of `rows`, (n, W, 3).

        `source_arriving` is `source.arriving` of the same rows, where it is known already.
        """
        facing = Facing.of(normals)
        if self.rig is not None and self.rig.keeps:
            return np.zeros_like(facing.directions)
        share = self.target.arriving(facing, rows)
        if self.source is not None:
            share /= self.source.arriving(facing, rows) if source_arriving is None else source_arriving
        return np.log(share, out=share)


def with_bounce(arrival: Arrival, normals: np.ndarray, matte: np.ndarray) -> Arrival:
    """`arrival` with the light that the subject reflects, from its normals (H, W, 3) and matte (H, W) at `arrival.shape`."""
    mass = max(float(matte.sum()), 1e-6)
    total = np.zeros(3, np.float64)
    for rows in bands(len(matte)):
        free, taken = arrival._free_and_taken(Facing.of(normals[rows]), rows)
        total += ((free - taken) * matte[rows, :, None]).sum((0, 1), dtype=np.float64)
    return replace(arrival, back=(BOUNCE * total / mass).astype(np.float32))
