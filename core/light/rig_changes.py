"""Changes to a rig in words: lights added, made stronger, moved, turned off or taken out, clause by clause.

A clause that begins with `add`, or names a light that the rig does not have, adds lights: those of the library that have a
place (candle, torch, window, practical, bounce, three-point), else distant ones (`rig_words.rig_of`). Every other clause
changes the lights that it names, or goes on about those of the clause before. `rig_clauses` divides a sentence,
`rig_terms` and
`rig_reading` read the words of a change. Words that are not understood are refused. Standard library only.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from typing import Any

from .. import rig_library
from ..counted import counted
from ..errors import UsageError
from ..parameters import Curve
from ..rig_library import MIDDLE, Point
from . import rig_moves
from .rig import Rig, RigLight, to_json, with_lights
from .rig_clauses import PLACED, SEVERAL, Clause, pieces, read_clause
from .rig_reading import Reading, moves
from .rig_terms import SUBJECT, terms_of
from .rig_words import rig_of
from .vocabulary import COLOUR_WORDS

NEARER = r"near|close to|beside|next to|by"  # of a light that is added: at `CLOSE` of the preset's distance
CLOSE = 0.6
_HINTS = {
    "than": "say by how many stops, as in: make the key 2 stops over the fill",
    "contrast": "contrast is the fill against the key; make the fill weaker or stronger",
    "camera": "a light stands around the subject: it moves left, right, up, down, to the front, behind, closer or farther",
}
"""What to say instead of words that name no change."""
_SHADOWLESS = r"\b(?:with )?(?:no|without(?: any)?) shadows?\b|\bshadowless\b"


def said(rig: Rig, sentence: str, middle: Point = MIDDLE) -> tuple[Rig, list[str]]:
    """The rig after a sentence, and what became of each of its clauses.

    Args:
        sentence: clauses divided by commas, `and` or `then`, as in "add a warm rim from behind left, make the key stronger".
        middle: the subject's middle in the axes of the camera.

    Raises:
        UsageError: a clause is not understood, or names a light that the rig does not have.
    """
    parts = pieces(sentence)
    if not parts:
        raise UsageError(f"{sentence!r} says nothing of a light; as in: add a warm rim from behind left")
    done: list[str] = []
    before: Clause | None = None
    last: tuple[str, ...] = ()
    for index, part in enumerate(parts):
        if re.search(r"\bnegative fill\b", part):
            rig, what, last = _without_fill(rig, part)
            done.append(what)
            continue
        clause = read_clause(rig, part, before, last)
        following = parts[index + 1] if index + 1 < len(parts) else None
        if clause.bare and following is not None and _joined(rig, clause, following, before):
            parts[index + 1] = f"{part} {following}"
            continue
        if clause.bare and before is not None and before.does in ("change", "remove", "keep"):
            clause = replace(before, names=clause.names, text=part)  # `turn off the key and the fill`
        rig, what, last = _clause(rig, clause, middle)
        done.append(what)
        before = clause
    return rig, done


def _joined(rig: Rig, clause: Clause, following: str, before: Clause | None) -> bool:
    """Whether a clause that only names lights shares the change of the next one: `make the key and the fill warmer`."""
    if before is None or not before.rest or re.match(r"(?:make|turn|set|move|put|bring)\b", clause.rest):
        return True
    after = read_clause(rig, following, clause, clause.names)
    return after.does == "change" and not after.bare and not re.match(r"\w+ the\b", following)


def _clause(rig: Rig, clause: Clause, middle: Point) -> tuple[Rig, str, tuple[str, ...]]:
    """The rig after a clause, what is said of it, and the names of the lights that it was about."""
    if clause.does == "add":
        return _added(rig, clause, middle)
    names = ", ".join(clause.names)
    if clause.does == "keep":
        return rig, f"{names}: left as it is", clause.names
    if clause.does == "solo":
        lights = tuple(replace(light, on=light.name in clause.names) for light in rig.lights)
        others = ", ".join(light.name for light in rig.lights if light.name not in clause.names)
        return replace(rig, lights=lights), f"{names}: on; {others or 'nothing else'}: off", clause.names
    if clause.does == "remove":
        kept = tuple(light for light in rig.lights if light.name not in clause.names)
        return replace(rig, lights=kept), f"{names} taken out", ()
    changes = _changes(clause)
    if rig.space == "world" and any(moves(change) for change, *_ in changes):
        raise UsageError(
            f"{clause.text!r}: the rig stands in the axes of the world, and words move lights in those of the camera; "
            "write the place into its file"
        )
    for change, amount, _ in changes:
        lights = tuple(change(light, amount, middle) if light.name in clause.names else light for light in rig.lights)
        rig = replace(rig, lights=lights)
    told = [what for *_, what in changes]
    if clause.of is not None:
        rig, what = _against(rig, clause)
        told.append(what)
    return rig, f"{names}: {', '.join(told)}", clause.names


def _changes(clause: Clause) -> list[tuple[rig_moves.Change, float, str]]:
    """The changes that a clause says. Raises `UsageError` for a word that says none."""
    terms, odd = terms_of(clause.rest)
    reading = Reading(terms)
    try:
        found = reading.changes()
    except UsageError as error:
        raise UsageError(f"{clause.text!r}: {error}") from None
    odd += reading.left()
    if odd or not (found or clause.of):
        if hint := next((_HINTS[word] for word in odd if word in _HINTS), None):
            raise UsageError(f"{clause.text!r}: {hint}")
        what = f"{' '.join(odd)} is" if odd else "this is"
        raise UsageError(
            f"{clause.text!r}: {what} no change of a light; it can be made stronger, weaker, warmer, cooler, softer, harder, "
            "higher or lower, moved left, right, closer or farther, turned on or off, or taken out"
        )
    return found


def _against(rig: Rig, clause: Clause) -> tuple[Rig, str]:
    """The rig with the lights of a clause so many stops above or below another light."""
    measure = next(light for light in rig.lights if light.name == clause.of)
    if isinstance(measure.stops, Curve):
        raise UsageError(f"{clause.text!r}: the strength of {clause.of} changes over frames; say a number of stops")
    stops = measure.stops + clause.above
    lights = tuple(replace(light, stops=stops) if light.name in clause.names else light for light in rig.lights)
    way = "over" if clause.above > 0 else "under"
    told = f"{counted(abs(clause.above), 'stop')} {way} {clause.of}" if clause.above else f"as strong as {clause.of}"
    return replace(rig, lights=lights), told


def _without_fill(rig: Rig, clause: str) -> tuple[Rig, str, tuple[str, ...]]:
    """The rig with its fills a stop weaker: negative fill takes light away, and lights of a rig can only give it."""
    fills = tuple(light.name for light in rig.lights if light.name.startswith("fill"))
    if not fills:
        raise UsageError(
            f"{clause!r}: lights of a rig only add light, and the rig has no fill to make weaker; "
            "give --prompt words with 'no fill'"
        )
    placed = re.sub(r"\b(?:add|some|a|an|negative fill)\b", " ", clause).split()
    if placed:
        raise UsageError(
            f"{clause!r}: negative fill makes the fill of the rig weaker, which has no side; leave out {' '.join(placed)!r}"
        )
    lights = tuple(rig_moves.brighter(one, -1.0, MIDDLE) if one.name in fills else one for one in rig.lights)
    what = f"{', '.join(fills)}: -1 stop, the nearest to negative fill that lights can do"
    return replace(rig, lights=lights), what, fills


def _added(rig: Rig, clause: Clause, middle: Point) -> tuple[Rig, str, tuple[str, ...]]:
    """The rig with the lights that a clause names."""
    words = re.sub(_SHADOWLESS, " ", clause.rest)
    if re.search(SEVERAL, words):
        raise UsageError(
            f"{clause.text!r}: name each light with a place of its own, as in: a candle on the left, a candle on the right"
        )
    taken = [light.name for light in rig.lights]
    found = {name for word, name in PLACED.items() if re.search(rf"\b{word}s?\b", words)}
    if len(found) > 1:
        raise UsageError(f"{clause.text!r} names several lights; put a comma between them")
    if not found:
        made = json.loads(to_json(rig_of(words)))["lights"]
        for light in made:
            light["name"] = rig_library.free_name(light["name"], set(taken))
            taken.append(light["name"])
    else:
        made = _preset(found.pop(), words, middle, taken)
    names = tuple(light["name"] for light in made)
    told = [f"added {', '.join(names)}"]
    if words != clause.rest:
        made = [{**light, "shadows": False} for light in made]
        told.append("without shadows")
    rig = with_lights(rig, made)
    if clause.of is not None:
        rig, what = _against(rig, replace(clause, names=names))
        told.append(what)
    return rig, ", ".join(told), names


def _preset(preset: str, words: str, middle: Point, taken: list[str]) -> list[dict[str, Any]]:
    """A preset of the library, placed and coloured as words say."""
    lights = rig_library.lights_of(preset, middle, taken)
    near = re.search(rf"\b(?:{NEARER}) {SUBJECT}(?: {SUBJECT})*", words)
    about = words if near is None else words.replace(near[0], " ")
    plain = re.sub(r"\b(?:lighting|setup|light|card|a|an|the|one|her|his|their)\b", " ", about)
    for word in sorted(PLACED, key=len, reverse=True):
        plain = re.sub(rf"\b{word}s?\b", " lamp ", plain)
    if len(lights) > 1 and plain.split() != ["lamp"]:
        raise UsageError(
            f"{words!r}: {preset} is {len(lights)} lights; add them first, then say what each of them is like"
        )
    if plain.split() == ["lamp"]:
        described = None
    else:
        described, *others = rig_of(plain).lights
        if others:
            raise UsageError(f"{words!r} names several lights; put a comma between them")
    for light in lights:
        if near and "position" in light:
            light["position"] = rig_moves.about(middle, light["position"], CLOSE)
        if described is not None:
            _described(light, described, plain, middle)
    return lights


_LAMP = rig_of("lamp").lights[0]
"""What the other words of a light are measured by: `large` is a lamp larger than this."""


def _described(light: dict[str, Any], said: RigLight, words: str, middle: Point) -> None:
    """Give a light of the library the side, the colour, the strength and the size that words state."""
    if re.search(r"\b(left|right|front|behind|above|below|side|low|high|degrees)\b", words):
        if "position" in light:
            offset = [p - m for p, m in zip(light["position"], middle, strict=True)]
            far, length = math.hypot(*offset), math.hypot(*said.direction)
            offset = [far * value / length for value in said.direction]
            light["position"] = [round(m + o, 4) for m, o in zip(middle, offset, strict=True)]
            if "aim" in light:
                light["aim"] = [round(-o, 4) for o in offset]
        else:
            light["direction"] = list(said.direction)
    if said.colour is not None:
        light.pop("kelvin", None)
        light["colour"] = list(said.colour)
    elif said.kelvin is not None and re.search(rf"\b({'|'.join(COLOUR_WORDS)}|k|kelvin)\b", words):
        light["kelvin"] = said.kelvin
    light["stops"] = light.get("stops", 0.0) + said.stops
    factor = said.size / _LAMP.size
    light["size"] = (
        [side * factor for side in light["size"]] if isinstance(light["size"], list) else light["size"] * factor
    )
