"""Finds the directions of a network's normals and depth by running it on a rendered ball and a rendered ramp.

The signs and the order of the axes of a published file are rarely documented. They are found with a ball: one of the 48 ways to
permute and mirror three axes brings the network's normals onto those of the ball. If the network recognises the ball, that one
is far better than the others. If it does not, as a network for people may not, the authors' description is used.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations, product

import cv2
import numpy as np

from ...errors import InputError
from ...pictures.curves import MIDDLE_GREY
from . import INVERSE, RELIEF, Estimator, Passes, Picture

SIDE = 256  # px
RADIUS = 0.7  # of the ball, in units of half the picture
FOV = 40.0
SEEN = 0.6  # mean cosine from which a network counts as recognising the ball
BETTER = 0.25  # by which another order of axes must agree better than the assumed one
SAME = 0.3  # correlation of depth from which its direction counts as found


@dataclass(frozen=True)
class Found:
    """The result for the ball and the ramp.

    `turn` (3, 3) turns the network's normals into camera space, on column vectors; it is the identity where they are right or
    nothing was found. `agreement` is the mean cosine with the ball's normals after the turn. `nearer` is -1 where depth grows in
    the wrong direction, else 1. `words` is the result as a sentence.
    """

    turn: np.ndarray
    agreement: float
    nearer: float
    words: str

    @property
    def as_it_should(self) -> bool:
        """Whether nothing has to be corrected."""
        return bool(np.array_equal(self.turn, np.eye(3)) and self.nearer > 0)


def ball() -> tuple[Picture, np.ndarray]:
    """A matte ball under a soft light from the upper left, and its normals (SIDE, SIDE, 3), zero outside it."""
    x, y = _grid()
    x, y = x / RADIUS, y / RADIUS
    inside = x * x + y * y < 1
    z = np.sqrt(np.maximum(1 - x * x - y * y, 0))
    normals = np.where(inside[..., None], np.stack([x, y, z], -1), 0).astype(np.float32)
    key = np.array((-0.5, 0.6, 0.62), np.float32)
    shade = 0.25 + np.maximum(normals @ (key / np.linalg.norm(key)), 0)
    light = np.where(inside, shade * 0.35, 0.06)[..., None] * np.ones(3)
    return _picture(light, inside), normals


def ramp() -> tuple[Picture, np.ndarray]:
    """A chequered floor that runs away from the viewer, nearest at the bottom, and its depth (SIDE, SIDE)."""
    x, y = _grid()
    down = 0.35 - 0.3 * y  # angle of each row below the horizon
    depth = 1 / down
    chequer = (np.floor(x * depth) + np.floor(2 * depth)) % 2
    light = (0.1 + 0.25 * chequer)[..., None] * np.ones(3)
    return _picture(light, np.ones_like(x, bool)), depth.astype(np.float32)


def look(estimator: Estimator) -> Found:
    """Run a network on the ball and the ramp.

    Raises:
        InputError: its normals are not valid: not of unit length, or encoded from 0 to 1.
    """
    turn, agreement, words = np.eye(3), 0.0, []
    if "normals" in estimator.gives:
        picture, truth = ball()
        turn, agreement = _turn(_at(estimator.estimate(picture), "normals"), truth, estimator.name)
        words.append(_said(turn, agreement))
    nearer = 1.0
    if "depth" in estimator.gives:
        picture, truth = ramp()
        seen = estimator.estimate(picture)
        depth = _at(seen, "depth")
        away = -1.0 if seen.depth_kind in (INVERSE, RELIEF) else 1.0
        told = _correlation(away * depth, truth)
        nearer = -1.0 if told < -SAME else 1.0
        words.append("depth grows toward the viewer and is turned around" if nearer < 0 else "depth is the right way round"
                     if told > SAME else "which way depth grows cannot be told from a ramp")  # fmt: skip
    return Found(turn, agreement, nearer, "; ".join(words))


def _turn(seen: np.ndarray, truth: np.ndarray, name: str) -> tuple[np.ndarray, float]:
    """The turn that brings normals (h, w, 3) onto the ball's, and their agreement after it."""
    there = (np.abs(truth).sum(-1) > 0) & (np.linalg.norm(seen, axis=-1) > 1e-3)
    if not there.any():
        return np.eye(3), 0.0
    told, wanted = seen[there], truth[there]
    if told.min() > -0.02 and told[:, :2].std(axis=0).min() > 0.1:
        raise InputError(
            f"{name}: on a ball its normals never point left or down, so they are encoded from 0 to 1; "
            "this is not the published file"
        )
    if abs(float(np.linalg.norm(told, axis=-1).mean()) - 1) > 0.3:
        raise InputError(f"{name}: its normals on a ball are not of unit length; this is not the published file")
    correlations = wanted.T @ told / len(told)  # (3, 3): axes of the truth against axes of the output
    scores = {signed: float((np.array(signed) * correlations).sum()) for signed in _signed_permutations()}
    best = max(scores, key=lambda signed: scores[signed])
    as_told = float(np.trace(correlations))
    if scores[best] < SEEN or scores[best] - as_told < BETTER:
        return np.eye(3), as_told
    return np.array(best, float), scores[best]


def _signed_permutations() -> list[tuple[tuple[float, ...], ...]]:
    """The 48 orthogonal matrices of zeros, ones and minus ones."""
    eye = np.eye(3)
    return [
        tuple(tuple(float(v) for v in row) for row in (eye[list(order)] * np.array(signs)[:, None]))
        for order in permutations(range(3))
        for signs in product((1.0, -1.0), repeat=3)
    ]


def _said(turn: np.ndarray, agreement: float) -> str:
    degrees = np.degrees(np.arccos(np.clip(agreement, -1, 1)))
    if agreement < SEEN:
        return f"it sees no ball (normals {degrees:.0f} degrees off), so its axes are taken as published"
    if np.array_equal(turn, np.eye(3)):
        return f"normals are right ({degrees:.0f} degrees off on a ball)"
    names = [f"{'-' if row[i] < 0 else ''}{'XYZ'[i]}" for row in turn for i in (int(np.abs(row).argmax()),)]
    said = f"X, Y, Z are its {', '.join(names)} ({degrees:.0f} degrees off on a ball)"
    return f"normals come out in other axes and are turned: {said}"


def _at(passes: Passes, plane: str) -> np.ndarray:
    """A plane at SIDE px."""
    values = getattr(passes, plane)
    if values.shape[:2] == (SIDE, SIDE):
        return values
    return cv2.resize(values, (SIDE, SIDE), interpolation=cv2.INTER_AREA)


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    """The correlation of ranks, because depth may be known only up to any growing function."""
    ranks = [np.argsort(np.argsort(a[::4, ::4].ravel())) for a in (one, other)]
    if np.ptp(one) < 1e-6:
        return 0.0
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


def _grid() -> tuple[np.ndarray, np.ndarray]:
    """The coordinates of pixel centres, x to the right and y up, -1 to 1, (SIDE, SIDE) each."""
    axis = (np.arange(SIDE) + 0.5) / SIDE * 2 - 1
    x, y = np.meshgrid(axis, -axis)
    return x, y


def _picture(light: np.ndarray, inside: np.ndarray) -> Picture:
    exposed = light * (MIDDLE_GREY / float(np.exp(np.log(light[inside]).mean())))
    return Picture(exposed.astype(np.float32), inside.astype(np.float32), FOV)
