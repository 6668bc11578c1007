"""Where the pictures of a shot lie: a still, or files numbered by frame.

`shot.####.exr`, `shot.%04d.exr`, `shot.$F4.exr` and `shot.@@@@.exr` name the same sequence; one `#` is one digit, as in Nuke.
Anything without a frame token is a still, also `shot.1001.exr`, whose own number is then the frame it stands for.
Range strings are read in `relamp.core.frames`; Fileseq matches names on disk.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from fileseq.constants import PAD_STYLE_HASH1
from fileseq.filesequence import FileSequence

from ..errors import InputError, UsageError
from ..frames import format_frames

LONGEST_TOKEN = 32  # digits of a frame number in a file name
_TOKEN = re.compile(r"#+|@+|%0?\d*d|\$F\d*")
_VIEW = re.compile(r"%[Vv](?![A-Za-z])")
_NUMBERED = re.compile(r"(?:^|[._])(-?\d+)$")


@dataclass(frozen=True)
class Sequence:
    """The files one path pattern stands for, one a frame; see `Sequence.parse`."""

    text: str
    _folder: str
    _files: FileSequence | None

    @classmethod
    def parse(cls, text: str | os.PathLike[str], view: str | None = None) -> Sequence:
        """Read a path as an artist types it. Nothing on disk is looked at.

        Args:
            text: a file, or a path whose file name holds one frame token: `####`, `%04d`, `$F4` or `@@@@`.
            view: replaces `%V` (`left`) and, by its first letter, `%v` (`l`).

        Raises:
            UsageError: more than one frame token, or a view token without a view.
        """
        path = os.path.expanduser(os.fspath(text))
        if _VIEW.search(path):
            if not view:
                raise UsageError(f"{path} names a view by %V or %v; say which with --views")
            path = fill_view(path, view)
        folder, name = os.path.split(path)
        tokens = _TOKEN.findall(name)
        if not tokens:
            return cls(path, folder, None)
        if len(tokens) > 1:
            raise UsageError(f"{path} must hold one frame token such as #### in its file name; it holds {len(tokens)}")
        if len(tokens[0]) > LONGEST_TOKEN or _digits(tokens[0]) > LONGEST_TOKEN:
            raise UsageError(
                f"{tokens[0][:40]} asks for frame numbers of more than {LONGEST_TOKEN} digits; write #### or %04d"
            )
        # Given as %0Nd, because Fileseq takes digits that happen to stand before # for a frame range.
        padded = name.replace(tokens[0], f"%0{_digits(tokens[0])}d")
        return cls(path, folder, FileSequence(padded, pad_style=PAD_STYLE_HASH1))

    def __str__(self) -> str:
        return self.text

    @property
    def is_still(self) -> bool:
        """Whether every frame is the same file."""
        return self._files is None

    @property
    def number(self) -> int | None:
        """The frame a still's own name carries (`shot.1001.exr` is 1001), else None."""
        if self._files is not None:
            return None
        match = _NUMBERED.search(Path(self.text).stem)
        return int(match[1]) if match else None

    @property
    def name(self) -> str:
        """What the pictures are called without frame and extension: `shot` for `plates/shot.####.exr`."""
        stem = Path(self.text).stem if self._files is None else self._files.basename()
        return _NUMBERED.sub("", stem).rstrip("._-") or "shot"

    def path(self, frame: int) -> Path:
        """The file of a frame, whether it exists or not."""
        return Path(self.text) if self._files is None else Path(self._folder, self._files.frame(frame))

    def frames_on_disk(self) -> tuple[int, ...]:
        """The frames that exist, ascending. A still has the frame of its own number, or 1.

        Raises:
            InputError: nothing matches; the sentence lists what lies beside it.
        """
        if self._files is None:
            if not os.path.isfile(self.text):
                raise InputError(self._nothing_there())
            return (1 if self.number is None else self.number,)
        # Names are listed here, not globbed by Fileseq: folders and files may hold [brackets].
        names = _list(self._folder) if os.path.isdir(self._folder or ".") else []
        found = sorted(frame for name in names for frame in self._frame_of(name))
        if not found:
            raise InputError(self._nothing_there())
        return tuple(found)

    def missing(self, frames: Iterable[int]) -> tuple[int, ...]:
        """Those of `frames` that have no file, ascending."""
        return tuple(sorted({frame for frame in frames if not self.path(frame).is_file()}))

    def _frame_of(self, name: str) -> Iterable[int]:
        assert self._files is not None
        base, extension = self._files.basename(), self._files.extension()
        digits = name[len(base) : len(name) - len(extension)]
        if not (name.startswith(base) and name.endswith(extension) and re.fullmatch(r"-?\d+", digits)):
            return ()
        # A file counts only under the name `path` would give it: 5 is not frame 5 of ####, 0005 is.
        return (int(digits),) if self._files.frame(int(digits)) == name else ()

    def _nothing_there(self) -> str:
        folder = self._folder or "."
        if not os.path.isdir(folder):
            return f"{self.text} does not exist: there is no folder {folder}"
        near = _near(folder, os.path.basename(self.text))
        beside = f"; beside it: {', '.join(near)}" if near else f"; {folder} holds no EXR files"
        what = "does not exist" if self._files is None else "matches no file"
        return f"{self.text} {what}{beside}"


def fill_view(path: str, view: str) -> str:
    """`path` with %V as the view's name and %v as its first letter."""
    return _VIEW.sub(lambda token: view if token[0] == "%V" else view[:1], path)


def _digits(token: str) -> int:
    if token[0] in "#@":
        return len(token)
    return int(re.sub(r"\D", "", token) or 1)


def _list(folder: str) -> list[str]:
    try:
        return sorted(entry.name for entry in os.scandir(folder or ".") if not entry.name.startswith("."))
    except OSError as error:
        raise InputError(f"cannot list {folder or '.'}: {error.strerror}") from error


def sequences_in(folder: str | os.PathLike[str], extensions: tuple[str, ...] = (".exr",)) -> dict[str, str]:
    """The sequences and stills of a folder by their names as patterns, with their frames as a range, '' for a single file.

    Raises `InputError` when the folder cannot be listed.
    """
    pictures = [name for name in _list(os.fspath(folder)) if name.lower().endswith(extensions)]
    found = {}
    for files in FileSequence.yield_sequences_in_list(pictures, pad_style=PAD_STYLE_HASH1):
        frames = files.frameSet()
        if frames and len(frames) > 1:
            found[files.format("{basename}{padding}{extension}")] = format_frames(map(int, frames))
        else:
            found[str(files)] = ""
    return found


def _near(folder: str, name: str, most: int = 4) -> list[str]:
    """What an artist may have meant: pictures of the folder as patterns, those that begin alike first."""
    stem = re.match(r"[^.#%@$]*", name)
    there = sequences_in(folder, (".exr", ".hdr"))
    sequences = [f"{pattern} ({frames})" if frames else pattern for pattern, frames in there.items()]
    alike = str(stem[0] if stem else "").lower()
    return sorted(sequences, key=lambda s: (not s.lower().startswith(alike), s))[:most]
