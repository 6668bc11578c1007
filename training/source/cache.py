"""What the frozen shape network sees of ray-cast views under random lights, small, with the lights that they were lit with.

    python -m relamp.training.source.cache --views data/views --out data/source --rounds 3

One shard of views and one round of lights make one shard here; shards that exist are skipped. Every random number depends on the
seeds of the shard and the round alone.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import interpolate, normalize

from ...core.atomic import replacing
from ...core.shape.estimators.own import load
from ...core.shape.estimators.shape_network import ShapeNetwork
from ..views.light import LUMINANCE, Draw, Light, Views, draw_light, shade
from ..views.plate import plate
from ..views.view import FIELDS, SKY

STRIDE = 2  # every second pixel of a view is lit; a quarter of the work, and light is smooth
SEEN = 192  # px at which the shape network looks; among the sizes of its training
SMALL = 64  # px of what is stored


@dataclass(frozen=True)
class Seen:
    """Views of one shard under one round of lights, float16 but where it says otherwise; h = w = `SMALL`.

    `code` (N, 3, h, w) of the plate's proxy, `matte` (N, 1, h, w); what the shape network sees in it: `normals` (N, 3, h, w)
    unit, `log_albedo` (N, 3, h, w), `doubt` (N, 1, h, w). The truth: `true_normals` (N, 3, h, w) unit or 0, `arrived`
    (N, 1, h, w) log luminance of the light that arrives, with shadows and bounce. The light, camera space: `axis` (N, 7, 3),
    `sharpness` (N, 7), `soft` (N, 7) luminance of the sky's lobes; `lamp` (N, 3) irradiance and `toward` (N, 18, 3) directions
    of the lamps, six each. All five of the light are float32.
    """

    code: np.ndarray
    matte: np.ndarray
    normals: np.ndarray
    log_albedo: np.ndarray
    doubt: np.ndarray
    true_normals: np.ndarray
    arrived: np.ndarray
    axis: np.ndarray
    sharpness: np.ndarray
    soft: np.ndarray
    lamp: np.ndarray
    toward: np.ndarray


@torch.inference_mode()
def seen_of(network: ShapeNetwork, views: Views, light: Light, draw: Draw) -> Seen:
    """What the network sees of plates of some views in a light."""
    picture, white = shade(views, light, draw)
    code, matte = plate(picture, white, views.matte, draw)
    large = (interpolate(p, size=(SEEN, SEEN), mode="bilinear", antialias=True) for p in (code, matte))
    with torch.autocast(code.device.type, dtype=torch.bfloat16):
        shape = network(*(p.contiguous(memory_format=torch.channels_last) for p in large))
    luminance = torch.tensor(LUMINANCE)
    white = (white * luminance[:, None, None]).sum(1, keepdim=True)
    planes = (code, matte, shape.normals, shape.log_albedo, shape.doubt, views.normals, white)
    code, matte, normals, log_albedo, doubt, true, white = (_small(p) for p in planes)
    true = torch.where(true.norm(dim=1, keepdim=True) > 0.5, normalize(true, dim=1), torch.zeros(()))
    halves = (code, matte, normalize(normals, dim=1), log_albedo, doubt, true, white.clamp_min(1e-4).log())
    lamps = (light.axis, light.sharpness, light.colour @ luminance, light.lamp @ luminance, views.directions[:, SKY:])
    return Seen(*(p.half().numpy() for p in halves), *(p.numpy() for p in lamps))


def _small(planes: torch.Tensor) -> torch.Tensor:
    return interpolate(planes.float(), size=(SMALL, SMALL), mode="bilinear", antialias=True)


def _views(path: Path) -> Views:
    """The views of a shard, one pixel in `STRIDE` each way."""
    with np.load(path) as stored:
        part = {name: stored[name] for name in FIELDS}
    every = {n: v[:, ::STRIDE, ::STRIDE] if v.ndim >= 3 and n != "directions" else v for n, v in part.items()}
    every["pixel"] = every["pixel"] * np.float32(STRIDE)
    return Views.of({name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in every.items()})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--views", type=Path, default=Path("data/views"))
    parser.add_argument("--out", type=Path, default=Path("data/source"))
    parser.add_argument("--rounds", type=int, default=3, help="lights that each view is shown under")
    given = parser.parse_args()
    torch.set_num_threads(1)
    given.out.mkdir(parents=True, exist_ok=True)
    network = load().network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    for number in range(given.rounds):
        paths = sorted(given.views.glob("views-*.npz"))
        for path in paths:
            seed = int(path.stem.split("-")[1])
            target = given.out / f"source-{seed:06d}-{number}.npz"
            if target.exists():
                continue
            began = time.time()
            views = _views(path)
            draw = Draw(torch.Generator().manual_seed(100_000 * (number + 1) + seed), torch.device("cpu"))
            seen = seen_of(network, views, draw_light(draw, len(views.matte)), draw)
            with replacing(target, overwrite=True) as temporary, open(temporary, "wb") as file:
                np.savez(file, **vars(seen))
            print(f"{target.name}: {len(seen.matte)} views, {time.time() - began:.1f} s", flush=True)


if __name__ == "__main__":
    main()
