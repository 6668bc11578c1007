"""Checks a file or folder of weights from its header alone: keys, shapes, dtypes.

The first key that does not fit is named, so that a wrong or renamed file is found before gigabytes are read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from diffusers.models.unets.unet_motion_model import MotionAdapter

from ...errors import InputError
from ..ic_light.model import VARIANTS
from ..relightvid.model import adapter_for, adapter_key
from ..stable_diffusion.checkpoints import check_fit, empty_unet, read_config
from ..stable_diffusion.clip_text import text_key
from . import estimator_files, layout
from .layout import StableDiffusion, Tensor

DTYPES = ("F16", "BF16", "F32")
SD15 = {
    "cross_attention_dim": 768,
    "sample_size": 64,
}  # diffusers' defaults are otherwise those of Stable Diffusion 1.5
_RELEASED = "temporal_transformer"  # in every key of RelightVid's file


def kind_of(path: Path) -> str:
    """The ledger's kind of a file or folder; raises `InputError` if it is of no kind."""
    if path.suffix == ".onnx":
        return estimator_files.kind_of_onnx(path)
    if path.is_dir():
        if (path / "model_index.json").is_file() and read_config(path / "model_index.json").get("prediction_type"):
            return "marigold"
        if (path / "unet").is_dir() and (path / "vae").is_dir():
            return "sd15"
        if (path / "config.json").is_file() and read_config(path / "config.json").get("_class_name") == "MotionAdapter":
            return "motion-adapter"
        raise InputError(
            f"{path} is neither Stable Diffusion in diffusers' layout (unet, vae, text_encoder, tokenizer) nor a motion adapter"
        )
    tensors = layout.header(path)
    if any(_RELEASED in key for key in tensors):
        return "relightvid"
    if "conv_in.weight" in tensors:
        return "ic-light"
    first = min(tensors, default="nothing")
    raise InputError(
        f"{path} begins with {first}: neither IC-Light's difference of a UNet nor RelightVid's motion modules"
    )


def check(path: Path, kind: str, base: StableDiffusion | None = None) -> str:
    """Check a model of a ledger's kind; returns a line that describes it.

    Args:
        base: the Stable Diffusion that it extends; None for the published sizes.

    Raises:
        InputError: a key is missing, unexpected, or of another shape or dtype; the message names the file and the first such key.
    """
    if kind in estimator_files.KINDS:
        return estimator_files.check(path, kind)
    checks = {"sd15": _sd15, "ic-light": _ic_light, "relightvid": _relightvid, "motion-adapter": _adapter}
    return checks[kind](path, base)


def _sd15(path: Path, _: StableDiffusion | None) -> str:
    base = StableDiffusion(path)
    unet, vae, text = base.empty_unet(), base.empty_vae(), base.empty_text()
    if unet.config["in_channels"] != 4:
        raise InputError(
            f"{path / 'unet'} reads {unet.config['in_channels']} channels where Stable Diffusion 1.5 reads 4; "
            "it is merged or made for inpainting"
        )
    if unet.config["cross_attention_dim"] != text.final_layer_norm.weight.shape[0]:
        raise InputError(
            f"{path}: the UNet wants text of width {unet.config['cross_attention_dim']}, the text encoder gives "
            f"{text.final_layer_norm.weight.shape[0]}; they are of different models"
        )
    told = layout.headers(base.unet_files())
    _fit(told, unet.state_dict(), path / "unet")
    found = {layout.vae_key(key): _as_matrix(key, tensor) for key, tensor in layout.headers(base.vae_files()).items()}
    _fit(found, vae.state_dict(), path / "vae")
    texts = layout.headers(base.text_files())
    named = {name: tensor for key, tensor in texts.items() if (name := text_key(key))}
    _fit(named, text.state_dict(), path / "text_encoder")
    layout.require_tokens(base)
    return f"Stable Diffusion, UNet {_millions(told)} in {_dtypes(told)}"


def _ic_light(path: Path, base: StableDiffusion | None) -> str:
    tensors = layout.header(path)
    weight = tensors.get("conv_in.weight")
    if weight is None or len(weight.shape) != 4 or weight.shape[1] not in VARIANTS:
        came = "has no conv_in.weight" if weight is None else f"conv_in.weight is {' x '.join(map(str, weight.shape))}"
        raise InputError(f"{path}: {came}; IC-Light's difference files read 8 channels (fc, fcon) or 12 (fbc)")
    variant = VARIANTS[weight.shape[1]]
    config = {**(SD15 if base is None else base.unet_config()), "in_channels": weight.shape[1]}
    _fit(tensors, empty_unet(config).state_dict(), path)
    said = "fbc" if "fbc" in path.stem else "fc" if "fc" in path.stem else variant
    if said != variant:
        raise InputError(f"{path} is named {said} but reads {weight.shape[1]} channels, so it is {variant}; rename it")
    return f"IC-Light {variant}, {_millions(tensors)} in {_dtypes(tensors)}"


def _relightvid(path: Path, base: StableDiffusion | None) -> str:
    tensors = layout.header(path)
    odd = next((key for key in sorted(tensors) if ".motion_modules." not in key), None)
    if odd is not None:
        raise InputError(f"{path} has {odd}, which is of no motion module; RelightVid's file holds nothing else")
    renamed = {name: tensor for key, tensor in tensors.items() if (name := adapter_key(key))}
    with torch.device("meta"):
        network = adapter_for(empty_unet(SD15 if base is None else base.unet_config()))
    _fit(renamed, _without_positions(network), path)
    return f"RelightVid's motion modules, {_millions(tensors)} in {_dtypes(tensors)}"


def _adapter(path: Path, _: StableDiffusion | None) -> str:
    tensors = layout.headers(layout.weights_files(path, layout.DIFFUSERS))
    kept = {key: tensor for key, tensor in tensors.items() if not key.endswith("pos_embed.pe")}
    _fit(kept, _without_positions(layout.empty_adapter(path)), path)
    return f"motion adapter, {_millions(tensors)} in {_dtypes(tensors)}"


def _without_positions(network: MotionAdapter) -> dict[str, torch.Tensor]:
    return {key: value for key, value in network.state_dict().items() if not key.endswith("pos_embed.pe")}


def _fit(have: Mapping[str, Tensor], want: Mapping[str, torch.Tensor], where: Path) -> None:
    check_fit(
        {key: torch.Size(tensor.shape) for key, tensor in have.items()},
        {key: tensor.shape for key, tensor in want.items()},
        str(where),
    )
    odd = next((key for key in sorted(have) if have[key].dtype not in DTYPES), None)
    if odd is not None:
        raise InputError(f"{where}: {odd} is {have[odd].dtype}; expected one of {', '.join(DTYPES)}")


def _as_matrix(key: str, tensor: Tensor) -> Tensor:
    """A tensor as a matrix, because old autoencoders store attention's matrices as 1 x 1 convolutions."""
    if ".attentions." in key and tensor.shape[2:] == (1, 1):
        return replace(tensor, shape=tensor.shape[:2])
    return tensor


def _millions(tensors: Mapping[str, Tensor]) -> str:
    return f"{parameters(tensors) / 1e6:.1f} M parameters"


def parameters(tensors: Mapping[str, Tensor]) -> int:
    """The number of values in the tensors."""
    return sum(int(torch.Size(tensor.shape).numel()) for tensor in tensors.values())


def _dtypes(tensors: Mapping[str, Tensor]) -> str:
    return ", ".join(sorted({tensor.dtype for tensor in tensors.values()}))
