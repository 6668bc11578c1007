"""Shots for `deflicker_wide.py`: balls on a table, traced ray by ray, that move under lights that change, without flicker.

No renderer is needed and the training code has no part in it. The plate is lit by one set of lights and the relight by
another; the analytic gain knows the lights' directions and colours and not what they hide or mirror, and it knows nothing of
the lamp that is switched or fades. What is left over it is the true residual of every frame.
"""

# pyright: reportMissingImports=false
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from deflicker import Flicker

from relamp.core.gain.proxy import exposure_anchor
from relamp.core.pictures.colour import Colour
from relamp.core.pictures.curves import FLOOR, encode_log
from relamp.core.temporal.working_frame import WorkingFrame

HEIGHT, WIDTH = 96, 160
AMBIENT = 0.25  # light of the sky, of the relight and of the plate
SOFT = 0.06  # radius of a light's disk at distance 1, for the edges of shadows
GLOSS, SHININESS = 0.35, 30.0
_DISK = [(np.cos(a), np.sin(a)) for a in np.arange(6) * (2 * np.pi / 6)]


@dataclass(frozen=True)
class Scene:
    """A shot that is still to be traced; motion is for each frame at 24 a second.

    balls: how many. rolls: their speed, in radii a frame. pan: of the camera, in units of the table a frame, sideways and
    forward. turn: degrees a frame by which the new key turns about the vertical. lamp: how bright the lamp is that the
    analytic gain does not know of, at each frame as a factor of `power`. colour: of that lamp.
    swap: the frame from which another key shines that the analytic gain does know of. switches: the first frames after a switch
    of either. subject: the matte holds the balls, and not the whole picture.
    """

    name: str
    frames: int = 24
    seed: int = 0
    balls: int = 3
    rolls: float = 0.0
    pan: tuple[float, float] = (0.0, 0.0)
    turn: float = 0.0
    power: float = 0.0
    colour: tuple[float, float, float] = (1.0, 0.75, 0.5)
    lamp: Callable[[int], float] = field(default=lambda frame: 0.0)
    swap: int | None = None
    switches: tuple[int, ...] = ()
    subject: bool = False
    flicker: Flicker = field(default_factory=Flicker)


def _on(first: int, last: int | None = None) -> Callable[[int], float]:
    return lambda frame: float(frame >= first and (last is None or frame < last))


SCENES = (
    Scene("still", seed=1),
    Scene("short", frames=6, seed=2, rolls=0.03, flicker=Flicker(0.08, 0.6)),
    Scene(
        "rolling balls, small spots", seed=3, rolls=0.06, balls=6, subject=True, flicker=Flicker(0.1, 0.1, (0.04, 0.1))
    ),
    Scene("pan, quiet", frames=32, seed=4, pan=(0.03, 0.0), flicker=Flicker(0.04, 0.4)),
    Scene("dolly, turning key, wide spots", seed=5, pan=(0.01, 0.03), turn=4.0, flicker=Flicker(0.15, 0.3, (0.2, 0.4))),
    Scene(
        "long, key turns slowly",
        frames=60,
        seed=6,
        pan=(0.012, 0.0),
        rolls=0.01,
        turn=1.0,
        flicker=Flicker(0.1, 0.3, every=11),
    ),
    Scene("known switch", seed=7, rolls=0.02, balls=5, subject=True, swap=13, switches=(13,)),
    Scene("lamp on", seed=8, power=1.2, lamp=_on(12), switches=(12,)),
    Scene(
        "warm lamp off, early",
        frames=16,
        seed=9,
        rolls=0.03,
        balls=5,
        subject=True,
        power=2.5,
        colour=(1.0, 0.5, 0.2),
        lamp=lambda f: float(f < 5),
        switches=(5,),
        flicker=Flicker(0.12, 0.5),
    ),
    Scene(
        "weak lamp on, late, pan",
        frames=28,
        seed=10,
        pan=(0.02, 0.0),
        power=0.3,
        lamp=_on(22),
        switches=(22,),
        flicker=Flicker(0.05, 0.3),
    ),
    Scene("lamp on and off again", frames=28, seed=11, power=1.5, rolls=0.02, lamp=_on(9, 18), switches=(9, 18)),
    Scene(
        "strong blue lamp, loud flicker",
        seed=12,
        power=6.0,
        colour=(0.3, 0.5, 1.0),
        lamp=_on(10),
        switches=(10,),
        flicker=Flicker(0.25, 0.3, (0.1, 0.3), 5),
    ),
    Scene(
        "lamp fades in 14 frames",
        frames=30,
        seed=13,
        rolls=0.02,
        power=2.0,
        lamp=lambda f: min(max((f - 8) / 14, 0), 1),
    ),
)


class _Hit(NamedTuple):
    """What each ray hits: place, normal and reflectance (h, w, 3), and whether it is a ball (h, w)."""

    place: np.ndarray
    normal: np.ndarray
    reflectance: np.ndarray
    ball: np.ndarray


def traced(scene: Scene) -> list[WorkingFrame]:
    """The frames of a scene; their residuals are true."""
    rng = np.random.default_rng(scene.seed)
    things = _Balls(rng, scene)
    plate_key, new_key, other_key = (_unit(rng.normal(0, 1, 3) * (1, 0.2, 0.5) + (0, 0.9, 0.5)) for _ in range(3))
    anchor, frames = None, []
    for t in range(scene.frames):
        hit = things.hit(t)
        key = _turned(other_key if scene.swap is not None and t >= scene.swap else new_key, scene.turn * t)
        view = _unit(things.eye(t) - hit.place)
        old, old_plain, _ = _lit(hit, things.centres(t), things.radii, plate_key, view)
        new, new_plain, shine = _lit(hit, things.centres(t), things.radii, key, view)
        new = new + shine + scene.power * scene.lamp(t) * _lamp(hit, things.centres(t), things.radii, scene.colour)
        hint = np.log(new_plain) - np.log(old_plain)
        plate, truth = hit.reflectance * old, hit.reflectance * new
        matte = hit.ball.astype(np.float32) if scene.subject else np.ones(hit.ball.shape, np.float32)
        anchor = anchor or exposure_anchor(plate.reshape(-1, 3), matte.ravel(), Colour().luminance_weights)
        grain = 0.01 * np.sqrt(plate) * rng.standard_normal(plate.shape)
        residual = np.log(truth * anchor + FLOOR) - np.log(plate * anchor + FLOOR) - hint
        shown = [encode_log((plate + grain) * anchor), matte, hit.normal, hint, residual]
        frames.append(WorkingFrame(*(np.ascontiguousarray(a, np.float32) for a in shown)))
    return frames


class _Balls:
    """Balls on a table before a wall, and the camera; all are functions of the frame."""

    def __init__(self, rng: np.random.Generator, scene: Scene) -> None:
        count = scene.balls
        self.radii = rng.uniform(0.3, 0.75, count)
        self._start = np.stack([rng.uniform(-1.8, 1.8, count), self.radii, rng.uniform(-2.2, 0.3, count)], -1)
        angle = rng.uniform(0, 2 * np.pi, count)
        self._speed = scene.rolls * np.stack([np.cos(angle), np.zeros(count), 0.4 * np.sin(angle)], -1)
        self._tints = np.exp(rng.normal(-1.2, 0.4, (count + 2, 3)))
        self._waves = rng.normal(0, 1, (count + 2, 4, 3)) * 5
        self._pan = np.array([scene.pan[0], 0.0, -scene.pan[1]])

    def centres(self, t: int) -> np.ndarray:
        """(N, 3)."""
        return self._start + self._speed * self.radii[:, None] * t

    def eye(self, t: int) -> np.ndarray:
        """Where the camera is, (3,)."""
        return np.array([0.0, 1.1, 4.2]) + self._pan * t

    def hit(self, t: int) -> _Hit:
        """What the rays of a frame hit first."""
        y, x = np.mgrid[:HEIGHT, :WIDTH]
        rays = _unit(
            np.stack(
                [(x + 0.5 - WIDTH / 2) / HEIGHT, -(y + 0.5 - HEIGHT / 2) / HEIGHT - 0.18, np.full(x.shape, -1.1)], -1
            )
        )
        eye, centres = self.eye(t), self.centres(t)
        with np.errstate(divide="ignore"):
            floor, wall = -eye[1] / rays[..., 1], (-3.2 - eye[2]) / rays[..., 2]
        far, which = np.where(floor > 0, np.minimum(floor, wall), wall), np.where((floor > 0) & (floor < wall), 0, 1)
        for k, (centre, radius) in enumerate(zip(centres, self.radii, strict=True)):
            near = _distance(rays, eye - centre, radius)
            which, far = np.where(near < far, k + 2, which), np.minimum(near, far)
        place = eye + rays * far[..., None]
        flat = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
        origins = np.concatenate([np.zeros((2, 3)), centres])[which]
        normal = np.where((which > 1)[..., None], _unit(place - origins), flat[np.minimum(which, 1)])
        return _Hit(place, normal, self._reflectance(place - origins, which, t), which > 1)

    def _reflectance(self, local: np.ndarray, which: np.ndarray, t: int) -> np.ndarray:
        """Painted on each thing, and turned with a ball that rolls, (h, w, 3)."""
        speed = np.concatenate([np.zeros(2), self._speed[:, 0]])[which]
        a = -speed * t
        local = np.stack(
            [
                np.cos(a) * local[..., 0] - np.sin(a) * local[..., 1],
                np.sin(a) * local[..., 0] + np.cos(a) * local[..., 1],
                local[..., 2],
            ],
            -1,
        )
        phase = (local[..., None, :] * self._waves[which]).sum(-1)  # (h, w, 4)
        return np.clip(self._tints[which] * np.exp(0.25 * np.sin(phase).sum(-1))[..., None], 0.02, 0.9)


def _lit(
    hit: _Hit, centres: np.ndarray, radii: np.ndarray, key: np.ndarray, view: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Light of key and sky that arrives (h, w, 3), the same with nothing hidden, and what is mirrored toward the camera."""
    sky = AMBIENT * (0.5 + 0.5 * hit.normal[..., 1:2]) * np.array((0.8, 0.95, 1.2))
    colour = np.array((1.2, 1.0, 0.8))
    facing = np.maximum(hit.normal @ key, 0)[..., None] * colour
    open_ = _open(hit, centres, radii, np.broadcast_to(key, hit.place.shape))[..., None]
    mirrored = np.maximum((hit.normal * _unit(view + key)).sum(-1), 0)[..., None] ** SHININESS
    return sky + facing * open_, sky + facing, GLOSS * mirrored * open_ * hit.ball[..., None]


def _lamp(hit: _Hit, centres: np.ndarray, radii: np.ndarray, colour: tuple[float, float, float]) -> np.ndarray:
    """Light of a lamp beside the camera at its full power, (h, w, 3)."""
    away = np.array([1.8, 2.2, 1.6]) - hit.place
    far = np.linalg.norm(away, axis=-1)
    toward = away / far[..., None]
    facing = np.maximum((hit.normal * toward).sum(-1), 0) * 4 / far**2
    return (facing * _open(hit, centres, radii, toward))[..., None] * np.array(colour)


def _open(hit: _Hit, centres: np.ndarray, radii: np.ndarray, toward: np.ndarray) -> np.ndarray:
    """The share of a small disk of light that no ball hides, (h, w)."""
    seen = np.zeros(hit.place.shape[:2])
    side = _unit(np.cross(toward, (0.3, 0.1, 1.0)))
    up = np.cross(toward, side)
    start = hit.place + 1e-3 * hit.normal
    for a, b in _DISK:
        ray = _unit(toward + SOFT * (a * side + b * up))
        free = np.ones(seen.shape, bool)
        for centre, radius in zip(centres, radii, strict=True):
            free &= ~np.isfinite(_distance(ray, start - centre, radius))
        seen += free
    return seen / len(_DISK)


def _distance(rays: np.ndarray, start: np.ndarray, radius: float) -> np.ndarray:
    """How far a ball about the origin is along unit rays from `start`, infinite where they miss it."""
    b, c = (rays * start).sum(-1), (start * start).sum(-1) - radius * radius
    under = b * b - c
    near = -b - np.sqrt(np.maximum(under, 0))
    return np.where((under > 0) & (near > 0), near, np.inf)


def _turned(direction: np.ndarray, degrees: float) -> np.ndarray:
    s, c = np.sin(np.radians(degrees)), np.cos(np.radians(degrees))
    return np.array([c * direction[0] + s * direction[2], direction[1], -s * direction[0] + c * direction[2]])


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
