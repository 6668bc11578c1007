"""Environments made or read for `relamp env`: from a map, from words, from a plate behind, from the plate itself. Floor 3."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from .. import VERSION
from ..light import words
from ..light.camera import shot_camera
from ..light.environment import rotate, rotation_matrix
from ..light.map_file import Environment, load_environment, write_map
from ..light.prompt import from_prompt
from ..light.said_back import said_back
from ..light.sheet import light_sheet
from ..light.sources import BackgroundLight
from ..parameters import RelightParameters
from ..pictures.colour import Colour
from ..pictures.sequence import Sequence


@dataclass(frozen=True)
class Made:
    """A light: what it is called, its map, and what the header says of how it came about."""

    name: str
    environment: Environment
    colour: Colour
    attributes: dict[str, str] = field(default_factory=dict)
    understood: str = ""
    """What was understood of words, as a sentence."""


def make(
    environment: str | None,
    prompt: str | None,
    background: str | None,
    plate: str | None,
    *,
    matte: str | None = None,
    normals: str | None = None,
    camera: str | None = None,
    colorspace: str | None = None,
    env_colorspace: str | None = None,
    env_rotate: tuple[float, float, float] = (0.0, 0.0, 0.0),
    mirror: bool = False,
) -> Made:
    """The light that one of the first four arguments says, turned by `env_rotate` degrees.

    Raises:
        UsageError: words that are not known, or options that contradict each other.
        InputError: a file is missing or damaged, or tells nothing of a light.
    """
    colour = Colour()
    if prompt is not None:
        made = Made(f"words ({prompt})", from_prompt(prompt, colour), colour, {"relamp/prompt": prompt})
        made = replace(made, understood=said_back(words.describe(prompt)))
    elif background is not None:
        made = _from_background(background, camera, colour)
    elif plate is not None:
        from ..shot.source_light import estimate

        p = RelightParameters(plate=plate, matte=matte, normals=normals, camera=camera, colorspace=colorspace)
        made = Made(f"source of {plate}", _digested(estimate(p, mirror)), colour, {"relamp/from": Path(plate).name})
    else:
        read = load_environment(environment or "", colorspace=env_colorspace, colour=colour)
        return _turned(Made(str(environment), read, colour, {}), env_rotate)
    return _turned(made, env_rotate)


def save(made: Made, out: Path, overwrite: bool) -> None:
    """Write the map in the working space, so that it comes back as it is. Raises `UsageError` and `OutputError`."""
    attributes = {"Software": f"Relamp {VERSION}", **made.attributes}
    write_map(out, made.environment.pixels, made.colour.interop_id(made.colour.working_space), attributes, overwrite)


def describe(made: Made, lamps: int, png: str | None, overwrite: bool = False) -> str:
    """What `relamp env` says of a light; draws it into `png` when that is given."""
    said = light_sheet(made.name, made.environment.pixels, made.environment.sha256, lamps, made.colour, png, overwrite)
    return f"{said}\nunderstood: {made.understood}" if made.understood else said


def _from_background(path: str, camera: str | None, colour: Colour) -> Made:
    sequence = Sequence.parse(path)
    frame = sequence.frames_on_disk()[0]
    light = BackgroundLight(sequence, colour, shot_camera(camera, path))
    name = sequence.path(frame).name
    return Made(f"background {name}", light.environment(frame), colour, {"relamp/background": name})


def _turned(made: Made, env_rotate: tuple[float, float, float]) -> Made:
    if not any(env_rotate):
        return made
    turned = rotate(made.environment.pixels, rotation_matrix(*env_rotate))
    return replace(made, environment=replace(made.environment, pixels=turned))


def _digested(pixels: np.ndarray) -> Environment:
    pixels = pixels.astype(np.float32)
    return Environment(pixels, None, hashlib.sha256(pixels.tobytes()).hexdigest())
