"""ONNX files of estimators: opened on one device with a fixed number of threads, with inputs and outputs by name."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnxruntime as ort

from ...errors import InputError

log = logging.getLogger("relamp")

INTRA_OP_THREADS = 2
"""Constant on every machine, because another number of threads can change the last bits."""


class OnnxFile:
    """A network in ONNX Runtime. `inputs` and `outputs` hold name and shape; a size that may vary is a string or None."""

    def __init__(self, path: Path, device: str = "cpu") -> None:
        """Open a file on `device`, cpu or cuda:0. Raises `InputError` for a file that is not ONNX."""
        there = ort.get_available_providers()
        cuda = "CUDAExecutionProvider" in there
        if device.startswith("cuda") and not cuda:
            log.info("%s runs on the processor: this onnxruntime has no CUDA (onnxruntime-gpu has)", path.name)
        options = ort.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = INTRA_OP_THREADS, 1
        options.log_severity_level = 3
        providers: list = ["CPUExecutionProvider"]
        if cuda and device.startswith("cuda"):
            providers.insert(0, ("CUDAExecutionProvider", {"device_id": int(device.partition(":")[2] or 0)}))
        try:
            self._session = ort.InferenceSession(str(path), options, providers=providers)
        except Exception as error:  # onnxruntime's own errors share no public base class
            raise InputError(f"{path} cannot be read as an ONNX network ({error!s:.200}); download it again") from None
        self.path = path
        self.inputs = {node.name: tuple(node.shape) for node in self._session.get_inputs()}
        self.outputs = {node.name: tuple(node.shape) for node in self._session.get_outputs()}

    def run(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """All outputs by name. Raises `InputError` where the network fails, or an output holds NaN."""
        try:
            found = self._session.run(None, dict(inputs))
        except Exception as error:  # as above
            raise InputError(f"{self.path.name} fails on its input ({error!s:.200}); download it again") from None
        made = {name: np.asarray(value, np.float32) for name, value in zip(self.outputs, found, strict=True)}
        for name, value in made.items():
            if np.isnan(value).any():
                raise InputError(f"{self.path.name}: its output {name} holds numbers that are none; download it again")
        return made

    def require(self, what: str, inputs: Mapping[str, int], outputs: Mapping[str, int]) -> None:
        """Raise `InputError` unless the named inputs and outputs exist with the given numbers of axes."""
        for kind, wanted, there in (("input", inputs, self.inputs), ("output", outputs, self.outputs)):
            for name, axes in wanted.items():
                if name not in there:
                    raise InputError(
                        f"{self.path.name} has no {kind} {name} (it has {', '.join(there)}), so it is not {what}"
                    )
                if len(there[name]) != axes:
                    raise InputError(
                        f"{self.path.name}: its {kind} {name} has {len(there[name])} axes, that of {what} has {axes}"
                    )
