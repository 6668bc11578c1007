"""What one frame costs with each estimator at its published size: processor time, and the most memory that was resident.

    python benchmarks/estimators.py [--only own,moge-s,moge-b,moge-l,david-b,david-l,marigold] [--out estimators.md]

Weights are random, because speed does not depend on them, and are run by the code that runs the downloaded files. Encoders
are the published ones: vision transformers of DINOv2's sizes for MoGe-2 (14 px patches, 1800 tokens), of 16 px patches on
512 x 512 px for DAViD. Convolutions stand for their heads, with about as many weights as the published files have beyond
their encoders. Marigold has the UNet and autoencoder of Stable Diffusion 2, 768 px, 4 steps, stored in half precision; one of
its three predictions is measured. The picture is 1920 x 1080 px. Each estimator runs in a process of its own.
"""

# pyright: reportMissingImports=false
# relamp is found where it is installed.

from __future__ import annotations

import argparse
import resource
import tempfile
import time
import warnings
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

from relamp.core import process

process.set_up()

import numpy as np  # noqa: E402
import torch  # noqa: E402
from report import Report  # noqa: E402
from torch import nn  # noqa: E402

from relamp.core.pictures.resample import resize, working_shape  # noqa: E402
from relamp.core.shape.estimators import Estimator, Picture  # noqa: E402

VITS = {"s": (384, 12, 6), "b": (768, 12, 12), "l": (1024, 24, 16)}  # width, blocks, heads
HEADS = {"moge-s": 13e6, "moge-b": 18e6, "moge-l": 27e6, "david-b": 34e6, "david-l": 36e6}
"""Weights of the published files beyond their encoders."""
CHANNELS = 64  # of the head where it has the picture's size
PLATE = (1080, 1920)


class Block(nn.Module):
    """Attention and perceptron of a vision transformer; torch's own layer cannot be written as ONNX."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
        self.into, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.perceptron = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """(1, N, width) to the same."""
        _, count, width = tokens.shape
        parts = (
            self.into(self.first(tokens)).reshape(1, count, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        )
        shares = (parts[0] @ parts[1].transpose(-1, -2) * (width // self.heads) ** -0.5).softmax(-1)
        tokens = tokens + self.out((shares @ parts[2]).transpose(1, 2).reshape(1, count, width))
        return tokens + self.perceptron(self.second(tokens))


class Encoder(nn.Module):
    """A vision transformer: tokens of `patch` px, blocks of attention and perceptron."""

    def __init__(self, size: str, patch: int, tokens: int) -> None:
        super().__init__()
        self.width, blocks, heads = VITS[size]
        self.cut = nn.Conv2d(3, self.width, patch, patch)
        self.place = nn.Parameter(torch.randn(1, tokens, self.width) * 0.02)
        self.blocks = nn.Sequential(*(Block(self.width, heads) for _ in range(blocks)))

    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        """(1, 3, h, w) to (1, width, h / patch, w / patch)."""
        cut = self.cut(picture)
        tokens = self.blocks(cut.flatten(2).transpose(1, 2) + self.place)
        return tokens.transpose(1, 2).reshape(cut.shape)


class Head(nn.Module):
    """Convolutions that enlarge tokens to the picture; the coarse ones hold the weights that the published head has."""

    def __init__(self, width: int, weights: float, outputs: int) -> None:
        super().__init__()
        wide = 256
        count = max(1, round(weights / (9 * wide * wide)) - 1)
        self.into = nn.Conv2d(width, wide, 1)
        self.coarse = nn.Sequential(
            *(m for _ in range(count) for m in (nn.Conv2d(wide, wide, 3, padding=1), nn.ReLU()))
        )
        self.fine = nn.Sequential(
            nn.Conv2d(wide, CHANNELS, 3, padding=1), nn.ReLU(), nn.Conv2d(CHANNELS, outputs, 3, padding=1)
        )

    def forward(self, tokens: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
        """(1, width, h, w) to (1, outputs, *size)."""
        found = self.coarse(nn.functional.interpolate(self.into(tokens), scale_factor=2.0))
        return self.fine(nn.functional.interpolate(found, size=size, mode="bilinear"))


class MoGeGraph(nn.Module):
    """The inputs and outputs of MoGe-2."""

    def __init__(self, size: str, grid: tuple[int, int], picture: tuple[int, int]) -> None:
        super().__init__()
        self.at, self.picture = (14 * grid[0], 14 * grid[1]), picture
        self.encoder = Encoder(size, 14, grid[0] * grid[1])
        self.head = Head(self.encoder.width, HEADS[f"moge-{size}"], 7)

    def forward(self, image: torch.Tensor, num_tokens: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Points (1, H, W, 3), normals (1, H, W, 3), mask (1, H, W) and metric scale (1,)."""
        small = nn.functional.interpolate(image, size=self.at, mode="bilinear")
        planes = self.head(self.encoder(small), self.picture)
        points, normals, mask = planes[:, :3], planes[:, 3:6], planes[:, 6].sigmoid() * 0 + 1
        ahead = torch.cat([points[:, :2], points[:, 2:].exp() + 1], 1)
        scale = planes.mean((1, 2, 3)) * 0 + 1 + 0 * num_tokens.float()
        return ahead.permute(0, 2, 3, 1), nn.functional.normalize(normals, dim=1).permute(0, 2, 3, 1), mask, scale


class DavidGraph(nn.Module):
    """The input and outputs of DAViD's file of three tasks."""

    def __init__(self, size: str) -> None:
        super().__init__()
        self.encoder = Encoder(size, 16, 32 * 32)
        self.head = Head(self.encoder.width, HEADS[f"david-{size}"], 5)

    def forward(self, picture: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Depth, normal and foreground, (1, C, 512, 512) each."""
        planes = self.head(self.encoder(picture), (512, 512))
        return planes[:, :1], planes[:, 1:4], planes[:, 4:].sigmoid()


def export(graph: nn.Module, inputs: dict[str, torch.Tensor], outputs: tuple[str, ...], path: Path) -> None:
    """Write a graph as ONNX with named inputs and outputs."""
    torch.onnx.export(
        graph.eval(), tuple(inputs.values()), str(path), input_names=[*inputs], output_names=[*outputs], opset_version=17,
        dynamo=False,
    )  # fmt: skip


def write_moge(size: str, path: Path) -> None:
    """Write MoGe-2 of a size."""
    from relamp.core.shape.estimators.moge import TOKENS, MoGe

    picture = working_shape(*PLATE, MoGe.size)
    rows = round((TOKENS * picture[0] / picture[1]) ** 0.5)
    inputs = {"image": torch.rand(1, 3, *picture), "num_tokens": torch.tensor(TOKENS)}
    names = ("points", "normal", "mask", "metric_scale")
    export(MoGeGraph(size, (rows, round(TOKENS / rows)), picture), inputs, names, path)


def open_moge(path: Path) -> Estimator:
    from relamp.core.shape.estimators.moge import MoGe

    return MoGe(path)


def write_david(size: str, path: Path) -> None:
    """Write DAViD of a size, its file of three tasks."""
    export(DavidGraph(size), {"input": torch.rand(1, 3, 512, 512)}, ("depth", "normal", "foreground"), path)


def open_david(path: Path) -> Estimator:
    from relamp.core.shape.estimators.david import David

    return David({"multi": path})


def write_marigold(folder: Path) -> None:
    """Write Marigold's normals."""
    from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel

    from relamp.core.relighter.models.layout import write_config

    heads = (5, 10, 20, 20)
    unet = UNet2DConditionModel(
        sample_size=96, in_channels=8, out_channels=4, cross_attention_dim=1024, attention_head_dim=heads,
        use_linear_projection=True,
    )  # fmt: skip
    unet.half().save_pretrained(str(folder / "unet"))
    del unet
    channels = (128, 256, 512, 512)
    vae = AutoencoderKL(
        block_out_channels=channels, layers_per_block=2, latent_channels=4, sample_size=768,
        down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4,
    )  # fmt: skip
    vae.half().save_pretrained(str(folder / "vae"))
    del vae
    DDIMScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", prediction_type="v_prediction",
        timestep_spacing="trailing", rescale_betas_zero_snr=True, set_alpha_to_one=False, steps_offset=1, clip_sample=False,
    ).save_pretrained(str(folder / "scheduler"))  # fmt: skip
    index = {"prediction_type": "normals", "default_denoising_steps": 4, "default_processing_resolution": 768}
    write_config(folder / "model_index.json", {**index, "use_full_z_range": True})


def open_marigold(folder: Path) -> Estimator:
    from relamp.core.shape.estimators.marigold import Marigold, Part

    return Marigold({"normals": Part(folder, torch.zeros(1, 2, 1024))})


def open_own(_: Path) -> Estimator:
    from relamp.core.shape.estimators.own_passes import Own

    return Own()


MAKERS: dict[str, tuple[Callable[[Path], None] | None, Callable[[Path], Estimator]]] = {
    "own": (None, open_own),
    **{f"moge-{size}": (partial(write_moge, size), open_moge) for size in "sbl"},
    **{f"david-{size}": (partial(write_david, size), open_david) for size in "bl"},
    "marigold": (write_marigold, open_marigold),
}
"""How the files of an estimator are written, and how they are opened."""


def write_files(name: str, path: Path) -> None:
    """Write the files of an estimator; in a process of its own, whose memory is not counted."""
    write, _ = MAKERS[name]
    if write is not None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch tells of its next exporter
            write(path)


def measure(name: str, path: Path, say: Connection) -> None:
    """Send seconds to open and of one frame, processor time both, those of the frame by the clock, and the most resident GB."""
    _, open_ = MAKERS[name]
    times = [(time.process_time(), time.perf_counter())]
    estimator = open_(path)
    times.append((time.process_time(), time.perf_counter()))
    plate = np.random.default_rng(0).random((*PLATE, 3), np.float32)
    shape = working_shape(*PLATE, estimator.size)
    estimator.estimate(Picture(resize(plate, shape), np.ones(shape, np.float32), 40.0))
    times.append((time.process_time(), time.perf_counter()))
    opened, frame = (b[0] - a[0] for a, b in pairwise(times))
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    say.send((opened, frame, times[2][1] - times[1][1], most))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(MAKERS), help="names, separated by commas")
    parser.add_argument("--out", type=Path, help="write the table here too, as markdown")
    given = parser.parse_args()
    report = Report(given.out)
    report("| estimator | to open, processor s | a frame, processor s | by the clock, s | most resident, GB |")
    report("| --- | ---: | ---: | ---: | ---: |")
    for name in given.only.split(","):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / ("folder" if name == "marigold" else f"{name}.onnx")
            context = get_context("spawn")
            writer = context.Process(target=write_files, args=(name, path))
            writer.start()
            writer.join()
            hears, says = context.Pipe(False)
            frame = context.Process(target=measure, args=(name, path, says))
            frame.start()
            says.close()
            opened, cost, clock, most = hears.recv()
            frame.join()
        report(f"| {name} | {opened:.1f} | {cost:.1f} | {clock:.1f} | {most:.1f} |")


if __name__ == "__main__":
    main()
