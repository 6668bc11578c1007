"""The files for a test in a real Nuke: small pictures, the numbers Relamp gets from them, and a script. Floor 3.

The script (`nuke_plugin.selftest`) bakes the pictures in a real Nuke through the real worker and samples the node; the
expected numbers are computed here, by Relamp's own render.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio

from ..core.atomic import replacing
from ..core.errors import OutputError, UsageError
from ..core.job import RelightJob
from ..core.light.environment import directions
from ..core.light.irradiance import irradiance
from ..core.parameters import RelightParameters
from ..core.pictures import exr

SIZE = 64
FRAMES = (1001, 1002)
POINTS = ((20, 40), (32, 32), (44, 24), (2, 2))  # x to the right, y up, as Nuke counts
_RUN = """# Run in Nuke:  Nuke17.0 -t "{script}"   (after: relamp nuke install)
import sys
from relamp.nuke_plugin import selftest
sys.exit(selftest.run({folder!r}))
"""


def write(folder: Path) -> Path:
    """Write pictures, `checks.json`, `expected.txt` and the script into `folder`, over an earlier self-test; the script's path.

    Raises:
        UsageError: the folder holds something else.
        OutputError: it cannot be written.
    """
    from ..nuke_plugin.selftest_lines import expected_lines

    folder = folder.absolute()
    script = folder / "relamp_selftest.py"
    if os.path.lexists(folder) and not (folder.is_dir() and (script.is_file() or not any(folder.iterdir()))):
        raise UsageError(f"{folder} is there and holds no self-test of Relamp; give another folder")
    checks = _checks(folder)
    texts = {
        folder / "checks.json": json.dumps(checks, indent=1) + "\n",
        folder / "expected.txt": "\n".join(expected_lines(checks)) + "\n",
        script: _RUN.format(script=script, folder=str(folder)),
    }
    for path, text in texts.items():
        with replacing(path, overwrite=True) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return script


def _checks(folder: Path) -> list[dict[str, Any]]:
    """The knobs to set, one check after the other, and the pixels that have to come out on the first frame."""
    _pictures(folder)
    beauty = _rendered(folder, "bake", layers=("ratio", "lamps"))
    half = _rendered(folder, "half", mix=0.5)
    brighter = _rendered(folder, "brighter", env_exposure=1.0)
    lamp = _layer(folder / "bake" / "f.1001.exr", ("lamp1.R", "lamp1.G", "lamp1.B"))
    plate = _plate(FRAMES[0])[..., :3]
    turn = [1.0, 0.5, 2.0]
    tinted = beauty + (np.array(turn) * 0.25 - 1) * lamp
    return [
        _check("the untouched plate comes out", {"show": "plate"}, plate),
        _check("the bake comes out", {"show": "baked"}, beauty),
        _check("mix lies between plate and bake", {"mix": 0.5}, half),
        _check("a lamp is dimmed and tinted", {"mix": 1.0, "lamp1_dim": 0.25, "lamp1_tint": turn}, tinted),
        _check("the change is graded", {"lamp1_dim": 1.0, "lamp1_tint": [1, 1, 1], "change_tint": [2, 2, 2]}, brighter),
        _check("at rest it is the bake again", {"change_tint": [1, 1, 1]}, beauty),
    ]


def _check(name: str, knobs: dict[str, Any], picture: np.ndarray) -> dict[str, Any]:
    samples = [[x, y, [float(v) for v in picture[SIZE - 1 - y, x]]] for x, y in POINTS]
    return {"name": name, "knobs": knobs, "samples": samples}


def _rendered(folder: Path, name: str, **more: Any) -> np.ndarray:
    from ..core.shot import relight

    out = folder / name / "f.####.exr"
    parameters = RelightParameters(
        plate=str(folder / "plate.####.exr"), env=str(folder / "env.exr"), source_env=str(folder / "source_env.exr"),
        out=str(out), grain="off", overwrite=True, **more,
    )  # fmt: skip
    relight(RelightJob(parameters))
    return _layer(folder / name / "f.1001.exr", ("R", "G", "B"))


def _layer(path: Path, channels: tuple[str, ...]) -> np.ndarray:
    return np.concatenate([exr.read_layer(path, channel).pixels for channel in channels], -1)


def _pictures(folder: Path) -> None:
    _write(folder / "env.exr", _light((-1.0, 0.2, 0.1)), ("R", "G", "B"))
    _write(folder / "source_env.exr", _light((0.3, 0.4, 1.0)), ("R", "G", "B"))
    _write(folder / "latlong.exr", _quarters(), ("R", "G", "B"))
    for frame in FRAMES:
        _write(folder / f"plate.{frame}.exr", _plate(frame), ("R", "G", "B", "A", "N.X", "N.Y", "N.Z"))


def _plate(frame: int) -> np.ndarray:
    """A matte ball, premultiplied, with alpha and normals: (SIZE, SIZE, 7)."""
    axis = ((np.arange(SIZE) + 0.5) / SIZE * 2 - 1) / 0.85
    x, y = np.meshgrid(axis, -axis)
    r = np.hypot(x, y)
    z = np.sqrt(np.maximum(1 - r * r, 0))
    normals = np.stack([x, y, z], -1) / np.maximum(np.hypot(r, z), 1e-6)[..., None]
    alpha = np.clip((1 - r) * 0.85 * SIZE / 2 + 0.5, 0, 1)[..., None]
    light = irradiance(_light((0.3, 0.4, 1.0)), normals.astype(np.float32)) / np.pi * 0.5
    light = light * (1 + 0.1 * (frame - FRAMES[0]))
    return np.concatenate([light * alpha, alpha, normals * alpha], -1).astype(np.float32)


def _light(toward: tuple[float, float, float]) -> np.ndarray:
    """A lat-long map with one broad light over an even sky, (32, 64, 3)."""
    axis = np.asarray(toward, np.float32) / np.linalg.norm(toward)
    lobe = np.exp(8 * (directions(32, 64) @ axis - 1))[..., None]
    return (lobe * np.array([6.0, 5.0, 4.0]) + 0.3).astype(np.float32)


def _quarters() -> np.ndarray:
    """A lat-long map whose quarters about the middle, the left, the right and the edge are red, green, blue and white."""
    u = (np.arange(256) + 0.5) / 256
    colours = np.array([[1, 1, 1], [0, 1, 0], [1, 0, 0], [0, 0, 1], [1, 1, 1]], np.float32)
    return np.tile(colours[np.round(u * 4).astype(int)], (128, 1, 1))


def _write(path: Path, pixels: np.ndarray, names: tuple[str, ...]) -> None:
    spec = oiio.ImageSpec(pixels.shape[1], pixels.shape[0], pixels.shape[2], "float")
    spec.channelnames = names
    spec.attribute("oiio:ColorSpace", "ACEScg")
    with replacing(path, overwrite=True) as temporary:
        out = oiio.ImageOutput.create("exr")
        if out is None or not out.open(str(temporary), spec) or not out.write_image(pixels) or not out.close():
            raise OutputError(f"cannot write {path}: {oiio.geterror()}")
