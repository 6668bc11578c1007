"""Channels of pictures on disk, for benchmarks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import OpenImageIO as oiio


def channels(path: Path, *names: str) -> np.ndarray:
    """Channels of a picture by name, (H, W, N) float32. Ends the program where the file cannot be read."""
    file = oiio.ImageInput.open(str(path))
    if file is None:
        raise SystemExit(f"{path} cannot be read; the first command in this benchmark's first lines makes it")
    indices = [list(file.spec().channelnames).index(name) for name in names]
    pixels = file.read_image(format="float")[..., indices]
    file.close()
    return pixels
