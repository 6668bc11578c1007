"""Composites the relit subject over its new background. Floor 3.

If a matte was made from a filmed plate, the pixels at its edge contain a part of the old background. Before such a subject is
relit it is cut out with its own colour (`shape.edges`), so that no part of the old background remains in fine detail such as
hair. A plate that is premultiplied with its alpha has no such part and is not changed.

Where the subject covers nothing and throws no shadow, the pixels are the background's own values; where it covers all and nothing
changed, they are the plate's.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ..errors import UsageError
from ..gain.finish import Finished
from ..gain.subject import Subject
from ..pictures import exr
from ..pictures.frame import Frame, Window, place
from ..pictures.reformat import reformat
from ..shape.edges import foreground
from .plan import FrameTask, Plan

if TYPE_CHECKING:
    from ..gain.ground import GroundShadow


def cut_out(subject: Subject) -> Subject:
    """The subject alone, premultiplied with its coverage, with the old background removed from its edge.

    Raises:
        UsageError: the subject covers the whole picture.
    """
    coverage = subject.coverage
    if (subject.alpha is None or not subject.alpha.any()) and coverage.min(initial=1) >= 1:
        raise UsageError("--over needs to know where the subject is: give a --matte, or a plate with alpha")
    plate = subject.plate
    if ((subject.weight > 0) & (subject.weight < 1)).any():
        # Light per covered area; the matte takes a part of that area.
        whole = plate if subject.alpha is None else plate / np.where(subject.alpha > 0, subject.alpha, 1)[..., None]
        own = foreground(whole, subject.weight)
        plate = np.where((subject.weight == 1)[..., None], plate, own * coverage[..., None])
    plate = np.where((coverage > 0)[..., None], plate, 0).astype(np.float32)
    return replace(subject, plate=plate, alpha=coverage, weight=(coverage > 0).astype(np.float32))


def put_over(
    plan: Plan, task: FrameTask, frame: Frame, subject: Subject, finished: Finished, ground: GroundShadow | None = None
) -> tuple[Frame, Finished]:
    """Lay a relit cut-out over the background of its frame, with its shadow on the ground.

    Args:
        frame: the plate, opened to the whole format (`read.read_plate`).
        subject: as `cut_out` gave it.
        finished: what `finish` made of it.
        ground: the subject's shadow on the ground; None for none.

    Returns:
        An opaque frame that holds the values of unchanged pixels, and the composite.

    Raises:
        InputError: the background cannot be read.
    """
    pixels, own = _background(plan, task, frame)
    coverage = np.clip(subject.alpha, 0, 1)[..., None] if subject.alpha is not None else np.ones((1, 1, 1), np.float32)
    kept = (coverage >= 1) & ~finished.changed
    shaded = coverage > 0  # (H, W, 1), where pixels are not the background's own
    if ground is not None:
        share = ground.picture()  # (H, W, 3)
        pixels, shaded = pixels * share, shaded | (share < 1)
    beauty = finished.beauty + (1 - coverage) * pixels
    stays = np.where(kept, frame.rgb, own)
    comp = replace(finished, beauty=beauty.astype(np.float32), changed=np.broadcast_to(shaded, kept.shape) & ~kept)
    return replace(frame.opaque(), rgb=stays), comp


def _background(plan: Plan, task: FrameTask, frame: Frame) -> tuple[np.ndarray, np.ndarray]:
    """The background (H, W, 3) in the working space, and in the plate's colour space.

    A background of another format is brought to the plate's by `--background-fit`; its numbers are then resampled ones.
    """
    sequence = plan.inputs.background
    assert sequence is not None
    path = sequence.path(task.frame)
    found = exr.read_frame(path, colour=plan.colour, view=plan.parameters.view(), carry=False)
    theirs, ours = found.display_window, frame.display_window
    if same_format(theirs, ours, found.pixel_aspect, frame.pixel_aspect):
        own = place(found.rgb, found.data_window, frame.data_window)
    else:
        whole = place(found.rgb, found.data_window, theirs)  # (h, w, 3) over its format
        how = plan.parameters.background_fit
        own = place(reformat(whole, ours.shape, how, found.pixel_aspect, frame.pixel_aspect), ours, frame.data_window)
    working = plan.colour.to_working(own, found.colorspace)
    if not plan.colour.equivalent(found.colorspace, frame.colorspace):
        own = plan.colour.from_working(working, frame.colorspace)
    return working, own


def same_format(theirs: Window, ours: Window, their_aspect: float, our_aspect: float) -> bool:
    """Whether a background needs no reformatting, given the display windows and pixel aspects of it and of the plate."""
    return theirs.shape == ours.shape and their_aspect == our_aspect
