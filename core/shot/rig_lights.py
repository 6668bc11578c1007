"""The lights of a plan's rig on the shape of a frame. Floor 3."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ..gain.arrival import Arrival, RigArrival
from ..gain.hair import spread
from ..light.prompt import PAINTED_IN
from ..light.rig import RigLight
from ..light.sky import blackbody
from ..pictures.colour import Colour
from ..pictures.curves import encode_srgb
from ..shape.placing import DISTANCE, View, placed
from ..temporal.working_frame import WorkingFrame
from .lights import FrameLight
from .plan import Plan

if TYPE_CHECKING:
    from ..gain.traced import Shape


def rig_lights(
    plan: Plan,
    frame: int,
    light: FrameLight,
    working: WorkingFrame,
    shape: Shape,
    source: Arrival | None,
    strength: float,
    full: tuple[int, int],
    hair: np.ndarray | None = None,
) -> RigArrival | None:
    """The lights of the plan's rig on a frame of the size `full` (H, W); None without a rig.

    Args:
        working: the frame at the working size.
        source: the plate's own light on it, where that is known.
        strength: 0 to 1, of shadows.
        full: the size (H, W) of the result's pictures.
        hair: (H, W), 0 to 1, how much of each pixel is hair.
    """
    if plan.rig is None:
        return None
    lights, keeps = plan.rig.at_frame(frame), plan.parameters.keeps_light()
    if not lights and not keeps:
        return None
    weights = np.asarray(plan.colour.luminance_weights, np.float32)
    view = view_of(plan.rig.space, light, working)
    # The law multiplies everything by its level. Lights of a rig have their own stops, so that level is divided out of them.
    unit = np.float32(1 / light.law.level)
    subject = (shape.height, shape.normals, shape.matte)
    put = [placed(one, unit * colour_of(one, plan.colour), view, *subject) for one in lights]
    mean = 1.0 if source is None else mean_light(replace(source, shape=shape.size, hair=None), shape, weights)
    own = None if working.own is None else np.exp(working.own)[..., None]  # (h, w, 1)
    arriving = tuple(shape.placed(one, strength, full) for one in put)
    if hair is not None:
        arriving = tuple(replace(one, hair=hair, visible=spread(hair, one.visible)) for one in arriving)
    return RigArrival(arriving, own, mean, keeps, full)


def mean_light(source: Arrival, shape: Shape, luminance_weights: np.ndarray) -> float:
    """The mean luminance of a light on the subject, weighted by the matte; 1 where the matte is empty."""
    luminance = source.received(shape.normals, slice(None)) @ luminance_weights  # (h, w)
    mass = float(shape.matte.sum())
    return max(float((luminance * shape.matte).sum()) / mass, 1e-6) if mass > 0 else 1.0


def view_of(space: str, light: FrameLight, working: WorkingFrame) -> View:
    """The view of things in the axes `space`, camera or world, from a frame's camera, at the working size."""
    camera, in_world = light.camera, space == "world"
    to_camera = camera.rotation.T if in_world else np.eye(3)
    origin = np.array(camera.position if in_world else (0.0, 0.0, 0.0))
    data, display = ((w.x, w.y, w.width, w.height) for w in working.canvas)  # type: ignore[attr-defined]
    shape = working.matte.shape[0], working.matte.shape[1]
    return View.of(shape, data, display, camera.fov, to_camera, origin, working.distance or DISTANCE)


def screen_colour(light: RigLight) -> tuple[float, float, float]:
    """The colour of a light as a swatch shows it: sRGB, 0 to 1, as bright as it can be."""
    rec709 = np.maximum(_rec709(light), 0)
    r, g, b = (float(part) for part in encode_srgb(rec709 / max(float(rec709.max()), 1e-6)))
    return r, g, b


def _rec709(light: RigLight) -> np.ndarray:
    """The colour of a light in linear Rec.709, (3,), of any luminance."""
    if light.kelvin is not None:
        return blackbody(light.kelvin)
    return np.ones(3, np.float32) if light.colour is None else np.array(light.colour, np.float32)


def colour_of(light: RigLight, colour: Colour) -> np.ndarray:
    """The colour of a light in the working space, (3,), of luminance 1."""
    rec709 = _rec709(light)
    working = np.maximum(colour.to_working(rec709[None, None], PAINTED_IN)[0, 0], 0)
    return working / max(float(working @ np.asarray(colour.luminance_weights)), 1e-6)
