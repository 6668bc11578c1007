"""Heads and shoulders as meshes and strands, drawn at random: geometry only (numpy), no materials of any host.

The head stands at the origin, 1 unit is about 10 cm; X is to the subject's left, Y up, Z out of the face.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .surfaces import Noise, capsule, carve, ellipsoid, gradient, join, polygonise, torus


@dataclass
class Part:
    """One mesh: vertices (V, 3), faces (F, 3 or 4), optional albedo `tint` (V, 3), and what it is made of."""

    name: str  # skin, eye, hair, cloth, frame
    vertices: np.ndarray
    faces: np.ndarray
    tint: np.ndarray | None = None


@dataclass
class Bust:
    """Everything of one head and shoulders. strands: (N, K, 3) polylines with one radius."""

    parts: list[Part] = field(default_factory=list)
    strands: list[tuple[np.ndarray, float]] = field(default_factory=list)
    hair_colour: tuple = (0.1, 0.06, 0.03, 1.0)


# Albedo of faces from the very dark to the very pale (linear Rec.709, after published spectra of forearm and cheek).
SKIN_TONES = np.array(
    [(0.045, 0.022, 0.014), (0.09, 0.045, 0.027), (0.17, 0.088, 0.052), (0.29, 0.165, 0.105), (0.42, 0.26, 0.18),
     (0.55, 0.36, 0.27), (0.66, 0.46, 0.37), (0.74, 0.56, 0.48)], np.float32)  # fmt: skip
HAIR_COLOURS = np.array(
    [(0.008, 0.007, 0.006), (0.02, 0.013, 0.01), (0.05, 0.026, 0.014), (0.12, 0.06, 0.03), (0.28, 0.16, 0.07),
     (0.5, 0.36, 0.18), (0.28, 0.08, 0.02), (0.35, 0.35, 0.34), (0.65, 0.64, 0.62)], np.float32)  # fmt: skip


class Anatomy:
    """The distances that make one person: drawn once, asked many times."""

    def __init__(self, rng: np.random.Generator):
        def about(x: float, spread: float = 0.1) -> float:
            return float(x * np.exp(rng.normal(0, spread)))

        self.skull = np.array([about(0.78, 0.05), about(0.9, 0.05), about(0.95, 0.05)], np.float32)
        self.jaw_width, self.chin = about(0.42), about(0.17, 0.15)
        self.chin_drop = about(1.0, 0.06)
        self.brow, self.brow_height = about(0.12, 0.25), rng.uniform(0.17, 0.24)
        self.nose_length, self.nose_out = about(0.3, 0.15), about(0.2, 0.25)
        self.nose_width, self.nose_tip = about(0.13, 0.2), about(0.125, 0.15)
        self.eye_x, self.eye_size, self.eye_open = (
            about(0.31, 0.05),
            about(0.17, 0.06),
            float(np.clip(about(0.068, 0.2), 0.04, 0.085)),
        )
        self.eye_z = rng.uniform(0.62, 0.68)
        self.cheek, self.cheek_x = about(0.2, 0.2), about(0.42, 0.06)
        self.mouth_width, self.lips = about(0.25, 0.12), about(0.065, 0.3)
        self.mouth_open = max(0.0, rng.normal(-0.02, 0.05))
        self.smile = rng.normal(0.02, 0.06)
        self.ear, self.ear_out = about(0.26, 0.12), rng.uniform(0.03, 0.14)
        self.neck, self.shoulder = about(0.42, 0.1), about(1.5, 0.1)
        self.shoulder_drop = rng.uniform(-2.3, -1.9)
        self.fat = max(0.0, rng.normal(0.03, 0.06))
        self.turn = np.radians(rng.normal(0, 18))
        self.nod = np.radians(rng.normal(0, 10))
        self.lean = np.radians(rng.normal(0, 7))
        colour = HAIR_COLOURS[int(rng.integers(len(HAIR_COLOURS)))] * rng.uniform(0.7, 1.2)
        self.hair_colour = rng.uniform(0.02, 0.5, 3) if rng.random() < 0.06 else colour
        self.wrinkles = Noise(rng, 3.0, 3)
        self.wrinkle_depth = abs(rng.normal(0, 0.012))

    def posed(self, p: np.ndarray) -> np.ndarray:
        """Points of the pose taken back to the straight head; the neck twists along the way."""
        amount = np.clip((p[..., 1] + 1.75) / 0.9, 0.0, 1.0)
        amount = amount * amount * (3 - 2 * amount)
        q = p - np.array([0, -1.1, -0.2], np.float32)
        x, y, z = q[..., 0], q[..., 1], q[..., 2]
        for angle, plane in ((-self.lean, "xy"), (-self.nod, "yz"), (-self.turn, "zx")):
            c, s = np.cos(angle * amount), np.sin(angle * amount)
            if plane == "xy":
                x, y = c * x - s * y, s * x + c * y
            elif plane == "yz":
                y, z = c * y + s * z, -s * y + c * z
            else:
                z, x = c * z - s * x, s * z + c * x
        return np.stack([x, y, z], axis=-1) + np.array([0, -1.1, -0.2], np.float32)

    def place(self, p: np.ndarray) -> np.ndarray:
        """Points of the straight head (rigid parts: eyes, hair, spectacles) into the pose."""
        q = p - np.array([0, -1.1, -0.2], np.float32)
        x, y, z = q[..., 0], q[..., 1], q[..., 2]
        c, s = np.cos(self.turn), np.sin(self.turn)
        z, x = c * z - s * x, s * z + c * x
        c, s = np.cos(self.nod), np.sin(self.nod)
        y, z = c * y + s * z, -s * y + c * z
        c, s = np.cos(self.lean), np.sin(self.lean)
        x, y = c * x - s * y, s * x + c * y
        return np.stack([x, y, z], axis=-1) + np.array([0, -1.1, -0.2], np.float32)

    def cranium(self, p: np.ndarray) -> np.ndarray:
        """The skull alone, what hair grows on."""
        d = ellipsoid(p, (0, 0.33, -0.15), self.skull)
        return join(d, ellipsoid(p, (0, -0.25, 0.18), (0.6 + self.fat, 0.82, 0.66)), 0.25)

    def _smiling(self, p: np.ndarray) -> np.ndarray:
        m = p.copy()
        m[..., 1] -= self.smile * (p[..., 0] / self.mouth_width) ** 2
        return m

    def mouth(self, p: np.ndarray) -> np.ndarray:
        """The lips alone, straight."""
        m, gap = self._smiling(p), self.mouth_open
        upper = ellipsoid(m, (0, -0.535 + gap * 0.3, 0.79), (self.mouth_width, self.lips, 0.1))
        centre = (0, -0.535 - 1.75 * self.lips - gap, 0.765)
        return join(upper, ellipsoid(m, centre, (self.mouth_width * 0.85, self.lips * 1.25, 0.1)), 0.015)

    def face(self, p: np.ndarray) -> np.ndarray:
        """Head and neck, straight."""
        q = p.copy()
        q[..., 0] = np.abs(q[..., 0])  # both halves at once
        d = self.cranium(q)
        d = join(d, ellipsoid(q, (0, -0.7, 0.28), (self.jaw_width + self.fat, 0.38, 0.42)), 0.22)
        d = join(d, ellipsoid(q, (0, -self.chin_drop, 0.5), (self.chin, self.chin * 0.9, self.chin * 0.9)), 0.2)
        d = join(d, ellipsoid(q, (self.cheek_x, -0.2, 0.5), (self.cheek, self.cheek * 0.9, self.cheek)), 0.22)
        d = carve(d, ellipsoid(q, (self.eye_x, 0.02, 0.92), (0.19, 0.13, 0.2)), 0.16)
        d = join(
            d, capsule(q, (0.1, self.brow_height - 0.02, 0.74), (0.46, self.brow_height, 0.55), self.brow * 0.75), 0.14
        )
        tip = (0.0, 0.08 - self.nose_length, 0.82 + self.nose_out)
        d = join(d, capsule(q, (0, 0.14, 0.74), tip, 0.06, self.nose_tip), 0.12)
        d = join(d, ellipsoid(q, (self.nose_width, tip[1] - 0.03, tip[2] - 0.14), (0.075, 0.065, 0.1)), 0.06)
        d = carve(d, ellipsoid(q, (0.06, tip[1] - 0.115, tip[2] - 0.06), (0.035, 0.03, 0.06)), 0.03)
        gap = self.mouth_open
        m = self._smiling(q)
        d = join(d, self.mouth(p), 0.06)
        slit = ellipsoid(
            m, (0, -0.535 - 0.85 * self.lips - 0.4 * gap, 0.9), (self.mouth_width * 0.92, 0.012 + gap * 0.6, 0.16)
        )
        d = carve(d, slit, 0.025)
        eye = (self.eye_x, 0.02, self.eye_z)
        lid = ellipsoid(q, eye, (self.eye_size * 1.12,) * 3)
        d = join(d, lid, 0.07)
        opening = ellipsoid(q, (self.eye_x, 0.015, self.eye_z + 0.16), (self.eye_size * 0.85, self.eye_open, 0.2))
        d = carve(d, opening, 0.03)
        turned = q - np.array([self.skull[0] * 0.98, 0.0, -0.12], np.float32)
        turned = np.stack(
            [turned[..., 0] - turned[..., 2] * -0.35, turned[..., 1] + 0.15 * turned[..., 2], turned[..., 2]], -1
        )
        ear = ellipsoid(turned, (self.ear_out, 0, 0), (0.07, self.ear, 0.16))
        ear = carve(ear, ellipsoid(turned, (self.ear_out + 0.07, 0.02, 0.03), (0.07, self.ear * 0.7, 0.1)), 0.05)
        d = join(d, ear, 0.06)
        throat = capsule(q, (0, -0.75, -0.12), (0, -1.9, -0.28), self.neck)
        d = join(d, throat, 0.25)
        d = join(d, capsule(q, (0.12, -1.75, 0.1), (0.38, -0.75, -0.05), 0.07), 0.2)
        return d + self.wrinkles(p) * self.wrinkle_depth

    def trunk(self, p: np.ndarray) -> np.ndarray:
        """Neck base, shoulders, chest and upper arms."""
        q = p.copy()
        q[..., 0] = np.abs(q[..., 0])
        top = self.shoulder_drop
        d = capsule(q, (0, -1.2, -0.2), (0, -2.0, -0.3), self.neck)
        d = join(d, capsule(q, (0.15, -1.55, -0.4), (self.shoulder, top - 0.05, -0.35), 0.3, 0.36), 0.5)
        d = join(d, capsule(q, (0.1, top - 0.1, -0.05), (self.shoulder * 0.9, top - 0.12, -0.2), 0.18, 0.2), 0.3)
        d = join(d, ellipsoid(q, (0, top - 1.3, -0.25), (self.shoulder * 0.95, 1.5, 0.72 + self.fat)), 0.45)
        return join(
            d, capsule(q, (self.shoulder + 0.1, top - 0.1, -0.35), (self.shoulder + 0.35, top - 2.2, -0.2), 0.4), 0.25
        )

    def body(self, p: np.ndarray) -> np.ndarray:
        """All skin, posed."""
        return join(self.face(self.posed(p)), self.trunk(p), 0.2)


def _skin(rng: np.random.Generator, who: Anatomy, bottom: float) -> Part:
    v, f = polygonise(
        who.body, (-1.35 if bottom > -3 else -2.6, bottom, -1.5), (1.35 if bottom > -3 else 2.6, 1.45, 1.5), 0.047
    )
    straight = who.posed(v)
    t = rng.uniform(0, len(SKIN_TONES) - 1)
    i = min(int(t), len(SKIN_TONES) - 2)
    base = SKIN_TONES[i] * (1 - (t - i)) + SKIN_TONES[i + 1] * (t - i)
    tint = np.broadcast_to(base, v.shape).copy()
    x, y, z = np.abs(straight[:, 0]), straight[:, 1], straight[:, 2]

    def blend(mask: np.ndarray, colour: np.ndarray) -> None:
        tint[:] = tint * (1 - mask[:, None]) + colour * mask[:, None]

    def spot(cx: float, cy: float, cz: float, r: float) -> np.ndarray:
        return np.exp(-((x - cx) ** 2 + (y - cy) ** 2 + (z - cz) ** 2) / (r * r))

    flush = rng.uniform(0.1, 0.6)
    red = base * np.array([0.95, 0.62, 0.6])
    blend(flush * spot(0.45, -0.3, 0.6, 0.25), red)
    blend(flush * spot(0.0, -0.25, 1.0, 0.2), red)
    blend(rng.uniform(0.1, 0.5) * spot(who.eye_x, -0.05, 0.75, 0.2), base * np.array([0.7, 0.6, 0.62]))
    lips = np.clip(1.2 - who.mouth(straight) / 0.03, 0, 1) * (z > 0.5)
    lip = (
        base * np.array([0.9, 0.5, 0.5]) if rng.random() < 0.75 else rng.uniform(0.05, 0.5) * np.array([1.0, 0.15, 0.2])
    )
    blend(lips * 0.8, lip)
    brow = (
        (np.abs(y - who.brow_height - 0.06 + 0.25 * np.maximum(x - 0.3, 0)) < 0.035)
        & (x > 0.13)
        & (x < 0.5)
        & (z > 0.3)
    )
    blend(brow * rng.uniform(0.5, 0.95), np.minimum(who.hair_colour, 0.6 * base))
    if rng.random() < 0.25:  # stubble
        jaw = np.clip((-0.35 - y) * 4, 0, 1) * np.clip((z + 0.1) * 3, 0, 1) * (y > -1.35)
        blend(jaw * rng.uniform(0.2, 0.6), base * 0.35)
    if rng.random() < 0.2:  # freckles and spots
        spots = Noise(rng, 14.0, 1)(straight) > 0.45
        blend(spots * 0.5, base * 0.6)
    return Part("skin", v, f, np.clip(tint, 0.0, 0.9).astype(np.float32))


def _sphere(n: int = 24) -> tuple[np.ndarray, np.ndarray]:
    """A unit sphere with its pole on +Z."""
    u, v = np.meshgrid(np.arange(2 * n) / (2 * n) * 2 * np.pi, np.linspace(0, np.pi, n + 1), indexing="xy")
    p = np.stack([np.sin(v) * np.cos(u), np.sin(v) * np.sin(u), np.cos(v)], axis=-1).reshape(-1, 3)
    i = np.arange(n)[:, None] * 2 * n + np.arange(2 * n)
    j = np.arange(n)[:, None] * 2 * n + (np.arange(2 * n) + 1) % (2 * n)
    return p.astype(np.float32), np.stack([i, i + 2 * n, j + 2 * n, j], axis=-1).reshape(-1, 4)


def _eyes(rng: np.random.Generator, who: Anatomy) -> list[Part]:
    p, f = _sphere()
    angle = np.arccos(np.clip(p[:, 2], -1, 1))
    iris = np.array([(0.09, 0.04, 0.02), (0.15, 0.09, 0.04), (0.1, 0.16, 0.25), (0.1, 0.15, 0.08)])[rng.integers(4)]
    tint = np.where(
        (angle < 0.2)[:, None], 0.004, np.where((angle < 0.48)[:, None], iris, np.array([0.72, 0.68, 0.65]))
    )
    look = rng.normal(0, 0.15, 2)
    bulge = p * (1 + 0.06 * np.exp(-((angle / 0.4) ** 2)))[:, None]
    c, s = np.cos(look[0]), np.sin(look[0])
    turned = np.stack(
        [c * bulge[:, 0] + s * bulge[:, 2], bulge[:, 1] + look[1] * bulge[:, 2], c * bulge[:, 2] - s * bulge[:, 0]], -1
    )
    parts = []
    for side in (-1, 1):
        v = turned * who.eye_size * 1.06 + np.array([side * who.eye_x, 0.02, who.eye_z])
        parts.append(Part("eye", who.place(v).astype(np.float32), f, tint.astype(np.float32)))
    return parts


def _hairline(who: Anatomy, q: np.ndarray, recede: float) -> np.ndarray:
    """Positive where hair grows on the straight head: behind and above a line from temple to nape."""
    x = np.abs(q[..., 0])
    front = 0.72 + recede - 0.55 * np.clip(x - 0.35, 0, 1)  # height of the forehead line
    return np.maximum(q[..., 1] - front, np.minimum(-0.02 - q[..., 2] + 0.1 * q[..., 1], q[..., 1] + 0.65))


def _hair(rng: np.random.Generator, who: Anatomy, bust: Bust) -> None:
    style = str(rng.choice(["bald", "short", "long", "curly", "bun", "cap"], p=[0.08, 0.28, 0.3, 0.16, 0.1, 0.08]))
    if style == "bald":
        return
    recede, thick = rng.normal(0, 0.07), {"short": 0.06, "long": 0.12, "curly": 0.22, "bun": 0.05, "cap": 0.08}[style]
    thick *= float(np.exp(rng.normal(0, 0.3)))
    coarse, fine = Noise(rng, 1.3, 2), Noise(rng, 5.0 if style == "curly" else 7.0, 2)
    amount = {"curly": 0.09, "long": 0.05, "short": 0.02, "bun": 0.015, "cap": 0.0}[style]
    length = float(rng.uniform(0.9, 2.3))
    parting = rng.normal(0, 0.25)

    def mass(p: np.ndarray) -> np.ndarray:
        q = who.posed(p)
        d = who.cranium(q) - thick * (1 + 0.35 * coarse(q))
        d = (
            carve(d, _hairline(who, q, recede), 0.08)
            if style != "cap"
            else np.maximum(d, 0.45 - q[..., 1] - 0.25 * q[..., 2])
        )
        if style == "long":  # a curtain at the sides and the back
            w = 0.85 + 0.08 * np.sin(q[..., 1] * 3)
            shell = np.abs(
                ellipsoid(q * np.array([1, 0.001, 1], np.float32), (0, 0, -0.25), (w.mean() + thick, 1, 0.85 + thick))
            )
            shell = np.maximum(shell - 0.14, np.maximum(q[..., 1] - 0.4, -length - q[..., 1]))
            d = join(d, np.maximum(shell, q[..., 2] - 0.12 - 0.15 * coarse(q)), 0.15)
        if style == "bun":
            d = join(d, ellipsoid(q, (0, 0.75, -1.15), (0.38, 0.38, 0.36)), 0.1)
        streak = q * np.array([3.0, 0.6, 3.0], np.float32) if style != "curly" else q
        d = d + amount * fine(streak)
        if style != "curly":  # a parting
            d = d + 0.05 * np.exp(-(((q[..., 0] - parting) / 0.05) ** 2)) * (q[..., 1] > 0.7)
        return d

    v, f = polygonise(mass, (-1.5, -2.6, -1.8), (1.5, 1.7, 1.4), 0.06)
    bust.parts.append(Part("cloth" if style == "cap" else "hair", v, f))
    if style != "cap" and rng.random() < 0.85:
        bust.strands.append(_grow(rng, who, mass, v, style, length))


def _grow(
    rng: np.random.Generator, who: Anatomy, mass, roots: np.ndarray, style: str, length: float
) -> tuple[np.ndarray, float]:
    """Strands that start on the hair mass and flow down and along it."""
    count, points = int(rng.integers(1500, 5000)), 8
    start = roots[rng.integers(len(roots), size=count)] + rng.normal(0, 0.02, (count, 3)).astype(np.float32)
    step = {"short": 0.035, "long": 0.13, "curly": 0.06, "bun": 0.05}[style] * float(np.exp(rng.normal(0, 0.25)))
    curl = {"short": 0.4, "long": 0.25, "curly": 1.4, "bun": 0.2}[style]
    lift = {"short": 0.55, "long": 0.05, "curly": 0.5, "bun": 0.02}[style] * rng.uniform(0.5, 1.5)
    wind = [Noise(rng, 2.5, 2) for _ in range(3)]
    comb = rng.normal(0, 0.35, 3).astype(np.float32)
    line = [start]
    for _ in range(points - 1):
        p = line[-1]
        n = gradient(mass, p, 0.03)
        flow = np.array([0, -1, -0.15], np.float32) + comb + curl * np.stack([w(p) for w in wind], -1)
        if style == "bun":
            flow = np.array([0, 0.75, -1.15], np.float32) - p
        flow -= (flow * n).sum(-1, keepdims=True) * n
        flow /= np.maximum(np.linalg.norm(flow, axis=-1, keepdims=True), 1e-6)
        out = np.clip(0.01 - mass(p), -0.04, 0.04)[:, None] * n
        line.append((p + step * (flow + lift * n * rng.random((count, 1))) + out).astype(np.float32))
    return np.stack(line, axis=1), float(rng.uniform(0.006, 0.014))


def _beard(rng: np.random.Generator, who: Anatomy, bust: Bust) -> None:
    fine, thick = Noise(rng, 6.0, 2), rng.uniform(0.02, 0.12)

    def mass(p: np.ndarray) -> np.ndarray:
        q = who.posed(p)
        x = np.abs(q[..., 0])
        d = who.face(q) - thick * (1 + 0.5 * fine(q * np.array([2, 0.7, 2], np.float32)))
        region = np.maximum(q[..., 1] + 0.48 - 0.5 * np.clip(x - 0.35, 0, 1), -1.25 - q[..., 1])
        region = np.maximum(region, -0.05 - q[..., 2])
        mouth = ellipsoid(q, (0, -0.6, 0.85), (0.27, 0.11, 0.4))
        return carve(np.maximum(d, region), mouth, 0.04)

    v, f = polygonise(mass, (-1.2, -1.7, -0.6), (1.2, 0.1, 1.4), 0.055)
    if len(v):
        bust.parts.append(Part("hair", v, f))
        if rng.random() < 0.7:
            bust.strands.append(_grow(rng, who, mass, v, "short", 0.1))


CLOTHES = {"tee": 0.2, "vneck": 0.16, "collar": 0.22, "hood": 0.13, "scarf": 0.12, "turtle": 0.1, "bare": 0.07}


def _clothes(rng: np.random.Generator, who: Anatomy, bust: Bust, style: str) -> None:
    folds, drift = Noise(rng, rng.uniform(0.8, 2.2), 3, 0.6), Noise(rng, 0.6, 1)
    depth, thick = rng.uniform(0.04, 0.26), rng.uniform(0.07, 0.16)
    stretch = np.exp(rng.normal(0, 0.5, 3)).astype(np.float32)
    neckline = rng.uniform(-1.75, -1.45) if style != "turtle" else -1.1
    vee = rng.uniform(0.3, 1.1)

    def garment(p: np.ndarray) -> np.ndarray:
        ridge = 1.0 - 2.0 * np.abs(folds(p * stretch + 0.9 * drift(p)[..., None]))
        d = who.trunk(p) - thick - depth * 0.6 * ridge
        x, y, z = np.abs(p[..., 0]), p[..., 1], p[..., 2]
        d = np.maximum(d, y - neckline - 0.25 * np.clip(-z, -0.5, 0.5))
        if style in ("vneck", "collar"):
            d = carve(d, np.maximum(x - 0.1 - 0.55 * (y - neckline + vee), 0.1 - z), 0.04)
        return d

    parts = [polygonise(garment, (-2.7, -4.2, -1.6), (2.7, -0.9, 1.3), 0.07)]
    if style in ("collar", "hood", "scarf", "turtle"):
        rough = Noise(rng, 2.0, 3)
        radius, width = (
            who.neck + rng.uniform(0.05, 0.2),
            {"collar": 0.06, "hood": 0.28, "scarf": 0.26, "turtle": 0.1}[style],
        )
        height = {"collar": 0.3, "hood": 0.3, "scarf": 0.25, "turtle": 0.5}[style]
        tilt = np.array([0, 1, 0.35], np.float32)

        def ring(p: np.ndarray) -> np.ndarray:
            squash = np.array([1.0, width / height, 1.0], np.float32)
            q = (p - np.array([0, -1.6, -0.25], np.float32)) * squash
            d = torus(q, (0, 0, 0), tilt, radius + (width if style in ("hood", "scarf") else 0.0), width)
            d = d - (0.1 if style in ("scarf", "hood") else 0.03) * (
                1 - 2 * np.abs(rough(p * np.array([1, 2.5, 1], np.float32)))
            )
            if style == "collar":
                d = carve(d, np.maximum(np.abs(p[..., 0]) - 0.16 - 0.5 * (p[..., 1] + 1.75), 0.05 - p[..., 2]), 0.03)
            return d

        parts.append(polygonise(ring, (-1.5, -2.5, -1.6), (1.5, -0.7, 1.3), 0.06))
    bust.parts += [Part("cloth", v, f) for v, f in parts if len(v)]
    if rng.random() < 0.2:  # an open jacket over it

        def jacket(p: np.ndarray) -> np.ndarray:
            d = who.trunk(p) - thick - 0.13 - depth * 0.4 * (1 - 2 * np.abs(folds(p * 0.8)))
            open_front = np.maximum(np.abs(p[..., 0]) - 0.25 - 0.35 * (p[..., 1] - neckline + 1.8), -0.1 - p[..., 2])
            return carve(np.maximum(d, p[..., 1] - neckline + 0.1), open_front, 0.05)

        v, f = polygonise(jacket, (-2.9, -4.2, -1.7), (2.9, -1.2, 1.4), 0.09)
        bust.parts.append(Part("cloth", v, f))


def _spectacles(rng: np.random.Generator, who: Anatomy, bust: Bust) -> None:
    z, r, thick = who.eye_z + 0.34, rng.uniform(0.2, 0.3), rng.uniform(0.014, 0.035)

    def frame(p: np.ndarray) -> np.ndarray:
        q = p.copy()
        q[..., 0] = np.abs(q[..., 0])
        d = torus(q, (who.eye_x + 0.02, -0.01, z), (0.12, 0, 1), r, thick)
        d = np.minimum(d, capsule(q, (0, 0.05, z + 0.03), (who.eye_x - r + 0.03, 0.02, z), thick))
        return np.minimum(d, capsule(q, (who.eye_x + r, 0.06, z - 0.03), (who.skull[0] + 0.1, 0.1, -0.15), thick))

    v, f = polygonise(frame, (-1.15, -0.45, -0.4), (1.15, 0.45, 1.3), max(0.022, thick * 0.9))
    bust.parts.append(Part("frame", who.place(v).astype(np.float32), f))


def bust(rng: np.random.Generator) -> Bust:
    """One random person, from chest to crown."""
    who = Anatomy(rng)
    dress = str(rng.choice(list(CLOTHES), p=list(CLOTHES.values())))
    made = Bust(hair_colour=(*(float(c) for c in who.hair_colour), 1.0))
    made.parts += [_skin(rng, who, -4.2 if dress == "bare" else -2.9), *_eyes(rng, who)]
    _hair(rng, who, made)
    if rng.random() < 0.2:
        _beard(rng, who, made)
    if dress != "bare":
        _clothes(rng, who, made, dress)
    if rng.random() < 0.2:
        _spectacles(rng, who, made)
    return made
