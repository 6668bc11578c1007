"""DAViD as ONNX (Saleh et al. 2025, "DAViD: Data-efficient and Accurate Vision Models from Synthetic Data"): people only.

Each file takes one picture (1, 3, 512, 512), display-encoded **BGR** from 0 to 1. The picture is padded to a square by repeating
its border, halved while more than three times 512, and resized. There are files of normals, of relative depth and of
the foreground, and one that gives all three. The authors do not state the signs of the axes; they are found
with a rendered ball (`probe`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np

from ...errors import InputError
from ...pictures.resample import resize
from . import NEAR_TO_FAR, Passes, Picture
from .onnx_file import OnnxFile

SIDE = 512  # px
_HALVED_ABOVE = 3 * SIDE
KINDS = ("normals", "depth", "matte")
_WORDS = {"normal": "normals", "depth": "depth", "foreground": "matte", "segmentation": "matte", "mask": "matte"}


class David:
    """See the module and `Estimator`.

    `turn` (3, 3) corrects the files' normals into camera space, on column vectors; `nearer` is 1 where larger numbers of
    their depth are further away, -1 where they are nearer.
    """

    name = "david"
    size = 3 * SIDE

    def __init__(
        self, paths: Mapping[str, Path], device: str = "cpu", turn: np.ndarray | None = None, nearer: float = 1.0
    ) -> None:
        """Open the files.

        Args:
            paths: of `normals`, `depth` and `matte`, or of all three as `multi`.

        Raises:
            InputError: a file that is not DAViD's.
        """
        self._files = {kind: open_file(path, kind, device) for kind, path in paths.items()}
        self.gives = frozenset(KINDS if "multi" in paths else paths)
        self._axes = np.eye(3, dtype=np.float32) if turn is None else np.asarray(turn, np.float32)
        self._nearer = np.float32(nearer)

    def estimate(self, picture: Picture) -> Passes:
        """See `Estimator.estimate`; `depth` is 0 near to 1 far within the matte, up to scale and shift."""
        code = picture.displayed()
        seen, (top, left, side) = _shown(code)
        planes: dict[str, np.ndarray] = {}
        for kind, file in self._files.items():
            made = file.run({next(iter(file.inputs)): seen})
            planes |= {plane: made[name] for name, plane in named_outputs(file, kind).items()}
        rows, columns = slice(top, top + code.shape[0]), slice(left, left + code.shape[1])
        cut = {name: _enlarged(plane, side)[rows, columns] for name, plane in planes.items()}  # (h, w', c)
        normals = cut.get("normals")
        if normals is not None:
            length = np.linalg.norm(normals, axis=-1, keepdims=True)
            normals = (normals / np.maximum(length, 1e-6)) @ self._axes.T
        depth = cut.get("depth")
        return Passes(
            normals=normals,
            depth=None if depth is None else self._unit(depth[..., 0], resize(picture.matte, depth.shape[:2])),
            depth_kind=NEAR_TO_FAR,
            matte=np.clip(cut["matte"][..., 0], 0, 1) if "matte" in cut else None,
        )

    def _unit(self, depth: np.ndarray, matte: np.ndarray) -> np.ndarray:
        """Relative depth as 0 near to 1 far over the matte; a network's own numbers have no unit."""
        far = depth * self._nearer
        inside = far[matte > 0.5] if (matte > 0.5).any() else far.ravel()
        low, high = np.quantile(inside, (0.01, 0.99))
        return np.clip((far - low) / max(float(high - low), 1e-6), 0, 1).astype(np.float32)


def open_file(path: Path, kind: str, device: str = "cpu") -> OnnxFile:
    """One file of DAViD, of `normals`, `depth`, `matte` or `multi`. Raises `InputError` where inputs or outputs do not fit."""
    file = OnnxFile(path, device)
    shapes = list(file.inputs.values())
    if (
        len(shapes) != 1
        or len(shapes[0]) != 4
        or shapes[0][1] != 3
        or not {*shapes[0][2:]} <= {SIDE, None, *_free(shapes[0])}
    ):
        told = ", ".join(f"{name} {shape}" for name, shape in file.inputs.items())
        raise InputError(f"{path.name} takes {told}; DAViD takes one picture of 1 x 3 x {SIDE} x {SIDE}")
    named_outputs(file, kind)
    return file


def named_outputs(file: OnnxFile, kind: str) -> dict[str, str]:
    """The plane that each output of a file is. Raises `InputError` where that cannot be found."""
    if kind != "multi":
        if len(file.outputs) != 1:
            raise InputError(f"{file.path.name} has {len(file.outputs)} outputs; DAViD's file of {kind} has one")
        return {next(iter(file.outputs)): kind}
    if len(file.outputs) != len(KINDS):
        raise InputError(f"{file.path.name} has {len(file.outputs)} outputs; DAViD's file of three tasks has three")
    spoken = {name: plane for name in file.outputs for word, plane in _WORDS.items() if word in name.lower()}
    if {*spoken.values()} == {*KINDS} and len(spoken) == len(KINDS):
        return spoken
    return dict(zip(file.outputs, ("depth", "normals", "matte"), strict=True))  # the authors' order


def _free(shape: tuple) -> set:
    return {size for size in shape[2:] if isinstance(size, str)}


def _shown(code: np.ndarray) -> tuple[np.ndarray, tuple[int, int, int]]:
    """The network's input, (1, 3, 512, 512) BGR, and the place of the picture in its square: top, left, side."""
    height, width = code.shape[:2]
    side = max(height, width)
    top, left = (side - height) // 2, (side - width) // 2
    around = (top, side - height - top, left, side - width - left)
    square = cv2.copyMakeBorder(code, *around, cv2.BORDER_REPLICATE)
    while square.shape[0] > _HALVED_ABOVE:
        square = cv2.pyrDown(square)
    small = cv2.resize(square, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
    return np.ascontiguousarray(small[..., ::-1].transpose(2, 0, 1)[None], np.float32), (top, left, side)


def _enlarged(plane: np.ndarray, side: int) -> np.ndarray:
    """An output (1, c, s, s) or (1, s, s) as the square (side, side, c)."""
    planes = plane.reshape(-1, *plane.shape[-2:]).transpose(1, 2, 0)  # (s, s, c)
    return cv2.resize(np.ascontiguousarray(planes), (side, side), interpolation=cv2.INTER_LINEAR).reshape(
        side, side, -1
    )
