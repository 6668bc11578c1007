"""The clear daylight sky and its sun, as functions of the sun's position and the haze.

Preetham, Shirley, Smits, "A Practical Analytic Model for Daylight", SIGGRAPH 1999: Perez distribution of luminance and
chromaticity (appendix A.2), attenuation of the sun by air and aerosols (A.1, three bands instead of a spectrum).
Radiance is in units of 10 000 cd/m²: a blue sky is around 0.5, the noon sun around 1e5. Colours are linear Rec.709.
"""

from __future__ import annotations

import numpy as np

SUN_RADIUS_DEG = 0.2665
"""Half of the sun's mean apparent diameter of 0.533 degrees."""

SUN_SOLID_ANGLE = 2.0 * np.pi * (1.0 - np.cos(np.radians(SUN_RADIUS_DEG)))

LUMINANCE = np.array((0.2126, 0.7152, 0.0722), np.float32)
"""Rec.709 luminance weights, for the colours made here."""

_XYZ_TO_RGB = np.array(((3.2406, -1.5372, -0.4986), (-0.9689, 1.8758, 0.0415), (0.0557, -0.2040, 1.0570)), np.float32)
_BANDS_UM = np.array((0.612, 0.549, 0.465))
_SOLAR_ILLUMINANCE = 12.8  # outside the atmosphere: 128 klx in units of 10 000 lx

# Rows A to E of the Perez function, each (slope, offset) in turbidity, for luminance Y and chromaticities x and y.
_PEREZ = {
    "Y": ((0.1787, -1.4630), (-0.3554, 0.4275), (-0.0227, 5.3251), (0.1206, -2.5771), (-0.0670, 0.3703)),
    "x": ((-0.0193, -0.2592), (-0.0665, 0.0008), (-0.0004, 0.2125), (-0.0641, -0.8989), (-0.0033, 0.0452)),
    "y": ((-0.0167, -0.2608), (-0.0950, 0.0092), (-0.0079, 0.2102), (-0.0441, -1.6537), (-0.0109, 0.0529)),
}
# Zenith chromaticity: rows are powers 2, 1, 0 of turbidity, columns powers 3, 2, 1, 0 of the sun's zenith angle.
_ZENITH = {
    "x": (
        (0.00166, -0.00375, 0.00209, 0.0),
        (-0.02903, 0.06377, -0.03202, 0.00394),
        (0.11693, -0.21196, 0.06052, 0.25886),
    ),
    "y": (
        (0.00275, -0.00610, 0.00317, 0.0),
        (-0.04214, 0.08970, -0.04153, 0.00516),
        (0.15346, -0.26756, 0.06670, 0.26688),
    ),
}


def sky_radiance(directions: np.ndarray, sun: np.ndarray, turbidity: float) -> np.ndarray:
    """Radiance of the cloudless sky without the sun's disk.

    Args:
        directions: (..., 3) unit vectors, +Y up; below the horizon the radiance of the horizon is used.
        sun: (3,) unit vector; an elevation under 2 degrees is taken as 2, the limit of the fit.
        turbidity: 2 (very clear) to 10 (hazy).

    Returns:
        (..., 3) float32, never negative.
    """
    elevation = max(float(np.arcsin(np.clip(sun[1], -1.0, 1.0))), np.radians(2.0))
    sun_zenith = np.pi / 2 - elevation
    cos_zenith = np.maximum(directions[..., 1], 0.02)
    gamma = np.arccos(np.clip(directions @ sun, -1.0, 1.0))
    chi = (4.0 / 9.0 - turbidity / 120.0) * (np.pi - 2.0 * sun_zenith)
    luminance = ((4.0453 * turbidity - 4.9710) * np.tan(chi) - 0.2155 * turbidity + 2.4192) / 10.0
    parts = {
        "Y": max(luminance, 0.02),
        "x": _zenith("x", turbidity, sun_zenith),
        "y": _zenith("y", turbidity, sun_zenith),
    }
    for name, zenith in parts.items():
        coefficients = [slope * turbidity + offset for slope, offset in _PEREZ[name]]
        parts[name] = zenith * _perez(cos_zenith, gamma, coefficients) / _perez(1.0, sun_zenith, coefficients)
    lum, x, y = parts["Y"], parts["x"], parts["y"]
    xyz = np.stack((lum * x / y, lum, lum * (1.0 - x - y) / y), axis=-1)
    return np.maximum(xyz @ _XYZ_TO_RGB.T, 0.0).astype(np.float32)


def sun_irradiance(elevation: float, turbidity: float) -> np.ndarray:
    """The irradiance of the sun's disk alone on a surface that faces it.

    Args:
        elevation: of the sun, radians; below the horizon the value at the horizon is returned.
        turbidity: as for `sky_radiance`.

    Returns:
        (3,) float32 irradiance; divided by `SUN_SOLID_ANGLE` it is the radiance of the disk.
    """
    degrees = max(float(np.degrees(elevation)), 0.0)
    air_mass = 1.0 / (np.sin(np.radians(degrees)) + 0.50572 * (degrees + 6.07995) ** -1.6364)  # Kasten and Young 1989
    aerosol = max(0.04608 * turbidity - 0.04586, 0.0) * _BANDS_UM**-1.3
    rayleigh = 0.008735 * _BANDS_UM**-4.08
    outside = _SOLAR_ILLUMINANCE * np.array((1.03, 1.0, 0.93))  # 5800 K against the D65 white of the colours
    return (outside * np.exp(-air_mass * (aerosol + rayleigh))).astype(np.float32)


def blackbody(kelvin: float) -> np.ndarray:
    """Colour of a black body, luminance 1, linear Rec.709 with 6500 K as white.

    Planck's law at the three bands of the primaries: accurate enough for lamps of 1500 to 12000 K.

    >>> warm = blackbody(2700.0); bool(warm[0] > warm[1] > warm[2])
    True
    """
    micrometre_kelvin = 14387.77
    ratio = np.expm1(micrometre_kelvin / (_BANDS_UM * 6500.0)) / np.expm1(micrometre_kelvin / (_BANDS_UM * kelvin))
    return (ratio / (ratio @ LUMINANCE)).astype(np.float32)


def _perez(cos_zenith, gamma, coefficients):
    a, b, c, d, e = coefficients
    return (1.0 + a * np.exp(b / cos_zenith)) * (1.0 + c * np.exp(d * gamma) + e * np.cos(gamma) ** 2)


def _zenith(name: str, turbidity: float, sun_zenith: float) -> float:
    powers = np.array((sun_zenith**3, sun_zenith**2, sun_zenith, 1.0))
    return float(np.array((turbidity**2, turbidity, 1.0)) @ (np.array(_ZENITH[name]) @ powers))
