"""The deflicker head exported to ONNX, which is what renders run: written from its torch weights and compared with them.

Opset 17, any number of frames T, any height and width that are multiples of 8, float32 inputs and output; the half file
computes in float16. The header has name, version, licence and the hash of the weights.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
import warnings
from pathlib import Path

import click
import numpy as np
import torch
from torch import nn

from ..core import VERSION
from ..core.atomic import replacing, require_free
from ..core.errors import InputError, UsageError
from ..core.temporal.align import NEIGHBOURS
from ..core.temporal.deflicker import SHIPPED, STRIDE, open_session
from ..core.temporal.head import load

OPSET = 17
SHAPES = ((1, 64, 64), (2, 64, 96), (7, 72, 128), (40, 64, 64), (1, 288, 512))
"""Frames, height and width that parity is checked on."""
_INPUTS = {"difference": 3, "light": 3, "plate": 1, "confidence": 1}


@click.command("onnx")
@click.option(
    "--weights",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The torch weights of the deflicker head. [default: those that ship]",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    metavar="FOLDER",
    help="The folder to write.",
)
@click.option("--opset", type=click.IntRange(17, 20), default=OPSET, show_default=True)
@click.option("--overwrite", is_flag=True, help="Replace files that are already there.")
def command(weights: Path | None, out: Path, opset: int, overwrite: bool) -> None:
    """Write the deflicker head as ONNX, float32 and float16, and check both against torch."""
    weights = weights or SHIPPED.with_suffix(".safetensors")
    paths = {half: out / f"{weights.stem}{'-half' if half else ''}.onnx" for half in (False, True)}
    require_free(paths.values(), overwrite, [weights])
    for half, path in paths.items():
        export(weights, path, half=half, opset=opset, overwrite=overwrite)
        largest = parity(weights, path)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        click.echo(f"{path}: sha256 {digest[:16]}, largest difference from torch {largest:.2e}")


def export(weights: Path, path: Path, *, half: bool = False, opset: int = OPSET, overwrite: bool = False) -> None:
    """Write one file, whole or not at all. Raises `InputError` for weights that are none, `OutputError`."""
    try:
        import onnx
    except ImportError:
        raise UsageError("relamp export onnx needs the package onnx: pip install 'relamp[onnx]'") from None
    head, card = load(weights)
    module = _Typed(head, torch.float16 if half else torch.float32).eval()
    axes = {name: {0: "T", 3: "H", 4: "W"} for name in _INPUTS} | {
        n: {0: "T", 2: "H", 3: "W"} for n in ("matte", "correction")
    }
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        # The tracing exporter writes plain operators and needs nothing but onnx; torch would rather have its new one, and
        # warns of every constant it traces. What comes out is held against torch.
        warnings.simplefilter("ignore")
        raw = Path(folder) / "head.onnx"
        torch.onnx.export(
            module, random_inputs((2, 32, 40), 0), str(raw), dynamo=False, opset_version=opset, dynamic_axes=axes,
            input_names=[*_INPUTS, "matte"], output_names=["correction"],
        )  # fmt: skip
        model = onnx.load(str(raw))
    onnx.helper.set_model_props(model, _facts(weights, card, half))
    model.producer_name, model.producer_version = "relamp", VERSION
    onnx.checker.check_model(model, full_check=True)
    with replacing(path, overwrite) as temporary:
        temporary.write_bytes(model.SerializeToString(deterministic=True))


def parity(weights: Path, path: Path, shapes: tuple[tuple[int, int, int], ...] = SHAPES) -> float:
    """The largest difference between the file in ONNX Runtime and torch in float32, over random inputs of `shapes`."""
    head, _ = load(weights)
    session, largest = open_session(path, "cpu"), 0.0
    for seed, shape in enumerate(shapes):
        inputs = random_inputs(shape, seed)
        with torch.inference_mode():
            expected = head(*inputs).numpy()
        feed = {name: tensor.numpy() for name, tensor in zip((*_INPUTS, "matte"), inputs, strict=True)}
        (got,) = session.run(["correction"], feed)
        largest = max(largest, float(np.abs(np.asarray(got) - expected).max()))
    return largest


def random_inputs(shape: tuple[int, int, int], seed: int) -> tuple[torch.Tensor, ...]:
    """Random inputs of the head: whole frames that are off, under a little noise, so that it has much to correct.

    `shape` is (T, h, w).
    """
    frames, height, width = shape
    if height % STRIDE or width % STRIDE:
        raise UsageError(f"height and width must be multiples of {STRIDE}; got {height} x {width}")
    chance = torch.Generator().manual_seed(seed)
    n = len(NEIGHBOURS)
    noise = [torch.randn(frames, n, c, height, width, generator=chance) for c in _INPUTS.values()]
    off = 0.2 * torch.randn(frames, n, 3, 1, 1, generator=chance)
    matte = torch.rand(frames, 1, height, width, generator=chance)
    return off + 0.03 * noise[0], 0.02 * noise[1], 0.03 * noise[2].abs(), (0.3 * noise[3] + 0.8).clamp(0, 1), matte


class _Typed(nn.Module):
    """The head, computing in a type of its own between float32 inputs and output."""

    def __init__(self, head: nn.Module, dtype: torch.dtype) -> None:
        super().__init__()
        self.head, self.dtype = head.to(dtype), dtype

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        return self.head(*(planes.to(self.dtype) for planes in inputs)).float()


def _facts(weights: Path, card: dict, half: bool) -> dict[str, str]:
    facts = {key: card[key] for key in ("schema", "name", "licence", "parameters", "scores") if key in card}
    facts |= {"version": VERSION, "precision": "float16" if half else "float32", "weights_sha256": _digest(weights)}
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in facts.items()}


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror})") from None
