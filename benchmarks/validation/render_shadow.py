"""Renders what `benchmarks/shadows.py removed` measures: things before a wall under a hard sun, and the same under soft light.

    python benchmarks/validation/render_shadow.py --out data/removed [--size 512] [--spp 64]

Needs what `render.py` needs, and writes what it writes: `wall` is matte, `painted` has colours on its wall and a glazed ball.
"""

# pyright: reportMissingImports=false
# Mitsuba lives in an environment of its own.

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import render
import shapes

from shots import Camera, Light, Part, Shot, coated, matte

SIDES = (3.4, 2.6)  # of the wall


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("data/removed"))
    parser.add_argument("--size", type=int, default=512, help="width in pixels; the height is three quarters of it")
    parser.add_argument("--spp", type=int, default=64, help="samples a pixel")
    given = parser.parse_args()
    for name, parts in (("wall", _plain), ("painted", _painted)):
        shot = Shot(name, "hard shadows on a wall", Light("noon", 0.4, -12), Light("overcast", 0.4), parts, _camera)
        render.render_shot(shot, given.out / name, given.size, given.spp, 1)


def _camera(_: int) -> Camera:
    return Camera((0.0, 1.35, 6.2), (0.0, 1.2, 0.0), 36)


def _things(wall: shapes.Mesh) -> list[shapes.Mesh]:
    return [
        shapes.ball(0.45).painted(0.4).moved((0.25, 1.45, 0.5)),
        shapes.box(0.5, 0.7, 0.5).painted(0.5).moved((-0.75, 0.35, 0.4), yaw=25),
        shapes.tube(_ring(), 0.05).painted(0.3).moved((1.05, 0.75, 0.35)),
        wall.moved((0, SIDES[1] / 2, -0.55)),
        shapes.box(SIDES[0], 0.1, 2.2).painted(0.3).moved((0, -0.05, 0.5)),
    ]


def _plain(_: int) -> list[Part]:
    return [(thing, matte()) for thing in _things(shapes.box(*SIDES, 0.1).painted(0.45))]


def _painted(_: int) -> list[Part]:
    wall = shapes.box(*SIDES, 0.1)
    tone = 0.4 + 0.12 * shapes.ripple(wall.vertices, 7, 6)[:, None]
    ball, *rest = _things(wall.painted(tone * (1.0, 0.72, 0.55)))
    return [(ball.painted((0.1, 0.25, 0.5)), coated(0.25)), *((thing, matte()) for thing in rest)]


def _ring() -> np.ndarray:
    angle = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    return 0.32 * np.stack([np.cos(angle), np.sin(angle), 0.3 * np.sin(2 * angle)], -1)


if __name__ == "__main__":
    main()
