"""Clips the deflicker head learns from: frames of the light stage that go on in time, with the noise of filming and the truth.

Three kinds. A still frame under light that moves: lights add, so a turning map, a fade or a switched lamp is true, with its
shadows. A still frame through a moving window: pan, zoom and shake. A scene rendered moving (`stage --clip`). Each frame has
its own sensor noise; mattes, normals and exposure are right.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..core.gain.proxy import exposure_anchor
from ..core.light.environment import AP1_LUMINANCE
from .dataset import (
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
)
from .environments import animate
from .light_pool import ROWS, Lit, Rig
from .lighting import lift_lamp
from .shards import StageFrame

LENGTH = 8
"""Frames of a clip."""
ONE_LAMP = np.cos(np.radians(3.0))  # lamps of neighbouring frames nearer than this are one that stands still
RENDERED, WORTH = 0.4, 4  # of the clips at most are rendered ones, each drawn as often as so many stills


@dataclass(frozen=True)
class Clip:
    """LENGTH frames: `samples`, one a frame, and `clean`, (LENGTH, 3, S, S), their plates without noise."""

    samples: list[Sample]
    clean: np.ndarray


@dataclass(frozen=True)
class Scene:
    """What a clip films: LENGTH frames of the light stage and the rig of each."""

    frames: list[StageFrame]
    rigs: list[Rig]

    @classmethod
    def still(cls, frame: StageFrame, rig: Rig) -> Scene:
        """One frame that stands still."""
        return cls([frame] * LENGTH, [rig] * LENGTH)

    @classmethod
    def rendered(cls, frames: list[StageFrame]) -> Scene:
        """A rendered clip of LENGTH frames."""
        return cls(frames, [Rig(frame) for frame in frames])


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
    ) -> None:
        super().__init__(frames, seed, places, sizes)
        self.scenes = scenes
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
        faults = int(rng.integers(2**32))
        samples = []
        for t in range(count):
            taken = replace(take, window=path[t])
            pair = [lights[0][t], lights[1][t]]
            made = shoot(geometries[t], scene.rigs[t], lit[:, t], pair, size, taken, np.random.default_rng(faults))
            samples.append(replace(made, matte=made.truth))
        samples = self._exposed(samples, lights[0])
        return Clip(self._filmed(samples), np.stack([sample.plate for sample in samples]))

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
        """At the clip's one anchor, measured on its first frame, brighter and darker as its light is."""
        rng, first = self.rng, samples[0]
        light = np.clip([x.level / source[0].level for x in source], 0.25, 4.0)
        anchor = _anchor(first) * 2.0 ** float(np.clip(rng.normal(0, 0.4), -1, 1))
        factors = (anchor * light).astype(np.float32)
        return [
            replace(s, plate=s.plate * f, target=s.target * f, exposure=first.exposure / factors[0])
            for s, f in zip(samples, factors, strict=True)
        ]

    def _filmed(self, samples: list[Sample]) -> list[Sample]:
        """Under the sensor's noise, new in each frame, and given what the first one is given."""
        rng, first = self.rng, samples[0]
        shot, floor = 10.0 ** rng.uniform(-4, -2.3), 10.0 ** rng.uniform(-4, -2.7)
        flags = {name: getattr(first, name) for name in ("normals_given", "source_known", "background_known")}
        return [replace(s, plate=noisy(s.plate, shot, floor, rng), **flags) for s in samples]


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


def _anchor(sample: Sample) -> float:
    return exposure_anchor(sample.plate.reshape(3, -1).T, sample.truth.ravel(), np.asarray(AP1_LUMINANCE))
