"""Prepares, for `finish`, the lights of a frame on a subject whose materials are given."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..gain.analytic import DARKEST
from ..gain.arrival import TracedLights
from ..gain.finish import FinishInput
from ..gain.law import unpremultiply
from ..gain.materials import Gloss, Side, doubt_of_albedo, level_of
from ..gain.neighbours import Neighbours
from ..gain.subject import Shading
from ..light.glossy import Mirror, steps_of
from ..light.irradiance import Light
from ..light.reflection import reflected
from ..pictures.frame import Frame
from ..pictures.resample import resize
from ..shape.mirrored import coarse, followed
from ..shape.shadow import Surface
from .lights import FrameLight, LightMaps
from .plan import Plan
from .read import view_rays


def gloss_of(
    plan: Plan, maps: LightMaps, number: int, frame: Frame, light: FrameLight, given: FinishInput, guessed: bool
) -> Gloss | None:
    """The lights of a frame on its subject's materials; None where there are none, or they mirror nothing that is known.

    With materials that are only seen, what the plate mirrors is replaced where normals and the old light are given; with normals
    that a network estimates, highlights stand in the wrong places (docs/decisions/shape.md). Lights of a rig are always mirrored.

    Args:
        given: the subject over the whole frame, with the normals that are used for lighting; the tables that the analytic gain
            is read from; and the traced lights, where there are any.
        guessed: whether the normals were not given.
    """
    subject, shading, traced = given.subject, given.shading, given.traced
    if subject.materials is None:
        return None
    relights = not subject.materials.seen or (light.source is not None and not guessed)
    if not relights and (traced is None or traced.rig is None):
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
    seen_only = subject.materials.seen  # never sharp enough to need them
    across, down = (np.zeros_like(rays),) * 2 if seen_only else steps_of(rays, subject.normals)
    gloss = Gloss(subject.materials, rays, across, down, target, source, scale, shading.source_level, relights=relights)
    seen = unpremultiply(subject.plate, subject.alpha)
    if subject.materials.albedo is not None:
        gloss = replace(
            gloss, level=level_of(gloss, seen, subject.normals, subject.weight, plan.colour.luminance_weights)
        )
    elif source is None or plan.parameters.level_mode() != "absolute":
        # A source light's own level is not believed; the subject's mean is taken for middle grey.
        gloss = replace(gloss, assumed=1 / (plan.job.measured.anchor or 1.0))
    if doubt := doubt_of_albedo(gloss, seen, subject.normals, subject.weight):
        plan.colour.warn_once(f"the albedo is used as it is, but {doubt}")
    if traced is None or traced.relief is None or subject.materials.seen:
        return gloss
    strength = plan.parameters.shadows
    near = _neighbours(gloss, seen, frame, light, shading, traced, traced.relief, strength)
    return replace(gloss, neighbours=near)


def _neighbours(
    gloss: Gloss,
    seen: np.ndarray,
    frame: Frame,
    light: FrameLight,
    shading: Shading,
    traced: TracedLights,
    relief: Surface,
    strength: float,
) -> Neighbours:
    """What the subject mirrors of itself.

    The light of a mirrored point is that of the plate, relit as `finish` relights it but for the network's residual, and without
    what that point mirrors of the subject in turn.

    Args:
        seen: (H, W, 3) the plate's un-premultiplied light. strength: 0 to 1, of shadows.
    """
    surface = coarse(relief)
    size, normals = surface.top.shape, surface.normals  # (h, w), (h, w, 3)
    small = gloss.materials.each(lambda picture: resize(picture, size))
    rays = view_rays(frame, light.camera, size)
    met = followed(surface, reflected(rays, normals), small.roughness)
    picture = resize(seen, size)  # (h, w, 3)
    across, down = steps_of(rays, normals)
    there = replace(gloss, materials=small, rays=rays, across=across, down=down)
    whole = slice(0, size[0])
    own = None if traced.source is None else replace(traced.source, shape=size, hair=None)
    lights = replace(traced, target=replace(traced.target, shape=size, hair=None), source=own)
    arriving = None if own is None else own.arriving(normals, whole)
    matte = shading.hint.at(normals) + lights.log_share(normals, whole, arriving)
    gain = there.gain(matte, picture, normals, whole, light.law.epsilon, arriving)
    was = np.maximum(picture, 0) / np.float32(gloss.level)
    new = was * np.exp(gain) / np.float32(gloss.scale)  # the scale is applied to all that is mirrored
    return Neighbours.of(met, was, new, strength, (seen.shape[0], seen.shape[1]))


def _source_mirror(plan: Plan, maps: LightMaps, number: int) -> Mirror:
    if plan.source is not None:
        return maps.mirror(plan.source, number)
    pixels = np.array(plan.job.measured.source_light, np.float32)  # (16, 32, 3)
    weights = np.asarray(plan.colour.luminance_weights, np.float32)
    return Mirror.of(pixels, Light.of(pixels, weights).level)
