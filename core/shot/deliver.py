"""Writes a finished frame to its file: unchanged pixels keep the file's own values, and the header records how it was made."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np

from .. import VERSION
from ..gain.finish import Finished
from ..gain.law import Law
from ..light.rig import MOST
from ..parameters import RelightParameters, at_frame
from ..pictures import exr
from ..pictures.frame import Frame
from .outputs import may_replace
from .plan import FrameTask, Plan

log = logging.getLogger("relamp")

# Light is written in the plate's colour space; a ratio, an albedo and normals stay in the working space.
_COLOUR_LAYERS = ("irradiance", "lamps")
_CHANNEL_LAYER = {"normals": "N"}  # the layer's name in a file, where it is not the option's


def write(plan: Plan, task: FrameTask, frame: Frame, finished: Finished, law: Law) -> None:
    """Write one finished frame in the plate's colour space; unchanged pixels keep the values of the plate's file."""
    p = plan.parameters
    types = _Types(p.data_type, frame.data_type)
    back = plan.colour.from_working(finished.beauty, frame.colorspace)
    # If the file is in the working space, the beauty already equals the file's values wherever nothing changed.
    chosen = back if back is finished.beauty else np.where(finished.changed, back, frame.rgb)
    # Lamps must add up to the stored beauty, so with lamps the beauty is rounded here and not by the writer.
    rgb, clamped = exr.quantise(chosen, types.beauty) if finished.lamps else (chosen, 0)
    layers = {
        _CHANNEL_LAYER.get(name, name): types.store(name, _in_file_space(name, pixels, plan, frame))
        for name, pixels in finished.layers.items()
    }
    if finished.lamps:
        lamps = [types.store("lamps", _in_file_space("lamps", lamp, plan, frame)) for lamp in finished.lamps]
        layers |= summing_parts(lamps, rgb)
    written = exr.write_frame(
        task.out,
        frame,
        rgb,
        new_layers=layers,
        attributes=provenance(plan, task, law) | ({} if frame.coverage is frame.alpha else {"relamp/alpha": "none"}),
        compression=p.compression,
        data_type=types.beauty,
        drop_layers=p.drop_layers,
        multipart=p.multipart,
        overwrite=lambda _: may_replace(plan, task),
    )
    clamped += written.clamped
    if clamped:
        log.warning("frame %d: %d pixels above half's 65504 were clamped; -d float keeps them", task.frame, clamped)


def layer_names(parameters: RelightParameters) -> list[str]:
    """The names that the requested layers will have in the file; for a rig, as many lamps as it can have in any frame."""
    count = parameters.lamps + (MOST if parameters.rig else 0)
    lamps = [*(f"lamp{i}" for i in range(1, count + 1)), "rest"]
    names = [[_CHANNEL_LAYER.get(name, name)] if name != "lamps" else lamps for name in parameters.layers]
    return [name for group in names for name in group]


class _Types:
    """Which channels are half and which are float: by `-d half` or `-d normals=float`, else as in the plate."""

    def __init__(self, asked: tuple[str, ...], plate: str) -> None:
        self._by_layer = {layer: kind for layer, _, kind in (item.rpartition("=") for item in asked)}
        self.beauty = self._by_layer.get("", plate)

    def store(self, layer: str, pixels: np.ndarray) -> np.ndarray:
        return exr.quantise(pixels, self._by_layer.get(layer, self.beauty))[0]


def _in_file_space(name: str, pixels: np.ndarray, plan: Plan, frame: Frame) -> np.ndarray:
    return plan.colour.from_working(pixels, frame.colorspace) if name in _COLOUR_LAYERS else pixels


def provenance(plan: Plan, task: FrameTask, law: Law) -> dict[str, Any]:
    """The attributes that record how a frame was made, by EXR attribute name."""
    p = plan.parameters
    rotate = at_frame(p.env_rotate, task.frame)
    made = {
        "relamp/version": VERSION,
        "relamp/model": p.backbone,
        "relamp/weights": plan.backbone.weights[:12],
        "relamp/models": "; ".join(plan.backbone.used),
        "relamp/seed": p.seed,
        "relamp/job": plan.fingerprint(task),
        "relamp/env": f"{plan.target.named(task.frame)} {plan.target.digest(task.frame)[:12]}",
        "relamp/env_rotate": ",".join(f"{angle:g}" for angle in rotate),
        "relamp/env_exposure": float(at_frame(p.env_exposure, task.frame)),
        "relamp/env_level": p.level_mode(),
        "relamp/rig": "; ".join(light.name for light in plan.rig.at_frame(task.frame)) if plan.rig else "",
        "relamp/strength": law.mix,
        "relamp/scale": law.level,
        "relamp/epsilon": law.epsilon,
        "relamp/anchor": plan.job.measured.anchor,
        "relamp/colorspace": plan.colour.working_space,
        "relamp/config": plan.colour.config_id,
        "relamp/frame": task.frame,
        "relamp/ai": "relight",
    }
    if plan.backbone.network is not None:
        made |= {"relamp/steps": p.steps or "", "relamp/ensemble": p.ensemble}
    if plan.head is not None:
        made |= {"relamp/deflicker": plan.head.weights[:12]}
    if plan.source is not None:
        made["relamp/source_env"] = f"{plan.source.named(task.frame)} {plan.source.digest(task.frame)[:12]}"
    return {name: value for name, value in made.items() if value != ""}


def summing_parts(lamps: list[np.ndarray], beauty: np.ndarray) -> dict[str, np.ndarray]:
    """The stored lamps, and a rest that makes them add up to the stored beauty exactly.

    Args:
        lamps: K pictures (H, W, 3) in the file's colour space, of the type they are stored in.
        beauty: (H, W, 3), likewise.

    Returns:
        `lamp1` to `lampK` and `rest`; the rest is float32, since a difference of half numbers need not be one.
    """
    layers = {f"lamp{i}": lamp for i, lamp in enumerate(lamps, 1)}
    rest = beauty.astype(np.float32)
    for lamp in layers.values():
        rest -= lamp
    return {**layers, "rest": rest}
