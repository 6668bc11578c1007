# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
"""How a scene of the light stage moves: a camera that orbits and travels, a subject that turns, walks and sways.

Made on top of a finished scene: camera and subject hang below empties, and what is soft is bent by a smooth field. Frame 0
of a clip is the still of its seed.
"""

from __future__ import annotations

import bpy  # isort: skip  # pyright: ignore[reportMissingImports]  (makes the one below importable)
import numpy as np
from mathutils import Matrix, Vector  # pyright: ignore[reportMissingImports]

from .scenes import bounds

SWAY = {"head": 0.004, "cloth": 0.012}
"""How far soft things bend, as a share of their size."""
WAVES = 3


class Moves:
    """The motion of the scene that stands in Blender, decided by its seed."""

    def __init__(self, seed: int, kind: str) -> None:
        rng = np.random.default_rng([seed, 3])
        subject = [thing for thing in bpy.data.objects if thing.pass_index == 1]
        lo, hi = bounds(subject)
        self._centre, size = Vector(((lo + hi) / 2).tolist()), float((hi - lo).max())
        camera, what = bpy.context.scene.camera, rng.random()
        pace = 10.0 ** rng.uniform(-0.5, 0.5)  # a slow shot to a quick one; what follows is for each frame
        films, acts = what < 0.7, what > 0.4
        self._orbit = np.radians(pace * rng.normal(0, (0.6, 1.2))) * films
        self._dolly = pace * float(rng.normal(0, 0.006)) * films
        self._turn = np.radians(pace * float(rng.normal(0, 2.0))) * acts
        self._walk = Vector((pace * size * acts * rng.normal(0, (0.006, 0.006, 0.0))).tolist())
        self._across = camera.matrix_world.to_3x3() @ Vector((1, 0, 0))
        self._ahead = self._centre - camera.matrix_world.translation
        self._soft = [_Soft(thing) for thing in subject if kind in SWAY and thing.type in ("MESH", "CURVES")]
        self._field = _Field(rng, np.array(self._centre), size, pace, SWAY.get(kind, 0.0) * size)
        self._eye, self._stand = _hung([camera]), _hung(subject)

    def at(self, frame: int) -> None:
        """Bring the scene to a frame of the clip, 0 and on."""
        climb, turn = Matrix.Rotation(self._orbit[0] * frame, 4, self._across), _upright(self._orbit[1] * frame)
        travel = Matrix.Translation(self._ahead * (self._dolly * frame))
        self._eye.matrix_world = travel @ _about(self._centre, turn @ climb)
        spin = _about(self._centre, _upright(self._turn * frame))
        self._stand.matrix_world = Matrix.Translation(self._walk * frame) @ spin
        for thing in self._soft if frame else ():
            thing.bend(self._field, frame)
        bpy.context.view_layer.update()


class _Field:
    """A smooth displacement of space that is none in frame 0."""

    def __init__(self, rng: np.random.Generator, centre: np.ndarray, size: float, pace: float, reach: float) -> None:
        self._centre, self._size = centre, size
        self._along = rng.normal(0, 3.0, (3, WAVES))
        self._toward = rng.normal(0, reach, (WAVES, 3))
        self._phase, self._rate = rng.uniform(0, 2 * np.pi, WAVES), rng.normal(0, 0.5 * pace, WAVES)

    def __call__(self, points: np.ndarray, frame: int) -> np.ndarray:
        still = (points - self._centre) / self._size @ self._along + self._phase
        return (np.sin(still + self._rate * frame) - np.sin(still)) @ self._toward


class _Soft:
    """A mesh or hair with its points at rest."""

    def __init__(self, thing) -> None:
        self._thing = thing
        self._points = thing.data.vertices if thing.type == "MESH" else thing.data.attributes["position"].data
        self._name = "co" if thing.type == "MESH" else "vector"
        flat = np.empty(3 * len(self._points), np.float32)
        self._points.foreach_get(self._name, flat)
        to_world = np.array(thing.matrix_world)
        self._rest, self._linear = flat.reshape(-1, 3), to_world[:3, :3]
        self._in_world = self._rest @ self._linear.T + to_world[:3, 3]

    def bend(self, field: _Field, frame: int) -> None:
        moved = self._rest + field(self._in_world, frame) @ np.linalg.inv(self._linear).T
        self._points.foreach_set(self._name, moved.astype(np.float32).ravel())
        self._thing.data.update_tag()


def _upright(angle: float) -> Matrix:
    return Matrix.Rotation(angle, 4, "Z")


def _about(centre: Vector, turn: Matrix) -> Matrix:
    return Matrix.Translation(centre) @ turn @ Matrix.Translation(-centre)


def _hung(things: list):
    """An empty at the origin with things below it, which stay where they are."""
    empty = bpy.data.objects.new("moves", None)
    bpy.context.scene.collection.objects.link(empty)
    for thing in things:
        thing.parent = empty
    return empty
