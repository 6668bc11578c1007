"""The declaration of every parameter of a relight.

The command line, the job file, the Qt form, the Nuke knobs, the Blender properties, the farm template and the
reference page are loops over `knobs(RelightParameters)`. Parameters that only published backbones use are declared in
`parameters.published` and inherited. Standard library only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import Field, dataclass, fields
from typing import Any

from ..errors import ParameterError
from ..frames import parse_frames
from .knob import Curve, Knob, at_frame, check_characters, knob, parse_value
from .published import PublishedParameters

__all__ = [
    "CODECS", "ESTIMATORS", "GROUPS",
    "NEW_LAYERS", "PUBLISHED", "PUBLISHED_SIZE", "WORKING_SIZE", "Curve", "Knob", "RelightParameters",
    "at_frame", "check_characters", "check_data_type", "default_of", "knob_of", "knobs", "parse",
]  # fmt: skip

PUBLISHED = ("ic-light", "relightvid", "light-a-video")  # published backbones, which take the prompt as input
ESTIMATORS = ("own", "moge", "david", "marigold")  # networks that estimate shape and surface
WORKING_SIZE = 320  # px, longer side at which light is computed, in renders and previews
PUBLISHED_SIZE = 512  # px, the size that the published networks were trained at
GROUPS = ("inputs", "light", "relight", "output", "run", "published")  # rarely needed groups last
NEW_LAYERS = ("ratio", "normals", "albedo", "confidence", "irradiance", "visibility", "shadow", "lamps")
_NUMBER = r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?"
GROUND = rf"found|none|{_NUMBER}(,{_NUMBER})?|{_NUMBER}(,{_NUMBER}){{8}}"
# pxr24 and b44 lose precision that light needs, so they are left out.
CODECS = r"none|rle|piz|zips?(:[1-9])?|dwa[ab](:\d+)?"


@dataclass(frozen=True)
class RelightParameters(PublishedParameters):
    """All parameters of one relight. Paths are as typed; `None` means not given."""

    plate: str | None = knob(
        None,
        "The plate: EXR frames (shot.####.exr or shot.%04d.exr), or DPX, TIFF, PNG, JPEG, or a movie (shot.mov).",
        "picture",
        "inputs",
        look=False,
    )
    matte: str | None = knob(
        None,
        "Where the light changes. Without it the plate's alpha, else the whole frame. file.exr:layer.A picks a channel.",
        "picture", "inputs", look=False, often=True,
    )  # fmt: skip
    normals: str | None = knob(
        None, "Surface normals of the plate; without them the plate's own normals layer, else estimated.",
        "picture", "inputs", look=False, often=True,
    )  # fmt: skip
    normals_space: str = knob(
        "camera", "The space the normals are in: camera is X right, Y up, Z to the viewer.",
        "choice", "inputs", choices=("camera", "world"),
    )  # fmt: skip
    normals_flip: tuple[str, ...] = knob(
        (), "Axes of the normals to turn around; y for DirectX-style green.", "names", "inputs", choices=("x", "y", "z")
    )
    depth: str | None = knob(
        None, "How far the plate's surfaces are, for shadows; without it the plate's own depth layer, else estimated.",
        "picture", "inputs", look=False,
    )  # fmt: skip
    depth_kind: str = knob(
        "z", "What the depth holds: z along the camera's axis, distance from the eye, inverse (1/z, larger is nearer) or "
        "normalised (0 to 1).",
        "choice", "inputs", choices=("z", "distance", "inverse", "normalised"),
    )  # fmt: skip
    passes: str | None = knob(
        None, "A file of passes, of relamp passes or any renderer: normals, depth, albedo, roughness and metallic in it are used "
        "where they are not given singly.",
        "picture", "inputs", look=False,
    )  # fmt: skip
    albedo: str | None = knob(
        None, "The plate's albedo, or base colour, scene-linear: metals mirror in it.", "picture", "inputs", look=False
    )
    roughness: str | None = knob(
        None, "How rough surfaces are, 0 to 1: with it and --metallic the old reflection leaves and the new one comes.",
        "picture", "inputs", look=False,
    )  # fmt: skip
    metallic: str | None = knob(None, "Where surfaces are metal, 0 to 1.", "picture", "inputs", look=False)
    estimator: str | None = knob(
        None, "What sees shape and surface where no passes are given: own is Relamp's own network; moge, david and marigold are "
        "downloaded (relamp models list).",
        "choice", "inputs", choices=ESTIMATORS,
    )  # fmt: skip
    camera: str | None = knob(
        None, "The shot's camera: a small JSON or a Nuke .chan file. Without it a 40 degree view down -Z.",
        "file", "inputs", look=False,
    )  # fmt: skip
    background: str | None = knob(
        None,
        "The plate the subject goes over. Networks look at it, and where neither a map nor words say so, it is the light.",
        "picture", "inputs", look=False, often=True,
    )  # fmt: skip
    layer: str | None = knob(None, "The layer to read as beauty, when the plate's is not R, G, B.", "text", "inputs")
    views: tuple[str, ...] = knob(
        (),
        "Views to render one after the other, of files with several; %V in a path becomes the view's name, %v its first letter.",
        "names", "inputs", look=False,
    )  # fmt: skip
    colorspace: str | None = knob(
        None, "Colour space of the plate, by its OpenColorIO name. Always wins over what the file says.",
        "text", "inputs",
    )  # fmt: skip
    config: str | None = knob(
        None, "OpenColorIO config; without it $OCIO, else a pinned ACES config that comes with OpenColorIO.",
        "file", "inputs", look=False,
    )  # fmt: skip

    env: str | None = knob(
        None, "The new light: a lat-long environment, .exr or .hdr, a still or a sequence.", "picture", "light",
        look=False, often=True,
    )  # fmt: skip
    source_env: str | None = knob(
        None, "The light the plate was shot under, as a lat-long environment. Takes out most of the guessing.",
        "picture", "light", look=False, often=True,
    )  # fmt: skip
    env_colorspace: str | None = knob(
        None, "Colour space of the environments, by its OpenColorIO name.", "text", "light"
    )
    env_rotate: Any = knob(
        (0.0, 0.0, 0.0), "Turns the environment, in the order ZXY; + on Y turns a light behind the camera to its right.",
        "vector", "light", unit="deg", lo=-36000, hi=36000, animatable=True, metavar="RX,RY,RZ", often=True,
    )  # fmt: skip
    env_exposure: Any = knob(
        0.0, "Brightens or dims the new light; +1 doubles it.", "float", "light",
        unit="stops", lo=-20, hi=20, animatable=True, metavar="STOPS", often=True,
    )  # fmt: skip
    background_exposure: Any = knob(
        0.0,
        "How much brighter the background counts than it is, as light and before networks; never in the picture itself.",
        "float", "light", unit="stops", lo=-20, hi=20, animatable=True, metavar="STOPS",
    )  # fmt: skip
    prompt: str = knob(
        "", "The light in words, as in 'low warm sun from the left, cool sky'; published backbones are told them as they are. "
        "relamp env --words lists what Relamp's own understand.",
        "text", "light", often=True,
    )  # fmt: skip
    rig: str | None = knob(
        None,
        "Lights put into the scene: a rig file, .json, or a USD stage (docs/rig.md).",
        "file",
        "light",
        look=False,
        often=True,
    )
    light: str | None = knob(
        None,
        "add keeps the plate's own light and adds the rig to it; replace takes the plate's light away. "
        "Without it: add where a rig is the only light, else replace.",
        "choice", "light", choices=("add", "replace"),
    )  # fmt: skip
    env_level: str | None = knob(
        None,
        "match sets the new light level with the old one; absolute takes the two lights' own levels. "
        "Without it: absolute when both lights are given as maps, else match.",
        "choice", "light", choices=("match", "absolute"),
    )  # fmt: skip

    backbone: str = knob(
        "relamp", "What works out the new light: relamp is Relamp's own network, ratio is physically based and needs none.",
        "choice", "relight", choices=("relamp", "ratio", *PUBLISHED),
    )  # fmt: skip
    mix: Any = knob(1.0, "How much of the relight replaces the plate.", "float", "relight", lo=0, hi=1, animatable=True)
    shadows: float = knob(
        1.0, "How much of the shadows that the subject throws on itself, and of the light it gives back, is in both lights; "
        "0 lights it as if nothing stood in the way.",
        "float", "relight", lo=0, hi=1,
    )  # fmt: skip
    ground: str | None = knob(
        None, "The ground for the subject's shadow, in --over and the shadow layer: how far it is below the camera and "
        "by how many degrees the camera looks down on it, as in 1.6,10; or three points of it, nine numbers; or found, under the "
        "subject's feet by its depth; or none. Without it: found where there is a depth.",
        "text", "relight", pattern=GROUND, form="found, none, HEIGHT,TILT or nine numbers, three points", metavar="H,T",
    )  # fmt: skip
    grain: str = knob(
        "match", "What grain does when the light changes: match scales it as film would, keep leaves it, off scales it "
        "with the picture.", "choice", "relight", choices=("match", "keep", "off"),
    )  # fmt: skip
    working_size: int | None = knob(
        None, f"Longer side of the picture the light is worked out at; without it {WORKING_SIZE}, and {PUBLISHED_SIZE} for "
        "published networks.",
        "int", "relight", unit="px", lo=64, hi=4096,
    )  # fmt: skip
    steps: int | None = knob(
        None, "Denoising steps of a network; without it as many as the backbone was made for.", "int", "relight",
        lo=1, hi=1000,
    )  # fmt: skip
    ensemble: int = knob(
        1, "Exposures a network is asked at, 1, 3, 5 or 7; its answers are averaged.", "int", "relight", lo=1, hi=7
    )
    temporal: bool = knob(
        True,
        "Average the shape that is seen over the neighbouring frames, along the plate's motion, so that it does not "
        "flicker; without it every frame is seen alone.",
        "bool",
        "relight",
    )
    deflicker: bool = knob(
        False, "Take out what flickers from frame to frame, keep what truly changes.", "bool", "relight"
    )
    deflicker_strength: float = knob(
        1.0, "How much of the flicker is taken out; 0 leaves it all.", "float", "relight", lo=0, hi=1
    )
    seed: int = knob(0, "One number, one result.", "int", "relight", lo=0, hi=2**31 - 1)
    anchor: float | None = knob(
        None, "Factor that brings the plate to a normal exposure; without it measured once over the shot.",
        "float", "relight", lo=1e-6, hi=1e6,
    )  # fmt: skip

    out: str | None = knob(
        None, "Where the relit frames go: shot_relit.####.exr.", "picture", "output", look=False, often=True
    )
    over: bool = knob(
        False,
        "Put the relit subject over the background, its edge freed of what stood behind it.",
        "bool",
        "output",
        often=True,
    )
    background_fit: str = knob(
        "fill", "How a background of another size is brought to the plate's: fill covers the frame and cuts what stands over, "
        "fit shows all of it with black beside it, centre keeps its size. For --over.",
        "choice", "output", choices=("fill", "fit", "centre"),
    )  # fmt: skip
    layers: tuple[str, ...] = knob((), "Layers to write beside the beauty.", "names", "output", choices=NEW_LAYERS)
    lamps: int = knob(
        4, "How many lamps the environment is split into, for the lamps layers.", "int", "output", lo=1, hi=32,
        metavar="K",
    )  # fmt: skip
    drop_layers: bool = knob(False, "Leave out the plate's other layers instead of copying them.", "bool", "output")
    data_type: tuple[str, ...] = knob(
        (), "half or float; layer=float for one layer. Without it the plate's own type.", "names", "output", short="-d"
    )
    compression: str = knob(
        "zip", "EXR codec: none, rle, piz, zip, zips, dwaa or dwab, with a level as in dwaa:45.", "text", "output",
        pattern=CODECS, form="none, rle, piz, zip, zips, dwaa or dwab, as in dwaa:45",
    )  # fmt: skip
    multipart: bool = knob(False, "Write each layer as a part of its own.", "bool", "output")
    create_dir: bool = knob(True, "Make the output folder when it is not there.", "bool", "output", look=False)

    frames: str | None = knob(
        None, "Frames to render, as in 1001-1012x2,1020. Without it every frame of the plate.", "text", "run",
        look=False, short="-F", often=True,
    )  # fmt: skip
    missing: str = knob(
        "error", "What to do where the plate has a gap: stop, skip the frame, hold the last one, or black.",
        "choice", "run", choices=("error", "skip", "hold", "black"), look=False,
    )  # fmt: skip
    skip_existing: str = knob(
        "off", "Leave finished frames alone: same takes only those made with these settings, any takes all.",
        "choice", "run", choices=("off", "same", "any"), look=False,
    )  # fmt: skip
    verify: bool = knob(
        False, "Read the pixels of existing frames too before trusting them.", "bool", "run", look=False
    )
    overwrite: bool = knob(False, "Render over frames that are already there.", "bool", "run", look=False)
    keep_going: bool = knob(False, "Go on with the other frames when one fails.", "bool", "run", look=False)
    threads: int = knob(
        2, "Frames in work at once, reading and writing included. Never changes a pixel.", "int", "run",
        lo=1, hi=256, look=False,
    )  # fmt: skip
    device: str = knob(
        "auto", "Where networks run: auto, cpu, cuda or one of several, as in cuda:1.", "text", "run", look=False,
        pattern=r"auto|cpu|cuda(:\d+)?", form="auto, cpu, cuda or one of several, as in cuda:1",
    )  # fmt: skip

    def __post_init__(self) -> None:
        for name, k in knobs(type(self)):
            value = getattr(self, name)
            k.check(name, value)
            if value is None and default_of(name) is not None:
                raise ParameterError(f"{name} must have a value; leave it out to have the usual {default_of(name)!r}")
        check_data_type(self.data_type)
        if self.ensemble % 2 == 0:
            raise ParameterError(f"ensemble must be 1, 3, 5 or 7; got {self.ensemble}")
        if self.overlap >= self.window:
            raise ParameterError(f"overlap must be less than the window's {self.window} frames; got {self.overlap}")

    def lit_by(self) -> str:
        """The source of the new light: `env`, `prompt`, `background`, `rig`, or `network` for a published backbone alone.

        A map or words take precedence over a background, which is then only a condition. A map and words together would both be
        the whole light. Relamp's own backbones refuse them together; published backbones use the words as their prompt.
        """
        told = self.backbone in PUBLISHED
        if self.env and self.prompt and not told:
            raise ParameterError(
                "--env and --prompt both say what the light is; leave one out, or save the words as a map to change it: "
                "relamp env --prompt ... --out light.exr"
            )
        if self.env:
            return "env"
        if self.prompt and not told:
            return "prompt"
        if self.rig and (self.light == "add" or not self.background):
            return "rig"
        if self.background:
            return "background"
        if told:
            return "network"
        raise ParameterError(
            "--env is not given: a map, --prompt, --background or --rig has to say what the new light is"
        )

    def keeps_light(self) -> bool:
        """Whether the plate keeps its own light, to which a rig is added."""
        return self.light == "add" or (self.light is None and self.lit_by() == "rig")

    def level_mode(self) -> str:
        """`match` or `absolute`, with the default filled in: absolute if both lights are maps, whose levels are reliable."""
        guessed = not self.env and (self.prompt or self.background)
        return self.env_level or ("absolute" if self.source_env and not guessed else "match")

    def view(self) -> str | None:
        """The view that is read from files with several views; None means their first."""
        return self.views[0] if self.views else None

    def working_side(self) -> int:
        """The longer side of the working size, px, with the default filled in."""
        return self.working_size or (PUBLISHED_SIZE if self.backbone in PUBLISHED else WORKING_SIZE)


def knobs(parameters: type[RelightParameters] = RelightParameters) -> Iterator[tuple[str, Knob]]:
    """Every parameter's name and `Knob`, group by group in the order of `GROUPS`, each in declaration order."""
    for f in sorted(fields(parameters), key=lambda f: GROUPS.index(f.metadata["knob"].group)):
        yield f.name, f.metadata["knob"]


def default_of(name: str) -> Any:
    """The declared default of the parameter `name`."""
    return _field(name).default


def knob_of(name: str) -> Knob:
    """The `Knob` of the parameter `name`."""
    return _field(name).metadata["knob"]


def parse(name: str, text: str) -> Any:
    """The value that `text`, as typed on a command line, means for the parameter `name`.

    A curve is written as keys, `1001=0;1024=90`. Raises `ParameterError`.
    """
    k = knob_of(name)
    if k.kind in ("picture", "file") and not text:
        raise ParameterError(f"{name} is empty; give a path, or leave it out")
    value = parse_value(name, k, text)
    k.check(name, value)
    if name == "frames":
        parse_frames(value)  # a mistyped range is reported before files are searched
    return value


def check_data_type(items: tuple[str, ...]) -> None:
    """Raise `ParameterError` unless each item is a type, or one of the new layers and its type."""
    for item in items:
        layer, _, kind = item.rpartition("=")
        if kind not in ("half", "float") or layer not in ("", *NEW_LAYERS):
            names = ", ".join(NEW_LAYERS)
            raise ParameterError(f"data_type must be half, float, or layer=float with a layer of {names}; got {item!r}")


def _field(name: str) -> Field[Any]:
    for f in fields(RelightParameters):
        if f.name == name:
            return f
    raise ParameterError(f"there is no parameter {name!r}")
