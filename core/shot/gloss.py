"""Prepares, for `finish`, the lights of a frame on a subject whose materials are given."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..gain.analytic import DARKEST
from ..gain.finish import Shading, Subject
from ..gain.law import unpremultiply
from ..gain.materials import Gloss, Side, level_of
from ..light.glossy import Mirror, steps_of
from ..light.irradiance import Light
from ..pictures.frame import Frame
from .lights import FrameLight, LightMaps
from .plan import Plan
from .read import view_rays


def gloss_of(
    plan: Plan, maps: LightMaps, number: int, frame: Frame, subject: Subject, light: FrameLight, shading: Shading
) -> Gloss | None:
    """The lights of a frame on its subject's materials; None where no materials are given.

    Args:
        subject: over the whole frame, with the normals that are used for lighting.
        shading: the tables that the analytic gain is read from.
    """
    if subject.materials is None:
        return None
    rays = view_rays(frame, light.camera, subject.weight.shape)  # (H, W, 3)
    target = Side(maps.mirror(plan.target, number), light.target_to_map, shading.target)
    known = plan.source is not None or (plan.backbone.network is None and shading.source is not None)
    source, scale = None, 1.0
    if known and shading.source is not None:
        source = Side(_source_mirror(plan, maps, number), light.source_to_map, shading.source)
    else:  # the log gain is then the log of the new light minus one number: `gain.analytic.alone`
        lit = np.log(np.maximum(shading.target[0, 0], DARKEST))
        scale = float(np.exp((shading.hint.table[0, 0] - lit).mean()))
    across, down = steps_of(rays, subject.normals)
    gloss = Gloss(subject.materials, rays, across, down, target, source, scale, shading.source_level)
    if subject.materials.albedo is None:
        # The level of a source light counts where levels are believed; else the subject's mean is taken for middle grey.
        believed = source is not None and plan.parameters.level_mode() == "absolute"
        return gloss if believed else replace(gloss, assumed=1 / (plan.job.measured.anchor or 1.0))
    seen = unpremultiply(subject.plate, subject.alpha)
    return replace(gloss, level=level_of(gloss, seen, subject.normals, subject.weight, plan.colour.luminance_weights))


def _source_mirror(plan: Plan, maps: LightMaps, number: int) -> Mirror:
    if plan.source is not None:
        return maps.mirror(plan.source, number)
    pixels = np.array(plan.job.measured.source_light, np.float32)  # (16, 32, 3)
    weights = np.asarray(plan.colour.luminance_weights, np.float32)
    return Mirror.of(pixels, Light.of(pixels, weights).level)
