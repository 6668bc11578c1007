"""A number with its unit in a sentence, in the singular where the number is one. Standard library only."""

from __future__ import annotations


def counted(number: float, unit: str, sign: bool = False) -> str:
    """A number and a unit whose plural ends in `s`.

    >>> counted(1, "frame"), counted(-1, "stop", sign=True), counted(0.5, "stop"), counted(0, "frame")
    ('1 frame', '-1 stop', '0.5 stops', '0 frames')
    """
    return f"{number:{'+' if sign else ''}g} {unit}{'' if abs(number) == 1 else 's'}"
