"""Sentences of any length for a text encoder of 77 tokens: cut into blocks, encoded one by one and laid end to end.

IC-Light's way: 75 tokens a block between begin and end, filled with ends; the shorter of the two prompts is repeated
until both have as many blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

QUALITY = "best quality"
NEGATIVE = "lowres, bad anatomy, bad hands, cropped, worst quality"


@dataclass(frozen=True)
class Text:
    """An encoded pair of prompts, (1, L, D) each: `positive` describes the light that is wanted, `negative` what is not."""

    positive: torch.Tensor
    negative: torch.Tensor

    def to(self, device: torch.device, dtype: torch.dtype) -> Text:
        """The same on another device and in another precision."""
        return Text(self.positive.to(device, dtype), self.negative.to(device, dtype))


@dataclass(frozen=True)
class Tokens:
    """A tokenizer. `ids` gives the tokens of a sentence without begin and end; `length` is the number of tokens that the
    encoder takes.
    """

    ids: Callable[[str], Sequence[int]]
    begin: int
    end: int
    length: int = 77

    def blocks(self, sentence: str) -> torch.Tensor:
        """The sentence as (k, length) token blocks, k at least 1."""
        return blocks(self.ids(sentence), self.begin, self.end, self.length)


def blocks(ids: Sequence[int], begin: int, end: int, length: int = 77) -> torch.Tensor:
    """Token ids cut into (k, length) blocks, each begin, ids, end, and ends for padding."""
    room = length - 2
    cut = [list(ids[at : at + room]) for at in range(0, max(len(ids), 1), room)]
    return torch.tensor([[begin, *part, *[end] * (length - 1 - len(part))] for part in cut])


def repeated(own: int, other: int) -> list[int]:
    """For each of the longer prompt's blocks, the index of the block of `own` that fills its place: blocks are repeated
    in order.
    """
    return [place % own for place in range(max(own, other))]


def encode(
    positive: str,
    negative: str,
    tokens: Tokens,
    encoder: Callable[[torch.Tensor], torch.Tensor],
    quality: str = QUALITY,
) -> Text:
    """Both prompts, (1, 77 k, D).

    Args:
        encoder: from (k, 77) tokens to their last hidden states, (k, 77, D).
        quality: added to the positive prompt after a comma; empty adds nothing.
    """
    wanted = tokens.blocks(", ".join(part for part in (positive, quality) if part))
    unwanted = tokens.blocks(negative)
    laid = (
        encoder(own)[repeated(len(own), len(other))].flatten(0, 1)[None]
        for own, other in ((wanted, unwanted), (unwanted, wanted))
    )
    return Text(*laid)
