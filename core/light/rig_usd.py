"""Rigs as UsdLux lights: a stage's DistantLight, SphereLight, DiskLight and RectLight prims read as the lights of a rig.

USD states what a light emits, a rig what the subject gets of it: at 0 stops a white matte surface at the subject's middle that
faces the light reads 1. `gain_of` converts between the two. Positions are those of the stage, or in the axes of its
camera where it has one. Needs usd-core.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from ..errors import InputError, UsageError
from ..rig_library import MIDDLE, Point
from .rig import MOST, SCHEMA, Rig, from_json, straight_ahead

LUMINANCE = (0.2126, 0.7152, 0.0722)  # of linear Rec.709, the colour space of UsdLux colours
STILL = 1e-6  # least relative change of a value over frames


def library() -> Any:
    """OpenUSD. Raises `UsageError` where it is not installed."""
    try:
        import pxr.Gf
        import pxr.Sdf
        import pxr.Usd
        import pxr.UsdGeom
        import pxr.UsdLux
    except ImportError as error:
        raise UsageError(f"light rigs need OpenUSD: pip install 'relamp[usd]' ({error})") from None
    return pxr


def gain_of(kind: str, size: Any, away: float) -> float:
    """The irradiance over pi that a light of intensity 1 gives a surface that faces it, `away` units from it.

    Args:
        kind: of the rig. size: as the rig has it; of a distant light nothing depends on it, since USD normalises that.
    """
    if kind == "distant":
        return 1 / math.pi
    if kind == "area":
        width, height = size
        return width * height / away**2 / math.pi * straight_ahead(width, height, away)
    return (size / away) ** 2


def load_usd(path: str | Path, middle: Point = MIDDLE) -> Rig:
    """The lights of a USD stage as a rig.

    Args:
        middle: the subject's middle, in the axes of the stage's camera; strengths are stated there.

    Raises:
        InputError: the stage cannot be read, or has no light that a rig can have, or too many.
        UsageError: usd-core is not installed.
    """
    usd = library()
    try:
        stage = usd.Usd.Stage.Open(str(path))
    except Exception as error:  # OpenUSD raises its own errors for files that it cannot read
        raise InputError(f"{path}: cannot read this stage ({str(error).splitlines()[0]:.200})") from None
    prims = [prim for prim in stage.Traverse() if _kind(usd, prim)]
    if not prims or len(prims) > MOST:
        raise InputError(
            f"{path} has {len(prims)} distant, sphere, disk and rect lights; a rig has 1 to {MOST} (domes are maps: --env)"
        )
    camera = next((prim for prim in stage.Traverse() if prim.IsA(usd.UsdGeom.Camera)), None)
    lights = [_light(usd, prim, camera, middle) for prim in prims]
    return from_json(
        json.dumps({"schema": SCHEMA, "space": "camera" if camera else "world", "lights": lights}), str(path)
    )


def _kind(usd: Any, prim: Any) -> str | None:
    lux = usd.UsdLux
    if prim.IsA(lux.DistantLight):
        return "distant"
    if prim.IsA(lux.RectLight):
        return "area"
    if prim.IsA(lux.DiskLight):
        return "area"
    if prim.IsA(lux.SphereLight):
        shaped = prim.HasAPI(lux.ShapingAPI) and lux.ShapingAPI(prim).GetShapingConeAngleAttr().Get() < 90
        return "spot" if shaped else "sphere"
    return None


def _light(usd: Any, prim: Any, camera: Any, middle: Point) -> dict[str, Any]:
    """A prim as a light of a rig file, with keys where its values change over frames."""
    frames = _frames(usd, prim, camera)
    times = [usd.Usd.TimeCode(frame) for frame in frames] or [usd.Usd.TimeCode.Default()]
    looks = [_values(usd, prim, camera, middle, time) for time in times]
    made: dict[str, Any] = {"name": prim.GetName(), "kind": _kind(usd, prim)}
    if usd.UsdGeom.Imageable(prim).ComputeVisibility() != usd.UsdGeom.Tokens.inherited:
        made["on"] = False
    shadow = usd.UsdLux.ShadowAPI(prim).GetShadowEnableAttr().Get() if prim.HasAPI(usd.UsdLux.ShadowAPI) else True
    if shadow is False:
        made["shadows"] = False
    for key in looks[0]:
        values = [look[key] for look in looks]
        still = all(_near(value, values[0]) for value in values)
        made[key] = values[0] if still else {"keys": [[int(f), v] for f, v in zip(frames, values, strict=True)]}
    return made


def _frames(usd: Any, prim: Any, camera: Any) -> list[int]:
    """The frames at which a light or what it hangs on has a value of its own."""
    times: set[float] = set()
    for one in (prim, camera):
        while one and one.GetPath() != usd.Sdf.Path.absoluteRootPath:
            attributes = one.GetAttributes() if one == prim else usd.UsdGeom.Xformable(one).GetOrderedXformOps()
            times.update(t for a in attributes for t in (a.GetTimeSamples() or ()))
            one = one.GetParent()
    return sorted({round(time) for time in times})


def _values(usd: Any, prim: Any, camera: Any, middle: Point, time: Any) -> dict[str, Any]:
    """The values of a light at a time, as a rig file has them."""
    cache = usd.UsdGeom.XformCache(time)
    place = cache.GetLocalToWorldTransform(prim)
    if camera is not None:
        place = place * cache.GetLocalToWorldTransform(camera).GetInverse()
    position = list(place.ExtractTranslation())
    back = list(place.TransformDir(usd.Gf.Vec3d(0, 0, 1)).GetNormalized())
    kind, light = _kind(usd, prim), usd.UsdLux.LightAPI(prim)
    size = _size(usd, prim, time)
    away = max(math.dist(position, middle), 1e-6)
    colour = [float(c) for c in light.GetColorAttr().Get(time)]
    luminance = max(sum(a * b for a, b in zip(colour, LUMINANCE, strict=True)), 1e-9)
    emitted = light.GetIntensityAttr().Get(time) * 2.0 ** light.GetExposureAttr().Get(time) * luminance
    normalised = bool(light.GetNormalizeAttr().Get(time))
    gain = gain_of(kind or "", size, away)
    if normalised and kind in ("sphere", "spot"):  # emission over the light's area
        gain /= 4 * math.pi * size**2
    if normalised and kind == "area":
        gain /= size[0] * size[1]
    if not normalised and kind == "distant":
        gain *= math.pi * math.sin(math.radians(min(size, 180.0)) / 2) ** 2
    stops = math.log2(max(emitted * gain, 1e-6))
    made: dict[str, Any] = {"stops": round(min(max(stops, -20.0), 20.0), 5), "size": size}
    if light.GetEnableColorTemperatureAttr().Get(time):
        made["kelvin"] = float(light.GetColorTemperatureAttr().Get(time))
    elif not _near(colour, [colour[0]] * 3):
        made["colour"] = [round(c / max(colour), 6) for c in colour]
    if kind == "distant":
        return {**made, "direction": [round(v, 6) for v in back]}
    made["position"] = [round(v, 6) for v in position]
    if kind in ("spot", "area"):
        made["aim"] = [round(-v, 6) for v in back]
    if kind == "spot":
        shaping = usd.UsdLux.ShapingAPI(prim)
        made["angle"] = 2 * float(shaping.GetShapingConeAngleAttr().Get(time))
        made["softness"] = min(max(float(shaping.GetShapingConeSoftnessAttr().Get(time)), 0.0), 1.0)
    return made


def _size(usd: Any, prim: Any, time: Any) -> Any:
    lux = usd.UsdLux
    if prim.IsA(lux.DistantLight):
        return min(max(float(lux.DistantLight(prim).GetAngleAttr().Get(time)), 0.01), 90.0)
    if prim.IsA(lux.RectLight):
        rect = lux.RectLight(prim)
        return [float(rect.GetWidthAttr().Get(time)), float(rect.GetHeightAttr().Get(time))]
    if prim.IsA(lux.DiskLight):  # a square of the same area
        return [math.sqrt(math.pi) * float(lux.DiskLight(prim).GetRadiusAttr().Get(time))] * 2
    return max(float(lux.SphereLight(prim).GetRadiusAttr().Get(time)), 1e-6)


def _near(one: Any, other: Any) -> bool:
    if isinstance(one, list):
        return all(_near(a, b) for a, b in zip(one, other, strict=True))
    return abs(one - other) <= STILL * max(abs(one), abs(other), 1.0)
