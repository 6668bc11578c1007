"""Neighbours in time: which frames a frame depends on, and the removal of flicker over them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np

    from .working_frame import WorkingFrame


class Head(Protocol):
    """The network that removes flicker from residuals; see `deflicker`."""

    @property
    def RADIUS(self) -> int:
        """Neighbours on each side that it takes."""
        ...

    @property
    def weights(self) -> str:
        """SHA-256 of its file in hex."""
        ...

    def steady(self, window: Sequence[WorkingFrame | None], strength: float) -> np.ndarray:
        """The steadied residual of the middle frame, (h, w, 3) float32; a window without residuals gives exactly zero.

        Args:
            window: 2 RADIUS + 1 frames over the same pixels, None where there is no frame or another take.
            strength: 0 leaves the residual as it is, 1 is the whole correction.
        """
        ...


def load_head(device: str) -> Head:
    """The head that ships, on the device of `--device`."""
    from .deflicker import load

    return load(device)
