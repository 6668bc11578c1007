"""The one declaration of every parameter of a relight.

The command line, the job file, the Qt form, the Nuke knobs, the Blender properties, the farm template and the
reference page are loops over `knobs(RelightParameters)`. Standard library only.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator
from dataclasses import Field, dataclass, field, fields
from typing import Any

from .errors import ParameterError
from .frames import check_frame, parse_frames

PUBLISHED = ("ic-light", "relightvid", "light-a-video")  # backbones of others, which read a prompt themselves
LONGEST_TEXT = 10_000  # characters; a longer prompt or name is a file given by mistake
LONGEST_PATH, LONGEST_NAME = 4096, 255  # bytes of a path and of each name in it, as file systems have it
WORKING_SIZE = 320  # px that light is worked out at, in renders and previews alike
PUBLISHED_SIZE = 512  # px that the published networks were made for
GROUPS = ("inputs", "light", "relight", "output", "run", "published")  # what is rarely needed last
NEW_LAYERS = ("ratio", "normals", "albedo", "confidence", "irradiance", "lamps")
# pxr24 and b44 lose precision that light needs, so they are not among them.
CODECS = r"none|rle|piz|zips?(:[1-9])?|dwa[ab](:\d+)?"


@dataclass(frozen=True)
class Curve:
    """A value per frame: keys joined by straight lines, held before the first and after the last.

    `keys` is a tuple of (frame, value); all values are floats, or all are tuples of as many floats.
    """

    keys: tuple[tuple[int, float | tuple[float, ...]], ...]

    def __post_init__(self) -> None:
        if not self.keys:
            raise ParameterError("a curve needs at least one key, as in 1001=0;1024=90")
        for frame, _ in self.keys:
            check_frame(frame)
        frames = [frame for frame, _ in self.keys]
        if sorted(set(frames)) != frames:
            raise ParameterError(f"the keys of a curve must be in rising frames, each once; got {frames}")

    def at(self, frame: int) -> float | tuple[float, ...]:
        """The value at `frame`."""
        before = [key for key in self.keys if key[0] <= frame]
        after = [key for key in self.keys if key[0] >= frame]
        if not before:
            return self.keys[0][1]
        if not after:
            return self.keys[-1][1]
        (left, a), (right, b) = before[-1], after[0]
        if left == right:
            return a
        t = (frame - left) / (right - left)
        if isinstance(a, tuple) and isinstance(b, tuple):
            return tuple(x + t * (y - x) for x, y in zip(a, b, strict=True))
        return a + t * (b - a)  # type: ignore[operator]

    def __str__(self) -> str:
        return ";".join(f"{frame}={_plain(value)}" for frame, value in self.keys)


def at_frame(value: Any, frame: int) -> Any:
    """`value` itself, or its value at `frame` when it is a `Curve`."""
    return value.at(frame) if isinstance(value, Curve) else value


@dataclass(frozen=True)
class Knob:
    """How one parameter is shown and checked. Limits are inclusive.

    `kind` is one of float, int, bool, text, choice, vector (three floats), names (comma-separated), picture (a file or
    a sequence) or file. `look` says that the value changes the pixels, so it is part of a frame's fingerprint. Text that has
    to be of a `form` matches `pattern`. What is `hidden` does nothing with the weights that ship: it can be typed and stands in
    jobs, but no front end offers it.
    """

    help: str
    kind: str
    group: str
    unit: str = ""
    lo: float = -math.inf
    hi: float = math.inf
    choices: tuple[str, ...] = ()
    animatable: bool = False
    look: bool = True
    metavar: str = ""
    short: str = ""
    pattern: str = ""
    form: str = ""
    hidden: bool = False

    def check(self, name: str, value: Any) -> None:
        """Raise `ParameterError` naming the parameter, what was expected and what came."""
        if value is None:
            return
        if isinstance(value, Curve):
            if not self.animatable:
                raise ParameterError(f"{name} must be one value, it cannot be animated; got the curve {value}")
            for _, key_value in value.keys:
                self._check_value(name, key_value)
        else:
            self._check_value(name, value)

    def _check_value(self, name: str, value: Any) -> None:
        if self.kind == "choice" and value not in self.choices:
            raise ParameterError(f"{name} must be one of {', '.join(self.choices)}; got {_shown(value)}")
        if self.kind == "names":
            self._check_names(name, value)
        if self.kind in ("float", "int"):
            self._check_number(name, value)
        if self.kind == "vector":
            if not isinstance(value, tuple) or len(value) != 3:
                raise ParameterError(f"{name} must be three numbers, {self.metavar or 'X,Y,Z'}; got {_shown(value)}")
            for component in value:
                self._check_number(name, component)
        if self.kind == "bool" and not isinstance(value, bool):
            raise ParameterError(f"{name} must be true or false; got {_shown(value)}")
        if self.kind in ("text", "picture", "file"):
            self._check_text(name, value)
        if self.pattern and not re.fullmatch(self.pattern, str(value)):
            raise ParameterError(f"{name} must be {self.form}; got {_shown(value)}")

    def _check_text(self, name: str, value: Any) -> None:
        if not isinstance(value, str):
            raise ParameterError(f"{name} must be text; got {_shown(value)}")
        check_characters(name, value, as_path=self.kind != "text")
        if self.kind == "text":
            longest = LONGEST_TEXT if name != "frames" else 100 * LONGEST_TEXT  # a shot on twos, frame by frame
            if len(value) > longest:
                raise ParameterError(f"{name} has {len(value)} characters; at most {longest} are read")
            return
        bytes_of = os.fsencode(value)
        longest_name = max(map(len, re.split(rb"[/\\:]", bytes_of)))
        if len(bytes_of) > LONGEST_PATH or longest_name > LONGEST_NAME:
            raise ParameterError(
                f"{name} is a path of {len(bytes_of)} bytes with names of up to {longest_name}; no file system takes more than "
                f"{LONGEST_PATH} and {LONGEST_NAME}: {_shown(value)}"
            )

    def _check_names(self, name: str, value: Any) -> None:
        if not isinstance(value, tuple) or not all(isinstance(item, str) for item in value):
            raise ParameterError(f"{name} must be a list of names; got {_shown(value)}")
        for item in value:
            check_characters(name, item, as_path=False)
            if len(item) > LONGEST_NAME:
                raise ParameterError(f"{name} must be names of at most {LONGEST_NAME} characters; got {_shown(item)}")
        unknown = [item for item in value if self.choices and item not in self.choices]
        if unknown:
            raise ParameterError(f"{name} must be of {', '.join(self.choices)}; got {_shown(', '.join(unknown))}")

    def _check_number(self, name: str, value: Any) -> None:
        wanted = (int,) if self.kind == "int" else (int, float)
        whole = "a whole number, " if self.kind == "int" else ""
        # The comparison is written this way round so that NaN fails too.
        if isinstance(value, bool) or not isinstance(value, wanted) or not self.lo <= value <= self.hi:
            unit = f" {self.unit}" if self.unit else ""
            raise ParameterError(f"{name} must be {whole}{self.lo:g} to {self.hi:g}{unit}; got {_shown(value)}")


def knob(default: Any, help: str, kind: str, group: str, **more: Any) -> Any:
    """A dataclass field that carries its `Knob`."""
    return field(default=default, metadata={"knob": Knob(help, kind, group, **more)})


@dataclass(frozen=True)
class RelightParameters:
    """Everything that can be said about one relight. Paths are as typed; `None` means not given."""

    plate: str | None = knob(
        None, "The plate: a scene-linear EXR, shot.####.exr or shot.%04d.exr.", "picture", "inputs", look=False
    )
    matte: str | None = knob(
        None,
        "Where the light changes. Without it the plate's alpha, else the whole frame. file.exr:layer.A picks a channel.",
        "picture", "inputs", look=False,
    )  # fmt: skip
    normals: str | None = knob(
        None, "Surface normals of the plate; without them the plate's own normals layer, else estimated.",
        "picture", "inputs", look=False,
    )  # fmt: skip
    normals_space: str = knob(
        "camera", "The space the normals are in: camera is X right, Y up, Z to the viewer.",
        "choice", "inputs", choices=("camera", "world"),
    )  # fmt: skip
    normals_flip: tuple[str, ...] = knob(
        (), "Axes of the normals to turn around; y for DirectX-style green.", "names", "inputs", choices=("x", "y", "z")
    )
    camera: str | None = knob(
        None, "The shot's camera: a small JSON or a Nuke .chan file. Without it a 40 degree view down -Z.",
        "file", "inputs", look=False,
    )  # fmt: skip
    background: str | None = knob(
        None,
        "The plate the subject goes over. Networks look at it, and where neither a map nor words say so, it is the light.",
        "picture", "inputs", look=False,
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
        look=False,
    )  # fmt: skip
    source_env: str | None = knob(
        None, "The light the plate was shot under, as a lat-long environment. Takes out most of the guessing.",
        "picture", "light", look=False,
    )  # fmt: skip
    env_colorspace: str | None = knob(
        None, "Colour space of the environments, by its OpenColorIO name.", "text", "light"
    )
    env_rotate: Any = knob(
        (0.0, 0.0, 0.0), "Turns the environment, in the order ZXY; + on Y turns a light behind the camera to its right.",
        "vector", "light", unit="deg", lo=-36000, hi=36000, animatable=True, metavar="RX,RY,RZ",
    )  # fmt: skip
    env_exposure: Any = knob(
        0.0, "Brightens or dims the new light; +1 doubles it.", "float", "light",
        unit="stops", lo=-20, hi=20, animatable=True, metavar="STOPS",
    )  # fmt: skip
    background_exposure: Any = knob(
        0.0,
        "How much brighter the background counts than it is, as light and before networks; never in the picture itself.",
        "float", "light", unit="stops", lo=-20, hi=20, animatable=True, metavar="STOPS",
    )  # fmt: skip
    prompt: str = knob(
        "", "The light in words, as in 'low warm sun from the left, cool sky'; published backbones are told them as they are. "
        "relamp env --words lists what Relamp's own understand.",
        "text", "light",
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
        True, "Has no effect; kept so that jobs of earlier versions open.", "bool", "relight", hidden=True
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

    out: str | None = knob(None, "Where the relit frames go: shot_relit.####.exr.", "picture", "output", look=False)
    over: bool = knob(
        False, "Put the relit subject over the background, its edge freed of what stood behind it.", "bool", "output"
    )
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
        look=False, short="-F",
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

    models: str | None = knob(
        None, "Folder of downloaded weights; without it $RELAMP_MODELS, else .relamp/models at home.", "file",
        "published", look=False, metavar="DIR",
    )  # fmt: skip
    accept: tuple[str, ...] = knob(
        (), "Models to use although their licence forbids commercial work or is not known.", "names", "published",
        look=False,
    )  # fmt: skip
    base_model: str = knob(
        "realistic-vision-v51", "Stable Diffusion 1.5 in diffusers' layout, by name or path.", "text", "published"
    )
    ic_light: str = knob(
        "fc",
        "IC-Light's weights: fc, fcon, fbc (told of a background too), or a file by name or path.",
        "text",
        "published",
    )
    negative_prompt: str | None = knob(None, "What is not wanted; without it the published words.", "text", "published")
    guidance: float | None = knob(
        None, "How closely the prompt is followed; without it as published.", "float", "published", lo=0, hi=30
    )
    image_guidance: float = knob(1.2, "How closely RelightVid follows the pictures.", "float", "published", lo=0, hi=30)
    scheduler: str = knob(
        "dpm++", "IC-Light's sampler; dpm++ is the published one.", "choice", "published",
        choices=("dpm++", "ddim", "euler-a"),
    )  # fmt: skip
    initial_light: str | None = knob(
        None, "What a run of IC-Light begins with: the environment's light on the subject, a gradient from one side, or "
        "noise alone. Without it the environment, but none for fbc, which sees a background.",
        "choice", "published", choices=("environment", "none", "left", "right", "top", "bottom"),
    )  # fmt: skip
    initial_strength: float = knob(
        0.9, "How much of the initial light may be denoised away; 1 all of it.", "float", "published", lo=0.05, hi=1
    )
    passes: int = knob(
        2, "Passes of IC-Light: the second works on the answer enlarged 1.5 times.", "int", "published", lo=1, hi=2
    )
    window: int = knob(16, "Frames RelightVid and AnimateDiff see at a time.", "int", "published", lo=2, hi=32)
    overlap: int = knob(4, "Frames two of their windows share.", "int", "published", lo=0, hi=31)
    clip_mode: str = knob(
        "fuse", "Light-A-Video: fuse light into the clip; relight a foreground and generate what is behind it; or the "
        "baselines: alone, the image relighter without a video model, and sdedit, its clip noised and denoised by one.",
        "choice", "published", choices=("fuse", "foreground", "alone", "sdedit"),
    )  # fmt: skip
    image_relighter: str = knob(
        "ic-light", "What relights the frames of Light-A-Video.", "choice", "published", choices=("ic-light", "relamp")
    )
    video_model: str = knob(
        "animatediff-motion-adapter-v1-5-3",
        "Light-A-Video's video model: AnimateDiff's motion adapter by name or path, or smooth, which needs no download.",
        "text", "published",
    )  # fmt: skip
    video_prompt: str | None = knob(None, "What the video model is told; without it the prompt.", "text", "published")
    video_guidance: float = knob(
        2.0, "How closely the video model follows its prompt.", "float", "published", lo=0, hi=30
    )
    video_steps: int = knob(25, "Steps of the video model.", "int", "published", lo=1, hi=1000)
    video_strength: float = knob(
        0.5, "How much of the clip the video model makes anew.", "float", "published", lo=0.02, hi=1
    )
    light_attention: float = knob(
        0.5, "How much each frame attends to the light of the whole clip; 0 is frame by frame.", "float", "published",
        lo=0, hi=1,
    )  # fmt: skip
    upstream_text: bool = knob(
        False,
        "Lay Light-A-Video's prompts as its released code does, where guidance cancels itself.",
        "bool",
        "published",
    )
    precision: str = knob(
        "auto", "Numbers of the published networks: half on a GPU and float elsewhere, or one of them.",
        "choice", "published", choices=("auto", "half", "float"),
    )  # fmt: skip
    offload: bool = knob(
        False, "Keep each published network off the GPU until it is needed: slower, less memory.", "bool", "published",
        look=False,
    )  # fmt: skip
    attention_slicing: bool = knob(
        False, "Work published networks' attention out in slices: slower, less memory.", "bool", "published", look=False
    )
    frames_at_once: int | None = knob(
        None, "Frames whose light attention is worked out at once; fewer take less memory.", "int", "published",
        lo=1, hi=1024, look=False,
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
        """What says what the new light is: `env`, `prompt`, `background`, or `network` where only a published one is told.

        A map wins over a background, which then only conditions, and so do words. A map and words would both be the whole
        light: with Relamp's own backbones they are refused together; published ones read the words themselves.
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
        if self.background:
            return "background"
        if told:
            return "network"
        raise ParameterError("--env is not given: a map, --prompt or --background has to say what the new light is")

    def level_mode(self) -> str:
        """`match` or `absolute`, with the default filled in: absolute when both lights are maps, whose levels can be trusted."""
        guessed = not self.env and (self.prompt or self.background)
        return self.env_level or ("absolute" if self.source_env and not guessed else "match")

    def view(self) -> str | None:
        """The view that is looked at in files with several; None says their first."""
        return self.views[0] if self.views else None

    def working_side(self) -> int:
        """The longer side of the working size, px, with the default filled in."""
        return self.working_size or (PUBLISHED_SIZE if self.backbone in PUBLISHED else WORKING_SIZE)


def knobs(parameters: type[RelightParameters] = RelightParameters) -> Iterator[tuple[str, Knob]]:
    """Every parameter's name and `Knob`, in declaration order."""
    for f in fields(parameters):
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
    value = _parse_curve(name, k, text) if k.animatable and "=" in text else _parse_value(name, k, text)
    k.check(name, value)
    if name == "frames":
        parse_frames(value)  # a mistyped range is told before anything is looked for on disk
    return value


def check_data_type(items: tuple[str, ...]) -> None:
    """Raise `ParameterError` unless each item is a type, or one of the new layers and its type."""
    for item in items:
        layer, _, kind = item.rpartition("=")
        if kind not in ("half", "float") or layer not in ("", *NEW_LAYERS):
            names = ", ".join(NEW_LAYERS)
            raise ParameterError(f"data_type must be half, float, or layer=float with a layer of {names}; got {item!r}")


def check_characters(name: str, text: str, *, as_path: bool) -> None:
    """Raise `ParameterError` for what no text may hold; a path may have bytes that are not UTF-8, as the system gives them."""
    try:
        held = os.fsencode(text) if as_path else text.encode()
    except UnicodeEncodeError:
        raise ParameterError(f"{name} holds characters that are none (half of a pair); got {_shown(text)}") from None
    if b"\0" in held:
        raise ParameterError(f"{name} holds a zero byte, which no text or path may; got {_shown(text)}")


def _field(name: str) -> Field[Any]:
    for f in fields(RelightParameters):
        if f.name == name:
            return f
    raise ParameterError(f"there is no parameter {name!r}")


def _parse_curve(name: str, k: Knob, text: str) -> Curve:
    keys = []
    for item in text.replace(" ", "").split(";"):
        frame, _, value = item.partition("=")
        try:
            keys.append((int(frame), _parse_value(name, k, value)))
        except ValueError:
            raise ParameterError(f"{name}: a curve is written 1001=0;1024=90; got {_shown(item)}") from None
    return Curve(tuple(keys))


def _parse_value(name: str, k: Knob, text: str) -> Any:
    try:
        if k.kind == "float":
            return float(text)
        if k.kind == "int":
            return int(text)
        if k.kind == "vector":
            return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise ParameterError(f"{name} must be {k.metavar or 'a number'}; got {_shown(text)}") from None
    if k.kind == "names":
        return tuple(part.strip() for part in text.split(",") if part.strip())
    return text


def _plain(value: Any) -> str:
    """A value as it is typed; what is no number, because it is still to be refused, as Python shows it."""
    if isinstance(value, tuple):
        return ",".join(_plain(v) for v in value)
    return f"{value:g}" if isinstance(value, (int, float)) else repr(value)


def _shown(value: Any) -> str:
    """A wrong value for a sentence: as Python shows it, and its beginning where it is long."""
    try:
        text = repr(value)
    except RecursionError:
        return "brackets in brackets without end"
    return text if len(text) <= 200 else f"{text[:200]}..."
