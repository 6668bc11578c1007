"""How the process is set up before any work: how many threads libraries may use inside one call. Floor 0."""

from __future__ import annotations

import os
import sys

_BLAS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def pin_opencv() -> None:
    """One thread inside each call of OpenCV, for the same reason; called where work begins, since it loads OpenCV."""
    import cv2

    cv2.setNumThreads(1)


def set_up() -> None:
    """Pin the threads inside BLAS; programs call it first thing, since it works only before numpy is imported.

    Other thread counts can give other last bits, and frames are the parallel unit (`--threads`), so BLAS gets one.
    """
    if "numpy" not in sys.modules:
        os.environ.update(dict.fromkeys(_BLAS, "1"))
