"""The pictures that a preview can show of a plate and its relit frame."""

from __future__ import annotations

import numpy as np

from ..errors import UsageError
from ..gain.finish import Finished
from ..gain.subject import Subject
from ..parameters import NEW_LAYERS
from ..pictures.curves import MIDDLE_GREY
from .preview_rig import Gain

LAYERS = tuple(name for name in NEW_LAYERS if name not in ("ratio", "normals", "lamps"))
# Of a plate's subject: numbers, and the base colour as light.
GIVEN = ("matte", "depth", "base", "roughness", "metallic")
STAGES = ("plate", *GIVEN, "proxy", "normals", "hint", "ratio", "relit", *LAYERS, "rest")  # and lamp1, lamp2 and so on


def lamp_of(stage: str) -> int:
    """The number of the lamp whose layer a stage is, 0 when it is none."""
    number = stage.removeprefix("lamp")
    return int(number) if number != stage and number.isascii() and number.isdigit() else 0


def layers_for(stage: str, by_lamp: bool) -> tuple[str, ...]:
    """The layers that a picture is made from; `by_lamp` where lamps have factors."""
    if stage == "rest" or lamp_of(stage) or (stage == "relit" and by_lamp):
        return ("lamps",)
    return (stage,) if stage == "ratio" or stage in LAYERS else ()


def given(stage: str, subject: Subject) -> np.ndarray:
    """What is given of a subject, (h, w, 3). Raises `UsageError` where it is not."""
    made = subject.materials
    if stage == "matte":
        plane: np.ndarray | None = subject.weight
    elif stage == "depth":
        plane = subject.depth
    else:
        plane = None if made is None else {"base": made.albedo, "roughness": made.roughness}.get(stage, made.metallic)
    if plane is None:
        raise UsageError(f"this shot has no {'albedo' if stage == 'base' else stage}: give one, or make the passes")
    there = plane if plane.ndim == 3 else np.repeat(plane[..., None], 3, -1)
    return there * (subject.weight > 0)[..., None]


def of_finished(
    stage: str, finished: Finished, subject: Subject, rig: tuple[Gain, ...], dim: tuple[float, ...]
) -> np.ndarray:
    """The picture of a relit frame, (h, w, 3) scene-linear, working space: a layer, a lamp's light, or the beauty.

    Args:
        stage: one of `STAGES` that `given` does not show, or a lamp's. `ratio` is shown with 1 as middle grey.
        rig: what the layer of each light of the rig is multiplied with, the first of the lamps.
        dim: factors of the other lamps, and of the rest as the last one; empty for 1 each.
    """
    if stage == "ratio":
        return np.where((subject.weight > 0)[..., None], finished.layers["ratio"] * np.float32(MIDDLE_GREY), 0)
    if stage in finished.layers:
        layer = finished.layers[stage]
        return (
            layer
            if layer.ndim == 3 and layer.shape[-1] == 3
            else np.repeat(layer.reshape(*subject.weight.shape, 1), 3, -1)
        )
    if not (rig or dim) and stage == "relit":
        return finished.beauty
    lamps = len(finished.lamps)
    # A still light may have fewer lamps than are asked for: the layers of the others are black, their factors mean nothing.
    gains = (*rig, *dim[:-1], *(1.0,) * lamps)[:lamps]  # one for each lamp, (3,) or a number
    if lamp := lamp_of(stage):
        if lamp > lamps:
            return np.zeros_like(finished.beauty)
        return finished.lamps[lamp - 1] * np.asarray(gains[lamp - 1], np.float32)
    rest = finished.beauty - np.sum(finished.lamps, axis=0)  # (h, w, 3)
    if stage == "rest":
        return rest
    total = rest * np.float32(dim[-1] if dim else 1.0)
    for part, gain in zip(finished.lamps, gains, strict=True):
        total += part * np.asarray(gain, np.float32)
    return total
