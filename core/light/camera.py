"""The shot's camera: its rotation in the world of the environment, and its field of view.

Camera space is X right, Y up, Z to the viewer, so it looks down -Z; world space is the environment's
(`core/light/environment.py`).
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .. import plain_json
from ..errors import InputError
from ..pictures import exr
from ..pictures.sequence import Sequence
from .environment import rotation_matrix

DEFAULT_FOV = 40.0  # degrees, horizontal


@dataclass(frozen=True)
class Camera:
    """One frame's camera.

    `rotation` is (3, 3) float64 from camera to world directions, on column vectors; `fov` is the horizontal field of
    view of the display window in degrees; `position` is its position in the world, used only by lights that are placed in
    the world.
    """

    rotation: np.ndarray
    fov: float
    position: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def facts(self) -> dict[str, Any]:
        """The camera for a front end: `fov`, `rotation` as three rows from camera to world directions, and `position`."""
        return {"fov": self.fov, "rotation": self.rotation.tolist(), "position": list(self.position)}


@dataclass(frozen=True)
class CameraMove:
    """A camera per frame; a frame between two keys takes the earlier one, without interpolation."""

    keys: tuple[tuple[int, Camera], ...]

    def at(self, frame: int) -> Camera:
        """The camera of `frame`: its own, else the last one before it, else the first."""
        chosen = self.keys[0][1]
        for key_frame, camera in self.keys:
            if key_frame > frame:
                break
            chosen = camera
        return chosen


def default_camera() -> CameraMove:
    """A still camera in the world's own axes, 40 degrees wide."""
    return CameraMove(((0, Camera(np.eye(3), DEFAULT_FOV)),))


def shot_camera(camera: str | None, pictures: str) -> CameraMove:
    """The camera of a shot, the same for render, preview, `relamp env` and deflicker.

    Args:
        camera: the file of `--camera`; None for the default camera.
        pictures: the path of the frames that the camera took, as typed. Their format, in square pixels, widens a vertical field
            of view.

    Raises:
        InputError: the camera file is not valid, or none of the pictures can be read.
    """
    if not camera:
        return default_camera()
    return load_camera(camera, _aspect(Sequence.parse(pictures)))


def _aspect(pictures: Sequence) -> float:
    """The aspect of the first picture that can be read, because one damaged frame should not stop the shot."""
    reason: InputError | None = None
    for frame in pictures.frames_on_disk():
        try:
            return display_aspect(pictures.path(frame))
        except InputError as error:
            reason = reason or error
    raise reason or InputError(f"{pictures} has no frames")


def display_aspect(path: str | os.PathLike[str]) -> float:
    """Width over height of a picture's display window in square pixels. Raises `InputError`."""
    height, width = exr.display_window(path).shape
    return width / height * float(str(exr.header(path).get("PixelAspectRatio", 1.0)))


def load_camera(path: str | os.PathLike[str], aspect: float | None = None) -> CameraMove:
    """Read a camera from JSON, or from a Nuke `.chan` file.

    JSON: `{"fov": 40, "rotate": [rx, ry, rz], "translate": [x, y, z]}` in degrees, order ZXY as Nuke's, or `"matrix"`: 16
    numbers, rows of a camera-to-world matrix on column vectors; or `{"frames": {"1001": {...}, ...}}`. A `.chan` line is frame,
    tx, ty, tz, rx, ry, rz and the *vertical* field of view, which `aspect` (display width over height in square pixels) converts
    to horizontal; such a file is refused without `aspect`. Raises `InputError` naming the file and the line or key.
    """
    file = Path(path)
    text = plain_json.text(file, "camera file")
    return _from_chan(text, file, aspect) if file.suffix.lower() == ".chan" else _from_json(text, file)


def _from_json(text: str, file: Path) -> CameraMove:
    try:
        data = plain_json.loads(text)
        frames = data.get("frames", {"0": data})
        keys = tuple(sorted(((int(frame), _camera(item)) for frame, item in frames.items()), key=lambda key: key[0]))
    except (ValueError, TypeError, AttributeError, KeyError, OverflowError) as error:
        raise InputError(
            f'{file} is not a camera: expected JSON such as {{"fov": 40, "rotate": [0, 0, 0]}}; {error}'
        ) from None
    if not keys:
        raise InputError(f"{file} is a camera without frames")
    return CameraMove(keys)


def _camera(item: dict[str, object]) -> Camera:
    unknown = set(item) - {"fov", "matrix", "rotate", "translate"}
    if unknown or not item:
        raise ValueError(
            f"a camera has fov, and rotate and translate, or matrix; got {', '.join(sorted(unknown)) or 'nothing'}"
        )
    fov = _checked_fov(float(item.get("fov", DEFAULT_FOV)))  # type: ignore[arg-type]
    if "matrix" in item:
        whole = np.array(item["matrix"], np.float64).reshape(4, 4)
        matrix = whole[:3, :3]
        length = np.linalg.norm(matrix, axis=0, keepdims=True)
        rotation = matrix / np.where(length > 0, length, 1)
        if not (np.allclose(rotation.T @ rotation, np.eye(3), atol=1e-3) and np.linalg.det(rotation) > 0):
            raise ValueError("matrix is not a rotation with an even scale")
        return Camera(rotation, fov, _place(whole[:3, 3]))
    return Camera(_turned(item.get("rotate", (0, 0, 0))), fov, _place(item.get("translate", (0, 0, 0))))


def _turned(angles: object) -> np.ndarray:
    rx, ry, rz = (float(angle) for angle in angles)  # type: ignore[attr-defined]
    if not np.isfinite((rx, ry, rz)).all():
        raise ValueError(f"rotate must be three finite angles; got {rx}, {ry}, {rz}")
    return rotation_matrix(rx, ry, rz)


def _place(position: object) -> tuple[float, float, float]:
    x, y, z = (float(value) for value in position)  # type: ignore[attr-defined]
    if not np.isfinite((x, y, z)).all():
        raise ValueError(f"the camera's place must be three finite numbers; got {x}, {y}, {z}")
    return x, y, z


def _checked_fov(fov: float) -> float:
    if not 1 <= fov <= 175:
        raise ValueError(f"fov must be 1 to 175 degrees; got {fov:g}")
    return fov


def _from_chan(text: str, file: Path, aspect: float | None) -> CameraMove:
    keys = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            frame, tx, ty, tz, rx, ry, rz, *rest = (float(item) for item in line.split())
            rotation = _turned((rx, ry, rz))
            fov = _checked_fov(_horizontal(rest[0], aspect)) if rest else DEFAULT_FOV
            keys.append((int(frame), Camera(rotation, fov, _place((tx, ty, tz)))))
        except (ValueError, OverflowError) as error:
            raise InputError(
                f"{file} line {number}: expected frame, tx, ty, tz, rx, ry, rz, vertical fov; got {line.strip()!r} ({error})"
            ) from None
    if not keys:
        raise InputError(f"{file} holds no frames; a .chan line is frame, tx, ty, tz, rx, ry, rz, vertical fov")
    return CameraMove(tuple(sorted(keys, key=lambda key: key[0])))


def _horizontal(vertical: float, aspect: float | None) -> float:
    if aspect is None:
        raise ValueError("a vertical fov needs the format of the pictures")
    return math.degrees(2 * math.atan(math.tan(math.radians(vertical) / 2) * aspect))
