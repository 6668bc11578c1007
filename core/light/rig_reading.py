"""The changes to a light that the terms of a clause say together.

A term that no change has used is left, so that the clause can be refused. Standard library only.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial

from ..counted import counted
from ..errors import UsageError
from . import rig_moves
from .rig_moves import Change
from .rig_terms import SIDES, Term
from .vocabulary import COLOUR_WORDS


class Reading:
    """The changes that terms say together."""

    def __init__(self, terms: list[Term]) -> None:
        self._terms = terms
        much = self._take("much")
        self._step = much.value if much else 1.0
        self._said_amount = much is not None

    def changes(self) -> list[tuple[Change, float, str]]:
        """Each change with its amount and what to say of it.

        Raises:
            UsageError: a number lacks what it is a number of, or a value is out of range.
        """
        found = [*self._of_numbers(), *self._switched(), *self._qualities()]
        found += self._height(bool(found))
        found += self._places()
        found += self._colours()
        if not found and (more := self._take("more")):
            self._take("level")
            found.append(_brightness(more.value * self._step))
        self._take_all("more", "moves", "falls")
        _consistent(found)
        return found

    def left(self) -> list[str]:
        """The words of terms that no change has used."""
        return [term.text for term in self._terms]

    def _take(self, *kinds: str) -> Term | None:
        """The first term of these kinds, which is used up."""
        term = next((term for term in self._terms if term.kind in kinds), None)
        if term is not None:
            self._terms.remove(term)
        return term

    def _take_all(self, *kinds: str) -> list[Term]:
        taken = [term for term in self._terms if term.kind in kinds]
        self._terms = [term for term in self._terms if term.kind not in kinds]
        return taken

    def _has(self, kind: str) -> bool:
        return any(term.kind == kind for term in self._terms)

    def _of_numbers(self) -> Iterator[tuple[Change, float, str]]:
        if kelvin := self._take("kelvin"):
            yield rig_moves.kelvin, kelvin.value, f"{kelvin.value:g} K"
        while amount := self._take("stops", "percent"):
            way = self._way()
            if amount.kind == "percent":
                yield _of_percent(amount, way)
            elif amount.before in ("to", "at") and way is None:
                said = f"at {counted(amount.value, 'stop', sign=True)}"
                yield rig_moves.at_stops, amount.value, said
            else:
                yield _brightness(amount.value * (way or 1.0))
        if degrees := self._take("degrees"):
            yield self._turned(degrees)

    def _way(self) -> float | None:
        """Whether a number of stops or percent is of more light (1) or of less (-1); None where words do not say."""
        if bright := self._take("bright"):
            less = self._take("more") if bright.value > 0 else None
            return bright.value * (less.value if less else 1.0)
        if said := self._take("rise", "more"):
            self._take("level")
            return said.value
        self._take("level")
        back = next((term for term in self._terms if term.kind == "place" and term.text == "back"), None)
        if back:  # `pull the key back a stop`
            self._terms.remove(back)
        fallen = self._take("off"), self._take("falls"), back
        return -1.0 if any(fallen) else None

    def _turned(self, degrees: Term) -> tuple[Change, float, str]:
        """A light turned around the subject, or raised, by or to an angle."""
        absolute = degrees.before in ("to", "at")
        rise = self._take("rise") or (self._take("falls") if absolute else None)
        if rise:
            down = (
                rise.text in ("down", "low") if absolute else rise.value < 0
            )  # `lower it to 20 degrees` is 20 degrees up
            angle = -degrees.value if down else degrees.value
            told = f"{counted(degrees.value, 'degree')} {'up' if angle > 0 else 'down'}"
            if absolute:
                return rig_moves.at_height, angle, f"to {told}"
            return rig_moves.higher, angle / rig_moves.LIFT, told
        side = next((s for t in self._take_all("place") for s in ("left", "right") if s in t.text.split()), None)
        if side is None:
            raise UsageError(
                f"{degrees.text!r} needs a direction, as in: move the key 20 degrees left, or 10 degrees up"
            )
        angle = -degrees.value if side == "left" else degrees.value
        told = f"{counted(degrees.value, 'degree')}"
        if absolute:
            return rig_moves.at_side, angle, f"to {told} {side} of the camera"
        return rig_moves.to_the_right, angle / rig_moves.TURN, f"{told} to the {side}"

    def _switched(self) -> Iterator[tuple[Change, float, str]]:
        if shadows := self._take("shadows"):
            yield rig_moves.shadowed, shadows.value, "with shadows" if shadows.value > 0 else "without shadows"
            self._take("on")  # `no shadows on the fill`
        if self._take("off"):
            yield rig_moves.switched, -1, "off"
        elif self._take("on"):
            yield rig_moves.switched, 1, "on"

    def _qualities(self) -> Iterator[tuple[Change, float, str]]:
        """Comparisons such as `warmer`, `less bright` and `too hard`."""
        turn = 1.0
        for term in list(self._terms):
            if term.kind == "more":
                following = self._terms[self._terms.index(term) + 1 :]
                if following and following[0].kind in _QUALITIES:
                    turn = term.value
                    self._terms.remove(term)
            elif term.kind in _QUALITIES:
                self._terms.remove(term)
                value = term.value * turn
                change, more, less = _QUALITIES[term.kind]
                turn = 1.0
                yield (
                    _brightness(value * self._step)
                    if change is rig_moves.brighter
                    else (change, value * self._step, more if value > 0 else less)
                )

    def _height(self, found: bool) -> Iterator[tuple[Change, float, str]]:
        """`up`, `down`, `raise` and `lower`, which are of the height, or of the brightness."""
        rises = self._take_all("rise")
        level = self._take("level")
        particles = [term for term in rises if term.text in ("up", "down")]
        verbs = [term for term in rises if term not in particles]
        if found and not level and not verbs:
            return  # the particle of a verb, as in `warm it up`
        if rises:
            rise = (verbs or rises)[0].value
            if level or any(term.text in ("increase", "reduce") for term in verbs) or not (verbs or self._has("moves")):
                yield _brightness(rise * self._step)
            else:
                yield rig_moves.higher, rise * self._step, "higher" if rise > 0 else "lower"
        elif level:
            self._terms.append(level)

    def _places(self) -> Iterator[tuple[Change, float, str]]:
        if self._take("across"):
            yield rig_moves.across, 1, "to the other side"
        said = self._take_all("place")
        if not said:
            return
        sides = [_side(term.text) for term in said]
        plain = (len(said) == 1 and said[0].text in ("left", "right")) or self._said_amount or self._has("more")
        if plain and sides[0] in ("left", "right"):
            sign = -1.0 if sides[0] == "left" else 1.0
            yield rig_moves.to_the_right, sign * self._step, f"more to the {sides[0]}"
        elif [term.text for term in said] == ["back"]:
            yield rig_moves.closer, -self._step, "farther away"
        else:
            yield _placed(sides)

    def _colours(self) -> Iterator[tuple[Change, float, str]]:
        for colour in self._take_all("colour"):
            if any(term.kind == "more" and term.value < 0 for term in self._terms):
                raise UsageError(
                    f"less {colour.text} can be of any colour; name the colour that the light gets, or warmer or cooler"
                )
            name, pale = COLOUR_WORDS[colour.text], self._take("pale")
            share = min(self._step, 0.5 if pale else 1.0)
            self._take("deep")
            yield _coloured(name, share), share, name if share == 1 else f"pale {name}"


_QUALITIES: dict[str, tuple[Change, str, str]] = {
    "bright": (rig_moves.brighter, "", ""),
    "warm": (rig_moves.warmer, "warmer", "cooler"),
    "soft": (rig_moves.softer, "softer", "harder"),
    "near": (rig_moves.closer, "closer", "farther away"),
}


def _consistent(changes: list[tuple[Change, float, str]]) -> None:
    """Refuse changes that undo each other, as in `from warm to cool`."""
    for change, amount, told in changes:
        against = next((what for other, much, what in changes if other is change and much * amount < 0), None)
        if against:
            raise UsageError(f"{told} and {against} contradict each other")


def _brightness(stops: float) -> tuple[Change, float, str]:
    return rig_moves.brighter, stops, counted(stops, "stop", sign=True)


def _of_percent(amount: Term, way: float | None) -> tuple[Change, float, str]:
    """So many percent more or less, or a light at so many percent of what it is."""
    share = amount.value if amount.before in ("to", "at") or way is None else 100 + way * amount.value
    if share <= 0:
        raise UsageError(f"{amount.text} leaves no light; turn it off, or take it out")
    return _brightness(round(math.log2(share / 100), 2))


def _side(text: str) -> str:
    """The side that the words of a place mean."""
    words = set(text.replace("-", " ").split())
    if "camera" in words and words & {"behind", "back"}:
        return "front"  # behind the camera
    side = next(side for side in SIDES.split("|") if side in words)
    if words & {"directly", "straight"} and side in ("behind", "back"):
        return "straight behind"
    return {"back": "behind", "overhead": "above", "top": "above", "under": "below", "underneath": "below"}.get(
        side, side
    )


def _placed(sides: list[str]) -> tuple[Change, float, str]:
    for pair in (("left", "right"), ("front", "behind"), ("above", "below")):
        if set(pair) <= set(sides):
            raise UsageError(f"{pair[0]} and {pair[1]} contradict each other; give each side a light of its own")
    told = {"left": "to the left side", "right": "to the right side", "front": "to the front", "behind": "behind the subject",
            "above": "above", "below": "below",
            "straight behind": "straight behind the subject"}  # fmt: skip
    change = partial(_stand, sides=frozenset(sides))
    return change, 0.0, ", ".join(told[side] for side in dict.fromkeys(sides))


def _stand(light: rig_moves.RigLight, _: float, middle: rig_moves.Point, sides: frozenset[str]) -> rig_moves.RigLight:
    return rig_moves.stand(light, sides, middle)


def _coloured(name: str, share: float) -> Change:
    return lambda light, _, __: rig_moves.coloured(light, name, share)


def moves(change: Change) -> bool:
    """Whether a change moves a light, which has to be in the axes of the camera for that."""
    inner: Callable[..., object] = change.func if isinstance(change, partial) else change
    return inner in (
        _stand,
        rig_moves.across,
        rig_moves.to_the_right,
        rig_moves.higher,
        rig_moves.at_height,
        rig_moves.at_side,
    )
