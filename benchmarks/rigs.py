"""The example plate with lights put into the scene: a picture for docs/rig.md.

    python benchmarks/rigs.py --out renders/rigs --picture docs/rig.jpg
    python benchmarks/rigs.py --words docs/rig.md

Renders frame 1012 of the example plate with `relamp render --rig` for each rig below; the plate is shown first. `--words` writes
what `relamp rig --say` makes of sixty sentences, or its refusal, into the page.
"""

# pyright: reportMissingImports=false
# relamp is found where it is installed.

from __future__ import annotations

import argparse
import json
from pathlib import Path

import cv2
import numpy as np

from relamp.core.atomic import replacing
from relamp.core.cli import main as relamp
from relamp.core.errors import UsageError
from relamp.core.light import rig_changes
from relamp.core.light.rig import SCHEMA, Rig, to_json, with_lights
from relamp.core.light.rig_words import rig_of, sentence
from relamp.core.pictures import exr
from relamp.core.pictures.colour import Colour
from relamp.core.pictures.frame import place
from relamp.core.rig_library import lights_of

FRAME = 1012
PLATE = Path(__file__).parents[1] / "examples" / "plate" / "plate.####.exr"
WORDS = {
    "words: warm rim from behind right, soft cool fill": "bright warm rim from behind right, soft cool fill from the left"
}
RIGS = {
    "sphere: a bulb at the left": [
        {"kind": "sphere", "position": [-0.5, 0.1, -1.6], "kelvin": 2700, "stops": 1.5, "size": 0.04}
    ],
    "spot: a torch from below": [
        {"kind": "spot", "position": [0.3, -0.4, -1.2], "aim": [-0.3, 0.35, -0.8], "colour": [1, 0.35, 0.1], "stops": 1.5,
         "angle": 50}
    ],
    "area: a window at the right": [
        {"kind": "area", "position": [0.9, 0.3, -1.6], "aim": [-1, -0.2, -0.5], "kelvin": 7500, "stops": 1, "size": [0.4, 0.7]}
    ],
    "two distant lights": [
        {"kind": "distant", "direction": [-1, 0.2, 0.4], "colour": [1, 0.1, 0.5], "stops": 0.5, "size": 4},
        {"kind": "distant", "direction": [1, 0.2, 0.4], "colour": [0.1, 0.4, 1], "stops": 0.5, "size": 4},
    ],
}  # fmt: skip
SENTENCES = (
    "add a warm rim from behind left", "make the key stronger", "a candle near her cheek", "turn the fill down a stop",
    "make the key warmer and the rim cooler", "make the rim blue", "move the key to the right", "rim warmer",
    "soften the key", "add a window on the right", "a torch from below", "negative fill", "a 3/4 back light from the left",
    "set the key to 3200 K", "put the key on the other side", "pink neon on the right, blue neon on the left",
    "add a practical behind her on the left", "make everything dimmer", "move the key closer", "make her glow",
    "rim warmer and a kicker from the left", "bring the key down 1 stop and warm it up", "more fill", "the key is too hot",
    "make the fill two stops under the key", "move the key 20 degrees left and up 10 degrees",
    "soften the key, but keep the rim as it is", "turn off the key and the fill", "key to 4,300K, rim to 6500k",
    "can you make the key a bit warmer please", "knock the fill down a stop and a half", "set the fill to 50%",
    "make the rim a little less bright", "make the kye warmer", "lose the rim but add a hair light from the right",
    "key from the right", "a cool backlight, 2 stops hotter than the key", "turn the rim green and the fill off",
    "no shadows on the key", "double the rim and halve the fill", "add a stop to the rim", "give her a brighter key",
    "kill everything but the key", "solo the key", "make the key brighter than the fill", "put the rim directly behind her",
    "colour the rim magenta", "color the rim magenta", "I'd like a touch of blue in the fill", "make the fill less blue",
    "a window on the left, big and soft, 2 stops over the key", "add a candle near her face and one behind him",
    "add a kicker from the left and make it warmer", "change the key from warm to cool", "add two candles",
    "dim the lights by a third", "swap the key and the fill", "brighten up the rim, 2 stops",
    "make the keylight 3200K and softer", "a warm practical camera right and a cool window camera left",
)  # fmt: skip
BASE = "three-point"  # the rig of the library that the sentences change
MARKS = ("<!-- sentences -->\n", "<!-- end of sentences -->\n")
WIDTH, TITLE = 480, 20  # px


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="render the rigs into this folder")
    parser.add_argument("--words", type=Path, help="write the table of sentences into this page")
    parser.add_argument("--picture", type=Path, help="draw the sheet, JPEG or PNG")
    given = parser.parse_args()
    if given.words:
        write_table(given.words)
    if given.out is None:
        return
    given.out.mkdir(parents=True, exist_ok=True)
    texts = {name: json.dumps({"schema": SCHEMA, "lights": lights}) for name, lights in RIGS.items()}
    texts |= {name: to_json(rig_of(words)) for name, words in WORDS.items()}
    tiles = [tile("plate", Path(str(PLATE).replace("####", str(FRAME))))]
    for index, (name, text) in enumerate(texts.items()):
        rig = given.out / f"{index}.json"
        rig.write_text(text, encoding="utf-8")
        out = given.out / f"{index}.####.exr"
        command = ["render", str(PLATE), "--rig", str(rig), "--out", str(out), "-F", str(FRAME), "--overwrite", "-q"]
        if relamp(command) != 0:
            raise SystemExit(f"{' '.join(command)} failed")
        tiles.append(tile(name, Path(str(out).replace("####", str(FRAME)))))
    if given.picture:
        draw(given.picture, tiles)


def understood(said: str) -> str:
    """What `relamp rig --say` makes of a sentence, on a rig of three points: what it did, and the new or changed lights."""
    before = with_lights(Rig(()), lights_of(BASE))
    try:
        after, done = rig_changes.said(before, said)
    except UsageError as error:
        return f"refused: {error}"
    changed = [sentence(light) for light in after.lights if light not in before.lights]
    return " · ".join(["; ".join(done), *changed])


def table() -> str:
    """The sentences and what became of each, as rows of Markdown."""
    rows = "".join(f"| {said} | {understood(said)} |\n" for said in SENTENCES)
    return f"| said | what became of it |\n| --- | --- |\n{rows}"


def write_table(page: Path) -> None:
    """Put the table between its marks on a page."""
    text = page.read_text(encoding="utf-8")
    head, rest = text.split(MARKS[0])
    _, tail = rest.split(MARKS[1])
    with replacing(page, overwrite=True) as temporary:
        temporary.write_text(f"{head}{MARKS[0]}{table()}{MARKS[1]}{tail}", encoding="utf-8")


def tile(name: str, path: Path) -> np.ndarray:
    """One frame under its name, (TITLE + h, WIDTH, 3) uint8."""
    colour = Colour()
    frame = exr.read_frame(path, colour=colour)
    light = place(colour.to_working(frame.rgb, frame.colorspace), frame.data_window, frame.display_window)
    height = round(light.shape[0] * WIDTH / light.shape[1])
    shown = cv2.resize(light, (WIDTH, height), interpolation=cv2.INTER_AREA)
    encoded = np.round(np.clip(colour.display(shown), 0, 1) * 255).astype(np.uint8)
    title = np.full((TITLE, WIDTH, 3), 24, np.uint8)
    cv2.putText(title, name, (4, TITLE - 6), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (235, 235, 235), 1, cv2.LINE_AA)
    return np.concatenate((title, encoded))


def draw(path: Path, tiles: list[np.ndarray]) -> None:
    """All tiles, two in a row."""
    rows = [np.concatenate(tiles[i : i + 2], axis=1) for i in range(0, len(tiles), 2)]
    _, encoded = cv2.imencode(path.suffix, np.concatenate(rows)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])
    with replacing(path, overwrite=True) as temporary:
        temporary.write_bytes(encoded.tobytes())


if __name__ == "__main__":
    main()
