"""Files of published networks on disk: diffusers' folders of Stable Diffusion 1.5, and single files.

Only safetensors are read, in one file or in shards, and only the tensors that the configuration needs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.models.unets.unet_motion_model import MotionAdapter
from safetensors import SafetensorError, safe_open

from ...atomic import replacing
from ...errors import InputError
from ..stable_diffusion.checkpoints import (
    Tensors,
    build_vae,
    empty_unet,
    empty_vae,
    load_into,
    read_config,
    read_tensors,
)
from ..stable_diffusion.clip_text import ClipText, build_text_encoder, empty_text_encoder
from ..stable_diffusion.clip_tokens import ClipTokens

DIFFUSERS = "diffusion_pytorch_model"
TRANSFORMERS = "model"
_OLD_ATTENTION = (("query", "to_q"), ("key", "to_k"), ("value", "to_v"), ("proj_attn", "to_out.0"))


@dataclass(frozen=True)
class Tensor:
    """The header's entry for one tensor; `dtype` is as in safetensors, F16 or F32."""

    shape: tuple[int, ...]
    dtype: str


def weights_files(folder: Path, stem: str) -> list[Path]:
    """The safetensors of a network's folder: whole, half precision or in shards, in that order of preference.

    Raises `InputError` if there are none; the message mentions pickles that exist instead.
    """
    index = folder / f"{stem}.safetensors.index.json"
    for name in (f"{stem}.safetensors", f"{stem}.fp16.safetensors"):
        if (folder / name).is_file():
            return [folder / name]
    if index.is_file():
        return _shards(index)
    pickles = sorted(p.name for p in folder.glob(f"{stem}*.bin"))
    advice = f"; it holds {pickles[0]}: `relamp models convert {folder}` makes safetensors of it" if pickles else ""
    raise InputError(f"{folder} has no {stem}.safetensors{advice or '; download it again'}")


def _shards(index: Path) -> list[Path]:
    table = read_config(index).get("weight_map")
    if not isinstance(table, Mapping) or not all(isinstance(name, str) for name in table.values()):
        raise InputError(f"{index} does not say which file holds which tensor; download it again")
    names = sorted(set(table.values()))
    outside = next((name for name in names if Path(name).name != name), None)
    if outside is not None:
        raise InputError(f"{index} names {outside}, which is not in its folder; download it again")
    return [index.parent / name for name in names]


def header(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file, by key, from its header; raises `InputError` as `read_tensors`."""
    try:
        with safe_open(str(path), framework="pt") as file:
            keys = list(file.keys())
            slices = {key: file.get_slice(key) for key in keys}
            return {key: Tensor(tuple(s.get_shape()), str(s.get_dtype())) for key, s in slices.items()}
    except (OSError, SafetensorError):
        read_tensors(path)  # raises the error that describes the damage
        raise


def headers(paths: list[Path]) -> dict[str, Tensor]:
    """The headers of all shards together."""
    return {key: tensor for path in paths for key, tensor in header(path).items()}


def read_all(paths: list[Path]) -> Tensors:
    """The tensors of all shards together."""
    return {key: tensor for path in paths for key, tensor in read_tensors(path).items()}


def vae_key(key: str) -> str:
    """The current name of a key of an autoencoder's file; older files use other names for the parts of attention."""
    if ".attentions." not in key:
        return key
    head, _, parameter = key.rpartition(".")
    for old, new in _OLD_ATTENTION:
        if head.endswith(f".{old}"):
            return f"{head.removesuffix(old)}{new}.{parameter}"
    return key


def vae_tensors(tensors: Mapping[str, torch.Tensor]) -> Tensors:
    """An autoencoder's tensors under their current keys; old files store attention's matrices as 1 x 1 convolutions."""
    renamed = {vae_key(key): tensor for key, tensor in tensors.items()}
    return {
        key: tensor.flatten(1) if ".attentions." in key and tensor.ndim == 4 else tensor
        for key, tensor in renamed.items()
    }


@dataclass(frozen=True)
class StableDiffusion:
    """A folder of Stable Diffusion 1.5 in diffusers' layout: `unet`, `vae`, `text_encoder`, `tokenizer`, `scheduler`."""

    folder: Path

    def unet_config(self) -> dict:
        """The UNet's configuration."""
        return read_config(self.folder / "unet" / "config.json")

    def unet_files(self) -> list[Path]:
        """The UNet's weights."""
        return weights_files(self.folder / "unet", DIFFUSERS)

    def vae_files(self) -> list[Path]:
        """The autoencoder's weights."""
        return weights_files(self.folder / "vae", DIFFUSERS)

    def text_files(self) -> list[Path]:
        """The text encoder's weights."""
        return weights_files(self.folder / "text_encoder", TRANSFORMERS)

    def scheduler(self) -> dict | None:
        """The scheduler's configuration, which sets AnimateDiff's timestep spacing; None where there is none."""
        path = self.folder / "scheduler" / "scheduler_config.json"
        return read_config(path) if path.is_file() else None

    def empty_unet(self) -> UNet2DConditionModel:
        """The UNet without weights."""
        return empty_unet(self.unet_config())

    def empty_vae(self) -> AutoencoderKL:
        """The autoencoder without weights."""
        return empty_vae(read_config(self.folder / "vae" / "config.json"))

    def empty_text(self) -> ClipText:
        """The text encoder without weights."""
        return empty_text_encoder(
            read_config(self.folder / "text_encoder" / "config.json"), str(self._at("text_encoder"))
        )

    def unet_tensors(self) -> Tensors:
        """The UNet's weights, as stored."""
        return read_all(self.unet_files())

    def vae(self) -> AutoencoderKL:
        """The autoencoder; raises `InputError` where its file does not fit."""
        config = read_config(self.folder / "vae" / "config.json")
        return build_vae(config, vae_tensors(read_all(self.vae_files())), str(self._at("vae")))

    def text_encoder(self) -> ClipText:
        """The text encoder; raises `InputError` where its file does not fit."""
        config = read_config(self.folder / "text_encoder" / "config.json")
        return build_text_encoder(config, read_all(self.text_files()), str(self._at("text_encoder")))

    def tokens(self) -> ClipTokens:
        """The tokenizer."""
        return ClipTokens(self.folder / "tokenizer")

    def _at(self, part: str) -> Path:
        return self.folder / part


def require_tokens(base: StableDiffusion) -> None:
    """Raise `InputError` when a folder's tokenizer cannot be read."""
    base.tokens().ids("light")


def empty_adapter(folder: Path) -> MotionAdapter:
    """AnimateDiff's motion modules without weights, by the folder's configuration."""
    config = {k: v for k, v in read_config(folder / "config.json").items() if not k.startswith("_")}
    with torch.device("meta"):
        network = MotionAdapter.from_config(config)
    assert isinstance(network, MotionAdapter)
    return network


def adapter(folder: Path) -> MotionAdapter:
    """AnimateDiff's motion modules from a folder in diffusers' layout; positions that the file lacks are computed."""
    config = {k: v for k, v in read_config(folder / "config.json").items() if not k.startswith("_")}
    network = MotionAdapter.from_config(config)
    assert isinstance(network, MotionAdapter)
    tensors = read_all(weights_files(folder, DIFFUSERS))
    own = {key: value for key, value in network.state_dict().items() if key.endswith("pos_embed.pe")}
    load_into(network, own | tensors, str(folder))
    return network


def write_config(path: Path, config: Mapping[str, object]) -> None:
    """Write a network's `config.json`, over an earlier one."""
    with replacing(path, overwrite=True) as temporary:
        temporary.write_text(json.dumps(dict(config), indent=1, default=list) + "\n", encoding="utf-8")
