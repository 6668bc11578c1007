"""The materials of a frame's surfaces, read from passes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import InputError
from ..gain.materials import ROUGHNESS, Materials
from ..parameters import RelightParameters
from ..pictures import exr, layers
from ..pictures.colour import Colour
from ..pictures.frame import Frame
from .plan import FrameTask, Inputs

BRIGHTEST = 1.2  # largest 99th percentile of an albedo; above 1 because filters overshoot
_NAMES = {"albedo": layers.ALBEDO, "roughness": layers.ROUGHNESS, "metallic": layers.METALLIC}


def read_materials(
    frame: Frame, task: FrameTask, inputs: Inputs, parameters: RelightParameters, colour: Colour
) -> Materials | None:
    """The materials of a frame over its data window; None where neither roughness nor metallic is given.

    Albedo is in the plate's colour space, as renderers write it with the beauty.

    Raises:
        InputError: a file is damaged, of another size than the plate, no scene-linear EXR, or lacks the pass; an albedo has
            values that no surface can have.
    """
    view = parameters.view()
    found = {name: _read(name, task, inputs, view) for name in _NAMES}
    if found["roughness"] is None and found["metallic"] is None:
        return None
    shape = frame.data_window.shape
    over = {name: None if layer is None else _finite(layer.over(frame)) for name, layer in found.items()}
    albedo, roughness, metallic = over["albedo"], over["roughness"], over["metallic"]
    if albedo is not None:
        assert found["albedo"] is not None
        if float(np.quantile(albedo[::4, ::4], 0.99)) > BRIGHTEST:
            raise InputError(
                f"{found['albedo'].path.name}: the albedo holds values above 1, which no surface has; it is a lit picture, or "
                "encoded in whole numbers"
            )
        albedo = np.clip(colour.to_working(albedo, frame.colorspace), 0, 1)
    rough = np.full(shape, ROUGHNESS, np.float32) if roughness is None else np.clip(roughness[..., 0], 0, 1)
    metal = np.zeros(shape, np.float32) if metallic is None else np.clip(metallic[..., 0], 0, 1)
    return Materials(albedo, rough, metal)


def _read(name: str, task: FrameTask, inputs: Inputs, view: str | None) -> exr.Layer | None:
    """One pass: from its own file where one is given, else from the file of passes; None where there is none."""
    if name in inputs.materials:
        sequence, layer = inputs.materials[name]
        path = sequence.path(task.plate_frame)
        found = _named(name, path, layer, view)
        if found is None:
            found = exr.only_colour(path, view) if name == "albedo" else exr.only_plane(path, view)
        if found is None:
            raise InputError(f"--{name} {path.name} holds no {name}; name its layer, as in {path.name}:{name}")
        return found
    if inputs.passes is None:
        return None
    return _named(name, inputs.passes.path(task.plate_frame), None, view)


def _named(name: str, path: Path, layer: str | None, view: str | None) -> exr.Layer | None:
    if path.suffix.lower() != ".exr":
        raise InputError(f"{path.name} is no EXR; passes of materials are scene-linear numbers: convert it")
    if name == "albedo":
        return exr.pass_colour(path, _NAMES[name], layer, view)
    found = exr.pass_plane(path, _NAMES[name], layer, view)
    if found is None and name == "roughness":
        smooth = exr.pass_plane(path, layers.GLOSSINESS, layer, view)
        if smooth is not None:
            return exr.Layer(1 - smooth.pixels, smooth.names, smooth.data_window, smooth.display_window, smooth.path)
    return found


def _finite(pixels: np.ndarray) -> np.ndarray:
    return np.nan_to_num(pixels, nan=0.0, posinf=0.0, neginf=0.0).astype(np.float32)
