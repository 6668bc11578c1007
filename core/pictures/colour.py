"""Colour spaces: which one a picture is in, and the way into the working space and back.

OpenColorIO does the arithmetic, with the config of `$OCIO`, else a pinned built-in one (never `ocio://default`, which
moves with the library). The working space is the config's `scene_linear`. A space is declared or tagged, never guessed
from a file's name.
"""

# pyright: reportAttributeAccessIssue=false
# PyOpenColorIO is an extension module without type stubs.

from __future__ import annotations

import difflib
import hashlib
import logging
import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import OpenImageIO as oiio
import PyOpenColorIO as ocio

from ..errors import UsageError

PINNED = "ocio://cg-config-v4.0.0_aces-v2.0_ocio-v2.5"

# CIE xy of red, green, blue and white, and the standard id of the linear space they define.
_CHROMATICITIES = {
    "lin_rec709_scene": (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, 0.3127, 0.3290),  # ITU-R BT.709
    "lin_ap1_scene": (0.713, 0.293, 0.165, 0.830, 0.128, 0.044, 0.32168, 0.33767),  # SMPTE ST 2065-1, S-2014-004
    "lin_ap0_scene": (0.7347, 0.2653, 0.0, 1.0, 0.0001, -0.0770, 0.32168, 0.33767),
    "lin_rec2020_scene": (0.708, 0.292, 0.170, 0.797, 0.131, 0.046, 0.3127, 0.3290),  # ITU-R BT.2020
    "lin_p3d65_scene": (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, 0.3127, 0.3290),  # SMPTE EG 432-1
    "lin_adobergb_scene": (0.64, 0.33, 0.21, 0.71, 0.15, 0.06, 0.3127, 0.3290),
}
# Luminance of AP0, as a row of the built-in AP0 to CIE XYZ D65 (Bradford) matrix; see `Colour.luminance_weights`.
_AP0_TO_XYZ = "UTILITY - ACES-AP0_to_CIE-XYZ-D65_BFD"

_log = logging.getLogger("relamp.colour")


@dataclass(frozen=True)
class Decision:
    """The colour space a picture is taken to be in, and what decided it, for the log."""

    space: str
    reason: str


class Colour:
    """A colour config and its working space, loaded once.

    Attributes:
        config_id: the built-in config's name, or `sha256:` and 12 hex of the file's, for the metadata.
        working_space: canonical name of the role `scene_linear`.

    Raises:
        UsageError: the config cannot be read or has no `scene_linear`.
    """

    def __init__(self, config: str | None = None) -> None:
        source = config or os.environ.get("OCIO") or PINNED
        try:
            self._config = ocio.Config.CreateFromFile(source)
            self.config_id = source.removeprefix("ocio://") if source.startswith("ocio://") else _sha256(source)
        except (ocio.Exception, ocio.ExceptionMissingFile, OSError) as error:
            raise UsageError(f"the colour config {source} cannot be read: {error}") from error
        if not self._config.hasRole(ocio.ROLE_SCENE_LINEAR):
            raise UsageError(f"the colour config {source} has no role scene_linear; Relamp works in that space")
        self.working_space: str = self._config.getCanonicalName(ocio.ROLE_SCENE_LINEAR)
        self._processors: dict[tuple[str, str], ocio.CPUProcessor | None] = {}
        self._warned: set[str] = set()
        self._luminance: np.ndarray | None = None

    def resolve(self, name: str) -> str:
        """Canonical name of a colour space given by name, alias, role or standard id.

        Raises:
            UsageError: unknown; the sentence suggests the nearest names.
        """
        found = self._find(name)
        if found is None:
            near = difflib.get_close_matches(name.lower(), self._known(), n=3, cutoff=0.5)
            names = list(dict.fromkeys(self._known()[key] for key in near)) or list(self._config.getColorSpaceNames())
            raise UsageError(
                f"there is no colour space {name!r} in {self.config_id}; did you mean {', '.join(names[:6])}?"
            )
        return found

    def decide(
        self,
        spec: oiio.ImageSpec,
        explicit: str | None = None,
        host: str | None = None,
        *,
        file_format: str = "openexr",
        what: str = "plate",
    ) -> Decision:
        """Say which colour space a picture is in.

        In this order: what was declared, the file's `colorInteropID`, its `chromaticities`, the host's working space, and
        else the working space with one warning (Linear Rec.709 for a Radiance `.hdr`, as everybody writes them).

        Args:
            spec: the header.
            explicit: a declared space; it always wins.
            host: the working space a host application says it is in.
            file_format: OpenImageIO's name of the format, `hdr` for Radiance.
            what: the picture in the artist's words, for the warning, given once for each.

        Raises:
            UsageError: `explicit` or `host` is no space of the config.
        """
        if explicit:
            return Decision(self.resolve(explicit), "declared")
        tagged = self.tagged(spec) if file_format != "hdr" else None
        if tagged is not None:
            return tagged
        if file_format == "hdr":
            return Decision(self.resolve("lin_rec709_scene"), "Radiance .hdr")
        if host:
            return Decision(self.resolve(host), "the host's working space")
        self._warn_once(
            f"the {what} carries no colour space; taking it as {self.working_space} (say otherwise with --colorspace)"
        )
        return Decision(self.working_space, "assumed, no tag in the file")

    def tagged(self, spec: oiio.ImageSpec) -> Decision | None:
        """What the header itself says, None when it says nothing this config knows."""
        tag = spec.getattribute("colorInteropID")
        tag = tag if isinstance(tag, str) else ""
        if tag and tag != "unknown":
            if found := self._find(tag):
                return Decision(found, f"colorInteropID {tag}")
            self._warn_once(
                f"colorInteropID {tag} is unknown to {self.config_id}; say the colour space with --colorspace"
            )
        chromaticities = spec.getattribute("chromaticities")
        if isinstance(chromaticities, tuple) and len(chromaticities) == 8:
            for interop_id, primaries in _CHROMATICITIES.items():
                # Writers round to three or four digits; spaces lie much further apart.
                if np.allclose(chromaticities, primaries, atol=2e-3) and (found := self._find(interop_id)):
                    return Decision(found, f"chromaticities of {found}")
            self._warn_once("the chromaticities match no known colour space; say it with --colorspace")
        return None

    def equivalent(self, a: str, b: str) -> bool:
        """Whether two names mean the same space, or need no arithmetic between them."""
        a, b = self.resolve(a), self.resolve(b)
        return a == b or self._processor(a, b) is None

    def interop_id(self, space: str) -> str | None:
        """The standard id to write as `colorInteropID`, None when the space has none."""
        found = self._config.getColorSpace(self.resolve(space))
        if tag := getattr(found, "getInteropID", str)():
            return tag
        return next((tag for tag in (*_CHROMATICITIES, "data") if self._find(tag) == found.getName()), None)

    def to_working(self, pixels: np.ndarray, space: str) -> np.ndarray:
        """Convert (h, w, 3) float32 from `space` to the working space.

        A pixel that is not finite in all channels is carried over as it stands, so that no new NaN arises.

        Returns:
            A new array, or `pixels` itself when the spaces are equivalent.

        Raises:
            UsageError: no such space.
        """
        return self._convert(pixels, self.resolve(space), self.working_space)

    def from_working(self, pixels: np.ndarray, space: str) -> np.ndarray:
        """Convert (h, w, 3) float32 from the working space to `space`; the inverse of `to_working`."""
        return self._convert(pixels, self.working_space, self.resolve(space))

    def display(
        self, pixels: np.ndarray, space: str | None = None, display: str | None = None, view: str | None = None
    ) -> np.ndarray:
        """Encode scene-linear (h, w, 3) float32 for eyes, through the config's view transform (tone-mapped, not invertible).

        Args:
            pixels: in `space`, the working space when None. NaN is shown black.
            display: None for the config's default.
            view: None for the display's default.

        Returns:
            (h, w, 3) float32 display-encoded, 0 to 1 for what the display can show.

        Raises:
            UsageError: no such space, display or view.
        """
        display = display or self._config.getDefaultDisplay()
        view = view or self._config.getDefaultView(display)
        source = self.resolve(space or self.working_space)
        try:
            transform = ocio.DisplayViewTransform(src=source, display=display, view=view)
            processor = self._config.getProcessor(transform).getDefaultCPUProcessor()
        except ocio.Exception as error:
            raise UsageError(f"the colour config has no view {view!r} on display {display!r}: {error}") from error
        return _apply(processor, np.nan_to_num(pixels, nan=0.0, posinf=65504.0, neginf=-65504.0).astype(np.float32))

    def displays(self) -> dict[str, tuple[str, ...]]:
        """The views of each display of the config, in its order but the default display and the default view first."""
        return {
            name: self._views(name) for name in _first(self._config.getDefaultDisplay(), self._config.getDisplays())
        }

    def spaces(self) -> tuple[str, ...]:
        """Canonical names of the colour spaces that may be asked for, in the config's order."""
        return tuple(self._config.getColorSpaceNames())

    def _views(self, display: str) -> tuple[str, ...]:
        return _first(self._config.getDefaultView(display), self._config.getViews(display))

    @property
    def luminance_weights(self) -> np.ndarray:
        """(3,) float32: relative luminance (CIE Y, D65) of the working space's red, green and blue; they sum to 1.

        Raises:
            UsageError: the config does not say how its working space relates to ACES.
        """
        if self._luminance is None:
            self._luminance = self._measure_luminance()
        return self._luminance

    def _measure_luminance(self) -> np.ndarray:
        try:
            to_ap0 = ocio.Config.GetProcessorFromConfigs(self._config, self.working_space, _pinned(), "ACES2065-1")
        except ocio.Exception as error:
            raise UsageError(f"{self.config_id} does not relate {self.working_space} to ACES: {error}") from error
        to_xyz = _pinned().getProcessor(ocio.BuiltinTransform(_AP0_TO_XYZ)).getDefaultCPUProcessor()
        primaries = np.eye(3, dtype=np.float32)[None]
        luminance = _apply(to_xyz, _apply(to_ap0.getDefaultCPUProcessor(), primaries))[0, :, 1]
        return luminance / luminance.sum()

    def _find(self, name: str) -> str | None:
        """Canonical name, also where an older config knows a standard id only by another spelling; None when unknown."""
        spellings = (name, *_spellings(name))
        return next((found for spelling in spellings if (found := self._config.getCanonicalName(spelling))), None)

    def _known(self) -> dict[str, str]:
        """Every accepted spelling in lower case, with the canonical name."""
        known = {}
        for space in self._config.getColorSpaces():
            for name in (space.getName(), *space.getAliases()):
                known[name.lower()] = space.getName()
        return known

    def _warn_once(self, message: str) -> None:
        if message not in self._warned:
            self._warned.add(message)
            _log.warning(message)

    def _processor(self, source: str, target: str) -> ocio.CPUProcessor | None:
        """None where nothing has to be done."""
        if (source, target) not in self._processors:
            try:
                processor = self._config.getProcessor(source, target)
            except ocio.Exception as error:
                raise UsageError(f"{self.config_id} has no way from {source} to {target}: {error}") from error
            self._processors[source, target] = None if processor.isNoOp() else processor.getDefaultCPUProcessor()
        return self._processors[source, target]

    def _convert(self, pixels: np.ndarray, source: str, target: str) -> np.ndarray:
        processor = self._processor(source, target)
        if processor is None:
            return pixels
        converted = _apply(processor, pixels)
        if not (finite := np.isfinite(pixels)).all():
            kept = ~finite.all(axis=-1)
            converted[kept] = pixels[kept]
        return converted


@cache
def _pinned() -> ocio.Config:
    return ocio.Config.CreateFromFile(PINNED)


def _first(name: str, names: Iterable[str]) -> tuple[str, ...]:
    return (name, *(other for other in names if other != name))


def _spellings(name: str) -> tuple[str, ...]:
    """Other names of a space, from the pinned config's aliases."""
    space = _pinned().getColorSpace(name)
    return () if space is None or _pinned().hasRole(name) else (space.getName(), *space.getAliases())


def _apply(processor: ocio.CPUProcessor, pixels: np.ndarray) -> np.ndarray:
    pixels = np.ascontiguousarray(pixels, np.float32)
    converted = np.empty_like(pixels)
    height, width, channels = pixels.shape
    processor.apply(
        ocio.PackedImageDesc(pixels, width, height, channels), ocio.PackedImageDesc(converted, width, height, channels)
    )
    return converted


def _sha256(path: str) -> str:
    return f"sha256:{hashlib.sha256(Path(path).read_bytes()).hexdigest()[:12]}"
