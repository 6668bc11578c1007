"""The numbers of the authors' own code: a folder of safetensors, from RELAMP_GOLDEN or the copy beside the tests."""

import json
import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors import safe_open

from relamp.core.relighter.ic_light.model import merged_unet
from relamp.core.relighter.stable_diffusion.checkpoints import build_vae, read_tensors
from relamp.core.relighter.stable_diffusion.noise import START, Noise

# diffusers' schedulers hand torch tensors to numpy in a way numpy 2 warns of.
QUIET = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
FOLDER = Path(os.environ.get("RELAMP_GOLDEN") or Path(__file__).parent / "goldens" / "published")


def golden(name: str) -> Path:
    return FOLDER / f"{name}.safetensors"


@lru_cache
def numbers(name: str) -> dict[str, torch.Tensor]:
    return read_tensors(golden(name))


@lru_cache
def notes(name: str) -> dict[str, Any]:
    with safe_open(golden(name), "pt") as file:
        return {key: _read(value) for key, value in (file.metadata() or {}).items()}


def cases(name: str, prefix: str = "case") -> list[str]:
    """The numbered cases of a file: case0, case1 ..."""
    found = {key.split(".")[0] for key in [*numbers(name), *notes(name)]}
    return sorted(key for key in found if key.removeprefix(prefix).isdigit() and key.startswith(prefix))


def under(name: str, prefix: str) -> dict[str, torch.Tensor]:
    """The tensors below a prefix, without it."""
    return {key.removeprefix(f"{prefix}."): v for key, v in numbers(name).items() if key.startswith(f"{prefix}.")}


def error(ours: torch.Tensor, theirs: torch.Tensor) -> float:
    """The largest absolute difference; infinite when the shapes differ."""
    if ours.shape != theirs.shape:
        return float("inf")
    return (ours.double() - theirs.double()).abs().max().item()


def stored(start: torch.Tensor, steps: torch.Tensor) -> Noise:
    """Recorded noise instead of drawn, given in the shape it is asked for."""

    def draw(step: int, shape: tuple[int, ...]) -> torch.Tensor:
        return (start if step == START else steps[step]).expand(shape)

    return draw


@lru_cache
def ic_light_unet(variant: str) -> UNet2DConditionModel:
    offset = numbers(f"iclight_offset_{variant}")
    return merged_unet(notes("base_unet")["unet_config"], numbers("base_unet"), offset, variant)


@lru_cache
def vae() -> AutoencoderKL:
    return build_vae(notes("tiny_vae")["vae_config"], numbers("tiny_vae"), "tiny_vae")


def config(name: str) -> Mapping[str, Any]:
    return notes(name)["scheduler"]


def _read(value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        return value
