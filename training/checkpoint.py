"""Where a training run stands, as safetensors: weights, their running mean, the optimiser's moments, and counters."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file

from ..core.atomic import replacing
from ..core.errors import InputError
from ..core.relighter.own.denoiser import Network

SCHEMA = "relamp.training/1"


def save(path: Path, network: Network, mean: Network, optimiser: torch.optim.Optimizer, state: dict) -> None:
    """Write a checkpoint whole, over an earlier one; `state` is anything JSON holds."""
    tensors = {f"net/{k}": v for k, v in network.state_dict().items()}
    tensors |= {f"mean/{k}": v for k, v in mean.state_dict().items()}
    for name, parameter in network.named_parameters():
        for key, value in optimiser.state.get(parameter, {}).items():
            tensors[f"{key}/{name}"] = torch.as_tensor(value)
    whole = {k: v.detach().cpu().contiguous().clone() for k, v in tensors.items()}
    with replacing(path, overwrite=True) as temporary:
        save_file(whole, str(temporary), _header(network, state))


def load(path: Path, network: Network, mean: Network, optimiser: torch.optim.Optimizer) -> dict:
    """Bring a run back to where its checkpoint was; returns its `state`. Raises `InputError`."""
    try:
        with safe_open(str(path), framework="pt") as file:
            header = file.metadata() or {}
        tensors = load_file(str(path))
    except (OSError, SafetensorError) as error:
        raise InputError(f"{path} cannot be read ({error}); start without --resume") from error
    if header.get("schema") != SCHEMA:
        raise InputError(f"{path} has schema {header.get('schema')}, expected {SCHEMA}; start without --resume")
    try:
        network.load_state_dict(_under("net/", tensors))
        mean.load_state_dict(_under("mean/", tensors))
    except RuntimeError as error:
        raise InputError(f"{path} is of another network ({error}); start without --resume") from error
    for name, parameter in network.named_parameters():
        if f"exp_avg/{name}" in tensors:
            moments = {key: tensors[f"{key}/{name}"].to(parameter.device) for key in ("exp_avg", "exp_avg_sq")}
            optimiser.state[parameter] = {"step": tensors[f"step/{name}"], **moments}
    return json.loads(header["state"])


def _header(network: Network, state: dict) -> dict[str, str]:
    return {"schema": SCHEMA, "architecture": json.dumps(network.architecture.as_dict()), "state": json.dumps(state)}


def _under(prefix: str, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
