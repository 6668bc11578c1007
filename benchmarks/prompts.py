"""Twenty prompts, what light they give, their maps and the balls they light; and seventy more, with what is understood of each.

    python benchmarks/prompts.py [--out t.md] [--picture docs/prompts.jpg] [--rows 72] [--page docs/prompts.md]

The table says of each where a surface receives most, in degrees to the right of the camera's view (180 is behind the camera) and
above it, how much more than what faces away from there, in stops, and the warmth of that light: red over blue, in stops.

The picture has two columns: each prompt over its map, with a grey and a chrome ball seen by the default camera, all at the
exposure they are made at.
"""

# pyright: reportMissingImports=false
# relamp is found where it is installed.

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
from report import Report
from source_light import key

from relamp.core.atomic import replacing
from relamp.core.errors import UsageError
from relamp.core.evaluation.evaluate import SPACE
from relamp.core.light.balls import grey_and_chrome
from relamp.core.light.environment import resize
from relamp.core.light.irradiance import irradiance_table
from relamp.core.light.prompt import from_prompt
from relamp.core.light.said_back import said_back
from relamp.core.light.words import describe
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
# As artists would type them, who have not read the vocabulary.
UNREAD = (
    "golden hour backlight",
    "moonlight",
    "single candle on the table",
    "cool fill",
    "cool blue light",
    "make it look like sunset",
    "rembrandt lighting, her left side dark",
    "butterfly lighting",
    "practical lamp behind her on the right",
    "police lights",
    "key two stops over fill",
    "light her face from the left",
    "dark and moody",
    "night",
    "dim room, one lamp",
    "late afternoon sun through blinds",
    "like a rainy day",
    "film noir",
    "hard sun from top right",
    "firelight, flickering, from below",
    "sci-fi, teal and orange",
    "under a street lamp at night",
    "bright overcast day",
    "big soft source overhead",
    "lit by a phone screen",
    "TV glow in a dark living room",
    "car headlights from behind",
    "stage spotlight straight down",
    "underwater",
    "club lighting, magenta and cyan",
    "make it warmer",
    "a bit darker please",
    "remove the shadows",
    "snowy mountain at midday",
    "window light, camera left, soft",
    "north light",
    "three point lighting",
    "rim light only",
    "silhouette against a bright window",
    "sodium street lights",
    "fluorescent office",
    "christmas lights",
    "lightning flash",
    "sunrise over the sea behind them",
    "neon pink from screen right",
    "1/4 CTO on the key",
    "key at 45 degrees, 3200K, fill two stops under",
    "beauty dish",
    "warm lamp on his face, cool moonlight on the back",
    "cathedral, shafts of light",
    "soft key from camera left at 5600K, negative fill",
    "overcast daylight from a window behind her",
    "hard noon sun, no fill",
    "moody blue moonlight through a window",
    "golden hour, sun low behind camera right",
    "a big softbox overhead and a warm kicker from the left",
    "hair light from the left, dim fill",
    "candlelit dinner",
    "car dashboard glow from below",
    "stadium floodlights",
    "green fluorescent tubes above",
    "two neon signs, pink left and cyan right",
    "dappled sunlight under trees",
    "cool grey light, low contrast",
    "eyelight",
    "sunset but no sky",
    "key light camera right, 3/4 back light camera left",
    "bounce from below, white",
    "lit only by a fire on the right",
    "daylight balanced key and a tungsten rim",
)
PAGE = """# Seventy prompts

What is understood of seventy prompts that were written without the vocabulary at hand, or the answer to those that are refused.
`relamp env --prompt "..."` says the same of any other. Made by `python benchmarks/prompts.py --page docs/prompts.md`.

| prompt | understood, or answered |
| --- | --- |
"""
TITLE = 16  # px
EVEN = 0.1  # stops of key to fill below which a light has no direction


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="write the table here, too")
    parser.add_argument("--picture", type=Path, help="draw maps and balls, JPEG or PNG")
    parser.add_argument("--page", type=Path, help="write the page of what is understood")
    parser.add_argument("--rows", type=int, default=72, help="height of a map, px")
    given = parser.parse_args()
    colour, say = Colour(), Report(given.out)
    maps = {prompt: from_prompt(prompt, colour).pixels for prompt in PROMPTS}
    say("| prompt | right, deg | up, deg | key:fill, stops | warmth, stops |\n| --- | ---: | ---: | ---: | ---: |")
    for prompt, pixels in maps.items():
        say(f"| {prompt} | {' | '.join(described(pixels, colour))} |")
    if given.page:
        with replacing(given.page, overwrite=True) as temporary:
            temporary.write_text(page(), encoding="utf-8")
    if given.picture:
        draw(given.picture, [tile(prompt, pixels, given.rows, colour) for prompt, pixels in maps.items()])


def page() -> str:
    """The page of what is understood, a row a prompt."""
    return PAGE + "".join(f"| {prompt} | {understood(prompt)} |\n" for prompt in UNREAD)


def understood(prompt: str) -> str:
    """What a prompt is read as, or in italics why it is refused."""
    try:
        return said_back(describe(prompt))
    except UsageError as error:
        return f"*{error}*"


def described(pixels: np.ndarray, colour: Colour) -> list[str]:
    """The cells of a light (H, W, 3)."""
    found = key(pixels, colour.luminance_weights)
    x, y, z = found.direction
    red, _, blue = colour.from_working(found.colour[None, None], SPACE)[0, 0]
    right, up = np.degrees(np.arctan2(x, -z)), np.degrees(np.arcsin(np.clip(y, -1, 1)))
    if found.ratio < EVEN:  # where it comes from means nothing
        return ["", "", f"{found.ratio:.1f}", f"{np.log2(red / blue):+.1f}"]
    return [f"{right:+.0f}", f"{up:+.0f}", f"{found.ratio:.1f}", f"{np.log2(red / blue):+.1f}"]


def draw(path: Path, tiles: list[np.ndarray]) -> None:
    """All tiles in two columns."""
    half = (len(tiles) + 1) // 2
    sheet = np.concatenate([np.concatenate(tiles[i : i + half]) for i in (0, half)], axis=1)
    _, encoded = cv2.imencode(path.suffix, sheet[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])
    with replacing(path, overwrite=True) as temporary:
        temporary.write_bytes(encoded.tobytes())


def tile(prompt: str, pixels: np.ndarray, rows: int, colour: Colour) -> np.ndarray:
    """One prompt, its map and its balls, (TITLE + rows, 4 rows, 3) uint8."""
    balls = grey_and_chrome(irradiance_table(pixels, 64) / np.float32(np.pi), pixels, np.eye(3), rows)
    shown = np.concatenate((resize(pixels, rows), balls[..., :3] * balls[..., 3:]), axis=1)
    encoded = np.round(np.clip(colour.display(shown), 0, 1) * 255).astype(np.uint8)
    title = np.full((TITLE, encoded.shape[1], 3), 24, np.uint8)
    cv2.putText(title, prompt, (3, TITLE - 5), cv2.FONT_HERSHEY_SIMPLEX, 0.32, (235, 235, 235), 1, cv2.LINE_AA)
    return np.concatenate((title, encoded))


if __name__ == "__main__":
    main()
