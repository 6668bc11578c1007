"""A cleaned depth held against camera and normals: what relative kinds leave open, and whether it is what it claims to be.

Along a surface the normals say by what factor z changes from pixel to pixel: with view rays r, n the normal between two pixels,
z is proportional to 1 / (r . n). `inverse` and `normalised` depth has a shift that z needs (a factor is a unit, which does not
matter); it enters linearly, so its robust fit is a weighted median.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.ndimage import distance_transform_edt

from ..errors import InputError
from .normals import INSIDE

ABSOLUTE = ("z", "distance")  # kinds that a cleaned depth is z of already
SPANS = 40  # a longer side: pairs of pixels so far apart are compared
FACING = 0.25  # least cosine to the viewer of a normal that is compared
FEW = 60  # pairs: fewer tell nothing
QUIET, NOISY = 0.25, 0.6  # noise of a depth that is taken as it is, and of one that is held to the normals entirely
UNSURE = 0.2  # radians: the expected error of a depth whose slopes are off by as much as the normals' are
NEAREST = 1 / 20  # of the farthest z: a fit that is closer to the eye is held there
DOUBTED = 0.3  # misfit, as a share of what a flat thing would have: more is not this kind where another one fits ...
BETTER = 0.25  # ... with so little of it
LOOSELY = 0.4  # of the normals' slopes that a depth has, whatever noise lies over them: less is another depth
LEVEL = 1e-5  # growth of z that is none: what faces the camera flatly has only rounding
NEARLY = 2.0  # times the least misfit: a kind that leaves less open is as likely
CLEARLY = 0.5  # of them, in a kind that is named as the likely one


@dataclass(frozen=True)
class Pairs:
    """Pairs of pixels of a depth: their numbers `first` and `second` (N,), and `growth` (N,), the natural log of the factor of
    z from first to second according to the normals."""

    first: np.ndarray
    second: np.ndarray
    growth: np.ndarray

    @classmethod
    def of(cls, depth: np.ndarray, rays: np.ndarray, normals: np.ndarray, usable: np.ndarray) -> Pairs:
        """Pairs along rows and columns, whose way from one to the other is all usable.

        Args:
            depth: (h, w), 0 where nothing stands.
            rays: (h, w, 3) unit, from the eye outward.
            normals: (h, w, 3) unit, camera space.
            usable: (h, w) bool, where the normals are to be believed.
        """
        span = max(1, round(max(depth.shape) / SPANS))
        plane = rays / -rays[..., 2:]  # (h, w, 3), on the plane before the eye
        usable = usable & (depth > 0) & (-(rays * normals).sum(-1) > FACING)
        along = [
            _along(depth, plane, normals, usable, span),
            _along(depth.T, *(a.transpose(1, 0, 2) for a in (plane, normals)), usable.T, span),
        ]
        return cls(*(np.concatenate(parts).astype(np.float64) for parts in zip(*along, strict=True)))

    @property
    def few(self) -> bool:
        """Whether they are too few to tell anything."""
        return self.growth.size < FEW


@dataclass(frozen=True)
class Fit:
    """What turns the numbers of a cleaned depth into z.

    z is proportional to the number plus `shift`, or to one over that for the kind `inverse`. Numbers are held between `least` and
    `most`; `middle` is the median z of the subject. `noise` is how far its slopes are from those of the normals that are
    known, as a share of these.
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
            depth: (h, w), cleaned (`depth_pass.clean_depth`), 0 where nothing stands.
            kind: of the parameter `depth_kind`; what `inverse` and `normalised` leave open is what fits the normals best.
            rays: (h, w, 3) unit, from the eye outward. normals: (h, w, 3) unit, camera space. matte: (h, w), 0 to 1.
            known: (h, w) bool, where the normals are given and no guess.
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
        """The expected error of the shape in radians, by which shadows are softer; 0 for a depth that is taken as it is."""
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
            depth: (h, w) of the frame, cleaned, at any size. Where it is 0 in the matte, a point has the depth of the nearest
                that has one.
            rays: (h, w, 3) unit, from the eye outward. matte: (h, w), 0 to 1.
        """
        known = (depth > 0) & (matte > INSIDE)
        if not known.any():
            return np.zeros(depth.shape, np.float32)
        if not known.all():
            nearest: Any = distance_transform_edt(~known, return_distances=False, return_indices=True)
            depth = depth[tuple(nearest)]
        across = rays[0, :, 0] / -rays[0, :, 2]
        focal = (len(across) - 1) / max(float(across[-1] - across[0]), 1e-6)  # px
        return (focal * (self.middle / self.z(depth) - 1)).astype(np.float32)


def require_fits(depth: np.ndarray, kind: str, pairs: Pairs, what: str) -> None:
    """Refuse a depth that cannot be of the kind it claims.

    Args:
        depth: (h, w), cleaned.
        pairs: of this depth, with normals that are known.
        what: the file, for the sentence.

    Raises:
        InputError: the sentence names the likely kind.
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
            "another shot or frame, or --camera is not the plate's: give the right one, or leave --depth out"
        )


def _along(
    depth: np.ndarray, plane: np.ndarray, normals: np.ndarray, usable: np.ndarray, span: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The fields of `Pairs` along rows."""
    if depth.shape[1] <= span:
        return (np.empty(0),) * 3
    between = normals[:, 1:] + normals[:, :-1]  # (h, w - 1, 3), of any length
    here, there = (np.abs((p * between).sum(-1)) for p in (plane[:, :-1], plane[:, 1:]))
    both = usable[:, 1:] & usable[:, :-1]
    growth = np.where(both, np.log(np.maximum(here, 1e-6) / np.maximum(there, 1e-6)), 0)
    summed = np.cumsum(np.pad(growth, ((0, 0), (1, 0))), axis=1, dtype=np.float64)  # (h, w)
    steps = np.cumsum(np.pad(both, ((0, 0), (1, 0))), axis=1)
    whole = steps[:, span:] - steps[:, :-span] == span
    return depth[:, :-span][whole], depth[:, span:][whole], (summed[:, span:] - summed[:, :-span])[whole]


def _ends(depth: np.ndarray) -> tuple[float, float]:
    """The least and greatest number of a depth but for its last hundredth."""
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
    """How far the depth's slopes are from the normals', as a share of what a flat thing before the camera would be.

    A median of each: about 0.1 for an exact depth, whatever bumps the normals have beside it.
    """
    growth, _ = _growth(pairs, kind, depth)
    return float(np.median(np.abs(growth - pairs.growth)) / max(np.median(np.abs(pairs.growth)), LEVEL))


def _agreement(pairs: Pairs, kind: str, depth: np.ndarray) -> float:
    """How much of the normals' slopes the depth has: 1 where it is theirs, about 0 for another thing's.

    It is less than 0 where near and far are exchanged. Noise on the depth takes little of it.
    """
    growth, cap = _growth(pairs, kind, depth)
    ours, theirs = np.clip(growth, -cap, cap), np.clip(pairs.growth, -cap, cap)
    return float((ours * theirs).sum() / max((theirs * theirs).sum(), 1e-12))


def _growth(pairs: Pairs, kind: str, depth: np.ndarray) -> tuple[np.ndarray, float]:
    """What the depth of a kind says of `Pairs.growth`, (N,), and how large a growth has a say: beyond it there are steps."""
    shift = 0.0 if kind in ABSOLUTE else _shift(pairs, kind, _ends(depth))
    first, second = (np.maximum(np.abs(d + shift), 1e-9) for d in (pairs.first, pairs.second))
    growth = np.log(second / first) * (-1 if kind == "inverse" else 1)
    slopes = np.abs(pairs.growth)
    # The mean of a wall before the camera with something small before it, whose median is flat.
    return growth, 3 * float(max(np.median(slopes), slopes.mean())) + 1e-9
