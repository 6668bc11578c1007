"""The new light as a UsdLux rig, so that CG can be lit to match a relit plate.

One stage with two variants of the same light: `whole`, a DomeLight with the environment; and `lamps`, a DomeLight with what
is left of it once the lamps are taken out, and a DistantLight for each lamp, to dim one by one. Both are turned as the
environment is (`rotateZXY`, `core/light/environment.py` has the axes; DomeLight's are the same), and scaled so that a surface
is as bright under the rig as Relamp made the plate's. The camera comes along.

Source of the lights' units: UsdLux schema, LightAPI (`inputs:normalize`) and DistantLight.
"""

from __future__ import annotations

import glob
import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
import OpenImageIO as oiio

from ..core import VERSION
from ..core import job as jobs
from ..core.atomic import replacing, require_free
from ..core.counted import counted
from ..core.errors import OutputError, UsageError
from ..core.job import with_parameters
from ..core.light.camera import Camera, display_aspect
from ..core.light.irradiance import Light
from ..core.light.lamps import Lamp, split
from ..core.light.map_file import write_map
from ..core.light.rig import is_rig
from ..core.light.rig_file import load
from ..core.light.rig_usd import library
from ..core.parameters import Curve, at_frame
from ..core.pictures import exr
from ..core.shot.lights import Lights
from ..core.shot.plan import Plan
from ..core.shot.prepare import files_read, prepare
from .usd_rig import write_rig

VARIANTS = ("whole", "lamps")
_APERTURE = 36.0  # mm across; the field of view is what counts


@click.command("usd")
@click.argument("job_file", metavar="JOB")
@click.option("--out", required=True, metavar="FILE", help="The stage to write, as in light.usda.")
@click.option("--lamps", type=click.IntRange(0, 32), metavar="K", help="The number of lamps. [default: the job's]")
@click.option(
    "--light", type=click.Choice(VARIANTS), default="whole", show_default=True, help="The variant that is selected."
)
@click.option("--overwrite", is_flag=True, help="Replace files that are already there.")
def command(job_file: str, out: str, lamps: int | None, light: str, overwrite: bool) -> None:
    """Write the light of JOB as a USD rig. JOB may also be a rig file, whose lights are written as they stand."""
    if is_rig(job_file):
        require_free([Path(out)], overwrite, [Path(job_file)])
        rig = load(job_file)
        write_rig(rig, Path(out), overwrite=overwrite)
        click.echo(f"{out}: {counted(len(rig.lights), 'light')}")
        return
    require_free(_files(Path(out)), overwrite, [Path(job_file)])
    job = jobs.load(job_file)
    job.require("plate", "env")
    if job.parameters.lit_by() != "env":
        raise UsageError("a USD rig names its map's file: save this light with relamp env --out, and give it as --env")
    if job.parameters.out is None:
        job = with_parameters(job, out="relit.####.exr")
    # Only the light is looked at: frames that are there, or not, do not matter.
    plan = prepare(with_parameters(job, skip_existing="any", missing="hold"))
    require_free(_files(Path(out)), overwrite, files_read([plan]))
    export(plan, Path(out), plan.parameters.lamps if lamps is None else lamps, light, overwrite)
    click.echo(f"{out}: a dome, {plan.parameters.lamps if lamps is None else lamps} lamps at most, and the camera")


def export(plan: Plan, out: Path, lamps: int, selected: str = "whole", overwrite: bool = False) -> None:
    """Write the rig, and beside it the map without its lamps.

    Args:
        out: a `.usda` file.
        lamps: how many distant lights, 0 to 32.
        selected: the variant that is shown until somebody chooses.

    Raises:
        UsageError: usd-core is not installed, or `out` is no `.usda`.
        OutputError: something cannot be written.
    """
    if out.suffix != ".usda":
        raise UsageError(f"--out {out} must end in .usda")
    stage = _Rig(plan, out, lamps, overwrite).build(selected)
    with replacing(out, overwrite) as temporary:
        temporary.write_text(stage.GetRootLayer().ExportToString(), encoding="utf-8")


def _files(out: Path) -> list[Path]:
    """The stage, and those of its maps that are there."""
    return [out, *sorted(out.parent.glob(f"{glob.escape(out.stem)}.rest*.exr"))]


@dataclass(frozen=True)
class _Moment:
    """The light of one frame: the scale of everything, lamps in the file's colour, and where its maps are."""

    frame: int
    intensity: float
    lamps: tuple[Lamp, ...]
    colours: np.ndarray  # (K, 3)
    texture: str
    rest: str


class _Rig:
    def __init__(self, plan: Plan, out: Path, lamps: int, overwrite: bool) -> None:
        self._plan, self._out, self._count, self._overwrite = plan, out, lamps, overwrite
        self._usd = library()
        frames = [task.frame for task in plan.tasks]
        self._frames = (frames[0], frames[-1])
        self._moves = not plan.target.is_still
        self._space = _space_of(plan, frames[0])
        numbers = frames if self._moves else frames[:1]
        self._moments = [self._moment(frame) for frame in numbers]

    def build(self, selected: str) -> Any:
        usd = self._usd
        stage = usd.Usd.Stage.CreateInMemory()
        usd.UsdGeom.SetStageUpAxis(stage, usd.UsdGeom.Tokens.y)
        usd.UsdGeom.SetStageMetersPerUnit(stage, 1.0)
        stage.SetStartTimeCode(self._frames[0])
        stage.SetEndTimeCode(self._frames[1])
        rate = self._frame_rate()
        stage.SetTimeCodesPerSecond(rate)
        stage.SetFramesPerSecond(rate)
        root = usd.UsdGeom.Xform.Define(stage, "/Relamp")
        stage.SetDefaultPrim(root.GetPrim())
        root.GetPrim().SetCustomData(self._provenance())
        rig = usd.UsdGeom.Xform.Define(stage, "/Relamp/Rig")
        turn = rig.AddRotateZXYOp()
        self._animate(turn.GetAttr(), self._plan.parameters.env_rotate, lambda value: usd.Gf.Vec3f(*value))
        variants = rig.GetPrim().GetVariantSets().AddVariantSet("light")
        for name, make in (("whole", self._whole), ("lamps", self._lamps)):
            variants.AddVariant(name)
            variants.SetVariantSelection(name)
            with variants.GetVariantEditContext():
                make(stage)
        variants.SetVariantSelection(selected)
        self._camera(stage)
        return stage

    def _moment(self, frame: int) -> _Moment:
        plan = self._plan
        environment = plan.target.environment(frame)
        found = split(environment.pixels, self._count, plan.colour.luminance_weights)
        energies = np.array([lamp.energy for lamp in found.lamps], np.float32).reshape(-1, 1, 3)
        colours = plan.colour.from_working(energies, self._space).reshape(-1, 3)
        rest = self._rest_path(frame)
        pixels, interop_id = plan.colour.from_working(found.rest, self._space), plan.colour.interop_id(self._space)
        write_map(rest, pixels, interop_id, overwrite=self._overwrite)
        path = Path(os.path.abspath(plan.target.file(frame)))
        return _Moment(
            frame,
            self._scale(frame),
            found.lamps,
            colours,
            self._asset(path),
            self._asset(rest),
        )

    def _scale(self, frame: int) -> float:
        """What the map is multiplied with, apart from stops, for CG to be as bright as the relit plate."""
        plan = self._plan
        if plan.parameters.level_mode() == "absolute":
            return 1.0
        rows = plan.job.measured.source_light
        if plan.source is not None:
            level = plan.source.light(frame).level
        elif rows is not None:
            level = Light.of(np.array(rows, np.float32), plan.colour.luminance_weights).level
        else:
            return 1.0
        return Lights(plan, 1).kept * level / plan.target.light(frame).level

    def _whole(self, stage: Any) -> None:
        self._dome(stage, "Environment", [moment.texture for moment in self._moments])

    def _lamps(self, stage: Any) -> None:
        self._dome(stage, "Rest", [moment.rest for moment in self._moments])
        for index in range(max((len(moment.lamps) for moment in self._moments), default=0)):
            self._lamp(stage, index)

    def _dome(self, stage: Any, name: str, textures: list[str]) -> None:
        usd = self._usd
        light = usd.UsdLux.DomeLight.Define(stage, f"/Relamp/Rig/{name}")
        light.CreateTextureFormatAttr(usd.UsdLux.Tokens.latlong)
        texture = light.CreateTextureFileAttr()
        self._tag(texture)
        for moment, path in zip(self._moments, textures, strict=True):
            texture.Set(usd.Sdf.AssetPath(path), self._time(moment))
        self._strength(light, lambda moment: moment.intensity)

    def _lamp(self, stage: Any, index: int) -> None:
        usd = self._usd
        light = usd.UsdLux.DistantLight.Define(stage, f"/Relamp/Rig/Lamp{index + 1}")
        light.CreateNormalizeAttr(True)  # intensity is then the irradiance on what faces the lamp, whatever its size
        turn, angle, colour = light.AddRotateZXYOp().GetAttr(), light.CreateAngleAttr(), light.CreateColorAttr()
        self._tag(colour)
        for moment in (moment for moment in self._moments if index < len(moment.lamps)):
            lamp, time = moment.lamps[index], self._time(moment)
            x, y, z = lamp.direction
            # A light without turning shines along -Z, so it stands toward +Z.
            turn.Set(usd.Gf.Vec3f(-math.degrees(math.asin(y)), math.degrees(math.atan2(x, z)), 0), time)
            angle.Set(2 * lamp.angular_radius, time)
            strongest = float(moment.colours[index].max())
            colour.Set(usd.Gf.Vec3f(*(float(c) / strongest for c in moment.colours[index])), time)
        self._strength(light, lambda moment: moment.intensity * _irradiance(moment, index))

    def _strength(self, light: Any, of: Any) -> None:
        intensity = light.CreateIntensityAttr()
        for moment in self._moments:
            intensity.Set(of(moment), self._time(moment))
        self._animate(light.CreateExposureAttr(), self._plan.parameters.env_exposure, float)

    def _camera(self, stage: Any) -> None:
        usd = self._usd
        camera = usd.UsdGeom.Camera.Define(stage, "/Relamp/Camera")
        camera.CreateHorizontalApertureAttr(_APERTURE)
        plate = self._plan.inputs.plate.path(self._plan.tasks[0].plate_frame)
        camera.CreateVerticalApertureAttr(_APERTURE / display_aspect(plate))
        transform, focal = camera.AddTransformOp().GetAttr(), camera.CreateFocalLengthAttr()
        first, last = self._frames
        keys = [(frame, move) for frame, move in self._plan.camera.keys if first <= frame <= last]
        if len(keys) < 2:
            keys = [(None, self._plan.camera.at(first))]
        for frame, move in keys:
            time = usd.Usd.TimeCode.Default() if frame is None else frame
            transform.Set(_matrix(usd, move), time)
            focal.Set(_APERTURE / 2 / math.tan(math.radians(move.fov) / 2), time)

    def _animate(self, attribute: Any, value: Any, convert: Any) -> None:
        """A parameter's value, or its value on each frame where it is a curve."""
        if not isinstance(value, Curve):
            attribute.Set(convert(value))
            return
        for frame in range(self._frames[0], self._frames[1] + 1):
            attribute.Set(convert(at_frame(value, frame)), frame)

    def _time(self, moment: _Moment) -> Any:
        return moment.frame if self._moves else self._usd.Usd.TimeCode.Default()

    def _tag(self, attribute: Any) -> None:
        name = self._plan.colour.interop_id(self._space)
        if name:  # the names of Gf.ColorSpaceNames are those of colorInteropID
            attribute.SetColorSpace(name)

    def _rest_path(self, frame: int) -> Path:
        number = f".{frame:04d}" if self._moves else ""
        return self._out.with_name(f"{self._out.stem}.rest{number}.exr")

    def _asset(self, path: Path) -> str:
        """Relative to the stage where it lies below it, so that the folder can be moved; else absolute."""
        folder, path = Path(os.path.abspath(self._out)).parent, Path(os.path.abspath(path))
        return f"./{path.relative_to(folder).as_posix()}" if path.is_relative_to(folder) else path.as_posix()

    def _frame_rate(self) -> float:
        first = self._plan.tasks[0]
        found = exr.header(self._plan.inputs.plate.path(first.plate_frame)).get("framesPerSecond")
        return found[0] / found[1] if isinstance(found, tuple) and found[1] else 24.0

    def _provenance(self) -> dict[str, Any]:
        p = self._plan.parameters
        digest = self._plan.target.digest(self._frames[0])[:12]
        made = {"version": VERSION, "env": f"{Path(p.env or '').name} {digest}", "level": p.level_mode()}
        return {"relamp": {**made, "colorspace": self._space}}


def _irradiance(moment: _Moment, index: int) -> float:
    """On a surface that faces the lamp, in the strongest channel: that of a disc of its size and its light."""
    if index >= len(moment.lamps):
        return 0.0
    lamp = moment.lamps[index]
    disc = math.pi * math.sin(math.radians(min(lamp.angular_radius, 90.0))) ** 2
    return float(moment.colours[index].max()) / lamp.solid_angle * disc


def _matrix(usd: Any, camera: Camera) -> Any:
    """Camera to world; USD's matrices act on row vectors."""
    rows = np.eye(4)
    rows[:3, :3] = camera.rotation.T
    return usd.Gf.Matrix4d(*(float(value) for value in rows.ravel()))


def _space_of(plan: Plan, frame: int) -> str:
    """The colour space of the map's file: the rig speaks the same, since renderers read textures as they are."""
    path = plan.target.file(frame)
    file = oiio.ImageInput.open(str(path))
    if file is None:
        raise OutputError(f"{path} was there a moment ago; try again")
    decision = plan.colour.decide(
        file.spec(), plan.parameters.env_colorspace, file_format=file.format_name(), what="the environment"
    )
    file.close()
    return decision.space
