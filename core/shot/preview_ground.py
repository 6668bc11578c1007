"""The ground and the camera of a frame, for a picture to draw over. Floor 3."""

from __future__ import annotations

from typing import Any

from ..errors import InputError
from ..light.camera import shot_camera
from ..parameters import RelightParameters
from ..shape.ground import given_ground
from .ground import found_in
from .preview_plate import PreviewFrames


def ground_facts(parameters: RelightParameters, frames: PreviewFrames) -> dict[str, Any]:
    """The camera of the previewed frame, and the ground of the job in the axes of its world.

    Returns:
        The facts of the camera (`Camera.facts`); `ground`, the normal and the offset of its plane (`shape.ground.Ground`), None
        where there is none; and `given`, whether the job states it: else it was looked for on this frame alone, where a render
        takes the median of three.

    Raises:
        UsageError: the ground that is given is no plane.
    """
    camera = shot_camera(parameters.camera, parameters.plate or "").at(frames.number)
    given = parameters.ground not in (None, "found", "none")
    ground = given_ground(parameters.ground or "") if given else None
    if not given and parameters.ground != "none":
        try:
            with frames.open((frames.number, frames.number)) as read:
                ground = found_in(read, camera, parameters.depth_kind)
        except InputError:  # a plate without a subject stands nowhere
            ground = None
    return {
        **camera.facts(),
        "ground": None if ground is None else list(ground.numbers),
        "given": given,
    }
