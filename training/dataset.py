"""Training samples from the shards of the light stage: a frame under two lights, cropped, flipped, tinted, made dirty.

Frames stay in memory as they lie on disk and are decoded when drawn. Shards that appear while training runs are picked
up. One frame in twenty, told by its seed, is held out for validation and never trained on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from ..core.errors import InputError
from ..core.gain.proxy import exposure_anchor
from ..core.light.backdrop import camera_rays
from ..core.light.environment import AP1_LUMINANCE, direction_to_uv
from ..core.pictures.curves import encode_log_tensor
from ..core.relighter.own.conditions import Conditions, LightBatch
from .check_data import exposure
from .light_pool import ROWS, Lit, Place, Rig, make_pool
from .shards import StageFrame, log_table, read_index, read_shard, shard_paths

HELD_OUT = 20  # one seed in so many
REFRESH = 400  # visits between two looks for new shards
NEW_PLACES = 2  # places of the pool replaced at each look


@dataclass
class Sample:
    """One training pair; arrays (C, S, S) float32 unless said otherwise.

    plate and target: anchored un-premultiplied light under A and B. matte: as given to the network; truth: where the
    loss looks. exposure: factor that shows plate and target on a display. lights: tables of A and B, float16, and the same
    lights as parcels, with to_map (3, 3). The three flags are 0 or 1.
    """

    plate: np.ndarray
    target: np.ndarray
    matte: np.ndarray
    truth: np.ndarray
    normals: np.ndarray
    albedo: np.ndarray  # diffuse and specular reflectance
    surface: np.ndarray  # (2, S, S) how much of it is specular, 0 to 1, and roughness
    rays: np.ndarray
    covered: np.ndarray  # 0 or 1, where the frame has normals to give
    background: np.ndarray
    diffuse: np.ndarray  # (2, 3, S', S')
    glossy: np.ndarray  # (2, 9, S'', S'')
    parcels: np.ndarray  # (2, N, 7)
    to_map: np.ndarray
    exposure: np.float32
    normals_given: np.float32
    source_known: np.float32
    background_known: np.float32


@dataclass
class Batch:
    """Samples stacked: the conditions, and beside them what only training knows."""

    conditions: Conditions
    plate: torch.Tensor
    target: torch.Tensor
    truth: torch.Tensor
    normals: torch.Tensor
    albedo: torch.Tensor
    surface: torch.Tensor
    exposure: torch.Tensor

    def to(self, device: torch.device | str) -> Batch:
        """The same on another device."""
        moved: dict[str, Any] = {f.name: getattr(self, f.name).to(device) for f in fields(self)}
        return Batch(**moved)

    def __len__(self) -> int:
        return len(self.plate)


def held_out(seed: int) -> bool:
    """Whether a frame is for validation only."""
    return seed % HELD_OUT == 7


class Frames:
    """The frames of a folder in memory, those for training or those held out."""

    def __init__(self, folder: Path, *, validation: bool = False, share: tuple[int, int] = (0, 1), version: int = 0):
        self.folder, self.validation, self.share, self.version = folder, validation, share, version
        self.frames: list[StageFrame] = []
        self.rigs: list[Rig] = []
        self._read: set[str] = set()
        self.look()

    def look(self) -> None:
        """Read shards that were not there before. Worker i of n keeps every n-th frame."""
        for path in shard_paths(self.folder):
            if path.name in self._read:
                continue
            self._read.add(path.name)
            seeds = {f["seed"] for f in read_index(path) if f["scene_version"] >= self.version}
            seeds = {s for s in seeds if held_out(s) == self.validation and s % self.share[1] == self.share[0]}
            for frame in read_shard(path, seeds):
                if frame.matte.max(initial=0) > 200 and (frame.matte > 127).mean() > 0.02:
                    self.frames.append(frame)
                    self.rigs.append(Rig(frame))

    def require(self) -> None:
        """Raise `InputError` when there is nothing to train on."""
        if not self.frames:
            raise InputError(f"{self.folder} holds no frames to use; render some with python -m relamp.training.stage")


def pictures(frame: StageFrame, lights: list[Lit]) -> np.ndarray:
    """The frame under several lights, (K, H, W, 3) premultiplied."""
    tables = log_table(frame.curve)
    weights = np.stack([light.weights for light in lights])  # K, G, 3
    used = np.flatnonzero(weights.any(axis=(0, 2)))
    out = np.zeros((len(lights), frame.height, frame.width, 3), np.float32)
    covered = frame.covered > 0
    radiance = np.empty((len(used), frame.codes.shape[1]), np.float32)
    for c in range(3):
        for row, g in zip(radiance, used, strict=True):
            np.take(tables[g], frame.codes[g, :, c], out=row)
        out[:, covered, c] = np.ascontiguousarray(weights[:, used, c]) @ radiance
    return out


class Maker:
    """Makes samples of frames, all chance from one generator.

    Args:
        exact_mattes: give the true matte; otherwise some as people make them. Chance falls the same either way.
    """

    def __init__(
        self, frames: Frames, seed: int, places: int, sizes: tuple[int, ...], *, exact_mattes: bool = False
    ) -> None:
        self.frames, self.sizes, self.exact_mattes = frames, sizes, exact_mattes
        self.rng = np.random.default_rng(seed)
        self.pool: list[Place] = make_pool(self.rng, places)

    def visit(self, size: int, pairs: int = 2) -> list[Sample]:
        """Some samples of one random frame."""
        rng = self.rng
        index = int(rng.integers(len(self.frames.frames)))
        frame, rig = self.frames.frames[index], self.frames.rigs[index]
        lights = [rig.light(self._place(), rng) for _ in range(pairs + 1)]
        tint = recolour(frame, rng)
        lit, geometry = pictures(frame, lights) * tint, Geometry.of(frame, tint)
        whole = rng.random() < 0.3
        made = []
        for k in range(pairs):
            pair = (k, k + 1)
            sample = self._sample(geometry, rig, lit[list(pair)], [lights[i] for i in pair], size, whole)
            if sample is not None:
                made.append(sample)
        return made

    def _place(self) -> Place:
        place = self.pool[int(self.rng.integers(len(self.pool)))]
        if self.rng.random() < 0.2:  # two places at once: a room in a landscape, a lamp in both
            other = self.pool[int(self.rng.integers(len(self.pool)))]
            share = np.float32(self.rng.uniform(0.1, 0.6) * place.rest.mean() / max(float(other.rest.mean()), 1e-6))
            return Place(place.rest + other.rest * share, place.lamp)
        return place

    def _sample(
        self, geometry: Geometry, rig: Rig, lit: np.ndarray, lights: list[Lit], size: int, whole: bool
    ) -> Sample | None:
        window = self._window(geometry)
        if window is None:
            return None
        take = replace(Take.draw(self.rng, window, whole), exact_matte=self.exact_mattes)
        return shoot(geometry, rig, lit, lights, size, take, self.rng)

    def _window(self, geometry: Geometry) -> Window | None:
        """A crop that shows enough of the subject."""
        side = geometry.matte.shape[0]
        crop = round(side * self.rng.uniform(0.6, 1.0))
        for _ in range(6):
            y, x = (int(self.rng.integers(side - crop + 1)) for _ in range(2))
            if geometry.matte[y : y + crop, x : x + crop].mean() > 0.04:
                return y, x, crop
        return None

    def batches(self, count: int) -> Iterator[Any]:
        """Endless batches of `count` samples of one size."""
        visits = 0
        while True:
            size = int(self.rng.choice(self.sizes))
            samples: list[Sample] = []
            while len(samples) < count:
                samples += self.visit(size)
                visits += 1
                if visits % REFRESH == 0:
                    self.frames.look()
                    for place in make_pool(self.rng, NEW_PLACES):
                        self.pool[int(self.rng.integers(len(self.pool)))] = place
            yield stack(samples[:count])


@dataclass(frozen=True)
class Geometry:
    """A frame's pictures that no light changes: alpha, matte (H, W), normals, albedo and rays (H, W, 3), surface (H, W, 2)."""

    alpha: np.ndarray
    matte: np.ndarray
    normals: np.ndarray
    albedo: np.ndarray
    surface: np.ndarray
    rays: np.ndarray

    @classmethod
    def of(cls, frame: StageFrame, tint: np.ndarray | float = 1.0) -> Geometry:
        """Those of a frame whose surfaces are recoloured by `tint`; normals are (0, 0, 1) where nothing is."""
        normals = frame.normal_image()
        normals[(normals * normals).sum(-1) < 0.25] = (0, 0, 1)
        rays = camera_rays(frame.width, frame.height, frame.hfov)
        gloss = frame.gloss_image()
        whole = frame.albedo_image() + gloss
        albedo = np.minimum(whole * np.float32(tint), 1)
        specular = gloss.mean(-1) / np.maximum(whole.mean(-1), 1e-4)
        surface = np.dstack([specular, frame.image(frame.surface[:, 0]).astype(np.float32) / 255])
        return cls(frame.alpha_image(), frame.matte_image(), normals, albedo, surface, rays)


Window = tuple[float, float, int]
"""Of a picture: upper and left edge and side, px; edges may lie between pixels."""


@dataclass(frozen=True)
class Take:
    """How a sample is filmed; all frames of a clip share it but for the window.

    whole: everything is the subject, not what the matte holds. before: 0 to 1, what stands behind. stops: how far from the
    right exposure. shot, floor: of the sensor's noise. anchor: the exposure anchor, None to measure it. exact_matte: the matte
    has no faults.
    """

    window: Window
    whole: bool
    mirror: bool
    before: float
    stops: float
    shot: float
    floor: float
    anchor: float | None = None
    exact_matte: bool = False

    @classmethod
    def draw(cls, rng: np.random.Generator, window: Window, whole: bool) -> Take:
        """One by chance."""
        mirror, before = rng.random() < 0.5, rng.random()
        stops = float(np.clip(rng.normal(0, 0.4), -1, 1))
        return cls(window, whole, mirror, before, stops, 10.0 ** rng.uniform(-4, -2.3), 10.0 ** rng.uniform(-4, -2.7))


def shoot(
    geometry: Geometry,
    rig: Rig,
    lit: np.ndarray,
    lights: list[Lit],
    size: int,
    take: Take,
    rng: np.random.Generator,
) -> Sample:
    """A sample of a frame.

    Args:
        lit: (2, H, W, 3) premultiplied, the frame under both lights.
        lights: A and B.
        rng: where the noise, the matte's faults and what is given come from.
    """
    planes = [(lit[0], geometry.alpha), (lit[1], geometry.matte)]
    planes += [(geometry.normals,), (geometry.rays,), (geometry.albedo,), (geometry.surface,)]
    stack = np.concatenate([_cut(np.dstack(p), take.window, size) for p in planes], -1)
    if take.mirror:
        stack = np.ascontiguousarray(stack[:, ::-1])
        stack[..., [8, 11]] *= -1
    lit_a, alpha, lit_b, matte = stack[..., :3], stack[..., 3], stack[..., 4:7], stack[..., 7]
    normals, rays = _unit(stack[..., 8:11]), _unit(stack[..., 11:14])
    truth = alpha if take.whole else matte
    to_map = rig.pattern_to_camera.T
    if take.mirror:
        to_map = to_map @ np.diag([-1.0, 1.0, 1.0])
    behind = [_view(rig, light, rays, take.mirror) for light in lights]
    plate = _plate(lit_a, alpha, truth, behind[0], take.before)
    target = lit_b / np.maximum(alpha, 0.05)[..., None]
    anchor = take.anchor or exposure_anchor(plate.reshape(-1, 3), truth.ravel(), np.asarray(AP1_LUMINANCE))
    anchor *= 2.0**take.stops
    plate, target = plate * np.float32(anchor), target * np.float32(anchor)
    shown = exposure(plate, target, truth)
    plate = noisy(plate, take.shot, take.floor, rng)
    given = _dirty(truth, rng)
    sure = truth * np.clip(alpha * 4 - 2, 0, 1)  # where the surface is more than half of the pixel
    return Sample(
        plate=_first(plate),
        target=_first(target),
        matte=_first((truth if take.exact_matte else given)[..., None]),
        truth=_first(sure[..., None]),
        normals=_first(normals),
        albedo=_first(stack[..., 14:17]),
        surface=_first(stack[..., 17:19]),
        rays=_first(rays),
        covered=_first((alpha > 0.5)[..., None]),
        background=_first(behind[1]),
        diffuse=np.stack([_first(light.tables.diffuse) for light in lights]).astype(np.float16),
        glossy=np.stack([_glossy(light.tables.glossy) for light in lights]),
        parcels=np.stack([rig.parcels(light.weights) for light in lights]),
        to_map=to_map.astype(np.float32),
        exposure=np.float32(shown),
        normals_given=np.float32(rng.random() < 0.6),
        source_known=np.float32(rng.random() < 0.6),
        background_known=np.float32(rng.random() < 0.4),
    )


def _cut(picture: np.ndarray, window: Window, size: int) -> np.ndarray:
    """A window of a picture (H, W, C) as (size, size, C): between pixels linearly, then by area or linearly."""
    top, left, side = window
    for axis, edge in ((0, top), (1, left)):
        whole, part = int(np.floor(edge)), np.float32(edge - np.floor(edge))
        kept = picture.take(range(whole, whole + side), axis)
        if part:
            after = picture.take(range(whole + 1, whole + side + 1), axis, mode="clip")
            kept = kept * (1 - part) + after * part
        picture = kept
    return cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA if side > size else cv2.INTER_LINEAR)


def _view(rig: Rig, light: Lit, rays: np.ndarray, mirror: bool) -> np.ndarray:
    """What the camera sees of a light's map, blurred as a background is."""
    d = rays * np.array([-1, 1, 1], np.float32) if mirror else rays
    u, v = np.moveaxis(direction_to_uv(d @ rig.to_world.T.astype(np.float32)), -1, 0)
    column = (u * 2 * ROWS).astype(int) % (2 * ROWS)
    row = np.clip((v * ROWS).astype(int), 0, ROWS - 1)
    return cv2.blur(np.ascontiguousarray(light.world[row, column]), (9, 9))


def _plate(lit: np.ndarray, alpha: np.ndarray, truth: np.ndarray, behind: np.ndarray, before: float) -> np.ndarray:
    """The picture as it might arrive: before its place, before black, or cut out."""
    a = alpha[..., None]
    if before < 0.5:
        return lit + (1 - a) * behind
    if before < 0.75:
        return np.where(a > 0.02, lit / np.maximum(a, 0.02), 0)
    return np.where(truth[..., None] > 0.02, lit / np.maximum(a, 0.02), 0)


def stack(samples: list[Sample]) -> Batch:
    """Samples of one size as a batch."""
    a = {f.name: torch.from_numpy(np.stack([getattr(s, f.name) for s in samples])) for f in fields(Sample)}
    lights = [LightBatch(a["diffuse"][:, k], a["glossy"][:, k], a["to_map"], a["parcels"][:, k]) for k in (1, 0)]
    given = a["normals_given"][:, None, None, None] * a["covered"]
    conditions = Conditions(
        code=encode_log_tensor(a["plate"]),
        matte=a["matte"],
        rays=a["rays"],
        normals=a["normals"],
        normals_known=given,
        target=lights[0],
        source=lights[1],
        source_known=a["source_known"],
        background=encode_log_tensor(a["background"]),
        background_known=a["background_known"],
    )
    beside = {f.name: a[f.name] for f in fields(Batch) if f.name != "conditions"}
    return Batch(conditions, **beside)


def recolour(frame: StageFrame, rng: np.random.Generator) -> np.ndarray:
    """Factors (H, W, 3) that change the colours of surfaces, the same under every light: two tints over the albedo."""
    tints = np.exp(rng.normal(0.0, 0.2, (2, 3))).astype(np.float32)
    lightness = np.clip(frame.albedo_image().mean(-1, keepdims=True) * 2, 0, 1)
    return tints[0] * (1 - lightness) + tints[1] * lightness


def noisy(plate: np.ndarray, shot: float, floor: float, rng: np.random.Generator) -> np.ndarray:
    """A plate under the sensor's noise: shot noise and a floor."""
    sigma = np.sqrt(shot * np.maximum(plate, 0) + floor**2)
    return (plate + sigma * rng.standard_normal(plate.shape, np.float32)).astype(np.float32)


def _dirty(matte: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A matte as people make them: as it is, hard, soft, too large, too small."""
    chance = rng.random()
    if chance < 0.35:
        return matte
    if chance < 0.55:
        return (matte > 0.5).astype(np.float32)
    kernel = np.ones((3, 3) if rng.random() < 0.6 else (5, 5), np.uint8)
    changed = cv2.dilate(matte, kernel) if rng.random() < 0.6 else cv2.erode(matte, kernel)
    return changed if chance < 0.8 else cv2.blur(changed, (5, 5))


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.sqrt((vectors * vectors).sum(-1, keepdims=True)), 1e-4)


def _first(picture: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(picture.transpose(2, 0, 1), np.float32)


def _glossy(tables: np.ndarray | None) -> np.ndarray:
    assert tables is not None, "lights for training have glossy tables"
    return np.ascontiguousarray(tables.transpose(0, 3, 1, 2).reshape(-1, *tables.shape[1:3]), np.float16)
