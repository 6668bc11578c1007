"""How the process is set up before any work: threads inside libraries, and what malloc does with big arrays. Floor 0."""

from __future__ import annotations

import ctypes
import os
import sys

_BLAS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h
_KEEP = 1 << 30  # bytes; above any array of an 8K frame


def pin_opencv() -> None:
    """One thread inside each call of OpenCV, for the same reason; called where work begins, since it loads OpenCV."""
    import cv2

    cv2.setNumThreads(1)


def set_up() -> None:
    """Pin the threads inside BLAS and keep freed arrays; programs call it first thing.

    Other thread counts can give other last bits, and frames are the parallel unit (`--threads`), so BLAS gets one; that
    works only before numpy is imported. glibc hands every big array back to the kernel, which then clears its pages
    again for the next frame: a third of a 4K frame's time (`benchmarks/plate_io.py`), so here they are kept.
    """
    if "numpy" not in sys.modules:
        os.environ.update(dict.fromkeys(_BLAS, "1"))
    if sys.platform.startswith("linux"):
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt is not None:  # musl has none
            mallopt(_M_MMAP_THRESHOLD, _KEEP)
            mallopt(_M_TRIM_THRESHOLD, _KEEP)
