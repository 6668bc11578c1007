"""The declaration of every parameter of a relight.

The command line, the job file, the Qt form, the Nuke knobs, the Blender properties, the farm template and the
reference page are loops over `knobs(RelightParameters)`. Those of the output and the run are declared in
`parameters.output`, those that only published backbones use in `parameters.published`; both are inherited. Standard library only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import Field, dataclass, fields
from functools import cache
from typing import Any

from ..errors import ParameterError
from ..frames import parse_frames
from .knob import Curve, Knob, at_frame, check_characters, knob, parse_value
from .output import CODECS, LAYER_HELP, NEW_LAYERS, OutputParameters, check_data_type

__all__ = [
    "CODECS", "ESTIMATORS", "GROUPS", "LAYER_HELP",
    "NEW_LAYERS", "PUBLISHED", "PUBLISHED_SIZE", "WORKING_SIZE", "Curve", "Knob", "RelightParameters",
    "at_frame", "check_characters", "check_data_type", "default_of", "knob_of", "knobs", "parse",
]  # fmt: skip

PUBLISHED = ("ic-light", "relightvid", "light-a-video")  # published backbones, which take the prompt as input
ESTIMATORS = ("own", "moge", "david", "marigold")  # networks that estimate shape and surface
WORKING_SIZE = 320  # px, longer side at which light is computed, in renders and previews
PUBLISHED_SIZE = 512  # px, the size that the published networks were trained at
GROUPS = ("inputs", "light", "relight", "output", "run", "published")  # rarely needed groups last
_NUMBER = r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?"
GROUND = rf"found|none|{_NUMBER}(,{_NUMBER})?|{_NUMBER}(,{_NUMBER}){{8}}"


@dataclass(frozen=True)
class RelightParameters(OutputParameters):
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
        "Where the light changes. Without it, the plate's alpha is the matte; without an alpha, the whole frame "
        "changes. file.exr:layer.A picks a channel.",
        "picture", "inputs", look=False, often=True,
    )  # fmt: skip
    normals: str | None = knob(
        None, "Surface normals of the plate. Without them, the plate's own normals layer is used; if it has none, they "
        "are estimated.",
        "picture", "inputs", look=False, often=True,
    )  # fmt: skip
    normals_space: str = knob(
        "camera", "The space of the normals. In camera space, X points right, Y up and Z to the viewer.",
        "choice", "inputs", choices=("camera", "world"),
    )  # fmt: skip
    normals_flip: tuple[str, ...] = knob(
        (),
        "Axes of the normals to reverse. Normals made for DirectX have a reversed y.",
        "names",
        "inputs",
        choices=("x", "y", "z"),
    )
    depth: str | None = knob(
        None, "The distance of the plate's surfaces, from which shadows are traced. Without it, the plate's own depth "
        "layer is used; if it has none, depth is estimated.",
        "picture", "inputs", look=False,
    )  # fmt: skip
    depth_kind: str = knob(
        "z", "What the depth holds: z is measured along the camera's axis, distance from the eye, inverse is 1/z "
        "(larger is nearer), normalised runs from 0 to 1.",
        "choice", "inputs", choices=("z", "distance", "inverse", "normalised"),
    )  # fmt: skip
    passes: str | None = knob(
        None, "A file of passes, made by relamp passes or by any renderer. Its normals, depth, albedo, roughness and "
        "metallic are used where no option gives them singly.",
        "picture", "inputs", look=False,
    )  # fmt: skip
    albedo: str | None = knob(
        None,
        "The plate's albedo (base colour), scene-linear. Metals reflect in this colour.",
        "picture",
        "inputs",
        look=False,
    )
    roughness: str | None = knob(
        None, "The roughness of surfaces, 0 to 1. With this and --metallic, the reflection of the old light is "
        "removed and that of the new light added.",
        "picture", "inputs", look=False,
    )  # fmt: skip
    metallic: str | None = knob(None, "Where surfaces are metal, 0 to 1.", "picture", "inputs", look=False)
    estimator: str | None = knob(
        None, "The network that estimates shape and surface where no passes are given. own is Relamp's own; moge, david"
        " and marigold are downloaded (relamp models list).",
        "choice", "inputs", choices=ESTIMATORS,
    )  # fmt: skip
    camera: str | None = knob(
        None, "The shot's camera: a small JSON file or a Nuke .chan file. Without it, the camera is level, looks down "
        "-Z and sees 40 degrees.",
        "file", "inputs", look=False,
    )  # fmt: skip
    background: str | None = knob(
        None,
        "The plate that the subject goes over. Where neither a map, words nor a rig give the light, the light is "
        "estimated from it.",
        "picture", "inputs", look=False, often=True,
    )  # fmt: skip
    layer: str | None = knob(None, "The layer that holds the beauty, when it is not R, G, B.", "text", "inputs")
    views: tuple[str, ...] = knob(
        (),
        "Views to render one after the other, of files that hold several. %V in a path becomes the view's name, "
        "%v its first letter.",
        "names", "inputs", look=False,
    )  # fmt: skip
    colorspace: str | None = knob(
        None, "Colour space of the plate, by its OpenColorIO name. It takes precedence over what the file says.",
        "text", "inputs",
    )  # fmt: skip
    config: str | None = knob(
        None, "OpenColorIO config. Without it, $OCIO is used; without that, an ACES config that comes with OpenColorIO.",
        "file", "inputs", look=False,
    )  # fmt: skip

    env: str | None = knob(
        None, "The new light: a latitude-longitude environment, .exr or .hdr, a still or a sequence.", "picture", "light",
        look=False, often=True,
    )  # fmt: skip
    source_env: str | None = knob(
        None, "The light that the plate was shot under, as a latitude-longitude environment. With it, that light is "
        "known and not estimated.",
        "picture", "light", look=False, often=True,
    )  # fmt: skip
    env_colorspace: str | None = knob(
        None, "Colour space of the environments, by its OpenColorIO name.", "text", "light"
    )
    env_rotate: Any = knob(
        (0.0, 0.0, 0.0), "Turns the environment by three angles, applied in the order ZXY. A positive Y turns a light behind the "
        "camera to the camera's right.",
        "vector", "light", unit="deg", lo=-36000, hi=36000, animatable=True, metavar="RX,RY,RZ", often=True,
    )  # fmt: skip
    env_exposure: Any = knob(
        0.0, "Brightens or dims the new light. +1 doubles it.", "float", "light",
        unit="stops", lo=-20, hi=20, animatable=True, metavar="STOPS", often=True,
    )  # fmt: skip
    background_exposure: Any = knob(
        0.0,
        "Brightens or dims the background where it gives the light or where a network sees it. The picture of the"
        " background does not change.",
        "float", "light", unit="stops", lo=-20, hi=20, animatable=True, metavar="STOPS",
    )  # fmt: skip
    prompt: str = knob(
        "", "The light in words, as in 'low warm sun from the left, cool sky'. relamp env --words lists the words "
        "that are understood. Published systems receive the words as they are.",
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
        "add keeps the plate's own light and adds the rig to it; replace removes the plate's light. The default "
        "is add where a rig is the only light given, else replace.",
        "choice", "light", choices=("add", "replace"),
    )  # fmt: skip
    env_level: str | None = knob(
        None,
        "match gives the subject the level that it had; absolute takes the levels of the two lights as they are; background "
        "makes it darker or brighter as a background that lights it is than the plate. The default is background where a "
        "background is the light, absolute where both lights are given as maps, else match.",
        "choice", "light", choices=("match", "background", "absolute"),
    )  # fmt: skip

    backbone: str = knob(
        "relamp", "How the new light is computed: relamp uses Relamp's own network, ratio is the physical ratio of two "
        "lights and needs no network; the others are published systems.",
        "choice", "relight", choices=("relamp", "ratio", *PUBLISHED),
    )  # fmt: skip
    mix: Any = knob(
        1.0,
        "The share of the relight in the result: 0 is the plate, 1 is the relight.",
        "float",
        "relight",
        lo=0,
        hi=1,
        animatable=True,
    )
    shadows: float = knob(
        1.0, "The strength of the shadows that the subject throws on itself, and of the light that it reflects onto "
        "itself. At 0 the subject neither shadows nor lights itself.",
        "float", "relight", lo=0, hi=1,
    )  # fmt: skip
    ground: str | None = knob(
        None, "The ground that receives the subject's shadow, in --over and the shadow layer: its distance below the camera "
        "and the degrees by which the camera looks down, as in 1.6,10; or three points of it as nine numbers; or found, which "
        "finds it from the depth of the subject's feet; or none. Without it, the ground is found where there is a depth.",
        "text", "relight", pattern=GROUND, form="found, none, HEIGHT,TILT or nine numbers, three points", metavar="H,T",
    )  # fmt: skip
    grain: str = knob(
        "match", "What happens to grain when the light changes: match scales it as film would, keep leaves it as it is, "
        "off scales it with the picture.", "choice", "relight", choices=("match", "keep", "off"),
    )  # fmt: skip
    working_size: int | None = knob(
        None, f"Longer side of the picture that the light is computed on. Without it {WORKING_SIZE}, and {PUBLISHED_SIZE} for "
        "published networks.",
        "int", "relight", unit="px", lo=64, hi=4096,
    )  # fmt: skip
    steps: int | None = knob(
        None, "Denoising steps of a published network. Without it, each network uses its own number.", "int", "relight",
        lo=1, hi=1000,
    )  # fmt: skip
    ensemble: int = knob(
        1,
        "The number of exposures (1, 3, 5 or 7) at which the network sees the plate; the results are averaged.",
        "int",
        "relight",
        lo=1,
        hi=7,
    )
    temporal: bool = knob(
        True,
        "Average the estimated shape over the neighbouring frames along the plate's motion, so that it does not "
        "flicker.",
        "bool",
        "relight",
    )
    deflicker: bool = knob(
        False, "Remove light that flickers from frame to frame and keep light that truly changes.", "bool", "relight"
    )
    deflicker_strength: float = knob(
        1.0, "The share of the flicker that is removed; 0 leaves it as it is.", "float", "relight", lo=0, hi=1
    )
    seed: int = knob(
        0,
        "The random seed of the networks that use noise. The same seed gives the same pixels.",
        "int",
        "relight",
        lo=0,
        hi=2**31 - 1,
    )
    anchor: float | None = knob(
        None, "The factor that brings the plate to a normal exposure. Without it, the factor is measured once on the "
        "shot.",
        "float", "relight", lo=1e-6, hi=1e6,
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
        if self.env and self.prompt and self.backbone not in PUBLISHED:
            raise ParameterError(
                "--env and --prompt both say what the light is; leave one out, or save the words as a map to change it: "
                "relamp env --prompt ... --out light.exr"
            )
        if (first := self._first_light()) is None:
            raise ParameterError(
                "--env is not given: a map, --prompt, --background or --rig has to say what the new light is"
            )
        return first

    def _first_light(self) -> str | None:
        """What takes precedence as the new light, as `lit_by` names it; None where nothing is given."""
        told = self.backbone in PUBLISHED
        added = self.rig and (self.light == "add" or not self.background)
        given = {"env": self.env, "prompt": self.prompt and not told, "rig": added, "background": self.background}
        return next((name for name, value in given.items() if value), "network" if told else None)

    def keeps_light(self) -> bool:
        """Whether the plate keeps its own light, to which a rig is added."""
        return self.light == "add" or (self.light is None and self.lit_by() == "rig")

    def level_mode(self) -> str:
        """`env_level` with the default filled in: absolute if both lights are maps, whose levels are reliable."""
        if self.env_level is None and self._first_light() == "background":
            return "background"
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


@cache
def _field(name: str) -> Field[Any]:
    for f in fields(RelightParameters):
        if f.name == name:
            return f
    raise ParameterError(f"there is no parameter {name!r}")
