"""The ground of a shot, and the subject's shadow on it in each frame. Floor 3."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ..errors import InputError
from ..gain.proxy import probe_frames
from ..light.camera import Camera
from ..parameters import PUBLISHED, RelightParameters
from ..pictures.frame import Frame
from ..pictures.resample import resize, shrink_normals, working_shape
from ..shape.depth_fit import ABSOLUTE, Fit
from ..shape.depth_pass import shrink_depth
from ..shape.ground import Ground, Plane, found_ground, given_ground, is_cut_off
from ..shape.placing import DISTANCE, middle_of, zero_plane
from ..shape.shadow import points_of
from ..temporal.working_frame import WorkingFrame
from .estimated import EstimatedFrames
from .lights import FrameLight, LightParcels
from .plan import Plan
from .read import view_rays
from .read_ahead import Frames, ReadAhead, ReadFrame
from .rig_lights import mean_light, view_of

if TYPE_CHECKING:
    from ..gain.arrival import Arrival, RigArrival
    from ..gain.ground import Cut, GroundShadow, Standing
    from ..gain.traced import Shape

log = logging.getLogger("relamp")

FINEST = 960  # px, longer side of the picture in which the ground is found
THROWN = 1400  # px, longest side of the surface that throws the shadow; that of a 4K plate is halved
BESIDE = 0.05  # coverage up to which a pixel belongs to the surroundings


def wants_ground(parameters: RelightParameters) -> bool:
    """Whether a job throws a shadow on the ground: it asks for the layer, or lays the subject over a background."""
    p = parameters
    asked = "shadow" in p.layers or p.over
    return asked and p.ground != "none" and p.shadows > 0 and p.backbone not in PUBLISHED


def ground_of(plan: Plan) -> Ground | None:
    """The ground of a plan: the one that is given, else the one that was found; None where there is none, or it is not wanted.

    Raises `UsageError` where the given one is no plane.
    """
    p = plan.parameters
    if not wants_ground(p):
        return None
    if p.ground not in (None, "found"):
        return given_ground(p.ground)
    found = plan.job.measured.ground
    return Ground.of(found) if found else None


def measured_ground(plan: Plan) -> tuple[float, ...]:
    """The ground under the subject as `Measured` stores it, the median over a few frames; empty where no frame shows it.

    Raises:
        InputError: none of the frames can be read.
    """
    frames: Frames = ReadAhead(plan)
    if plan.estimator is not None:
        frames = EstimatedFrames(plan, frames)
    found: list[tuple[float, ...]] = []
    for number in probe_frames(plan.on_disk):
        try:
            with frames.open((number, number)) as read:
                ground = found_in(read, plan.camera.at(number), plan.parameters.depth_kind)
        except InputError as error:
            log.warning("the ground was not looked for on frame %d: %s", number, error)
            continue
        found += [ground.numbers] if ground else []
    if not found:
        return ()
    middle = np.median(np.array(found), axis=0)
    length = float(np.linalg.norm(middle[:3]))
    ground = Ground.of(tuple(float(v) / length for v in middle))
    log.info("the ground was found under the subject: %s", _told(ground))
    return ground.numbers


def found_in(read: ReadFrame, camera: Camera, kind: str) -> Ground | None:
    """The ground that a frame's depth shows; None without a depth, and where the frame cuts off the subject's foot."""
    subject, frame = read.subject, read.frame
    if subject.depth is None or not subject.weight.any():
        return None
    height, width = subject.weight.shape
    shape = working_shape(height, width, FINEST)
    coverage, depth = resize(subject.coverage, shape), shrink_depth(subject.depth, shape)  # (h, w) each
    if coverage.min(initial=1) > 0.5 or (cut_sides(frame)[3] and is_cut_off(coverage)):
        return None
    rays = view_rays(frame, camera, shape)  # (h, w, 3)
    normals, sure = shrink_normals(subject.normals, subject.known, shape, least=0.9)
    fit = Fit.of(depth, kind, rays, normals, coverage, sure & (not subject.guessed))
    unit = 1.0 if kind in ABSOLUTE else DISTANCE / fit.middle
    z = np.where(depth > 0, fit.z(np.where(depth > 0, depth, 1)) * np.float32(unit), 0)
    points = rays / -rays[..., 2:] * z[..., None]
    world = points @ camera.rotation.T.astype(np.float32) + np.array(camera.position, np.float32)
    standing = (coverage > 0.5) & (depth > 0)
    if not standing.any():
        return None
    return found_ground(world, standing, (coverage < BESIDE) & (depth > 0), np.array([0.0, 1.0, 0.0]))


def _told(ground: Ground) -> str:
    tilt = np.degrees(np.arccos(np.clip(ground.normal[1], -1, 1)))
    height = ground.offset / max(ground.normal[1], 1e-6)
    side = "above" if height > 0 else "below"
    return f"{abs(height):.4g} {side} the origin, {tilt:.0f} degrees from level"


def cut_sides(frame: Frame) -> Cut:
    """Whether the left, upper, right and lower edge of a frame's data window is the edge of what the camera saw."""
    data, display = frame.data_window, frame.display_window
    return (
        data.x <= display.x,
        data.y <= display.y,
        data.x + data.width >= display.x + display.width,
        data.y + data.height >= display.y + display.height,
    )


def standing_on(ground: Ground, read: ReadFrame, light: FrameLight, working: WorkingFrame, shape: Shape) -> Standing:
    """The subject of a frame on its ground, ready for any light; `shape` is the frame's shape."""
    from ..gain.ground import Standing

    view = view_of("world", light, working)
    middle = middle_of(points_of(shape.height, view.focal, view.centre), shape.matte)
    surface = shape.surface
    while max(surface.top.shape) > THROWN:
        surface = surface.halved
    larger = surface.top.shape[1] / shape.size[1]
    per_unit = view.focal / zero_plane(view, middle) * larger
    return Standing.of(surface, Plane.of(ground, view, per_unit, surface), cut_sides(read.frame))


def ground_shadow(
    plan: Plan,
    standing: Standing,
    lights: LightParcels,
    rig: RigArrival | None,
    arrivals: tuple[Arrival, Arrival | None],
    shape: Shape,
    full: tuple[int, int],
) -> GroundShadow:
    """The shadow of a frame's subject on the ground, for a picture of the size `full` (H, W).

    Where the plate keeps its own light, that light counts as arriving everywhere: its shadow is in the picture already.

    Args:
        arrivals: the new light and the plate's own on the subject, the second None where it is not known.
    """
    from ..gain.ground import GroundShadow, Near

    p = plan.parameters
    made = GroundShadow(standing, full, p.shadows, own=1.0 if p.keeps_light() else 0.0)
    if rig is not None:
        k = standing.plane.shape[1] / full[1]
        made = replace(made, near=tuple(Near.of(one.light.scaled(k), standing) for one in rig.lights))
    if p.keeps_light():
        return made
    target, source = arrivals
    # A rig's lights are stated over the plate's own; the environment is brought to the same unit.
    own = target if source is None else source
    mean = mean_light(replace(own, shape=shape.size), shape, np.asarray(plan.colour.luminance_weights, np.float32))
    return made.lit(lights.target, 1 / mean)
