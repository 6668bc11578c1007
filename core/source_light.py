"""The light a plate was shot under, estimated from the plate: from its shading, or from a mirror that stands in it. Floor 3."""

from __future__ import annotations

import logging
from dataclasses import replace

import numpy as np

from .errors import InputError
from .finish import Subject
from .gain import unpremultiply
from .inference import Inference
from .intake import gather, read_plate
from .job import RelightJob
from .light.backdrop import camera_rays
from .light.mirror import unwrap
from .light.source_fit import fit_source
from .measure import probe_frames, samples_of
from .parameters import RelightParameters
from .pictures.frame import Frame
from .plan import RENDER, FrameTask, Plan
from .prepare import prepare

log = logging.getLogger("relamp")

NOT_WRITTEN = "relamp_source.####.exr"  # a plan wants to know where frames would go


def estimate(parameters: RelightParameters, mirror: bool = False) -> np.ndarray:
    """Estimate the light of a shot on at most three of its frames, spread over all that lie on disk.

    Args:
        parameters: plate, and matte, normals, camera and colour where given. Without normals the shape is the network's own.
        mirror: the matte shows a mirror, a chrome ball for one: what it mirrors is the light.

    Returns:
        (H, 2H, 3) float32 radiance in the plate's units, working space.

    Raises:
        InputError: a file is missing or damaged, or shows too little.
        UsageError: there is neither a matte nor an alpha to find the subject with.
    """
    # Any light will do: what is asked for is how the frames look and which way they face.
    p = replace(parameters, prompt="even white light", out=NOT_WRITTEN, overwrite=True, missing="skip", deflicker=False)
    # A ball blown up from its matte is a ball; other shapes the network knows better.
    backbone = "ratio" if p.normals or mirror else "relamp"
    plan = prepare(RelightJob(replace(p, backbone=backbone)))
    inference = Inference(plan)
    seen, reasons = [], []
    for number in probe_frames(plan.on_disk):
        try:
            seen.append(_seen(plan, inference, number))
        except InputError as error:
            log.warning("frame %d tells nothing of the light: %s", number, error)
            reasons.append(error)
    if not seen:
        raise reasons[0]
    if mirror:
        return _unwrapped(plan, seen)
    samples = [samples_of(subject, plan.camera.at(number).rotation) for number, _, subject in seen]
    rgb, normals, weight = (np.concatenate(parts) for parts in zip(*samples, strict=True))
    viewer = np.sum([plan.camera.at(number).rotation[:, 2] for number, _, _ in seen], axis=0)
    return fit_source(rgb, normals, weight, viewer)


def _seen(plan: Plan, inference: Inference, number: int) -> tuple[int, Frame, Subject]:
    task = FrameTask(number, RENDER, number, plan.tasks[0].out)
    frame = read_plate(task, plan.inputs, plan.parameters, plan.colour)
    subject = gather(frame, task, plan.inputs, plan.parameters, plan.colour, plan.camera.at(number))
    if subject.guessed:
        subject = inference.alone(frame, subject, number).subject
    return number, frame, subject


def _unwrapped(plan: Plan, seen: list[tuple[int, Frame, Subject]]) -> np.ndarray:
    parts = []
    for number, frame, subject in seen:
        camera, data, display = plan.camera.at(number), frame.data_window, frame.display_window
        window = (data.x - display.x, data.y - display.y, data.width, data.height)
        rays = camera_rays(display.width, display.height, camera.fov, frame.pixel_aspect, window)
        turn = camera.rotation.T.astype(np.float32)
        weight = subject.weight * subject.known * (1 if subject.alpha is None else subject.alpha)
        kept = weight > 0
        light = unpremultiply(subject.plate, subject.alpha)[kept]
        parts.append((light, subject.normals[kept] @ turn, rays[kept] @ turn, weight[kept]))
    rgb, normals, rays, weights = (np.concatenate(group) for group in zip(*parts, strict=True))
    return unwrap(rgb, normals, rays, weights)
