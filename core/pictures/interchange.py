"""Relates the spaces of a colour config to those of the pinned one, even where the config has no interchange role.

Configs of the ACES 1.x and nuke-default kind lack the roles `aces_interchange` and `cie_xyz_d65_interchange`. Their spaces
are then recognised by their arithmetic; names alone are never used, and configs that cannot be recognised are refused.
"""

# pyright: reportAttributeAccessIssue=false
# PyOpenColorIO is an extension module without type stubs.

from __future__ import annotations

from functools import cache, cached_property

import numpy as np
import PyOpenColorIO as ocio

from ..errors import UsageError

PINNED = "ocio://cg-config-v4.0.0_aces-v2.0_ocio-v2.5"
STUDIO = "ocio://studio-config-v4.0.0_aces-v2.0_ocio-v2.5"  # the pinned config and the spaces of cameras

# CIE xy of red, green, blue and white, and the standard id of the linear space they define.
CHROMATICITIES = {
    "lin_rec709_scene": (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, 0.3127, 0.3290),  # ITU-R BT.709
    "lin_ap1_scene": (0.713, 0.293, 0.165, 0.830, 0.128, 0.044, 0.32168, 0.33767),  # SMPTE ST 2065-1, S-2014-004
    "lin_ap0_scene": (0.7347, 0.2653, 0.0, 1.0, 0.0001, -0.0770, 0.32168, 0.33767),
    "lin_rec2020_scene": (0.708, 0.292, 0.170, 0.797, 0.131, 0.046, 0.3127, 0.3290),  # ITU-R BT.2020
    "lin_p3d65_scene": (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, 0.3127, 0.3290),  # SMPTE EG 432-1
    "lin_adobergb_scene": (0.64, 0.33, 0.21, 0.71, 0.15, 0.06, 0.3127, 0.3290),
}
STANDARD_LINEAR = tuple(CHROMATICITIES)

_SRGB = "sRGB - Texture"
# (1, 6, 3) codes of sRGB that determine its curve and its primaries: two greys, each channel alone, a mix.
_CODES = np.array([[[0.5] * 3, [0.02] * 3, [0.9, 0, 0], [0, 0.9, 0], [0, 0, 0.9], [0.8, 0.4, 0.1]]], np.float32)


class Interchange:
    """The relation of one config to the pinned one, found when it is first needed."""

    def __init__(self, config: ocio.Config, name: str, working_space: str) -> None:
        """`name` is the config's name in messages; `working_space` is a scene-linear space of it."""
        self._config, self._name, self._working_space = config, name, working_space

    @cached_property
    def ends(self) -> tuple[str, str]:
        """A space of the config and the same space in the pinned config, through which all others are converted.

        They are found by the config's interchange role; else OpenColorIO recognises a space by its arithmetic; else they are
        found by the config's own sRGB space, because the primaries of sRGB are known.

        Raises:
            UsageError: they cannot be found.
        """
        try:
            return ocio.Config.IdentifyInterchangeSpace(self._config, self._working_space, pinned(), "ACES2065-1")
        except ocio.Exception:  # OpenColorIO opens no tables; nuke-default keeps its sRGB curve in one
            standard = self._working_space_by_srgb()
        if standard is None:
            raise UsageError(
                f"the colour config {self._name} does not say which primaries its {self._working_space} has; add the "
                "role aces_interchange to it, naming a colour space that is ACES2065-1, or give another config with $OCIO "
                "or --config"
            )
        return self._working_space, standard

    def require(self) -> None:
        """Raise `UsageError` unless it is known how the config relates to the pinned one."""
        _ = self.ends

    def to_pinned(self, space: str, pinned_space: str) -> ocio.Processor:
        """From a space of the config to one of the pinned or of the studio config. Raises `UsageError`."""
        own, theirs = self.ends
        return self._between(self._config, space, own, _home(pinned_space), pinned_space, theirs)

    def from_pinned(self, pinned_space: str, space: str) -> ocio.Processor:
        """From a space of the pinned or of the studio config to one of the config. Raises `UsageError`."""
        own, theirs = self.ends
        return self._between(_home(pinned_space), pinned_space, theirs, self._config, space, own)

    def equal_to(self, standard: str) -> str | None:
        """The config's space that equals a linear space of the pinned config, None where it has none that is recognised.

        Raises:
            UsageError: the relation of the two configs cannot be found.
        """
        own, theirs = self.ends
        if standard == theirs:
            return self._config.getCanonicalName(own)
        try:
            return ocio.Config.IdentifyBuiltinColorSpace(self._config, pinned(), standard)
        except ocio.Exception:
            return None

    def _between(self, *ends: ocio.Config | str) -> ocio.Processor:
        try:
            return ocio.Config.GetProcessorFromConfigs(*ends)
        except ocio.Exception as error:
            raise UsageError(f"{self._name} has no way from {ends[1]} to {ends[4]}: {error}") from error

    def _working_space_by_srgb(self) -> str | None:
        """The pinned config's space that equals the working space, found by a space named sRGB; None where none is found."""
        for space in self._config.getColorSpaces():
            if any("srgb" in name.lower() for name in (space.getName(), *space.getAliases())):
                standard = self._recognised(space.getName())
                if standard is not None:
                    return standard
        return None

    def _recognised(self, srgb: str) -> str | None:
        """The linear space in which sRGB codes have the values that `srgb` gives in the working space; None if there is none."""
        try:
            linear = apply(self._config.getProcessor(srgb, self._working_space).getDefaultCPUProcessor(), _CODES)
        except ocio.Exception:  # a space whose files are missing is skipped
            return None
        for standard in STANDARD_LINEAR:
            expected = apply(pinned().getProcessor(_SRGB, standard).getDefaultCPUProcessor(), _CODES)
            if np.allclose(linear, expected, rtol=2e-3, atol=2e-4):  # the tolerance allows for curves stored in tables
                return pinned().getCanonicalName(standard)
        return None


@cache
def pinned() -> ocio.Config:
    """The config that is used where no other is set; it contains the standard spaces."""
    return ocio.Config.CreateFromFile(PINNED)


@cache
def studio() -> ocio.Config:
    """The config that comes with OpenColorIO and knows the spaces of cameras; it has all spaces of the pinned config."""
    return ocio.Config.CreateFromFile(STUDIO)


def camera_space(name: str) -> str | None:
    """The studio config's name of a space given by any of its names, None where it has none of that name, or a role."""
    return None if studio().hasRole(name) else studio().getCanonicalName(name) or None


def _home(space: str) -> ocio.Config:
    """The config, of the pinned and the studio one, that has a space."""
    return pinned() if pinned().getCanonicalName(space) else studio()


def standard_linear(name: str) -> str | None:
    """The pinned config's name of a standard linear space given by any of its names, None for anything else."""
    found = pinned().getCanonicalName(name)
    known = {pinned().getCanonicalName(standard) for standard in STANDARD_LINEAR}
    return found if found in known and not pinned().hasRole(name) else None


def apply(processor: ocio.CPUProcessor, pixels: np.ndarray) -> np.ndarray:
    """Convert (h, w, C) float32 into a new array."""
    pixels = np.ascontiguousarray(pixels, np.float32)
    converted = np.empty_like(pixels)
    height, width, channels = pixels.shape
    processor.apply(
        ocio.PackedImageDesc(pixels, width, height, channels), ocio.PackedImageDesc(converted, width, height, channels)
    )
    return converted


def spellings(name: str) -> tuple[str, ...]:
    """Other names of a space: its aliases in the pinned config."""
    space = pinned().getColorSpace(name)
    return () if space is None or pinned().hasRole(name) else (space.getName(), *space.getAliases())
