"""The rig of a preview, split into where its lights stand and how strong and what colour they are. Floor 3.

The layers of lights add up to the picture, and a light's strength and colour only multiply its layer. So a preview works out
the layers of white lights that are all on, and an artist dims, tints and switches them without anything being traced again.
"""

from __future__ import annotations

import hashlib
import shutil
import weakref
from dataclasses import replace
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
from cachetools import LRUCache

from ..atomic import replacing
from ..light import rig_file
from ..light.rig import Rig, RigLight, to_json
from ..parameters import RelightParameters
from ..pictures.colour import Colour
from .preview_plate import file_state
from .rig_lights import colour_of

Gain = tuple[float, float, float]
KEPT = 64  # rigs


class NeutralRigs:
    """Writes the neutral rigs that previews are prepared from into a folder of its own, which goes when this does."""

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._read: LRUCache[object, tuple[Rig, str]] = LRUCache(KEPT)

    def split(self, p: RelightParameters, frame: int, colour: Colour) -> tuple[RelightParameters, tuple[Gain, ...]]:
        """The parameters with the rig's neutral twin in its place, and what each light's layer is multiplied with at a frame.

        Raises:
            InputError: the rig cannot be read.
        """
        if p.rig is None:
            return p, ()
        rig, neutral = self._rig(Path(p.rig))
        return replace(p, rig=neutral), tuple(_gain(light, frame, colour) for light in rig.lights)

    def _rig(self, path: Path) -> tuple[Rig, str]:
        """A rig, and the file of its neutral twin, whose name comes from what it holds."""
        key = file_state(path)
        if key not in self._read:
            rig = rig_file.load(path)
            white = (replace(light, stops=0.0, kelvin=None, colour=None, on=True) for light in rig.lights)
            text = to_json(replace(rig, lights=tuple(white)))
            file = self._own_folder() / f"{hashlib.sha256(text.encode()).hexdigest()}.json"
            if not file.is_file():
                with replacing(file) as temporary:
                    temporary.write_text(text, encoding="utf-8")
            self._read[key] = (rig, str(file))
        return self._read[key]

    def _own_folder(self) -> Path:
        if self._folder is None:
            self._folder = Path(mkdtemp(prefix="relamp-rigs-"))
            weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        return self._folder


def _gain(light: RigLight, frame: int, colour: Colour) -> Gain:
    """What the layer of a white light of 0 stops is multiplied with to be that of `light`."""
    if not light.on:
        return (0.0, 0.0, 0.0)
    now = light.at_frame(frame)
    r, g, b = (float(part) for part in np.float32(2.0**now.stops) * colour_of(now, colour))
    return r, g, b
