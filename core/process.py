"""How the process is set up before any work: how many threads libraries may use inside one call. Floor 0."""

from __future__ import annotations

import logging
import os
import sys

log = logging.getLogger("relamp")

_BLAS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
# OpenMP's threads spin while they wait for each other. On a machine that is busy with something else, a render beside the
# panel say, what a thread waits for may not even be running: the network takes ten times as long. Asleep they cost nothing.
_OPENMP = {"OMP_WAIT_POLICY": "PASSIVE"}


def pin_opencv() -> None:
    """One thread inside each call of OpenCV, for the same reason; called where work begins, since it loads OpenCV."""
    import cv2

    cv2.setNumThreads(1)


def set_up() -> None:
    """Pin the threads inside BLAS and let OpenMP's sleep; programs call it first thing, before numpy is imported.

    Other thread counts can give other last bits, and frames are the parallel unit (`--threads`), so BLAS gets one. Where numpy
    was loaded before and nobody pinned its threads, that cannot be made good any more, and is said in a warning.
    """
    if "numpy" not in sys.modules:
        os.environ.update(dict.fromkeys(_BLAS, "1"))
        for name, value in _OPENMP.items():
            os.environ.setdefault(name, value)
    elif any(os.environ.get(name) != "1" for name in _BLAS):
        log.warning(
            "numpy was loaded before Relamp, so the threads inside it are not pinned to one and last bits may differ from"
            " other machines; set %s to 1 before Python starts",
            ", ".join(name for name in _BLAS if os.environ.get(name) != "1"),
        )
