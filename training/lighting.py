"""An environment as weights of a stage frame's lights, so that the frame can be seen under it.

Soft light goes to the cells: each takes the mean radiance over itself. The strongest compact lamp of a map (a sun, a
bulb) goes to one of the frame's own small suns, so that it casts the hard shadow it should: the map is turned about the
vertical until the two agree, and what is left between them in height, the lamp is moved by. The map that comes back is
the one that was really used, in camera axes, so hints made of it agree with the picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..core.light.environment import (
    AP1_LUMINANCE,
    direction_to_uv,
    directions,
    rotate,
    rotation_matrix,
    solid_angles,
    splat,
)
from .shards import StageFrame

LAMP_RADIUS = 5.0  # deg; what is brighter than its surroundings within it counts as one lamp
LAMP_SHARE = 0.05  # of the map's whole light; a weaker lamp stays in the cells


@dataclass(frozen=True)
class FrameLight:
    """What a frame is lit with.

    environment: (H, W, 3) lat-long radiance in camera axes. weights: (G, 3) for `StageFrame.relight`.
    """

    environment: np.ndarray
    weights: np.ndarray


def cell_radiance(environment: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Mean radiance of an environment over each cell, the part of the sphere nearest to its centre.

    Args:
        environment: (H, W, 3) lat-long radiance.
        centres: (N, 3) unit directions in the axes of the map.

    Returns:
        (N, 3) float32. A cell that holds no pixel centre takes the pixel nearest to its own.
    """
    height, width = environment.shape[:2]
    toward = np.asarray(directions(height, width), np.float32).reshape(-1, 3)
    omega = np.repeat(np.asarray(solid_angles(height, width), np.float64), width)
    pixels = environment.reshape(-1, 3).astype(np.float64)
    nearest = np.argmax(toward @ np.asarray(centres, np.float32).T, axis=1)
    area = np.bincount(nearest, omega, len(centres))
    energy = np.stack([np.bincount(nearest, omega * pixels[:, c], len(centres)) for c in range(3)], axis=1)
    mean = energy / np.maximum(area, 1e-12)[:, None]
    empty = area == 0
    if empty.any():
        mean[empty] = pixels[np.argmax(centres[empty] @ toward.T, axis=1)]
    return mean.astype(np.float32)


def lift_lamp(environment: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Take the strongest compact lamp off a map.

    Returns:
        the map without it, the direction toward it (3,) and its irradiance on a surface that faces it (3,); None where
        no lamp holds `LAMP_SHARE` of the light.
    """
    height, width = environment.shape[:2]
    toward = np.asarray(directions(height, width), np.float64)
    omega = np.asarray(solid_angles(height, width), np.float64)[:, None, None]
    luminance = environment @ np.asarray(AP1_LUMINANCE, np.float64)
    peak = toward.reshape(-1, 3)[np.argmax(luminance)]
    angle = np.degrees(np.arccos(np.clip(toward @ peak, -1, 1)))
    inside, around = angle <= LAMP_RADIUS, (angle > LAMP_RADIUS) & (angle <= 2 * LAMP_RADIUS)
    ground = np.median(environment[around], axis=0)
    excess = np.where(inside[..., None], np.maximum(environment - ground, 0.0), 0.0)
    energy = excess * omega
    total = float(((environment * omega) @ np.asarray(AP1_LUMINANCE)).sum())
    lamp = energy.sum(axis=(0, 1))
    if total <= 0 or float(lamp @ np.asarray(AP1_LUMINANCE)) < LAMP_SHARE * total:
        return None
    direction = (toward * energy.sum(-1, keepdims=True)).sum(axis=(0, 1))
    return (environment - excess).astype(np.float32), direction / np.linalg.norm(direction), lamp


def light_frame(frame: StageFrame, environment: np.ndarray, rng: np.random.Generator) -> FrameLight:
    """The weights of a frame's lights under an environment, and the map that they stand for.

    Args:
        environment: (H, W, 3) radiance in a world with +Y up, turned about the vertical as chance has it.
        rng: chooses among the frame's suns of about the lamp's height.
    """
    turn = np.asarray(frame.camera_to_world, np.float64)
    weights = np.zeros((len(frame.codes), 3), np.float32)
    lifted = lift_lamp(environment)
    rest = environment if lifted is None else lifted[0]
    lamp = np.zeros_like(environment)
    if lifted is not None:
        _, direction, irradiance = lifted
        suns = frame.suns @ turn.T  # camera to world
        away = np.abs(np.arcsin(np.clip(suns[:, 1], -1, 1)) - np.arcsin(np.clip(direction[1], -1, 1)))
        near = np.flatnonzero(away < np.radians(10.0))
        chosen = int(rng.choice(near)) if len(near) else int(np.argmin(away))
        yaw = np.arctan2(suns[chosen, 0], suns[chosen, 2]) - np.arctan2(direction[0], direction[2])
        rest = rotate(rest, rotation_matrix(0.0, float(np.degrees(yaw)), 0.0))
        weights[len(frame.cells) + chosen] = irradiance
        height, width = environment.shape[:2]
        lamp = splat(irradiance[None].astype(np.float32), direction_to_uv(frame.suns[chosen][None]), height, width)
        lamp /= np.asarray(solid_angles(height, width))[:, None, None]
    rest = rotate(rest, turn.T)  # world to camera axes
    weights[: len(frame.cells)] = cell_radiance(rest, frame.cells)
    return FrameLight((rest + lamp).astype(np.float32), weights)
