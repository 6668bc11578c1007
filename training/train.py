"""Train the relighter on the light stage, in slices of minutes.

    python -m relamp.training.train --data data/stage --out data/runs/first --minutes 30 [--resume]

Each slice warms up, runs, and cools its learning rate down to the end, so that it leaves weights that can ship:
`weights.safetensors` (half precision, of the running mean) with the scores in its header, beside the checkpoint,
`log.jsonl`, `loss.png`, `scores.md` and `sheet.png`. Shards that appear meanwhile are used. CPU and CUDA run the same code.
"""

from __future__ import annotations

import argparse
import copy
import json
import random
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch.optim.swa_utils import get_ema_multi_avg_fn
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from ..core.errors import InputError, RelampError
from ..core.relighter.own.denoiser import Architecture, Network
from ..core.relighter.own.sampling import add_noise, wiener
from ..core.relighter.weights import load as load_weights
from ..core.relighter.weights import save as save_weights
from . import checkpoint
from .dataset import Batch, Frames, Maker
from .losses import apply_gain, clean_residual, intrinsic_loss, loss, return_loss, surface_loss
from .validate import Validation, write_sheet

NOISY = 0.2  # of the samples learn from a noisy residual, the rest from none at all
COOL = 0.3  # the last part of a slice, in which the learning rate comes down
MEAN_DECAY, MEAN_EVERY = 0.998, 4  # a step of the running mean, which is taken every few steps


class Stream(IterableDataset):
    """Endless batches; each worker keeps its own share of the frames."""

    def __init__(self, options: argparse.Namespace, step: int) -> None:
        self.options, self.step = options, step

    def __iter__(self) -> Iterator[Batch]:
        """One worker's batches."""
        cv2.setNumThreads(1)
        torch.set_num_threads(1)
        info = get_worker_info()
        share = (0, 1) if info is None else (info.id, info.num_workers)
        o = self.options
        frames = Frames(o.data, share=share, version=o.scene_version)
        frames.require()
        yield from self.maker(frames, o.seed + 1000 * share[0] + self.step).batches(o.batch)

    def maker(self, frames: Frames, seed: int) -> Maker:
        """What makes the batches."""
        o = self.options
        return Maker(frames, seed, o.places, tuple(o.size), exact_mattes=o.exact_mattes)


class Run:
    """One slice of training. `warm` is how many steps the learning rate takes to rise."""

    warm = 100

    def __init__(self, options: argparse.Namespace) -> None:
        self.options, self.device = options, options.device
        options.bf16 = self.device == "cuda" if options.bf16 is None else options.bf16
        random.seed(options.seed)
        torch.manual_seed(options.seed)
        self.network: Any = self.begin().to(self.device)
        self.mean = copy.deepcopy(self.network).eval().requires_grad_(False)
        self.optimiser = torch.optim.AdamW(
            self.network.parameters(), lr=options.rate, weight_decay=0.01, betas=(0.9, 0.99), fused=True
        )
        self.state = {"step": 0, "samples": 0, "minutes": 0.0}
        if options.start is not None and not options.resume:
            self.begin_from(options.start)
        if options.resume:
            self.state = checkpoint.load(self.checkpoint, self.network, self.mean, self.optimiser)
        self.first = self.state["step"]
        self.begun, self.before = time.monotonic(), self.state["minutes"]
        torch.manual_seed(options.seed + self.first)

    def begin_from(self, path: Path) -> None:
        """Take over weights that were trained before, and what their card says of it."""
        loaded = load_weights(path)
        for network in (self.network, self.mean):
            network.load_state_dict(loaded.network.state_dict())
        self.state = {k: loaded.card[k] for k in self.state}

    def begin(self) -> torch.nn.Module:
        """What is trained, as it begins."""
        return Network(Architecture())

    def stream(self) -> Stream:
        """Where batches come from."""
        return Stream(self.options, self.first)

    def validation(self) -> Any:
        """What it is scored on."""
        o = self.options
        return Validation(o.data, o.pairs, o.scene_version)

    @property
    def checkpoint(self) -> Path:
        """The run's checkpoint."""
        return self.options.out / "checkpoint.safetensors"

    def train(self) -> None:
        """Train until the minutes are over, with scores now and then and at the end."""
        o = self.options
        validation = self.validation()
        ahead = 6 if o.workers else None
        loader = DataLoader(self.stream(), batch_size=None, num_workers=o.workers, prefetch_factor=ahead)
        seen: list[dict[str, float]] = []
        due = time.monotonic() + 60 * o.score_every
        batches = iter(loader)
        batch = next(batches)
        self.begun = time.monotonic()  # workers that read their frames first are not training
        while self.elapsed < o.minutes:
            seen.append(self.step(batch))
            batch = next(batches)
            if self.state["step"] % o.say == 0:
                self.report(seen)
                seen = []
            if time.monotonic() > due:
                self.score(validation)
                due = time.monotonic() + 60 * o.score_every
        self.score(validation)

    @property
    def elapsed(self) -> float:
        """Minutes of this slice."""
        return (time.monotonic() - self.begun) / 60

    def step(self, batch: Batch) -> dict[str, float]:
        """One step of the optimiser; the losses."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate()
        total, parts = self.losses(batch.to(self.device))
        self.optimiser.zero_grad(set_to_none=True)
        total.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        if not torch.isfinite(norm):
            raise InputError(f"the loss is not finite at step {self.state['step']}; resume with a lower --rate")
        self.optimiser.step()
        self.state["step"] += 1
        self.state["samples"] += len(batch)
        if self.state["step"] % MEAN_EVERY == 0:
            self.average()
        return {"loss": float(total.detach()), **{k: float(v.detach()) for k, v in parts.items()}}

    def losses(self, batch: Any) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """The whole loss of a batch, and its parts by name."""
        with torch.autocast(self.device, torch.bfloat16, enabled=self.options.bf16):
            seen = self.network.see(batch.conditions)
            parts = intrinsic_loss(seen, batch)
            if not self.options.intrinsic:
                with torch.autocast(self.device, enabled=False), torch.no_grad():  # hints do not teach normals
                    f = self.network.told(batch.conditions, seen)
                    level, estimate = self.noise(clean_residual(f.hint, batch))
                predicted = self.network.denoiser.predict(f, estimate, level)
                parts |= loss(predicted.residual, f.hint, batch) | surface_loss(predicted.lobes, batch)
                if random.random() < self.options.swap:
                    parts |= return_loss(self.network, apply_gain(batch.plate, f.hint + predicted.residual), batch)
        return torch.stack(list(parts.values())).sum(), parts

    def noise(self, clean: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Noise levels, most of them 1, and what is left to see of `clean` at them."""
        drawn, noisy = torch.rand(2, len(clean))
        level = torch.where(noisy < NOISY, drawn, torch.ones(len(drawn))).to(clean.device)
        return level, wiener(add_noise(clean, torch.randn_like(clean), level), level)

    def rate(self) -> float:
        """The learning rate now: warm up, hold, cool down."""
        warm = min(1.0, (self.state["step"] - self.first + 1) / self.warm)
        left = 1 - self.elapsed / self.options.minutes
        return self.options.rate * warm * min(1.0, max(left / COOL, 0.02))

    def average(self) -> None:
        """Bring the running mean along."""
        decay = min(MEAN_DECAY, (1 + self.state["step"]) / (10 + self.state["step"])) ** MEAN_EVERY
        update = get_ema_multi_avg_fn(decay)
        update(list(self.mean.parameters()), list(self.network.parameters()), self.state["step"])

    def report(self, seen: list[dict[str, float]]) -> None:
        """A line of progress, also in `log.jsonl`."""
        names = dict.fromkeys(k for s in seen for k in s)  # not every step has every part
        means = {k: float(np.mean([s[k] for s in seen if k in s])) for k in names}
        speed = (self.state["step"] - self.first) * self.options.batch / max(self.elapsed * 60, 1e-6)
        line = {"step": self.state["step"], "minutes": self.before + self.elapsed, "rate": self.rate(), **means}
        with (self.options.out / "log.jsonl").open("a") as log:
            log.write(json.dumps(line) + "\n")
        parts = " ".join(f"{k} {v:.3f}" for k, v in means.items())
        print(f"{self.elapsed:6.1f} min  step {line['step']}  {speed:.1f} samples/s  {parts}", flush=True)

    def score(self, validation: Any) -> None:
        """Scores of the running mean, the weights, the checkpoint and the plot."""
        out = self.options.out
        scores = self.measure(validation)
        self.state["minutes"] = self.before + self.elapsed
        head = f"step {self.state['step']}, {self.state['samples']} samples, {self.state['minutes']:.0f} minutes"
        (out / "scores.md").write_text(f"{head}\n\n{scores.table()}\n")
        with (out / "scores.jsonl").open("a") as log:
            log.write(json.dumps({**self.state, **scores.as_dict()}) + "\n")
        print(f"{head}\n{scores.table()}", flush=True)
        self.keep({"data": "relamp light stage (Cycles), procedural only", **self.state, "scores": scores.as_dict()})
        checkpoint.save(self.checkpoint, self.network, self.mean, self.optimiser, self.state)
        plot(out / "log.jsonl", out / "loss.png")

    def measure(self, validation: Any) -> Any:
        """The scores of the running mean; writes the sheet."""
        scores, sheet = validation.score(self.mean, self.device)
        write_sheet(sheet, self.options.out / "sheet.png")
        return scores

    def keep(self, card: dict) -> None:
        """Write weights that can ship, with their card."""
        save_weights(self.mean, self.options.out / "weights.safetensors", {"name": "relamp-2", **card})


def plot(log: Path, path: Path) -> None:
    """The losses of a run over its steps, log scale, as PNG."""
    if not log.is_file():
        return
    rows = [json.loads(line) for line in log.read_text().splitlines()]
    height, width, edge = 480, 800, 40
    picture = np.full((height, width, 3), 255, np.uint8)
    names = [k for k in dict.fromkeys(k for row in rows for k in row) if k not in ("step", "minutes", "rate")]
    curves = {k: np.array([(row["step"], np.log10(max(row[k], 1e-4))) for row in rows if k in row]) for k in names}
    low, high = min(c[:, 1].min() for c in curves.values()), max(c[:, 1].max() for c in curves.values()) + 1e-6
    last = max(row["step"] for row in rows)
    for i, (name, curve) in enumerate(curves.items()):
        hue = np.array([[[i * 180 // len(names), 220, 190]]], np.uint8)
        colour = tuple(int(c) for c in cv2.cvtColor(hue, cv2.COLOR_HSV2BGR)[0, 0])
        x = edge + (width - 2 * edge) * curve[:, 0] / last
        y = height - edge - (height - 2 * edge) * (curve[:, 1] - low) / (high - low)
        points = np.stack([x, y], 1).astype(np.int32)
        cv2.polylines(picture, [points], False, colour, 1, cv2.LINE_AA)
        label = f"{name} {10 ** curve[-1, 1]:.3f}"
        cv2.putText(picture, label, (width - 130, 20 + 16 * i), cv2.FONT_HERSHEY_SIMPLEX, 0.4, colour, 1, cv2.LINE_AA)
    cv2.imwrite(str(path), picture)


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(
        prog="python -m relamp.training.train", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of the shards")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    parser.add_argument("--minutes", type=float, default=30.0, help="length of this slice")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint in --out")
    parser.add_argument("--start", type=Path, help="weights to begin from, where there is no checkpoint of theirs")
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--size", type=int, nargs="+", default=[64, 96, 128], help="px of the crops, one drawn a batch")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rate", type=float, default=6e-4, help="learning rate")
    parser.add_argument("--places", type=int, default=400, help="environments kept ready")
    parser.add_argument("--workers", type=int, default=1, help="processes that make samples")
    parser.add_argument("--threads", type=int, default=2, help="threads of the network on a CPU")
    parser.add_argument(
        "--bf16", action=argparse.BooleanOptionalAction, default=None, help="bfloat16; on CUDA by default"
    )
    parser.add_argument("--scene-version", type=int, default=0, help="only frames of this scene version or newer")
    parser.add_argument("--pairs", type=int, default=40, help="held-out pairs to score on")
    parser.add_argument("--score-every", type=float, default=10.0, help="minutes between scores")
    parser.add_argument("--say", type=int, default=50, help="steps between lines of progress")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--intrinsic",
        action="store_true",
        help="train the net of normals and albedo alone: cheap, and all begins with it",
    )
    parser.add_argument(
        "--swap",
        type=float,
        default=0.0,
        metavar="SHARE",
        help="of the steps, 0 to 1, in which what was relit is also lit back; for late slices",
    )
    parser.add_argument("--exact-mattes", action="store_true", help="give the network no faulty mattes")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one slice; returns the exit code."""
    options = parse(argv)
    torch.set_num_threads(options.threads)
    try:
        if options.device == "cuda" and not torch.cuda.is_available():
            raise InputError("there is no CUDA device here; train with --device cpu")
        options.out.mkdir(parents=True, exist_ok=True)
        Run(options).train()
    except RelampError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
