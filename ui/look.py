"""A look that was kept."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtGui import QImage

from ..core.job import RelightJob


@dataclass(frozen=True)
class Snapshot:
    """A job, the picture it gave of a frame, and its letter."""

    name: str
    job: RelightJob
    frame: int
    image: QImage
