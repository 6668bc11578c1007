"""Twenty prompts, their maps and the balls they light.

    python benchmarks/prompts.py [--out docs/prompts.jpg] [--rows 72]

Writes one picture, two columns: each prompt over its map, with a grey and a chrome ball seen by the default camera, all at the
exposure they are made at.
"""

# pyright: reportMissingImports=false
# relamp is found where it is installed.

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np

from relamp.core.atomic import replacing
from relamp.core.light.balls import grey_and_chrome
from relamp.core.light.environment import resize
from relamp.core.light.irradiance import irradiance_table
from relamp.core.light.prompt import from_prompt
from relamp.core.pictures.colour import Colour

PROMPTS = (
    "low warm sun from the left, cool sky",
    "golden hour",
    "clear noon on a beach",
    "very warm sunset from behind",
    "pink sunset, snow",
    "overcast",
    "foggy morning",
    "blue hour",
    "moonlight from behind left",
    "night, street lamp above",
    "soft window light from the right in a dark room",
    "sunlight through a window from the left",
    "candlelight",
    "campfire from below",
    "pink neon from the left and blue neon from the right",
    "softbox from the front left with a weak blue rim light from behind right",
    "3200 K lamp 30 degrees left 20 degrees up, high contrast",
    "cool tv screen from the front, no fill",
    "studio, key light, fill light and hair light",
    "even white light",
)
TITLE = 16  # px


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("docs/prompts.jpg"))
    parser.add_argument("--rows", type=int, default=72, help="height of a map, px")
    given = parser.parse_args()
    colour = Colour()
    tiles = [tile(prompt, given.rows, colour) for prompt in PROMPTS]
    half = (len(tiles) + 1) // 2
    sheet = np.concatenate([np.concatenate(tiles[i : i + half]) for i in (0, half)], axis=1)
    _, encoded = cv2.imencode(given.out.suffix, sheet[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])
    with replacing(given.out) as temporary:
        temporary.write_bytes(encoded.tobytes())


def tile(prompt: str, rows: int, colour: Colour) -> np.ndarray:
    """One prompt, its map and its balls, (TITLE + rows, 4 rows, 3) uint8."""
    pixels = from_prompt(prompt, colour).pixels
    balls = grey_and_chrome(irradiance_table(pixels, 64) / np.float32(np.pi), pixels, np.eye(3), rows)
    shown = np.concatenate((resize(pixels, rows), balls[..., :3] * balls[..., 3:]), axis=1)
    encoded = np.round(np.clip(colour.display(shown), 0, 1) * 255).astype(np.uint8)
    title = np.full((TITLE, encoded.shape[1], 3), 24, np.uint8)
    cv2.putText(title, prompt, (3, TITLE - 5), cv2.FONT_HERSHEY_SIMPLEX, 0.32, (235, 235, 235), 1, cv2.LINE_AA)
    return np.concatenate((title, encoded))


if __name__ == "__main__":
    main()
