"""The residual of a frame: smoothed in time over its neighbours, then enlarged to full size, guided by normals and matte."""

from __future__ import annotations

import threading
from dataclasses import replace

import cv2
import numpy as np

from ..gain.finish import FinishInput
from ..gain.guide import Guide, GuidedResidual, enlarge_residual, guide_residual
from ..gain.law import unpremultiply
from ..gain.seen_materials import materials_of
from ..gain.subject import Subject
from ..pictures.bands import bands
from ..pictures.curves import FLOOR, decode_log
from ..pictures.resample import resize
from ..temporal.working_frame import WorkingFrame
from .lights import FrameLight, Lights
from .network import WorkingFrames
from .plan import Plan
from .read_ahead import Key


class LastFit:
    """Fits residuals to their guides, and keeps the last guide and fit.

    While a light is turned over one frame, the guide stays the same. While only amounts such as `mix` vary, the fit does, too.
    """

    def __init__(self) -> None:
        self._last: tuple[np.ndarray, np.ndarray, Guide, np.ndarray, GuidedResidual] | None = None

    def fit(self, residual: np.ndarray, small: np.ndarray, matte: np.ndarray) -> GuidedResidual:
        """Fit a residual (h, w, 3) to normals and matte (h, w, 4), weighted by the matte (h, w)."""
        last = self._last
        if last is not None and np.array_equal(last[0], small) and np.array_equal(last[1], matte):
            guide = last[2]
            if last[3] is residual:
                return last[4]
        else:
            guide = Guide.of(small, matte)
        fitted = guide.fit(residual)
        self._last = (small, matte, guide, residual, fitted)
        return fitted


class Residuals:
    """The residuals of a plan's frames; from any number of threads.

    Args:
        one_at_a_time: held while the deflicker runs, because its own threads fill the machine.
    """

    def __init__(
        self, plan: Plan, working: WorkingFrames, lights: Lights, last: LastFit, one_at_a_time: threading.Lock
    ) -> None:
        self._plan, self._working, self._lights, self.last = plan, working, lights, last
        self._one_at_a_time = one_at_a_time

    def steady(self, key: Key, here: WorkingFrame) -> np.ndarray:
        """The residual (h, w, 3) of a working frame relative to the traced lights, deflickered where the plan has a head.

        The head's input is the residual including what tracing adds, so that flickering shadows are smoothed, too.
        """
        head = self._plan.head
        if head is None:
            return here.untraced
        window = self._working.around(key, self._plan.radius)
        with self._one_at_a_time:
            steady = head.steady(window, self._plan.parameters.deflicker_strength)
        return steady if here.share is None else steady - here.share

    def enlarge(self, subject: Subject, light: FrameLight, here: WorkingFrame, residual: np.ndarray) -> FinishInput:
        """The residual (h, w, 3) fitted to its guide, as input of `finish`; guessed normals are replaced by the network's."""
        shading = replace(light.shading, hint=self._lights.hint(light, here.normals, here.matte))
        if subject.guessed and self._plan.backbone.network is not None:
            subject = replace(subject, normals=_enlarged(here.normals, subject.weight.shape), guessed=False)
        if here.parts is not None and here.parts.any():
            parts = resize(here.parts, subject.weight.shape)  # (H, W, 3)
            subject = replace(subject, parts=parts, materials=subject.materials or materials_of(parts))
        guided = residual.any()  # it is zero where the traced lights are the whole answer
        if not guided and "albedo" not in self._plan.parameters.layers:
            return FinishInput(subject, shading, sides=self._sides(subject, here))
        small = np.concatenate([here.normals, here.matte[..., None]], -1)  # (h, w, 4)
        full = np.concatenate([subject.normals, subject.weight[..., None]], -1)  # (H, W, 4)
        sides = self._sides(subject, here, (small, full))
        if not guided:
            return FinishInput(subject, shading, sides=sides)
        return FinishInput(subject, shading, self.last.fit(residual, small, here.matte), full, sides)

    def _sides(
        self, subject: Subject, here: WorkingFrame, guides: tuple[np.ndarray, np.ndarray] | None = None
    ) -> dict[str, np.ndarray]:
        """The requested layers that only the network predicts, at full size; an albedo needs the guides of both sizes."""
        asked, sides = self._plan.parameters.layers, {}
        if "confidence" in asked and here.confidence is not None:
            sides["confidence"] = np.clip(resize(here.confidence, subject.weight.shape), 0, 1)
        if "albedo" in asked and here.albedo is not None and guides is not None:
            anchor = np.float32(self._plan.job.measured.anchor or 1.0)
            sides["albedo"] = with_detail(here.albedo, here.code, here.matte, subject, *guides, anchor)
        return sides


def with_detail(
    albedo: np.ndarray, code: np.ndarray, matte: np.ndarray, subject: Subject, small: np.ndarray, full: np.ndarray,
    anchor: np.float32,
) -> np.ndarray:  # fmt: skip
    """Enlarge an albedo to full size with the plate's detail: the enlarged picture is the log ratio of albedo to proxy.

    Args:
        albedo: (h, w, 3), 0 to 1.
        code, matte: (h, w, 3) log-encoded proxy and (h, w) matte of the same frame.
        small, full: (h, w, G) and (H, W, G) guides.
        anchor: the factor that brings the plate to the proxy's exposure.

    Returns:
        (H, W, 3), 0 to 1.
    """
    delit = np.log((albedo + np.float32(FLOOR)) / (decode_log(code) + np.float32(FLOOR)))
    guided = guide_residual(delit, small, matte)
    light = np.maximum(unpremultiply(subject.plate, subject.alpha) * anchor, 0)  # (H, W, 3)
    height = light.shape[0]
    for rows in bands(height):
        factor = np.exp(enlarge_residual(guided, full[rows], rows, height))
        light[rows] = np.clip((light[rows] + np.float32(FLOOR)) * factor - np.float32(FLOOR), 0, 1)
    return light


def _enlarged(normals: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    large = cv2.resize(normals, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
    return large / np.maximum(np.linalg.norm(large, axis=-1, keepdims=True), 1e-6)
