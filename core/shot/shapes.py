"""The shapes that a network estimates from a shot's frames, each smoothed over its neighbours, by absolute number. Floor 3."""

from __future__ import annotations

import logging
from collections.abc import Hashable
from dataclasses import fields, replace

import numpy as np

from ..errors import InputError, UsageError
from ..gain.proxy import Proxy
from ..gain.subject import Subject
from ..pictures.curves import encode_log
from ..relighter.answer import Seeing
from ..shape.close_up import Box, close_ups, covers, nothing_seen, put_in
from ..shape.seen import SeenShape
from ..temporal.align import Aligner
from ..temporal.steady_shape import SeenFrame, steadied
from ..temporal.windows import same_canvas, same_take
from ..temporal.working_frame import thumb
from .network_input import proxy_of
from .plan import Plan
from .read_ahead import Frames, Key, keys_of
from .shared_cache import SharedCache

log = logging.getLogger("relamp")


class SeenShapes:
    """A cache of estimated shapes, by everything that affects them; it can outlive a shot. `maxsize` frames are kept."""

    def __init__(self, maxsize: int) -> None:
        self.aligner = Aligner()
        self.frames: SharedCache[Hashable, SeenFrame | None] = SharedCache(maxsize)
        self.steady: SharedCache[Hashable, SeenShape] = SharedCache(maxsize)


class Shapes:
    """The shapes that a plan's network estimates from its frames; from any number of threads.

    Shapes do not depend on the light. While a light is turned over one frame, they are estimated once.

    Args:
        seen: the cache of shapes.
    """

    def __init__(self, plan: Plan, frames: Frames, seen: SeenShapes) -> None:
        network = plan.backbone.network
        self._network = network if isinstance(network, Seeing) else None
        self._plan, self._frames, self._seen = plan, frames, seen

    def of(self, key: Key) -> SeenShape | None:
        """The shape of a frame, (h, w) at the working size, smoothed in time with `temporal`; None if the network estimates none.

        Raises:
            InputError: the frame cannot be read, or its matte is empty.
        """
        if self._network is None:
            return None
        near, radius = self._plan.near(key[1]), self._plan.reach
        keys = keys_of(key, range(key[1] - radius, key[1] + radius + 1), near)
        return self._seen.steady.get(tuple(k and self._identity(k) for k in keys), lambda _: self._steadied(keys))

    def see(self, key: Key) -> None:
        """Estimate the shape of one frame without its neighbours, and keep it for those whose shapes are averaged with it."""
        if self._network is not None:
            self._seen_all([key])

    def _steadied(self, keys: list[Key | None]) -> SeenShape:
        radius = len(keys) // 2
        found = iter(self._seen_all([k for k in keys if k is not None]))
        window = [None if k is None else next(found) for k in keys]
        here = window[radius]
        if here is None:
            raise InputError(f"frame {keys[radius]} shows nothing that is lit")
        window = same_take(same_canvas(window, radius), radius, lambda frame: thumb(frame.code))
        return steadied(window, self._seen.aligner.tracks(window))

    def _seen_all(self, keys: list[Key]) -> list[SeenFrame | None]:
        by_identity = {self._identity(key): key for key in keys}
        return self._seen.frames.get_all(by_identity, lambda identity: self._see(by_identity[identity]))

    def _identity(self, key: Key) -> Hashable:
        """A key of everything that a frame's shape depends on."""
        p = self._plan
        return self._frames.identity(key), p.job.measured.anchor, p.parameters.working_side(), p.backbone.weights

    def _see(self, key: Key) -> SeenFrame | None:
        """The network's estimate for a frame; None where the frame cannot be read or its matte is empty."""
        try:
            with self._frames.open(key) as read:
                if not read.subject.weight.any():
                    return None
                proxy, frame = proxy_of(read.subject, self._plan), read.frame
                code, boxes = self._code(proxy), close_ups(proxy.matte)
                parts = [proxy_of(_cropped(read.subject, box), self._plan) for box in boxes]
        except (InputError, UsageError) as error:
            log.warning("frame %d is left out beside its neighbours: %s", key[0], error)
            return None
        alone = covers(boxes, proxy.matte)
        shape = nothing_seen(proxy.matte.shape) if alone else self._ask(code, proxy.matte)
        for box, part in zip(boxes, parts, strict=True):
            shape = put_in(shape, self._ask(self._code(part), part.matte), box, proxy.matte, alone)
        return SeenFrame(code, proxy.matte, shape, (frame.data_window, frame.display_window))

    def _ask(self, code: np.ndarray, matte: np.ndarray) -> SeenShape:
        assert self._network is not None
        return self._network.see(code, matte)

    def _code(self, proxy: Proxy) -> np.ndarray:
        """The network's input picture of a proxy, (h, w, 3): in ACEScg, log-encoded."""
        return encode_log(proxy.light @ self._plan.colour.to_acescg.astype(np.float32).T)


def _cropped(subject: Subject, box: Box) -> Subject:
    """A part of a subject, at its full size."""
    height, width = subject.weight.shape
    part = (box.rows(height), box.columns(width))
    held = {f.name: getattr(subject, f.name) for f in fields(subject)}
    return replace(subject, **{name: value[part] for name, value in held.items() if isinstance(value, np.ndarray)})
