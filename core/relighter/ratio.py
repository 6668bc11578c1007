"""The physically based relighter without a network: the ratio of two irradiances on the normals, and nothing else.

Its answer is the hint itself, so its residual is zero. Exact for matte convex things; it knows no cast shadows, no
reflections and no scattering. The baseline everything learned has to beat, and the instant preview.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Ratio:
    """See the module."""

    name: str = "ratio"
    weights: str = ""
    used: tuple[str, ...] = ()
    wants_source: bool = True
    network: None = None
