"""Frames in: plate, matte and normals read and brought together over the plate's data window. Floor 3."""

from __future__ import annotations

import logging

import numpy as np

from .camera import Camera
from .errors import UsageError
from .finish import Subject
from .gain import matte_weight
from .geometry import clean_normals, inflate, looks_green_flipped
from .parameters import RelightParameters
from .pictures import exr
from .pictures.colour import Colour
from .pictures.frame import Frame
from .plan import BLACK, FrameTask, Inputs

log = logging.getLogger("relamp")


def read_plate(task: FrameTask, inputs: Inputs, parameters: RelightParameters, colour: Colour) -> Frame:
    """The plate frame of a task; all zero, in the same windows, where the policy says black."""
    path = inputs.plate.path(task.plate_frame)
    frame = exr.read_frame(path, colour=colour, colorspace=parameters.colorspace, layer=parameters.layer)
    return frame.black() if task.action == BLACK else frame


def gather(
    frame: Frame, task: FrameTask, inputs: Inputs, parameters: RelightParameters, colour: Colour, camera: Camera
) -> Subject:
    """Bring one frame's plate, matte and normals together.

    Raises:
        UsageError: there is neither a normals pass nor a matte to inflate, so there is nothing to light.
        InputError: a file is damaged or lacks what is asked of it.
    """
    matte = _matte(frame, task, inputs)
    weight = matte_weight(matte, frame.alpha, frame.data_window.shape)
    plate = colour.to_working(frame.rgb, frame.colorspace)
    found = _normals(frame, task, inputs)
    if found is not None:
        to_camera = camera.rotation.T if parameters.normals_space == "world" else None
        normals, known = clean_normals(found, flip=parameters.normals_flip, world_to_camera=to_camera)
        return Subject(plate, frame.alpha, weight, normals, known, guessed=False)
    shape = matte if matte is not None else frame.alpha
    if shape is None or (task.action != BLACK and shape.min(initial=1) > 0.5):
        raise UsageError(
            f"{frame.path.name} has no normals and no matte, so there is no shape to light; "
            "give --normals, or a --matte of the subject"
        )
    normals = inflate(shape)
    return Subject(plate, frame.alpha, weight, normals, np.ones(weight.shape, bool), guessed=True)


def warn_about(subject: Subject, parameters: RelightParameters) -> None:
    """Say once, for the first frame, what a compositor may want to know about its shape."""
    if subject.guessed:
        log.warning("no normals: the shape is inflated from the matte; a normals pass (--normals) lights far better")
    elif "y" not in parameters.normals_flip and looks_green_flipped(subject.normals, subject.known):
        log.warning("the normals seem to face down at the top of the subject; if they are DirectX's, --normals-flip y")


def _matte(frame: Frame, task: FrameTask, inputs: Inputs) -> np.ndarray | None:
    if inputs.matte is None:
        return None
    return exr.read_matte(inputs.matte.path(task.plate_frame), inputs.matte_channel).over(frame)[..., 0]


def _normals(frame: Frame, task: FrameTask, inputs: Inputs) -> np.ndarray | None:
    if inputs.normals is None:
        found = exr.find_normals(frame)
    else:
        found = exr.read_normals(inputs.normals.path(task.plate_frame), inputs.normals_layer)
    return None if found is None else found.over(frame)
