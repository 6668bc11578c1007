"""The colour of a light as an artist says it: kelvin where it is nearly that of a black body, else its three numbers."""

from __future__ import annotations

import colorsys

import numpy as np

from .sky import blackbody

NEAR = 0.2
"""Stops, root mean square over the channels: a colour further than this from every black body has no kelvin."""
_HUES = ("red", "orange", "yellow", "yellow-green", "green", "blue-green", "cyan", "sky blue", "blue", "violet", "magenta",
         "pink")  # fmt: skip
_MIREDS = np.linspace(50.0, 700.0, 131)  # 20000 K to 1430 K, in steps that look even
_BODIES = np.log2([blackbody(1e6 / mired) for mired in _MIREDS])  # (131, 3)


def kelvin_of(colour: np.ndarray) -> float | None:
    """The colour temperature nearest to a colour.

    Args:
        colour: (3,) linear Rec.709, of any brightness.

    Returns:
        Kelvin, rounded to 100; None for a colour that no black body has, such as green or magenta.

    >>> kelvin_of(blackbody(3200.0)), kelvin_of(np.array((0.2, 1.0, 0.2)))
    (3200.0, None)
    """
    if min(colour) <= 0:
        return None
    off = np.log2(colour) - _BODIES  # (131, 3)
    off -= off.mean(axis=1, keepdims=True)  # brightness does not count
    distance = np.sqrt(np.square(off).mean(axis=1))
    nearest = int(distance.argmin())
    return round(1e6 / float(_MIREDS[nearest]), -2) if distance[nearest] < NEAR else None


def in_words(colour: np.ndarray) -> str:
    """The colour of a light, (3,) linear Rec.709: `3200 K`, or its hue and its numbers, `violet (R G B 1.62 0.64 2.77)`."""
    kelvin = kelvin_of(colour)
    if kelvin is not None:
        return f"{kelvin:.0f} K"
    red, green, blue = np.maximum(colour, 0) / max(float(np.max(colour)), 1e-9)
    hue = colorsys.rgb_to_hsv(red, green, blue)[0]
    numbers = " ".join(f"{value:.2f}" for value in colour)
    return f"{_HUES[round(hue * len(_HUES)) % len(_HUES)]} (R G B {numbers})"
