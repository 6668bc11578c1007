"""A models folder of toy size in the layout its authors publish: random weights, the real loading code."""

import json
from pathlib import Path
from shutil import copyfile

import torch
from diffusers import MotionAdapter
from safetensors.torch import save_file

from published_goldens import golden, notes, numbers
from relamp.core.relighter.models.layout import write_config
from relamp.core.relighter.models.ledger import ADAPTER, BASE, RELIGHTVID
from relamp.core.relighter.stable_diffusion.clip_text import ClipText
from relamp.core.relighter.stable_diffusion.clip_tokens import BEGIN, END

ACCEPTED = "iclight_sd15_fc,iclight_sd15_fcon,iclight_sd15_fbc,relvid_mm_sd15_fbc"
_MERGES = ("l i", "li g", "h t</w>", "lig ht</w>", "w a", "wa r", "s u", "su n</w>", "' s</w>", "Ã ©</w>")


def write_models(folder: Path) -> Path:
    """Everything the published backbones look for, in `folder`."""
    base = folder / BASE
    _network(base / "unet", "UNet2DConditionModel", notes("base_unet")["unet_config"], golden("base_unet"))
    _network(base / "vae", "AutoencoderKL", notes("tiny_vae")["vae_config"], golden("tiny_vae"))
    write_text_encoder(base / "text_encoder", notes("base_unet")["unet_config"]["cross_attention_dim"])
    write_tokenizer(base / "tokenizer")
    write_config(base / "scheduler" / "scheduler_config.json", notes("plf_animatediff")["scheduler"])
    for variant in ("fc", "fbc"):
        copyfile(golden(f"iclight_offset_{variant}"), folder / f"iclight_sd15_{variant}.safetensors")
    copyfile(golden("relightvid_motion"), folder / RELIGHTVID)
    write_adapter(folder / ADAPTER)
    return folder


def _network(folder: Path, kind: str, config: dict, weights: Path) -> None:
    write_config(folder / "config.json", {"_class_name": kind, **config})
    copyfile(weights, folder / "diffusion_pytorch_model.safetensors")


def write_text_encoder(folder: Path, width: int) -> None:
    """Two layers, under the names of the files people have: `text_model.` in front, positions stored."""
    config = {
        "vocab_size": len(vocabulary()),
        "hidden_size": width,
        "intermediate_size": 2 * width,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "max_position_embeddings": 77,
        "hidden_act": "quick_gelu",
        "layer_norm_eps": 1e-5,
    }
    torch.manual_seed(0)
    state = {f"text_model.{key}": value for key, value in ClipText(config).state_dict().items()}
    state["text_model.embeddings.position_ids"] = torch.arange(77)[None]
    write_config(folder / "config.json", config)
    save_file(state, folder / "model.safetensors", {"format": "pt"})


def vocabulary() -> list[str]:
    """CLIP's bytes as letters, a few joined pairs, begin and end."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = [chr(c) for c in printable] + [chr(256 + i) for i in range(256 - len(printable))]
    joined = ["".join(pair.split()) for pair in _MERGES]
    return list(dict.fromkeys([*letters, *(f"{letter}</w>" for letter in letters), *joined, BEGIN, END]))


def write_tokenizer(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.json").write_text(json.dumps({word: i for i, word in enumerate(vocabulary())}), "utf-8")
    (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(_MERGES) + "\n", "utf-8")


def write_adapter(folder: Path) -> None:
    """AnimateDiff's motion modules for the toy UNet, their last layers awake."""
    config = notes("base_unet")["unet_config"]
    torch.manual_seed(1)
    adapter = MotionAdapter(
        block_out_channels=tuple(config["block_out_channels"]),
        motion_layers_per_block=config["layers_per_block"],
        motion_norm_num_groups=config["norm_num_groups"],
        use_motion_mid_block=False,
    )
    write_config(folder / "config.json", {"_class_name": "MotionAdapter", **_plain(adapter.config)})
    save_file(adapter.state_dict(), folder / "diffusion_pytorch_model.safetensors", {"format": "pt"})


def _plain(config: dict) -> dict:
    return {key: value for key, value in config.items() if not key.startswith("_")}


def unet_weights() -> dict[str, torch.Tensor]:
    """The toy UNet's own."""
    return dict(numbers("base_unet"))
