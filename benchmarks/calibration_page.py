"""The calibration page: RELAMP_MITSUBA_PYTHON=... python benchmarks/calibration_page.py FOLDER [docs/calibration.png].

A grey and a chrome ball are rendered under the examples' source light, and relit by Relamp (the plain ratio, true normals,
both maps) to the low sun: turned by quarter turns, and a stop up and down. Beside each stands the same light as a DomeLight in
Mitsuba. Exposure and direction must be the same on the grey ball. The chrome ball shows what a ratio of irradiances
cannot do: it has no reflections to give.
"""

# pyright: reportMissingImports=false
from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from relamp.core.cli import main as relamp

MAPS = Path(__file__).parent.parent / "examples" / "environments"
LADDER = ((0, 0), (90, 0), (180, 0), (270, 0), (0, -1), (0, 1))  # degrees about +Y, stops
GAP, CAPTION = 6, 20


def main(folder: Path, sheet: Path) -> int:
    """Render, relight, compare, draw."""
    folder.mkdir(parents=True, exist_ok=True)
    balls(folder)
    for turn, stops in LADDER:
        out = ["--out", str(relit(folder, turn, stops)), "--overwrite", "-q", "--grain", "off"]
        light = ["--env", str(MAPS / "low_sun.exr"), "--source-env", str(MAPS / "source.exr")]
        light += ["--env-rotate", f"0,{turn},0", "--env-exposure", str(stops)]
        code = relamp(["render", str(folder / "plate.exr"), *light, *out])
        if code:
            return code
    draw(folder, sheet)
    return 0


def balls(folder: Path) -> None:
    """The plate, and the truth of every light, in Mitsuba; what is there already is kept."""
    lights = [{"map": str(MAPS / "source.exr"), "turn": 0, "scale": 1.0, "out": str(folder / "plate.exr")}]
    sun = str(MAPS / "low_sun.exr")
    lights += [{"map": sun, "turn": t, "scale": 2.0**s, "out": str(truth(folder, t, s))} for t, s in LADDER]
    lights = [light for light in lights if not Path(str(light["out"])).exists()]
    (folder / "lights.json").write_text(json.dumps(lights))
    script = Path(__file__).with_name("calibration_balls.py")
    subprocess.run([os.environ["RELAMP_MITSUBA_PYTHON"], str(script), str(folder / "lights.json")], check=True)


def truth(folder: Path, turn: int, stops: int) -> Path:
    """Where a light's CG render lies."""
    return folder / f"cg_{turn}_{stops:+d}.exr"


def relit(folder: Path, turn: int, stops: int) -> Path:
    """Where a light's relit plate lies."""
    return folder / f"relit_{turn}_{stops:+d}.exr"


def draw(folder: Path, sheet: Path) -> None:
    """A column a light: the CG render above, the relit plate below, and what the grey balls differ by."""
    import numpy as np

    from relamp.core.light.sheet import write_png
    from relamp.core.pictures.colour import Colour

    colour = Colour()
    plate = read(folder / "plate.exr", colour)
    columns = [column(colour, "plate", plate, None)]
    for turn, stops in LADDER:
        cg, ours = read(truth(folder, turn, stops), colour), read(relit(folder, turn, stops), colour)
        grey = slice(0, cg.shape[1] // 2)
        inside = plate[:, grey, 3] > 0.999
        ratio = ours[:, grey, :3][inside].mean() / cg[:, grey, :3][inside].mean() - 1
        apart = np.abs(ours - cg)[:, grey, :3][inside].mean() / cg[:, grey, :3][inside].mean()
        angle = degrees(brightest(cg[:, grey], inside), brightest(ours[:, grey], inside))
        print(
            f"turn {turn:3} stops {stops:+d}: mean {100 * ratio:+.2f} %, apart {100 * apart:.2f} %, brightest {angle:.2f} deg"
        )
        columns.append(column(colour, f"{turn} deg {stops:+d} st  {100 * ratio:+.1f}% {angle:.1f}deg", cg, ours))
    rows = [np.concatenate(columns[:4], 1), np.concatenate([*columns[4:], np.full_like(columns[0], 26)], 1)]
    sheet.parent.mkdir(parents=True, exist_ok=True)
    write_png(sheet, np.concatenate(rows, 0), overwrite=True)


def read(path: Path, colour: Any) -> Any:
    """(H, W, 7): working-space colour, alpha, normals where there are any."""
    import numpy as np

    from relamp.core.pictures.exr import find_normals, read_frame

    frame = read_frame(path, colour=colour)
    normals = find_normals(frame)
    shape = np.zeros((*frame.rgb.shape[:2], 3), np.float32) if normals is None else normals.over(frame)
    alpha = frame.alpha if frame.alpha is not None else np.ones(frame.rgb.shape[:2], np.float32)
    return np.concatenate([colour.to_working(frame.rgb, frame.colorspace), alpha[..., None], shape], -1)


def brightest(ball: Any, inside: Any) -> Any:
    """The direction that the brightest three in a hundred pixels face."""
    import numpy as np

    light, normals = ball[..., :3].mean(-1)[inside], ball[..., 4:][inside]
    top = light > np.quantile(light, 0.97)
    direction = light[top] @ normals[top]
    return direction / np.linalg.norm(direction)


def degrees(a: Any, b: Any) -> float:
    """The angle between two directions."""
    import numpy as np

    return float(np.degrees(np.arccos(np.clip(a @ b, -1, 1))))


def column(colour: Any, title: str, above: Any, below: Any) -> Any:
    """Two pictures and a caption, display-encoded, (H, W, 3) uint8."""
    import cv2
    import numpy as np

    height, width, _ = above.shape
    page = np.full((2 * (height + GAP) + CAPTION, width + 2 * GAP, 3), 26, np.uint8)
    for i, picture in enumerate((above, below)):
        if picture is not None:
            shown = np.clip(colour.display(np.ascontiguousarray(picture[..., :3])), 0, 1) * 255 + 0.5
            top = CAPTION + i * (height + GAP)
            page[top : top + height, GAP : GAP + width] = shown.astype(np.uint8)
    cv2.putText(page, title, (GAP, CAPTION - 6), cv2.FONT_HERSHEY_SIMPLEX, 0.38, (210, 210, 210), 1, cv2.LINE_AA)
    return page


if __name__ == "__main__":
    page = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(__file__).parent.parent / "docs" / "calibration.png"
    sys.exit(main(Path(sys.argv[1]), page))
