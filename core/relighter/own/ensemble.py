"""Several predictions of one network for one window, their mean and their agreement.

RelightVid's Illumination-Invariant Ensemble: the lighting does not depend on the exposure, so the network runs at several
exposures and the relit proxies are averaged with the scaling undone. The scaling follows the exposure anchor, which would
otherwise cancel it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ...pictures.curves import decode_log_tensor, encode_log_tensor
from ..answer import Answer, Network
from .conditions import Conditions

DARKEST, BRIGHTEST = 0.5, 1.5  # factors on the proxy's light: RelightVid's range
DRAWS = 3  # number of seeds used for confidence if the ensemble has one exposure


def factors(count: int) -> tuple[float, ...]:
    """The factors of an ensemble of `count`, an odd number; 1 is always the middle one.

    >>> factors(3)
    (0.5, 1.0, 1.5)
    """
    half = count // 2
    below = [1.0 - (1.0 - DARKEST) * k / half for k in range(half, 0, -1)] if half else []
    above = [1.0 + (BRIGHTEST - 1.0) * k / half for k in range(1, half + 1)] if half else []
    return (*below, 1.0, *above)


def relight(
    network: Network,
    conditions: Sequence[Conditions],
    *,
    frames: Sequence[int],
    steps: int | None,
    seed: int,
    count: int = 1,
    confidence: bool = False,
) -> list[Answer]:
    """`Network.relight` of an ensemble of `count` exposures.

    With `confidence`, results hold the agreement of the members: exp(-s), s the standard deviation of their log gains. 1 is full
    agreement, 0.5 a spread of one stop. A single exposure is repeated with other seeds for that; its own result is kept.
    """
    if "ensemble" in network.gives:
        count = 1
    members = [
        network.relight([scaled(c, factor) for c in conditions], frames=frames, steps=steps, seed=seed)
        for factor in factors(count)
    ]
    by_frame = [list(answers) for answers in zip(*members, strict=True)]
    agreed = [answers[0] if count == 1 else mean(answers) for answers in by_frame]
    if not confidence or "confidence" in network.gives:
        return agreed
    if count == 1:
        draws = (network.relight(conditions, frames=frames, steps=steps, seed=seed + k) for k in range(1, DRAWS))
        by_frame = [list(answers) for answers in zip(members[0], *draws, strict=True)]
    return [replace(a, confidence=agreement(answers)) for a, answers in zip(agreed, by_frame, strict=True)]


def scaled(conditions: Conditions, factor: float) -> Conditions:
    """The conditions with the plate's light times `factor` and without an estimated shape; unchanged for a factor of 1."""
    if factor == 1:
        return conditions
    return replace(conditions, code=encode_log_tensor(decode_log_tensor(conditions.code) * factor), seen=None)


def mean(answers: Sequence[Answer]) -> Answer:
    """The mean of the relit proxies, as a residual over the middle member's analytic gain and normals.

    Each member relights s * p to s * p * exp(gain): with the scaling undone the proxy is the same for all, so the mean of
    the relit proxies is the proxy times the mean of exp(gain).
    """
    middle = answers[len(answers) // 2]
    relit = np.mean([np.exp(a.hint + a.residual, dtype=np.float64) for a in answers], axis=0)
    delit = [a.albedo for a in answers if a.albedo is not None]
    return replace(
        middle,
        residual=(np.log(relit) - middle.hint).astype(np.float32),
        albedo=np.mean(delit, axis=0, dtype=np.float64).astype(np.float32) if delit else None,
    )


def agreement(answers: Sequence[Answer]) -> np.ndarray:
    """The agreement of several results, (h, w) float32 from 0 to 1; see `relight`."""
    spread = np.std([a.hint + a.residual for a in answers], axis=0, dtype=np.float64).mean(-1)
    return np.exp(-spread).astype(np.float32)
