"""Train the temporal layers on clips while the spatial ones stay as they are (RelightVid), in slices of minutes.

    python -m relamp.training.train_temporal --data data/stage --clips data/clips --out data/runs/motion --minutes 20 [--resume]

Leaves `motion.safetensors` for the spatial weights it was trained on, which `relamp.training.ship` puts beside them. Scores
are of held-out clips: flicker is what the error of the log gain does from a frame to the next along the motion, in stops.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import grid_sample

from ..core.relighter.own.denoiser import Network
from ..core.relighter.own.motion import Motion, MotionArchitecture
from ..core.relighter.weights import SHIPPED, load, save_motion
from .check_data import psnr_inside
from .clips import ClipBatch, ClipMaker, Scene, join, read_clips
from .dataset import Frames, held_out
from .losses import LARGEST, apply_gain, clean_residual, loss, true_gain
from .shards import read_index, shard_paths
from .train import Run, Stream, go, shared_options

STEADY = 4.0  # weight of the temporal loss
ROUNDING = 0.01  # natural logs; of its robust error
CLIP_SIZE, CLIP_SEED = 96, 11  # of the clips it is scored on


class ClipStream(Stream):
    """Endless batches of clips."""

    def maker(self, frames: Frames, seed: int) -> ClipMaker:
        """What makes the batches."""
        o = self.options
        return ClipMaker(frames, _scenes(o.clips, False), seed, o.places, tuple(o.size), moving=o.moving)


class TemporalRun(Run):
    """One slice of training the temporal layers."""

    warm = 20

    def begin(self) -> Motion:
        """Untrained layers for the spatial weights, which are loaded and frozen."""
        self.spatial = load(self.options.spatial, self.device)
        return Motion(self.spatial.network.denoiser.unet, MotionArchitecture())

    def stream(self) -> ClipStream:
        """Where clips come from."""
        return ClipStream(self.options, self.first)

    def validation(self) -> ClipValidation:
        """Held-out clips."""
        return ClipValidation(self.options)

    def losses(self, batch: ClipBatch) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """Each frame's loss as in the spatial training, and how its error changes from frame to frame."""
        network = self.spatial.network
        with torch.no_grad():
            f = network.told(batch.frames.conditions, network.see(batch.frames.conditions))
            level, estimate = self.noise(clean_residual(f.hint, batch.frames), batch.present.shape[1])
        with (
            torch.autocast(self.device, torch.bfloat16, enabled=self.options.bf16),
            self.network.over(network.denoiser.unet, batch.present),
        ):
            residual = network.denoiser(f, estimate, level)
        parts = loss(residual.float(), f.hint, batch.frames)
        change, weight = unsteadiness(f.hint + residual.float(), batch)
        robust = ((change**2 + ROUNDING**2).sqrt() - ROUNDING).mean(1, keepdim=True)
        parts["steady"] = STEADY * (robust * weight).sum() / weight.sum().clamp_min(1)
        return torch.stack(list(parts.values())).sum(), parts

    def measure(self, validation: ClipValidation) -> ClipScores:
        """The scores of the running mean."""
        return validation.score(self.spatial.network, self.mean, self.device)

    def keep(self, card: dict) -> None:
        """Write weights that can ship, with their card."""
        card = {"name": "relamp-1-motion", "spatial": self.spatial.digest, **card}
        save_motion(self.mean, self.options.out / "motion.safetensors", card)


@dataclass(frozen=True)
class ClipScores:
    """Means over clips, spatial layers alone and with temporal ones: flicker in stops, sRGB PSNR inside the matte in dB."""

    flicker_spatial: float
    flicker_temporal: float
    psnr_spatial: float
    psnr_temporal: float

    def as_dict(self) -> dict:
        """For a card in JSON."""
        return {name: round(value, 4) for name, value in asdict(self).items()}

    def table(self) -> str:
        """Markdown."""
        return "\n".join(
            [
                "| layers | flicker, stops | PSNR, dB |",
                "| --- | --- | --- |",
                f"| spatial | {self.flicker_spatial:.4f} | {self.psnr_spatial:.2f} |",
                f"| + temporal | {self.flicker_temporal:.4f} | {self.psnr_temporal:.2f} |",
            ]
        )


class ClipValidation:
    """A fixed set of clips of held-out frames and scenes."""

    def __init__(self, options: argparse.Namespace) -> None:
        o = options
        frames = Frames(o.data, validation=True, version=o.scene_version)
        frames.require()
        maker = ClipMaker(frames, _scenes(o.clips, True), CLIP_SEED, 20, (CLIP_SIZE,), moving=8)
        self.clips: list[ClipBatch] = []
        while len(self.clips) < o.pairs:
            clip = maker.clip(CLIP_SIZE)
            self.clips += [] if clip is None else [join([clip])]

    def score(self, network: Network, motion: Motion, device: str) -> ClipScores:
        """The scores of a network without and with temporal layers."""
        rows = []
        for clip in self.clips:
            batch = clip.to(device)
            with torch.inference_mode():
                conditions = batch.frames.conditions
                f = network.told(conditions, network.see(conditions))
                zero, level = torch.zeros_like(f.hint), torch.ones(len(f.hint), device=device)
                alone = network.denoiser(f, zero, level)
                with motion.over(network.denoiser.unet, batch.present):
                    together = network.denoiser(f, zero, level)
                rows.append([g(f.hint + r, batch) for g in (flicker, psnr) for r in (alone, together)])
        return ClipScores(*(float(x) for x in np.mean(rows, axis=0)))


def unsteadiness(gain: torch.Tensor, batch: ClipBatch) -> tuple[torch.Tensor, torch.Tensor]:
    """How the error of log gains (B F, 3, h, w) changes from the frame before along the motion, and its weight (B F, 1, h, w)."""
    truth = true_gain(batch.clean, batch.frames.target)
    error = (gain - truth).clamp(-LARGEST, LARGEST)
    trusted = batch.frames.truth * (batch.clean.clamp_min(0).mean(1, keepdim=True) / 0.01).clamp(0.05, 1)
    # The first frame of a clip follows none, whatever the roll brings there.
    before = _warped(torch.cat([error, trusted], 1).roll(1, 0), batch.back)
    return error - before[:, :3], batch.followed * trusted * before[:, 3:]


def flicker(gain: torch.Tensor, batch: ClipBatch) -> float:
    """Root mean square of `unsteadiness`, in stops."""
    change, weight = unsteadiness(gain, batch)
    mean = (change**2 * weight).sum() / (3 * weight.sum()).clamp_min(1e-6)
    return float(mean.sqrt() / np.log(2))


def psnr(gain: torch.Tensor, batch: ClipBatch) -> float:
    """Mean PSNR in dB of the clean plates relit, over the frames that are there."""
    shown = batch.frames.exposure[:, None, None, None]
    relit, target = apply_gain(batch.clean, gain) * shown, batch.frames.target * shown
    pictures = [x.permute(0, 2, 3, 1).cpu().numpy() for x in (relit, target, batch.frames.truth)]
    there = np.flatnonzero(batch.present.flatten().cpu().numpy())
    return float(np.mean([psnr_inside(pictures[0][i], pictures[1][i], pictures[2][i, ..., 0]) for i in there]))


def _warped(planes: torch.Tensor, back: torch.Tensor) -> torch.Tensor:
    """Planes (N, C, h, w) sampled at `back` (N, 2, h, w) px from each pixel."""
    height, width = planes.shape[-2:]
    y, x = torch.meshgrid(*(torch.arange(n, device=planes.device) for n in (height, width)), indexing="ij")
    grid = torch.stack([(x + back[:, 0] + 0.5) / width, (y + back[:, 1] + 0.5) / height], -1) * 2 - 1
    return grid_sample(planes, grid, mode="bilinear", padding_mode="border", align_corners=False)


def _scenes(folder: Path | None, validation: bool) -> list[Scene]:
    """The rendered clips of a folder for training, or those held out; none without a folder."""
    if folder is None:
        return []
    seeds = {frame["seed"] for path in shard_paths(folder) for frame in read_index(path)}
    return list(read_clips(folder, {seed for seed in seeds if held_out(seed) == validation}))


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """The options: those of the spatial training, and a few more."""
    parser = shared_options("train_temporal", (__doc__ or "").splitlines()[0])
    parser.add_argument("--clips", type=Path, help="folder of rendered clips (`stage --clip`)")
    parser.add_argument("--spatial", type=Path, default=SHIPPED, help="spatial weights to train for")
    parser.add_argument("--moving", type=int, default=40, help="moving environments kept ready")
    parser.set_defaults(size=[64, 64, 96], batch=2, places=150, pairs=24)
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one slice; returns the exit code."""
    return go(TemporalRun, parse(argv))


if __name__ == "__main__":
    sys.exit(main())
