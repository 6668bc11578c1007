"""The light a plate was shot under, estimated from the plate's shading, or from a mirror in the plate. Floor 3."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from .. import VERSION
from ..errors import UsageError
from ..gain.law import unpremultiply
from ..gain.proxy import probe_frames
from ..job import RelightJob
from ..light.map_file import write_map
from ..light.mirror import unwrap
from ..parameters import RelightParameters
from ..pictures.colour import Colour
from .measure import source_light_of
from .plan import RENDER, FrameTask, Plan
from .prepare import prepare
from .probes import delit_samples, probed
from .read import fills_frame, gather, read_plate, view_rays

NOT_WRITTEN = "relamp_source.####.exr"  # a plan needs an output path; nothing is written there


def estimate(parameters: RelightParameters, mirror: bool = False) -> np.ndarray:
    """Estimate the light of a shot on at most three of its frames, spread over all that exist.

    Args:
        parameters: plate, and matte, normals, camera and colour where given. Albedo is estimated by the network, and so is
            the shape without normals.
        mirror: the matte shows a mirror, for example a chrome ball; the light is taken from its reflection.

    Returns:
        (H, 2H, 3) float32 radiance in the plate's units, working space.

    Raises:
        InputError: a file is missing or damaged, or shows too little of the light.
        UsageError: there is neither a matte nor an alpha to find a mirror with.
    """
    # The plan needs some target light, and any one serves: only the frames' pixels and normals are used.
    p = replace(parameters, prompt="even white light", out=NOT_WRITTEN, overwrite=True, missing="skip", deflicker=False)
    # For a ball, normals inflated from the matte are exact; for other shapes the network's are better.
    plan = prepare(RelightJob(replace(p, backbone="ratio" if mirror else "relamp")))
    frames = probe_frames(plan.on_disk)
    if not mirror:
        return source_light_of(delit_samples(plan, frames), plan.colour.luminance_weights)
    rgb, normals, rays, weights = (
        np.concatenate(g) for g in zip(*probed(frames, lambda n: _mirrored(plan, n)), strict=True)
    )
    return unwrap(rgb, normals, rays, weights)


def save_estimate(job: RelightJob, out: str) -> None:
    """Estimate the light of a job's plate and write it to `out`, a map to give to `--source-env`, over an earlier one.

    Raises:
        UsageError, InputError: as `estimate`. OutputError: `out` cannot be written.
    """
    job.require("plate")
    p = job.parameters
    # The new light has no part in it: only the plate and its shape are looked at.
    bare = replace(p, env=None, source_env=None, prompt="", rig=None, light=None, background=None, env_level=None)
    colour = Colour(p.config)
    made = {"Software": f"Relamp {VERSION}", "relamp/from": Path(p.plate or "").name}
    write_map(Path(out), estimate(bare), colour.interop_id(colour.working_space), made, overwrite=True)


def _mirrored(plan: Plan, number: int) -> tuple[np.ndarray, ...]:
    """Light, normals, rays and weights of a mirror's pixels, in world space."""
    task, camera = FrameTask(number, RENDER, number, plan.tasks[0].out), plan.camera.at(number)
    frame = read_plate(task, plan.inputs, plan.parameters, plan.colour)
    subject = gather(frame, task, plan.inputs, plan.parameters, plan.colour, camera)
    if subject.guessed and fills_frame(subject):
        raise UsageError("--mirror needs to know where the mirror is: give a --matte of it, or a plate with alpha")
    rays = view_rays(frame, camera)
    turn = camera.rotation.T.astype(np.float32)
    weight = subject.coverage * subject.known
    kept = weight > 0
    light = unpremultiply(subject.plate, subject.alpha)[kept]
    return light, subject.normals[kept] @ turn, rays[kept] @ turn, weight[kept]
