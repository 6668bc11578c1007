"""What one frame costs: networks of Stable Diffusion 1.5's size, as IC-Light runs them, against Relamp's own.

    python benchmarks/published_speed.py [--size 512] [--steps 20] [--measured 2] [--backbone-sizes 160,512]

Weights are random (speed does not depend on them), float32, two threads. IC-Light fc: 8 channels in, guidance (a batch of
two), DPM++ 2M SDE; encoding the subject, the steps, decoding. Of the steps `--measured` are run after one to warm up, and the
fastest counts for each of them; `--measured 0` runs them all. Relamp's own: its shipped weights at its default steps, the
fastest of five calls. Both are measured by the clock and by processor time, which a busy machine distorts less.
"""

# pyright: reportMissingImports=false
# relamp is found where it is installed.

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass

from relamp.core import process

process.set_up()

import numpy as np  # noqa: E402
import torch  # noqa: E402
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL  # noqa: E402
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel  # noqa: E402

from relamp.core.hint import Light  # noqa: E402
from relamp.core.light.backdrop import camera_rays  # noqa: E402
from relamp.core.light.environment import AP1_LUMINANCE, directions  # noqa: E402
from relamp.core.relighter.backbones.relamp import INTRA_OP_THREADS, Relamp  # noqa: E402
from relamp.core.relighter.conditions import Conditions, build  # noqa: E402
from relamp.core.relighter.light_tables import LightTables  # noqa: E402
from relamp.core.relighter.models.check import SD15  # noqa: E402
from relamp.core.relighter.published.courses import image_course  # noqa: E402
from relamp.core.relighter.published.ic_light import ICLight  # noqa: E402
from relamp.core.relighter.published.noise import START, frame_noise  # noqa: E402
from relamp.core.relighter.published.prompts import Text  # noqa: E402

# Stable Diffusion's autoencoder; diffusers' own defaults are of another.
VAE = {
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
    "block_out_channels": (128, 256, 512, 512),
    "layers_per_block": 2,
    "latent_channels": 4,
}
TOKENS, WIDTH = 77, 768


@dataclass(frozen=True)
class Cost:
    """Seconds, by the clock and of the processor."""

    clock: float
    processor: float

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.clock + other.clock, self.processor + other.processor)

    def __mul__(self, count: int) -> Cost:
        return Cost(self.clock * count, self.processor * count)

    def __str__(self) -> str:
        return f"{self.clock:9.3f} s ({self.processor:9.3f} s of processor)"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=512, help="px, both sides of what IC-Light is shown")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--measured", type=int, default=2, help="steps to run; 0 for all of them")
    parser.add_argument("--backbone-sizes", default="160,512", help="px, longer sides Relamp's own is asked at")
    given = parser.parse_args()
    torch.set_num_threads(INTRA_OP_THREADS)
    own = {int(size): cost_of_own(int(size)) for size in given.backbone_sizes.split(",")}
    for size, cost in own.items():
        print(f"relamp, {size} px          {cost}", flush=True)
    published = cost_of_ic_light(given.size, given.steps, given.measured)
    print(f"ic-light, {given.steps} steps       {published}")
    for size, cost in own.items():
        times = published.clock / cost.clock, published.processor / cost.processor
        print(
            f"relamp at {size} px is {times[0]:.0f} times faster by the clock, {times[1]:.0f} times in processor time"
        )


def cost_of_own(size: int) -> Cost:
    """One frame of Relamp's own relighter at a working size."""
    backbone, seen = Relamp("cpu"), conditions(size)
    return fastest(lambda: backbone.relight([seen], frames=[1]), 5)


def cost_of_ic_light(size: int, steps: int, measured: int) -> Cost:
    """One frame through full-size networks; the fastest of `measured` steps stands for each."""
    with torch.inference_mode():
        unet = UNet2DConditionModel(**SD15, in_channels=8).eval()
        model = ICLight(unet, AutoencoderKL(**VAE).eval())
        picture = torch.zeros(1, 3, size, size)
        encoding = fastest(lambda: model.condition(picture), 1)
        condition = model.condition(picture)
        words = Text(torch.zeros(1, TOKENS, WIDTH), torch.zeros(1, TOKENS, WIDTH))
        course, noise = image_course("dpm++", steps, steps), frame_noise(0)
        sample = course.begin(noise(START, (1, 4, size // 8, size // 8)))
        costs = []
        for i in range(measured + 1 if measured else steps):
            begun = now()
            output = model.predict(course.model_input(sample, i), course.timesteps[i], condition, words, 2.0)
            sample = course.step(sample, output, i, noise(i, tuple(sample.shape)))
            costs.append(since(begun))
            print(f"  step {i + 1}              {costs[-1]}", flush=True)
        stepping = least(costs[1:]) * steps if measured else sum(costs, Cost(0, 0))
        decoding = fastest(lambda: model.decode(sample), 1)
    print(f"  encoding, decoding  {encoding}, {decoding}")
    return encoding + stepping + decoding


def conditions(size: int) -> Conditions:
    """A ball under a light from the right, 16 to 9."""
    height, width = round(size * 9 / 16), size
    y, x = np.mgrid[:height, :width].astype(np.float32)
    x, y = (x + 0.5 - width / 2) / height * 2.4, (height / 2 - y - 0.5) / height * 2.4
    z = np.sqrt(np.maximum(1 - x * x - y * y, 0))
    inside = (x * x + y * y < 1).astype(np.float32)
    lobe = np.exp(8 * (directions(32, 64) @ np.array([1, 0, 0], np.float32) - 1))[..., None]
    env = (0.3 + 6 * lobe * np.array([1, 0.9, 0.7])).astype(np.float32)
    tables = LightTables.of(env, Light.of(env, np.array(AP1_LUMINANCE)))
    light = (inside * (0.1 + 0.3 * z))[..., None].repeat(3, -1)
    return build(light, inside, camera_rays(width, height), (tables, np.eye(3)))


def fastest(work: Callable[[], object], times: int) -> Cost:
    """The least of some calls, after one to warm up when there are several."""
    costs = []
    for _ in range(times + (times > 1)):
        begun = now()
        work()
        costs.append(since(begun))
    return least(costs[times > 1 :])


def least(costs: list[Cost]) -> Cost:
    """By clock and by processor each."""
    return Cost(min(c.clock for c in costs), min(c.processor for c in costs))


def now() -> Cost:
    return Cost(time.perf_counter(), time.process_time())


def since(begun: Cost) -> Cost:
    end = now()
    return Cost(end.clock - begun.clock, end.processor - begun.processor)


if __name__ == "__main__":
    main()
