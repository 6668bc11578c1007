"""Real spherical harmonics of an environment, to any order.

Orthonormal, without the Condon-Shortley phase, in the order of Ramamoorthi and Hanrahan 2001, "An Efficient
Representation for Irradiance Environment Maps": index l (l + 1) + m, with Y(1, -1), Y(1, 0), Y(1, 1) along y, z, x of
the frame of `environment`. Coefficients are ((order + 1)^2, 3) float32, working-space RGB.
"""

from __future__ import annotations

from math import factorial, pi, sqrt

import numpy as np

from relamp.core.errors import ParameterError
from relamp.core.light.emitters import emitters


def basis(d: np.ndarray, order: int) -> np.ndarray:
    """Values of the harmonics along unit directions, (..., 3) to (..., (order + 1)^2) float64.

    Polynomials in x, y, z (Sloan 2013, "Efficient Spherical Harmonic Evaluation"), so there is no trouble at the poles.
    """
    if order < 0:
        raise ParameterError(f"the order of spherical harmonics must be 0 or more; got {order}")
    d = np.asarray(d, np.float64)
    x, y, z = d[..., 0], d[..., 1], d[..., 2]
    out = np.empty((*x.shape, (order + 1) ** 2))
    legendre = _legendre(z, order)
    cosine, sine = np.ones_like(x), np.zeros_like(x)  # r^m cos(m phi), r^m sin(m phi) with x = r cos(phi)
    for m in range(order + 1):
        for degree in range(m, order + 1):
            norm = sqrt((2 * degree + 1) / (4 * pi) * factorial(degree - m) / factorial(degree + m))
            scale = norm * (sqrt(2) if m else 1) * legendre[degree, m]
            out[..., degree * (degree + 1) + m] = scale * cosine
            if m:
                out[..., degree * (degree + 1) - m] = scale * sine
        cosine, sine = x * cosine - y * sine, x * sine + y * cosine
    return out


def project(pixels: np.ndarray, order: int) -> np.ndarray:
    """Coefficients of a latitude-longitude map (H, W, 3), by integration over the sphere."""
    lights = emitters(pixels)
    length = np.linalg.norm(lights.directions, axis=-1, keepdims=True)
    return (basis(lights.directions / length, order).T @ lights.energy).astype(np.float32)


def evaluate(coefficients: np.ndarray, d: np.ndarray) -> np.ndarray:
    """The function the coefficients stand for along unit directions, (..., 3) to (..., 3) float32; may go below 0."""
    return (basis(d, _order(coefficients)) @ coefficients).astype(np.float32)


def irradiance(coefficients: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """Irradiance on unit normals, (..., 3) to (..., 3) float32; pi for a uniform light of 1.

    Under a single sun, the worst case, order 2 is within 10 % of the peak of the exact integral, order 4 within 6 %,
    order 8 within 4 %, and it can go below 0 on the far side; smooth maps come within 1 % (Ramamoorthi and Hanrahan).
    """
    order = _order(coefficients)
    factors = np.concatenate([np.full(2 * degree + 1, cosine_factor(degree)) for degree in range(order + 1)])
    return evaluate(coefficients * factors[:, None], normals)


def cosine_factor(degree: int) -> float:
    """What convolution with the clamped cosine multiplies degree l by: pi, 2 pi / 3, pi / 4, 0, -pi / 24, ..."""
    if degree == 1:
        return 2 * pi / 3
    if degree % 2:
        return 0.0
    half = degree // 2
    sign = -1 if half % 2 == 0 else 1  # Ramamoorthi and Hanrahan 2001, equation 8
    return sign * 2 * pi / ((degree + 2) * (degree - 1)) * factorial(degree) / (2**degree * factorial(half) ** 2)


def _order(coefficients: np.ndarray) -> int:
    order = round(sqrt(len(coefficients))) - 1
    if (order + 1) ** 2 != len(coefficients):
        raise ParameterError(f"spherical harmonics have 1, 4, 9, 16, ... coefficients; got {len(coefficients)}")
    return order


def _legendre(z: np.ndarray, order: int) -> dict[tuple[int, int], np.ndarray]:
    """Associated Legendre functions of z without their factor sin^m and without the phase (-1)^m."""
    out: dict[tuple[int, int], np.ndarray] = {}
    diagonal = np.ones_like(z)
    for m in range(order + 1):
        out[m, m] = diagonal
        for degree in range(m + 1, order + 1):
            below = out[degree - 2, m] if degree - 2 >= m else 0.0
            out[degree, m] = ((2 * degree - 1) * z * out[degree - 1, m] - (degree + m - 1) * below) / (degree - m)
        diagonal = diagonal * (2 * m + 1)
    return out
