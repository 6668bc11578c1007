"""The checks before work begins: what can be found from the options, the files' names and their headers.

`prepare.views` calls `check_views`; `prepare.prepare` calls `check_options`, `check_frames`, `check_files` and `check_backbone`,
in this order. An error message uses the name of the option that was typed. Errors that need the pixels of a frame are raised
where the pixels are read.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ..atomic import require_free
from ..errors import InputError, UsageError
from ..frames import format_frames, missing_frames
from ..parameters import PUBLISHED, RelightParameters, default_of
from ..pictures import exr
from ..pictures.colour import Colour
from ..pictures.sequence import Sequence
from ..relighter.answer import Backbone
from .deliver import layer_names
from .over import same_format
from .passes_there import passes_there
from .plan import RENDER, SKIP, FrameTask, Inputs

if TYPE_CHECKING:
    from ..shape.ground import Ground

log = logging.getLogger("relamp")

T = TypeVar("T")

_FITTED = {
    "fill": "it is scaled to fill the frame, and what stands over is cut",
    "fit": "it is scaled to fit into the frame, with black beside it",
    "centre": "it is put in the middle at its own size",
}


def check_views(parameters: RelightParameters, in_paths: bool) -> None:
    """Refuse views that would be written to the same files, or that no input holds.

    Args:
        in_paths: whether the path of any input contains %V or %v.

    Raises:
        UsageError: see above.
        InputError: no frame of the plate can be read.
    """
    p = parameters
    if len(p.views) > 1 and not any(token in (p.out or "") for token in ("%V", "%v")):
        raise UsageError(f"--out {p.out} is one place for {len(p.views)} views; put %V in it")
    if in_paths:
        return
    plate = Sequence.parse(p.plate or "")
    held = of_first_readable((plate.path(frame) for frame in plate.frames_on_disk()), exr.views)
    for view in p.views:
        if view not in held:
            there = f"it holds {', '.join(held)}" if held else "it holds no views"
            raise UsageError(
                f"--views {view}: {plate} has no such view ({there}) and no path has %V, so nothing of that view would be read; "
                "leave it out, or put %V into the paths of what differs by view"
            )


def check_options(parameters: RelightParameters) -> None:
    """Raise `UsageError` for options that cannot work together, whatever files exist."""
    p = parameters
    if not str(p.out).lower().endswith(".exr"):
        raise UsageError(f"--out {p.out} must end in .exr; Relamp writes scene-linear EXR only")
    exr.require_writable_name(Path(str(p.out)))
    if p.over and not p.background:
        raise UsageError(
            "--over puts the relit subject over a background, and none is given; give one with --background"
        )
    if p.env_level == "background" and p.lit_by() != "background":
        raise UsageError(
            "--env-level background takes the level of a background that is the light, and here the light is another: give "
            "--background without --env and --prompt, or choose another --env-level"
        )
    if p.light == "add" and not p.rig:
        raise UsageError("--light add adds the lights of a rig, and none is given: --rig")
    if p.light == "add" and (p.env or p.prompt):
        raise UsageError(
            f"--light add keeps the plate's own light, so {'--env' if p.env else '--prompt'} would change nothing: leave it "
            "out, or give --light replace"
        )
    if p.rig and p.keeps_light() and p.env_exposure != default_of("env_exposure"):
        raise UsageError(
            "--env-exposure is of a new light, and the plate keeps its own: give the rig's lights other stops"
        )
    if p.rig and p.backbone in PUBLISHED:
        raise UsageError(f"--rig lights a shape, which --backbone {p.backbone} does not work out; use relamp, or ratio")
    _require_ground_used(p)
    if p.backbone == "light-a-video":
        from ..relighter.light_a_video.backbone import check_clip_mode  # loads torch, which this backbone needs anyway

        check_clip_mode(p)


def check_frames(
    parameters: RelightParameters, inputs: Inputs, wanted: tuple[int, ...], on_disk: tuple[int, ...]
) -> None:
    """Refuse a list of frames that cannot be delivered.

    Raises:
        UsageError: `--out` is one file for several frames.
        InputError: frames of the plate are missing, under `--missing error`.
    """
    if inputs.out.is_still and len(wanted) > 1:
        raise UsageError(
            f"--out {inputs.out} is one file for {len(wanted)} frames; put #### before its extension, as in relit.####.exr"
        )
    gaps = () if inputs.plate.is_still else [frame for frame in wanted if frame not in set(on_disk)]
    if gaps and parameters.missing == "error":
        raise InputError(
            f"{inputs.plate}: {missing_frames(gaps)} (on disk: {format_frames(on_disk)}); "
            "give --frames without them, or --missing skip, hold or black"
        )


def check_files(parameters: RelightParameters, inputs: Inputs, tasks: tuple[FrameTask, ...]) -> None:
    """Refuse outputs that would replace files without permission, and inputs that are missing or do not fit.

    Raises:
        UsageError: an output is a file that the job reads, or exists already and no option says what to do with it; the
            plate already has a layer of `--layers`.
        InputError: matte, normals, depth or background lack a frame, or no frame of the plate can be read.
    """
    _require_no_input_replaced(inputs, tasks)
    _require_outputs_free(parameters, tasks)
    _require_inputs(inputs, tasks)
    _say_unused_albedo(parameters, inputs, tasks)
    if parameters.over:
        _say_background_format(parameters, inputs, tasks)
    _require_layer_names_free(parameters, inputs, tasks)


def check_backbone(parameters: RelightParameters, colour: Colour, backbone: Backbone, source_given: bool) -> None:
    """Raise `UsageError` for options that the backbone cannot carry out or would ignore.

    `source_given` is True where the light that the plate was shot under is given (`--source-env`).
    """
    _require_options_used(parameters, backbone)
    _require_working_space(parameters, colour, backbone)
    _require_layers_made(parameters, backbone, source_given)


def check_ground(parameters: RelightParameters, ground: Ground | None) -> None:
    """Raise `UsageError` where a shadow on the ground is asked for and there is no ground; `ground` is that of the plan."""
    if ground is None and ("shadow" in parameters.layers or parameters.ground == "found"):
        raise UsageError(
            "the subject's shadow needs a ground, and none was found: that takes a --depth and a --matte that show the subject's "
            "feet in the picture; give --ground HEIGHT,TILT, as in --ground 1.6,10"
        )


def of_first_readable(paths: Iterable[Path], read: Callable[[Path], T]) -> T:
    """The result of `read` for the first file that it can read. A damaged frame fails later, by itself, and not the whole shot.

    Raises the first `InputError` if no file can be read.
    """
    reason: InputError | None = None
    for path in paths:
        try:
            return read(path)
        except InputError as error:
            reason = reason or error
    raise reason or InputError("the plate has no frames")


def _require_no_input_replaced(inputs: Inputs, tasks: tuple[FrameTask, ...]) -> None:
    """Refuse an output that is a file the job reads, or that would become a new frame of an input sequence."""
    frames = {frame for task in tasks for frame in (task.frame, task.plate_frame)}
    # An existing output may be any frame of an input, for example --out plate.1001.exr; only then all input files are listed.
    there = any(task.out.exists() for task in tasks)
    require_free([task.out for task in tasks], True, inputs.files(frames, every=there))


def _require_outputs_free(parameters: RelightParameters, tasks: tuple[FrameTask, ...]) -> None:
    if parameters.overwrite or parameters.skip_existing != "off":
        return
    there = [task.frame for task in tasks if task.action != SKIP and task.out.exists()]
    if there:
        raise UsageError(
            f"{tasks[0].out.parent or '.'}: frames {format_frames(there)} are already there; "
            "pass --skip-existing to keep finished ones or --overwrite to render them again"
        )


def _require_inputs(inputs: Inputs, tasks: tuple[FrameTask, ...]) -> None:
    """Refuse a matte, passes or a background without a frame that will be rendered."""
    frames = tuple(task.plate_frame for task in tasks if task.action == RENDER)
    given = (
        ("--matte", inputs.matte), ("--normals", inputs.normals), ("--depth", inputs.depth), ("--passes", inputs.passes),
        *((f"--{name}", sequence) for name, (sequence, _) in inputs.materials.items()), ("--background", inputs.background),
    )  # fmt: skip
    for option, sequence in given:
        missing = sequence.missing(frames) if sequence else ()
        if sequence and missing:
            what = "does not exist" if sequence.is_still else f"has no frames {format_frames(missing)}"
            raise InputError(f"{option} {sequence} {what}")


def _say_background_format(parameters: RelightParameters, inputs: Inputs, tasks: tuple[FrameTask, ...]) -> None:
    """Log how a background of another format is fitted, by the first frame whose plate and background can both be read."""
    assert inputs.background
    for task in tasks:
        if task.action != RENDER:
            continue
        background, plate = inputs.background.path(task.frame), inputs.plate.path(task.plate_frame)
        try:
            theirs, ours = exr.display_window(background), exr.display_window(plate)
            aspects = [float(str(exr.header(path).get("PixelAspectRatio", 1.0))) for path in (background, plate)]
        except InputError:
            continue  # a damaged frame fails by itself, when it is read
        if not same_format(theirs, ours, *aspects):
            log.warning(
                "the background is %d x %d and the plate %d x %d: %s (--background-fit)",
                theirs.width, theirs.height, ours.width, ours.height, _FITTED[parameters.background_fit],
            )  # fmt: skip
        return


def _say_unused_albedo(parameters: RelightParameters, inputs: Inputs, tasks: tuple[FrameTask, ...]) -> None:
    """Log that a given albedo changes nothing, where neither roughness nor metallic is given."""
    here = next((task.plate_frame for task in tasks if task.action == RENDER), None)
    if here is None:
        return
    try:
        there = {found["name"]: found["given"] for found in passes_there(parameters, inputs, here)}
    except InputError:
        return  # a damaged file fails by itself, when it is read
    if there["albedo"] and not (there["roughness"] or there["metallic"]) and parameters.estimator in (None, "own"):
        log.info(
            "the albedo is not used: a matte surface takes the same change of light whatever its albedo is, and gloss is worked "
            "out only where --roughness or --metallic is given, too"
        )


def _require_layer_names_free(parameters: RelightParameters, inputs: Inputs, tasks: tuple[FrameTask, ...]) -> None:
    """Refuse a new layer whose name the plate already uses."""
    if parameters.drop_layers:
        return

    def layers_of(path: Path) -> tuple[dict[str, tuple[str, ...]], bool]:
        return exr.other_layers(path, parameters.layer, parameters.view()), exr.header(path).get(
            "relamp/ai"
        ) == "relight"

    present, relit = of_first_readable((inputs.plate.path(task.plate_frame) for task in tasks), layers_of)
    if relit:
        log.warning("%s was relit before: its layers tell of that light; --drop-layers leaves them out", inputs.plate)
    clash = [name for name in layer_names(parameters) if name in present]
    if clash:
        raise UsageError(
            f"{inputs.plate} already has a layer {', '.join(clash)}, which --layers would write too; "
            "leave it out of --layers to keep the plate's, or pass --drop-layers"
        )


def _require_options_used(parameters: RelightParameters, backbone: Backbone) -> None:
    """Refuse a given option that this backbone ignores."""
    p, network = parameters, backbone.network
    if p.ensemble != default_of("ensemble") and network is None:
        raise UsageError(
            f"--ensemble {p.ensemble} asks a network at several exposures, and --backbone {p.backbone} has none; leave it "
            "out, or give --backbone relamp"
        )
    if p.steps is not None and network is not None and not network.steps:
        raise UsageError(
            f"--steps {p.steps} is for networks that denoise, and --backbone {p.backbone} works its answer out at once; "
            "leave it out"
        )
    # A network with a background input gets one even where none is given: the map, as the camera sees it.
    ignored = p.lit_by() != "background" and not (network is not None and network.sees_background)
    if ignored and p.background_exposure != default_of("background_exposure"):
        raise UsageError(
            f"--background-exposure is for a background that lights the subject or that a network looks at; here the light "
            f"comes of --{p.lit_by()}, and --backbone {p.backbone} looks at none: leave it out"
        )


def _require_ground_used(parameters: RelightParameters) -> None:
    """Refuse a ground that nothing asks for, and a shadow on it that is turned off."""
    p = parameters
    if p.ground not in (None, "none") and not (p.over or "shadow" in p.layers):
        raise UsageError(
            f"--ground {p.ground} is for the subject's shadow, and nothing asks for it: give --over, or --layers shadow"
        )
    if "shadow" not in p.layers:
        return
    if p.ground == "none":
        raise UsageError(
            "the shadow layer is the shadow on the ground, and --ground none has none; leave one of them out"
        )
    if not p.shadows:
        raise UsageError("the shadow layer shows a shadow, and --shadows 0 throws none; leave one of them out")
    if p.backbone in PUBLISHED:
        raise UsageError(
            f"the shadow layer is thrown by a shape, which --backbone {p.backbone} does not work out; use relamp, or ratio"
        )


def _require_working_space(parameters: RelightParameters, colour: Colour, backbone: Backbone) -> None:
    """Refuse a network that was trained in ACEScg alone where the working space is another one."""
    if colour.is_acescg or backbone.network is None or backbone.network.any_working_space:
        return
    raise UsageError(
        f"--backbone {parameters.backbone} was taught in ACEScg, and {colour.config_id} works in {colour.working_space}; "
        "give a --config whose scene_linear is ACEScg, or --backbone relamp or ratio, which work in any"
    )


def _require_layers_made(parameters: RelightParameters, backbone: Backbone, source_given: bool) -> None:
    """Refuse layers that this backbone cannot make."""
    p, network = parameters, backbone.network
    gives = frozenset[str]() if network is None else network.gives
    if "albedo" in p.layers and not (source_given or backbone.wants_source or "albedo" in gives):
        raise UsageError("the albedo layer divides the plate by its own light: give --source-env")
    if "visibility" in p.layers and not p.shadows:
        raise UsageError(
            "the visibility layer shows what --shadows takes away, and --shadows 0 takes nothing; leave one of them out"
        )
    if "visibility" in p.layers and p.backbone in PUBLISHED:
        raise UsageError(
            f"the visibility layer shows what is traced, and --backbone {p.backbone} traces nothing; give --backbone relamp"
        )
    spreads = network is not None and (p.ensemble > 1 or "confidence" in gives or network.seeded(p.steps))
    if "confidence" in p.layers and not spreads:
        what = "ratio has but one answer" if network is None else f"one step of {p.backbone} is one answer"
        raise UsageError(
            f"the confidence layer tells how far several answers agree, and {what}: "
            + ("give --backbone relamp --ensemble 3" if network is None else "give --ensemble 3, or --steps 4")
        )
