"""Changes to a rig in words: lights added, made stronger, moved, turned off or taken out, clause by clause.

A clause that begins with `add`, or with no verb, adds lights: those of the library that have a place (candle, torch, window,
practical, bounce, three-point), else distant ones (`rig_words.rig_of`). Every other clause changes the light that it names,
and so does one that names a light of the rig and says how it changes ("rim warmer"). Words that are not understood are
refused. Standard library only.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from typing import Any

from .. import rig_library
from ..errors import UsageError
from ..rig_library import MIDDLE, Point
from . import rig_moves
from .rig import Rig, RigLight, to_json, with_lights
from .rig_moves import Change
from .rig_words import rig_of
from .vocabulary import COLOUR_WORDS, NUMBER_WORDS

PLACED = {
    "three point": "three-point", "three-point": "three-point", "candle": "candle", "torch": "torch", "flashlight": "torch",
    "window": "window", "practical": "practical", "bounce": "bounce", "bounce card": "bounce",
}  # fmt: skip
"""What words add a preset of the library, with its place."""
NEARER = (
    "near",
    "close to",
    "beside",
    "next to",
    "by",
)  # of a light that is added: at `CLOSE` of the preset's distance
CLOSE = 0.6
BODY = "her|his|their|the|face|cheek|head|shoulder|hand|subject|actor|actress|man|woman|person|him|them"
STEPS = {"a little": 0.5, "a bit": 0.5, "slightly": 0.5, "much": 2.0, "far": 2.0, "a lot": 2.0}
FACTORS = {"twice as": 1.0, "half as": -1.0}  # stops
_NOISE = (
    r"\b(?:please|the|light|lights|lamp|of|it|to|by|is|be|and|its|a|an|set|make|turn|move|bring|push|put|more|at)\b"
)


def said(rig: Rig, sentence: str, middle: Point = MIDDLE) -> tuple[Rig, list[str]]:
    """The rig after a sentence, and what became of each of its clauses.

    Args:
        sentence: clauses divided by commas, semicolons or `then`, as in "add a warm rim from behind left, make the key stronger".
        middle: the subject's middle in the axes of the camera.

    Raises:
        UsageError: a clause is not understood, or names a light that the rig does not have.
    """
    clauses = [clause.strip() for clause in re.split(r"[,;]|\.(?!\d)|\bthen\b", sentence.lower()) if clause.strip()]
    if not clauses:
        raise UsageError(f"{sentence!r} says nothing of a light; as in: add a warm rim from behind left")
    done = []
    for clause in (part for whole in _with_strengths(clauses) for part in _parts(rig, _with_verb(rig, whole))):
        rig, what = _clause(rig, clause, middle)
        done.append(what)
    return rig, done


def _with_strengths(clauses: list[str]) -> list[str]:
    """Clauses in which one that says a strength alone belongs to the one before it.

    >>> _with_strengths(["a blue kicker from behind right", "2 stops brighter"])
    ['a blue kicker from behind right 2 stops brighter']
    """
    whole: list[str] = []
    for clause in clauses:
        strength = re.fullmatch(_STRENGTH, clause)
        if strength is None:
            whole.append(clause)
            continue
        stops = _stops(clause)
        way = {"up": "brighter", "down": "darker"}.get(strength[1], strength[1])
        plain = way if stops is None else f"{stops:g} stops {way}"
        if whole and re.match(_VERBS, whole[-1]):
            whole[-1] += f" and {plain}"
        elif whole:
            whole[-1] += f" {plain}"
        else:
            whole.append(f"make {plain}")  # of no light: `_named` says which there are
    return whole


def _with_verb(rig: Rig, clause: str) -> str:
    """A clause that names a light of the rig and then says how it changes, as one that begins with a verb."""
    names = "|".join(re.escape(light.name.lower()) for light in rig.lights)
    if names and re.match(rf"(?:the )?(?:{names})(?: light)? (?:\w+ )*?(?:{_COMPARED})\b", clause):
        return f"make {clause}"
    return clause


def _parts(rig: Rig, clause: str) -> list[str]:
    """A clause with several changes as one clause for each: `make the key warmer and the rim cooler` is two."""
    if not re.match(_VERBS, clause):
        return [clause]
    parts, pending, names = [], "", ""
    for piece in re.split(r"\band\b", clause):
        pending = f"{pending} and {piece}" if pending else piece
        mentioned = [light.name for light in rig.lights if re.search(rf"\b{re.escape(light.name.lower())}\b", pending)]
        if any(re.search(pattern, piece) for pattern, *_ in _CHANGES) or re.search(_COLOURED, piece):
            names = names if not mentioned else " ".join(mentioned).lower()
            verb = "" if re.match(_VERBS, pending.strip()) else "make "
            parts.append(f"{verb}{'' if mentioned else names} {pending.strip()}".strip())
            pending = ""
    return [*parts, pending.strip()] if pending else parts


def _clause(rig: Rig, clause: str, middle: Point) -> tuple[Rig, str]:
    if re.search(r"\bnegative fill\b", clause):
        return _without_fill(rig, clause)
    added = re.match(r"(?:add|place|i want|give (?:me|her|him|us))\b\s*(.*)", clause)
    if added or not re.match(_VERBS, clause):
        return _added(rig, added[1] if added else clause, middle)
    chosen, rest = _named(rig, clause)
    names = ", ".join(light.name for light in chosen)
    if re.search(r"\b(?:remove|delete|take out|lose|kill|drop)\b", clause):
        kept = tuple(light for light in rig.lights if light not in chosen)
        return replace(rig, lights=kept), f"{names} taken out"
    change, step, what = _change(rest, clause)
    lights = tuple(change(light, step, middle) if light in chosen else light for light in rig.lights)
    return replace(rig, lights=lights), f"{names}: {what}"


def _without_fill(rig: Rig, clause: str) -> tuple[Rig, str]:
    """The rig with its fills a stop weaker: negative fill takes light away, and lights of a rig can only give it."""
    fills = [light for light in rig.lights if light.name.startswith("fill")]
    if not fills:
        raise UsageError(
            f"{clause!r}: lights of a rig only add light, and the rig has no fill to make weaker; "
            "give --prompt words with 'no fill'"
        )
    lights = tuple(rig_moves.brighter(light, -1.0, MIDDLE) if light in fills else light for light in rig.lights)
    names = ", ".join(light.name for light in fills)
    return replace(rig, lights=lights), f"{names}: -1 stops, the nearest to negative fill that lights can do"


def _added(rig: Rig, words: str, middle: Point) -> tuple[Rig, str]:
    """The rig with the lights that words name."""
    taken = [light.name for light in rig.lights]
    preset = next((name for word, name in PLACED.items() if re.search(rf"\b{word}s?\b", words)), None)
    if preset is None:
        made = json.loads(to_json(rig_of(words)))["lights"]
        for light in made:
            light["name"] = rig_library.free_name(light["name"], set(taken))
            taken.append(light["name"])
    else:
        made = _preset(preset, words, middle, taken)
    rig = with_lights(rig, made)
    return rig, "added " + ", ".join(light["name"] for light in made)


def _preset(preset: str, words: str, middle: Point, taken: list[str]) -> list[dict[str, Any]]:
    """A preset of the library, placed and coloured as words say."""
    lights = rig_library.lights_of(preset, middle, taken)
    near = re.search(rf"\b({'|'.join(NEARER)})(?: (?:{BODY}))+\b", words)
    about = words if near is None else words.replace(near[0], " ")
    plain = re.sub(r"\b(?:lighting|setup|light|card|a|an|the|one)\b", " ", about)
    for word in sorted(PLACED, key=len, reverse=True):
        plain = re.sub(rf"\b{word}s?\b", " lamp ", plain)
    described = None if plain.split() == ["lamp"] else rig_of(plain).lights[0]
    for light in lights:
        if near and "position" in light:
            light["position"] = rig_moves.about(middle, light["position"], CLOSE)
        if described is not None:
            _described(light, described, plain, middle)
    return lights


def _described(light: dict[str, Any], said: RigLight, words: str, middle: Point) -> None:
    """Give a light of the library the side, the colour and the strength that words state."""
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


def _named(rig: Rig, clause: str) -> tuple[list[RigLight], str]:
    """The lights that a clause names, and its other words."""
    if re.search(r"\b(?:everything|all|all lights|every light|whole rig)\b", clause):
        found = list(rig.lights)
        rest = re.sub(r"\b(?:everything|all the lights|all lights|all|every light|the whole rig)\b", " ", clause)
    else:
        found, rest = [], clause
        for light in sorted(rig.lights, key=lambda one: len(one.name), reverse=True):
            name = rf"\b{re.escape(light.name.lower())}(?: light)?\b"
            if re.search(name, rest):
                found.append(light)
                rest = re.sub(name, " ", rest)
        if not found and len(rig.lights) == 1 and re.search(r"\b(?:it|the light|the lamp|that)\b", clause):
            found = list(rig.lights)
    if not found:
        has = ", ".join(light.name for light in rig.lights) or "no lights"
        raise UsageError(f"{clause!r} names no light of the rig, which has {has}; name one, or begin with add")
    return found, rest


def _change(rest: str, clause: str) -> tuple[Change, float, str]:
    """The change that a clause states, by how much, and what to say of it."""
    step = next((value for words, value in STEPS.items() if re.search(rf"\b{words}\b", rest)), 1.0)
    stops = _stops(rest)
    for pattern, change, sign, what in _CHANGES:
        if re.search(pattern, rest):
            amount = sign * step
            if change is rig_moves.brighter and stops is not None:
                amount = math.copysign(stops, sign)
            elif change is rig_moves.brighter and (percent := re.search(r"(\d+(?:\.\d+)?) ?(?:%|percent\b)", rest)):
                amount = _stops_of_percent(clause, sign * float(percent[1]))
            return change, amount, _with_amount(what, change, amount)
    colour = next((word for word in re.findall(r"[a-z]+", rest) if word in COLOUR_WORDS), None)
    kelvin = re.search(r"(\d+(?:\.\d+)?) ?(?:k|kelvin)\b", rest)
    if kelvin:
        return rig_moves.kelvin, float(kelvin[1]), f"{float(kelvin[1]):g} K"
    if colour:
        name = COLOUR_WORDS[colour]
        return lambda light, _, __: rig_moves.coloured(light, name), 0.0, str(name)
    if stops is not None:
        return rig_moves.brighter, stops, f"{stops:+g} stops"
    odd = re.sub(_NOISE, " ", rest).split()
    raise UsageError(
        f"{clause!r}: {' '.join(odd) or 'this'} is no change of a light; it can be made stronger, weaker, warmer, cooler, "
        "softer, harder, higher or lower, moved left, right, closer or farther, turned on or off, or taken out"
    )


def _stops_of_percent(clause: str, percent: float) -> float:
    """The stops of so many percent more or, below zero, less light. Raises `UsageError` where none would be left."""
    if percent <= -100:
        raise UsageError(f"{clause!r} leaves no light; turn it off, or take it out")
    return round(math.log2(1 + percent / 100), 2)


def _stops(rest: str) -> float | None:
    """The number of stops that words state, None where they state none."""
    words = rest
    for word, number in NUMBER_WORDS.items():
        words = re.sub(rf"\b{word} (?=stops?\b)", f"{number} ", words)
    found = re.search(r"([+-]?\d+(?:\.\d+)?) ?stops?\b", words)
    return None if found is None else float(found[1])


def _with_amount(what: str, change: Change, amount: float) -> str:
    if change is rig_moves.brighter:
        return f"{amount:+g} stops"
    return what


_VERBS = (
    r"(?:make|turn|set|move|bring|push|take|dim|brighten|warm|cool|soften|harden|raise|lower|lift|switch|remove|delete|lose|kill|drop|reduce|increase|"
    r"swap|flip|put the|put it|double|halve)\b"
)
_STRENGTH = (
    rf"(?:(?:[+-]?\d+(?:\.\d+)?|{'|'.join(NUMBER_WORDS)}) stops? )?(brighter|darker|stronger|weaker|dimmer|up|down)"
)
_COLOURED = rf"\b(?:{'|'.join(COLOUR_WORDS)})\b|\d ?(?:k|kelvin|stops?)\b"
_COMPARED = (
    "warmer|cooler|colder|brighter|stronger|weaker|dimmer|darker|higher|lower|softer|harder|bigger|larger|smaller|"
    "closer|nearer|farther|further|off"
)
"""Words that compare a light with what it was, or switch it off."""
_LEVEL = r"\b(?:intensity|level|brightness|strength|exposure|output)\b"
_CHANGES: tuple[tuple[str, Change, float, str], ...] = (
    (r"\b(?:switch|turn)\b.*\boff\b|\boff$", rig_moves.switched, -1, "off"),
    (r"\b(?:switch|turn)\b.*\bon\b", rig_moves.switched, 1, "on"),
    (r"\b(?:no|without) shadows?\b|\bshadowless\b", rig_moves.shadowed, -1, "without shadows"),
    (r"\bdouble\b|\btwice as (?:bright|strong)\b", rig_moves.brighter, 1, "stronger"),
    (r"\bhalve\b|\bhalf as (?:bright|strong)\b", rig_moves.brighter, -1, "weaker"),
    (rf"\b(?:lower|reduce)\b.*{_LEVEL}", rig_moves.brighter, -1, "weaker"),
    (rf"\b(?:raise|lift|increase)\b.*{_LEVEL}", rig_moves.brighter, 1, "stronger"),
    (r"\b(?:warmer|warm up|warm)\b", rig_moves.warmer, 1, "warmer"),
    (r"\b(?:cooler|colder|cool down|cool)\b", rig_moves.warmer, -1, "cooler"),
    (r"\b(?:higher|raise|lift)\b|\bmove\b.*\bup\b", rig_moves.higher, 1, "higher"),
    (r"\b(?:lower)\b|\bmove\b.*\bdown\b", rig_moves.higher, -1, "lower"),
    (r"\b(?:stronger|brighter|brighten|up)\b", rig_moves.brighter, 1, "stronger"),
    (r"\b(?:weaker|dimmer|dim|darker|down)\b", rig_moves.brighter, -1, "weaker"),
    (r"\b(?:softer|soften|bigger|larger|wider)\b", rig_moves.softer, 1, "softer"),
    (r"\b(?:harder|harden|smaller|narrower|crisper)\b", rig_moves.softer, -1, "harder"),
    (r"\b(?:closer|nearer)\b", rig_moves.closer, 1, "closer"),
    (r"\b(?:farther|further|back|away)\b", rig_moves.closer, -1, "farther away"),
    (
        r"\bother side\b|\bflip\b|\bswap\b",
        rig_moves.across,
        1,
        "to the other side",
    ),
    (r"\bto (?:the )?(?:camera )?left\b", rig_moves.mirrored, -1, "to the left side"),
    (r"\bto (?:the )?(?:camera )?right\b", rig_moves.mirrored, 1, "to the right side"),
    (r"\bbehind\b", rig_moves.behind, 1, "behind the subject"),
    (r"\bleft\b", rig_moves.to_the_right, -1, "more to the left"),
    (r"\bright\b", rig_moves.to_the_right, 1, "more to the right"),
)
