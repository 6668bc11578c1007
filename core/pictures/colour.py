"""Colour spaces: finds the space of a picture, and converts to the working space and back.

OpenColorIO does the arithmetic, with the config of `$OCIO`, else a pinned built-in one (never `ocio://default`, which
changes with the library). The working space is the config's `scene_linear`. A space is declared or tagged, never guessed
from a file's name.
"""

# pyright: reportAttributeAccessIssue=false
# PyOpenColorIO is an extension module without type stubs.

from __future__ import annotations

import difflib
import hashlib
import logging
import os
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import numpy as np
import OpenImageIO as oiio
import PyOpenColorIO as ocio

from ..errors import UsageError, readable
from .interchange import (
    CHROMATICITIES,
    PINNED,
    STANDARD_LINEAR,
    Interchange,
    apply,
    camera_space,
    pinned,
    spellings,
    standard_linear,
    studio,
)

# Luminance of AP0, as a row of the built-in AP0 to CIE XYZ D65 (Bradford) matrix; see `Colour.luminance_weights`.
_AP0_TO_XYZ = "UTILITY - ACES-AP0_to_CIE-XYZ-D65_BFD"

_log = logging.getLogger("relamp.colour")


@dataclass(frozen=True)
class Decision:
    """The colour space a picture is taken to be in, and the reason, for the log."""

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
        self._interchange = Interchange(self._config, source, self.working_space)
        self._processors: dict[tuple[str, str], ocio.CPUProcessor | None] = {}
        self._warned: set[str] = set()
        self._found: dict[str, str | None] = {}
        self._lock = threading.Lock()
        self._luminance: np.ndarray | None = None

    def resolve(self, name: str) -> str:
        """Canonical name of a colour space given by name, alias, role or standard id.

        A standard linear space that the config lacks gets its name in the pinned config, and a camera's space its name in the
        studio config that comes with OpenColorIO, if the relation of the configs is known.

        Raises:
            UsageError: unknown; the message suggests the nearest names.
        """
        found = self._find(name)
        if found is None and (standard_linear(name) or camera_space(name)):
            self._interchange.require()  # otherwise the space would have been found
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
        what: str = "the plate",
        option: str = "--colorspace",
    ) -> Decision:
        """Decide the colour space of a picture.

        In this order: the declared space, the file's `colorInteropID`, its `chromaticities`, the host's working space, and
        else the working space with one warning (Linear Rec.709 for a Radiance `.hdr`, as is common).

        Args:
            spec: the header.
            explicit: a declared space; it always wins.
            host: the working space that a host application reports.
            file_format: OpenImageIO's name of the format, `hdr` for Radiance.
            what: the picture's name for the warning, which is logged once per name.
            option: the option that states the space of such a picture, for the warning.

        Raises:
            UsageError: `explicit` or `host` is no space of the config.
        """
        if explicit:
            return Decision(self.resolve(explicit), "declared")
        tagged = self.tagged(spec)
        if tagged is not None:
            return tagged
        if file_format == "hdr":
            return Decision(self.resolve("lin_rec709_scene"), "Radiance .hdr")
        if host:
            return Decision(self.resolve(host), "the host's working space")
        self.warn_once(
            f"{what} does not say its colour space, so it is taken as {self.working_space}; if it is linear Rec.709, as most "
            f"pictures made outside ACES are, type {option} lin_rec709"
        )
        return Decision(self.working_space, "assumed, no tag in the file")

    def tagged(self, spec: oiio.ImageSpec) -> Decision | None:
        """The space that the header states; None if it states none that this config knows."""
        tag = spec.getattribute("colorInteropID")
        tag = tag if isinstance(tag, str) else ""
        if tag and tag != "unknown":
            if found := self._find(tag):
                return Decision(found, f"colorInteropID {tag}")
            self.warn_once(
                f"colorInteropID {tag} is unknown to {self.config_id}; say the colour space with --colorspace"
            )
        chromaticities = spec.getattribute("chromaticities")
        if isinstance(chromaticities, tuple) and len(chromaticities) == 8:
            for interop_id, primaries in CHROMATICITIES.items():
                # Writers round to three or four digits; spaces differ by much more.
                if np.allclose(chromaticities, primaries, atol=2e-3) and (found := self._find(interop_id)):
                    return Decision(found, f"chromaticities of {found}")
            self.warn_once("the chromaticities match no known colour space; say it with --colorspace")
        return None

    def equivalent(self, a: str, b: str) -> bool:
        """Whether two names mean the same space, or need no arithmetic between them."""
        a, b = self.resolve(a), self.resolve(b)
        return a == b or self._processor(a, b) is None

    def interop_id(self, space: str) -> str | None:
        """The standard id to write as `colorInteropID`, None when the space has none."""
        name = self.resolve(space)
        found = self._config.getColorSpace(name)
        if tag := getattr(found, "getInteropID", str)():
            return tag
        return next((tag for tag in (*STANDARD_LINEAR, "data") if self._find(tag) == name), None)

    def to_working(self, pixels: np.ndarray, space: str) -> np.ndarray:
        """Convert (h, w, 3) float32 from `space` to the working space.

        A pixel that is not finite in all channels is copied unchanged, so that no new NaN arises.

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
        """Encode scene-linear (h, w, 3) float32 for a display, by the config's view transform (tone-mapped, not invertible).

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
        return apply(processor, np.nan_to_num(pixels, nan=0.0, posinf=65504.0, neginf=-65504.0).astype(np.float32))

    def displays(self) -> dict[str, tuple[str, ...]]:
        """The views of each display of the config, in its order, but with the default display and the default view first."""
        return {
            name: self._views(name) for name in _first(self._config.getDefaultDisplay(), self._config.getDisplays())
        }

    def spaces(self) -> tuple[str, ...]:
        """Canonical names of the available colour spaces, in the config's order."""
        return tuple(self._config.getColorSpaceNames())

    def _views(self, display: str) -> tuple[str, ...]:
        return _first(self._config.getDefaultView(display), self._config.getViews(display))

    @cached_property
    def luminance_weights(self) -> np.ndarray:
        """(3,) float32: relative luminance (CIE Y, D65) of the working space's red, green and blue; they sum to 1.

        Raises:
            UsageError: nothing says how the config's working space relates to ACES.
        """
        if self._luminance is None:
            to_xyz = pinned().getProcessor(ocio.BuiltinTransform(_AP0_TO_XYZ)).getDefaultCPUProcessor()
            luminance = apply(to_xyz, self._primaries_in("ACES2065-1"))[0, :, 1]
            self._luminance = luminance / luminance.sum()
        assert self._luminance is not None
        return self._luminance

    @property
    def is_acescg(self) -> bool:
        """Whether the working space is ACEScg by its primaries, whatever its name; raises as `luminance_weights` does."""
        return bool(np.allclose(self._primaries_in("ACES2065-1"), _primaries_of_acescg(), atol=1e-4))

    @cached_property
    def to_acescg(self) -> np.ndarray:
        """(3, 3) float32: from the working space to ACEScg, on column vectors; the identity where the two are one space.

        Raises:
            UsageError: nothing says how the config's working space relates to ACES.
        """
        return np.eye(3, dtype=np.float32) if self.is_acescg else self._primaries_in("ACEScg")[0].T.copy()

    def _primaries_in(self, linear: str) -> np.ndarray:
        """(1, 3, 3): red, green and blue of the working space in a linear space of the pinned config."""
        processor = self._interchange.to_pinned(self.working_space, linear).getDefaultCPUProcessor()
        return apply(processor, np.eye(3, dtype=np.float32)[None])

    def _find(self, name: str) -> str | None:
        """Canonical name, also where an older config has a standard id only in another spelling; None when unknown."""
        if name != readable(name):  # no config can contain it
            return None
        if name not in self._found:
            names = (name, *spellings(name))
            known = (found for other in names if (found := self._config.getCanonicalName(other)))
            self._found[name] = next(known, None) or self._find_standard(name)
        return self._found[name]

    def _find_standard(self, name: str) -> str | None:
        """A space that the config does not have under this name, where the relation of the configs is known.

        A standard linear space is found by its values: the config's own space that equals it, else its name in the pinned
        config. A camera's space has its name in the studio config.
        """
        standard, camera = standard_linear(name), camera_space(name)
        try:
            if standard is not None:
                return self._interchange.equal_to(standard) or standard
            if camera is not None:
                self._interchange.require()
            return camera
        except UsageError:  # the relation of the config's spaces is not known
            return None

    def _known(self) -> dict[str, str]:
        """Every accepted spelling in lower case, with the canonical name."""
        known = {}
        for space in (*studio().getColorSpaces(), *self._config.getColorSpaces()):
            for name in (space.getName(), *space.getAliases()):
                known[name.lower()] = space.getName()
        return known

    def warn_once(self, message: str, remark: bool = False) -> None:
        """Log a warning, unless this config has logged the same words before; a `remark` calls for nothing where it is right."""
        with self._lock:  # frames are read by several threads
            new = message not in self._warned
            self._warned.add(message)
        if new:
            _log.warning(message, extra={"remark": remark})

    def _processor(self, source: str, target: str) -> ocio.CPUProcessor | None:
        """The processor between two spaces; None where no conversion is needed."""
        if (source, target) not in self._processors:
            processor = self._way(source, target)
            self._processors[source, target] = None if processor.isNoOp() else processor.getDefaultCPUProcessor()
        return self._processors[source, target]

    def _way(self, source: str, target: str) -> ocio.Processor:
        """From one resolved name to another. Raises `UsageError`."""
        foreign = [name for name in (source, target) if not self._config.getCanonicalName(name)]
        if len(foreign) == 2:  # the studio config has all spaces of the pinned one
            return studio().getProcessor(source, target)
        if foreign == [source]:
            return self._interchange.from_pinned(source, target)
        if foreign == [target]:
            return self._interchange.to_pinned(source, target)
        try:
            return self._config.getProcessor(source, target)
        except ocio.Exception as error:
            raise UsageError(f"{self.config_id} has no way from {source} to {target}: {error}") from error

    def _convert(self, pixels: np.ndarray, source: str, target: str) -> np.ndarray:
        processor = self._processor(source, target)
        if processor is None:
            return pixels
        converted = apply(processor, pixels)
        if not (finite := np.isfinite(pixels)).all():
            kept = ~finite.all(axis=-1)
            converted[kept] = pixels[kept]
        return converted


@cache
def _primaries_of_acescg() -> np.ndarray:
    processor = pinned().getProcessor("ACEScg", "ACES2065-1").getDefaultCPUProcessor()
    return apply(processor, np.eye(3, dtype=np.float32)[None])


def _first(name: str, names: Iterable[str]) -> tuple[str, ...]:
    return (name, *(other for other in names if other != name))


def _sha256(path: str) -> str:
    return f"sha256:{hashlib.sha256(Path(path).read_bytes()).hexdigest()[:12]}"
