"""The level that a subject takes from the background that lights it (`--env-level background`): one number for the whole shot.

A grey card in the background's place has the level of what is around it there. The typical exposure of the background picture
is compared with that of the plate's own picture, on the shot's probe frames. The result depends on neither the frames asked for
nor the exposure that is given to the new light.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..gain.law import unpremultiply
from ..gain.proxy import PROBE_SIZE, exposure_anchor, probe_frames
from ..gain.subject import Subject
from ..light.sources import BackgroundLight
from .plan import RENDER, FrameTask, Plan
from .probes import probed
from .read import gather, read_plate

log = logging.getLogger("relamp")

# Equally lit places differ by as much, because one is of asphalt and another of snow. Differences up to this are not believed
# to be light, and larger ones are reduced by it, so that the level has no jump.
SCENERY_STOPS = 1.0
# A subject three stops down still shows its form; more would make it a silhouette on the word of a mostly black picture.
MOST_STOPS = 3.0
# What is around the subject in the plate counts if it is at least this share of the frame, and not further than this from
# the subject's own exposure: a black or burnt-out backdrop tells nothing about the light on the subject.
AROUND_SHARE = 0.1
AROUND_STOPS = 3.0
_APART = 0.1  # weight of the matte below which a pixel shows only what is around the subject
_OPAQUE = 0.9


@dataclass(frozen=True)
class PlatePixels:
    """Un-premultiplied working-space light of some frames: of the subject, (N, 3), and of what is around it, (M, 3)."""

    subject: np.ndarray
    around: np.ndarray


def measured_behind(plan: Plan) -> float:
    """By how many stops the new light is brighter than the plate's, as `Measured.behind` stores it.

    Raises:
        InputError: on none of the probe frames can both pictures be read.
    """
    background = plan.inputs.background
    assert background is not None
    gone = set(background.missing(plan.on_disk))
    frames = probe_frames(tuple(frame for frame in plan.on_disk if frame not in gone))
    if not frames:  # the frames to render are holds of others; a level is measured only where both pictures exist
        return 0.0
    seen = list(probed(frames, lambda frame: _pictures(plan, frame)))
    return stops_behind([plate for plate, _ in seen], [picture for _, picture in seen], plan.colour.luminance_weights)


def stops_behind(
    plates: Sequence[PlatePixels], backgrounds: Sequence[np.ndarray], luminance_weights: np.ndarray
) -> float:
    """By how many stops a grey card before the backgrounds, (N, 3) each, is brighter than one in the plates; four decimals.

    Raises:
        ValueError: there is no frame.
    """
    behind = _typical(np.concatenate(list(backgrounds)), luminance_weights)
    subject = np.concatenate([plate.subject for plate in plates])
    around = np.concatenate([plate.around for plate in plates])
    plate = subject
    if len(around) >= AROUND_SHARE * (len(subject) + len(around)):
        apart = abs(_typical(around, luminance_weights) - _typical(subject, luminance_weights))
        if apart <= AROUND_STOPS or not len(subject):
            plate = np.concatenate([subject, around])
    return believed(behind - _typical(plate, luminance_weights))


def believed(stops: float) -> float:
    """The part of a difference between two pictures that is taken for light and not for scenery, at most `MOST_STOPS`."""
    beyond = max(abs(stops) - SCENERY_STOPS, 0.0)
    return round(math.copysign(min(beyond, MOST_STOPS), stops), 4) if beyond else 0.0


def say_behind(stops: float) -> None:
    """Log the level that a background gives."""
    if stops:
        log.info(
            "level     the subject is made %.2f stops %s, because the background is %s than the plate (--env-level match "
            "keeps the subject's exposure)",
            abs(stops), *(("brighter",) * 2 if stops > 0 else ("darker",) * 2),
        )  # fmt: skip
    else:
        log.info("level     the background is about as bright as the plate, so the subject keeps its exposure")


def _typical(rgb: np.ndarray, luminance_weights: np.ndarray) -> float:
    """The typical luminance of pixels (N, 3), in stops over middle grey; 0 where none has any light."""
    return -math.log2(exposure_anchor(rgb, np.ones(len(rgb)), luminance_weights))


def _pictures(plan: Plan, number: int) -> tuple[PlatePixels, np.ndarray]:
    """The plate's pixels at a frame and the background's, (N, 3); every few of them where the picture is large."""
    p, light = plan.parameters, plan.target
    assert isinstance(light, BackgroundLight)
    task = FrameTask(number, RENDER, number, plan.tasks[0].out)
    frame = read_plate(task, plan.inputs, p, plan.colour, carry=False)
    plate = plate_pixels(gather(frame, task, plan.inputs, p, plan.colour, plan.camera.at(number)))
    return plate, _sparse(light.picture(number)).reshape(-1, 3)


def plate_pixels(subject: Subject) -> PlatePixels:
    """The pixels of a frame's subject and of what is around it, where the plate is opaque and not black; both can be empty."""
    opaque = np.ones_like(subject.weight) if subject.opacity is None else subject.opacity
    weight = _sparse(subject.weight)  # (h, w)
    rgb = unpremultiply(_sparse(subject.plate), None if subject.alpha is None else _sparse(subject.alpha))
    there = (_sparse(opaque) > _OPAQUE) & (rgb > 0).any(axis=-1)  # a subject cut out over black has nothing around it
    return PlatePixels(rgb[there & (weight > 0.5)], rgb[there & (weight < _APART)])


def _sparse(picture: np.ndarray) -> np.ndarray:
    """Every few pixels of a picture (H, W, ...), enough of them to measure one number."""
    step = max(1, max(picture.shape[:2]) // (2 * PROBE_SIZE))
    return picture[::step, ::step]
