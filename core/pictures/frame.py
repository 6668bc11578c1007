"""A picture in memory: scene-linear colour over a data window, and the complete file it came from.

Windows are in pixels, x to the right and y down, as in EXR. Files are read and written in `exr`, and
colour is converted in `colour`.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import OpenImageIO as oiio

from ..errors import InputError
from . import layers

HALF_MAX = 65504.0
"""Largest finite half (IEEE 754 binary16)."""


@dataclass(frozen=True)
class Window:
    """A rectangle of whole pixels: `x`, `y` of its top left pixel (may be negative), `width`, `height`."""

    x: int
    y: int
    width: int
    height: int

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width), as in an array's shape."""
        return self.height, self.width

    def overlap(self, other: Window) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
        """Slices of the pixels shared with `other`: into an array over this window, and into one over `other`."""
        left, right = max(self.x, other.x), min(self.x + self.width, other.x + other.width)
        top, bottom = max(self.y, other.y), min(self.y + self.height, other.y + other.height)
        right, bottom = max(left, right), max(top, bottom)

        def within(window: Window) -> tuple[slice, slice]:
            return slice(top - window.y, bottom - window.y), slice(left - window.x, right - window.x)

        return within(self), within(other)

    def __str__(self) -> str:
        return f"{self.width}x{self.height}{self.x:+d}{self.y:+d}"


def place(pixels: np.ndarray, window: Window, target: Window) -> np.ndarray:
    """Place pixels of one data window in another: pixels outside it are cut, and missing pixels are zero.

    Args:
        pixels: (h, w) or (h, w, c) over `window`.

    Returns:
        The same type over `target`; `pixels` itself, not a copy, when the windows are the same.
    """
    if window == target:
        return pixels
    placed = np.zeros(target.shape + pixels.shape[2:], pixels.dtype)
    there, here = target.overlap(window)
    placed[there] = pixels[here]
    return placed


class Pixels(NamedTuple):
    """The pixels of one part in the types of the file.

    `array` is (h, w, c): float16, float32 or uint32 when all channels are of that type, float32 when they differ. Whole
    numbers among channels of other types do not fit in float32; they are in `ids` by channel index, (h, w) uint32.
    """

    array: np.ndarray
    ids: dict[int, np.ndarray]

    def channel(self, index: int) -> np.ndarray:
        """(h, w) of one channel, without loss."""
        return self.ids[index] if index in self.ids else self.array[..., index]


@dataclass(frozen=True)
class Part:
    """One part of an EXR: its header, and its pixels, which are read when first needed."""

    index: int
    spec: oiio.ImageSpec
    names: tuple[str, ...]
    """Full names of the channels (`N.X`), with the part's name as layer where the channel has none."""
    types: tuple[str, ...]
    """`half`, `float` or `uint`, one per channel."""
    shown: tuple[bool, ...]
    """Whether a channel belongs to the view that is read, one per channel."""
    _load: Callable[[], Pixels] = field(repr=False)

    @cached_property
    def pixels(self) -> Pixels:
        """The part's pixels. Raises `InputError` if the part is damaged."""
        return self._load()

    @property
    def in_view(self) -> tuple[str, ...]:
        """`names`, with an empty name for each channel of another view."""
        return tuple(name if shown else "" for name, shown in zip(self.names, self.shown, strict=True))

    @property
    def name(self) -> str:
        """The part's name, empty when it has none."""
        return str(self.spec.getattribute("name") or "")

    @property
    def data_window(self) -> Window:
        """The window of its pixels."""
        return Window(self.spec.x, self.spec.y, self.spec.width, self.spec.height)

    @property
    def display_window(self) -> Window:
        """The format of the picture."""
        return Window(self.spec.full_x, self.spec.full_y, self.spec.full_width, self.spec.full_height)

    def opened(self, window: Window) -> Part:
        """The same part over another data window."""
        spec = self.spec.copy()
        spec.x, spec.y, spec.width, spec.height = window.x, window.y, window.width, window.height

        def placed() -> Pixels:
            array, ids = self.pixels
            there = {index: place(values, self.data_window, window) for index, values in ids.items()}
            return Pixels(place(array, self.data_window, window), there)

        return replace(self, spec=spec, _load=placed)

    def filled(self, index: int, value: float) -> Part:
        """The same part with one channel set to one value."""

        def changed() -> Pixels:
            array, ids = self.pixels
            array = array.copy()
            array[..., index] = value
            return Pixels(array, ids)

        return replace(self, _load=changed)

    def black(self) -> Part:
        """The same part with zeros for pixels and no timecode."""
        spec = self.spec.copy()
        spec.erase_attribute("smpte:TimeCode")

        def zeros() -> Pixels:
            array, ids = self.pixels
            return Pixels(np.zeros_like(array), {index: np.zeros_like(values) for index, values in ids.items()})

        return replace(self, spec=spec, _load=zeros)


@dataclass(frozen=True)
class Source:
    """The file a frame came from, so that the writer can copy its other content bit for bit."""

    path: Path
    parts: tuple[Part, ...]
    part: int
    """Index of the part that holds the colour."""
    rgb: tuple[int, int, int]
    """Indices of red, green and blue among its channels."""
    alpha: int | None
    keep_chromaticities: bool
    """False when the declared colour space differs from the header's."""
    interop_id: str | None
    """The `colorInteropID` of the decided colour space, None when it has none."""

    @property
    def colour(self) -> Part:
        """The part that holds the colour."""
        return self.parts[self.part]


class NonFinite(NamedTuple):
    """How many pixels of the colour hold a NaN, and how many an infinity."""

    nan: int
    inf: int

    def __str__(self) -> str:
        return f"{self.nan} NaN, {self.inf} inf"


@dataclass(frozen=True)
class Frame:
    """A plate as read.

    Its arrays may be shared with the file kept for writing, so they must not be changed in place.
    """

    rgb: np.ndarray
    """(h, w, 3) float32 over the data window, premultiplied, in the file's own colour space, unclamped, NaN and inf kept."""
    alpha: np.ndarray | None
    """(h, w) float32 over the data window, or None."""
    data_window: Window
    display_window: Window
    pixel_aspect: float
    colorspace: str
    """Canonical name of the file's colour space in the OpenColorIO config."""
    colorspace_reason: str
    """The reason for this colour space, for the log."""
    data_type: str
    """`half` or `float`: the type of the file's colour."""
    source: Source = field(repr=False)

    @property
    def path(self) -> Path:
        """The file it was read from."""
        return self.source.path

    @cached_property
    def nonfinite(self) -> NonFinite:
        """Counts of pixels with NaN and with infinities."""
        if np.isfinite(self.rgb).all():
            return NonFinite(0, 0)
        return NonFinite(int(np.isnan(self.rgb).any(axis=-1).sum()), int(np.isinf(self.rgb).any(axis=-1).sum()))

    @cached_property
    def coverage(self) -> np.ndarray | None:
        """`alpha`, or None where it is not meaningful: many cameras write one that is black everywhere, unlike the picture.

        A picture here has light in more than half of the window, unlike an empty frame of an element, or a glow on it.
        """
        if self.alpha is None or self.alpha.any() or (self.rgb != 0).any(axis=-1).mean() <= 0.5:
            return self.alpha
        return None

    @property
    def layers(self) -> dict[str, tuple[str, ...]]:
        """Layers of the file besides its colour: name to full channel names, in file order."""
        return layers.group(name for part, index, name in self._others())

    def layer(self, name: str) -> np.ndarray:
        """One of `layers`, its channels in the order X Y Z, R G B A, U V; (h, w, c) float32 over the data window.

        Raises:
            InputError: no such layer, or its part is damaged.
        """
        names = self.layers.get(name)
        if names is None:
            raise InputError(f"{self.path.name} has no layer {name!r}; {_listing(self.layers)}")
        return np.stack([self.channel(full) for full in layers.in_order(names)], axis=-1)

    def channel(self, name: str) -> np.ndarray:
        """One channel by its full name (`id.A`); (h, w) float32 over the data window.

        Raises:
            InputError: no such channel, or its part is damaged.
        """
        for part in self.source.parts:
            if name in part.names:
                values = part.pixels.channel(part.names.index(name))
                return place(values.astype(np.float32), part.data_window, self.data_window)
        everything = [full for part in self.source.parts for full in part.names]
        raise InputError(f"{self.path.name} has no channel {name!r}; {_listing(everything)}")

    def black(self) -> Frame:
        """The replacement of a missing frame: the same windows and layers, all zero, without the timecode."""
        parts = tuple(part.black() for part in self.source.parts)
        return replace(
            self,
            rgb=np.zeros_like(self.rgb),
            alpha=None if self.alpha is None else np.zeros_like(self.alpha),
            source=replace(self.source, parts=parts),
        )

    def opened(self) -> Frame:
        """The same over a data window that contains the whole format, with transparent black in new pixels."""
        data, display = self.data_window, self.display_window
        left, top = min(data.x, display.x), min(data.y, display.y)
        right = max(data.x + data.width, display.x + display.width)
        bottom = max(data.y + data.height, display.y + display.height)
        window = Window(left, top, right - left, bottom - top)
        if window == data:
            return self
        parts = tuple(part.opened(window) for part in self.source.parts)
        return replace(
            self,
            rgb=place(self.rgb, data, window),
            alpha=None if self.alpha is None else place(self.alpha, data, window),
            data_window=window,
            source=replace(self.source, parts=parts),
        )

    def opaque(self) -> Frame:
        """The same with an alpha of 1 everywhere, if it has an alpha."""
        if self.alpha is None or self.source.alpha is None:
            return self
        index = self.source.part
        parts = [p.filled(self.source.alpha, 1.0) if p.index == index else p for p in self.source.parts]
        source = replace(self.source, parts=tuple(parts))
        return replace(self, alpha=np.ones_like(self.alpha), source=source)

    def _others(self) -> list[tuple[Part, int, str]]:
        return beside(self.source.parts, self.source.part, {*self.source.rgb, self.source.alpha})


def beside(parts: Iterable[Part], part: int, colour: Container[int | None]) -> list[tuple[Part, int, str]]:
    """The channels of a file besides its colour, which is channels `colour` of its part number `part`: part, index, name."""
    return [
        (its, index, name)
        for its in parts
        for index, name in enumerate(its.names)
        if its.index != part or index not in colour
    ]


def _listing(names: Iterable[str]) -> str:
    found = ", ".join(names)
    return f"it has {found}" if found else "it has none"
