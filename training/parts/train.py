"""Trains the network that tells skin, hair and cloth apart, on the features of the frozen shape network.

    python -m relamp.training.parts.train --data data/parts --out data/runs/parts --minutes 10

Shards that appear while training runs are taken up. Leaves `weights.safetensors`, `architecture.json`, `state.json`,
`progress.jsonl` and `shape.txt`, the hash of the shape network's weights whose features were read. Shards of views that are held
out of the shape network's training are held out here too.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch.nn.functional import cross_entropy, dropout

from ...core.errors import InputError, RelampError
from ...core.shape.estimators.own import SEEN
from ...core.shape.estimators.parts_network import PartsArchitecture, PartsNetwork
from ...core.shape.seen import PARTS
from .. import slices
from ..shape.train import held_out
from .cache import POINTS

REPORT = 60.0  # seconds between lines of progress
SHAPE = "shape.txt"
SMOOTHING = 0.02  # of the labels: a pixel of an edge belongs to two parts
DROPPED = 0.2  # share of the features that a step does not show
LEAST_VARIANCE = 1e-4  # so that a feature that is nearly always the same is not blown up where it is not
MEASURED = 200_000  # points over which the features' mean and variance are measured
BINS = 15  # of the shares, for the calibration error (Guo et al. 2017)
SCORED = 1 << 16  # points at once


class Data:
    """The points of the shards that have been read: features (M, C) float16, labels (M,) and sizes (M,)."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._read = folder, set[Path]()
        self._kept: list[tuple[torch.Tensor, ...]] = []
        self._held: list[tuple[torch.Tensor, ...]] = []
        self.shape = ""
        self.pictures: Counter[int] = Counter()  # of each size

    def take_up(self) -> int:
        """Read the shards that are new; how many pictures there are to train on.

        Raises:
            InputError: the shards were made with different weights of the shape network.
        """
        for path in sorted(set(self._folder.glob("parts-*.npz")) - self._read):
            self._read.add(path)
            with np.load(path) as stored:
                shape = str(stored["shape"])
                if self.shape not in ("", shape):
                    raise InputError(f"{path} holds features of other weights; empty {self._folder} and make it anew")
                self.shape = shape
                size = np.repeat(stored["size"].astype(np.int32), POINTS)
                part = tuple(torch.from_numpy(a) for a in (stored["features"], stored["label"].astype(np.int64), size))
            held = held_out(int(path.stem.split("-")[1]))
            (self._held if held else self._kept).append(part)
            if not held:
                self.pictures.update(size[::POINTS].tolist())
        return self.pictures.total()

    def draw(self, rng: np.random.Generator, count: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Features (count, C) float32 and labels of random points: an equal number of each of a few shards."""
        shards = rng.integers(len(self._kept), size=16)
        rows = [(s, torch.from_numpy(rng.integers(len(self._kept[s][1]), size=count // 16))) for s in shards]
        return torch.cat([self._kept[s][0][r] for s, r in rows]).float(), torch.cat(
            [self._kept[s][1][r] for s, r in rows]
        )

    def held_out(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor] | None:
        """All that is held out: features (M, C) float16, labels (M,), sizes (M,)."""
        if not self._held:
            return None
        features, label, size = (torch.cat(each) for each in zip(*self._held, strict=True))
        return features, label, size


def planes_of(features: torch.Tensor, architecture: PartsArchitecture) -> tuple[torch.Tensor, ...]:
    """Features (M, C) of points as those of a picture of one column, (1, c, M, 1) of each scale."""
    return tuple(scale.T[None, :, :, None] for scale in features.split(architecture.channels, 1))


def measure(network: PartsNetwork, features: torch.Tensor) -> None:
    """Give the norms the mean and the variance of features (M, C)."""
    mean, variance = features.mean(0), features.var(0, correction=0).clamp_min(LEAST_VARIANCE)
    sizes = network.architecture.channels
    for norm, m, v in zip(network.norms, mean.split(sizes), variance.split(sizes), strict=True):
        norm.running_mean, norm.running_var = m.clone(), v.clone()


def main() -> int:
    given = _arguments()
    torch.set_num_threads(given.threads)
    torch.manual_seed(given.seed)
    given.out.mkdir(parents=True, exist_ok=True)
    network, done = PartsNetwork(PartsArchitecture()), None
    if given.resume and (given.out / slices.WEIGHTS).exists():
        network.load_state_dict(load_file(given.out / slices.WEIGHTS))
        done = json.loads((given.out / slices.STATE).read_text())
    try:
        Trainer(network, given, done).run()
    except RelampError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("data/parts"))
    parser.add_argument("--out", type=Path, default=Path("data/runs/parts"))
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--batch", type=int, default=4096, help="points of a step")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rate", type=float, default=2e-3, help="the highest learning rate")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


class Trainer:
    """One slice of training; `done` says how far the run was before, None where it begins."""

    def __init__(self, network: PartsNetwork, given: argparse.Namespace, done: dict[str, int] | None) -> None:
        self._network, self._given, self._done = network.eval(), given, done or slices.NOTHING
        self._rng = np.random.default_rng(given.seed + 1000 * self._done["slices"])
        self._data = Data(given.data)
        while not self._data.take_up():
            time.sleep(1)
        if done is None:
            measure(network, self._data.draw(self._rng, MEASURED)[0])
        self._centre = torch.cat([norm.running_mean for norm in network.norms])  # pyright: ignore[reportArgumentType, reportCallIssue]
        self._mean = copy.deepcopy(network)
        self._optimiser = torch.optim.AdamW(network.parameters(), lr=given.rate, weight_decay=0.05)

    def run(self) -> None:
        """Train until the minutes are over, scoring and saving each minute."""
        given, began = self._given, time.time()
        step, told, losses = 0, began, []
        while (gone := (time.time() - began) / (60 * given.minutes)) < 1:
            rate = given.rate * min(1, (step + 1) / 200) * (0.5 * (1 + math.cos(math.pi * gone)) + 0.01)
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
                self._data.take_up()
        self._tell(step, given.minutes, losses)

    def _step(self) -> float:
        features, label = self._data.draw(self._rng, self._given.batch)
        shown = self._centre + dropout(features - self._centre, DROPPED)
        scores = self._network(planes_of(shown, self._network.architecture))[0, :, :, 0].T
        loss = cross_entropy(scores, label, label_smoothing=SMOOTHING)
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self._optimiser.step()
        return float(loss.detach())

    def _tell(self, step: int, minutes: float, losses: list[float]) -> None:
        line: dict[str, float] = {"minutes": minutes, "steps": step}
        line |= {f"pictures {size}": count for size, count in sorted(self._data.pictures.items())}
        line |= {"loss": float(np.mean(losses))} if losses else {}
        held = self._data.held_out()
        line |= score(self._mean, *held) if held else {}
        slices.report(self._given.out, line)
        (self._given.out / SHAPE).write_text(self._data.shape)
        slices.leave(
            self._given.out, self._mean, self._network.architecture.as_dict(), self._done, step, self._given.batch
        )


@torch.inference_mode()
def score(network: PartsNetwork, features: torch.Tensor, label: torch.Tensor, size: torch.Tensor) -> dict[str, float]:
    """Share of points whose likeliest part is the true one: of all, of those looked at as the product looks, of each part;
    and the calibration error, the mean difference between the likeliest part's share and how often it is the true one."""
    shares = torch.cat([
        network(planes_of(some.float(), network.architecture))[0, :, :, 0].T.softmax(1) for some in features.split(SCORED)
    ])  # fmt: skip
    sure, found = shares.max(1)
    right = (found == label).float()
    scores = {"accuracy": float(right.mean())}
    if (size == SEEN).any():
        scores[f"accuracy {SEEN}"] = float(right[size == SEEN].mean())
    for place, name in enumerate((*PARTS, "else")):
        if (label == place).any():
            scores[f"recall {name}"] = float(right[label == place].mean())
            scores[f"precision {name}"] = float(right[found == place].mean()) if (found == place).any() else 0.0
    return scores | {"calibration": _calibration(sure, right)}


def _calibration(sure: torch.Tensor, right: torch.Tensor) -> float:
    bins = (sure * BINS).long().clamp_max(BINS - 1)
    off = torch.zeros(BINS).index_add_(0, bins, sure - right)
    return float(off.abs().sum() / len(sure))


if __name__ == "__main__":
    sys.exit(main())
