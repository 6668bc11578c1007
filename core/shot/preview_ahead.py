"""Work in advance for previews: while nothing is asked, the frame after the shown one is read and its shape estimated.

An artist who steps through a shot mostly goes on in the same direction. What is computed here goes into the caches that a preview
of that frame reads, so its pixels are the same with and without it. The work is done in steps of one picture, between which a
request can be answered.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace

from .plan import Plan
from .preview_plate import PreviewFrames
from .shapes import SeenShapes, Shapes

log = logging.getLogger("relamp")


class LookAhead:
    """The steps that remain for the next frame of the direction in which the frames are shown."""

    def __init__(self) -> None:
        self._shown: int | None = None
        self._forward = True
        self._steps: Iterator[None] = iter(())

    def shown(self, plan: Plan, frames: PreviewFrames, seen: SeenShapes) -> None:
        """Record which frame is shown relit, and begin anew with the one after it."""
        number, before = frames.number, self._shown
        if before is not None and before != number:
            self._forward = number > before
        self._shown = number
        self._steps = _steps(plan, frames, seen, number + (1 if self._forward else -1))

    def step(self) -> bool:
        """Do one step; False where none is left. Raises nothing: the preview of that frame reports what is wrong with it."""
        try:
            next(self._steps)
        except StopIteration:
            return False
        except Exception as error:
            log.debug("the next frame cannot be prepared", exc_info=error)
            return False
        return True


def _steps(plan: Plan, frames: PreviewFrames, seen: SeenShapes, number: int) -> Iterator[None]:
    """Read a frame and its neighbours, and estimate their shapes: one step for each picture read or estimated."""
    plate = plan.inputs.plate
    if plate.is_still or not plate.path(number).is_file():
        return
    around = range(number - plan.reach, number + plan.reach + 1)
    there = tuple(f for f in around if plate.path(f).is_file())
    shapes = Shapes(replace(plan, on_disk=there), frames, seen)
    for near in (number, *there):
        with frames.open((near, near)):
            pass
        yield
        shapes.see((near, near))
        yield
    shapes.of((number, number))
