"""The relight rebuilt in a Nuke script out of its layers, with Nuke's own nodes and nothing of Relamp.

    Plate ─────────────────────────────────┬────────── Mix (Dissolve) ── Over (Merge2, on the background)
    Relit ── a Shuffle and a dimmer a lamp ─┴ Way (Switch): lamps and rest added up, or plate by ratio

At rest it shows the frames as they were rendered. `LampK` (Multiply) dims a lamp, `Mix` goes back to the plate, `Way` at 1 takes
the road over the ratio layer for those who want to grade it: `relit = p ratio + epsilon alpha max(ratio - F, 0)`, in the matte
only. All Reads are raw: the numbers are those of the files, scene-linear.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

import click

from ..core import job as jobs
from ..core.atomic import replacing, require_free
from ..core.errors import InputError, UsageError
from ..core.frames import format_frames
from ..core.job import RelightJob
from ..core.pictures import exr, layers
from ..core.pictures.colour import Colour
from ..core.pictures.frame import Frame
from ..core.pictures.sequence import Sequence
from ..core.shot.prepare import views
from ..nuke_plugin.script import DOUBLE, ScriptNode, body, quoted

_LAMP = re.compile(r"lamp(\d+)")
_LONG = {"R": "red", "G": "green", "B": "blue", "A": "alpha"}
_RGB = (("r", "red"), ("g", "green"), ("b", "blue"))


@click.command("nuke")
@click.argument("job_file", metavar="JOB")
@click.option("--out", required=True, metavar="FILE", help="The script to write, as in shot.nk.")
@click.option("--background", metavar="PATH", help="The background. [default: the job's]")
@click.option("--overwrite", is_flag=True, help="Replace files that are already there.")
def command(job_file: str, out: str, background: str | None, overwrite: bool) -> None:
    """Write a Nuke script that rebuilds the rendered JOB from its layers."""
    require_free([Path(out)], overwrite, [Path(job_file)])
    job = jobs.load(job_file)
    job.require("plate", "out")
    export(job, Path(out), background or job.parameters.background, overwrite)
    click.echo(f"{out}: nuke {out}")


def export(job: RelightJob, out: Path, background: str | None = None, overwrite: bool = False) -> None:
    """Write the script.

    Raises:
        UsageError: `out` is no `.nk`.
        InputError: nothing of the job is rendered yet, or its plate is not there.
        OutputError: the script cannot be written.
    """
    if out.suffix != ".nk":
        raise UsageError(f"--out {out} must end in .nk")
    text = script(job, background)
    with replacing(out, overwrite) as temporary:
        temporary.write_text(text, encoding="utf-8")


def script(job: RelightJob, background: str | None = None) -> str:
    """The text of the script."""
    shot = _look(job)
    nodes = _nodes(shot, job, background)
    return "\n".join([*_head(shot), *_add_layers(shot), body(nodes, "").rstrip("\n"), ""])


@dataclass(frozen=True)
class _Shot:
    """What the script has to know of the files: frames there are, the plate, the layers of what was rendered."""

    frames: tuple[int, ...]
    plate: Frame
    working_space: str
    same_space: bool
    rate: float
    lamps: tuple[str, ...]
    rest: bool
    ratio: bool
    facts: dict[str, list[float]]
    matte: str | None


def _look(job: RelightJob) -> _Shot:
    first_view = next(views(job)).parameters
    relit, plate = Sequence.parse(first_view.out or ""), Sequence.parse(first_view.plate or "")
    frames = relit.frames_on_disk()
    colour = Colour(first_view.config)
    view = first_view.view()
    read = exr.read_frame(
        plate.path(frames[0]), colour=colour, colorspace=first_view.colorspace, view=view, carry=False
    )
    made = exr.read_frame(relit.path(frames[0]), colour=colour, view=view, carry=False)
    lamps = sorted((name for name in made.layers if _LAMP.fullmatch(name)), key=lambda name: int(name[4:]))
    rate = exr.header(plate.path(frames[0])).get("framesPerSecond")
    return _Shot(
        frames=frames,
        plate=read,
        working_space=colour.working_space,
        same_space=colour.equivalent(read.colorspace, colour.working_space),
        rate=rate[0] / rate[1] if isinstance(rate, tuple) and rate[1] else 24.0,
        lamps=tuple(lamps),
        rest="rest" in made.layers,
        ratio="ratio" in made.layers,
        facts=_facts(relit, frames),
        matte=_matte_channel(first_view.matte, frames[0]),
    )


def _facts(relit: Sequence, frames: tuple[int, ...]) -> dict[str, list[float]]:
    """The numbers of the law, frame by frame, as the headers have them."""
    names = {"scale": "relamp/scale", "epsilon": "relamp/epsilon", "strength": "relamp/strength"}
    found: dict[str, list[float]] = {name: [] for name in names}
    for frame in frames:
        header = exr.header(relit.path(frame))
        for name, attribute in names.items():
            value = header.get(attribute)
            if not isinstance(value, float | int):
                raise InputError(f"{relit.path(frame)} has no {attribute} in its header: Relamp did not make it")
            found[name].append(float(value))
    return found


def _matte_channel(matte: str | None, frame: int) -> str | None:
    """Nuke's name of the channel the matte is in."""
    if matte is None:
        return None
    path, channel = exr.split_layer(matte)
    (name, *_) = exr.read_matte(Sequence.parse(path).path(frame), channel).names
    layer, component = layers.split(name)
    long = _LONG.get(component.upper(), component)
    return f"{layer}.{long}" if layer else f"rgba.{long}"


def _head(shot: _Shot) -> list[str]:
    window, first, last = shot.plate.display_window, shot.frames[0], shot.frames[-1]
    size = f"{window.width} {window.height}"
    picture = f"{size} 0 0 {size} {shot.plate.pixel_aspect:g} relamp"
    knobs = {"first_frame": first, "last_frame": last, "fps": f"{shot.rate:g}", "format": f'"{picture}"',
             "colorManagement": "OCIO", "workingSpaceLUT": "scene_linear"}  # fmt: skip
    return ["version 15.0 v1", "Root {", " inputs 0", *(f" {name} {value}" for name, value in knobs.items()), "}"]


def _add_layers(shot: _Shot) -> list[str]:
    names = [*shot.lamps, *(["rest"] if shot.rest else []), *(["ratio"] if shot.ratio else [])]
    lines = [f"add_layer {{{name} {name}.red {name}.green {name}.blue}}" for name in names]
    if shot.matte and not shot.matte.startswith("rgba."):
        lines.append(f"add_layer {{{shot.matte.partition('.')[0]} {shot.matte}}}")
    return lines


def _nodes(shot: _Shot, job: RelightJob, background: str | None) -> list[ScriptNode]:
    p = job.parameters
    nodes = [_note(shot), _read("Plate", p.plate or "", shot), _read("Relit", p.out or "", shot)]
    ways = [_add_lamps(nodes, shot)]
    if shot.ratio:
        ways.append(_by_ratio(nodes, shot, p.matte))
        nodes.append(ScriptNode("Switch", "Way", {"which": "0"}, tuple(ways)))
    nodes.append(ScriptNode("Dissolve", "Mix", {"which": "1"}, ("Plate", nodes[-1].name if shot.ratio else ways[0])))
    if background:
        nodes.append(_read("Background", background, shot))
        # A Merge's inputs are B, then A.
        nodes.append(ScriptNode("Merge2", "Over", {"operation": "over"}, ("Background", "Mix")))
    return nodes


def _note(shot: _Shot) -> ScriptNode:
    space = f"{shot.plate.colorspace}; the ratio is in {shot.working_space}"
    text = f"Relamp, frames {format_frames(shot.frames)}\nAll Reads are raw: {space}.\nDim LampK, dissolve with Mix."
    return ScriptNode("StickyNote", "About", {"label": quoted(text)})


def _read(name: str, path: str, shot: _Shot) -> ScriptNode:
    first, last = str(shot.frames[0]), str(shot.frames[-1])
    knobs = {"file_type": "exr", "file": quoted(_nuke_path(path)), "first": first, "last": last, "origfirst": first,
             "origlast": last, "raw": "true", "on_error": "error"}  # fmt: skip
    return ScriptNode("Read", name, knobs)


def _add_lamps(nodes: list[ScriptNode], shot: _Shot) -> str:
    """The lamps and what they leave, each through its dimmer, added up; the name of the last node."""
    if not (shot.lamps and shot.rest):
        return "Relit"
    # The alpha of the beauty goes along with the rest, and lamps bring none.
    nodes.append(_shuffle("RestLayer", "rest", alpha="alpha2"))
    nodes.append(ScriptNode("Multiply", "Rest", {"channels": "rgb", "value": "1"}, ("RestLayer",)))
    total = "Rest"
    for layer in shot.lamps:
        name = layer.capitalize()
        nodes.append(_shuffle(f"{name}Layer", layer, alpha="black"))
        nodes.append(ScriptNode("Multiply", name, {"channels": "rgb", "value": "1"}, (f"{name}Layer",)))
        nodes.append(ScriptNode("Merge2", f"Add{name}", {"operation": "plus"}, (total, name)))
        total = f"Add{name}"
    return total


def _by_ratio(nodes: list[ScriptNode], shot: _Shot, matte: str | None) -> str:
    """The plate by the ratio, in its working space; the name of the last node."""
    facts = {f"addUserKnob {{{DOUBLE} {name}}}": "" for name in shot.facts}
    values = {name: _animated(shot.frames, numbers) for name, numbers in shot.facts.items()}
    nodes.append(ScriptNode("NoOp", "Facts", {**facts, **values}))
    nodes.append(_shuffle("RatioLayer", "ratio", alpha="black"))
    ratio, plate = "RatioLayer", "Plate"
    if matte and shot.matte:
        nodes.append(_read("Matte", exr.split_layer(matte)[0], shot))
        nodes.append(ScriptNode("Copy", "RatioMatte", {"from0": shot.matte, "to0": "rgba.alpha"}, (ratio, "Matte")))
        ratio = "RatioMatte"
    if not shot.same_space:
        plate = _convert(nodes, "PlateWorking", "Plate", shot.plate.colorspace, shot.working_space)
    expressions = {f"expr{i}": f'"{text}"' for i, text in enumerate(_law(shot))}
    # B is the plate, so its alpha and its layers go through; A is the ratio, with the matte for alpha.
    nodes.append(ScriptNode("MergeExpression", "ByRatio", expressions, (plate, ratio)))
    if shot.same_space:
        return "ByRatio"
    return _convert(nodes, "ByRatioPlate", "ByRatio", shot.working_space, shot.plate.colorspace)


def _law(shot: _Shot) -> list[str]:
    has_alpha = shot.plate.alpha is not None
    alpha = "Ba" if has_alpha else "1"
    if shot.matte is None:
        weight = "(Ba > 0)" if shot.plate.coverage is not None else "1"
    else:
        weight = "clamp(Ba > 0 ? Aa / Ba : Aa, 0, 1)" if has_alpha else "clamp(Aa, 0, 1)"
    law = "B{c} * (A{c} - 1) + Facts.epsilon * {alpha} * max(A{c} - Facts.scale, 0)"
    # Where the matte is empty, and where the plate is not a number, the plate's own number stays.
    text = f"{{weight}} > 0 && B{{c}} * 0 == 0 ? B{{c}} + {{weight}} * Facts.strength * ({law}) : B{{c}}"
    return [text.format(c=letter, weight=weight, alpha=alpha) for letter, _ in _RGB]


def _shuffle(name: str, layer: str, alpha: str) -> ScriptNode:
    knobs = {"in": layer, "in2": "rgba", "alpha": alpha}
    return ScriptNode("Shuffle", name, knobs, ("Relit",))


def _convert(nodes: list[ScriptNode], name: str, source: str, space: str, target: str) -> str:
    knobs = {"in_colorspace": quoted(space), "out_colorspace": quoted(target)}
    nodes.append(ScriptNode("OCIOColorSpace", name, knobs, (source,)))
    return name


def _animated(frames: tuple[int, ...], numbers: list[float]) -> str:
    """A number, or a curve of them where it changes over the shot."""
    if len(set(numbers)) == 1:
        return f"{numbers[0]:.9g}"
    keys = " ".join(f"x{frame} {number:.9g}" for frame, number in zip(frames, numbers, strict=True))
    return f"{{{{curve {keys}}}}}"


def _nuke_path(path: str) -> str:
    """A path as Nuke writes it: forward slashes, and # or %04d for the frame."""
    folder, name = os.path.split(os.path.abspath(os.path.expanduser(path)))
    name = re.sub(r"@+", lambda token: "#" * len(token[0]), name)
    name = re.sub(r"\$F(\d*)", lambda token: f"%0{token[1] or 1}d", name)
    return f"{Path(folder).as_posix()}/{name}"
