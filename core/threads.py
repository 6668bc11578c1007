"""How many threads work inside one call of a library: always the same, since other counts can give other last bits.

Frames are the parallel unit (`--threads`); inside a frame's arithmetic BLAS and OpenCV stay on one. Floor 0.
"""

from __future__ import annotations

import os
import sys

_BLAS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def pin() -> None:
    """Hold BLAS to one thread. Works only before numpy is imported, so programs call it first thing."""
    if "numpy" not in sys.modules:
        os.environ.update(dict.fromkeys(_BLAS, "1"))
