"""One frame at the working size with the network's residual over the analytic gain, as the steps over time take it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

THUMB = 16  # px, a side of the thumbnail that cuts are detected with


@dataclass(frozen=True)
class WorkingFrame:
    """One frame over its data window, float32; nothing in it knows the level F.

    `code` (h, w, 3) is the log-encoded proxy (`curves.encode_log`), `matte` (h, w) from 0 to 1, `normals` (h, w, 3) unit
    camera-space vectors: those given, and the network's own where none were. `hint` (h, w, 3) is the analytic log gain on
    them, and `residual` (h, w, 3) the network's log gain over it. `albedo` (h, w, 3) is the delit subject from 0 to 1 and
    `confidence` (h, w) from 0 to 1, when there are any. `canvas` tells frames that lie over each other pixel for pixel.
    `known` (h, w) is 1 where the normals were given and 0 where they are the network's own; None is given everywhere.
    `height` (h, w) is the relief in pixels, `doubt` (h, w) its error in radians, and `share` (h, w, 3) what tracing the lights
    on it added to the residual; None of relighters that do not trace. `own` (h, w) is the natural log of the plate's own light
    where it was read off the plate, and `distance` that of the subject's middle from the camera, where a depth says it.
    `parts` (h, w, 3) are the shares of skin, hair and cloth where a network tells them apart.
    """

    code: np.ndarray
    matte: np.ndarray
    normals: np.ndarray
    hint: np.ndarray
    residual: np.ndarray
    albedo: np.ndarray | None = None
    confidence: np.ndarray | None = None
    canvas: object = None
    known: np.ndarray | None = None
    height: np.ndarray | None = None
    doubt: np.ndarray | None = None
    share: np.ndarray | None = None
    own: np.ndarray | None = None
    distance: float | None = None
    parts: np.ndarray | None = None

    @cached_property
    def untraced(self) -> np.ndarray:
        """The residual without what tracing added to it, (h, w, 3)."""
        return self.residual if self.share is None else self.residual - self.share

    @cached_property
    def thumb(self) -> np.ndarray:
        """The thumbnail of `code` (`thumb`)."""
        return thumb(self.code)


def thumb(code: np.ndarray) -> np.ndarray:
    """A log proxy (h, w, 3) as a thumbnail of 16 x 16, less its mean, so that exposure does not count."""
    small = cv2.resize(code, (THUMB, THUMB), interpolation=cv2.INTER_AREA)
    return small - small.mean((0, 1))
