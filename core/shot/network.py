"""The network's predictions for each frame at the working size, by absolute frame number.

The residual of a frame needs the working frames of its neighbours. A working frame needs the predictions of the windows that
contain it. A window needs the network inputs of its frames, and these are read from disk whichever frames are rendered. Each is
computed once and a few are kept, so memory does not grow with the shot.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ..errors import InputError
from ..job import fingerprint
from ..relighter.answer import Answer
from ..temporal.windows import filled, same_canvas, same_take
from ..temporal.working_frame import WorkingFrame
from .lights import Lights
from .network_input import NetworkInput, NetworkInputs
from .plan import RENDER, FrameTask, Plan
from .read_ahead import Key, ReadFrame, keys_of
from .shapes import Shapes
from .shared_cache import SharedCache

if TYPE_CHECKING:
    from ..temporal.residual_store import ResidualStore

_Run = tuple[int, tuple[Key | None, ...]]
"""One call of a network: the absolute frame its window starts at, and the frames in it."""


@dataclass(frozen=True)
class CacheSizes:
    """How many frames and windows are needed for all frames that are rendered at the same time."""

    frames: int
    inputs: int
    windows: int
    shapes: int

    @classmethod
    def of(cls, plan: Plan) -> CacheSizes:
        """The sizes for a plan: one frame per thread with its neighbours, and the windows that contain them."""
        frames = plan.parameters.threads + 2 * plan.radius
        return cls(frames, frames + 2, frames + 3, frames + 2 * plan.reach)


class WorkingFrames:
    """The working frames of a plan; from any number of threads.

    Without a network the residual is zero, and the deflicker smooths the analytic gain alone.

    Args:
        alone: entered while the network relights (`frame.Shot.of`).
        store: the storage through which the chunks of a job share the network's predictions.
    """

    def __init__(
        self,
        plan: Plan,
        inputs: NetworkInputs,
        lights: Lights,
        alone: AbstractContextManager[object],
        shapes: Shapes,
        store: ResidualStore | None = None,
    ) -> None:
        self._plan, self._inputs, self._lights, self._store = plan, inputs, lights, store
        self._shapes = shapes
        self._network = plan.backbone.network
        self._alone = alone
        sizes = CacheSizes.of(plan)
        self._runs: SharedCache[_Run, list[Answer]] = SharedCache(sizes.windows)
        self._frames: SharedCache[Key, WorkingFrame | None] = SharedCache(sizes.frames)

    def of(self, key: Key, read: ReadFrame) -> WorkingFrame:
        """The working frame of a frame that is already read and whose matte is not empty; raises the error that prevents it."""
        working = self._frames.get(key, self._compute)
        if working is None:
            self._inputs.of(read, key)  # raises the error that was logged
            raise InputError(f"frame {key[0]} could not be put before the network; render it again")
        return working

    def from_disk(self, number: int) -> WorkingFrame:
        """The working frame of a frame number; raises `InputError` where it cannot be read or its matte is empty."""
        working = self._frames.get((number, number), self._compute)
        if working is None:
            raise InputError(f"frame {number} shows nothing that is lit")
        return working

    def around(self, key: Key, radius: int) -> list[WorkingFrame | None]:
        """A frame in the middle of its neighbours; None for a missing neighbour, or one across a cut, or with other windows."""
        keys = keys_of(key, range(key[1] - radius, key[1] + radius + 1), self._plan.near(key[1]))
        there = iter(self._frames.get_all((k for k in keys if k is not None), self._compute))
        found = [None if k is None else next(there) for k in keys]
        here = found[radius]
        assert here is not None
        return same_take(same_canvas(found, radius), radius, lambda working: working.thumb)

    def _compute(self, key: Key) -> WorkingFrame | None:
        given = self._inputs.get(key)
        if given is None:
            return None
        return self._working_frame(given, None if self._network is None else self._answer(key, given))

    def _answer(self, key: Key, given: NetworkInput) -> Answer:
        """The network's prediction for one frame, from as many frames together as the plan's `span` states."""
        span = self._plan.span
        if span == "frame":
            return self._stored((key[0], (key,)), lambda: self._ask([self._with_shape(key, given)], [key[0]]))[0]
        # A frame that fills a gap takes the residual of the frame it repeats, because the clip is relit once.
        return self._answer_among((key[1], key[1]), sorted(self._plan.near(key[1])))

    def _with_shape(self, key: Key, given: NetworkInput) -> NetworkInput:
        """A frame's input with its estimated shape, for a network that estimates shape."""
        shape = self._shapes.of(key)
        if shape is None or given.conditions is None:
            return given
        from ..relighter.own.conditions import with_shape

        return replace(given, conditions=with_shape(given.conditions, shape))

    def _answer_among(self, key: Key, frames: Sequence[int]) -> Answer:
        """The network's prediction for a frame among `frames`: from those of the same take and windows."""
        middle = list(frames).index(key[1])
        keys = keys_of(key, frames, self._plan.near(key[1]))
        inputs = self._inputs.get_all(keys)
        here = inputs[middle]
        assert here is not None
        inputs = same_take(same_canvas(inputs, middle), middle, lambda given: given.thumb)
        run = tuple(k if given is not None else None for k, given in zip(keys, inputs, strict=True))
        return self._runs.get((frames[0], run), self._stored_run)[middle]

    def _stored_run(self, run: _Run) -> list[Answer]:
        return self._stored(run, lambda: self._run(run))

    def _stored(self, run: _Run, ask: Callable[[], list[Answer]]) -> list[Answer]:
        """The predictions that another chunk stored for the same window, where the job stores them; else those of `ask`."""
        if self._store is None:
            return ask()
        start, keys = run
        out = self._plan.tasks[0].out  # where a frame is written does not change its pixels
        tasks = [None if key is None else FrameTask(key[0], RENDER, key[1], out) for key in keys]
        facts = {"start": start, "frames": [task and self._plan.fingerprint(task) for task in tasks]}
        return self._store.answers(fingerprint(facts), ask, Answer)

    def _run(self, run: _Run) -> list[Answer]:
        """The network's predictions for one window; a missing frame repeats the answer of the frame that stands in for it."""
        _, keys = run
        there = [k for k in keys if k is not None]
        inputs = dict(zip(there, self._inputs.get_all(there), strict=True))
        filling = filled(keys)
        if self._plan.span == "shot":
            answers = dict(zip(there, self._ask(_present(inputs, there), [k[1] for k in there]), strict=True))
            return [answers[k] for k in filling]
        return self._ask(_present(inputs, filling), [k[1] for k in filling])

    def _ask(self, inputs: Sequence[NetworkInput], frames: Sequence[int]) -> list[Answer]:
        from ..relighter.own import ensemble

        p, network = self._plan.parameters, self._network
        assert network is not None
        with self._alone:
            return ensemble.relight(
                network,
                [given.conditions for given in inputs if given.conditions is not None],
                frames=frames,
                steps=p.steps,
                seed=p.seed,
                count=p.ensemble,
                confidence="confidence" in p.layers,
            )

    def _working_frame(self, given: NetworkInput, answer: Answer | None) -> WorkingFrame:
        """The working frame of a prediction, with its residual over the analytic gain whose level is the same in all frames."""
        normals = given.normals if answer is None else answer.normals  # (h, w, 3)
        hint = self._lights.hint(given.light, normals, given.matte).at(normals)  # (h, w, 3)
        if answer is None:
            return WorkingFrame(
                given.code,
                given.matte,
                normals,
                hint,
                np.zeros_like(hint),
                canvas=given.canvas,
                distance=given.distance,
            )
        known = None if given.conditions is None else given.conditions.normals_known[0, 0].numpy()  # (h, w)
        residual = answer.residual - np.float32(self._lights.removed_level(given.light, normals, given.matte))
        layers = (answer.albedo, answer.confidence)
        share = answer.share
        if answer.level is not None:
            # The level of a light that turns changes truly: in the residual the deflicker would take it for flicker.
            level = answer.level.astype(np.float32)  # (1,)
            hint, residual = hint + level, residual - level
            share = (np.zeros_like(residual) if share is None else share) - level
        if self._plan.parameters.keeps_light():  # then the plate keeps its light, and the lights of the rig are added
            residual, share = np.zeros_like(residual), None
        shape = (answer.height, answer.doubt, share, answer.own, given.distance, answer.parts)
        return WorkingFrame(given.code, given.matte, normals, hint, residual, *layers, given.canvas, known, *shape)


def _present(inputs: dict[Key, NetworkInput | None], keys: Sequence[Key]) -> list[NetworkInput]:
    return [given for k in keys if (given := inputs[k]) is not None]
