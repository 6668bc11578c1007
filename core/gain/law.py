"""The change of light, from a log gain to relit pixels.

`p` is the plate (premultiplied, working space), `a` its alpha, `w` the weight of the matte, `g` the log gain, `F` the
level and `e` a small positive light, the epsilon:

    relit = F * (exp(g) * q + e * a * max(exp(g) - 1, 0))
    out   = p + w * mix * (relit - q)
    ratio = F * exp(g)

q is the subject's own light: the plate, except at a soft matte, where the plate is a mixture of the subject and what is behind it
(`shape.edges`). What is behind keeps its light.
With grain matched or kept, exp(g) is applied to the base of q. The grain is then added, scaled by exp(g / 2) or unscaled.
Pixels that do not change keep the plate's own values; they are not recomputed. Everything is float32, (H, W, C).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..pictures.channels import thrice
from .grain import Noise, split

TRUSTED = 0.9  # coverage above which a pixel belongs wholly to the subject; its gain is carried outward
_MARGIN = 2  # rows beyond its band that the grain filter reads
_CARRY_SIZE = 1024  # px, longer side at which the gain is carried outward; edge widths scale with it
_CARRY_RADII = (2, 8, 32)  # of the nested tent filters that carry the gain, in pixels of that size
_CARRY_FADE = 1e-3  # weight of a wider tent relative to the next narrower one, where both reach


@dataclass(frozen=True)
class Law:
    """The settings of one frame's change of light: `level` F, `mix`, `epsilon` in the plate's units, and the mode of grain."""

    level: float
    mix: float
    epsilon: float
    grain: str
    noise: Noise | None = None


def matte_weight(matte: np.ndarray | None, alpha: np.ndarray | None, shape: tuple[int, int]) -> np.ndarray:
    """The weight w of the matte, (H, W) float32 from 0 to 1.

    `matte` is premultiplied like the plate; None means the plate's own alpha, else everything. Where the alpha is 0, the value
    of a given matte is the weight.
    """
    if alpha is None:
        return np.ones(shape, np.float32) if matte is None else _unit(matte)
    there = alpha > 0
    if matte is None:
        return there.astype(np.float32)
    divided = np.divide(matte, alpha, out=matte.astype(np.float32), where=there)
    return _unit(divided)


def unpremultiply(rgb: np.ndarray, alpha: np.ndarray | None) -> np.ndarray:
    """RGB divided by alpha where alpha is above zero, unchanged elsewhere; non-finite pixels become 0."""
    divided = rgb if alpha is None else rgb / np.where(alpha > 0, alpha, 1)[..., None]
    return np.where(np.isfinite(divided), divided, 0).astype(np.float32, copy=False)


def carry_outward(gain: np.ndarray, weight: np.ndarray, coverage: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Replace the gain at the matte's edge, which is not reliable, by the gain spread from inside.

    Normalised convolution (Knutsson & Westin 1993) with three nested tents of finite support; the widest is 32
    pixels in a picture of 1024. The gain is spread from pixels that the subject covers to more than 0.9 and whose gain is known.

    Args:
        gain: (H, W, 3), changed in place.
        weight: (H, W), of the matte.
        coverage: (H, W), weight times alpha: the share of the pixel that the subject covers.
        known: (H, W) bool, where the gain was computed from a reliable normal.

    Returns:
        `gain`: unchanged where it is reliable, carried outward elsewhere in the matte, and 0 where no tent reaches.
    """
    poor = lacking(weight, coverage, known)
    if not poor.any():
        return gain
    total, count = _carried(gain, (coverage > TRUSTED) & known)
    height, width = weight.shape
    wide = cv2.resize(total / np.maximum(count, 1e-20)[..., None], (width, height), interpolation=cv2.INTER_LINEAR)
    reached = cv2.resize((count > 0).astype(np.float32), (width, height), interpolation=cv2.INTER_NEAREST) > 0
    gain[poor & reached] = wide[poor & reached]
    gain[poor & ~reached & ~known] = 0
    return gain


def lacking(weight: np.ndarray, coverage: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Where the matte's weight is above 0 and the gain is not reliable, (H, W) bool; see `carry_outward`."""
    return (weight > 0) & ~((coverage > TRUSTED) & known)


def relight_band(plate: np.ndarray, alpha: np.ndarray | None, gain: np.ndarray, law: Law, rows: slice) -> np.ndarray:
    """The law, without mix and matte, for some rows of a frame.

    Args:
        plate: (H, W, 3) premultiplied working-space light of the whole frame; may hold non-finite pixels.
        alpha: (H, W) or None for 1 everywhere.
        gain: (n, W, 3) log gain of `rows`.

    Returns:
        (n, W, 3) relit light; a pixel that is not finite in the plate stays as it is.
    """
    p = plate[rows]
    if not _all_finite(p):
        with np.errstate(invalid="ignore", over="ignore"):  # non-finite pixels of the plate are restored below
            return np.where(np.isfinite(p), _lit(plate, alpha, gain, law, rows), p)
    return _lit(plate, alpha, gain, law, rows)


def base_of(plate: np.ndarray, law: Law, rows: slice) -> np.ndarray:
    """The plate of `rows`, (n, W, 3), without its grain where the law treats that apart; `plate` is the whole frame's."""
    if law.grain == "off" or law.noise is None or law.noise.silent:
        return plate[rows]
    return plate[rows] - _grain_of(plate, law.noise, rows)


def _lit(plate: np.ndarray, alpha: np.ndarray | None, gain: np.ndarray, law: Law, rows: slice) -> np.ndarray:
    p = plate[rows]
    more = np.exp(gain)
    if law.grain == "off" or law.noise is None or law.noise.silent:
        lit = more * p
    else:
        grain = _grain_of(plate, law.noise, rows)
        back = grain if law.grain == "keep" else grain * np.exp(gain * 0.5)
        lit = p - grain
        lit *= more
        lit += back
    lift = more - 1
    np.maximum(lift, 0, out=lift)
    lift *= np.float32(law.epsilon) if alpha is None else thrice(np.float32(law.epsilon) * alpha[rows])
    lit += lift
    if law.grain != "off":
        np.maximum(lit, np.minimum(p * more, 0), out=lit)  # the added grain must not make light negative
    lit *= np.float32(law.level)
    return lit


def touched(weight: np.ndarray, gain: np.ndarray, law: Law) -> np.ndarray:
    """Where the output differs from the plate at all, (..., 3) bool."""
    changes = (gain != 0) if law.level == 1 else np.ones(gain.shape, bool)
    inside = (weight * np.float32(law.mix)) > 0
    return changes if inside.all() else changes & inside[..., None]


def blend(plate: np.ndarray, own: np.ndarray, relit: np.ndarray, weight: np.ndarray, law: Law) -> np.ndarray:
    """out = p + w * mix * (relit - q), written so that a full weight gives `relit` to the last bit.

    `own` is q, equal to `plate` where the matte is not soft; there this is plate * (1 - w * mix) + relit * w * mix.
    """
    t = thrice(weight * np.float32(law.mix))
    if _all_finite(plate):
        return relit if t.min() == 1 else _stays(plate, own, t) + relit * t
    finite = np.isfinite(plate)
    safe, inside = np.where(finite, plate, 0), np.where(finite, own, 0)
    return np.where(finite, _stays(safe, inside, t) + relit * t, plate)


def _stays(plate: np.ndarray, own: np.ndarray, t: np.ndarray) -> np.ndarray:
    """The light that is not replaced: plate - own * t."""
    return np.where(own == plate, plate * (1 - t), plate - own * t)


def _grain_of(plate: np.ndarray, noise: Noise, rows: slice) -> np.ndarray:
    top, bottom = max(0, rows.start - _MARGIN), min(plate.shape[0], rows.stop + _MARGIN)
    near = plate[top:bottom]
    safe = near if _all_finite(near) else np.where(np.isfinite(near), near, 0)
    grain = split(np.ascontiguousarray(safe), noise)
    return grain[rows.start - top : rows.start - top + (rows.stop - rows.start)]


def _all_finite(pixels: np.ndarray) -> bool:
    """Whether all pixels are finite, by one sum. A sum that overflows gives False; the slower path is then correct, too."""
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isfinite(pixels.sum(dtype=np.float32)))


def _carried(gain: np.ndarray, trusted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    height, width = trusted.shape
    step = max(1, round(max(width, height) / _CARRY_SIZE))
    small = (-(-width // step), -(-height // step))
    inside = trusted.astype(np.float32)
    total = cv2.resize(np.where(trusted[..., None], gain, 0).astype(np.float32), small, interpolation=cv2.INTER_AREA)
    count = cv2.resize(inside, small, interpolation=cv2.INTER_AREA)
    sums, counts = np.zeros_like(total), np.zeros_like(count)
    for i, radius in enumerate(_CARRY_RADII):
        fade = np.float32(_CARRY_FADE**i)
        sums += fade * _tent(total, radius)
        counts += fade * _tent(count, radius)
    counts[counts < 1e-9] = 0  # rounding errors of the running sum where no pixel counts
    return sums, counts


def _tent(picture: np.ndarray, radius: int) -> np.ndarray:
    size = (radius + 1, radius + 1)
    once = cv2.blur(picture, size, borderType=cv2.BORDER_CONSTANT)
    return cv2.blur(once, size, borderType=cv2.BORDER_CONSTANT)


def _unit(matte: np.ndarray) -> np.ndarray:
    return np.clip(np.nan_to_num(matte, nan=0.0, posinf=1.0, neginf=0.0), 0, 1).astype(np.float32)
