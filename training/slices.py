"""What a slice of training leaves in its run's folder: weights, their architecture, how far it came, and a line of progress."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from ..core.atomic import replacing
from ..core.errors import InputError

WEIGHTS, ARCHITECTURE, STATE, PROGRESS = "weights.safetensors", "architecture.json", "state.json", "progress.jsonl"
DECIMALS = 4  # of the numbers that are printed
NOTHING = {"samples": 0, "steps": 0, "slices": 0}  # how far a run is that begins


def leave(
    run: Path, mean: torch.nn.Module, architecture: Mapping[str, Any], done: Mapping[str, int], steps: int, batch: int
) -> None:
    """Write the running mean of the weights in half precision, over those of an earlier slice.

    Args:
        done: how far the run was before this slice, as `NOTHING`.
        steps, batch: the steps of this slice, and the samples of each.
    """
    state = {
        "samples": done["samples"] + steps * batch,
        "steps": done["steps"] + steps,
        "slices": done["slices"] + 1,
    }
    tensors = {k: v.half() if v.is_floating_point() else v for k, v in mean.state_dict().items()}
    with replacing(run / WEIGHTS, overwrite=True) as temporary:
        save_file({k: v.contiguous() for k, v in tensors.items()}, temporary)
    for name, data in ((ARCHITECTURE, architecture), (STATE, state)):
        with replacing(run / name, overwrite=True) as temporary:
            temporary.write_text(json.dumps(data))


def report(run: Path, line: Mapping[str, float]) -> None:
    """Print a line of progress and keep it."""
    print(json.dumps({k: round(v, DECIMALS) for k, v in line.items()}), flush=True)
    with open(run / PROGRESS, "a") as file:
        file.write(json.dumps(line) + "\n")


def read_slice(run: Path, trainer: str) -> tuple[dict, dict, dict]:
    """The architecture, the state and the last line of progress of a finished slice.

    Raises:
        InputError: the run has none; `trainer` is the module to train with.
    """
    if not all((run / name).is_file() for name in (WEIGHTS, PROGRESS)):
        raise InputError(f"{run} holds no finished slice; train first with python -m {trainer}")
    architecture, state = (json.loads((run / name).read_text()) for name in (ARCHITECTURE, STATE))
    return architecture, state, json.loads((run / PROGRESS).read_text().splitlines()[-1])
