# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
"""Blender's own lights as a rig: the lights of a collection, in the axes of the scene's camera or of its world.

A rig states what the subject gets of a light, Blender what the light emits, in watts. At 0 stops a white matte surface in the
subject's middle that faces the light reads 1, as for USD (`light.rig_usd`): the irradiance E there is pi. E is the strength of a
sun, P / (4 pi d^2) of a point or a spot of P watts d units away, and P / (pi d^2) of an area, straight before it.
"""

# pyright: reportMissingImports=false
# bpy is Blender's own.

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import bpy

from ..core.errors import UsageError
from ..core.node import rig as posing

CAMERA, WORLD = "camera", "world"
KINDS = {"SUN": "distant", "POINT": "sphere", "SPOT": "spot", "AREA": "area"}
LUMINANCE = (0.2126, 0.7152, 0.0722)  # of linear Rec.709
DARK, BRIGHTEST = -20.0, 20.0  # stops
SMALLEST = 1e-3  # units, of a light that Blender takes for a point
WHITE = 1e-4  # largest difference between the channels of a colour that is white


def lights_of(settings: Any) -> list[Any]:
    """The lights of the chosen collection and of those in it, by name; none where no collection is chosen.

    Raises:
        UsageError: the collection holds no lights.
    """
    if settings.rig_collection is None:
        return []
    found = sorted((o for o in settings.rig_collection.all_objects if o.type == "LIGHT"), key=lambda o: o.name)
    if not found:
        raise UsageError(f"the collection {settings.rig_collection.name} holds no lights; add some, or choose another")
    return found


def text_of(scene: Any, settings: Any, frames: tuple[int, ...]) -> str:
    """The lights of the collection as the text of a rig file, keyed over `frames`; empty where no collection is chosen.

    Raises:
        UsageError: the collection holds no lights, or the scene has no camera that they could be seen from.
    """
    lights = lights_of(settings)
    if not lights:
        return ""
    if settings.rig_space == CAMERA and scene.camera is None:
        raise UsageError("the scene has no camera to see the lights from; add one, or set the rig's axes to world")
    looks: dict[str, dict[int, dict[str, Any]]] = {light.name: {} for light in lights}
    with _each(scene, frames) as each:
        for frame in each:
            graph = bpy.context.evaluated_depsgraph_get()
            for light in lights:
                looks[light.name][frame] = _look(light, scene, settings, graph)
    return posing.rig_text([_keyed(look) for look in looks.values()], settings.rig_space)


def camera_text(scene: Any, frames: tuple[int, ...]) -> str:
    """A camera file with the field of view of the scene's camera, in whose axes a rig stands."""
    with _each(scene, frames) as each:
        return posing.camera_text({frame: _field_of_view(scene) for frame in each})


@contextmanager
def _each(scene: Any, frames: tuple[int, ...]) -> Iterator[Iterator[int]]:
    """The frames, the scene set to each in turn, and to where it was at the end."""
    before = scene.frame_current

    def every() -> Iterator[int]:
        for frame in frames:
            scene.frame_set(frame)
            yield frame

    try:
        yield every()
    finally:
        scene.frame_set(before)


def _keyed(looks: dict[int, dict[str, Any]]) -> dict[str, Any]:
    """A light over the frames; it is off where it is hidden on all of them, and dark on those where it is."""
    made = posing.over_frames(looks)
    if all(look["stops"] <= DARK for look in looks.values()):
        made |= {"on": False, "stops": 0.0}
    return made


def _look(thing: Any, scene: Any, settings: Any, graph: Any) -> dict[str, Any]:
    """A light of a rig file as it is on the scene's frame."""
    thing, camera = thing.evaluated_get(graph), scene.camera and scene.camera.evaluated_get(graph)
    light, kind = thing.data, KINDS[thing.data.type]
    position, aim = posing.pose(_flat(thing.matrix_world))
    middle = _middle(camera, settings)
    size = _size(light, thing.matrix_world.to_scale())
    tint = (
        [a * b for a, b in zip(light.color, light.temperature_color, strict=True)]
        if light.use_temperature
        else light.color
    )
    irradiance = _irradiance(light, kind, size, math.dist(position, middle)) * _luminance(tint)
    stops = DARK if thing.hide_render else math.log2(max(irradiance / math.pi, 2.0**DARK))
    made: dict[str, Any] = {"name": thing.name, "kind": kind, "stops": min(stops, BRIGHTEST), "size": size}
    made |= {} if light.use_shadow else {"shadows": False}
    made |= _colour(light, tint)
    position, aim = _in_axes(settings, camera, position, aim)
    if kind == "distant":
        return {**made, "direction": tuple(-part for part in aim)}
    made["position"] = position
    if kind in ("spot", "area"):
        made["aim"] = aim
    if kind == "spot":
        made |= {"angle": min(max(math.degrees(light.spot_size), 1.0), 170.0), "softness": float(light.spot_blend)}
    return made


def _in_axes(
    settings: Any, camera: Any, position: posing.Vector, aim: posing.Vector
) -> tuple[posing.Vector, posing.Vector]:
    if settings.rig_space == CAMERA:
        return posing.seen_from(_flat(camera.matrix_world), position, aim)
    return _upright(position), _upright(aim)


def _upright(v: posing.Vector) -> posing.Vector:
    """A vector of Blender's world, whose Z is up, in one whose Y is."""
    return v[0], v[2], -v[1]


def _middle(camera: Any, settings: Any) -> posing.Vector:
    """The subject's middle in Blender's world: straight ahead of the camera, or of one at the origin that looks along Y."""
    if camera is None:
        return 0.0, settings.rig_distance, 0.0
    position, ahead = posing.pose(_flat(camera.matrix_world))
    x, y, z = (p + settings.rig_distance * a for p, a in zip(position, ahead, strict=True))
    return x, y, z


def _irradiance(light: Any, kind: str, size: Any, away: float) -> float:
    """What a surface that faces a white light of this strength gets of it, W/m^2."""
    power = light.energy * 2.0**light.exposure
    if not light.normalize:
        power *= _emitting(kind, size)
    if kind == "distant":
        return power
    return power / (math.pi if kind == "area" else 4 * math.pi) / max(away, 1e-6) ** 2


def _emitting(kind: str, size: Any) -> float:
    """The area that Blender multiplies the strength of a light with that is not normalised."""
    if kind == "distant":
        return math.pi * math.sin(math.radians(size) / 2) ** 2
    return size[0] * size[1] if kind == "area" else math.pi * size**2


def _size(light: Any, scale: Any) -> Any:
    """The size as a rig has it; a disk and an ellipse are rectangles of their area."""
    if light.type == "SUN":
        return min(max(math.degrees(light.angle), 0.01), 90.0)
    if light.type != "AREA":
        return max(float(light.shadow_soft_size), SMALLEST)
    wide = light.size
    high = light.size_y if light.shape in ("RECTANGLE", "ELLIPSE") else wide
    share = math.sqrt(math.pi) / 2 if light.shape in ("DISK", "ELLIPSE") else 1.0
    return max(wide * abs(scale[0]) * share, SMALLEST), max(high * abs(scale[1]) * share, SMALLEST)


def _colour(light: Any, tint: Any) -> dict[str, Any]:
    if max(light.color) - min(light.color) <= WHITE:
        return {"kelvin": min(max(float(light.temperature), 1000.0), 40000.0)} if light.use_temperature else {}
    most = max(tint) or 1.0
    return {"colour": tuple(max(float(part) / most, 0.0) for part in tint)}


def _luminance(tint: Any) -> float:
    return sum(a * b for a, b in zip(LUMINANCE, tint, strict=True))


def _field_of_view(scene: Any) -> float:
    """The horizontal field of view of the scene's camera, degrees."""
    corners = scene.camera.data.view_frame(scene=scene)
    wide = max(corner.x for corner in corners) - min(corner.x for corner in corners)
    return math.degrees(2 * math.atan(wide / 2 / -corners[0].z))


def _flat(matrix: Any) -> list[float]:
    return [float(part) for row in matrix for part in row]
