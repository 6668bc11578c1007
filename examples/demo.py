"""Relights the example shot under four skies and draws a contact sheet: python examples/demo.py FOLDER."""

# pyright: reportMissingImports=false
from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from relamp.core.cli import main as relamp

HERE = Path(__file__).parent
SKIES = ("low_sun", "overcast", "softbox_studio", "neon_night")
SHOWN = (1001, 1009, 1017, 1024)
THUMB = (400, 225)  # px, width and height of one picture on the sheet
GAP, CAPTION = 8, 26


def main(folder: Path) -> int:
    """Render, draw, and say where to look; the exit code of the first render that fails."""
    plate = str(HERE / "plate" / "plate.####.exr")
    source = str(HERE / "environments" / "source.exr")
    for sky in SKIES:
        print(f"relighting under {sky}", flush=True)
        arguments = ["render", plate, "--env", str(HERE / "environments" / f"{sky}.exr"), "--source-env", source]
        # The maps are of our own making and not of one exposure, so the subject keeps its level.
        arguments += ["--env-level", "match", "--layers", "ratio,lamps", "--lamps", "3"]
        arguments += ["--working-size", "256"]  # enough for a plate of 640 px, and a quick first look
        code = relamp([*arguments, "--out", str(folder / sky / f"{sky}.####.exr"), "--overwrite"])
        if code:
            return code
    sheet = folder / "contact_sheet.png"
    draw(folder, plate, sheet)
    print(f"\nrelit EXRs:     {folder}/<sky>/<sky>.####.exr (beauty, ratio, lamp1 to lamp3, rest)")
    print(f"contact sheet:  {sheet}")
    return 0


def draw(folder: Path, plate: str, sheet: Path) -> None:
    """A row for the plate and one for each sky: its map, then four frames."""
    import numpy as np

    from relamp.core.light.sheet import write_png
    from relamp.core.pictures.colour import Colour

    colour = Colour()
    rows = [_row(colour, "plate and its light", HERE / "environments" / "source.exr", plate)]
    for sky in SKIES:
        rows.append(_row(colour, sky, HERE / "environments" / f"{sky}.exr", str(folder / sky / f"{sky}.####.exr")))
    write_png(sheet, np.concatenate(rows, axis=0), overwrite=True)


def _row(colour: Any, title: str, environment: Path, pattern: str) -> Any:
    import cv2
    import numpy as np

    from relamp.core.light.environment import level
    from relamp.core.light.map_file import load_environment
    from relamp.core.pictures.exr import read_frame
    from relamp.core.pictures.frame import place

    pixels = load_environment(environment, colour=colour).pixels
    width, height = THUMB
    pictures = [
        colour.display(cv2.resize(pixels * (0.3 / level(pixels)), (width, width // 2), interpolation=cv2.INTER_AREA))
    ]
    for number in SHOWN:
        frame = read_frame(pattern.replace("####", str(number)), colour=colour)
        whole = place(colour.to_working(frame.rgb, frame.colorspace), frame.data_window, frame.display_window)
        pictures.append(colour.display(cv2.resize(whole, THUMB, interpolation=cv2.INTER_AREA)))
    row = np.full((height + CAPTION + GAP, (width + GAP) * len(pictures) + GAP, 3), 26, np.uint8)
    for i, picture in enumerate(pictures):
        left, top = GAP + i * (width + GAP), CAPTION + (height - picture.shape[0]) // 2
        row[top : top + picture.shape[0], left : left + width] = (np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8)
    names = [title, *(f"frame {number}" for number in SHOWN)]
    for i, name in enumerate(names):
        at = (GAP + i * (width + GAP), CAPTION - 8)
        cv2.putText(row, name, at, cv2.FONT_HERSHEY_SIMPLEX, 0.5, (210, 210, 210), 1, cv2.LINE_AA)
    return row


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "renders/demo")))
