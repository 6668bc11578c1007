"""Trains the network that sees shape on ray-cast views, lit anew each time they are shown.

    python -m relamp.training.shape.train --views data/views --out data/runs/shape --minutes 20 [--device cuda --batch 96]

Shards that appear while training runs are taken up. Runs go in slices: each starts from `--start` weights or from its own last
state (`--resume`), and cools its learning rate down to its end. Leaves `weights.safetensors` with its card in the header,
`progress.jsonl`, and the state to go on from. Three shards are held out, by their seeds.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import time
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch.nn.functional import interpolate, normalize

from ...core.shape.estimators.shape_network import Shape, ShapeArchitecture, ShapeNetwork
from .. import slices
from ..views.light import Draw, Views, draw_light, resized, shade
from ..views.mesh import CLOTH, HAIR, SKIN
from ..views.plate import plate
from ..views.view import FIELDS

HELD = (1, 2, 3)  # seeds of shards that are never trained on
SIZES = ((0.1, 128), (0.2, 192), (0.4, 256), (0.3, 320))  # shares of the steps, and pixels of a side
CROP = 0.25  # chance that a step shows a part of each view, enlarged
REPORT = 60.0  # seconds between lines of progress


class Shards:
    """Views as they are stored, on one device, and those that are held out."""

    def __init__(self, folder: Path, device: torch.device, most: int) -> None:
        self._folder, self._device, self._most = folder, device, most
        self._read: set[Path] = set()
        self._kept: dict[str, torch.Tensor] = {}
        self._held: list[dict[str, torch.Tensor]] = []
        self.count = 0

    def take_up(self, at_once: int = 1000) -> int:
        """Read at most `at_once` shards that are new; how many have been read in all."""
        for path in sorted(set(self._folder.glob("views-*.npz")) - self._read)[:at_once]:
            self._read.add(path)
            with np.load(path) as stored:
                part = {name: torch.from_numpy(stored[name]) for name in FIELDS}
            if held_out(int(path.stem.split("-")[1])):
                self._held.append({name: value.to(self._device) for name, value in part.items()})
            else:
                self._keep(part)
        return len(self._read)

    def draw(self, rng: np.random.Generator, count: int) -> Views:
        """Some views, any of all."""
        rows = torch.from_numpy(rng.integers(self.count, size=count)).to(self._device)
        return Views.of({name: kept[rows] for name, kept in self._kept.items()})

    def held_out(self, count: int) -> list[Views]:
        """The first `count` views of each shard that is held out."""
        return [Views.of({n: part[n][:count] for n in FIELDS}) for part in self._held]

    def _keep(self, part: dict[str, torch.Tensor]) -> None:
        """Into room that is set aside once, so that drawing is one look-up a field."""
        if not self._kept:
            self._kept = {
                n: torch.empty((self._most, *v.shape[1:]), dtype=v.dtype, device=self._device) for n, v in part.items()
            }
        count = min(len(part["matte"]), self._most - self.count)
        for name, value in part.items():
            self._kept[name][self.count : self.count + count] = value[:count].to(self._device)
        self.count += count


def held_out(seed: int) -> bool:
    """Whether a shard is never trained on: the first of people and of things, and one of people more."""
    return seed in HELD


def main() -> None:
    given = _arguments()
    device = torch.device(given.device)
    if given.threads:
        torch.set_num_threads(given.threads)
    given.out.mkdir(parents=True, exist_ok=True)
    architecture = ShapeArchitecture()
    network = ShapeNetwork(architecture).to(device)
    if device.type == "cuda":
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
        torch.backends.cudnn.benchmark = True
    network = network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    state_path = given.out / slices.STATE
    done = dict(slices.NOTHING)
    start = given.out / slices.WEIGHTS if given.resume else given.start
    if start is not None and start.exists():
        network.load_state_dict(load_file(start, device=str(device)))  # halves widen to the network's own type
        if given.resume and state_path.exists():
            done = json.loads(state_path.read_text())
    trainer = Trainer(network, given, device, done)
    trainer.run()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--views", type=Path, default=Path("data/views"))
    parser.add_argument("--out", type=Path, default=Path("data/runs/shape"))
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--batch", type=int, default=12)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=0, help="of torch on the processor; 0 leaves it alone")
    parser.add_argument("--rate", type=float, default=1.5e-3, help="the highest learning rate")
    parser.add_argument("--start", type=Path, help="weights to begin with")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--most", type=int, default=40000, help="views that are kept in memory")
    parser.add_argument("--wait", type=int, default=1, help="shards to wait for before the first step")
    parser.add_argument(
        "--sizes", type=int, nargs="*", help="pixels of a side, each equally often, instead of the usual"
    )
    return parser.parse_args()


class Trainer:
    """One slice of training."""

    def __init__(self, network: ShapeNetwork, given: argparse.Namespace, device: torch.device, done: dict) -> None:
        self._network, self._given, self._device, self._done = network, given, device, done
        self._mean = copy.deepcopy(network).eval()
        self._optimiser = torch.optim.AdamW(network.parameters(), lr=given.rate, weight_decay=0.01, betas=(0.9, 0.98))
        seed = given.seed + 1000 * done["slices"]
        self._rng = np.random.default_rng(seed)
        self._draw = Draw(torch.Generator(device).manual_seed(seed), device)
        self._shards = Shards(given.views, device, given.most)

    def run(self) -> None:
        """Train until the minutes are over, then score and save."""
        given, began = self._given, time.time()
        while self._shards.take_up() < given.wait or not self._shards.count:
            time.sleep(1)
        step, told, losses = 0, time.time(), []
        while (gone := (time.time() - began) / (60 * given.minutes)) < 1:
            if step % 20 == 19:
                self._shards.take_up(2)
            rate = given.rate * min(1, (step + 1) / 200) * (0.5 * (1 + math.cos(math.pi * gone)) + 0.01)
            for group in self._optimiser.param_groups:
                group["lr"] = rate
            losses.append(self._step())
            step += 1
            self._average(step)
            if time.time() - told > REPORT:
                told = time.time()
                line = {"minutes": (told - began) / 60, "steps": step, "views": self._shards.count}
                line |= {k: float(torch.stack([x[k] for x in losses]).mean()) for k in losses[0]} | self.score()
                losses = []
                self._tell(line)
                self.save(step)
        self.save(step)
        self._tell({"minutes": given.minutes, "steps": step, "views": self._shards.count} | self.score(48))

    def _tell(self, line: dict[str, float]) -> None:
        slices.report(self._given.out, line)

    def _step(self) -> dict[str, torch.Tensor]:
        code, matte, views = self.sample(self._given.batch, self._size())
        with torch.autocast(self._device.type, dtype=torch.bfloat16):
            code, matte = (x.contiguous(memory_format=torch.channels_last) for x in (code, matte))
            shape = self._network(code, matte)
        terms = losses_of(shape, views, self._draw)
        total = torch.stack(list(terms.values())).sum()
        self._optimiser.zero_grad(set_to_none=True)
        total.backward()
        torch.nn.utils.clip_grad_norm_(self._network.parameters(), 1.0)
        self._optimiser.step()
        return {k: v.detach() for k, v in terms.items()}

    def _size(self) -> int:
        if self._given.sizes:
            return int(self._rng.choice(self._given.sizes))
        return int(self._rng.choice([s for _, s in SIZES], p=[p for p, _ in SIZES]))

    @torch.no_grad()
    def sample(self, count: int, size: int, views: Views | None = None) -> tuple[torch.Tensor, torch.Tensor, Views]:
        """Plates of some views at a size, with their mattes, and the truth at that size."""
        draw = self._draw
        plain = views is not None
        views = views or self._shards.draw(self._rng, count)
        picture, white = shade(views, draw_light(draw, len(views.matte)), draw)
        planes = [picture, white, views.matte, views.normals, views.relief, views.colour, views.part.float()]
        if not plain and self._rng.random() < CROP:
            planes = _cropped(planes, self._rng)
        *smooth, part = planes
        smooth = [resized(p, size) for p in smooth]
        part = interpolate(part, size=(size, size), mode="nearest")
        if not plain and self._rng.random() < 0.5:
            smooth = [p.flip(-1) for p in smooth]
            part = part.flip(-1)
            smooth[3] = smooth[3] * torch.tensor([-1.0, 1, 1], device=self._device)[:, None, None]
        picture, white, matte, normals, relief, colour = smooth
        code, cut = plate(picture, white, matte, draw)
        truth = Views(
            normals, matte, part.long(), colour, matte, matte, relief, views.open, views.directions, views.pixel
        )
        return code, cut, truth

    def _average(self, step: int) -> None:
        """The running mean of the weights, which is what ships."""
        share = 1 - min(0.999, 1 - 1 / (step / 8 + 1))
        with torch.no_grad():
            for mean, new in zip(self._mean.parameters(), self._network.parameters(), strict=True):
                mean.lerp_(new, share)
            for mean, new in zip(self._mean.buffers(), self._network.buffers(), strict=True):
                mean.copy_(new)

    @torch.no_grad()
    def score(self, count: int = 16) -> dict[str, float]:
        """Mean errors on held-out views, people and things apart: degrees, and natural logs of albedo."""
        found: dict[str, list[torch.Tensor]] = {}
        kept, self._draw = self._draw, Draw(torch.Generator(self._device).manual_seed(7), self._device)
        for views in self._shards.held_out(count):
            code, matte, truth = self.sample(len(views.matte), 256, views)
            shape = self._mean(code, matte)
            inside = (truth.matte > 0.5) & (truth.normals.norm(dim=1, keepdim=True) > 0.5)
            error = torch.rad2deg(
                torch.acos((shape.normals * normalize(truth.normals, dim=1)).sum(1, keepdim=True).clamp(-1, 1))
            )
            albedo = (shape.log_albedo - truth.colour.clamp_min(0.01).log()).abs().mean(1, keepdim=True)
            people = bool((truth.part == SKIN).any())
            kind = "people" if people else "things"
            found.setdefault(f"{kind} normals", []).append(error[inside])
            found.setdefault(f"{kind} albedo", []).append(albedo[inside])
            found.setdefault(f"{kind} relief", []).append(
                (shape.relief - _centred(truth.relief, truth.matte)).abs()[inside]
            )
            if people:
                for name, part in (("skin", SKIN), ("hair", HAIR), ("cloth", CLOTH)):
                    found.setdefault(name, []).append(error[inside & (truth.part == part)])
        self._draw = kept
        return {name: float(torch.cat(values).mean()) for name, values in found.items()}

    def save(self, step: int) -> None:
        """Write the mean weights, their architecture, and how far training has come."""
        slices.leave(
            self._given.out, self._mean, self._network.architecture.as_dict(), self._done, step, self._given.batch
        )


def losses_of(shape: Shape, truth: Views, draw: Draw) -> dict[str, torch.Tensor]:
    """Each a scalar: normals by angle, relief and its slopes, albedo with and without its level, and the doubt."""
    inside = ((truth.matte > 0.5) & (truth.normals.norm(dim=1, keepdim=True) > 0.5)).float()
    mass = inside.sum().clamp_min(1)
    cosine = (shape.normals * normalize(truth.normals, dim=1, eps=1e-4)).sum(1, keepdim=True).clamp(-1, 1)
    angle = torch.sqrt(2 * (1 - cosine) + 1e-4)
    terms = {"normals": (((1 - cosine) + 0.25 * angle) * inside).sum() / mass}
    relief = _centred(truth.relief, inside).clamp(-1.5, 1.5)
    seen = _centred(shape.relief, inside)
    terms["relief"] = 0.8 * ((seen - relief).abs() * inside).sum() / mass
    terms["slopes"] = 0.1 * _slopes((seen - relief) * relief.shape[-1], inside, most=3)
    target = truth.colour.clamp_min(0.01).log()
    off = shape.log_albedo - target
    free = off - (off * inside).sum((1, 2, 3), keepdim=True) / (
        3 * inside.sum((2, 3), keepdim=True).sum(1, keepdim=True)
    ).clamp_min(1)
    terms["albedo"] = 0.25 * (free.abs() * inside).sum() / (3 * mass) + 0.08 * (off.abs() * inside).sum() / (3 * mass)
    terms["albedo slopes"] = 0.4 * _slopes(off, inside, most=0.5) / 3
    terms["doubt"] = 0.1 * ((shape.doubt - angle.detach()).abs() * inside).sum() / mass
    return terms


def _slopes(error: torch.Tensor, inside: torch.Tensor, most: float) -> torch.Tensor:
    """Mean absolute slope of an error over several scales (Li & Snavely 2018), each place's at most `most`."""
    total = error.new_zeros(())
    for step in (1, 2, 4):
        across = (error[..., step:] - error[..., :-step]).abs() / step * inside[..., step:] * inside[..., :-step]
        down = (
            (error[..., step:, :] - error[..., :-step, :]).abs() / step * inside[..., step:, :] * inside[..., :-step, :]
        )
        total = total + (across.clamp_max(most).sum() + down.clamp_max(most).sum()) / inside.sum().clamp_min(1)
    return total / 6


def _centred(relief: torch.Tensor, inside: torch.Tensor) -> torch.Tensor:
    return relief - (relief * inside).sum((2, 3), keepdim=True) / inside.sum((2, 3), keepdim=True).clamp_min(1e-3)


def _cropped(planes: list[torch.Tensor], rng: np.random.Generator) -> list[torch.Tensor]:
    """One window of all planes; relief is in units of the picture's side, so it grows with it."""
    size = planes[0].shape[-1]
    side = int(size * rng.uniform(0.45, 0.9))
    x, y = (int(rng.integers(size - side + 1)) for _ in range(2))
    cut = [p[..., y : y + side, x : x + side] for p in planes]
    cut[4] = cut[4] * (size / side)
    return cut


if __name__ == "__main__":
    main()
