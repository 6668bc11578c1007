"""Photographs under six lights: sheets to look at, and the numbers of harm, since no truth exists.

    python benchmarks/photographs.py --out renders/photographs [--table benchmarks/photographs.md] [--only head,cat]
    python benchmarks/photographs.py --out renders/photographs --words docs/photograph.jpg

Writes scene-linear plates of scikit-image's photographs, renders each with `relamp render` under an even white light and six
others, at 0.7, 1 and 1.4 of the working size, and under the two keys once more mirrored. `NAME.png` is the sheet of a photograph:
a column a light, the plate first; a row a size. What the table's numbers should be:

- even white: the skin's chromaticity moves by less than 5 %, less than 0.02 of the detail is lost;
- nothing outside the matte is touched;
- colour: under each light what the skin's colour gains is at most 0.1 stops outside the colours of that light;
- mirror: mirrored plates under the mirrored light give the mirrored picture, within 0.05 stops at the 90th percentile;
- sizes: the three agree within 0.15 stops at the 90th percentile.

With `--words` it only draws photographs under lights that are said in words, the plate first: the picture of the README.
"""

# pyright: reportMissingImports=false
# relamp is found where it is installed.

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import cv2
import numpy as np
from photographs import harm
from photographs.lights import EVEN, MIRROR_OF, lights
from photographs.plates import PHOTOGRAPHS, Photograph, Plate, make, read, write
from report import Report

from relamp.core.cli import main as relamp
from relamp.core.light.sheet import write_png
from relamp.core.parameters import WORKING_SIZE
from relamp.core.pictures.curves import encode_srgb

SHARES = (0.7, 1.0, 1.4)  # of the working size
WIDTH = 240  # px of a picture in a sheet
WIDE = 400  # px of a picture of `--words`
WORDS = (
    "low warm sun from the right",
    "small warm candle from below left, dim",
    "hard white key from the left, warm rim from behind right, dark fill",
)
SHOWN = ("bust", "cat", "coffee")  # photographs in the picture of `--words`
LIMITS = {"moved": 0.05, "detail": 0.02, "colour": 0.1, "mirror": 0.05, "sizes": 0.15}

Relit = dict[tuple[str, float], np.ndarray]
"""Relights by the light's name and the share of the working size."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--table", type=Path, help="write the table here, too")
    parser.add_argument("--backbone", default="relamp")
    parser.add_argument("--only", default=",".join(p.name for p in PHOTOGRAPHS), help="photographs, by name")
    parser.add_argument("--size", type=int, default=WORKING_SIZE, help="the working size, px")
    parser.add_argument("--words", type=Path, help="draw only photographs under lights in words, here")
    given = parser.parse_args()
    if given.words:
        return draw_words(given.words, given.out, given.backbone)
    maps = {name: given.out / "lights" / f"{name.replace(' ', '_')}.exr" for name in lights()}
    for name, light in lights().items():
        write(maps[name], light, "float")
    say = Report(given.table)
    say("| photograph | light | moved | detail lost | touched outside | colour | mirror | sizes |")
    say("| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for photograph in (p for p in PHOTOGRAPHS if p.name in given.only.split(",")):
        plate, relit, mirrored = rendered(photograph, maps, given.out, given.size, given.backbone)
        draw(given.out / f"{photograph.name}.png", plate, relit)
        for name, light in lights().items():
            say(f"| {photograph.name} | {name} | {' | '.join(cells(plate, relit, mirrored, name, light))} |")


def rendered(
    photograph: Photograph, maps: dict[str, Path], out: Path, size: int, backbone: str
) -> tuple[Plate, Relit, dict[str, np.ndarray]]:
    """A photograph's plate, its relights, and those of the mirrored plate by the name of the light that was mirrored."""
    plate, other = make(photograph, out / "plates"), make(photograph, out / "plates", mirrored=True)
    relit = {
        (name, share): relight(plate, path, out / "relit", round(size * share), backbone)
        for name, path in maps.items()
        for share in SHARES
    }
    return (
        plate,
        relit,
        {name: relight(other, maps[to], out / "relit", size, backbone) for name, to in MIRROR_OF.items()},
    )


def draw_words(path: Path, out: Path, backbone: str) -> None:
    """Write the picture of `SHOWN` under `WORDS`: a row a photograph, a column a light, the plate first."""
    rows = []
    for photograph in (p for p in PHOTOGRAPHS if p.name in SHOWN):
        plate = make(photograph, out / "plates")
        relit = [
            rendered_as(plate, out / "words" / f"{plate.name}_{i}.exr", ["--prompt", words, "--backbone", backbone])
            for i, words in enumerate(WORDS)
        ]
        rows.append(np.concatenate([seen(picture, WIDE) for picture in (plate.rgb, *relit)], 1))
    cv2.imwrite(str(path), np.concatenate(rows)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])
    print(path)


def relight(plate: Plate, env: Path, out: Path, size: int, backbone: str) -> np.ndarray:
    """`relamp render` of a plate under a map, (h, w, 3)."""
    path = out / f"{plate.name}_{env.stem}_{size}.exr"
    return rendered_as(plate, path, ["--env", str(env), "--working-size", str(size), "--backbone", backbone])


def rendered_as(plate: Plate, path: Path, options: list[str]) -> np.ndarray:
    """`relamp render` of a plate with some options, (h, w, 3)."""
    arguments = ["render", str(plate.path), "--matte", str(plate.matte_path), "--out", str(path), *options]
    arguments += ["--overwrite", "--quiet"]
    if code := relamp(arguments):
        sys.exit(f"relamp {' '.join(arguments)} ended with code {code}")
    return read(path)


def cells(plate: Plate, relit: Relit, mirrored: dict[str, np.ndarray], name: str, light: np.ndarray) -> list[str]:
    """The numbers of a photograph under a light; bold where they are over their limit, empty where they mean nothing."""
    own = relit[name, 1.0]
    found: dict[str, float] = {"sizes": harm.spread([relit[name, share] for share in SHARES], plate.matte)}
    if plate.skin is not None:
        found["colour"] = harm.unexplained_colour(plate.rgb, own, plate.skin, light)
    if name == EVEN:
        found["detail"] = harm.detail_lost(plate.rgb, own, plate.matte)
        if plate.skin is not None:
            found["moved"] = harm.chromaticity_moved(plate.rgb, own, plate.skin)
    if name in mirrored:
        found["mirror"] = harm.mirror_difference(own, mirrored[name], plate.matte)
    touched = harm.touched_outside(plate.rgb, own, plate.matte)
    shown = {key: f"{value:.3f}" if value <= LIMITS[key] else f"**{value:.3f}**" for key, value in found.items()}
    shown["outside"] = f"**{touched}**" if touched else "0"
    return [shown.get(key, "") for key in ("moved", "detail", "outside", "colour", "mirror", "sizes")]


def draw(path: Path, plate: Plate, relit: Relit) -> None:
    """The sheet of a photograph."""
    rows = [[plate.rgb, *(relit[name, share] for name in lights())] for share in SHARES]
    write_png(path, np.concatenate([np.concatenate([seen(picture) for picture in row], 1) for row in rows]))
    print(path, flush=True)


def seen(picture: np.ndarray, wide: int = WIDTH) -> np.ndarray:
    """Scene-linear (h, w, 3) as a small sRGB picture, (h', wide, 3) uint8."""
    height, width = picture.shape[:2]
    small = cv2.resize(picture, (wide, round(height * wide / width)), interpolation=cv2.INTER_AREA)
    return np.round(255 * encode_srgb(small)).astype(np.uint8)


if __name__ == "__main__":
    main()
