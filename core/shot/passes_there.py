"""Which passes a shot has and where each comes from, read from headers alone, for the front ends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..parameters import RelightParameters
from ..pictures import exr, layers
from ..pictures.exr_read import named_vector
from .plan import Inputs

NAMES = ("normals", "depth", "albedo", "roughness", "metallic")
_SEEN = ("normals", "depth")  # what is estimated in a render that lacks it


def passes_there(p: RelightParameters, inputs: Inputs, frame: int) -> list[dict[str, Any]]:
    """For each of `NAMES`: `name`, `says` (who made it, or what stands in for it) and `given`, whether a file has it.

    Raises:
        InputError: a file is missing or unreadable.
    """
    singles = {"normals": inputs.normals, "depth": inputs.depth} | {n: s for n, (s, _) in inputs.materials.items()}
    together = None if inputs.passes is None else inputs.passes.path(frame)
    inside = _held(together)
    own = _held(inputs.plate.path(frame)) & frozenset(_SEEN)  # of the plate's own layers, materials are not taken
    found = []
    for name in NAMES:
        single = singles.get(name)
        if single is not None:
            says = _maker(single.path(frame))
        elif together is not None and name in inside:
            says = _maker(together)
        elif name in own:
            says = "the plate's own layer"
        elif name in _SEEN:
            says = f"estimated while rendering ({p.estimator or 'own'})"
        elif p.estimator is not None:
            says = f"estimated while rendering, where {p.estimator} gives it"
        else:
            says = "none"
        found.append({"name": name, "says": says, "given": single is not None or name in inside | own})
    return found


def _held(path: Path | None) -> frozenset[str]:
    """The passes that a file holds, by the names of its channels."""
    if path is None or path.suffix.lower() != ".exr":
        return frozenset()
    channels = exr.channel_names(path)
    there = {
        "normals": named_vector(channels, layers.NORMALS) is not None,
        "depth": layers.depth(channels) is not None,
        "albedo": named_vector(channels, layers.ALBEDO) is not None,
        "roughness": _plane(channels, (*layers.ROUGHNESS, *layers.GLOSSINESS)),
        "metallic": _plane(channels, layers.METALLIC),
    }
    return frozenset(name for name, is_there in there.items() if is_there)


def _plane(channels: list[str], wanted: tuple[str, ...]) -> bool:
    names = {name.lower() for name in wanted}
    return any(channel.lower() in names for channel in channels) or bool(layers.matching(channels, wanted))


def _maker(path: Path) -> str:
    """Who made a file of passes: Relamp's estimator, or the program that its header names."""
    if path.suffix.lower() != ".exr":
        return path.name
    attributes = exr.header(path)
    estimator = attributes.get("relamp/passes")
    if estimator:
        return f"estimated by {estimator}, in {path.name}"
    program = str(attributes.get("Software") or "").strip()
    return f"{path.name}, by {program:.60}" if program else path.name
