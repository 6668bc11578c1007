"""How well the light on hair (`core/light/fibres.py`) describes path-traced balls of hair.

    python benchmarks/hair_light.py [--data data/hair_light] [--table benchmarks/hair_light.md]

Reads what `hair_balls.py` rendered. Where a sun stands at an angle to the surface and to the viewer, the brightness of the ball
over that under an even sky is compared with the kernel, with the cosine of a matte surface, and with cosines that are wrapped
around the horizon by a half. The error is the mean over such places of the absolute difference of logs, of values over a tenth.
"""

# pyright: reportMissingImports=false
# relamp is found where it is installed.

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from report import Report

from relamp.core.light.fibres import light_on_fibres

FLOOR = 0.1  # added to both sides: darker than this is dark
RINGS = np.linspace(0, 1, 6)  # cosines to the viewer between which places are averaged
FACES = np.linspace(-1, 1, 9)  # and cosines to the sun
LEAST = 12  # pixels of a place
REC709 = (0.2126, 0.7152, 0.0722)  # luminance
COVERED = 0.6  # least share of a pixel that is hair


@dataclass(frozen=True)
class Ball:
    """`normals` (P, 3) outward of its pixels, `sky` (P,) under an even sky of 1, `suns` (N, P) under suns `toward` (N, 3)."""

    normals: np.ndarray
    sky: np.ndarray
    suns: np.ndarray
    toward: np.ndarray

    @classmethod
    def read(cls, path: Path) -> Ball:
        """From a file of `hair_balls.py`; the ball's radius is that of its coverage."""
        with np.load(path) as stored:
            sky, suns, toward = stored["sky"], stored["suns"], stored["toward"]
            half = float(stored["half_width"])
        alpha, side = sky[..., 3], len(sky)
        pixel = 2 * half / side
        radius = np.sqrt(alpha.sum() * pixel**2 / np.pi)
        at = ((np.arange(side) + 0.5) * pixel - half) / radius
        x, y = np.meshgrid(at, -at)
        inside = (np.hypot(x, y) < 0.985) & (alpha > COVERED)
        z = np.sqrt(np.maximum(1 - x * x - y * y, 0))
        weights = np.array(REC709)
        seen = [(rgb / np.maximum(alpha, 1e-6)[..., None])[inside] @ weights for rgb in (sky[..., :3], *suns)]
        return cls(
            np.stack([x, y, z], -1)[inside].astype(np.float32), seen[0], np.stack(seen[1:]), toward.astype(np.float32)
        )

    def places(self) -> Iterator[tuple[np.ndarray, int, float]]:
        """The pixels of each place, the sun, and how bright they are under it: 1 is a matte surface that faces the sun."""
        ring = np.clip(np.digitize(self.normals[:, 2], RINGS) - 1, 0, len(RINGS) - 2)
        even = np.array([self.sky[ring == k].mean() for k in range(len(RINGS) - 1)])[ring]
        for sun, (seen, to) in enumerate(zip(self.suns, self.toward, strict=True)):
            face = np.digitize(self.normals @ to, FACES)
            for place in np.unique(ring * 100 + face):
                there = np.flatnonzero(ring * 100 + face == place)
                if len(there) > LEAST:
                    yield there, sun, float((np.pi * seen[there] / even[there]).mean())


Kernel = Callable[[np.ndarray, np.ndarray], np.ndarray]
KERNELS: dict[str, Kernel] = {
    "matte": lambda normals, to: np.maximum(normals @ to, 0),
    "wrapped by a half": lambda normals, to: np.maximum(normals @ to + 0.5, 0) / 1.5**2,
    "relamp": light_on_fibres,
}


def error(ball: Ball, kernel: Kernel) -> float:
    """See the module."""
    pairs = [(kernel(ball.normals[there], ball.toward[sun]).mean(), seen) for there, sun, seen in ball.places()]
    made, seen = np.array(pairs).T
    return float(np.abs(np.log((made + FLOOR) / (seen + FLOOR))).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("data/hair_light"))
    parser.add_argument("--table", type=Path, help="write the table here, too")
    given = parser.parse_args()
    files = sorted(given.data.glob("*.npz"))
    if not files:
        parser.error(f"{given.data} holds no balls of hair; make them with benchmarks/hair_balls.py")
    say = Report(given.table)
    say(f"| hair | {' | '.join(KERNELS)} |")
    say(f"| --- |{' ---: |' * len(KERNELS)}")
    rows = []
    for path in files:
        ball = Ball.read(path)
        rows.append([error(ball, kernel) for kernel in KERNELS.values()])
        say(f"| {path.stem} | {' | '.join(f'{value:.2f}' for value in rows[-1])} |")
    say(f"| mean | {' | '.join(f'{value:.2f}' for value in np.mean(rows, 0))} |")


if __name__ == "__main__":
    main()
