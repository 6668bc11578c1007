"""Published weights as files. Only safetensors are loaded, key by key; a pickle is converted once and its code never runs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from pickle import UnpicklingError  # only its exception is used: torch's weights-only reader raises it
from typing import Any, TypeVar

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from ... import plain_json
from ...atomic import replacing
from ...errors import InputError, OutputError

Tensors = dict[str, torch.Tensor]
Network = TypeVar("Network", UNet2DConditionModel, AutoencoderKL)
_PICKLES = (b"PK\x03\x04", b"\x80")  # torch's zip and bare pickles


def read_tensors(path: Path) -> Tensors:
    """All tensors of a safetensors file by key; raises `InputError` for anything else."""
    try:
        return load_file(path)
    except OSError as cause:
        raise InputError(f"{path} cannot be read ({cause}); `relamp models list` says where it has to lie") from cause
    except SafetensorError as cause:
        if _is_pickle(path):
            told = path.with_suffix(".ckpt") if path.suffix == ".safetensors" else path
            renamed = f"rename it to {told.name} and " if told != path else ""
            raise InputError(
                f"{path} is a pickle, which can run code as it loads; {renamed}turn it into safetensors once with "
                f"`relamp models convert {told.name}`"
            ) from cause
        raise InputError(f"{path} is not a whole safetensors file ({cause}); download it again") from cause


def _is_pickle(path: Path) -> bool:
    with path.open("rb") as file:
        begin = file.read(9)
    return begin.startswith(_PICKLES) and not begin.endswith(b"{")  # a safetensors header is JSON after eight bytes


def convert_pickle(path: Path, out: Path) -> list[str]:
    """Turn a checkpoint pickled by torch into safetensors; its keys stay as they are.

    Read with torch's weights-only loader, which refuses anything but tensors in plain containers. Written beside `out`
    and renamed when whole. A checkpoint that holds its tensors under `state_dict` is unwrapped.

    Returns:
        The keys written.

    Raises:
        InputError: the file is missing, no checkpoint, or more than weights.
        OutputError: `out` exists or cannot be written.
    """
    if out.exists():
        raise OutputError(f"{out} is already there; remove it or name another file")
    if not out.parent.is_dir():
        raise OutputError(f"{out} cannot be written: there is no folder {out.parent}")
    tensors = _only_tensors(_unpickled(path), path)
    try:
        with replacing(out) as temporary:
            save_file(tensors, temporary, {"format": "pt", "converted_from": path.name})
    except SafetensorError as cause:
        raise OutputError(f"{out} cannot be written: {cause}") from cause
    return list(tensors)


def _unpickled(path: Path) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except OSError as cause:
        raise InputError(f"{path} cannot be read: {cause.strerror}") from cause
    except UnpicklingError as cause:
        raise InputError(
            f"{path} holds more than weights, and loading the rest could run code, so it was refused; "
            "get the file from its authors, or one in safetensors"
        ) from cause
    except (RuntimeError, EOFError, ValueError, KeyError) as cause:
        raise InputError(f"{path} is not a whole checkpoint of torch; download it again") from cause


def _only_tensors(loaded: Any, path: Path) -> Tensors:
    if isinstance(loaded, Mapping) and isinstance(loaded.get("state_dict"), Mapping):
        loaded = loaded["state_dict"]
    if not isinstance(loaded, Mapping) or not loaded:
        raise InputError(f"{path} holds no table of tensors, so it is not a checkpoint of a network")
    odd = next((key for key, value in loaded.items() if not isinstance(value, torch.Tensor)), None)
    if odd is not None:
        raise InputError(
            f"{path} holds {odd!r}, which is no tensor; it is not a checkpoint of a network's weights alone"
        )
    return {str(key): value.detach().clone().contiguous() for key, value in loaded.items()}


def check_fit(have: Mapping[str, torch.Size], want: Mapping[str, torch.Size], name: str) -> None:
    """Raise `InputError` naming the first key, in alphabetical order, that is missing, misshapen or too many."""
    for key in sorted(want.keys() | have.keys()):
        if key not in have:
            raise InputError(f"{name} has no {key}; it is cut short or belongs to another network")
        if key not in want:
            raise InputError(f"{name} has {key}, which the network does not; it belongs to another one")
        if have[key] != want[key]:
            raise InputError(f"{name}: {key} is {_shape(have[key])}, the network wants {_shape(want[key])}")


def shapes(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Size]:
    """The shape of each tensor by its key."""
    return {key: tensor.shape for key, tensor in tensors.items()}


def load_into(network: nn.Module, tensors: Mapping[str, torch.Tensor], name: str) -> None:
    """Set the weights of a network to exactly these tensors.

    Raises:
        InputError: a key is missing, superfluous or of another shape; `name` is the file named in the sentence.
    """
    check_fit(shapes(tensors), shapes(network.state_dict()), name)
    network.load_state_dict(dict(tensors), assign=True)
    network.eval().requires_grad_(False)


def empty_unet(config: Mapping[str, Any]) -> UNet2DConditionModel:
    """A UNet of diffusers' `config` on torch's meta device: shapes without weights, to be read; the same for equal configs."""
    unet = _empty(UNet2DConditionModel, json.dumps(_arguments(config)))
    assert isinstance(unet, UNet2DConditionModel)
    return unet


def empty_vae(config: Mapping[str, Any]) -> AutoencoderKL:
    """An autoencoder of diffusers' `config` on torch's meta device, as `empty_unet`."""
    vae = _empty(AutoencoderKL, json.dumps(_arguments(config)))
    assert isinstance(vae, AutoencoderKL)
    return vae


@lru_cache(8)
def _empty(kind: type[Network], arguments: str) -> Network:
    return _on_meta(kind, json.loads(arguments))


def _on_meta(kind: type[Network], arguments: dict[str, Any]) -> Network:
    with torch.device("meta"):
        network = kind.from_config(arguments)
    assert isinstance(network, kind)
    return network


def build_unet(config: Mapping[str, Any], tensors: Mapping[str, torch.Tensor], name: str) -> UNet2DConditionModel:
    """A UNet of diffusers' `config` with these weights, made without initialising random weights first."""
    unet = _on_meta(UNet2DConditionModel, _arguments(config))
    load_into(unet, tensors, name)
    return unet


def build_vae(config: Mapping[str, Any], tensors: Mapping[str, torch.Tensor], name: str) -> AutoencoderKL:
    """The autoencoder of diffusers' `config` with these weights."""
    vae = _on_meta(AutoencoderKL, _arguments(config))
    load_into(vae, tensors, name)
    return vae


def read_config(path: Path) -> dict[str, Any]:
    """A network's `config.json`; raises `InputError` when it is missing or damaged."""
    try:
        config = plain_json.loads(path.read_text("utf-8"))
    except OSError as cause:
        raise InputError(f"{path} cannot be read: {cause.strerror}") from cause
    except ValueError as cause:
        raise InputError(f"{path} is not JSON; download it again") from cause
    if not isinstance(config, dict):
        raise InputError(f"{path} is not a network's configuration: it holds no names")
    return config


def _arguments(config: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in config.items() if not key.startswith("_")}


def _shape(size: torch.Size) -> str:
    return " x ".join(map(str, size)) or "one number"
