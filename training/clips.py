"""Clips for the temporal layers: frames of the light stage that go on in time, with the noise of filming and the truth.

Three kinds. A still frame under light that moves: lights add, so a turning map, a fade or a switched lamp is true, with its
shadows. A still frame through a moving window: pan, zoom and shake. A scene rendered moving (`stage --clip`). Each frame is
filmed anew (sensor noise, faults of the matte and of the given normals, a plate whose exposure wobbles), so there is flicker
to take out, and the clean plate, the target and the motion say what is left of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import torch

from ..core.light.environment import AP1_LUMINANCE
from ..core.relighter.own.conditions import encode_planes
from ..core.relighter.own.motion import MotionArchitecture
from ..core.shot.measure import exposure_anchor
from ..core.temporal.align import Aligner
from ..core.temporal.flow import within
from .dataset import (
    REFRESH,
    Batch,
    Frames,
    Geometry,
    Maker,
    Sample,
    Take,
    Window,
    noisy,
    pictures,
    recolour,
    shoot,
    stack,
)
from .environments import animate
from .light_pool import ROWS, Lit, Rig, make_pool
from .light_rig import CELLS
from .lighting import lift_lamp
from .shards import StageFrame, read_shard, shard_paths

LENGTH = MotionArchitecture().length
ONE_LAMP = np.cos(np.radians(3.0))  # lamps of neighbouring frames nearer than this are one that stands still
RENDERED, WORTH = 0.4, 4  # of the clips at most are rendered ones, each drawn as often as so many stills
NEW_MOVING = 1  # moving places painted anew at each look for new shards


@dataclass(frozen=True)
class Clip:
    """LENGTH frames. Those that are not there repeat the nearest one, as at inference.

    clean: (F, 3, S, S) the plates without noise. back: (F, 2, S, S) px, x and y: where a pixel was in the frame before.
    followed: (F, 1, S, S), 1 where both frames show it; 0 all over the first. present: (F,) 1 for frames that are there.
    """

    samples: list[Sample]
    clean: np.ndarray
    back: np.ndarray
    followed: np.ndarray
    present: np.ndarray


@dataclass
class ClipBatch:
    """Clips stacked, one after the other: `frames` of B F frames, the rest as in `Clip`, `present` (B, F)."""

    frames: Batch
    clean: torch.Tensor
    back: torch.Tensor
    followed: torch.Tensor
    present: torch.Tensor

    def to(self, device: torch.device | str) -> ClipBatch:
        """The same on another device."""
        rest = (self.clean, self.back, self.followed, self.present)
        return ClipBatch(self.frames.to(device), *(t.to(device) for t in rest))

    def __len__(self) -> int:
        return len(self.present)


@dataclass(frozen=True)
class Scene:
    """What a clip films: F frames with their rigs, where their pixels were in the frame before, and where that is sure."""

    frames: list[StageFrame]
    rigs: list[Rig]
    back: np.ndarray  # (F, H, W, 2) px, x and y
    sure: np.ndarray  # (F, H, W) bool

    @classmethod
    def still(cls, frame: StageFrame, rig: Rig) -> Scene:
        """One frame that stands still."""
        shape = (LENGTH, frame.height, frame.width)
        return cls([frame] * LENGTH, [rig] * LENGTH, np.zeros((*shape, 2), np.float32), np.ones(shape, bool))

    @classmethod
    def rendered(cls, frames: list[StageFrame]) -> Scene:
        """A rendered clip. Its motion is optical flow on the frames as an even light shows them: no shadow moves in those."""
        rigs = [Rig(frame) for frame in frames]
        even = np.zeros((len(frames[0].codes), 3), np.float32)
        even[:CELLS] = 1
        codes = [encode_planes(torch.from_numpy(frame.relight(even))).numpy() for frame in frames]
        aligner = Aligner()
        links = [aligner.link(now, before) for before, now in pairwise(codes)]
        back = np.stack([np.zeros((*codes[0].shape[:2], 2), np.float32), *(x.back for x in links)])
        sure = np.stack([np.ones(codes[0].shape[:2], bool), *(x.sure > 0.5 for x in links)])
        return cls(frames, rigs, back, sure)


def read_clips(folder: Path, seeds: set[int] | None = None) -> Iterator[Scene]:
    """The rendered clips of a folder, or those of `seeds`."""
    for path in shard_paths(folder):
        by_seed: dict[int, list[StageFrame]] = {}
        for frame in read_shard(path, seeds):
            by_seed.setdefault(frame.seed, []).append(frame)
        for frames in by_seed.values():
            if len(frames) > 1:
                yield Scene.rendered(sorted(frames, key=lambda f: f.frame)[:LENGTH])


@dataclass(frozen=True)
class MovingPlace:
    """An environment that moves: maps (F, 64, 128, 3), and its lamp where one stands still: direction, irradiances (F, 3)."""

    maps: np.ndarray
    lamp: tuple[np.ndarray, np.ndarray] | None


def paint_moving(rng: np.random.Generator) -> MovingPlace:
    """A random one. A lamp that moves, or goes out and leaves another the strongest, stays in the maps."""
    maps = np.stack(list(animate(rng, None, LENGTH, height=ROWS)))
    lifted = [lift_lamp(pixels) for pixels in maps]
    lamps = [x for x in lifted if x is not None]
    if len(lamps) < LENGTH or min(float(x[1] @ lamps[0][1]) for x in lamps) < ONE_LAMP:
        return MovingPlace(maps, None)
    return MovingPlace(np.stack([x[0] for x in lamps]), (lamps[0][1], np.stack([x[2] for x in lamps])))


def moving_light(rig: Rig, place: MovingPlace, rng: np.random.Generator) -> list[Lit]:
    """A moving place around a frame, which it turns with as a still one would."""
    turn = rig.meet(None if place.lamp is None else place.lamp[0], rng)
    lit = []
    for t, pixels in enumerate(place.maps):
        lamp = None if place.lamp is None else (turn.sun, place.lamp[1][t])
        lit.append(rig.around(np.roll(pixels, turn.columns, axis=1), lamp, soft=True))
    return lit


def mixed(lights: list[Lit], shares: np.ndarray) -> Lit:
    """Several lights of one frame on at once, each times its share, at unit level."""
    shares = (shares / shares.sum()).astype(np.float32)

    def summed(arrays: list[np.ndarray]) -> np.ndarray:
        return np.einsum("k,k...->...", shares, np.stack(arrays))

    diffuse, glossy = (np.log(summed([np.exp(getattr(x.tables, n)) for x in lights])) for n in ("diffuse", "glossy"))
    tables = replace(lights[0].tables, diffuse=diffuse, glossy=glossy)
    return Lit(summed([x.weights for x in lights]), tables, summed([x.world for x in lights]))


class ClipMaker(Maker):
    """Makes clips as `Maker` makes samples, all chance from one generator.

    Args:
        scenes: rendered clips, which may be none.
        moving: how many moving places are kept ready.
        messy: film as films are; otherwise mattes, normals and exposure are right and only the noise is new in each frame.
    """

    def __init__(
        self,
        frames: Frames,
        scenes: list[Scene],
        seed: int,
        places: int,
        sizes: tuple[int, ...],
        *,
        moving: int = 24,
        messy: bool = True,
    ) -> None:
        super().__init__(frames, seed, places, sizes)
        self.scenes, self.messy = scenes, messy
        self.moving = [paint_moving(self.rng) for _ in range(moving)]

    def clip(self, size: int) -> Clip | None:
        """One clip of frames of size px; None where chance found no window that shows the subject."""
        rng = self.rng
        scene = self._scene()
        geometries = [Geometry.of(frame) for frame in scene.frames]
        path = self._path(geometries[0])
        if path is None:
            return None
        rig, count = scene.rigs[0], len(scene.frames)
        lights = [self._light(rig, share)[:count] for share in (0.75, 0.4)]
        tint = int(rng.integers(2**32))
        lit = _lit(scene, lights, tint)
        # Noise comes later: each frame its own, over a clean plate that is kept.
        take = replace(Take.draw(rng, path[0], rng.random() < 0.3), shot=0.0, floor=0.0, anchor=1.0, stops=0.0)
        faults, own = int(rng.integers(2**32)), self.messy and rng.random() < 0.5
        samples = []
        for t in range(count):
            seed = int(rng.integers(2**32)) if own and rng.random() < 0.5 else faults
            taken = replace(take, window=path[t])
            pair = [lights[0][t], lights[1][t]]
            made = shoot(geometries[t], scene.rigs[t], lit[:, t], pair, size, taken, np.random.default_rng(seed))
            samples.append(made if self.messy else replace(made, matte=made.truth))
        samples = self._exposed(samples, lights[0])
        clean = [sample.plate for sample in samples]
        samples = self._filmed(samples)
        back, followed = _motion(scene, path, size, take.mirror)
        return self._placed(samples, clean, back, followed)

    def batches(self, count: int) -> Iterator[ClipBatch]:
        """Endless batches of `count` clips of one size."""
        made = 0
        while True:
            size = int(self.rng.choice(self.sizes))
            clips: list[Clip] = []
            while len(clips) < count:
                clip = self.clip(size)
                clips += [] if clip is None else [clip]
                made += 1
                if made % REFRESH == 0:
                    self.frames.look()
                    for _ in range(NEW_MOVING):
                        self.moving[int(self.rng.integers(len(self.moving)))] = paint_moving(self.rng)
                    for place in make_pool(self.rng, NEW_MOVING):
                        self.pool[int(self.rng.integers(len(self.pool)))] = place
            yield join(clips)

    def _scene(self) -> Scene:
        stills, scenes = len(self.frames.frames), len(self.scenes)
        if self.rng.random() < min(RENDERED, WORTH * scenes / (WORTH * scenes + stills)):
            return self.scenes[int(self.rng.integers(scenes))]
        index = int(self.rng.integers(stills))
        return Scene.still(self.frames.frames[index], self.frames.rigs[index])

    def _light(self, rig: Rig, steady: float) -> list[Lit]:
        """A light of LENGTH frames, steady with that chance: else a moving place, or two that fade, switch or tremble."""
        rng, what = self.rng, self.rng.random()
        if what < steady:
            return [rig.light(self._place(), rng)] * LENGTH
        if what < steady + 0.6 * (1 - steady):
            return moving_light(rig, self.moving[int(rng.integers(len(self.moving)))], rng)
        pair, t = [rig.light(self._place(), rng) for _ in range(2)], np.arange(LENGTH)
        how = rng.random()
        if how < 0.5:  # a fade, from slow to a switch
            on = 1 / (1 + np.exp(-(t - rng.uniform(0, LENGTH)) / rng.choice([0.1, 1.0, 4.0])))
        else:
            on = 0.5 + 0.5 * rng.uniform(0.1, 0.9) * np.sin(t * rng.uniform(0.3, 3.0) + rng.uniform(0, 6.3))
        return [mixed(pair, np.array([1 - x, x])) for x in 0.03 + 0.94 * on]

    def _path(self, geometry: Geometry) -> list[Window] | None:
        """A window for each frame: it stands, or pans, zooms and shakes."""
        rng, first = self.rng, self._window(geometry)
        if first is None or rng.random() < 0.35:
            return None if first is None else [first] * LENGTH
        side, unit = geometry.matte.shape[0], geometry.matte.shape[0] / 128
        speed, shake = rng.normal(0, 1.2, 2) * unit, rng.normal(0, 0.4 * (rng.random() < 0.5), (LENGTH, 2)) * unit
        zoom = rng.normal(0, 0.8) * unit * (rng.random() < 0.5)
        path = []
        for t in range(LENGTH):
            crop = int(np.clip(round(first[2] + zoom * t), side // 2, side))
            middle = np.array(first[:2]) + first[2] / 2 + speed * t + shake[t]
            top, left = np.clip(middle - crop / 2, 0, side - crop)
            path.append((float(top), float(left), crop))
        return path

    def _exposed(self, samples: list[Sample], source: list[Lit]) -> list[Sample]:
        """At the clip's one anchor, measured on its first frame, brighter and darker as its light is and the camera wobbles."""
        rng, first = self.rng, samples[0]
        light = np.clip([x.level / source[0].level for x in source], 0.25, 4.0)
        wobble = np.exp(rng.normal(0, rng.uniform(0.0, 0.12), len(samples)) * (self.messy and rng.random() < 0.4))
        anchor = _anchor(first) * 2.0 ** float(np.clip(rng.normal(0, 0.4), -1, 1))
        factors = (anchor * light * wobble).astype(np.float32)
        return [
            replace(s, plate=s.plate * f, target=s.target * f, exposure=first.exposure / factors[0])
            for s, f in zip(samples, factors, strict=True)
        ]

    def _filmed(self, samples: list[Sample]) -> list[Sample]:
        """Under the sensor's noise, given what the first one is given, with normals that are wrong in each frame anew."""
        rng, first = self.rng, samples[0]
        shot, floor = 10.0 ** rng.uniform(-4, -2.3), 10.0 ** rng.uniform(-4, -2.7)
        wrong = rng.uniform(0.02, 0.2) * (self.messy and rng.random() < 0.4)
        flags = {name: getattr(first, name) for name in ("normals_given", "source_known", "background_known")}
        return [
            replace(s, plate=noisy(s.plate, shot, floor, rng), normals=_wronged(s.normals, wrong, rng), **flags)
            for s in samples
        ]

    def _placed(self, samples: list[Sample], clean: list[np.ndarray], back: np.ndarray, followed: np.ndarray) -> Clip:
        """In a window, where frames may be missing at either end."""
        rng, count = self.rng, len(samples)
        first, last = 0, count
        if self.messy and rng.random() < 0.25:
            first = int(rng.integers(count - 1))
            last = int(rng.integers(first + 2, count + 1))
        start = int(rng.integers(LENGTH - (last - first) + 1))
        index = np.clip(np.arange(LENGTH) - start + first, first, last - 1)
        there = np.arange(LENGTH) - start + first == index
        after = there & np.concatenate([[False], there[:-1]])
        picked = [
            samples[i] if now else replace(samples[i], truth=0 * samples[i].truth)
            for i, now in zip(index, there, strict=True)
        ]
        return Clip(
            picked,
            np.stack([clean[i] for i in index]),
            np.ascontiguousarray(back[index].transpose(0, 3, 1, 2)),
            (followed[index] & after[:, None, None])[:, None].astype(np.float32),
            there.astype(np.float32),
        )


def join(clips: list[Clip]) -> ClipBatch:
    """Clips of one size as a batch."""
    clean, back, followed = (
        torch.from_numpy(np.concatenate([getattr(clip, name) for clip in clips]))
        for name in ("clean", "back", "followed")
    )
    present = torch.from_numpy(np.stack([clip.present for clip in clips]))
    return ClipBatch(stack([sample for clip in clips for sample in clip.samples]), clean, back, followed, present)


def _lit(scene: Scene, lights: list[list[Lit]], tint: int) -> np.ndarray:
    """The frames under both lights, (2, F, H, W, 3) premultiplied, the surfaces recoloured alike in all."""
    if scene.frames[0] is scene.frames[-1]:
        frame = scene.frames[0]
        every = list({id(x): x for row in lights for x in row}.values())
        by_light = dict(
            zip(map(id, every), pictures(frame, every) * recolour(frame, np.random.default_rng(tint)), strict=True)
        )
        return np.stack([[by_light[id(x)] for x in row] for row in lights])
    pairs = [
        pictures(frame, [row[t] for row in lights]) * recolour(frame, np.random.default_rng(tint))
        for t, frame in enumerate(scene.frames)
    ]
    return np.stack(pairs, axis=1)


def _motion(scene: Scene, path: list[Window], size: int, mirror: bool) -> tuple[np.ndarray, np.ndarray]:
    """Where each pixel of the windows was in the window before: back (F, S, S, 2) px and whether it can be followed."""
    rows, columns = np.mgrid[:size, :size].astype(np.float32)
    backs, seen = [], []
    for t in range(len(scene.frames)):
        top, left, side = path[t]
        x, y = left + (columns + 0.5) * side / size - 0.5, top + (rows + 0.5) * side / size - 0.5
        moved = cv2.remap(scene.back[t], x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        sure = (
            cv2.remap(scene.sure[t].astype(np.float32), x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE) > 0.99
        )
        top, left, side = path[max(t - 1, 0)]
        before = np.stack([x + moved[..., 0] - left, y + moved[..., 1] - top], -1)
        back = (before + 0.5) * size / side - 0.5 - np.stack([columns, rows], -1)
        if mirror:
            back, sure = back[:, ::-1] * np.array([-1, 1], np.float32), sure[:, ::-1]
        backs.append(back.astype(np.float32))
        seen.append(sure & within(backs[-1]))
    return np.stack(backs), np.stack(seen)


def _anchor(sample: Sample) -> float:
    return exposure_anchor(sample.plate.reshape(3, -1).T, sample.truth.ravel(), np.asarray(AP1_LUMINANCE))


def _wronged(normals: np.ndarray, amount: float, rng: np.random.Generator) -> np.ndarray:
    """Normals (3, S, S) bent by smooth noise."""
    if not amount:
        return normals
    grid = cv2.resize(
        rng.normal(0, amount, (6, 6, 3)).astype(np.float32), normals.shape[:0:-1], interpolation=cv2.INTER_CUBIC
    )
    bent = normals + grid.transpose(2, 0, 1)
    return bent / np.maximum(np.linalg.norm(bent, axis=0), 1e-4)
