"""A sentence about the lights of a rig, divided into clauses: what each does, to which lights, and its other words.

Commas, semicolons, `then`, `and`, `but` and `plus` divide. Standard library only.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

from ..errors import UsageError
from .rig import Rig
from .rig_terms import terms_of
from .vocabulary import FILLER_WORDS, GENERIC_WORDS, LIGHT_WORDS, NUMBER_WORDS, SETUPS

PLACED = {
    "three point": "three-point", "three-point": "three-point", "candle": "candle", "torch": "torch", "flashlight": "torch",
    "window": "window", "practical": "practical", "bounce": "bounce", "bounce card": "bounce",
}  # fmt: skip
"""What words add a preset of the library, with its place."""
VERBS = (
    "make|turn|set|move|bring|push|pull|put|take|dim|brighten|warm|cool|soften|harden|raise|lower|lift|switch|remove|delete|lose|"
    "kill|drop|reduce|increase|swap|flip|double|halve|boost|bump|knock|cut|colour|color|tint|gel|swing|slide|shift|tilt|pan|widen|"
    "change|let|keep|leave|get|give|strike|have"
)
_ADDS = (
    r"add|place|i want|i need|we need|include|bring in|put in|put up|set up|throw in|give (?:me|her|him|them|us)|"
    r"put an?|set an?"
)  # fmt: skip
_REMOVES = r"remove|delete|take (?:out|away)|lose|kill|drop|get rid of|cut|strike|turn out"
_KEEPS = r"keep|leave"
_EVERY = (
    r"everything|every light|all(?:(?: of)? the)? lights|all (?:three|four)|the (?:whole|entire) (?:rig|thing|lot|shot)|"
    r"the lot|the lights|all"
)
_POLITE = (
    r"\b(?:please|(?:i|we)(?:'d| would) (?:like|love)(?: to)?|(?:can|could|would) (?:you|we)(?: get)?|let's|lets|just|now|"
    r"also|as well|too(?= *(?:[,;.]|$)))\b"
)
_FRACTIONS = {
    r"(\d+|an?|one|two|three) (?:stops? )?and a half(?: stops?)?": lambda m: f"{_number(m[1]) + 0.5:g} stops",
    r"(?:an? )?half(?: of)?(?: an?)? stop|1/2(?: of)?(?: a)? stops?": lambda _: "0.5 stops",
    r"(?:an? |one )?(?:third|1/3)(?: of)?(?: a)? stops?|1/3(?: of)?(?: a)? stops?": lambda _: "0.33 stops",
    r"(?:two thirds|2/3)(?: of)?(?: a)? stops?": lambda _: "0.67 stops",
    r"(?:an? |one )?(?:quarter|1/4)(?: of)?(?: a)? stops?|1/4(?: of)?(?: a)? stops?": lambda _: "0.25 stops",
    r"a couple(?: of)? stops": lambda _: "2 stops",
    r"another stop": lambda _: "1 stop",
    r"(to|by) (?:a )?half": lambda m: f"{m[1]} 50%",
    r"(to|by) (?:a )?third": lambda m: f"{m[1]} 33%",
    r"(to|by) (?:a )?quarter": lambda m: f"{m[1]} 25%",
}
_THAN = (
    r"under|below|over|above|(?:weaker|dimmer|darker|stronger|brighter|hotter|less|more) than|(?:down|up) (?:from|on)"
)
_FALLS = ("under", "below", "weaker", "dimmer", "darker", "less", "down")

_LIGHTS = "|".join(sorted((*LIGHT_WORDS, *PLACED, *GENERIC_WORDS, *SETUPS), key=len, reverse=True))
SEVERAL = rf"\b(?:\d+|two|three|four|several|some|a couple of|a pair of) (?:\w+ )?(?:{_LIGHTS})s\b"
"""Words that ask for lights by their number, which leaves open where each of them stands."""


@dataclass(frozen=True)
class Clause:
    """One thing that a sentence says.

    `does` is add, change, remove, keep, solo (all others off), or more, which goes on about the lights of the clause before;
    `names` are lights of the rig, `rest` the other words, `above` stops against the light `of` where it is measured by another
    light.
    """

    does: str
    text: str
    names: tuple[str, ...]
    rest: str
    above: float = 0.0
    of: str | None = None

    @property
    def bare(self) -> bool:
        """Whether the clause names lights and says nothing of them."""
        return self.does in ("change", "more") and self.of is None and terms_of(self.rest) == ([], [])


def pieces(sentence: str) -> list[str]:
    """The parts of a sentence in lower case, numbers in digits, without what is said for politeness.

    >>> pieces("Please make the key a stop and a half brighter, and add a rim")
    ['make the key 1.5 stops brighter', 'add a rim']
    """
    text = sentence.lower().replace("’", "'").replace("three point", "three-point")
    text = re.sub(r"(\d),(\d{3})(?!\d)", r"\1\2", text)
    text = re.sub(r":(?!\d)", " ", text)
    text = re.sub(_POLITE, " ", text)
    for pattern, number in _FRACTIONS.items():
        text = re.sub(rf"(?<!\w)(?:{pattern})(?!\w)", number, text)
    words = "|".join(NUMBER_WORDS)
    text = re.sub(rf"\b({words}) (?=stops?\b)", lambda m: f"{NUMBER_WORDS[m[1]]} ", text)
    text = re.sub(r"\bdaylight\b(?! from)", "5600 k", text)
    text = re.sub(
        r"\b(everything|all the lights|all lights|all) (?:but|except(?: for)?|apart from)\b", r"\1 except", text
    )
    text = re.sub(rf"\b({'|'.join(map(re.escape, SETUPS))})\b", lambda m: m[0].replace(" and ", " & "), text)
    parts = re.split(r"[;!?]|,|\.(?!\d)|\b(?:then|and|but|plus|while|with(?= (?:an?|another|one) ))\b", text)
    whole: list[str] = []
    for part in (" ".join(part.replace("&", "and").split()) for part in parts if part.strip()):
        if whole and re.fullmatch(r"(?:by |about )*[+-]?\d+(?:\.\d+)? ?(?:stops?|%|percent)", part):
            whole[-1] += f" {part}"  # `brighten the rim, 2 stops`
        else:
            whole.append(part)
    return whole


def read_clause(rig: Rig, piece: str, before: Clause | None, last: tuple[str, ...]) -> Clause:
    """The clause that a piece of a sentence is.

    Args:
        before: the clause before it.
        last: the names of the lights that the clause before changed or added, which `it` and `them` mean.

    Raises:
        UsageError: it names no light, neither of the rig nor to be added; the message says which there are.
    """
    if before is not None and before.does == "add" and re.match(r"(?:one|another(?: one)?)\b", piece):
        piece = _another(piece, before)
    piece, above, of = _measured(rig, piece)
    names, rest = named(rig, piece, last)
    verb = re.match(rf"(?:{VERBS})\b", piece)
    adds = re.match(rf"(?:{_ADDS})\b\s*", piece)
    about = rest if adds is None else rest.removeprefix(adds[0])
    if adds and names and _of_the_rig(about, piece, names):
        return Clause("change", piece, names, about, above, of)
    if adds:
        return Clause("add", piece, (), piece.removeprefix(adds[0]), above, of)
    if names and (alone := re.search(r"\b(?:solo|only|alone)\b", rest)) and not re.match("leave", piece):
        return Clause("solo", piece, names, rest.replace(alone[0], " "))
    if names and re.match(rf"(?:{_KEEPS})\b", piece):
        return Clause("keep", piece, names, rest)
    if names and (removes := re.match(rf"(?:{_REMOVES})\b", rest)) and not terms_of(rest[removes.end() :])[0]:
        return Clause("remove", piece, names, rest[removes.end() :])
    changes = verb or (names and _changes(piece, names, rest))
    if changes and (names or not (before and last and _only_terms(rest))):
        return Clause("change", piece, _required(rig, piece, names), rest, above, of)
    if names and before and before.does == "add" and not re.match("the ", piece):
        return Clause("add", piece, (), piece, above, of)
    if not _names_a_light(piece) and before is not None and (_only_terms(rest) or of):
        return Clause("more", piece, last, rest, above, of)
    if _names_a_light(piece):
        return Clause("add", piece, (), piece, above, of)
    return Clause("change", piece, _required(rig, piece, names), rest, above, of)


def named(rig: Rig, piece: str, last: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
    """The lights of a rig that words name, in the order of the rig, and the words without the names."""
    if every := re.search(rf"\b(?:{_EVERY})\b", piece):
        except_for = re.search(r"\bexcept\b(.*)", piece)
        others, rest = named(rig, except_for[1], ()) if except_for else ((), "")
        kept = piece[: except_for.start()] + " " + rest if except_for else piece
        every_text = re.sub(rf"\b{re.escape(every[0])}\b", " ", kept)
        return tuple(light.name for light in rig.lights if light.name not in others), " ".join(every_text.split())
    found, rest = set(), piece
    for light in sorted(rig.lights, key=lambda one: len(one.name), reverse=True):
        name = rf"\b(?:the )?{re.escape(light.name.lower())}(?:[ -]?lights?\b|\b)"
        if re.search(name, rest):
            found.add(light.name)
            rest = re.sub(name, " ", rest)
    for word in sorted(LIGHT_WORDS, key=len, reverse=True) if not found else ():
        alike = [light.name for light in rig.lights if re.sub(r" \d+$", "", light.name.lower()) == LIGHT_WORDS[word]]
        if alike and re.search(rf"\b(?:the |both )?{re.escape(word)}s?\b", rest):
            found.update(alike)
            rest = re.sub(rf"\b(?:the |both )?{re.escape(word)}s?\b", " ", rest)
            break
    alone = tuple(light.name for light in rig.lights) if len(rig.lights) == 1 else ()
    if not found and (it := re.search(r"\b(?:it|that|them|both|this|the (?:light|lamp))\b", rest)) and (last or alone):
        found.update(last or alone)
        rest = rest.replace(it[0], " ", 1)
    return tuple(light.name for light in rig.lights if light.name in found), " ".join(rest.split())


def _measured(rig: Rig, piece: str) -> tuple[str, float, str | None]:
    """A piece without the light that it is measured by, the stops against that light, and its name."""
    names = "|".join(re.escape(light.name.lower()) for light in sorted(rig.lights, key=lambda one: -len(one.name)))
    if not names:
        return piece, 0.0, None
    by = re.search(rf"(?:(?:at|to) )?(\d+(?:\.\d+)?) stops? ({_THAN}) (?:the )?({names})\b", piece)
    alike = re.search(rf"\bas (?:bright|strong|dim|weak|dark) as (?:the )?({names})\b", piece)
    found = by or alike
    if found is None:
        return piece, 0.0, None
    stops = 0.0 if by is None else float(by[1]) * (-1 if by[2].split()[0] in _FALLS else 1)
    word = found[3] if by else found[1]
    name = next(light.name for light in rig.lights if light.name.lower() == word)
    return " ".join(f"{piece[: found.start()]} {piece[found.end() :]}".split()), stops, name


def _of_the_rig(rest: str, piece: str, names: tuple[str, ...]) -> bool:
    """Whether a piece that begins with `add` is about lights that are there: `add a stop to the key`."""
    terms, odd = terms_of(rest)
    words = "|".join(re.escape(name.lower()) for name in names)
    compared = re.search(rf"\b(?:\w+er|more|less) (?:{words})\b|\b(?:{words}) (?:\w+er)\b", piece)
    return bool(terms) and not odd and bool(compared or re.search(rf"\b(?:to|off|on) (?:the )?(?:{words})\b", piece))


def _changes(piece: str, names: tuple[str, ...], rest: str) -> bool:
    """Whether a piece without a verb changes lights of the rig: it begins with their name, or compares."""
    words = "|".join(re.escape(name.lower()) for name in names)
    if re.match(rf"(?:the )?(?:{words})\b", piece):
        return True
    if re.match(r"(?:an?|another|one|second)\b(?! (?:bit|touch|little|tad|lot|hair)\b)", piece):
        return False
    if re.search(rf"\b(?:in|into|to|off|on) (?:the )?(?:{words})$", piece) and _only_terms(rest):
        return True  # `a touch of blue in the fill`
    return bool(re.match(r"the\b", piece) or re.search(r"\b(?:more|less|too|no shadows?|\w+(?:er|off))\b", rest))


def _another(piece: str, before: Clause) -> str:
    """A piece that asks for one more of the lights of the clause before, with the word for it: `a candle here and one there`."""
    word = re.search(rf"\b(?:{_LIGHTS})\b", before.rest)
    if word is None or re.search(rf"\b(?:{_LIGHTS})s?\b", piece):
        return piece
    return re.sub(r"(?:one|another(?: one)?)\b", f"a {word[0]}", piece, count=1)


def _only_terms(rest: str) -> bool:
    terms, odd = terms_of(rest)
    return bool(terms) and not odd


def _names_a_light(piece: str) -> bool:
    return bool(re.search(rf"\b(?:{_LIGHTS})s?\b|(?:3/4|three[- ]quarters?)[- ](?:back|front)", piece))


def _required(rig: Rig, piece: str, names: tuple[str, ...]) -> tuple[str, ...]:
    if names:
        return names
    has = [light.name for light in rig.lights]
    words = [word for word in re.findall(r"[a-z]+", piece) if word not in FILLER_WORDS]
    near = next((m for word in words for m in difflib.get_close_matches(word, has, n=1, cutoff=0.6)), None)
    meant = f"; did you mean {near}?" if near else "; name one, say everything, or begin with add"
    raise UsageError(f"{piece!r} names no light of the rig, which has {', '.join(has) or 'no lights'}{meant}")


def _number(word: str) -> float:
    return float(NUMBER_WORDS.get(word, word if word[0].isdigit() else "1"))
