"""The files of a shot's pictures: a still, or files numbered by frame.

`shot.####.exr`, `shot.%04d.exr`, `shot.$F4.exr` and `shot.@@@@.exr` name the same sequence; one `#` is one digit, as in Nuke.
A path without a frame token is a still, also `shot.1001.exr` and `shot.1001_v2.exr`, whose own number is then their frame. An
existing file with exactly the given name is a still, too, whatever characters its name has (`sky@2x.exr`). A movie is a
sequence whose frames are numbered from 1 and have paths of their own (`movie`). Range strings are
read in `relamp.core.frames`; Fileseq groups the names of a folder.
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
from .layers import split_layer
from .movie import EXTENSIONS as MOVIES
from .movie import frame_count, frame_prefix, is_movie

SUGGESTED = (".exr", ".hdr", ".dpx", ".cin", ".tif", ".tiff", ".png", ".jpg", ".jpeg", *MOVIES)  # for a wrong name
LONGEST_TOKEN = 32  # digits of a frame number in a file name
_TOKEN = re.compile(r"#+|@+|%0?\d*d|\$F\d*")
_VIEW = re.compile(r"%[Vv](?![A-Za-z])")
_BETWEEN = re.compile(r"(?<=[._-])\d{2,}(?=[._-])")
# The number of a frame in a file's name: before the extension, else after a dot and before more text.
_NUMBERED = re.compile(r"(?:^|[._])(-?\d+)(?=\.[^.]+$)")
_NUMBERED_WITHIN = re.compile(r"\.(-?\d{3,})(?=[._-])")


@dataclass(frozen=True)
class _Numbered:
    """The parts of a file name around its frame number, and the least number of digits."""

    head: str
    digits: int
    tail: str

    def name(self, frame: int) -> str:
        return f"{self.head}{frame:0{self.digits}d}{self.tail}"


@dataclass(frozen=True)
class Sequence:
    """The files that one path pattern names, one per frame; see `Sequence.parse`."""

    text: str
    _folder: str
    _files: _Numbered | None

    @classmethod
    def parse(cls, text: str | os.PathLike[str], view: str | None = None) -> Sequence:
        """Read a path as an artist types it. On disk, it is only checked whether a file has exactly that name.

        Args:
            text: a file, or a path whose file name holds one frame token: `####`, `%04d`, `$F4` or `@@@@`.
            view: replaces `%V` (`left`) and, by its first letter, `%v` (`l`).

        Raises:
            UsageError: more than one frame token, or a view token without a view.
        """
        path = os.path.expanduser(os.fspath(text))
        if is_movie(path) and os.path.isfile(path):
            return cls(path, path, _Numbered(frame_prefix(os.path.basename(path)), 1, ""))
        if os.path.isfile(path):
            return cls(path, os.path.dirname(path), None)
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
        head, _, tail = name.partition(tokens[0])
        return cls(path, folder, _Numbered(head, _digits(tokens[0]), tail))

    def __str__(self) -> str:
        return self.text

    @property
    def is_still(self) -> bool:
        """Whether every frame is the same file."""
        return self._files is None

    @property
    def is_movie(self) -> bool:
        """Whether the frames are those of a movie."""
        return self._files is not None and self._folder == self.text

    @property
    def number(self) -> int | None:
        """The frame number in a still's own name (`shot.1001.exr` is 1001), else None."""
        match = None if self._files is not None else _number_in(Path(self.text).name)
        return int(match[1]) if match else None

    @property
    def name(self) -> str:
        """The name of the pictures without frame and extension: `shot` for `plates/shot.####.exr`."""
        path = Path(self.text)
        if self.is_movie:
            return path.stem
        if self._files is not None:
            return self._files.head.rstrip("._-") or "shot"
        match = _number_in(path.name)
        return (path.name[: match.start()] if match else path.stem).rstrip("._-") or "shot"

    def path(self, frame: int) -> Path:
        """The file of a frame, whether it exists or not."""
        return Path(self.text) if self._files is None else Path(self._folder, self._files.name(frame))

    def file(self, frame: int) -> Path:
        """The file on disk that holds a frame, whether it exists or not: that of `path`, or the movie."""
        return Path(self.text) if self.is_movie else self.path(frame)

    def frames_on_disk(self) -> tuple[int, ...]:
        """The frames that exist, ascending. A still has the frame of its own number, or 1.

        Raises:
            InputError: nothing matches; the message lists similar files.
        """
        found = self.existing()
        if not found:
            raise InputError(self._nothing_there())
        return found

    def existing(self) -> tuple[int, ...]:
        """The frames that exist, ascending, as `frames_on_disk`; none where nothing matches."""
        if self._files is None:
            return (1 if self.number is None else self.number,) if os.path.isfile(self.text) else ()
        if self.is_movie:
            return tuple(range(1, frame_count(self.text) + 1))
        # Names are listed here and not globbed by Fileseq, because folders and files may contain [brackets].
        return self.frames_among(_list(self._folder) if os.path.isdir(self._folder or ".") else [])

    def frames_among(self, names: Iterable[str]) -> tuple[int, ...]:
        """The frames whose files are among these names of one folder, ascending."""
        return tuple(sorted(frame for name in names for frame in self._frame_of(name)))

    def missing(self, frames: Iterable[int]) -> tuple[int, ...]:
        """Those of `frames` that have no file, ascending."""
        if self.is_movie:
            return tuple(sorted(set(frames) - set(self.existing())))
        return tuple(sorted({frame for frame in frames if not self.path(frame).is_file()}))

    def _frame_of(self, name: str) -> Iterable[int]:
        assert self._files is not None
        digits = name.removeprefix(self._files.head).removesuffix(self._files.tail)
        # A file counts only with the name that `path` gives: 0005 is frame 5 of ####, but 5 is not.
        found = re.fullmatch(r"-?[0-9]+", digits) is not None and self._files.name(int(digits)) == name
        return (int(digits),) if found else ()

    def _nothing_there(self) -> str:
        folder = self._folder or "."
        if os.path.isdir(self.text):
            there = _near(self.text, "")
            one = os.path.join(self.text, there[0].partition(" (")[0] if there else "shot.####.exr")
            holds = f"it holds {', '.join(there)}" if there else "it holds no pictures"
            return f"{self.text} is a folder ({holds}); name the pictures in it, as in {one}"
        if not os.path.isdir(folder):
            return f"{self.text} does not exist: there is no folder {folder}"
        near = _near(folder, os.path.basename(self.text))
        beside = f"; beside it: {', '.join(near)}" if near else f"; {folder} holds no pictures"
        what = "does not exist" if self._files is None else "matches no file"
        return f"{self.text} {what}{beside}"


def shot_name(path: Path) -> str:
    """The name all frames of a shot share, as in `plate.####.exr`, so that a message about a shot appears once, not per frame."""
    match = _number_in(path.name)
    return path.name if match is None else path.name[: match.start(1)] + "#" * len(match[1]) + path.name[match.end(1) :]


def _number_in(name: str) -> re.Match[str] | None:
    return _NUMBERED.search(name) or _NUMBERED_WITHIN.search(name)


def files_of(*texts: str | None) -> list[Path]:
    """Every file on disk that is named by paths as typed, without a layer after a path (`matte.exr:id.A`); None names no file."""
    sequences = [Sequence.parse(split_layer(text)[0]) for text in texts if text]
    return [sequence.file(frame) for sequence in sequences for frame in sequence.existing()]


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


def pattern_of(name: str, beside: Iterable[str]) -> str | None:
    """The pattern of a numbered file's sequence; None where no other name in `beside` belongs to it.

    The last number that neighbours differ in is the frame's: `shot_010.####_v2.exr` for `shot_010.1001_v2.exr`.
    """
    for match in reversed(list(_BETWEEN.finditer(name))):
        head, digits, tail = name[: match.start()], match[0], name[match.end() :]
        neighbour = re.compile(rf"{re.escape(head)}\d{{{len(digits)}}}{re.escape(tail)}")
        if sum(neighbour.fullmatch(other) is not None for other in beside) > 1:
            return f"{head}{'#' * len(digits)}{tail}"
    return None


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
            alone = str(files[0])
            # Fileseq finds frame numbers only before the extension.
            pattern = pattern_of(alone, pictures)
            found[pattern or alone] = ""
    for pattern in [name for name, frames in found.items() if not frames and name not in pictures]:
        found[pattern] = format_frames(Sequence.parse(pattern).frames_among(pictures))
    return found


def _near(folder: str, name: str, most: int = 4) -> list[str]:
    """Suggestions for a wrong name: pictures of the folder as patterns, those with the same beginning first."""
    stem = re.match(r"[^.#%@$]*", name)
    there = sequences_in(folder, SUGGESTED)
    sequences = [f"{pattern} ({frames})" if frames else pattern for pattern, frames in there.items()]
    alike = str(stem[0] if stem else "").lower()
    return sorted(sequences, key=lambda s: (not s.lower().startswith(alike), s))[:most]
