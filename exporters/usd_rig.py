"""The lights of a rig file as UsdLux prims, so that CG can be lit by them, and read back with `--rig lights.usda`.

Distant lights are DistantLight, spheres SphereLight, spots SphereLight with a cone, areas RectLight. What a light emits is scaled
so that a white matte surface at the subject's middle that faces it reads 1 at 0 stops; stops are the light's exposure.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ..core.atomic import replacing
from ..core.errors import UsageError
from ..core.light.rig import Rig, RigLight
from ..core.light.rig_usd import LUMINANCE, gain_of, library
from ..core.parameters import Curve
from ..core.rig_library import MIDDLE, Point


def write_rig(rig: Rig, out: Path, middle: Point = MIDDLE, overwrite: bool = False) -> None:
    """Write the lights of a rig as a stage.

    Args:
        out: a `.usda` file.
        middle: the subject's middle in the axes of the rig, where strengths are stated.

    Raises:
        UsageError: usd-core is not installed, `out` is no `.usda`, or a light stands before a pixel of the subject.
    """
    if out.suffix != ".usda":
        raise UsageError(f"--out {out} must end in .usda")
    usd = library()
    stage = usd.Usd.Stage.CreateInMemory()
    usd.UsdGeom.SetStageUpAxis(stage, usd.UsdGeom.Tokens.y)
    usd.UsdGeom.SetStageMetersPerUnit(stage, 1.0)
    stage.SetDefaultPrim(usd.UsdGeom.Xform.Define(stage, "/Relamp").GetPrim())
    usd.UsdGeom.Xform.Define(stage, "/Relamp/Lights")
    if rig.space == "camera":
        usd.UsdGeom.Camera.Define(stage, "/Relamp/Camera")
    frames = sorted({frame for light in rig.lights for value in vars(light).values() for frame in _keys(value)})
    if frames:
        stage.SetStartTimeCode(frames[0])
        stage.SetEndTimeCode(frames[-1])
    taken: set[str] = set()
    for light in rig.lights:
        _Prim(usd, stage, light, _free(light.name, taken), middle).write()
    with replacing(out, overwrite) as temporary:
        temporary.write_text(stage.GetRootLayer().ExportToString(), encoding="utf-8")


def _keys(value: Any) -> list[int]:
    return [frame for frame, _ in value.keys] if isinstance(value, Curve) else []


def _free(name: str, taken: set[str]) -> str:
    """The name of a light as a prim may have it, once."""
    plain = re.sub(r"\W", "_", name, flags=re.ASCII)
    plain = plain if re.match(r"[A-Za-z_]", plain) else f"light_{plain}"
    number, free = 1, plain
    while free in taken:
        number += 1
        free = f"{plain}_{number}"
    taken.add(free)
    return free


class _Prim:
    """One light as a prim."""

    def __init__(self, usd: Any, stage: Any, light: RigLight, name: str, middle: Point) -> None:
        if light.at is not None:
            raise UsageError(
                f"{light.name} stands before a pixel of the subject, which a stage does not know; give it a position"
            )
        self._usd, self._light, self._middle = usd, light, middle
        kinds = {"distant": usd.UsdLux.DistantLight, "area": usd.UsdLux.RectLight}
        self._prim = kinds.get(light.kind, usd.UsdLux.SphereLight).Define(stage, f"/Relamp/Lights/{name}")
        self._frames = sorted({frame for value in vars(light).values() for frame in _keys(value)})

    def write(self) -> None:
        """Set every attribute of the prim."""
        usd, light, prim = self._usd, self._light, self._prim
        self._set(prim.AddTransformOp().GetAttr(), self._matrix)
        self._set(prim.CreateExposureAttr(), lambda now: float(now.stops))
        self._set(prim.CreateIntensityAttr(), self._intensity)
        if light.kelvin is not None:
            prim.CreateEnableColorTemperatureAttr(True)
            self._set(prim.CreateColorTemperatureAttr(), lambda now: float(now.kelvin))
        elif light.colour is not None:
            self._set(prim.CreateColorAttr(), lambda now: usd.Gf.Vec3f(*now.colour))
        if light.kind == "distant":
            prim.CreateNormalizeAttr(True)
            self._set(prim.CreateAngleAttr(), lambda now: float(now.size))
        elif light.kind == "area":
            self._set(prim.CreateWidthAttr(), lambda now: float(now.size[0]))
            self._set(prim.CreateHeightAttr(), lambda now: float(now.size[1]))
        else:
            self._set(prim.CreateRadiusAttr(), lambda now: float(now.size))
        if light.kind == "spot":
            shaping = usd.UsdLux.ShapingAPI.Apply(prim.GetPrim())
            self._set(shaping.CreateShapingConeAngleAttr(), lambda now: float(now.angle) / 2)
            self._set(shaping.CreateShapingConeSoftnessAttr(), lambda now: float(now.softness))
        if not light.shadows:
            usd.UsdLux.ShadowAPI.Apply(prim.GetPrim()).CreateShadowEnableAttr(False)
        if not light.on:
            usd.UsdGeom.Imageable(prim.GetPrim()).MakeInvisible()

    def _set(self, attribute: Any, value: Callable[[RigLight], Any]) -> None:
        """Set a value, or its value on every keyed frame where it changes."""
        if not self._frames:
            attribute.Set(value(self._light))
            return
        values = [value(self._light.at_frame(frame)) for frame in self._frames]
        if all(one == values[0] for one in values):
            attribute.Set(values[0])
            return
        for frame, one in zip(self._frames, values, strict=True):
            attribute.Set(one, frame)

    def _intensity(self, now: RigLight) -> float:
        away = 1.0 if now.kind == "distant" else max(math.dist(now.position, self._middle), 1e-6)
        colour = (1.0, 1.0, 1.0) if now.colour is None else now.colour
        luminance = sum(a * b for a, b in zip(colour, LUMINANCE, strict=True))
        return 1 / gain_of(now.kind, now.size, away) / max(luminance, 1e-9)

    def _matrix(self, now: RigLight) -> Any:
        """Of the light: it shines along its -Z, and its X is level. USD's matrices act on row vectors."""
        if now.kind == "distant":
            back = np.array(now.direction, float)
        else:
            back = np.array((0.0, 0.0, 1.0) if now.aim is None else now.aim, float) * (1 if now.aim is None else -1)
        back /= np.linalg.norm(back)
        right = np.cross((0.0, 1.0, 0.0) if abs(back[1]) < 0.99 else (0.0, 0.0, -1.0), back)
        right /= np.linalg.norm(right)
        rows = np.eye(4)
        rows[0, :3], rows[1, :3], rows[2, :3] = right, np.cross(back, right), back
        rows[3, :3] = (0.0, 0.0, 0.0) if now.kind == "distant" else now.position
        return self._usd.Gf.Matrix4d(*(float(value) for value in rows.ravel()))
