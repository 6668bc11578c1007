"""The parameters of the output and of the run, part of the declaration of `RelightParameters`. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import ParameterError
from .knob import knob
from .published import PublishedParameters

LAYER_HELP = {
    "ratio": "What the picture was multiplied with, F e^g (docs/method.md); epsilon and F are in the header as relamp/epsilon "
    "and relamp/scale.",
    "normals": "The normals that were used, as N.X, N.Y and N.Z in camera space: X right, Y up, Z to the viewer.",
    "albedo": "The surface without its light: as the network estimates it; with --backbone ratio, the plate divided by its "
    "light.",
    "confidence": "How far the shape can be trusted: e^-d, where d is the expected error of the normals in radians; 1 where they "
    "are given. With published systems, how far the averaged answers agree: 0.5 when they spread by one stop.",
    "irradiance": "The light that a white matte surface receives, shadows included: what it would read in the picture.",
    "visibility": "The share of the new light that reaches each point in a straight line: 1 is open, 0 is in shadow.",
    "shadow": "The share of the new light that the ground beside the subject still receives, to multiply a background with, as "
    "--over does (docs/ground.md).",
    "lamps": "The beauty split by lamps: lamp1, lamp2 and so on, and rest. They add up to the beauty. The lights of a rig come "
    "first, in its order; then the lamps of the environment, the strongest first.",
}
NEW_LAYERS = tuple(LAYER_HELP)
# pxr24 and b44 lose precision that light needs, so they are left out.
CODECS = r"none|rle|piz|zips?(:[1-9])?|dwa[ab](:\d+)?"


@dataclass(frozen=True)
class OutputParameters(PublishedParameters):
    """Parameters of the output and of the run; checked by `RelightParameters`, which inherits them."""

    out: str | None = knob(
        None,
        "Where the relit frames are written, as in shot_relit.####.exr.",
        "picture",
        "output",
        look=False,
        often=True,
    )
    over: bool = knob(
        False,
        "Put the relit subject over the background; the old background is removed from the subject's edge.",
        "bool",
        "output",
        often=True,
    )
    background_fit: str = knob(
        "fill", "How a background of another size is brought to the plate's: fill covers the frame and crops the rest, "
        "fit shows all of the background with black bars, centre does not scale it. For --over.",
        "choice", "output", choices=("fill", "fit", "centre"),
    )  # fmt: skip
    layers: tuple[str, ...] = knob((), "Layers to write beside the beauty.", "names", "output", choices=NEW_LAYERS)
    lamps: int = knob(
        4, "The largest number of lamps that the environment is split into, for the lamps layers.", "int", "output", lo=1, hi=32,
        metavar="K",
    )  # fmt: skip
    drop_layers: bool = knob(False, "Leave out the plate's other layers instead of copying them.", "bool", "output")
    data_type: tuple[str, ...] = knob(
        (),
        "half or float, for the whole file, or layer=float for one layer. Without it, the plate's own type.",
        "names",
        "output",
        short="-d",
    )
    compression: str = knob(
        "zip", "EXR compression: none, rle, piz, zip, zips, dwaa or dwab; a level may follow, as in dwaa:45.", "text", "output",
        pattern=CODECS, form="none, rle, piz, zip, zips, dwaa or dwab, as in dwaa:45",
    )  # fmt: skip
    multipart: bool = knob(False, "Write each layer as a part of its own.", "bool", "output")
    create_dir: bool = knob(True, "Make the output folder where it does not exist.", "bool", "output", look=False)

    frames: str | None = knob(
        None, "Frames to render, as in 1001-1012x2,1020. Without it, every frame of the plate.", "text", "run",
        look=False, short="-F", often=True,
    )  # fmt: skip
    missing: str = knob(
        "error", "What to do where the plate lacks a frame: error stops, skip leaves the frame out, hold repeats the last "
        "frame, black writes a black frame.",
        "choice", "run", choices=("error", "skip", "hold", "black"), look=False,
    )  # fmt: skip
    skip_existing: str = knob(
        "off", "Keep frames that are already there: same keeps those made with these settings, any keeps all.",
        "choice", "run", choices=("off", "same", "any"), look=False,
    )  # fmt: skip
    verify: bool = knob(
        False, "Read the pixels of existing frames, too, before they are kept.", "bool", "run", look=False
    )
    overwrite: bool = knob(False, "Replace frames that are already there.", "bool", "run", look=False)
    keep_going: bool = knob(False, "Render the other frames when one fails.", "bool", "run", look=False)
    threads: int = knob(
        2, "The number of frames that are rendered at once. It never changes a pixel.", "int", "run",
        lo=1, hi=256, look=False,
    )  # fmt: skip
    device: str = knob(
        "auto", "Where networks run: auto, cpu, cuda, or one of several GPUs, as in cuda:1.", "text", "run", look=False,
        pattern=r"auto|cpu|cuda(:\d+)?", form="auto, cpu, cuda or one of several, as in cuda:1",
    )  # fmt: skip


def check_data_type(items: tuple[str, ...]) -> None:
    """Raise `ParameterError` unless each item is a type, or one of the new layers and its type."""
    for item in items:
        layer, _, kind = item.rpartition("=")
        if kind not in ("half", "float") or layer not in ("", *NEW_LAYERS):
            names = ", ".join(NEW_LAYERS)
            raise ParameterError(f"data_type must be half, float, or layer=float with a layer of {names}; got {item!r}")
