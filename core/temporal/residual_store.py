"""Residuals on disk, beside the output, shared by the chunks of a job.

The first and last frames of a chunk depend on frames of its neighbours. What a network predicted of those is kept here, so
that it is computed once a shot and not once a chunk. Files are named by the fingerprint of everything they depend on,
appear whole, and are read only where they fit; a damaged file is ignored. The folder is removed when the job is whole.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from ..atomic import remove_stale, replacing
from ..errors import OutputError

log = logging.getLogger("relamp")

A = TypeVar("A")


class ResidualStore:
    """The residuals of one job. `hits` and `misses` count the answers that were read and those that were computed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.hits = self.misses = 0
        self._writable = True

    @classmethod
    def beside(cls, out: Path, name: str) -> ResidualStore:
        """The store of the sequence `name` in the folder `out`; its folder is hidden, so that it is not taken for frames."""
        return cls(out / f".{name}.residuals")

    def answers(self, key: str, ask: Callable[[], Sequence[A]], like: type[A]) -> list[A]:
        """The answers stored under `key`, else those that `ask` computes, which are then stored.

        Args:
            key: fingerprint of everything the answers depend on.
            like: their class, a dataclass of float32 arrays, or None where a field allows that.
        """
        path = self.folder / f"{key}.safetensors"
        found = _load(path, like)
        if found is not None:
            self.hits += 1
            return found
        self.misses += 1
        made = list(ask())
        self._save(path, made)
        return made

    def remove(self) -> None:
        """Remove the folder, when the job is whole."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def remove_when_whole(self, frames: Iterable[Path]) -> None:
        """Remove the folder if all these frames exist."""
        if self.folder.is_dir() and all(path.exists() for path in frames):
            self.remove()

    def _save(self, path: Path, answers: Sequence[Any]) -> None:
        if not self._writable:
            return
        arrays = {
            f"{index}.{f.name}": np.ascontiguousarray(value, np.float32)
            for index, answer in enumerate(answers)
            for f in fields(answer)
            if (value := getattr(answer, f.name)) is not None
        }
        try:
            remove_stale(self.folder)
            with replacing(path, overwrite=True) as temporary:
                save_file(arrays, temporary)
        except (OSError, OutputError, SafetensorError) as error:
            # A store only saves time: the render is the same without one.
            self._writable = False
            log.warning("residuals are not kept: %s", error)


def _load(path: Path, like: type[A]) -> list[A] | None:
    try:
        arrays = load_file(path)
        names = [f.name for f in fields(like)]  # type: ignore[arg-type]
        count = 1 + max(int(name.partition(".")[0]) for name in arrays)
        found = [{name: arrays[f"{i}.{name}"] for name in names if f"{i}.{name}" in arrays} for i in range(count)]
        return [like(**one) for one in found]
    except (OSError, SafetensorError, ValueError, TypeError):
        return None
