"""Compares a cleaned depth with camera and normals: finds the shift of relative kinds, and checks the stated kind.

Along a surface the normals give the factor by which z changes from pixel to pixel: with view rays r, n the normal between two
pixels, z is proportional to 1 / (r . n). `inverse` and `normalised` depth has an unknown shift (its unknown factor is a unit,
which does not matter). The shift enters linearly, so its robust fit is a weighted median.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..errors import InputError
from ..light.backdrop import focal_of
from .normals import INSIDE

ABSOLUTE = ("z", "distance")  # kinds for which a cleaned depth is z
SPANS = 40  # per longer side; pairs of pixels one span apart are compared
FACING = 0.25  # least cosine to the viewer of a normal that is compared
FEW = 60  # pairs; fewer are not enough
QUIET, NOISY = 0.25, 0.6  # noise below which a depth is used unchanged, and above which it fully follows the normals
UNSURE = 0.2  # radians; expected error of a depth whose slopes are wrong by as much as the normals' slopes
NEAREST = 1 / 20  # share of the farthest z; a fit nearer to the eye is limited to this
DOUBTED = 0.3  # misfit relative to a flat thing's; above it the kind is refused if another kind has ...
BETTER = 0.25  # ... a misfit of at most this
LOOSELY = 0.4  # least share of the normals' slopes in a depth, apart from noise; below it is another thing's depth
LEVEL = 1e-5  # growth of z that counts as zero: rounding on a surface that faces the camera
NEARLY = 2.0  # times the least misfit; up to it a kind with fewer unknowns is as likely
CLEARLY = 0.5  # least agreement with the normals' slopes of a kind that is named as likely


@dataclass(frozen=True)
class Pairs:
    """Pairs of pixels of a depth: their numbers `first` and `second` (N,), and `growth` (N,), the natural log of the factor of
    z from first to second according to the normals."""

    first: np.ndarray
    second: np.ndarray
    growth: np.ndarray

    @classmethod
    def of(cls, depth: np.ndarray, rays: np.ndarray, normals: np.ndarray, usable: np.ndarray) -> Pairs:
        """Pairs along rows and columns with usable pixels all the way between them.

        Args:
            depth: (h, w), 0 where there is no surface.
            rays: (h, w, 3) unit, from the eye outward.
            normals: (h, w, 3) unit, camera space.
            usable: (h, w) bool, where the normals are reliable.
        """
        span = max(1, round(max(depth.shape) / SPANS))
        plane = rays / -rays[..., 2:]  # (h, w, 3), on the plane z = -1 before the eye
        usable = usable & (depth > 0) & (-(rays * normals).sum(-1) > FACING)
        along = [
            _along(depth, plane, normals, usable, span),
            _along(depth.T, plane.transpose(1, 0, 2), normals.transpose(1, 0, 2), usable.T, span),
        ]
        return cls(*(np.concatenate(parts).astype(np.float64) for parts in zip(*along, strict=True)))

    @property
    def few(self) -> bool:
        """Whether there are too few pairs for a fit."""
        return self.growth.size < FEW


@dataclass(frozen=True)
class Fit:
    """The conversion of a cleaned depth to z.

    z is proportional to the number plus `shift`, or to one over that for the kind `inverse`. Numbers are limited to `least` and
    `most`; `middle` is the median z of the subject. `noise` is the difference of its slopes from those of the known normals, as
    a share of these.
    """

    kind: str
    shift: float
    least: float
    most: float
    middle: float = 1.0
    noise: float = 0.0

    @classmethod
    def of(
        cls,
        depth: np.ndarray,
        kind: str,
        rays: np.ndarray,
        normals: np.ndarray,
        matte: np.ndarray,
        known: np.ndarray,
    ) -> Fit:
        """The fit of a frame's depth.

        Args:
            depth: (h, w), cleaned (`depth_pass.clean_depth`), 0 where there is no surface.
            kind: a value of the parameter `depth_kind`; the shift of `inverse` and `normalised` is fitted to the normals.
            rays: (h, w, 3) unit, from the eye outward. normals: (h, w, 3) unit, camera space. matte: (h, w), 0 to 1.
            known: (h, w) bool, where the normals are given and not guessed.
        """
        subject = np.where(matte > INSIDE, depth, 0)
        if not subject.any():
            return cls(kind, 0.0, 0.0, np.inf)
        if kind in ABSOLUTE:
            fit = cls(kind, 0.0, 0.0, np.inf)
        else:
            ends = _ends(subject)
            shift = _shift(Pairs.of(subject, rays, normals, matte > INSIDE), kind, ends)
            fit = cls(kind, shift, *_within(ends, shift))
        sure = Pairs.of(subject, rays, normals, known & (matte > INSIDE))
        noise = 0.0 if sure.few else _misfit(sure, kind, subject)
        return replace(fit, middle=float(np.median(fit.z(subject[subject > 0]))), noise=noise)

    @property
    def doubt(self) -> float:
        """The expected error of the shape in radians, by which shadows are blurred; 0 for a depth that is used unchanged."""
        return 0.0 if self.noise < QUIET else UNSURE * min(self.noise, 1.0)

    def z(self, depth: np.ndarray) -> np.ndarray:
        """Planar z of numbers of a cleaned depth, positive, in some unit; any shape."""
        if self.kind in ABSOLUTE:
            return depth
        shifted = np.abs(np.clip(depth, self.least, self.most) + np.float32(self.shift))
        return 1 / shifted if self.kind == "inverse" else shifted

    def heights(self, depth: np.ndarray, rays: np.ndarray, matte: np.ndarray) -> np.ndarray:
        """Heights toward the viewer in pixels of this picture, (h, w), about 0 at the subject's middle.

        The height is f (Z0 / Z - 1), with f the focal length in pixels and Z0 the middle's z. It is projective: straight lines
        of the scene are straight lines over the picture, also under perspective. Steps stay steps.

        Args:
            depth: (h, w) of the frame, cleaned, at any size. Where it is 0 in the matte, a point gets the depth of the nearest
                point that has one.
            rays: (h, w, 3) unit, from the eye outward. matte: (h, w), 0 to 1.
        """
        known = (depth > 0) & (matte > INSIDE)
        if not known.any():
            return np.zeros(depth.shape, np.float32)
        if not known.all():
            from scipy.ndimage import distance_transform_edt

            nearest: Any = distance_transform_edt(~known, return_distances=False, return_indices=True)
            depth = depth[tuple(nearest)]
        return (focal_of(rays) * (self.middle / self.z(depth) - 1)).astype(np.float32)


def require_fits(depth: np.ndarray, kind: str, pairs: Pairs, what: str) -> None:
    """Refuse a depth that cannot be of its stated kind.

    Args:
        depth: (h, w), cleaned.
        pairs: of this depth, with normals that are known.
        what: the name of the file, for the message.

    Raises:
        InputError: the depth is not of this kind; the message names the likely kind.
    """
    if not (depth > 0).any():
        return
    largest = _ends(depth)[1]
    if kind == "normalised" and largest > 1:
        raise InputError(
            f"{what}: expected normalised depth, 0 to 1, and it goes up to {largest:.4g}; give --depth-kind z, or inverse where "
            "larger is nearer"
        )
    if pairs.few:
        return
    claimed = _misfit(pairs, kind, depth)
    follows = _agreement(pairs, kind, depth) > LOOSELY
    if claimed < DOUBTED and follows:
        return
    others = [
        other for other in ("z", "inverse", "normalised") if other not in (kind, "z" if kind == "distance" else "")
    ]
    misfits = {other: _misfit(pairs, other, depth) for other in others if other != "normalised" or largest <= 1}
    likely = next(other for other in misfits if misfits[other] <= NEARLY * min(misfits.values()))
    better = misfits[likely] < BETTER * claimed if follows else _agreement(pairs, likely, depth) > CLEARLY
    if better:
        raise InputError(
            f"{what}: as --depth-kind {kind} this depth contradicts the normals, as {likely} it fits them; "
            f"give --depth-kind {likely}"
        )
    if not follows:
        raise InputError(
            f"{what}: this depth does not fit the normals of the plate as any kind (expected --depth-kind {kind}); it may be of "
            "another shot or frame, --camera is not the plate's, or the normals are in world space (--normals-space world): give "
            "the right ones, or leave --depth out"
        )


def _along(
    depth: np.ndarray, plane: np.ndarray, normals: np.ndarray, usable: np.ndarray, span: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The fields of `Pairs` along rows."""
    if depth.shape[1] <= span:
        return np.empty(0), np.empty(0), np.empty(0)
    between = normals[:, 1:] + normals[:, :-1]  # (h, w - 1, 3), of any length
    here, there = (np.abs((p * between).sum(-1)) for p in (plane[:, :-1], plane[:, 1:]))
    both = usable[:, 1:] & usable[:, :-1]
    growth = np.where(both, np.log(np.maximum(here, 1e-6) / np.maximum(there, 1e-6)), 0)
    summed = np.cumsum(np.pad(growth, ((0, 0), (1, 0))), axis=1, dtype=np.float64)  # (h, w)
    steps = np.cumsum(np.pad(both, ((0, 0), (1, 0))), axis=1)
    whole = steps[:, span:] - steps[:, :-span] == span
    return depth[:, :-span][whole], depth[:, span:][whole], (summed[:, span:] - summed[:, :-span])[whole]


def _ends(depth: np.ndarray) -> tuple[float, float]:
    """The least and greatest value of a depth, without the outermost hundredth."""
    low, high = np.quantile(depth[depth > 0], (0.01, 0.99))
    return float(low), float(high)


def _within(ends: tuple[float, float], shift: float) -> tuple[float, float]:
    """The ends, widened by their own range, but not across the eye."""
    low, high = ends
    room = (high - low) + 1e-6
    margin = NEAREST / 2 * max(abs(low + shift), abs(high + shift))
    if low + shift > 0:
        return max(low - room, margin - shift), high + room
    return low - room, min(high + room, -margin - shift)


def _shift(pairs: Pairs, kind: str, ends: tuple[float, float]) -> float:
    """What must be added to a depth so that it is proportional to z (`normalised`; negative where 1 is near) or to 1 / z."""
    low, high = ends
    factor = np.exp(pairs.growth if kind == "normalised" else -pairs.growth)
    slope, wanted = 1 - factor, factor * pairs.first - pairs.second
    kept = np.abs(slope) > 1e-9
    if pairs.few or not kept.any():
        return 0.0
    shift = _weighted_median(wanted[kept] / slope[kept], np.abs(slope[kept]))
    nearest = (high - low) * NEAREST / (1 - NEAREST)
    if kind == "inverse" or shift > -(low + high) / 2:
        return max(shift, nearest - low)
    return min(shift, -nearest - high)


def _weighted_median(values: np.ndarray, weights: np.ndarray) -> float:
    order = np.argsort(values, kind="stable")
    mass = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(mass, mass[-1] / 2)])


def _misfit(pairs: Pairs, kind: str, depth: np.ndarray) -> float:
    """The difference of the depth's slopes from the normals', relative to that of a flat thing facing the camera.

    It is a ratio of medians: about 0.1 for an exact depth, even where the normals have bumps that the depth lacks.
    """
    growth, _ = _growth(pairs, kind, depth)
    return float(np.median(np.abs(growth - pairs.growth)) / max(np.median(np.abs(pairs.growth)), LEVEL))


def _agreement(pairs: Pairs, kind: str, depth: np.ndarray) -> float:
    """How much of the normals' slopes the depth has: 1 if they are equal, about 0 for the depth of another thing.

    It is below 0 if near and far are exchanged. Noise on the depth changes it little.
    """
    growth, cap = _growth(pairs, kind, depth)
    ours, theirs = np.clip(growth, -cap, cap), np.clip(pairs.growth, -cap, cap)
    return float((ours * theirs).sum() / max((theirs * theirs).sum(), 1e-12))


def _growth(pairs: Pairs, kind: str, depth: np.ndarray) -> tuple[np.ndarray, float]:
    """`Pairs.growth` (N,) according to a depth of a kind, and the largest growth that counts; beyond it there are steps."""
    shift = 0.0 if kind in ABSOLUTE else _shift(pairs, kind, _ends(depth))
    first, second = (np.maximum(np.abs(d + shift), 1e-9) for d in (pairs.first, pairs.second))
    growth = np.log(second / first) * (-1 if kind == "inverse" else 1)
    slopes = np.abs(pairs.growth)
    # The mean is used where the median is zero, as for a wall facing the camera with something small in front.
    return growth, 3 * float(max(np.median(slopes), slopes.mean())) + 1e-9
