"""Review pictures of a render: plate and relight side by side in display colours, with the frame and the settings burnt in.

`shot.mp4` and `shot.mov` hold every frame, `sheet.png` up to six frames of the shot. They are read back from the written EXR
files, so they show what was delivered. Display only: nothing reads them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ..atomic import require_free
from ..errors import InputError, OutputError, UsageError
from ..light.sheet import write_png
from ..parameters import at_frame
from ..pictures import exr, header, movie_write
from ..pictures.frame import Frame, place
from ..pictures.resample import resize, working_shape
from ..pictures.screen import Screen
from ..pictures.sequence import fill_view
from .plan import RENDER, SKIP, FrameTask, Plan

SIDE = 960  # px, longest side of each of the two pictures
ON_SHEET = 6  # frames on a sheet
GAP, BAND, TEXT, MARGIN = 8, 56, 18, 6  # px: between the pictures, of the strip below them, of its letters, beside them
GROUND, INK, FAINT = 24, 225, 150  # 8-bit greys of the strip, of the frame number and of the settings
RATE = Fraction(24)  # frames per second of a plate that does not say


def require_reviews(plans: Sequence[Plan], paths: Sequence[str]) -> None:
    """Refuse, before anything is rendered, review files that cannot be written.

    Raises:
        UsageError: another extension than .mp4, .mov and .png, PyAV is missing, one file for several views, or a file exists.
        OutputError: the folder cannot be written.
    """
    for text in paths:
        path = Path(text)
        if path.suffix.lower() not in (".png", *movie_write.EXTENSIONS):
            raise UsageError(f"--review {text} must end in .mp4 or .mov for a movie, or in .png for a sheet of frames")
        if path.suffix.lower() != ".png":
            movie_write.require_movie_writer(path)
        if len(plans) > 1 and len({_filled(text, plan) for plan in plans}) == 1:
            raise UsageError(f"--review {text} is one file for {len(plans)} views; put %V in it")
        for plan in plans:
            filled = Path(_filled(text, plan))
            require_free([filled], plan.parameters.overwrite)
            there = next(folder for folder in filled.absolute().parents if folder.exists())
            if not (there.is_dir() and os.access(there, os.W_OK)):
                raise OutputError(f"--review {text}: nothing can be written in {there}; choose another folder")


def write_reviews(plans: Sequence[Plan], paths: Sequence[str]) -> None:
    """Write every review file of every view, after the frames.

    Raises:
        InputError: a frame cannot be read, or none was rendered.
        UsageError, OutputError: a file cannot be written.
    """
    for plan in plans:
        for text in paths:
            path = Path(_filled(text, plan))
            if path.suffix.lower() == ".png":
                write_png(path, _sheet(plan), plan.parameters.overwrite)
            else:
                movie_write.write_movie(path, _pictures(plan, _tasks(plan)), _rate(plan), plan.parameters.overwrite)


def _filled(text: str, plan: Plan) -> str:
    view = plan.parameters.view()
    return fill_view(text, view) if view else text


def _tasks(plan: Plan) -> list[FrameTask]:
    return [task for task in plan.tasks if task.action != SKIP]


def _sheet(plan: Plan) -> np.ndarray:
    """Up to `ON_SHEET` frames evenly spread over the shot, (h, w, 3) uint8, one below the other."""
    tasks = _tasks(plan)
    picked = np.unique(np.linspace(0, len(tasks) - 1, min(ON_SHEET, len(tasks))).round().astype(int))
    rows = list(_pictures(plan, [tasks[i] for i in picked]))
    if not rows:
        raise InputError("--review: no frame was rendered, so there is nothing to show")
    return np.concatenate(rows)


def _pictures(plan: Plan, tasks: Sequence[FrameTask]) -> Iterator[np.ndarray]:
    """Plate and relight of each task with the strip of text below, (h, w, 3) uint8, h and w even."""
    screen = Screen(plan.colour)
    for task in tasks:
        relit = exr.read_frame(task.out, colour=plan.colour, carry=False)
        plate = _plate(plan, task)
        after = _shown(plan, screen, relit)
        before = np.zeros_like(after) if plate is None else _shown(plan, screen, plate)
        gap = np.full((after.shape[0], GAP, 3), GROUND, np.uint8)
        pair = np.concatenate([before, gap, after], 1)
        strip = _strip(pair.shape[1], plan, task, relit)
        yield np.concatenate([pair, strip])


def _plate(plan: Plan, task: FrameTask) -> Frame | None:
    """The plate of a task; None where its frame is missing and was written black."""
    p = plan.parameters
    if task.action != RENDER:
        return None
    path = plan.inputs.plate.path(task.plate_frame)
    return exr.read_frame(path, colour=plan.colour, colorspace=p.colorspace, layer=p.layer, view=p.view(), carry=False)


def _shown(plan: Plan, screen: Screen, frame: Frame) -> np.ndarray:
    """The whole format of a frame at review size in square pixels, (h, w, 3) uint8, h and w even."""
    light = plan.colour.to_working(frame.rgb, frame.colorspace)  # (H, W, 3)
    light = place(np.nan_to_num(light, posinf=0.0, neginf=0.0), frame.data_window, frame.display_window)
    height, width = light.shape[:2]
    small = working_shape(height, round(width * frame.pixel_aspect), SIDE)
    even = tuple(max(2, length // 2 * 2) for length in small)
    return screen.encode(resize(light, (even[0], even[1])))[..., :3]


def _strip(width: int, plan: Plan, task: FrameTask, relit: Frame) -> np.ndarray:
    """The strip below a pair, (`BAND`, `width`, 3) uint8: frame number and time code, then the settings."""
    image = Image.new("RGB", (width, BAND), (GROUND,) * 3)
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(TEXT)
    code = header.timecode(relit.source.colour.spec)
    first = f"frame {task.frame}   {plan.inputs.plate.name}" + (f"   {code}" if code else "")
    right = (width + GAP) // 2
    draw.text((MARGIN, 5), _fitting(first, font, right - 2 * MARGIN), (INK,) * 3, font)
    draw.text((right + MARGIN, 5), "relit", (INK,) * 3, font)
    draw.text((MARGIN, 30), _fitting(_settings(plan, task), font, width - 2 * MARGIN), (FAINT,) * 3, font)
    return np.asarray(image)


def _settings(plan: Plan, task: FrameTask) -> str:
    p = plan.parameters
    words = [f"light: {plan.target.named(task.frame)}"]
    if plan.rig is not None:
        words.append("rig: " + ", ".join(light.name for light in plan.rig.at_frame(task.frame)))
    rotate, stops, mix = (at_frame(getattr(p, name), task.frame) for name in ("env_rotate", "env_exposure", "mix"))
    if any(rotate):
        words.append("turned " + ", ".join(f"{round(angle, 1):g}" for angle in rotate) + " deg")
    if stops:
        words.append(f"{stops:+.2g} {'stop' if abs(stops) == 1 else 'stops'}")
    if mix != 1:
        words.append(f"mix {mix:g}")
    return "   ".join([*words, p.backbone])


def _fitting(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: float) -> str:
    """The text, cut off with three dots where it is wider than `width` px."""
    while text and font.getlength(text) > width:
        text = text.rstrip(".")[:-4].rstrip() + "..."
    return text


def _rate(plan: Plan) -> Fraction:
    task = _tasks(plan)[0]
    found = header.frame_rate(exr.read_frame(task.out, colour=plan.colour, carry=False).source.colour.spec)
    return Fraction(found).limit_denominator(1001) if found else RATE
