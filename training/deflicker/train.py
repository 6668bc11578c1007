"""Train the deflicker head, on a processor, in slices of minutes.

    python -m relamp.training.deflicker.train --out data/runs/deflicker --minutes 20 [--clips FILE ...] [--held FILE] [--resume]

Each slice warms up, runs, and cools its learning rate down, so that it leaves weights that can ship: `weights.safetensors`, of
the running mean, with the scores on clips of another seed in its header; beside it the checkpoint and `log.jsonl`. Seeded.
"""

from __future__ import annotations

import argparse
import copy
import hashlib
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch.nn.functional import avg_pool2d
from torch.optim.swa_utils import get_ema_multi_avg_fn

from ...core.atomic import replacing
from ...core.errors import InputError, RelampError
from ...core.temporal.head import SCHEMA, Head, load, parameters
from .pool import Batch, Followed, Pool, warped
from .score import decided, scored

WARM, COOL = 60, 0.4  # steps of warming up; the last part of a slice that cools down
MEAN_DECAY = 0.998
FAINT = 0.06  # log gain: flicker weaker than this counts no more than this much
ROUND = 0.1  # of the flicker: errors smaller than this count by their square
CHANGE = 2.0  # weight of what still changes from frame to frame
VALIDATION = 40  # samples, of a seed of their own


def loss(head: Head, batch: Batch) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """What is left of the flicker, and what was done to what truly changes; and both parts of it.

    All errors are measured in units of the sample's own flicker, so that faint flicker counts as much as loud.
    """
    error = batch.wrong + decided(head, batch)
    unit = (batch.scale + FAINT).repeat_interleave(2)[:, None, None, None]
    error = error / unit
    first, second = error[0::2], error[1::2]
    still = batch.sure * batch.truth[1::2]
    change = second - warped(first, batch.back)
    apart = _mean(_robust(error), batch.truth)
    left = _mean(_robust(change), still) + _mean(_robust(avg_pool2d(change * still, 2)), avg_pool2d(still, 2))
    return apart + CHANGE * left, {"apart": apart.detach(), "change": left.detach()}


@torch.no_grad()
def left_over(head: Head, batches: list[Batch]) -> dict[str, float]:
    """Over batches: `left`, the change from frame to frame that is left as a part of what went in (median), and `harm`, the
    root mean square error, in log gain, made where there was no flicker (mean)."""
    into, out, harm = [], [], []
    for batch in batches:
        error = batch.wrong + decided(head, batch)
        still = batch.sure * batch.truth[1::2]
        changes = [e[1::2] - warped(e[0::2], batch.back) for e in (batch.wrong, error)]
        before, after = ((c * c).mean(1, keepdim=True) * still for c in changes)
        mass = still.mean((1, 2, 3)) + 1e-6
        loud = batch.scale > 1e-6
        into += torch.sqrt(before.mean((1, 2, 3)) / mass)[loud].tolist()
        out += torch.sqrt(after.mean((1, 2, 3)) / mass)[loud].tolist()
        harm += torch.sqrt((error * error * batch.truth).mean((1, 2, 3)))[~loud.repeat_interleave(2)].tolist()
    ratios = np.array(out) / np.maximum(into, 1e-4)
    return {"left": float(np.median(ratios)), "harm": float(np.mean(harm))}


@dataclass(frozen=True)
class Held:
    """What a run never trains on: batches of procedural clips, and clips off the light stage."""

    batches: list[Batch]
    filmed: list[Followed]

    @classmethod
    def of(cls, options: argparse.Namespace) -> Held:
        """Those of a run's options."""
        check = Pool(options.seed + 10**6, VALIDATION).batches(8, every=0)
        filmed = Pool(0, 0, [options.held]).filmed if options.held else []
        return cls([next(check) for _ in range(VALIDATION // 8)], filmed)

    def scores(self, head: Head) -> dict[str, float]:
        """`left_over`, and `scored` where there are clips off the light stage."""
        found = left_over(head, self.batches)
        return found | {f"filmed {k}": v for k, v in scored(head, self.filmed).items()} if self.filmed else found


class Run:
    """One slice of training."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        torch.manual_seed(options.seed)
        self.head = Head()
        self.mean = copy.deepcopy(self.head).requires_grad_(False)
        self.optimiser = torch.optim.AdamW(
            self.head.parameters(), lr=options.rate, weight_decay=1e-3, betas=(0.9, 0.99)
        )
        self.state = {"step": 0, "samples": 0, "minutes": 0.0}
        self.start, self.earlier = "", 0
        if options.start:
            head, card = load(options.start)
            begun, self.earlier = head.state_dict(), card.get("samples", 0) + card.get("earlier", 0)
            self.start = hashlib.sha256(options.start.read_bytes()).hexdigest()
            self.head.load_state_dict(begun)
            self.mean.load_state_dict(begun)
        if options.resume:
            self.load()
        self.first, self.before, self.begun = self.state["step"], self.state["minutes"], time.monotonic()

    @property
    def elapsed(self) -> float:
        """Minutes of this slice."""
        return (time.monotonic() - self.begun) / 60

    def train(self) -> None:
        """Train until the minutes are over."""
        o = self.options
        held = Held.of(o)
        pool = Pool(o.seed + self.first, o.pool, o.clips)
        self.own, self.filmed = len(pool.own), len(pool.filmed)
        batches = pool.batches(o.batch)
        batch = next(batches)
        self.begun, seen, due = time.monotonic(), [], o.save_every
        while self.elapsed < o.minutes:
            seen.append(self.step(batch))
            batch = next(batches)
            if self.state["step"] % o.say == 0:
                self.report(seen)
                seen = []
            if self.elapsed > due:
                self.save(held)
                due += o.save_every
        self.save(held)

    def step(self, batch: Batch) -> dict[str, float]:
        """One step of the optimiser; the losses."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate()
        total, parts = loss(self.head, batch)
        self.optimiser.zero_grad(set_to_none=True)
        total.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.head.parameters(), 2.0)
        if not torch.isfinite(norm):
            raise InputError(f"the loss is not finite at step {self.state['step']}; resume with a lower --rate")
        self.optimiser.step()
        self.state["step"] += 1
        self.state["samples"] += self.options.batch
        decay = min(MEAN_DECAY, (1 + self.state["step"]) / (10 + self.state["step"]))
        get_ema_multi_avg_fn(decay)(list(self.mean.parameters()), list(self.head.parameters()), self.state["step"])
        return {"loss": float(total.detach()), **{k: float(v) for k, v in parts.items()}}

    def rate(self) -> float:
        """The learning rate now: warm up, hold, cool down."""
        warm = min(1.0, (self.state["step"] - self.first + 1) / WARM)
        left = 1 - self.elapsed / self.options.minutes
        return self.options.rate * warm * min(1.0, max(left / COOL, 0.02))

    def report(self, seen: list[dict[str, float]]) -> None:
        """A line of progress, also in `log.jsonl`."""
        means = {k: float(np.mean([s[k] for s in seen])) for k in seen[0]}
        line = {"step": self.state["step"], "minutes": self.before + self.elapsed, "rate": self.rate(), **means}
        with (self.options.out / "log.jsonl").open("a") as log:
            log.write(json.dumps(line) + "\n")
        print(
            f"{self.elapsed:6.1f} min  step {line['step']}  " + " ".join(f"{k} {v:.3f}" for k, v in means.items()),
            flush=True,
        )

    def save(self, held: Held) -> None:
        """Scores of the running mean, the weights and the checkpoint."""
        self.state["minutes"] = self.before + self.elapsed
        scores = held.scores(self.mean)
        card = {"schema": SCHEMA, "name": "deflicker-1", "licence": "Apache-2.0", "parameters": parameters(self.mean)}
        card |= {
            **self.state,
            "seed": self.options.seed,
            "own": self.own,
            "filmed": self.filmed,
            "start": self.start,
            "earlier": self.earlier,
            "scores": scores,
        }
        _write(self.options.out / "weights.safetensors", self.mean.state_dict(), {"relamp": json.dumps(card)})
        tensors = {f"net/{k}": v for k, v in self.head.state_dict().items()}
        tensors |= {f"mean/{k}": v for k, v in self.mean.state_dict().items()}
        for name, parameter in self.head.named_parameters():
            for key, value in self.optimiser.state.get(parameter, {}).items():
                tensors[f"{key}/{name}"] = torch.as_tensor(value)
        _write(self.checkpoint, tensors, {"schema": SCHEMA, "state": json.dumps(self.state)})
        print(f"step {self.state['step']}: " + ", ".join(f"{k} {v:.4f}" for k, v in scores.items()), flush=True)

    @property
    def checkpoint(self) -> Path:
        """The run's checkpoint."""
        return self.options.out / "checkpoint.safetensors"

    def load(self) -> None:
        """Bring the run back to its checkpoint. Raises `InputError`."""
        try:
            with safe_open(str(self.checkpoint), framework="pt") as file:
                state = json.loads((file.metadata() or {})["state"])
            tensors = load_file(str(self.checkpoint))
            self.head.load_state_dict(_under("net/", tensors))
            self.mean.load_state_dict(_under("mean/", tensors))
        except (OSError, SafetensorError, KeyError, RuntimeError) as error:
            raise InputError(f"{self.checkpoint} cannot be gone on from ({error}); start without --resume") from None
        for name, parameter in self.head.named_parameters():
            if f"exp_avg/{name}" in tensors:
                moments = {key: tensors[f"{key}/{name}"] for key in ("exp_avg", "exp_avg_sq")}
                self.optimiser.state[parameter] = {"step": tensors[f"step/{name}"], **moments}
        self.state = state


def _under(prefix: str, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


def _write(path: Path, tensors: dict[str, torch.Tensor], header: dict[str, str]) -> None:
    with replacing(path, overwrite=True) as temporary:
        save_file({k: v.detach().contiguous().clone() for k, v in tensors.items()}, str(temporary), header)


def _robust(error: torch.Tensor) -> torch.Tensor:
    """Absolute error, rounded off below a tenth of the flicker."""
    return torch.sqrt(error * error + ROUND * ROUND) - ROUND


def _mean(values: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    return (values * weight).mean() / (weight.mean() + 1e-6)


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(
        prog="python -m relamp.training.deflicker.train", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    parser.add_argument(
        "--clips", type=Path, nargs="*", default=[], help="files of relamp.training.deflicker.own and .filmed"
    )
    parser.add_argument("--held", type=Path, help="clips to take scores on, of .filmed --held-out")
    parser.add_argument("--start", type=Path, help="begin with these weights")
    parser.add_argument("--minutes", type=float, default=20.0, help="length of this slice")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint in --out")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--pool", type=int, default=160, help="clips kept ready")
    parser.add_argument("--rate", type=float, default=3e-3, help="learning rate")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--save-every", type=float, default=5.0, help="minutes between checkpoints")
    parser.add_argument("--say", type=int, default=200, help="steps between lines of progress")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one slice; returns the exit code."""
    options = parse(argv)
    torch.set_num_threads(options.threads)
    cv2.setNumThreads(1)
    try:
        options.out.mkdir(parents=True, exist_ok=True)
        Run(options).train()
    except RelampError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
