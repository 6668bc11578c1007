"""The validation shots: what stands in them, how it moves, the camera, and the two lights.

Frame numbers count from 0 here; every shot goes on moving as long as it is asked to.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import people
import shapes
from shapes import Mesh

Material = dict[str, Any]


@dataclass(frozen=True)
class Light:
    """A map of `maps` by name, its level, and how far it is turned at first and more with every frame, degrees.

    `balanced`: the camera was white-balanced to it, so what a grey surface facing the camera shows is grey.
    """

    place: str
    level: float
    turn: float = 0.0
    turn_a_frame: float = 0.0
    balanced: bool = False

    def turn_at(self, frame: int) -> float:
        return self.turn + self.turn_a_frame * frame


@dataclass(frozen=True)
class Hair:
    """Strands (N, K, 3) of one thickness."""

    strands: np.ndarray
    radius: float


@dataclass(frozen=True)
class Camera:
    """Where it stands, what it looks at, and its horizontal field of view in degrees."""

    eye: tuple[float, float, float]
    target: tuple[float, float, float]
    fov: float

    @property
    def rotation(self) -> np.ndarray:
        """(3, 3) camera to world directions on column vectors: X right, Y up, Z to the viewer."""
        back = np.subtract(self.eye, self.target)
        back = back / np.linalg.norm(back)
        right = np.cross((0, 1, 0), back)
        right = right / np.linalg.norm(right)
        return np.stack([right, np.cross(back, right), back], axis=1)


Part = tuple[Mesh | Hair, Material]


@dataclass(frozen=True)
class Shot:
    """One shot: `plate` is the light it was filmed under, `truth` the one it has to come out under."""

    name: str
    shows: str
    plate: Light
    truth: Light
    parts: Callable[[int], list[Part]]
    camera: Callable[[int], Camera]


PAINT = {"type": "mesh_attribute", "name": "vertex_color"}


def matte() -> Material:
    """Chalk, cloth, plaster."""
    return {"type": "twosided", "inner": {"type": "diffuse", "reflectance": PAINT}}


def coated(roughness: float, specular: float = 0.5) -> Material:
    """Skin, glaze, varnish: a painted base under a sheen."""
    return {"type": "principled", "base_color": PAINT, "roughness": roughness, "specular": specular}


def metal(roughness: float) -> Material:
    """Metal of the painted colour."""
    return {"type": "principled", "base_color": PAINT, "metallic": 1.0, "roughness": roughness}


def hair(colour: tuple[float, float, float]) -> Material:
    """Strands with a sheen along them."""
    return {
        "type": "principled",
        "base_color": {"type": "rgb", "value": list(colour)},
        "roughness": 0.35,
        "specular": 0.6,
    }


def _head(frame: int) -> list[Part]:
    yaw = -24.0 + 6 * frame
    turned = shapes.turn(yaw).T
    return [
        (shapes.head().moved(yaw=yaw), coated(0.42)),
        (shapes.eyes().moved(yaw=yaw), coated(0.12, 0.7)),
        (shapes.shirt().moved(yaw=0.4 * yaw), matte()),
        (Hair(shapes.strands(5000, 7) @ turned, 0.0075), hair((0.13, 0.075, 0.04))),
    ]


def _portrait(frame: int) -> list[Part]:
    yaw = 20.0 + 2 * frame
    head = shapes.head()
    assert head.colours is not None
    head = head.painted(head.colours * (0.42, 0.4, 0.4))
    cap = shapes.ball(lambda d: 1.05 * shapes.skull(d) + 0.02 * np.sin(40 * d[..., 0]) ** 2, 90)
    above = cap.vertices[:, 1] > 0.5 + 0.22 * cap.vertices[:, 2]
    cap = Mesh(cap.vertices, cap.faces[above[cap.faces].all(axis=1)]).painted((0.62, 0.52, 0.18))
    return [
        (head.moved(yaw=yaw), coated(0.38)),
        (shapes.eyes().moved(yaw=yaw), coated(0.12, 0.7)),
        (cap.moved(yaw=yaw), matte()),
        (shapes.shirt().painted((0.7, 0.68, 0.64)), matte()),
    ]


def _cloth(frame: int) -> list[Part]:
    phase = 0.55 * frame
    rail = shapes.lathe([(0.001, 1.9), (0.05, 1.9), (0.05, -1.9), (0.001, -1.9)], 32)
    rail = Mesh(rail.vertices[:, [1, 0, 2]] * (1, -1, 1), rail.faces).painted((0.25, 0.15, 0.08))
    floor = _disc(3.4).painted((0.34, 0.3, 0.26))
    return [
        (shapes.cloth(phase).moved((-0.35, 1.45, -0.5)), matte()),
        (rail.moved((-0.35, 2.8, -0.5)), coated(0.3)),
        (shapes.draped(phase).moved((1.05, 0, 0.75), scale=0.6), matte()),
        (_boards(floor), matte()),
    ]


def _still_life(_: int) -> list[Part]:
    apple = shapes.ball(lambda d: 1 - 0.24 * np.exp(-12 * (1 - d[..., 1])) - 0.06 * d[..., 1] ** 2, 80)
    blush = np.clip(shapes.ripple(apple.vertices * (1, 0.4, 1), 3, 4), 0, 1)[:, None]
    red = np.array([0.52, 0.07, 0.05]) + blush * (0.1, 0.3, 0.02)
    pear = shapes.lathe(
        [(0.001, 1.35), (0.16, 1.3), (0.2, 1.0), (0.33, 0.7), (0.47, 0.35), (0.4, 0.05), (0.001, 0.0)], 64
    )
    bowl = shapes.lathe(
        [(0.001, 0.1), (0.62, 0.17), (0.94, 0.62), (1.0, 0.62), (0.72, 0.1), (0.3, 0.02), (0.28, 0.0), (0.001, 0.0)]
    )
    bottle = shapes.lathe(
        [(0.001, 2.3), (0.13, 2.3), (0.13, 1.7), (0.17, 1.55), (0.42, 1.25), (0.43, 0.1), (0.36, 0), (0.001, 0)]
    )
    stick = shapes.lathe(
        [(0.001, 2.0), (0.12, 2.0), (0.12, 0.55), (0.05, 0.5), (0.09, 0.3), (0.06, 0.12), (0.42, 0.03), (0.42, 0)]
    )
    books = shapes.together(
        shapes.box(1.5, 0.2, 1.05).painted((0.1, 0.2, 0.32)).moved((0, 0.1, 0), yaw=12),
        shapes.box(1.3, 0.16, 0.95).painted((0.5, 0.36, 0.12)).moved((0.03, 0.28, 0), yaw=-9),
    )
    green = np.array([0.3, 0.36, 0.08]) * (1 + 0.15 * shapes.ripple(pear.vertices, 5, 18)[:, None])
    return [
        (apple.painted(red).moved((-0.55, 0.36, 1.25), scale=0.36), coated(0.25)),
        (apple.painted(red * (0.9, 1.6, 1)).moved((0.2, 0.36, 1.55), yaw=70, scale=0.34), coated(0.25)),
        (pear.painted(green).moved((-1.65, 0.0, 0.75), pitch=6, scale=0.8), coated(0.4)),
        (bowl.painted((0.72, 0.68, 0.6)).moved((0.6, 0.0, 0.15)), coated(0.2)),
        (apple.painted(red).moved((0.5, 0.42, 0.1), yaw=30, scale=0.36), coated(0.25)),
        (bottle.painted((0.06, 0.2, 0.12)).moved((-0.55, 0, -0.45)), coated(0.15)),
        (stick.painted((0.75, 0.7, 0.62)).moved((1.85, 0, 0.5), scale=0.85), matte()),
        (books.moved((-1.75, 0, -0.5)), matte()),
        (_boards(_disc(3.1).painted((0.42, 0.27, 0.15))), coated(0.45)),
    ]


def _metal(frame: int) -> list[Part]:
    spin = 8.0 * frame
    vase = shapes.lathe([(0.3, 1.6), (0.24, 1.35), (0.45, 0.95), (0.55, 0.5), (0.35, 0.06), (0.001, 0.0)])
    ring = np.array([0.9, 0.88, 0.84]) * (0.8 + 0.2 * np.sign(np.sin(24 * vase.vertices[:, 1:2])))
    cube = shapes.box(0.9, 0.9, 0.9).painted((0.08, 0.16, 0.42))
    return [
        (shapes.knot().painted((0.9, 0.5, 0.33)).moved((0, 1.05, 0), yaw=spin, pitch=62, scale=0.72), metal(0.22)),
        (vase.painted(ring).moved((1.5, 0, 0.35)), metal(0.3)),
        (shapes.ball(0.5, 90).painted((0.88, 0.68, 0.3)).moved((-1.35, 0.5, 0.8)), metal(0.16)),
        (cube.moved((-1.45, 0.45, -0.7), yaw=30 + spin), coated(0.12, 0.8)),
        (shapes.box(5.4, 0.2, 3.6).painted((0.16, 0.15, 0.15)).moved((0, -0.1, 0)), coated(0.35)),
    ]


def _textures(frame: int) -> list[Part]:
    rock = shapes.ball(lambda d: 1 + 0.16 * shapes.ripple(d, 12, 3) + 0.05 * shapes.ripple(d, 13, 11), 140)
    grain = (
        1 + 0.35 * shapes.ripple(rock.vertices, 14, 16)[:, None] + 0.2 * shapes.ripple(rock.vertices, 15, 45)[:, None]
    )
    drum = shapes.lathe([(0.001, 1.7), (0.6, 1.7), (0.6, 0), (0.001, 0)], 128, 24)
    stripes = np.where(np.sin(12 * np.arctan2(drum.vertices[:, :1], drum.vertices[:, 2:]) + 5 * drum.vertices[:, 1:2]) > 0,
                       (0.6, 0.48, 0.1), (0.1, 0.22, 0.2))  # fmt: skip
    cube = shapes.box(1.2, 1.2, 1.2)
    cells = np.floor(cube.vertices * 3.333 + 0.001).sum(axis=1, keepdims=True) % 2
    cube = cube.painted(np.where(cells > 0, (0.62, 0.6, 0.56), (0.34, 0.08, 0.1)))
    floor = _disc(3.3)
    tiles = np.floor(floor.vertices[:, [0]] * 1.7) + np.floor(floor.vertices[:, [2]] * 1.7)
    return [
        (rock.painted(np.array([0.36, 0.31, 0.26]) * grain).moved((-1.2, 0.8, 0.3), yaw=6 * frame, scale=0.85), matte()),
        (drum.painted(stripes).moved((1.45, 0, -0.2), yaw=-5 * frame), matte()),
        (cube.moved((0.25, 0.6, 0.9), yaw=24 + 5 * frame), matte()),
        (floor.painted(np.where(tiles % 2 > 0, (0.38, 0.36, 0.33), (0.2, 0.21, 0.24))), matte()),
    ]  # fmt: skip


def _ruin(_: int) -> list[Part]:
    def column(height: float) -> Mesh:
        shaft = shapes.lathe(
            [(0.001, height), (0.42, height), (0.34, height - 0.2), (0.38, 0.3), (0.5, 0.2), (0.5, 0)], 160, 16
        )
        angle = np.arctan2(shaft.vertices[:, 0], shaft.vertices[:, 2])
        flute = 1 - 0.05 * np.abs(np.sin(9 * angle)) * (
            (shaft.vertices[:, 1] > 0.3) & (shaft.vertices[:, 1] < height - 0.2)
        )
        fluted = Mesh(shaft.vertices * np.stack([flute, np.ones_like(flute), flute], -1), shaft.faces)
        return fluted.painted(np.array([0.56, 0.5, 0.41]) * (1 + 0.15 * shapes.ripple(fluted.vertices, 17, 5)[:, None]))

    bust = shapes.together(shapes.head(), shapes.eyes(), shapes.shirt())
    marble = np.array([0.64, 0.62, 0.6]) * (1 + 0.06 * shapes.ripple(bust.vertices, 18, 4)[:, None])
    floor = _disc(3.6)
    moss = np.clip(shapes.ripple(floor.vertices, 19, 2.5), 0, 1)[:, None]
    return [
        (bust.painted(marble).moved((0, 2.0, 0.2), yaw=15, scale=0.72), coated(0.5)),
        (shapes.box(2.7, 0.9, 2.0).painted((0.45, 0.4, 0.34)).moved((0, 0.45, 0.1)), matte()),
        (column(3.2).moved((-1.9, 0, -0.9)), matte()),
        (column(3.2).moved((1.9, 0, -0.9)), matte()),
        (column(1.2).moved((1.6, 0, 1.3)), matte()),
        (shapes.ball(0.4, 60).painted((0.5, 0.2, 0.12)).moved((-1.35, 0.4, 1.5)), coated(0.3)),
        (floor.painted(np.array([0.36, 0.33, 0.28]) * (1 - moss) + np.array([0.14, 0.2, 0.07]) * moss), matte()),
    ]


def _person(seed: int, yaw: float, tone: people.Colour, cloth: people.Colour) -> list[Part]:
    meshes, strands, colour = people.person(seed, tone, cloth)
    made = {"skin": coated(0.42), "eye": coated(0.12, 0.7), "hair": coated(0.4), "frame": coated(0.2)}
    parts: list[Part] = [(mesh.moved(yaw=yaw), made.get(name, matte())) for name, mesh in meshes.items()]
    return parts + [(Hair(points @ shapes.turn(yaw).T, radius), hair(colour)) for points, radius in strands]


def _sitter(frame: int) -> list[Part]:
    return _person(11, -18.0 + 4 * frame, (0.42, 0.26, 0.18), (0.12, 0.2, 0.24))


def _porch(frame: int) -> list[Part]:
    wood = (0.4, 0.3, 0.2)
    lattice = [
        people.pole((x - 0.9, -1.7, 2.1), (x + 0.5, 2.2, 1.7), 0.05).painted(wood) for x in (-0.75, 0.35, 1.35, 2.3)
    ]
    return [
        *_person(5, 8.0 + 3 * frame, (0.6, 0.41, 0.32), (0.35, 0.36, 0.4)),
        (people.hat().moved((0, -0.08, 0.0), yaw=8.0 + 3 * frame, pitch=-6), matte()),
        *((bar.moved((0.05 * frame, 0, 0)), matte()) for bar in lattice),
    ]


def _camp(frame: int) -> list[Part]:
    return _person(23, 24.0 - 5 * frame, (0.24, 0.135, 0.085), (0.5, 0.46, 0.36))


def _disc(radius: float) -> Mesh:
    """A round ground at y = 0, with its edge."""
    return shapes.lathe([(0.001, 0), (radius, 0), (radius, -0.15), (0.001, -0.16)], 160, 120)


def _boards(ground: Mesh) -> Mesh:
    """Paint planks over a ground's colour."""
    assert ground.colours is not None
    plank = np.floor(ground.vertices[:, 0] / 0.55)
    shade = 1 + 0.16 * np.sin(plank * 12.9898) + 0.1 * np.sin(9 * ground.vertices[:, 2] + 40 * ground.vertices[:, 0])
    return ground.painted(ground.colours * shade[:, None])


def _still(eye: tuple[float, float, float], target: tuple[float, float, float], fov: float) -> Callable[[int], Camera]:
    return lambda _: Camera(eye, target, fov)


def _dolly(frame: int) -> Camera:
    return Camera((-1.1 + 0.16 * frame, 2.3, 7.6), (-0.1, 0.75, 0), 36)


def _orbit(frame: int) -> Camera:
    angle = np.radians(-16 + 3.0 * frame)
    return Camera((8.6 * np.sin(angle), 2.5, 8.6 * np.cos(angle)), (0, 1.45, 0), 36)


_PORTRAIT_CAMERA = _still((0, -0.1, 7.6), (0, -0.2, 0), 30)

SHOTS = {
    shot.name: shot
    for shot in (
        Shot("head", "a head with hair turns",
             Light("window", 0.34), Light("dusk", 0.42, 40), _head, _PORTRAIT_CAMERA),
        Shot("portrait", "a head with a cap; the light turns around it",
             Light("overcast", 0.42), Light("studio", 0.7, -62, 24), _portrait, _PORTRAIT_CAMERA),
        Shot("cloth", "a hanging cloth and a draped one wave",
             Light("noon", 0.4, -15), Light("window", 0.34, -30), _cloth, _still((0.2, 1.9, 8.2), (0.1, 1.35, 0), 32)),
        Shot("still_life", "cast shadows on a table; the camera moves sideways",
             Light("studio", 0.32), Light("noon", 0.42, 20), _still_life, _dolly),
        Shot("metal", "glossy metal turns",
             Light("overcast", 0.4), Light("fire", 0.3, -60), _metal, _still((0.3, 2.0, 7.0), (0, 0.72, 0), 36)),
        Shot("textures", "matte textured things turn",
             Light("dusk", 0.36, 60), Light("overcast", 0.42, 90), _textures, _still((0, 2.6, 7.4), (0, 0.65, 0), 36)),
        Shot("orbit", "the camera goes around a ruin",
             Light("noon", 0.4, -80), Light("neon", 0.24, -25), _ruin, _orbit),
        Shot("sitter", "a sculpted person turns",
             Light("studio", 0.34), Light("overcast", 0.42, 40), _sitter, _PORTRAIT_CAMERA),
        Shot("porch", "a sculpted person in the shadows of a hat and of a lattice in front",
             Light("noon", 0.4, -25), Light("window", 0.34, 15), _porch, _PORTRAIT_CAMERA),
        Shot("camp", "a sculpted person by a fire that the camera is white-balanced to",
             Light("fire", 0.34, balanced=True), Light("noon", 0.4, -60), _camp, _PORTRAIT_CAMERA),
    )
}  # fmt: skip
