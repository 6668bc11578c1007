"""What a head is worth on steady clips it was not trained on: flicker of one kind at a time that is left, true change kept.

The measures of `benchmarks/deflicker.py` on two neighbouring frames, and so cheap that a run can take them as it goes on.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch.nn.functional import avg_pool2d

from ...core.temporal.head import Head
from . import flicker
from .clips import Clip
from .pool import MIDDLES, Batch, Followed, coarse, sample, stack, warped

LOUDNESS = 0.1  # log gain
DRAWS = 4  # of each kind over each clip
QUIET = 0.02  # log gain: a change weaker than this is not looked at (a pop in another frame)
COARSE = 2  # cells: light is coarse, what is finer is averaged out
KINDS = {
    "global": flicker.gain,
    "local": flicker.blobs,
    "pops": flicker.pop,
    "drifting": flicker.field,
    "breathing": lambda rng, clip: flicker.breathing(rng, clip, 0.9),
}


def decided(head: Head, batch: Batch) -> torch.Tensor:
    """The whole correction of a batch, (T, 3, h, w) log gain in cells."""
    by_frame, local = head.decide(batch.cells)
    return by_frame + local


def scored(head: Head, clips: Sequence[Followed], seed: int = 0) -> dict[str, float]:
    """By kind the change of the error from frame to frame as a part of what went in, mean over the clips; and of the whole
    gain where nothing flickers `slope`, how much of its true change comes through, and `harm`, the error of the change
    in log gain, root mean square.
    """
    found = {name: _left(head, clips, name, seed) for name in KINDS}
    true, ours = [], []
    for followed in clips:
        batch = stack([sample(followed, np.zeros_like(followed.clip.steady), set())])
        before, after = _ends(followed.clip, batch)
        true.append(_change(before, after, batch))
        with torch.no_grad():
            error = decided(head, batch)
        ours.append(true[-1] + _change(error[:1], error[1:], batch))
    x, y = torch.cat(true), torch.cat(ours)
    return found | {"slope": float((x * y).sum() / (x * x).sum()), "harm": float(torch.sqrt(((y - x) ** 2).mean()))}


def _left(head: Head, clips: Sequence[Followed], kind: str, seed: int) -> float:
    ratios = []
    for number, followed in enumerate(clips):
        rng = np.random.default_rng([seed, number])
        draws = [np.asarray(LOUDNESS * KINDS[kind](rng, followed.clip), np.float32) for _ in range(DRAWS)]
        batch = stack([sample(followed, wrong, set()) for wrong in draws])
        with torch.no_grad():
            error = batch.wrong + decided(head, batch)
        into, out = (torch.sqrt((_change(e[0::2], e[1::2], batch) ** 2).mean()) for e in (batch.wrong, error))
        if into > QUIET:
            ratios.append(float(out / into))
    return float(np.mean(ratios))


def _ends(clip: Clip, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
    """The whole true gain of both middles, (1, 3, h, w)."""
    first, second = (
        torch.from_numpy(coarse(clip.steady[m] + clip.hint[m]).transpose(2, 0, 1)[None].copy()) for m in MIDDLES
    )
    return first, second


def _change(first: torch.Tensor, second: torch.Tensor, batch: Batch) -> torch.Tensor:
    """Coarse change along the motion where both frames show the same point, (P, 3)."""
    seen = batch.sure * batch.truth[1::2] * (batch.sure > 0.8) * (batch.truth[1::2] > 0.9)
    moved = (second - warped(first, batch.back)) * seen
    mass = avg_pool2d(seen, COARSE)
    mean = avg_pool2d(moved, COARSE) / mass.clamp_min(1e-3)
    return mean.permute(0, 2, 3, 1)[mass[:, 0] > 0.25]
