"""What one frame costs: networks of Stable Diffusion 1.5's size, as IC-Light runs them, against Relamp's own.

    python benchmarks/published_speed.py [--size 512] [--steps 20] [--backbone-sizes 160,512] [--out published_speed.md]

Weights are random (speed does not depend on them), float32, two threads, written once into a folder in the published layout
(4 GB in the system's temporary folder) and run by the backbone itself: `--backbone ic-light`, fc, one pass, guidance (a
batch of two), DPM++ 2M SDE, every step run. A call of one step loads and warms up; the next is the frame. Relamp's own: its
shipped weights at its default steps, the fastest of five calls. Both are measured by the clock and by processor time, which a
busy machine distorts less. Beside it stands the memory estimate that `--dry-run` shows, against the most that was resident
over what was before (Linux only).
"""

# pyright: reportMissingImports=false
# relamp is found where it is installed.

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from relamp.core import process

process.set_up()

import numpy as np  # noqa: E402
import torch  # noqa: E402
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL  # noqa: E402
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel  # noqa: E402
from report import Report  # noqa: E402
from safetensors.torch import save_file  # noqa: E402

from relamp.core.light.backdrop import camera_rays  # noqa: E402
from relamp.core.light.environment import AP1_LUMINANCE, directions  # noqa: E402
from relamp.core.light.irradiance import Light  # noqa: E402
from relamp.core.parameters import RelightParameters  # noqa: E402
from relamp.core.relighter.ic_light.backbone import ICLightFrames  # noqa: E402
from relamp.core.relighter.models.check import SD15  # noqa: E402
from relamp.core.relighter.models.layout import DIFFUSERS, TRANSFORMERS, write_config  # noqa: E402
from relamp.core.relighter.models.ledger import BASE  # noqa: E402
from relamp.core.relighter.own.backbone import INTRA_OP_THREADS, Relamp  # noqa: E402
from relamp.core.relighter.own.conditions import Conditions, build  # noqa: E402
from relamp.core.relighter.own.light_tables import LightTables  # noqa: E402
from relamp.core.relighter.stable_diffusion.clip_text import ClipText  # noqa: E402
from relamp.core.relighter.stable_diffusion.clip_tokens import BEGIN, END  # noqa: E402
from relamp.core.relighter.stable_diffusion.common import OFFSETS  # noqa: E402

# Stable Diffusion's autoencoder and text encoder; diffusers' own defaults are of another autoencoder.
VAE = {
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
    "block_out_channels": (128, 256, 512, 512),
    "layers_per_block": 2,
    "latent_channels": 4,
}
TEXT = {
    "vocab_size": 49408,
    "hidden_size": 768,
    "intermediate_size": 3072,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "max_position_embeddings": 77,
    "hidden_act": "quick_gelu",
    "layer_norm_eps": 1e-5,
}


@dataclass(frozen=True)
class Cost:
    """Seconds, by the clock and of the processor."""

    clock: float
    processor: float


@dataclass(frozen=True)
class Memory:
    """Gigabytes over what the process held before: what was estimated, the most while loading, and while the frame ran."""

    estimate: float
    loading: float
    frame: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=512, help="px, both sides of what IC-Light is shown")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--backbone-sizes", default="160,512", help="px, longer sides Relamp's own is asked at")
    parser.add_argument("--out", type=Path, help="write the table here too, as markdown")
    given = parser.parse_args()
    torch.set_num_threads(INTRA_OP_THREADS)
    own = {int(size): cost_of_own(int(size)) for size in given.backbone_sizes.split(",")}
    with tempfile.TemporaryDirectory() as folder:
        # In a process of its own, so that none of its memory is left here to be used again uncounted.
        writer = get_context("spawn").Process(target=write_models, args=(Path(folder),))
        writer.start()
        writer.join()
        published, memory = cost_of_ic_light(Path(folder), given.size, given.steps)
    Report(given.out)(
        as_markdown(f"ic-light, {given.size} x {given.size} px, {given.steps} steps", published, own, memory)
    )


def cost_of_own(size: int) -> Cost:
    """One frame of Relamp's own relighter at a working size."""
    backbone, seen = Relamp("cpu"), conditions(size, round(size * 9 / 16))
    return fastest(lambda: backbone.relight([seen], frames=[1]), 5)


def cost_of_ic_light(folder: Path, size: int, steps: int) -> tuple[Cost, Memory]:
    """One frame through full-size networks, and what they took."""
    given = RelightParameters(
        backbone="ic-light",
        models=str(folder),
        accept=(OFFSETS["fc"],),
        prompt="light",
        initial_light="none",  # noise alone: every step is run
        ic_light_passes=1,
        device="cpu",
    )
    backbone, seen = ICLightFrames(given, "cpu"), conditions(size, size)
    before = forget_peak()
    backbone.relight([seen], frames=[1], steps=1)
    loading = peak() - before
    forget_peak()
    cost = fastest(lambda: backbone.relight([seen], frames=[1], steps=steps), 1)
    return cost, Memory(backbone.memory(size, size, 1), loading, peak() - before)


def write_models(folder: Path) -> None:
    """Stable Diffusion 1.5 and IC-Light fc at full size in the published layout, half precision, untrained."""
    base = folder / BASE
    torch.manual_seed(0)
    unet = UNet2DConditionModel(**SD15).half().state_dict()
    save(unet, base / "unet" / DIFFUSERS, SD15)
    offset = {key: torch.zeros_like(value) for key, value in unet.items()}
    offset["conv_in.weight"] = torch.zeros(len(unet["conv_in.weight"]), 8, 3, 3, dtype=torch.float16)
    save(offset, folder / OFFSETS["fc"].removesuffix(".safetensors"))
    save(AutoencoderKL(**VAE).half().state_dict(), base / "vae" / DIFFUSERS, VAE)
    text = {f"text_model.{key}": value for key, value in ClipText(TEXT).half().state_dict().items()}
    save(text, base / "text_encoder" / TRANSFORMERS, TEXT)
    words = {word: i for i, word in enumerate([*"light,", *(f"{c}</w>" for c in "light,"), BEGIN, END])}
    tokenizer = base / "tokenizer"
    tokenizer.mkdir()
    (tokenizer / "vocab.json").write_text(json.dumps(words), encoding="utf-8")
    (tokenizer / "merges.txt").write_text("#version: 0.2\n", encoding="utf-8")


def save(tensors: dict[str, torch.Tensor], stem: Path, config: dict | None = None) -> None:
    """A network's weights, and its configuration beside them."""
    if config is not None:
        write_config(stem.parent / "config.json", config)
    save_file(tensors, f"{stem}.safetensors", {"format": "pt"})


def conditions(width: int, height: int) -> Conditions:
    """A ball under a light from the right."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    x, y = (x + 0.5 - width / 2) / height * 2.4, (height / 2 - y - 0.5) / height * 2.4
    z = np.sqrt(np.maximum(1 - x * x - y * y, 0))
    inside = (x * x + y * y < 1).astype(np.float32)
    lobe = np.exp(8 * (directions(32, 64) @ np.array([1, 0, 0], np.float32) - 1))[..., None]
    env = (0.3 + 6 * lobe * np.array([1, 0.9, 0.7])).astype(np.float32)
    tables = LightTables.of(env, Light.of(env, np.array(AP1_LUMINANCE)))
    light = (inside * (0.1 + 0.3 * z))[..., None].repeat(3, -1)
    return build(light, inside, camera_rays(width, height), (tables, np.eye(3)))


def as_markdown(title: str, published: Cost, own: dict[int, Cost], memory: Memory) -> str:
    """A row a network, then a line on memory."""
    lines = ["| one frame | clock, s | processor, s | faster, by clock | in processor time |"]
    lines += ["| --- | ---: | ---: | ---: | ---: |"]
    lines += [f"| {title} | {published.clock:.1f} | {published.processor:.1f} | 1 | 1 |"]
    lines += [
        f"| relamp, {size} px | {cost.clock:.3f} | {cost.processor:.3f} | {published.clock / cost.clock:.0f} | "
        f"{published.processor / cost.processor:.0f} |"
        for size, cost in own.items()
    ]
    took = (
        f"{memory.loading:.1f} GB while its networks were loaded and one step run, {memory.frame:.1f} GB for the frame"
    )
    lines += ["", f"ic-light's memory: estimated {memory.estimate:.1f} GB; most resident {took}."]
    return "\n".join(lines)


def fastest(work: Callable[[], object], times: int) -> Cost:
    """The least of some calls by clock and by processor each, after one to warm up when there are several."""
    costs = []
    for _ in range(times + (times > 1)):
        begun = time.perf_counter(), time.process_time()
        work()
        costs.append((time.perf_counter() - begun[0], time.process_time() - begun[1]))
    kept = costs[times > 1 :]
    return Cost(min(clock for clock, _ in kept), min(processor for _, processor in kept))


def forget_peak() -> float:
    """Have the most that was resident start anew from what is; gigabytes that are."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return resident("VmRSS")


def peak() -> float:
    """The most that was resident since, in gigabytes."""
    return resident("VmHWM")


def resident(kind: str) -> float:
    """A line of the process's state, in gigabytes."""
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text("ascii").splitlines())
    return int(lines[kind].split()[0]) * 1024 / 1e9


if __name__ == "__main__":
    main()
