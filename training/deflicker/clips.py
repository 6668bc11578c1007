"""Short clips that never flicker: things that move, turn, deform and hide each other, under lights that truly change.

Two-dimensional layers with a shape: each has a silhouette, a texture and normals, is lit by a few lamps and a sky, throws its
shadow on what lies behind, and moves. The plate is lit by one set of lamps, the relight by another; its residual is what the
analytic hint does not know: shadows, gloss, and mistakes that stick to what they were made on. Cheap enough to be made
while training runs.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from ...core.pictures.curves import MIDDLE_GREY, encode_log

FRAMES = 8
"""Two windows that overlap: their middles are frames 3 and 4."""
SHAPE = (56, 72)
"""Height and width in pixels; small, since a decision needs no more than its surroundings."""
EVENTS = ("still", "turning", "fade", "switch", "swap", "lightning", "passing")
_TEXTURE = 256  # px of a texture's side; it repeats


@dataclass(frozen=True)
class Sighted:
    """One frame of a clip, as `align.Sight` wants it; `residual` here may carry flicker."""

    code: np.ndarray
    matte: np.ndarray
    hint: np.ndarray
    residual: np.ndarray
    normals: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    known: None = None
    """A clip's hints are steady, so its normals count as given and are not looked at."""


@dataclass(frozen=True)
class Clip:
    """FRAMES frames, (F, h, w, ...) float32. `steady` is the residual as it should be; `truth` (F, h, w) is where it counts.

    `flicker` is what is wrong with it where that was measured, None where it is still to be put in.
    """

    code: np.ndarray
    matte: np.ndarray
    hint: np.ndarray
    steady: np.ndarray
    truth: np.ndarray
    flicker: np.ndarray | None = None


def noise(rng: np.random.Generator, shape: tuple[int, int], cell: float, octaves: int = 1) -> np.ndarray:
    """Smooth noise (h, w), about -1 to 1: random values a `cell` px apart, cubic between them, finer ones half as strong."""
    total = np.zeros(shape, np.float32)
    for octave in range(octaves):
        size = max(cell / 2**octave, 1.0)
        grid = rng.uniform(-1, 1, (int(shape[0] / size) + 4, int(shape[1] / size) + 4)).astype(np.float32)
        big = cv2.resize(grid, None, fx=size, fy=size, interpolation=cv2.INTER_CUBIC)
        total += big[round(size) : round(size) + shape[0], round(size) : round(size) + shape[1]] / 2**octave
    return total


def smooth_step(x: np.ndarray, width: float) -> np.ndarray:
    """0 below, 1 above, over `width` around 0."""
    t = np.clip(x / width + 0.5, 0, 1)
    return t * t * (3 - 2 * t)


class _Texture:
    """A repeating picture (S, S, 3) of reflectance, 0.02 to 0.9, and bumps (S, S, 2)."""

    def __init__(self, rng: np.random.Generator) -> None:
        shape = (_TEXTURE, _TEXTURE)
        fine = noise(rng, shape, 2 ** rng.uniform(3, 5.5), 4)
        if rng.random() < 0.35:
            ramp = np.arange(_TEXTURE) * (2 * np.pi / _TEXTURE)
            wave = np.sin(ramp * rng.integers(4, 24))[:, None] * np.ones(_TEXTURE, np.float32)
            if rng.random() < 0.5:
                wave = wave * np.sin(ramp * rng.integers(4, 24))[None]
            fine = fine * 0.4 + np.clip(wave * rng.uniform(1, 6), -1, 1).astype(np.float32)
        tint = noise(rng, shape, 64, 2)[..., None] * rng.normal(0, 0.4, 3).astype(np.float32)
        base = np.log(rng.uniform(0.06, 0.6)) + rng.normal(0, 0.25, 3)
        self.reflectance = np.clip(np.exp(base + rng.uniform(0.05, 0.6) * fine[..., None] + tint), 0.02, 0.9).astype(
            np.float32
        )
        bumps = noise(rng, shape, 2 ** rng.uniform(3, 6), 2) * rng.uniform(0, 0.25)
        self.bumps = np.stack([cv2.Sobel(bumps, cv2.CV_32F, 1, 0), cv2.Sobel(bumps, cv2.CV_32F, 0, 1)], -1)
        mistakes = [noise(rng, shape, 2 ** rng.uniform(4, 7), 2) for _ in range(3)]
        self.mistakes = (np.stack(mistakes, -1) * rng.uniform(0.0, 0.35)).astype(np.float32)

    def sample(self, table: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
        u, v = (np.asarray(a, np.float32) for a in (u, v))
        return cv2.remap(table, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)


class _Layer:
    """A thing, or the ground behind all things: where it is at each frame, and its shape."""

    def __init__(self, rng: np.random.Generator, ground: bool) -> None:
        self.ground, self.texture = ground, _Texture(rng)
        self.place = rng.uniform((-0.9, -0.6), (0.9, 0.6))
        speed = 10 ** rng.uniform(-2.5, -0.9) if rng.random() < 0.75 else 0.0
        angle = rng.uniform(0, 2 * np.pi)
        self.velocity = speed * np.array([np.cos(angle), np.sin(angle)])
        self.pull = rng.normal(0, 0.1 * speed, 2)
        self.size = rng.uniform(0.3, 0.9)
        self.growth = rng.normal(0, 0.008)
        self.turn, self.turning = rng.uniform(0, 6.28), rng.normal(0, 0.03) * (rng.random() < 0.5)
        self.spin = rng.normal(0, 4.0, 2) * (rng.random() < 0.35)  # texels a frame: its surface goes round
        self.waves, self.wave, self.sway = rng.normal(0, 0.12, 4), rng.uniform(0, 6.28, 4), rng.normal(0, 0.15)
        self.ripple, self.ripple_speed = rng.uniform(0, 0.1) * (rng.random() < 0.4), rng.normal(0, 0.5)
        self.scale = 2 ** rng.uniform(4.5, 7)
        self.edge = rng.uniform(0.02, 0.15)

    def own(self, x: np.ndarray, y: np.ndarray, t: float, camera: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The layer's own coordinates of pixels: its silhouette is about the unit circle."""
        parallax = 0.6 if self.ground else 1.0
        zoom = camera[2] if not self.ground else 1 + 0.6 * (camera[2] - 1)
        px, py = (x - parallax * camera[0]) / zoom, (y - parallax * camera[1]) / zoom
        size = (1.0 if self.ground else self.size) * (1 + self.growth * t)
        place = np.zeros(2) if self.ground else self.place + self.velocity * t + 0.5 * self.pull * t * t
        u, v = (px - place[0]) / size, (py - place[1]) / size
        a = self.turn + (0 if self.ground else self.turning * t)
        u, v = np.cos(a) * u - np.sin(a) * v, np.sin(a) * u + np.cos(a) * v
        if self.ripple:
            phase = self.ripple_speed * t
            u, v = u + self.ripple * np.sin(3 * v + phase), v + self.ripple * np.sin(4 * u + phase)
        return u.astype(np.float32), v.astype(np.float32)

    def silhouette(self, u: np.ndarray, v: np.ndarray, t: float, soft: float) -> np.ndarray:
        """Coverage, 0 to 1."""
        if self.ground:
            return np.ones_like(u)
        angle = np.arctan2(v, u)
        sway = 1 + self.sway * np.sin(0.3 * t)
        border = 1 + sum(
            w * sway * np.cos(k * angle + p) for k, (w, p) in enumerate(zip(self.waves, self.wave, strict=True), 1)
        )
        return smooth_step(border - np.hypot(u, v), soft)

    def surface(self, u: np.ndarray, v: np.ndarray, t: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Reflectance (h, w, 3), unit normals (h, w, 3), and the mistakes that stick to it (h, w, 3)."""
        tu = (u * self.scale + self.spin[0] * t) % _TEXTURE
        tv = (v * self.scale + self.spin[1] * t) % _TEXTURE
        bumps = self.texture.sample(self.texture.bumps, tu, tv)
        if self.ground:
            n = np.stack([bumps[..., 0], bumps[..., 1] + 0.5, np.ones_like(u)], -1)
        else:
            c, s = np.cos(self.turn + self.turning * t), np.sin(self.turn + self.turning * t)
            a, b = c * u + s * v, -s * u + c * v
            depth = np.sqrt(np.maximum(1.05 - 0.8 * np.clip(a * a + b * b, 0, 1.2), 0.02))
            n = np.stack([0.9 * a + bumps[..., 0], -0.9 * b + bumps[..., 1], depth], -1)
        n = n / np.sqrt((n * n).sum(-1, keepdims=True))
        return (
            self.texture.sample(self.texture.reflectance, tu, tv),
            n.astype(np.float32),
            self.texture.sample(self.texture.mistakes, tu, tv),
        )


class _Lights:
    """A sky and a few lamps, that may turn, fade, be switched, or flash; everything is a function of the frame."""

    def __init__(self, rng: np.random.Generator, event: str) -> None:
        count = int(rng.integers(1, 4))
        self.directions = _unit(rng.normal(0, 1, (count, 3)) + np.array([0, 0.3, 0.4]))
        self.colours = np.exp(rng.normal(0, 0.35, (count, 3)))
        self.power = np.exp(rng.normal(0.5, 0.7, count))
        self.sky = np.exp(rng.normal(-1.2, 0.5)) * np.exp(rng.normal(0, 0.2, (2, 3)))
        self.soft = rng.uniform(0.0, 0.4, count)
        self.shadow = 10 ** rng.uniform(-2.2, -0.8, count)  # width of the shadows' edges
        self.dark = rng.uniform(0.5, 1.0, count)
        self.axis = _unit(rng.normal(0, 1, (1, 3)) + np.array([0, 2, 0]))[0]
        self.step = rng.uniform(0.5, 14) * rng.choice([-1, 1]) if event == "turning" else 0.0  # deg a frame
        curve = np.ones((FRAMES, count))
        which = rng.integers(count)
        if event == "fade":
            ramp = np.clip((np.arange(FRAMES) - rng.uniform(-4, 6)) / rng.uniform(3, 16), 0, 1)
            curve[:, which] = ramp if rng.random() < 0.5 else 1 - ramp
        elif event == "switch":
            on = smooth_step(np.arange(FRAMES) - rng.uniform(0.5, 6.5), rng.choice([0.01, 0.01, 2.0]))
            curve[:, which] = (on if rng.random() < 0.5 else 1 - on) * rng.uniform(1, 4)
        elif event == "lightning":
            at, more = int(rng.integers(0, FRAMES)), rng.uniform(2, 12)
            curve[at : at + int(rng.integers(1, 3)), which] = more
            curve[:, which] *= rng.choice([1.0, 0.1])
        self.curve = curve

    def at(self, t: int) -> tuple[np.ndarray, np.ndarray]:
        """Directions (K, 3) and colours times power (K, 3)."""
        a = np.radians(self.step * t)
        d, k = self.directions, self.axis
        turned = d * np.cos(a) + np.cross(k, d) * np.sin(a) + np.outer(d @ k, k) * (1 - np.cos(a))
        return turned, self.colours * (self.power * self.curve[t])[:, None]

    def shade(self, normals: np.ndarray, t: int) -> tuple[np.ndarray, list[np.ndarray]]:
        """The sky's light (h, w, 3) and each lamp's, unshadowed, at unit level."""
        directions, colours = self.at(t)
        level = self.sky.mean() + 0.25 * colours.mean(-1).sum()
        up = (0.5 + 0.5 * normals[..., 1:2]).astype(np.float32)
        sky = (self.sky[0] * up + self.sky[1] * (1 - up)) / level
        lamps = []
        for d, c, soft in zip(directions, colours, self.soft, strict=True):
            cosine = np.maximum((normals @ d.astype(np.float32) + soft) / (1 + soft), 0)
            lamps.append((cosine[..., None] * (c / level)).astype(np.float32))
        return sky.astype(np.float32), lamps


def make(rng: np.random.Generator, shape: tuple[int, int], event: str | None = None) -> Clip:
    """A clip of (h, w) px; `event` is one of EVENTS, by chance when None."""
    event = str(rng.choice(EVENTS)) if event is None else event
    h, w = shape
    x, y = np.meshgrid((np.arange(w) + 0.5) / h * 2 - w / h, (np.arange(h) + 0.5) / h * 2 - 1)
    layers = [_Layer(rng, True), *(_Layer(rng, False) for _ in range(int(rng.integers(1, 4))))]
    plate = _Lights(rng, "turning" if rng.random() < 0.05 else "still")
    target = _Lights(rng, event)
    other = _Lights(rng, "still") if event == "swap" else target
    swapped = int(rng.integers(1, FRAMES))
    drift = rng.normal(0, 0.02, 3) * (1, 0.6, 0.3) if rng.random() < 0.6 else np.zeros(3)
    shake = rng.normal(0, 0.004, (FRAMES, 2)) * (rng.random() < 0.3)
    gloss = (rng.uniform(0, 1.5) * (rng.random() < 0.5), 2 ** rng.uniform(1, 6))
    passing = _Passing(rng) if event == "passing" or rng.random() < 0.15 else None
    only_subject, known = rng.random() < 0.7, rng.random() < 0.5
    rows = []
    for t in range(FRAMES):
        camera = np.array([*(drift[:2] * t + shake[t]), 1 + drift[2] * t])
        lights = target if t < swapped else other
        rows.append(_frame(layers, plate, lights, x, y, t, camera, gloss, passing, known))
    light, hint, residual, cover = (np.stack(row) for row in zip(*rows, strict=True))
    grain = 10 ** rng.uniform(-3.5, -1.7)
    light = light * (MIDDLE_GREY / max(float(np.median(light)), 1e-3)) * 2 ** rng.normal(0, 0.5)
    light += grain * np.sqrt(np.maximum(light, 0) + 0.01) * rng.standard_normal(light.shape, np.float32)
    code = encode_log(light)
    truth = cover if only_subject else np.ones_like(cover)
    if event != "lightning" and rng.random() < 0.2:  # relit elsewhere: nothing is known of the light
        residual, hint = residual + hint, np.zeros_like(hint)
    matte = np.stack([drawn(rng, m) for m in truth]) if rng.random() < 0.5 else (truth > 0.5).astype(np.float32)
    arrays = (code, matte, hint, residual, truth)
    return Clip(*(np.ascontiguousarray(a, np.float32) for a in arrays))


class _Passing:
    """A shadow of something outside the picture that crosses it, which no light knows of."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.angle, self.width = rng.uniform(0, 6.28), 10 ** rng.uniform(-0.9, 0.3)
        self.start, self.speed = rng.uniform(-1.5, 1.5), rng.choice([-1, 1]) * 10 ** rng.uniform(-1.7, -0.5)
        self.soft, self.depth = 10 ** rng.uniform(-2, -0.3), rng.uniform(0.2, 1.2)

    def at(self, x: np.ndarray, y: np.ndarray, t: int) -> np.ndarray:
        across = np.cos(self.angle) * x + np.sin(self.angle) * y - self.start - self.speed * t
        return (-self.depth * smooth_step(self.width - np.abs(across), self.soft)).astype(np.float32)


def _frame(
    layers: list[_Layer], plate: _Lights, target: _Lights, x: np.ndarray, y: np.ndarray, t: int, camera: np.ndarray,
    gloss: tuple[float, float], passing: _Passing | None, known: bool,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """Plate light (h, w, 3), hint, residual, and the coverage of the things (h, w)."""
    reflectance = normals = mistakes = np.zeros((*x.shape, 3), np.float32)
    cover, level = np.zeros(x.shape, np.float32), np.zeros(x.shape, np.float32)
    for number, layer in enumerate(layers):
        u, v = layer.own(x, y, t, camera)
        there = layer.silhouette(u, v, t, layer.edge).astype(np.float32)
        own = layer.surface(u, v, t)
        t3 = there[..., None]
        reflectance, normals, mistakes = (
            new * t3 + old * (1 - t3) for new, old in zip(own, (reflectance, normals, mistakes), strict=True)
        )
        level = number * there + level * (1 - there)
        cover = cover if layer.ground else np.maximum(cover, there)
    normals = normals / np.maximum(np.sqrt((normals * normals).sum(-1, keepdims=True)), 1e-3)
    sums, trues = [], []
    for lights in (plate, target):
        sky, lamps = lights.shade(normals, t)
        shadows = _shadows(layers, lights, x, y, t, camera, level)
        sums.append(sky + sum(lamps))
        trues.append(sky + sum(lamp * (1 - m[..., None]) for lamp, m in zip(lamps, shadows, strict=True)))
    hint = np.log(sums[1] + 0.01) - np.log(sums[0] + 0.01) if known else np.log(sums[1] + 0.01)
    residual = np.log(trues[1] + 0.01) - np.log(sums[1] + 0.01) + mistakes
    if known:
        residual -= np.log(trues[0] + 0.01) - np.log(sums[0] + 0.01)
    if gloss[0]:
        directions, colours = target.at(t)
        for d, c in zip(directions, colours, strict=True):
            half = _unit((d + np.array([0, 0, 1]))[None])[0].astype(np.float32)
            shine = np.maximum(normals @ half, 0) ** gloss[1] * np.float32(gloss[0] * c.mean() / (1 + colours.mean()))
            residual += np.log1p(shine)[..., None]
    if passing is not None:
        residual += passing.at(x, y, t)[..., None]
    return (reflectance * trues[0]).astype(np.float32), hint - hint.mean() * (not known), residual, cover


def _shadows(
    layers: list[_Layer], lights: _Lights, x: np.ndarray, y: np.ndarray, t: int, camera: np.ndarray, level: np.ndarray
) -> list[np.ndarray]:
    """How much of each lamp is hidden, (h, w): every thing throws its silhouette on what lies behind it."""
    directions, _ = lights.at(t)
    hidden = []
    for d, width, dark in zip(directions, lights.shadow, lights.dark, strict=True):
        reach = 0.35 / max(abs(float(d[2])), 0.25)
        shift = (float(d[0]) * reach, -float(d[1]) * reach)
        mask = np.zeros(x.shape, np.float32)
        for number, layer in enumerate(layers):
            if layer.ground:
                continue
            u, v = layer.own(x + shift[0], y + shift[1], t, camera)
            thrown = layer.silhouette(u, v, t, width / layer.size)
            mask = np.maximum(mask, thrown * np.clip(number - level, 0, 1))
        hidden.append((mask * dark).astype(np.float32))
    return hidden


def drawn(rng: np.random.Generator, matte: np.ndarray) -> np.ndarray:
    """A matte as it comes: too large, too small, blurred, another way in every frame."""
    kernel = np.ones((3, 3), np.uint8)
    chance = rng.random()
    changed = cv2.dilate(matte, kernel) if chance < 0.35 else cv2.erode(matte, kernel) if chance < 0.7 else matte
    return cv2.GaussianBlur(changed, (0, 0), rng.uniform(0.4, 2.0))


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)
