"""A person as a mesh with paint: a body, its eyes, hair, clothes and what it wears. numpy and the ray caster only.

Distances on a head are written for the neutral body (`bodies.reference`), metres, Z up, facing -Y; `Frame` carries what is
made there onto the posed head.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates
from scipy.sparse import coo_array

from .cast import Scene
from .mesh import CLOTH, EYE, HAIR, HARD, MOUTH, SKIN, TEETH, Mesh, grid, join, unit
from .paint import BRIGHTEST, DARKEST, Paint, Surface, hair_colour, log_uniform, ramp, skin_colour, thing_paint, waves

HEAD, EYE_BACK, EYE_FRONT, MOUTH_CAVITY, TONGUE, HANDS = 1, 2, 3, 5, 6, 7  # of `bodies.SEGMENTS`
COLUMNS, CROWN, FALL = 160, 54, 30  # of the hair's grid: around, over the skull, and down


@dataclass(frozen=True)
class Body:
    """The neutral body that all others are variations of, and where the parts of its face are."""

    reference: np.ndarray
    faces: np.ndarray
    segment: np.ndarray

    def of(self, *segments: int) -> np.ndarray:
        """Indices of the vertices of some segments."""
        return np.unique(self.faces[np.isin(self.segment, segments)])

    @cached_property
    def eye(self) -> np.ndarray:
        """The middle of the left eye's front, (3,)."""
        left = self.reference[self.of(EYE_BACK, EYE_FRONT)]
        left = left[left[:, 0] > 0]
        return left[left[:, 1] < np.quantile(left[:, 1], 0.3)].mean(0)

    @cached_property
    def mouth(self) -> np.ndarray:
        """The middle of the lips, (3,)."""
        inside = self.reference[self.of(MOUTH_CAVITY)]
        lips = inside[inside[:, 1] < inside[:, 1].min() + 0.012].mean(0)
        return lips * [0, 1, 1]

    @cached_property
    def nose(self) -> np.ndarray:
        """The tip of the nose, (3,)."""
        head = self.reference[self.of(HEAD)]
        middle = head[(np.abs(head[:, 0]) < 0.01) & (head[:, 2] < self.eye[2]) & (head[:, 2] > self.mouth[2])]
        return middle[np.argmin(middle[:, 1])]

    @cached_property
    def skull(self) -> np.ndarray:
        """Indices of the head's vertices above the mouth: what a head's place is told by."""
        head = self.of(HEAD)
        return head[self.reference[head, 2] > self.mouth[2] - 0.02]

    @cached_property
    def centre(self) -> np.ndarray:
        """The middle of the skull, (3,)."""
        head = self.reference[self.of(HEAD)]
        above = head[head[:, 2] > self.eye[2]]
        return np.array([0, (above[:, 1].min() + above[:, 1].max()) / 2, self.eye[2] + 0.025])

    @cached_property
    def neck(self) -> float:
        """The height of the neck's root."""
        return float(self.reference[self.of(HEAD), 2].min())


@dataclass(frozen=True)
class Frame:
    """The similarity that best carries the neutral skull onto a posed one (Umeyama 1991)."""

    scale: float
    turn: np.ndarray
    shift: np.ndarray

    @classmethod
    def between(cls, a: np.ndarray, b: np.ndarray) -> Frame:
        """From points (N, 3) to points (N, 3)."""
        a0, b0 = a - a.mean(0), b - b.mean(0)
        u, s, vt = np.linalg.svd(b0.T @ a0)
        sign = np.array([1, 1, np.sign(np.linalg.det(u @ vt))])
        turn = u @ np.diag(sign) @ vt
        scale = float((s * sign).sum() / (a0**2).sum())
        return cls(scale, turn, b.mean(0) - scale * turn @ a.mean(0))

    def points(self, p: np.ndarray) -> np.ndarray:
        """Points (..., 3) of the neutral head on the posed one."""
        return self.scale * (p @ self.turn.T) + self.shift


@dataclass(frozen=True)
class Person:
    """`mesh` with item numbers that `paints` are listed by; `head` (3,) the skull's middle, `size` of the head to the
    neutral one."""

    mesh: Mesh
    paints: list[Paint]
    head: np.ndarray
    height: tuple[float, float]


def make_person(rng: np.random.Generator, body: Body, vertices: np.ndarray) -> Person:
    """Dress one posed body, (V, 3) metres; everything else is drawn."""
    frame = Frame.between(body.reference[body.skull], vertices[body.skull])
    garment = Garment.draw(rng, body)
    dressed = _dressed(rng, body, vertices, garment)
    part = np.full(len(body.faces), SKIN, np.uint8)
    part[np.isin(body.segment, (EYE_BACK, EYE_FRONT))] = EYE
    part[np.isin(body.segment, (MOUTH_CAVITY, TONGUE))] = MOUTH
    meshes = [Mesh.of(dressed, body.faces, part, local=body.reference)]
    dye = hair_colour(rng)
    paints: list[Paint] = [BodyPaint(rng, body, dye, garment)]

    def wear(mesh: Mesh, paint: Paint) -> None:
        meshes.append(mesh.numbered(len(paints)))
        paints.append(paint)

    scene = Scene(meshes[0])
    style = str(
        rng.choice(
            ["short", "mid", "long", "tied", "afro", "bald", "cap", "hat"],
            p=[0.29, 0.2, 0.19, 0.08, 0.05, 0.07, 0.07, 0.05],
        )
    )
    hair = _hair(rng, body, frame, scene, style)
    if hair is not None:
        cloth = style in ("cap", "hat")
        wear(hair, thing_paint(rng, 0.2) if cloth else _hair_paint(rng, dye, style == "afro"))
    if style == "tied":
        wear(_bun(rng, body, frame), _hair_paint(rng, dye, False))
    if style in ("cap", "hat"):
        wear(_brim(rng, body, frame, style), thing_paint(rng, 0.2))
    if rng.random() < 0.16:
        wear(_glasses(rng, body, frame), thing_paint(rng, 0.1))
    if rng.random() < 0.1:
        wear(_scarf(rng, body, frame), thing_paint(rng, 0.3))
    wear(_teeth(rng, body, frame), _enamel(rng))
    mesh = join(meshes)
    return Person(
        mesh, paints, frame.points(body.centre), (float(mesh.vertices[:, 2].min()), float(mesh.vertices[:, 2].max()))
    )


@dataclass(frozen=True)
class Garment:
    """What covers a body: up to a neckline that is round or a V, down to where its sleeves end."""

    neckline: float
    opening: float
    sleeve: float

    @classmethod
    def draw(cls, rng: np.random.Generator, body: Body) -> Garment:
        """A garment; one body in twenty wears none."""
        if rng.random() < 0.05:
            return cls(-9.0, 0.0, 1.0)
        opening = rng.uniform(0, 1.2) if rng.random() < 0.5 else 0.0
        return cls(body.neck + rng.uniform(-0.09, 0.05), opening, rng.choice([0.47, rng.uniform(0.2, 0.45)]))

    def covers(self, p: np.ndarray) -> np.ndarray:
        """(N,) metres that points (N, 3) of the neutral body lie inside of it, negative outside."""
        line = self.neckline - self.opening * np.maximum(0, 0.09 - np.abs(p[:, 0])) * (p[:, 1] < 0)
        hand = (p[:, 1] < -0.165) & (p[:, 2] < 0.16)
        return np.where(hand, -1, np.minimum(line - p[:, 2], self.sleeve - np.abs(p[:, 0])))


def _dressed(rng: np.random.Generator, body: Body, vertices: np.ndarray, garment: Garment) -> np.ndarray:
    """The body with its garment: moved outward, in folds that hang from above."""
    mesh = Mesh.of(vertices, body.faces, SKIN)
    outward = np.zeros(vertices.shape)
    corner = mesh.corner_normals()
    for k in range(3):
        for axis in range(3):
            outward[:, axis] += np.bincount(body.faces[:, k], corner[:, k, axis], len(outward))
    outward = unit(outward)
    inside = garment.covers(body.reference)
    vertices = _draped(vertices, body.faces, ramp(inside, -0.004, 0.02), int(rng.integers(0, 60)))
    hanging = [1, 1, rng.uniform(0.3, 1.1)]
    soft, sharp = waves(rng, vertices * hanging, 2, 9), np.abs(waves(rng, vertices * hanging, 3, 10, 6))
    loose = log_uniform(rng, 0.005, 0.05)
    away = loose + rng.uniform(0.05, 0.4) * loose * soft + rng.uniform(0, 0.012) * sharp
    collar = rng.uniform(0, 0.016) * np.exp(-(((inside - 0.012) / 0.012) ** 2))
    return (
        vertices
        + outward * (ramp(inside, -0.004, 0.02) * np.maximum(away, 0.003) + collar * (inside > -0.004))[:, None]
    )


def _draped(vertices: np.ndarray, faces: np.ndarray, share: np.ndarray, rounds: int) -> np.ndarray:
    """Vertices drawn toward their neighbours' mean, as cloth spans what lies under it; `share` (V,) of it."""
    ends = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    joined = coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(len(vertices),) * 2).tocsr()
    count = np.maximum(joined.sum(1), 1)[:, None]
    for _ in range(rounds):
        vertices = vertices + 0.7 * share[:, None] * (joined @ vertices / count - vertices)
    return vertices


def _hair(rng: np.random.Generator, body: Body, frame: Frame, scene: Scene, style: str) -> Mesh | None:
    """A shell over the scalp, with locks and strands in its surface; hats are shells, too."""
    if style == "bald":
        return None
    around = np.linspace(-np.pi, np.pi, COLUMNS, endpoint=False)  # 0 is the face
    down = np.linspace(0.02, np.deg2rad(105), CROWN)
    a, t = np.meshgrid(around, down)  # rows run down
    out = np.stack([np.sin(t) * np.sin(a), -np.sin(t) * np.cos(a), np.cos(t)], -1)
    start = frame.points(body.centre + 0.35 * out)
    hit = scene.cast(start.reshape(-1, 3), -(out @ frame.turn.T).reshape(-1, 3))
    radius = np.where(hit.face >= 0, 0.35 - hit.distance / frame.scale, 0.1).reshape(a.shape)
    radius = gaussian_filter(np.clip(radius, 0.06, 0.18), (2.5, 4), mode=("nearest", "wrap"))
    points = body.centre + out * radius[..., None]
    length = {
        "short": 0.02,
        "tied": 0.01,
        "mid": rng.uniform(0.03, 0.1),
        "long": rng.uniform(0.1, 0.32),
        "afro": 0.02,
    }.get(style, 0.0)
    fall = np.arange(1, FALL + 1)[:, None, None] / FALL
    level = (points[-1] - body.centre) * [1, 1, 0]
    flare = rng.uniform(-0.1, 0.3) if length > 0.02 else -0.2
    hanging = points[-1] + fall * np.array([0, 0, -(length + 0.03)]) + level * (fall * flare) * (0.3 + length / 0.15)
    points = np.concatenate([points, hanging])
    outward = np.concatenate([out, np.broadcast_to(unit(level), hanging.shape)])
    hem = _hairline(rng, body, around, style, length)
    above = points[..., 2] - hem
    thick = {"short": rng.uniform(0.003, 0.022), "tied": rng.uniform(0.003, 0.01), "mid": rng.uniform(0.008, 0.035),
             "long": rng.uniform(0.006, 0.03), "afro": rng.uniform(0.03, 0.08), "cap": rng.uniform(0.004, 0.012),
             "hat": rng.uniform(0.006, 0.02)}[style]  # fmt: skip
    ring = np.stack([np.cos(a[:1]).repeat(len(points), 0), np.sin(a[:1]).repeat(len(points), 0)], -1)
    run = (points[..., 2] - body.eye[2])[..., None]
    flat = np.concatenate([ring, run * rng.choice([1.5, 6, 14])], -1).reshape(-1, 3)
    rough = 0.35 * waves(rng, flat, 0.3, 1.2, 5) + rng.uniform(0.03, 0.22) * waves(rng, flat, 1, 5, 10)
    if style == "afro" or rng.random() < 0.3:
        rough += rng.uniform(0.05, 0.25) * waves(rng, points.reshape(-1, 3), 20, 60, 12)
    side = rng.normal(0, 0.35) * np.sin(a[:1]) * (length > 0.02)  # a parting: more on one side
    lift = (
        thick
        * (0.2 + 0.8 * ramp(above, 0, 0.035))
        * (1 + (0.1 if style in ("cap", "hat") else 0.7) * rough.reshape(above.shape) + side)
    )
    shell = points + outward * np.maximum(lift, 0.0015)[..., None]
    faces = grid(*above.shape, closed=True)
    kept = faces[(above.reshape(-1)[faces] > 0).all(1)]
    if len(kept) < 100:
        return None
    local = np.stack(
        [
            np.broadcast_to(a[:1], above.shape),
            np.broadcast_to(np.linspace(0, 1, len(points))[:, None], above.shape),
            run[..., 0],
        ],
        -1,
    )
    return Mesh.of(
        frame.points(shell).reshape(-1, 3),
        kept[:, ::-1],
        CLOTH if style in ("cap", "hat") else HAIR,
        local=local.reshape(-1, 3),
    )


def _hairline(rng: np.random.Generator, body: Body, around: np.ndarray, style: str, length: float) -> np.ndarray:
    """(COLUMNS,) the height the hair reaches down to: brow, temples, and the nape."""
    front = {
        "short": (0.03, 0.068),
        "cap": (0.02, 0.045),
        "hat": (0.02, 0.045),
        "tied": (0.04, 0.07),
        "afro": (0.03, 0.065),
    }
    brow = body.eye[2] + rng.uniform(*front.get(style, (0.02, 0.065)))
    temple = body.eye[2] - (length if style in ("mid", "long") else rng.uniform(-0.03, 0.01)) - 0.05 * (style == "long")
    nape = body.eye[2] - {"short": 0.07, "tied": 0.07, "afro": 0.08, "cap": 0.02, "hat": 0.0}.get(style, 0.055 + length)
    first = rng.uniform(0.8, 1.15)
    away = np.abs(around)
    line = (
        brow
        + (temple - brow) * ramp(away, first, first + rng.uniform(0.12, 0.4))
        + (nape - temple) * ramp(away, 1.7, 2.2)
    )
    if style in ("short", "tied"):
        line = line + 0.03 * np.exp(-(((away - 1.5) / 0.18) ** 2))  # around the ears
    circle = np.stack([np.cos(around), np.sin(around)], -1)
    one_side = rng.normal(0, 0.014) * np.sin(around) * (style not in ("cap", "hat"))
    return line + waves(rng, circle, 0.5, 4, 6) * rng.uniform(0.001, 0.009) + one_side


def _bun(rng: np.random.Generator, body: Body, frame: Frame) -> Mesh:
    """A knot or a tail of tied hair behind the head."""
    ball, faces = sphere(40, 28)
    radius, long = rng.uniform(0.025, 0.05), rng.random() < 0.5
    stretched = ball * radius * ([0.9, 0.8, rng.uniform(2, 5)] if long else [1.1, 0.9, 1.0])
    stretched = stretched * (1 + 0.12 * waves(rng, ball * [1, 1, 0.2], 0.5, 4, 8))[:, None]
    top = body.centre + np.array([0, rng.uniform(0.085, 0.11), rng.uniform(-0.03, 0.08)])
    local = np.stack([np.arctan2(ball[:, 0], -ball[:, 1]), (1 - ball[:, 2]) / 2, ball[:, 2]], -1)
    shift = top - ([0, 0, stretched[:, 2].max() * 0.7] if long else [0, 0, 0])
    return Mesh.of(frame.points(stretched + shift), faces, HAIR, local=local)


def _brim(rng: np.random.Generator, body: Body, frame: Frame, style: str) -> Mesh:
    """The peak of a cap, or the brim all around a hat."""
    turns = np.linspace(-0.75, 0.75, 40) if style == "cap" else np.linspace(-np.pi, np.pi, 81)
    out = np.linspace(0.085, 0.085 + rng.uniform(0.05, 0.09), 8)
    a, r = np.meshgrid(turns, out)
    droop = rng.uniform(0.05, 0.4) * (r - out[0]) + rng.uniform(0, 0.02) * (1 - np.cos(a))
    points = (
        np.stack([np.sin(a) * r, -np.cos(a) * r * 1.15, -droop], -1) + body.centre + [0, 0, rng.uniform(0.02, 0.045)]
    )
    points = points.reshape(-1, 3)
    both = np.concatenate([points, points - [0, 0, 0.003]])
    faces = grid(*a.shape, closed=False)
    return Mesh.of(frame.points(both), np.concatenate([faces, faces[:, ::-1] + len(points)]), CLOTH, local=both)


def _glasses(rng: np.random.Generator, body: Body, frame: Frame) -> Mesh:
    """Two rims, a bridge and temples; what is looked at through them stays as it is."""
    wide, high, wire = rng.uniform(0.021, 0.028), rng.uniform(0.014, 0.026), rng.uniform(0.0008, 0.0026)
    power = rng.choice([2.0, 4.0])
    t = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    shape = np.stack([np.sign(np.cos(t)) * np.abs(np.cos(t)) ** (2 / power) * wide, np.zeros(48),
                      np.sign(np.sin(t)) * np.abs(np.sin(t)) ** (2 / power) * high], -1)  # fmt: skip
    forward = body.eye[1] - rng.uniform(0.012, 0.02)
    left = shape + np.array([body.eye[0] + 0.002, forward, body.eye[2] - 0.003])
    right = left * [-1, 1, 1]
    ear = np.abs(body.reference[body.of(HEAD), 0]).max() - 0.012
    bridge = np.linspace(left[24], right[24], 12)
    temples = [np.linspace(left[0] * [s, 1, 1], [s * ear, body.centre[1], body.eye[2] + 0.005], 16) for s in (1, -1)]
    tubes = [
        tube(left, wire, closed=True),
        tube(right, wire, closed=True),
        *(tube(p, wire) for p in (bridge, *temples)),
    ]
    return join([Mesh.of(frame.points(p), f, HARD, local=p) for p, f in tubes])


def _scarf(rng: np.random.Generator, body: Body, frame: Frame) -> Mesh:
    """A thick ring of cloth around the neck."""
    t = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    radius = rng.uniform(0.06, 0.085)
    path = np.stack([np.sin(t) * radius, -np.cos(t) * radius * 1.1, 0.015 * np.cos(t) + 0.008 * np.sin(2 * t)], -1)
    points, faces = tube(
        path + np.array([0, -0.01, body.neck + rng.uniform(0, 0.03)]), rng.uniform(0.02, 0.04), closed=True, around=24
    )
    folded = points + unit(points - points.mean(0)) * (0.006 * waves(rng, points * [1, 1, 2.5], 5, 25))[:, None]
    return Mesh.of(frame.points(folded), faces, CLOTH, local=points)


def _teeth(rng: np.random.Generator, body: Body, frame: Frame) -> Mesh:
    """The upper row of teeth as a band behind the lips; it shows where the mouth is open."""
    t = np.linspace(-1.25, 1.25, 60)
    heights = np.linspace(-0.5, 0.5, 6)
    a, h = np.meshgrid(t, heights)
    scallop = 0.0006 * np.abs(np.sin(a * 8))
    deep = rng.uniform(0.006, 0.009)
    x, y = np.sin(a) * 0.021, -np.cos(a) * 0.024 + scallop
    points = np.stack([x, y, h * 0.010], -1) + body.mouth + [0, 0.024 + deep, 0.004]
    return Mesh.of(
        frame.points(points.reshape(-1, 3)), grid(*a.shape, closed=False)[:, ::-1], TEETH, local=points.reshape(-1, 3)
    )


class BodyPaint:
    """A body's surface: skin in zones with brows, beard and lips, eyes, the mouth's inside, and the garment."""

    def __init__(self, rng: np.random.Generator, body: Body, dye: np.ndarray, garment: Garment) -> None:
        self._body, self._dye, self._garment, self._seed = body, dye, garment, int(rng.integers(1 << 31))
        self._skin, self._cloth = skin_colour(rng), thing_paint(rng, rng.choice([0.15, 0.4, 0.8]))
        self._red, self._blotch, self._freckles = rng.uniform(0.1, 1), rng.uniform(0.02, 0.09), rng.uniform(0, 1) ** 4
        self._lips = self._skin * [rng.uniform(0.75, 1), rng.uniform(0.4, 0.8), rng.uniform(0.4, 0.85)]
        self._lip_width, self._oil = rng.uniform(0.022, 0.028), rng.uniform(0.28, 0.6)
        self._brow = (rng.uniform(0.015, 0.022), rng.uniform(0.003, 0.0065), rng.uniform(0.2, 0.95))
        self._beard = rng.choice([0, rng.uniform(0.15, 0.5), rng.uniform(0.6, 0.95)], p=[0.62, 0.22, 0.16])
        self._gaze = rng.normal(0, [0.002, 0.001])
        light = min(1.0, (self._skin @ [0.2126, 0.7152, 0.0722] / 0.25) ** 0.3)
        self._white = np.array([0.55, 0.5, 0.46]) * rng.uniform(0.55, 1) * light
        self._iris = np.clip(np.array([0.06, 0.04, 0.03]) * rng.uniform(0.3, 4) * rng.uniform(0.6, 1.4, 3), 0.01, 0.4)

    def __call__(self, points: np.ndarray, part: np.ndarray) -> Surface:
        """The surface of points (N, 3) of the neutral body, whose parts are `part` (N,)."""
        part = np.where((part == SKIN) & (self._garment.covers(points) > 0), CLOTH, part)
        colour, rough = np.full(points.shape, 0.1), np.full(len(points), 0.5)
        for number, paint in (
            (SKIN, self._on_skin),
            (CLOTH, self._cloth),
            (EYE, self._on_eye),
            (MOUTH, self._in_mouth),
        ):
            here = part == number
            if here.any():
                found = paint(points[here], part[here])
                colour[here], rough[here] = found.colour, found.roughness
        return Surface(np.clip(colour, DARKEST / 2, BRIGHTEST), rough, np.zeros(len(points)), part)

    def _on_skin(self, p: np.ndarray, part: np.ndarray) -> Surface:
        rng, body = np.random.default_rng(self._seed), self._body
        broad, fine = waves(rng, p, 3, 30, 10), waves(rng, p, 60, 220, 12)
        colour = self._skin * (1 + self._blotch * broad[:, None] + 0.03 * fine[:, None])
        mouth, nose = body.mouth, body.nose
        red = _spot(p, np.array([0.036, mouth[1] + 0.02, mouth[2] + 0.025]), (0.02, 0.04, 0.02), mirrored=True)
        red = (
            red
            + _spot(p, nose, (0.014, 0.02, 0.012))
            + 0.8 * ramp(np.abs(p[:, 0]), 0.078, 0.088) * (p[:, 2] > mouth[2])
        )
        red = np.clip(red * self._red, 0, 1)[:, None]
        colour = colour * (1 - red * [0.08, 0.32, 0.3])
        freckle = self._freckles * ramp(waves(rng, p, 120, 260, 14), 1.1, 1.5) * (p[:, 2] > body.neck)
        colour = colour * (1 - freckle[:, None] * [0.25, 0.45, 0.55])
        lip = ramp(
            1 - ((p[:, 0] / self._lip_width) ** 2 + ((p[:, 2] - mouth[2] - 0.004) / 0.0105) ** 2), -0.15, 0.25
        ) * (p[:, 1] < mouth[1] + 0.02)
        colour = _over(colour, self._lips, lip)
        colour = _over(colour, self._dye, self._brow_at(p, fine))
        colour = _over(colour, self._dye * 1.1, self._beard_at(p, broad, fine, lip))
        shine = _spot(p, nose + np.array([0, 0.01, 0.045]), (0.03, 0.06, 0.03)) + _spot(p, nose, (0.015, 0.03, 0.02))
        rough = self._oil - 0.12 * np.clip(shine, 0, 1) - 0.1 * lip + 0.03 * broad
        return Surface(colour, np.clip(rough, 0.15, 0.8), np.zeros(len(p)), part)

    def _brow_at(self, p: np.ndarray, fine: np.ndarray) -> np.ndarray:
        high, thick, strong = self._brow
        x, eye = np.abs(p[:, 0]), self._body.eye
        line = eye[2] + high + 0.1 * (x - 0.02) - 1.6 * np.maximum(x - 0.036, 0) ** 1.3
        here = ramp(1 - np.abs(p[:, 2] - line) / thick, -0.1, 0.6) * ramp(x, 0.010, 0.016) * (1 - ramp(x, 0.048, 0.056))
        lash = ramp(1 - np.abs(np.hypot((x - eye[0]) / 1.5, p[:, 2] - eye[2]) - 0.0105) / 0.0022, 0, 0.7) * (
            p[:, 2] > eye[2] - 0.002
        )
        return np.clip((here * strong + 0.5 * lash) * (p[:, 1] < eye[1] + 0.03) * (0.8 + 0.25 * fine), 0, 1)

    def _beard_at(self, p: np.ndarray, broad: np.ndarray, fine: np.ndarray, lip: np.ndarray) -> np.ndarray:
        if not self._beard:
            return np.zeros(len(p))
        mouth, x = self._body.mouth, np.abs(p[:, 0])
        above = mouth[2] + 0.017 + 0.35 * np.maximum(x - 0.03, 0) + 0.006 * broad - p[:, 2]
        here = (
            ramp(above, 0, 0.012)
            * ramp(p[:, 2], mouth[2] - 0.085, mouth[2] - 0.06)
            * (1 - lip)
            * (p[:, 1] < self._body.centre[1] - 0.01)
        )
        return np.clip(here * self._beard * (1 + 0.2 * fine), 0, 1)

    def _on_eye(self, p: np.ndarray, part: np.ndarray) -> Surface:
        eye = self._body.eye
        centre = eye * np.where(p[:, :1] > 0, 1, -1) ** np.array([1, 0, 0]) + [self._gaze[0], 0, self._gaze[1]]
        away = np.hypot(p[:, 0] - centre[:, 0], p[:, 2] - centre[:, 2])
        colour = _over(np.broadcast_to(self._white, p.shape), self._iris, ramp(0.0066 - away, -0.0006, 0.0006))
        colour = _over(colour, np.full(3, 0.01), ramp(0.0026 - away, -0.0004, 0.0004))
        return Surface(colour, np.full(len(p), 0.12), np.zeros(len(p)), part)

    def _in_mouth(self, p: np.ndarray, part: np.ndarray) -> Surface:
        return Surface(
            np.broadcast_to(np.array([0.14, 0.04, 0.04]), p.shape), np.full(len(p), 0.3), np.zeros(len(p)), part
        )


def _hair_paint(rng: np.random.Generator, dye: np.ndarray, curly: bool) -> Paint:
    """Strands along the fall of the hair, with lighter and darker locks. Points are (turn about the head, 0 to 1 down,
    height)."""
    seed, strong, rough = int(rng.integers(1 << 31)), rng.uniform(0.12, 0.5), rng.uniform(0.25, 0.6)
    table = rng.normal(0, 1, (512, 48 if curly else 12))
    table = gaussian_filter(table, (0.6, 0.8), mode="wrap")
    table /= table.std()
    sway, count = rng.normal() * 0.02, int(rng.integers(60, 200)) * 2

    def paint(p: np.ndarray, part: np.ndarray) -> Surface:
        inner = np.random.default_rng(seed)
        across = (p[:, 0] / (2 * np.pi) + 0.5 + sway * np.sin(7 * p[:, 1])) * count
        strand = map_coordinates(table, [np.mod(across, 511), np.clip(p[:, 1], 0, 1) * (table.shape[1] - 1)], order=1)
        lock = 1 + 0.15 * waves(inner, p * [1, 2, 0], 0.3, 2, 5)
        colour = dye * (np.exp(strong * strand) * lock)[:, None]
        return Surface(np.clip(colour, 0.004, BRIGHTEST), np.full(len(p), rough), np.zeros(len(p)), part)

    return paint


def _enamel(rng: np.random.Generator) -> Paint:
    white = np.array([0.62, 0.57, 0.46]) * rng.uniform(0.7, 1.15)
    gaps = rng.uniform(0.1, 0.35)

    def paint(p: np.ndarray, part: np.ndarray) -> Surface:
        gap = 1 - gaps * (np.abs(np.sin(p[:, 0] / 0.0085 * np.pi)) < 0.12)
        return Surface(white * gap[:, None], np.full(len(p), 0.2), np.zeros(len(p)), part)

    return paint


def _spot(p: np.ndarray, centre: np.ndarray, size: tuple[float, float, float], *, mirrored: bool = False) -> np.ndarray:
    """A soft spot, (N,): 1 at `centre`; on both sides of the face when `mirrored`."""
    q = p * np.where(p[:, :1] < 0, [-1, 1, 1], 1) if mirrored else p
    return np.exp(-(((q - centre) / size) ** 2).sum(-1))


def _over(under: np.ndarray, colour: np.ndarray, share: np.ndarray) -> np.ndarray:
    return under * (1 - share[:, None]) + share[:, None] * colour


def sphere(columns: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """A unit sphere: vertices (V, 3) and faces."""
    t, a = np.meshgrid(
        np.linspace(1e-3, np.pi - 1e-3, rows), np.linspace(0, 2 * np.pi, columns, endpoint=False), indexing="ij"
    )
    points = np.stack([np.sin(t) * np.cos(a), np.sin(t) * np.sin(a), np.cos(t)], -1)
    return points.reshape(-1, 3), grid(rows, columns, closed=True)[:, ::-1]


def tube(
    path: np.ndarray, radius: float | np.ndarray, *, closed: bool = False, around: int = 10
) -> tuple[np.ndarray, np.ndarray]:
    """A tube along a path (N, 3): vertices and faces; `closed` joins its ends."""
    ahead = np.roll(path, -1, 0) - np.roll(path, 1, 0) if closed else np.gradient(path, axis=0)
    ahead = unit(ahead)
    side = unit(np.cross(ahead, unit(np.array([0.13, 0.21, 0.97]))))
    other = np.cross(ahead, side)
    t = np.linspace(0, 2 * np.pi, around, endpoint=False)
    ring = np.cos(t)[:, None] * side[:, None] + np.sin(t)[:, None] * other[:, None]
    points = path[:, None] + ring * np.broadcast_to(np.asarray(radius), len(path))[:, None, None]
    faces = grid(len(path), around, closed=True)
    if closed:
        last = (len(path) - 1) * around
        index = np.arange(around)
        after = np.roll(index, -1)
        seam = np.concatenate(
            [np.stack([last + index, last + after, after], -1), np.stack([last + index, after, index], -1)]
        )
        faces = np.concatenate([faces, seam])
    return points.reshape(-1, 3), faces
