"""Encodes scene-linear pictures for a screen, fast enough for interactive changes.

A view transform such as ACES 2 costs a third of a microsecond per pixel. Here it is baked once into a table of 65 steps per
channel over 18 stops, which is within a hundredth of the full transform for nearly every pixel. It is for display only and
never for a file.
"""

# pyright: reportAttributeAccessIssue=false
# PyOpenColorIO is an extension module without type stubs.

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import PyOpenColorIO as ocio

from .colour import Colour

View = tuple[str | None, str | None]
"""Display and view of a colour config, None for its default."""

SIZE = 65
_LOW, _HIGH = 2.0**-10, 2.0**8  # scene-linear; the offset before the log, and the largest value in the table


class Screen:
    """One display and view of a colour config, from the working space."""

    def __init__(self, colour: Colour, display: str | None = None, view: str | None = None) -> None:
        """Bake the transform. Raises `UsageError` for a display or view that the config does not have."""
        steps = np.exp2(np.linspace(np.log2(_LOW), np.log2(_HIGH), SIZE)) - _LOW
        red, green, blue = np.meshgrid(steps, steps, steps, indexing="ij")
        grid = np.stack([red, green, blue], -1).astype(np.float32).reshape(1, -1, 3)
        table = ocio.Lut3DTransform(SIZE)
        table.setData(np.ascontiguousarray(colour.display(grid, display=display, view=view).reshape(-1)))
        table.setInterpolation(ocio.INTERP_TETRAHEDRAL)
        self._processor = ocio.Config.CreateRaw().getProcessor(table).getDefaultCPUProcessor()

    def encode(self, pixels: np.ndarray, stops: float = 0.0) -> np.ndarray:
        """Scene-linear (h, w, 3) in the working space, brightened by `stops`, to (h, w, 4) uint8: RGB and 255.

        Non-finite values are shown as black or as the brightest value.
        """
        code = np.nan_to_num(pixels, nan=0.0, posinf=_HIGH, neginf=0.0).astype(np.float32)
        code *= np.float32(2.0**stops)
        np.clip(code, 0, np.float32(_HIGH - _LOW), out=code)
        code += np.float32(_LOW)
        np.log2(code, out=code)
        code -= np.float32(np.log2(_LOW))
        code *= np.float32(1 / np.log2(_HIGH / _LOW))
        code = np.ascontiguousarray(code)
        height, width = code.shape[:2]
        seen = np.empty_like(code)
        self._processor.apply(
            ocio.PackedImageDesc(code, width, height, 3), ocio.PackedImageDesc(seen, width, height, 3)
        )
        return as_bytes(seen)


def as_bytes(encoded: np.ndarray) -> np.ndarray:
    """Display-encoded (h, w, 3), clamped to 0 to 1, as (h, w, 4) uint8: RGB and 255."""
    out = np.full((*encoded.shape[:2], 4), 255, np.uint8)
    np.copyto(out[..., :3], np.clip(encoded, 0, 1) * 255 + 0.5, casting="unsafe")
    return out


@dataclass(frozen=True)
class Picture:
    """A picture for the screen: `pixels` (h, w, 4) uint8, RGB display-encoded and alpha, and facts about it."""

    pixels: np.ndarray
    facts: dict[str, Any]


class Screens:
    """Colour configs and their screens, each made once; a few are kept. None means the default config, display or view."""

    def __init__(self) -> None:
        self.colour = lru_cache(maxsize=8)(Colour)
        self._screen = lru_cache(maxsize=8)(self._made)

    def screen(self, config: str | None, view: View) -> Screen:
        """The screen of a config for one of its views. Raises `UsageError` for a config or view that does not exist."""
        return self._screen(config, *view)

    def displays(self, config: str | None) -> tuple[Colour, dict[str, tuple[str, ...]]]:
        """A colour config, and the views of its displays, the defaults first. Raises `UsageError`."""
        colour = self.colour(config)
        return colour, colour.displays()

    def _made(self, config: str | None, display: str | None, view: str | None) -> Screen:
        return Screen(self.colour(config), display, view)
