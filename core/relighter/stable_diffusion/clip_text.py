"""CLIP's text encoder as Stable Diffusion 1.5 uses it, under the key names of its files.

Radford et al. 2021: a causal transformer over 77 tokens; its last hidden states, after the final norm, are what the UNet
attends to. Written out here because the library it usually comes from weighs 140 MB and slows every start.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from torch.nn.functional import gelu, scaled_dot_product_attention

from ...errors import InputError
from .checkpoints import Tensors, load_into

_ACTIVATIONS = {"quick_gelu": lambda x: x * torch.sigmoid(1.702 * x), "gelu": gelu}
_UNLEARNT = "embeddings.position_ids"  # older files also store the position numbers 0, 1, 2, ...


class _Attention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q_proj, self.k_proj, self.v_proj, self.out_proj = (nn.Linear(width, width) for _ in range(4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        q, k, v = (
            project(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for project in (self.q_proj, self.k_proj, self.v_proj)
        )
        return self.out_proj(scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).flatten(2))


class _Mlp(nn.Module):
    def __init__(self, width: int, hidden: int, activation: str) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, hidden), nn.Linear(hidden, width)
        self._activation = _ACTIVATIONS[activation]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc2(self._activation(self.fc1(x)))


class _Layer(nn.Module):
    def __init__(self, width: int, heads: int, hidden: int, activation: str, eps: float) -> None:
        super().__init__()
        self.self_attn, self.mlp = _Attention(width, heads), _Mlp(width, hidden, activation)
        self.layer_norm1, self.layer_norm2 = nn.LayerNorm(width, eps), nn.LayerNorm(width, eps)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.self_attn(self.layer_norm1(x))
        return x + self.mlp(self.layer_norm2(x))


class _Embeddings(nn.Module):
    def __init__(self, count: int, length: int, width: int) -> None:
        super().__init__()
        self.token_embedding, self.position_embedding = nn.Embedding(count, width), nn.Embedding(length, width)

    def forward(self, blocks: torch.Tensor) -> torch.Tensor:
        return self.token_embedding(blocks) + self.position_embedding.weight[: blocks.shape[1]]


class _Layers(nn.Module):
    def __init__(self, layers: list[_Layer]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for layer in self.layers:
            x = layer(x)
        return x


class ClipText(nn.Module):
    """The text encoder; see the module."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        width, length = config["hidden_size"], config.get("max_position_embeddings", 77)
        activation, eps = config.get("hidden_act", "quick_gelu"), config.get("layer_norm_eps", 1e-5)
        self.embeddings = _Embeddings(config["vocab_size"], length, width)
        layers = [
            _Layer(width, config["num_attention_heads"], config["intermediate_size"], activation, eps)
            for _ in range(config["num_hidden_layers"])
        ]
        self.encoder = _Layers(layers)
        self.final_layer_norm = nn.LayerNorm(width, eps)

    @torch.inference_mode()
    def forward(self, blocks: torch.Tensor) -> torch.Tensor:
        """Last hidden states (k, L, D) of token blocks (k, L)."""
        blocks = blocks.to(self.final_layer_norm.weight.device)
        return self.final_layer_norm(self.encoder(self.embeddings(blocks)))


def text_tensors(tensors: Mapping[str, torch.Tensor]) -> Tensors:
    """A file's tensors under this module's keys: with or without `text_model.` in front."""
    return {name: tensor for key, tensor in tensors.items() if (name := text_key(key))}


def text_key(key: str) -> str | None:
    """The key of a file under this module's names; None for tensors that are not learnt."""
    bare = key.removeprefix("text_model.")
    return None if bare == _UNLEARNT else bare


def empty_text_encoder(config: Mapping[str, Any], name: str) -> ClipText:
    """The encoder of a `config.json` without weights, on torch's meta device.

    Raises:
        InputError: the file describes another network.
    """
    lacking = [
        key
        for key in ("hidden_size", "vocab_size", "num_attention_heads", "intermediate_size", "num_hidden_layers")
        if not isinstance(config.get(key), int)
    ]
    activation = config.get("hidden_act", "quick_gelu")
    if lacking or activation not in _ACTIVATIONS:
        what = f"says no {lacking[0]}" if lacking else f"asks for the activation {activation!r}"
        raise InputError(f"{name}: its configuration {what}; a text encoder of Stable Diffusion 1.5 is expected")
    with torch.device("meta"):
        return ClipText(config)


def build_text_encoder(config: Mapping[str, Any], tensors: Mapping[str, torch.Tensor], name: str) -> ClipText:
    """The encoder with its weights; raises `InputError` where they do not fit."""
    encoder = empty_text_encoder(config, name)
    load_into(encoder, text_tensors(tensors), name)
    return encoder
