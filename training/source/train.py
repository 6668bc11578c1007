"""Trains the network that estimates the light of a plate, on what the frozen shape network sees of lit views.

    python -m relamp.training.source.train --data data/source --out data/runs/source --minutes 30

Shards that appear while training runs are taken up. Leaves `weights.safetensors`, `architecture.json`, `state.json` and
`progress.jsonl`. Shards of views that are held out of the shape network's training are held out here too.
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
from torch.nn.functional import grid_sample, interpolate, smooth_l1_loss

from ...core.light.octahedral import octahedral_directions
from ...core.light.source_fit import irradiance_of, lobe_maps
from ...core.shape.estimators.light import STUMP
from ...core.shape.estimators.light_network import SIZE, LightArchitecture, LightNetwork, planes_of
from .. import slices
from ..shape.train import held_out

REPORT = 60.0  # seconds between lines of progress
GIVEN = 0.35  # share of the pictures whose normals are the true ones, as if an artist gave them
CROP = 0.5  # share of the steps that show a part of the pictures, enlarged
FACES = 16  # a side of the octahedral table of directions at which lights are compared
KNOTS = 512  # directions over which the light's lobes are summed
DARK = 0.03  # share of the mean irradiance below which differences do not matter
FIELDS = ("code", "matte", "normals", "log_albedo", "doubt", "true_normals", "arrived")


class Pictures:
    """The shards, on the processor and at the network's size, and the irradiance of each on `FACES`**2 directions."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._read = folder, set[Path]()
        self.kept: dict[str, list[torch.Tensor]] = {name: [] for name in (*FIELDS, "light")}
        self.held: dict[str, list[torch.Tensor]] = {name: [] for name in (*FIELDS, "light")}
        self.train: dict[str, torch.Tensor] = {}

    def take_up(self) -> int:
        """Read the shards that are new; how many pictures there are to train on."""
        fresh = sorted(set(self._folder.glob("source-*.npz")) - self._read)
        for path in fresh:
            self._read.add(path)
            with np.load(path) as stored:
                part = {name: torch.from_numpy(stored[name]) for name in FIELDS}
                part = {name: _small(name, value) for name, value in part.items()}
                part["light"] = irradiance({k: torch.from_numpy(stored[k]) for k in stored if k not in FIELDS})
            for name, value in part.items():
                (self.held if held_out(int(path.stem.split("-")[1])) else self.kept)[name].append(value)
        if fresh and self.kept["code"]:
            self.train = {name: torch.cat(values) for name, values in self.kept.items()}
            self.kept = {name: [value] for name, value in self.train.items()}
        return len(self.train.get("code", ()))

    def held_out(self) -> dict[str, torch.Tensor]:
        """All that is held out."""
        return {name: torch.cat(values) for name, values in self.held.items()}


def _small(name: str, planes: torch.Tensor) -> torch.Tensor:
    """Planes at the size of the network, float32; directions get unit length, and none where there is none."""
    small = interpolate(planes.float(), size=(SIZE, SIZE), mode="area")
    if "normals" not in name:
        return small
    length = (small * small).sum(1, keepdim=True).sqrt()
    return small / length.clamp_min(1e-3) * (length > STUMP)


def irradiance(light: dict[str, torch.Tensor]) -> torch.Tensor:
    """Luminance irradiance of lights as `cache.Seen` stores them, (N, `FACES`**2), with mean 1 over the directions."""
    facing = torch.from_numpy(octahedral_directions(FACES)).reshape(-1, 3)
    i = torch.arange(KNOTS) + 0.5
    z, turn = 1 - 2 * i / KNOTS, i * math.pi * (1 + 5**0.5)
    knots = torch.stack([(1 - z * z).sqrt() * turn.cos(), (1 - z * z).sqrt() * turn.sin(), z], 1)
    lobes = torch.exp(light["sharpness"][:, None] * (knots @ light["axis"].transpose(1, 2) - 1))  # N, KNOTS, L
    sky = (lobes * light["soft"][:, None]).sum(2) * (4 / KNOTS)
    soft = sky @ (knots @ facing.T).clamp_min(0)
    cosines = (light["toward"] @ facing.T).clamp_min(0).unflatten(1, (3, -1)).mean(2)  # N, LAMPS, F
    total = soft + (cosines * light["lamp"][:, :, None]).sum(1)
    return total / total.mean(1, keepdim=True)


def main() -> None:
    given = _arguments()
    torch.set_num_threads(given.threads)
    torch.manual_seed(given.seed)
    given.out.mkdir(parents=True, exist_ok=True)
    network = LightNetwork(LightArchitecture())
    done = dict(slices.NOTHING)
    if given.resume and (given.out / slices.WEIGHTS).exists():
        network.load_state_dict(load_file(given.out / slices.WEIGHTS))
        done = json.loads((given.out / slices.STATE).read_text())
    Trainer(network, given, done).run()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("data/source"))
    parser.add_argument("--out", type=Path, default=Path("data/runs/source"))
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rate", type=float, default=2e-3, help="the highest learning rate")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


class Trainer:
    """One slice of training."""

    def __init__(self, network: LightNetwork, given: argparse.Namespace, done: dict[str, int]) -> None:
        self._network, self._given, self._done = network, given, done
        self._mean = copy.deepcopy(network).eval()
        self._optimiser = torch.optim.AdamW(network.parameters(), lr=given.rate, weight_decay=0.02, betas=(0.9, 0.98))
        self._rng = np.random.default_rng(given.seed + 1000 * done["slices"])
        self._pictures = Pictures(given.data)
        self._compare = Comparison()

    def run(self) -> None:
        """Train until the minutes are over, scoring and saving each minute."""
        given, began = self._given, time.time()
        while not self._pictures.take_up():
            time.sleep(1)
        step, told, losses = 0, time.time(), []
        while (gone := (time.time() - began) / (60 * given.minutes)) < 1:
            rate = given.rate * min(1, (step + 1) / 100) * (0.5 * (1 + math.cos(math.pi * gone)) + 0.01)
            for group in self._optimiser.param_groups:
                group["lr"] = rate
            losses.append(self._step())
            step += 1
            with torch.no_grad():
                share = max(0.005, 1 / (step / 8 + 1))
                for mean, new in zip(self._mean.parameters(), self._network.parameters(), strict=True):
                    mean.lerp_(new, share)
            if time.time() - told > REPORT:
                self._tell(step, (time.time() - began) / 60, losses)
                told, losses = time.time(), []
                self._pictures.take_up()
        self._tell(step, given.minutes, losses)

    def _tell(self, step: int, minutes: float, losses: list[dict[str, float]]) -> None:
        line = {"minutes": minutes, "steps": step, "views": len(self._pictures.train["code"])}
        line |= {name: float(np.mean([x[name] for x in losses])) for name in (losses[0] if losses else {})}
        line |= score(self._mean, self._pictures.held_out(), self._compare)
        slices.report(self._given.out, line)
        self.save(step)

    def _step(self) -> dict[str, float]:
        chosen = torch.from_numpy(self._rng.integers(len(self._pictures.train["code"]), size=self._given.batch))
        some = {name: value[chosen] for name, value in self._pictures.train.items()}
        if self._rng.random() < 0.5:
            some = mirrored(some)
        if self._rng.random() < CROP:
            some = _cropped(some, self._rng)
        known = torch.from_numpy(self._rng.random(self._given.batch) < GIVEN)
        amounts, normals = look(self._network, some, known)
        terms = self._compare(amounts, normals, some)
        total = torch.stack(list(terms.values())).sum()
        self._optimiser.zero_grad(set_to_none=True)
        total.backward()
        torch.nn.utils.clip_grad_norm_(self._network.parameters(), 1.0)
        self._optimiser.step()
        return {name: float(value.detach()) for name, value in terms.items()}

    def save(self, step: int) -> None:
        """Write the mean weights, their architecture, and how far training has come."""
        slices.leave(
            self._given.out, self._mean, self._network.architecture.as_dict(), self._done, step, self._given.batch
        )


class Comparison:
    """How far what was seen of a light is from the truth."""

    def __init__(self) -> None:
        self.facing = torch.from_numpy(octahedral_directions(FACES)).reshape(-1, 3)
        received = torch.from_numpy(irradiance_of(lobe_maps(np.eye(3)), self.facing.double().numpy())).float()
        self.received = received / received.mean(0)  # F, N
        self.weight = (0.25 + 0.75 * (self.facing[:, 2] > -0.1).float())[None]

    def light(self, amounts: torch.Tensor) -> torch.Tensor:
        """Irradiance of the lobes, (B, F), with mean 1."""
        found = amounts @ self.received.T
        return found / found.mean(1, keepdim=True)

    def __call__(
        self, amounts: torch.Tensor, normals: torch.Tensor, some: dict[str, torch.Tensor]
    ) -> dict[str, torch.Tensor]:
        """Each a scalar: the light on all directions, its key, and how bright it makes the pixels, whose truth is in shadows."""
        light, true = self.light(amounts), some["light"]
        off = light.clamp_min(DARK).log() - true.clamp_min(DARK).log()
        off = off - (off * self.weight).mean(1, keepdim=True) / self.weight.mean()
        terms = {"light": (smooth_l1_loss(off, torch.zeros_like(off), beta=0.3, reduction="none") * self.weight).mean()}
        moment, wanted = (torch.nn.functional.normalize((e * e) @ self.facing, dim=1) for e in (light, true))
        terms["key"] = 0.3 * (1 - (moment * wanted).sum(1)).mean()
        table = light.log().unflatten(1, (1, FACES, FACES))
        error = _centred(on_pixels(table, normals) - some["arrived"], some["matte"])
        inside = (some["matte"] > 0.5) * ((some["true_normals"] ** 2).sum(1, keepdim=True) > 0.5)
        terms["pixels"] = (
            smooth_l1_loss(error, torch.zeros_like(error), beta=0.3, reduction="none") * inside
        ).sum() / inside.sum().clamp_min(1)
        return terms


def look(
    network: LightNetwork, some: dict[str, torch.Tensor], known: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """What a network sees of pictures, and the normals it was given: true ones where `known` (B,)."""
    given = known[:, None, None, None] & ((some["true_normals"] ** 2).sum(1, keepdim=True) > 0.5)
    normals = torch.where(given, some["true_normals"], some["normals"])
    doubt = torch.where(given, torch.zeros(()), some["doubt"])
    planes = planes_of(some["code"], some["matte"], normals, some["log_albedo"], doubt)
    return network(planes, normals, some["matte"]), normals


def mirrored(some: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The mirrored pictures, with their mirrored light; the octahedral table's columns are mirrored, too."""
    out = {name: value.flip(3) for name, value in some.items() if name != "light"}
    for name in ("normals", "true_normals"):
        out[name] = out[name] * torch.tensor([-1.0, 1, 1])[:, None, None]
    out["light"] = some["light"].unflatten(1, (FACES, FACES)).flip(2).flatten(1)
    return out


def _cropped(some: dict[str, torch.Tensor], rng: np.random.Generator) -> dict[str, torch.Tensor]:
    size = some["matte"].shape[-1]
    part = int(size * rng.uniform(0.5, 0.95))
    top, left = rng.integers(0, size - part + 1, 2)
    return {
        name: value
        if name == "light"
        else interpolate(value[..., top : top + part, left : left + part], size=(size, size), mode="bilinear")
        for name, value in some.items()
    }


def on_pixels(table: torch.Tensor, normals: torch.Tensor) -> torch.Tensor:
    """Octahedral tables (B, 1, S, S) at normals (B, 3, h, w), (B, 1, h, w)."""
    p = normals[:, :2] / normals.abs().sum(1, keepdim=True).clamp_min(1e-6)
    folded = (1 - p.abs().flip(1)) * torch.where(p < 0, -1.0, 1.0)
    p = torch.where(normals[:, 2:] < 0, folded, p)
    return grid_sample(table, p.permute(0, 2, 3, 1), mode="bilinear", padding_mode="border", align_corners=False)


def _centred(plane: torch.Tensor, matte: torch.Tensor) -> torch.Tensor:
    return plane - (plane * matte).sum((2, 3), keepdim=True) / matte.sum((2, 3), keepdim=True).clamp_min(1e-3)


@torch.no_grad()
def score(network: LightNetwork, held: dict[str, torch.Tensor], compare: Comparison) -> dict[str, float]:
    """On pictures held out: the key's direction off in degrees, mean and median, and losses, without and with true normals."""
    found: dict[str, float] = {}
    if not len(held["code"]):
        return found
    some = held
    for name, known in (("", False), (" +N", True)):
        amounts, normals = look(network, some, torch.full((len(some["code"]),), known))
        toward = compare.facing[compare.light(amounts).argmax(1)]
        true = compare.facing[some["light"].argmax(1)]
        off = torch.rad2deg(torch.acos((toward * true).sum(1).clamp(-1, 1)))
        found |= {f"degrees{name}": float(off.mean()), f"degrees median{name}": float(off.median())}
        found |= {f"held {k}{name}": float(v) for k, v in compare(amounts, normals, some).items()}
    return found


if __name__ == "__main__":
    main()
