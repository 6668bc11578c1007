"""The deflicker head: removes what flickers in the residuals of a window and keeps what truly changes.

A small network, run by ONNX Runtime alone, weighs six neighbours that `align` brought onto the middle frame: whole frames,
and the surroundings of every 4 x 4 pixels. Flicker is coarse, so finer differences are never changed. Its inputs are
differences between frames only, so equal frames come out bit for bit, and a window of zeros gives zeros.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import onnxruntime as ort

from ..errors import InputError
from ..weights.ledger import require_entered
from .align import RADIUS, Aligned, Aligner, Sight
from .smaller import Smaller

log = logging.getLogger("relamp")

SHIPPED = Path(__file__).with_name("weights") / "deflicker-1.onnx"
STRIDE = 8
"""Height and width the network takes are multiples of this."""
INTRA_OP_THREADS = 2
"""Always: other counts can give other last bits."""


class Deflicker:
    """The head, ready to run. `weights` is the SHA-256 of its file in hex, `card` what the file says of itself."""

    RADIUS = RADIUS

    def __init__(self, device: str = "cpu", path: Path = SHIPPED) -> None:
        """Load the head onto `device`: auto, cpu or cuda:0.

        Raises:
            InputError: the file is missing, damaged, or differs from its entry in the ledger.
        """
        if not path.is_file():
            raise InputError(
                f"the deflicker head {path.name} is not in {path.parent}; reinstall, or use --no-deflicker"
            )
        self.weights = hashlib.sha256(path.read_bytes()).hexdigest()
        require_entered(path, self.weights)
        self._session = open_session(path, device)
        self.card = dict(self._session.get_modelmeta().custom_metadata_map)
        self._aligner, self._smaller = Aligner(), Smaller()

    def steady(self, window: Sequence[Sight | None], strength: float = 1.0) -> np.ndarray:
        """The residual of the middle frame without its flicker.

        Args:
            window: 2 RADIUS + 1 frames in order of time, None where there is none; the middle one must be there.
            strength: 0 leaves the residual as it is, 1 adds the whole correction.

        Returns:
            (h, w, 3) float32 log gain over the middle frame's hint.
        """
        middle = window[RADIUS]
        if middle is None:
            raise ValueError("a window needs its middle frame")
        neighbours = [frame for frame in window if frame is not None and frame is not middle]
        if strength == 0 or not any(frame.residual.any() for frame in (middle, *neighbours)):
            return middle.residual
        correction = self.correct(self._aligner.align(self._smaller.window(window)))
        height, width = middle.residual.shape[:2]
        if correction.shape[:2] != (height, width):
            correction = cv2.resize(correction, (width, height), interpolation=cv2.INTER_LINEAR)
        return middle.residual + np.float32(strength) * correction

    def correct(self, aligned: Aligned) -> np.ndarray:
        """The correction to the middle residual of an aligned window, (h, w, 3) float32 log gain."""
        height, width = aligned.matte.shape
        inputs = {name: _padded(planes) for name, planes in as_planes(aligned).items()}
        (out,) = self._session.run(["correction"], inputs)
        return np.ascontiguousarray(np.asarray(out)[0, :, :height, :width].transpose(1, 2, 0))


@lru_cache(maxsize=2)
def load(device: str = "cpu") -> Deflicker:
    """The head that ships; the last two devices' are kept loaded. Raises `InputError` when its file is missing or damaged."""
    return Deflicker(device)


def as_planes(aligned: Aligned) -> dict[str, np.ndarray]:
    """An aligned window as the network's inputs, T = 1 frame: (T, N, C, h, w), the matte (T, 1, h, w)."""
    return {
        "difference": aligned.difference.transpose(0, 3, 1, 2)[None],
        "light": aligned.light.transpose(0, 3, 1, 2)[None],
        "plate": aligned.plate[None, :, None],
        "confidence": aligned.confidence[None, :, None],
        "matte": aligned.matte[None, None],
    }


def _padded(planes: np.ndarray) -> np.ndarray:
    """Zeros below and to the right, up to whole strides: confidence and matte are 0 there, so those pixels add nothing."""
    height, width = planes.shape[-2:]
    more = [(0, 0)] * (planes.ndim - 2) + [(0, -height % STRIDE), (0, -width % STRIDE)]
    return np.ascontiguousarray(np.pad(planes, more), np.float32)


def open_session(path: Path, device: str) -> ort.InferenceSession:
    """An ONNX Runtime session of a file of the head, with a fixed number of threads. Raises `InputError` for any other file."""
    there = ort.get_available_providers()
    cuda = "CUDAExecutionProvider" in there
    # Usual where torch has CUDA and onnxruntime has not; the processor is fast enough.
    if device.startswith("cuda") and not cuda:
        log.info("the deflicker head runs on the processor: this onnxruntime has no CUDA (onnxruntime-gpu has)")
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = INTRA_OP_THREADS, 1
    options.log_severity_level = 3
    providers: list = ["CPUExecutionProvider"]
    if cuda and device != "cpu":
        providers.insert(0, ("CUDAExecutionProvider", {"device_id": int(device.partition(":")[2] or 0)}))
    try:
        return ort.InferenceSession(str(path), options, providers=providers)
    except Exception as error:  # onnxruntime's own errors share no public base class
        raise InputError(f"{path} cannot be read as the deflicker head ({error}); reinstall Relamp") from None
