"""Procedural surface: colour, roughness and metalness as functions of a point on a thing. numpy only.

Colours are linear, in the working space. Every draw comes from the generator that is given.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .mesh import unit

Paint = Callable[[np.ndarray, np.ndarray], "Surface"]
"""Points (N, 3) on a thing and their parts (N,) to what the surface is there."""

DARKEST, BRIGHTEST = 0.01, 0.92  # diffuse reflectances of real surfaces


@dataclass(frozen=True)
class Surface:
    """`colour` (N, 3) reflectance, a metal's included; `roughness` (N,) perceptual, 0 to 1; `metallic` (N,), 0 or 1;
    `part` (N,)."""

    colour: np.ndarray
    roughness: np.ndarray
    metallic: np.ndarray
    part: np.ndarray


def waves(rng: np.random.Generator, points: np.ndarray, low: float, high: float, count: int = 8) -> np.ndarray:
    """Smooth noise (N,) of unit variance, about: a sum of `count` sine waves of `low` to `high` cycles a unit."""
    turns = unit(rng.normal(size=(count, points.shape[-1]))) * np.exp(
        rng.uniform(np.log(low), np.log(high), (count, 1))
    )
    phases = rng.uniform(0, 2 * np.pi, count)
    return np.sin(points @ (turns.T * (2 * np.pi)) + phases).sum(-1) / np.sqrt(count / 2)


def ramp(x: np.ndarray, low: float | np.ndarray, high: float | np.ndarray) -> np.ndarray:
    """0 below `low`, 1 above `high`, smooth between (Hermite)."""
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """A number whose logarithm is equally likely everywhere between."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def random_colour(rng: np.random.Generator, low: float = 0.02, high: float = 0.85) -> np.ndarray:
    """(3,): luminance log-uniform, saturations as in a room: most colours are muted, some are not."""
    saturation = rng.uniform(0, 1) * rng.choice([0.25, 0.6, 1.0], p=[0.45, 0.35, 0.2])
    hue = rng.uniform(-1, 1, 3)
    return np.clip(log_uniform(rng, low, high) * np.exp(0.9 * saturation * hue), DARKEST, BRIGHTEST)


def skin_colour(rng: np.random.Generator) -> np.ndarray:
    """(3,) reflectance of skin: the lightness of every people equally often, the ratios that melanin and haemoglobin leave."""
    luminance = log_uniform(rng, 0.05, 0.6)
    light = np.clip((luminance - 0.05) / 0.5, 0, 1)
    red_green = rng.uniform(1.35, 1.75) + 0.15 * (1 - light) - 0.12 * light
    green_blue = rng.uniform(1.12, 1.5) + 0.15 * (1 - light)
    colour = np.array([red_green, 1.0, 1 / green_blue])
    return colour * luminance / (colour @ [0.2126, 0.7152, 0.0722])


def hair_colour(rng: np.random.Generator) -> np.ndarray:
    """(3,): black to blond, red, grey, and sometimes dyed."""
    kind = rng.choice(["natural", "grey", "dyed"], p=[0.8, 0.15, 0.05])
    if kind == "dyed":
        return random_colour(rng, 0.03, 0.4)
    luminance = log_uniform(rng, 0.008, 0.35)
    if kind == "grey":
        return np.full(3, max(luminance, 0.1)) * np.exp(rng.normal(0, 0.03, 3))
    colour = np.array([rng.uniform(1.1, 1.9), 1.0, rng.uniform(0.4, 0.9)])
    return np.clip(colour * luminance / (colour @ [0.2126, 0.7152, 0.0722]), 0.004, 0.8)


def thing_paint(rng: np.random.Generator, size: float) -> Paint:
    """A paint for a thing of about `size` metres, of one of many kinds."""
    seed = int(rng.integers(1 << 31))
    kind = rng.choice(
        ["plain", "mottled", "patches", "stripes", "checks", "wood", "marble", "speckles", "bands"],
        p=[0.26, 0.16, 0.12, 0.09, 0.07, 0.1, 0.06, 0.07, 0.07],
    )
    first, second = random_colour(rng), random_colour(rng)
    if kind == "wood":
        first = np.array([1.5, 1.0, 0.62]) * log_uniform(rng, 0.06, 0.4)
        second = first * rng.uniform(0.35, 0.75)
    metal = float(rng.random() < 0.12 and kind in ("plain", "mottled", "speckles"))
    if metal:
        first = np.clip(np.array([1, rng.uniform(0.75, 1), rng.uniform(0.4, 1)]) * rng.uniform(0.4, 0.9), 0.1, 0.95)
    roughness = (
        rng.uniform(0.15, 0.6) if metal else rng.choice([rng.uniform(0.1, 0.4), rng.uniform(0.4, 1)], p=[0.3, 0.7])
    )
    wear, cycles, axis = rng.uniform(0, 0.15), 1 / size * log_uniform(rng, 0.7, 6), unit(rng.normal(size=3))
    duty, contrast = rng.uniform(-0.4, 0.6), rng.uniform(0.03, 0.3)

    def paint(points: np.ndarray, part: np.ndarray) -> Surface:
        inner = np.random.default_rng(seed)
        grain = waves(inner, points, 6 / size, 40 / size, 10)
        broad = waves(inner, points, 0.5 / size, 3 / size, 6)
        if kind == "plain":
            mixed = np.zeros(len(points))
        elif kind == "mottled":
            mixed = np.clip(0.5 + contrast * 2 * broad, 0, 1)
        elif kind == "patches":
            mixed = ramp(waves(inner, points, cycles, 3 * cycles, 10), -0.1, 0.1)
        elif kind == "stripes":
            mixed = ramp(np.sin(2 * np.pi * cycles * 2 * (points @ axis) + 0.3 * broad) - duty, -0.05, 0.05)
        elif kind == "checks":
            mixed = (np.sin(2 * np.pi * cycles * 2 * points).prod(-1) > 0).astype(float)
        elif kind == "wood":
            rings = np.linalg.norm(points - (points @ axis)[:, None] * axis, axis=-1)
            mixed = 0.5 + 0.5 * np.sin(2 * np.pi * rings * cycles * 5 + 2 * broad)
        elif kind == "marble":
            mixed = np.abs(
                np.sin(2 * np.pi * cycles * (points @ axis) + 2.5 * waves(inner, points, cycles, 5 * cycles, 12))
            )
        elif kind == "speckles":
            mixed = ramp(waves(inner, points, 20 / size, 60 / size, 14), 1.2, 1.5)
        else:
            mixed = ramp(np.sin(2 * np.pi * cycles * points[:, 2]) - duty, -0.03, 0.03)
        colour = first + (second - first) * mixed[:, None]
        colour = colour * (1 + wear * grain[:, None] * 0.5 + wear * broad[:, None])
        rough = np.clip(roughness + 0.1 * wear * 6 * broad, 0.05, 1)
        return Surface(np.clip(colour, DARKEST, BRIGHTEST), rough, np.full(len(points), metal), part)

    return paint
