"""Scores of a network on held-out frames, beside the answers it has to beat, and a sheet to look at.

Four settings: (a) plate and matte only, (b) with normals, (c) with the source environment, (d) with both. Each is scored
against the plate unchanged and the ratio relighter with the same inputs (its normals inflated from the matte and its
source light fitted to the plate where they are not given), in sRGB PSNR inside the matte at absolute level.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import torch

from ..core.gain.analytic import DARKEST
from ..core.light.environment import level
from ..core.light.irradiance import frame_irradiance
from ..core.light.source_fit import fit_source
from ..core.pictures.curves import encode_srgb
from ..core.relighter.own.conditions import features
from ..core.relighter.own.denoiser import Intrinsics, Network
from ..core.relighter.own.sampling import sample
from ..core.shape.normals import inflate
from .check_data import psnr_inside
from .dataset import Batch, Frames, Geometry, Maker, Sample, stack
from .light_pool import Lit, Rig
from .losses import BLACK, apply_gain

SETTINGS = {"a": (0, 0), "b": (1, 0), "c": (0, 1), "d": (1, 1)}
"""By letter: whether normals and whether the source environment are given."""

SEED = 7
SIZE = 128


@dataclass(frozen=True)
class Scores:
    """Mean PSNR in dB: `unchanged`, and by setting that of the ratio relighter and of the network.

    `free` is the network's once its level is right, `normals` its mean error of normals in degrees, `albedo` that of its
    albedo in stops, and `albedo_level` that of its albedo's mean over the subject, which is what tells the light's level.
    """

    unchanged: float
    ratio: dict[str, float]
    network: dict[str, float]
    free: dict[str, float]
    normals: float
    albedo: float
    albedo_level: float

    def as_dict(self) -> dict:
        """For a card in JSON."""
        rounded = {k: {s: round(v, 2) for s, v in getattr(self, k).items()} for k in ("ratio", "network", "free")}
        albedo = {"albedo_stops": round(self.albedo, 2), "albedo_level_stops": round(self.albedo_level, 2)}
        return {"unchanged": round(self.unchanged, 2), **rounded, "normals_degrees": round(self.normals, 1), **albedo}

    def table(self) -> str:
        """Markdown."""
        lines = [
            "| inputs | plate unchanged | ratio | Relamp | Relamp, level free |",
            "| --- | --- | --- | --- | --- |",
        ]
        names = {"a": "(a) plate, matte", "b": "(b) + normals", "c": "(c) + source", "d": "(d) both"}
        for s, name in names.items():
            lines.append(
                f"| {name} | {self.unchanged:.2f} | {self.ratio[s]:.2f} | {self.network[s]:.2f} | {self.free[s]:.2f} |"
            )
        albedo = f"albedo {self.albedo:.2f} stops, its mean {self.albedo_level:.2f}"
        return "\n".join([*lines, f"\nnormals of its own: {self.normals:.1f} degrees off, {albedo}"])


class Validation:
    """A fixed set of pairs of held-out frames, whatever was trained on."""

    def __init__(self, folder: Path, pairs: int, version: int = 0) -> None:
        frames = Frames(folder, validation=True, version=version)
        frames.require()
        maker = _Tidy(frames, SEED, 40, (SIZE,))
        self.samples: list[Sample] = []
        while len(self.samples) < pairs:
            self.samples += maker.visit(SIZE, 1)
        self.ratio: dict[str, float] | None = None

    def score(self, network: Network, device: str) -> tuple[Scores, np.ndarray]:
        """The scores, and the contact sheet of the first pairs, (H, W, 3) uint8 RGB."""
        if self.ratio is None:
            self.ratio = {
                s: float(np.mean([_ratio_psnr(x, *given) for x in self.samples])) for s, given in SETTINGS.items()
            }
        unchanged = [_psnr(x, x.plate) for x in self.samples]
        results: dict[str, list[float]] = {s: [] for s in SETTINGS}
        free: dict[str, list[float]] = {s: [] for s in SETTINGS}
        angles, albedos, rows = [], [], []
        for x in self.samples:
            tiles = [_shown(x, x.plate), _shown(x, x.target)]
            seen = see(network, x, device)
            for s, given in SETTINGS.items():
                relit = relight(network, x, given, device)
                results[s].append(_psnr(x, relit))
                free[s].append(_psnr(x, relit * _level(x, relit)))
                tiles.append(_shown(x, relit))
            normals, albedo = (p[0].cpu().numpy() for p in seen)
            cosine = np.clip((normals * x.normals).sum(0), -1, 1)
            angles.append(_mean(x, np.degrees(np.arccos(cosine))))
            off = (albedo - np.log(np.maximum(x.albedo, BLACK))).mean(0) / np.log(2)
            albedos.append((_mean(x, np.abs(off)), abs(_mean(x, off))))
            tiles.append(_shown(x, _ratio(x, 1, 1)))
            tiles += [n.transpose(1, 2, 0) * 0.5 + 0.5 for n in (normals, x.normals)]
            tiles += [encode_srgb((a * x.truth).transpose(1, 2, 0)) for a in (np.exp(albedo), x.albedo)]
            rows.append(np.concatenate(tiles, axis=1))
        mean = {s: float(np.mean(v)) for s, v in results.items()}
        scores = Scores(
            float(np.mean(unchanged)),
            self.ratio,
            mean,
            {s: float(np.mean(v)) for s, v in free.items()},
            float(np.mean(angles)),
            *(float(m) for m in np.mean(albedos, axis=0)),
        )
        sheet = np.concatenate(rows[:14], axis=0)
        return scores, (np.clip(sheet, 0, 1) * 255).astype(np.uint8)


def relight(network: Network, x: Sample, given: tuple[int, int], device: str, steps: int = 1) -> np.ndarray:
    """A sample relit by the network, (3, S, S)."""
    batch = batch_of(x, given)
    with torch.inference_mode():
        c = batch.conditions.to(device)
        f = network.told(c, network.see(c))
        noise = torch.randn(f.hint.shape, generator=torch.Generator().manual_seed(0)).to(device)
        residual = sample(lambda estimate, t: network.denoiser(f, estimate, t), noise, steps)
        relit = apply_gain(batch.plate.to(device), f.hint + residual)
    return relit[0].cpu().numpy()


def see(network: Network, x: Sample, device: str) -> Intrinsics:
    """What the network sees of a sample, B = 1."""
    with torch.inference_mode():
        return network.see(batch_of(x, (0, 0)).conditions.to(device))


def batch_of(x: Sample, given: tuple[int, int]) -> Batch:
    """One sample as a batch with some of its inputs given, and no background."""
    normals, source = (np.float32(g) for g in given)
    return stack([replace(x, normals_given=normals, source_known=source, background_known=np.float32(0))])


def write_sheet(sheet: np.ndarray, path: Path) -> None:
    """A sheet as PNG. Columns: plate, target, (a) to (d), ratio with both, normals and albedo, each seen and true."""
    cv2.imwrite(str(path), cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))


class _Tidy(Maker):
    """Samples whose matte is true; plates still arrive in every way they can."""

    def _sample(
        self, geometry: Geometry, rig: Rig, lit: np.ndarray, lights: list[Lit], size: int, whole: bool
    ) -> Sample | None:
        found = super()._sample(geometry, rig, lit, lights, size, whole=False)
        return None if found is None else replace(found, matte=found.truth)


def _ratio(x: Sample, normals_given: int, source_known: int) -> np.ndarray:
    """The ratio relighter's answer, (3, S, S)."""
    batch = batch_of(x, (1, 1))
    c = batch.conditions
    if not normals_given:
        facing = np.ascontiguousarray(inflate(x.matte[0]).transpose(2, 0, 1), np.float32)
        c.normals = torch.from_numpy(facing)[None]
    f = features(c, c.normals)
    gain = f.hint
    if not source_known:
        n = c.normals[0].numpy().transpose(1, 2, 0)
        light = fit_source(x.plate.transpose(1, 2, 0), n, x.truth[0])
        shading = frame_irradiance(light / level(light), n) / np.pi
        target = f.planes[:, 7:10] * 2.0
        gain = target - torch.from_numpy(np.log(np.maximum(shading, DARKEST)).transpose(2, 0, 1))[None]
    return apply_gain(batch.plate, gain)[0].numpy()


def _ratio_psnr(x: Sample, normals_given: int, source_known: int) -> float:
    return _psnr(x, _ratio(x, normals_given, source_known))


def _mean(x: Sample, plane: np.ndarray) -> float:
    return float((plane * x.truth[0]).sum() / x.truth[0].sum())


def _psnr(x: Sample, picture: np.ndarray) -> float:
    shown = [(p * x.exposure).transpose(1, 2, 0) for p in (picture, x.target)]
    return psnr_inside(shown[0], shown[1], x.truth[0])


def _level(x: Sample, picture: np.ndarray) -> float:
    return float((x.target * x.truth).sum() / max(float((picture * x.truth).sum()), 1e-6))


def _shown(x: Sample, picture: np.ndarray) -> np.ndarray:
    return encode_srgb((picture * x.exposure * (0.15 + 0.85 * x.truth)).transpose(1, 2, 0))
