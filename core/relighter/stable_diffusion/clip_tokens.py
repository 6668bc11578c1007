"""CLIP's tokenizer, from a folder's `vocab.json` and `merges.txt`: byte-pair encoding of lower-cased words.

Sennrich et al. 2016, as CLIP (Radford et al. 2021) uses it: each UTF-8 byte is a printable letter, the last one of a word
carries `</w>`, and the pair of the lowest rank is joined first. Standard library only, besides the errors.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cached_property
from itertools import pairwise
from pathlib import Path

from ... import plain_json
from ...errors import InputError
from .prompts import Tokens

BEGIN, END = "<|startoftext|>", "<|endoftext|>"
_WORDS = re.compile(r"'s|'t|'re|'ve|'m|'ll|'d|[^\W\d_]+|\d|(?:[^\s\w]|_)+")


class ClipTokens:
    """The tokenizer; see the module."""

    def __init__(self, folder: Path) -> None:
        """Read the two files; raises `InputError` when one is missing or damaged."""
        self._ids = _vocabulary(folder / "vocab.json")
        self._ranks = {pair: rank for rank, pair in enumerate(_merges(folder / "merges.txt"))}
        self._known: dict[str, list[int]] = {}

    @cached_property
    def tokens(self) -> Tokens:
        """The tokenizer in the form that `prompts.encode` takes."""
        return Tokens(self.ids, self._ids[BEGIN], self._ids[END])

    def ids(self, sentence: str) -> list[int]:
        """The token ids of a sentence, without the tokens for begin and end. A symbol without a token becomes the end
        token, as in CLIP.
        """
        # Number characters other than digits are split off singly, like digits; Python's \w would join them to a word.
        apart = "".join(f" {c} " if unicodedata.category(c) in ("Nl", "No") else c for c in sentence)
        clean = " ".join(unicodedata.normalize("NFC", apart).split()).lower()
        return [number for word in _WORDS.findall(clean) for number in self._of(word)]

    def _of(self, word: str) -> list[int]:
        if word not in self._known:
            unknown = self._ids[END]
            self._known[word] = [self._ids.get(part, unknown) for part in self._joined(word)]
        return self._known[word]

    def _joined(self, word: str) -> list[str]:
        letters = [_LETTERS[byte] for byte in word.encode("utf-8")]
        parts = [*letters[:-1], letters[-1] + "</w>"]
        while len(parts) > 1:
            best = min(pairwise(parts), key=lambda pair: self._ranks.get(pair, len(self._ranks)))
            if best not in self._ranks:
                break
            parts = _join(parts, best)
        return parts


def _join(parts: list[str], pair: tuple[str, str]) -> list[str]:
    joined: list[str] = []
    for part in parts:
        if joined and (joined[-1], part) == pair:
            joined[-1] += part
        else:
            joined.append(part)
    return joined


def _letters() -> list[str]:
    """A printable character for each byte: the byte's own character where that is printable, else one from code point 256 on."""
    printable = {*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)}
    others = iter(range(256, 512))
    return [chr(byte if byte in printable else next(others)) for byte in range(256)]


_LETTERS = _letters()


def _vocabulary(path: Path) -> dict[str, int]:
    try:
        ids = plain_json.loads(path.read_text("utf-8"))
    except OSError as cause:
        raise InputError(f"{path} cannot be read: {cause.strerror}; it comes with the base model") from cause
    except ValueError as cause:
        raise InputError(f"{path} is not JSON; download it again") from cause
    if not isinstance(ids, dict) or BEGIN not in ids or END not in ids:
        raise InputError(f"{path} has no {BEGIN} and {END}, so it is not CLIP's vocabulary")
    return ids


def _merges(path: Path) -> list[tuple[str, str]]:
    try:
        lines = path.read_text("utf-8").splitlines()
    except OSError as cause:
        raise InputError(f"{path} cannot be read: {cause.strerror}; it comes with the base model") from cause
    pairs = [tuple(line.split()) for line in lines if line.strip() and not line.startswith("#version")]
    odd = next((pair for pair in pairs if len(pair) != 2), None)
    if odd is not None:
        raise InputError(f"{path}: a line holds two parts to join; got {' '.join(odd)!r}")
    return [(left, right) for left, right in pairs]
