"""What the frozen shape network finds at random points of ray-cast views under random lights, with the parts that are there.

    python -m relamp.training.parts.cache --views data/views --out data/parts --rounds 2

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
from torch.nn.functional import grid_sample, interpolate

from ...core.atomic import replacing
from ...core.shape.estimators.own import load
from ...core.shape.estimators.shape_network import ShapeNetwork
from ...core.shape.seen import PARTS
from ..views.light import Draw, Views, draw_light, shade
from ..views.mesh import CLOTH, HAIR, SKIN
from ..views.plate import plate
from ..views.view import FIELDS, LEAST

POINTS = 128  # of each picture
SIZES = (128, 192, 256, 320)  # px at which the shape network looks, equally often; the product looks at 320
WINDOW = 0.5  # share of the pictures that show a part of a view
SMALLEST = 0.6  # of a view's side, of such a part
AT_ONCE = 4  # pictures
OF_PARTS = {SKIN: PARTS.index("skin"), HAIR: PARTS.index("hair"), CLOTH: PARTS.index("cloth")}
ELSE = len(PARTS)  # the label of all else: things, ground, eyes, teeth, the inside of a mouth
SPATIAL = tuple(name for name in FIELDS if name not in ("directions", "pixel"))


@dataclass(frozen=True)
class Points:
    """`POINTS` points inside the matte of each of N pictures.

    `features` (N POINTS, C) float16, those of all scales of the shape network, the finest first; `label` (N POINTS,) uint8,
    places in `PARTS` or `ELSE`; `size` (N,) uint16, px at which each picture was looked at.
    """

    features: np.ndarray
    label: np.ndarray
    size: np.ndarray


@torch.inference_mode()
def points_of(network: ShapeNetwork, views: Views, size: int, draw: Draw) -> Points:
    """What the network finds in plates of some views in random lights, looked at `size` px large."""
    count = len(views.matte)
    picture, white = shade(views, draw_light(draw, count), draw)
    code, matte = plate(picture, white, views.matte, draw)
    large = (interpolate(p, size=(size, size), mode="bilinear", antialias=True) for p in (code, matte))
    with torch.autocast(code.device.type, dtype=torch.bfloat16):
        _, found = network.with_features(*(p.contiguous(memory_format=torch.channels_last) for p in large))
    height, width = views.matte.shape[-2:]
    index = _inside(views, draw)  # N, POINTS
    across, down = ((index % width) + 0.5) / width, (index // width + 0.5) / height
    places = torch.stack([across, down], -1)[:, :, None] * 2 - 1  # N, POINTS, 1, 2
    features = torch.cat([_at(planes, places) for planes in found.scales], 2)
    part = views.part.flatten(1).gather(1, index)
    return Points(
        features.flatten(0, 1).half().numpy(), label_of(part).flatten().numpy(), np.full(count, size, np.uint16)
    )


def label_of(part: torch.Tensor) -> torch.Tensor:
    """Parts of `training.views.mesh` as labels, uint8."""
    label = torch.full_like(part, ELSE, dtype=torch.uint8)
    for of_mesh, place in OF_PARTS.items():
        label[part == of_mesh] = place
    return label


def _inside(views: Views, draw: Draw) -> torch.Tensor:
    """(N, POINTS) indices of random pixels of the subject."""
    order = draw.uniform(0, 1, *views.matte.flatten(1).shape) * (views.matte.flatten(1) > 0.5)
    return order.topk(POINTS, 1).indices


def _at(planes: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """Planes (N, C, h, w) at places (N, P, 1, 2), (N, P, C), as `interpolate` reads between pixels."""
    found = grid_sample(planes.float(), places, mode="bilinear", padding_mode="border", align_corners=False)
    return found[..., 0].transpose(1, 2)


def shard_of(network: ShapeNetwork, stored: dict[str, np.ndarray], rng: np.random.Generator, draw: Draw) -> Points:
    """The points of a shard of views."""
    parts: list[Points] = []
    for first in range(0, len(stored["matte"]), AT_ONCE):
        some = {name: value[first : first + AT_ONCE] for name, value in stored.items()}
        size = int(rng.choice(SIZES))
        views = _views(some, size, rng)
        if len(views.matte):
            parts.append(points_of(network, views, size, draw))
    return Points(*(np.concatenate([getattr(p, name) for p in parts]) for name in ("features", "label", "size")))


def _views(stored: dict[str, np.ndarray], size: int, rng: np.random.Generator) -> Views:
    """Views of which the subject fills at least `LEAST`, whole or a part of each.

    Of a view that is looked at small every second pixel is lit, which is a quarter of the work.
    """
    side = whole = stored["matte"].shape[1]
    if rng.random() < WINDOW:
        side = int(whole * rng.uniform(SMALLEST, 1)) // 16 * 16
    stride = 2 if size < side else 1
    corners = rng.integers(0, whole - side + 1, (len(stored["matte"]), 2))
    windows = [(slice(y, y + side, stride), slice(x, x + side, stride)) for y, x in corners]
    kept = [k for k, w in enumerate(windows) if (stored["matte"][(k, *w)] > 127).mean() >= LEAST]
    every = {name: stored[name][kept] for name in FIELDS if name not in SPATIAL}
    every["pixel"] = every["pixel"] * np.float32(stride)
    for name in SPATIAL:
        cut = [stored[name][(k, *windows[k])] for k in kept]
        every[name] = np.stack(cut) if cut else stored[name][:0]
    return Views.of({name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in every.items()})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--views", type=Path, default=Path("data/views"))
    parser.add_argument("--out", type=Path, default=Path("data/parts"))
    parser.add_argument("--rounds", type=int, default=2, help="lights that each view is shown under")
    given = parser.parse_args()
    torch.set_num_threads(1)
    given.out.mkdir(parents=True, exist_ok=True)
    loaded = load()
    network = loaded.network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    for number in range(given.rounds):
        for path in sorted(given.views.glob("views-*.npz")):
            seed = int(path.stem.split("-")[1])
            target = given.out / f"parts-{seed:06d}-{number}.npz"
            if target.exists():
                continue
            began = time.time()
            with np.load(path) as file:
                stored = {name: file[name] for name in FIELDS}
            draw = Draw(torch.Generator().manual_seed(100_000 * (number + 1) + seed), torch.device("cpu"))
            points = shard_of(network, stored, np.random.default_rng((number, seed)), draw)
            with replacing(target, overwrite=True) as temporary, open(temporary, "wb") as out:
                np.savez(out, **vars(points), shape=loaded.digest)
            print(f"{target.name}: {len(points.size)} pictures, {time.time() - began:.1f} s", flush=True)


if __name__ == "__main__":
    main()
