"""Renders the shots the deflicker head is measured on: longer and smaller than the others, some under a lamp that is switched.

    python benchmarks/validation/render_flicker.py --out data/flicker [--shots cloth,head] [--size 128] [--spp 48] [--frames 24]
    python benchmarks/validation/render_flicker.py --out data/flicker_fresh --shots still_life@sun,orbit --size 192 --spp 24
    python benchmarks/validation/render_flicker.py --out data/flicker_unseen --shots textures@sun --spp 16 --frames 16

Needs what `render.py` needs, and writes what it writes. A shot called `x@place` is `x` with its new light taken from another
map of `maps`: the same plate under the lamp before and after the switch. The fresh shots were rendered when the first head was
finished, the unseen one when the second was. Their tables had been seen once when that head was trained on
for a last slice.
"""

# pyright: reportMissingImports=false
# Mitsuba lives in an environment of its own.

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import render

from shots import SHOTS, Light

STEP = {"head": 0.5, "textures": 0.5, "cloth": 0.6, "still_life": 0.5, "orbit": 0.5}
"""How much of the motion of the validation shots a frame is here: those jump, a plate at 24 fps does not."""
MOVING = {"turning": Light("studio", 0.7, -62, 5), "sun": Light("noon", 0.42, 20, -3)}
EVERY = ("head", "head@turning", "cloth", "textures", "textures@neon")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("data/flicker"))
    parser.add_argument("--shots", default=",".join(EVERY), help="names, separated by commas")
    parser.add_argument("--size", type=int, default=128, help="width in pixels; the height is three quarters of it")
    parser.add_argument("--spp", type=int, default=48, help="samples a pixel")
    parser.add_argument("--frames", type=int, default=18)
    given = parser.parse_args()
    for name in given.shots.split(","):
        render.render_shot(shot(name), given.out / name.replace("@", "_"), given.size, given.spp, given.frames)


def shot(name: str):
    """The shot `name`, slowed down to a plate's motion."""
    subject, _, place = name.partition("@")
    slow, found = STEP.get(subject, 1.0), SHOTS[subject]
    truth = found.truth
    if place:
        truth = MOVING.get(place) or Light(place, found.truth.level, 35)
    parts, camera = found.parts, found.camera
    return replace(
        found,
        name=name,
        truth=truth,
        parts=lambda frame: parts(slow * frame),  # type: ignore[arg-type]
        camera=lambda frame: camera(slow * frame),  # type: ignore[arg-type]
    )


if __name__ == "__main__":
    main()
