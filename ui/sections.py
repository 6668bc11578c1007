"""The order and the words in which the panel shows parameters: what an artist asks for first, the rest folded.

A parameter that is in no section is shown under "More", so that a new declaration is never lost. Standard library only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..core.parameters import knobs

RENDER_GROUPS = ("output", "run")  # of parameters, in the render's tab
APART = ("plate", "matte", "background", "source_env", "env", "prompt", "rig", "light")
"""Parameters with controls of their own in the left column and in the tab of lights."""
SURFACE = ("passes", "normals", "depth", "albedo", "roughness", "metallic", "estimator")
"""Parameters with controls of their own in the tab of passes."""


@dataclass(frozen=True)
class Section:
    """A heading and the parameters under it; `folded` ones open with a click."""

    title: str
    names: tuple[str, ...]
    folded: bool = False


LOOK = (
    Section("New light", ("env_exposure", "env_rotate", "env_level", "background_exposure")),
    Section("Picture", ("mix", "shadows", "ground", "grain")),
    Section("Over time", ("temporal", "deflicker", "deflicker_strength")),
    Section("Plate and colour", ("colorspace", "env_colorspace", "config", "layer", "views", "camera"), folded=True),
    Section("Given shape", ("normals_space", "normals_flip", "depth_kind"), folded=True),
    Section("Method", ("backbone", "working_size", "ensemble", "anchor", "seed", "steps"), folded=True),
)
RENDER = (
    Section("Files", ("out", "frames", "over", "background_fit", "overwrite")),
    Section("Layers", ("layers", "lamps"), folded=True),
    Section("Frames", ("skip_existing", "missing", "keep_going", "verify"), folded=True),
    Section("File format", ("data_type", "compression", "drop_layers", "multipart", "create_dir"), folded=True),
    Section("Machine", ("device", "threads"), folded=True),
)

LABELS = {
    "env": "map", "prompt": "words", "rig": "lights",
    "source_env": "plate's light", "env_exposure": "brightness", "env_rotate": "rotate X Y Z",
    "env_level": "light level", "background_exposure": "background", "mix": "amount", "temporal": "steady shape",
    "deflicker_strength": "deflicker by", "colorspace": "plate colours", "env_colorspace": "map colours", "config": "OCIO config",
    "layer": "plate layer", "normals_space": "normals space", "normals_flip": "reverse axes", "depth_kind": "kind of depth",
    "backbone": "relighter", "anchor": "exposure factor", "working_size": "working size",
    "over": "over background", "background_fit": "background fit",
    "overwrite": "replace files", "lamps": "lamp layers", "skip_existing": "keep finished",
    "missing": "missing frames", "keep_going": "go on after errors", "verify": "check pixels", "data_type": "data type",
    "drop_layers": "drop plate layers", "multipart": "multi-part EXR", "create_dir": "make folders",
    "threads": "frames at once",
}  # fmt: skip
"""What a parameter is called, where that is not its own name."""
CHOICES = {
    "env_level": {
        "match": "as bright as the plate",
        "background": "as bright as the background",
        "absolute": "as bright as the maps say",
    },
    "grain": {"match": "scale as on film", "keep": "leave unchanged", "off": "scale with the picture"},
    "missing": {
        "error": "stop the render",
        "skip": "leave them out",
        "hold": "repeat the last frame",
        "black": "write black frames",
    },
    "skip_existing": {"off": "none", "same": "made with these settings", "any": "all"},
}
"""What values are called, where that is not their own name."""
SLIDERS = {
    "env_exposure": (-6.0, 6.0), "background_exposure": (-6.0, 6.0), "mix": (0.0, 1.0), "shadows": (0.0, 1.0),
    "deflicker_strength": (0.0, 1.0), "initial_strength": (0.05, 1.0),
    "video_strength": (0.02, 1.0), "light_attention": (0.0, 1.0),
}  # fmt: skip
"""The range of a number's slider, where it has one. The field beside it takes every allowed number."""


_NAMES = frozenset(name for name, _ in knobs())


def label_of(name: str) -> str:
    """What the panel calls a parameter."""
    return LABELS.get(name, name.replace("_", " "))


def in_panel_words(sentence: str) -> str:
    """A sentence of the worker with the options of the command line called as the panel calls them, and no advice to type one.

    >>> in_panel_words("--source-env is not given; see --help")
    "“plate's light” is not given; see --help"
    """

    def called(match: re.Match[str]) -> str:
        name = match[1].replace("-", "_")
        return f"“{label_of(name)}”" if name in _NAMES else match[0]

    return re.sub(r"--([a-z][a-z-]*[a-z])", called, re.sub(r"[;:] relamp [^;]*$", "", sentence))


def look_sections() -> tuple[Section, ...]:
    """The sections of how a shot looks, with all that is in no other place."""
    shown = {name for section in (*LOOK, *RENDER) for name in section.names} | {*APART, *SURFACE}
    rest = [(name, knob.group) for name, knob in knobs() if name not in shown]
    published = tuple(name for name, group in rest if group == "published")
    more = tuple(name for name, group in rest if group not in ("published", *RENDER_GROUPS))
    named = Section("Published systems", published, folded=True)
    return tuple(section for section in (*LOOK, Section("More", more, folded=True), named) if section.names)


def render_sections() -> tuple[Section, ...]:
    """The sections of a render's files and frames."""
    shown = {name for section in RENDER for name in section.names}
    more = tuple(name for name, knob in knobs() if knob.group in RENDER_GROUPS and name not in shown)
    return (*RENDER, Section("More", more, folded=True)) if more else RENDER


def every_section() -> tuple[Section, ...]:
    """All parameters by the groups they are declared in."""
    groups: dict[str, list[str]] = {}
    for name, knob in knobs():
        groups.setdefault(knob.group, []).append(name)
    return tuple(Section(group.capitalize(), tuple(found), group == "published") for group, found in groups.items())
