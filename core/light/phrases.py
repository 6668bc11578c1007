"""The phrases of a prompt: each with its light and the properties of that light, before they are combined.

Commas, semicolons, `and`, `with`, `but` and `plus` divide a prompt into phrases. An unknown word is refused by name, and so are
words of one phrase that contradict each other. Standard library only.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ..errors import UsageError
from .vocabulary import (
    BACK_WORDS,
    BRIGHTER_WORDS,
    COLOUR_WORDS,
    CONTRASTS,
    DEGREE_WORDS,
    DIVIDERS,
    EVEN_WORDS,
    FILLER_WORDS,
    FIXTURES,
    GENERIC_WORDS,
    GROUND_WORDS,
    HEIGHTS,
    LIGHT_WORDS,
    NEGATIONS,
    NUMBER_WORDS,
    ROOM_WORDS,
    SETUPS,
    SIDE_WORDS,
    SIZES,
    SKY_WORDS,
    STRENGTHS,
    TIME_WORDS,
    TIMES,
    TOPICS,
    UNITS,
    UNKNOWN_HINTS,
    UPWARD_WORDS,
    WARMTHS,
    WEATHER_WORDS,
)


def read_phrases(prompt: str) -> list[Phrase]:
    """The phrases of `prompt`, in order; none for a prompt without any word about light.

    Raises:
        UsageError: words are unknown, or contradict each other within a phrase; the message names them.
    """
    return [_read(tokens) for tokens in _phrases(_tokens(_spelt_out(prompt.lower())))]


@dataclass
class Phrase:
    """The content of one phrase, not yet combined. `head` is the noun of its adjectives: a light, sky, time, room or None."""

    text: str
    head: str | None = None
    kind: str | None = None
    said: dict[str, tuple[str, Any]] = field(default_factory=dict)
    """By topic: the word and its value, so that a contradiction can name both."""
    sides: dict[str, str] = field(default_factory=dict)
    refused: bool = False
    """Negated with `no`."""
    backlit: bool = False
    """Its light is named by `BACK_WORDS` alone, which may also be the position of another light."""
    called: str = ""
    """The word that names its light."""
    through: bool = False
    """Its light is a window, through which another light shines."""


def _spelt_out(prompt: str) -> str:
    """A prompt with numbers of stops in digits, terms of several lights separated, and ratios as strengths of the second light.

    >>> _spelt_out("key two stops over fill")
    'key, fill +0.5 stops'
    >>> _spelt_out("fill two stops under")
    'fill +0.5 stops'
    >>> _spelt_out("warm 3/4 back light from the left, kicker from the right")
    'warm rim from behind left, kicker from the right'
    """
    prompt = re.sub(r"\bsci-?fi\b", " ", prompt)  # a style, which says nothing of a light
    prompt = re.sub(
        r"\b\d/\d(?= ct[ob]\b)", " ", prompt
    )  # the strength of a gel, whose answer says what to write instead
    prompt = re.sub(r"\bnegative fill(?: (?:from|on) (?:the )?\w+)?\b", "no fill", prompt)
    prompt = re.sub(r"\bdaylight[- ]balanced\b", "5600 k", prompt)
    prompt = re.sub(r"\btungsten[- ]balanced\b", "tungsten", prompt)
    prompt = re.sub(_THREE_QUARTER, _three_quarter, prompt)
    number = "|".join(NUMBER_WORDS)
    prompt = re.sub(rf"\b({number}) (?=stops?\b)", lambda m: f"{NUMBER_WORDS[m[1]]} ", prompt)
    prompt = re.sub(rf"\b({'|'.join(SETUPS)})\b", lambda m: SETUPS[m[1]], prompt)
    light = "|".join(sorted(LIGHT_WORDS, key=len, reverse=True))
    ratio = rf"\b({light}) (\d+(?:\.\d+)?) stops? (over|above|under|below) (?:the )?({light})\b"
    prompt = re.sub(ratio, _ratio, prompt)
    return re.sub(rf"\b({light}) (\d+(?:\.\d+)?) stops? (?:under|below)\b", _below_key, prompt)


_THREE_QUARTER = (
    r"\b(?:3/4|three[- ]quarters?)[- ](back|rim|front|key)(?:[- ]?light)?\b(?: from (?:the )?(left|right)\b)?"
)


def _three_quarter(said: re.Match[str]) -> str:
    """A light halfway between the side of the subject and its back or its front, which is where `rim` and `key` stand."""
    kind, place = ("rim", "behind") if said[1] in ("back", "rim") else ("key", "the front")
    return f"{kind} from {place} {said[2]}" if said[2] else kind


def _below_key(said: re.Match[str]) -> str:
    """A light so many stops under the key, which is not named: as stops from that light's own default."""
    return f"{said[1]} {-FIXTURES[LIGHT_WORDS[said[1]]].stops - float(said[2]):+g} stops"


def _ratio(said: re.Match[str]) -> str:
    first, stops, over, second = said[1], float(said[2]), said[3] in ("over", "above"), said[4]
    apart = FIXTURES[LIGHT_WORDS[first]].stops - FIXTURES[LIGHT_WORDS[second]].stops
    return f"{first}, {second} {apart - (stops if over else -stops):+g} stops"


def _tokens(prompt: str) -> list[str]:
    """Terms, numbers with their units, and dividers. Raises `UsageError` for an unknown word."""
    words = re.findall(r"[+-]?\d+(?:\.\d+)?|[a-z]+|°|[,;.]", prompt.replace("’", "'"))
    odd = sorted(set(re.findall(r"[^\s\w,;.+°'!-]", prompt)))
    if odd:
        raise UsageError(f"a prompt is words, numbers and commas; {' '.join(odd)} means nothing in it")
    known = _terms()
    tokens, unknown, i = [], [], 0
    while i < len(words):
        for length in (3, 2, 1):
            term = " ".join(words[i : i + length])
            if len(words[i : i + length]) == length and (length == 1 or term in known):
                break
        i += len(term.split(" "))
        number = re.fullmatch(r"[+-]?\d+(\.\d+)?", term)
        if number or term in known or term in (",", ";", "."):
            tokens.append(term)
        else:
            unknown.append(term)
    if unknown:
        raise UsageError(_unknown(unknown))
    return tokens


def _terms() -> frozenset[str]:
    terms = {term for topic in TOPICS.values() for term in topic}
    return frozenset({*terms, *NEGATIONS, *FILLER_WORDS, *DIVIDERS, *UNITS, *UPWARD_WORDS, "down", *BRIGHTER_WORDS})


def _unknown(words: list[str]) -> str:
    meant = sorted(term for topic in TOPICS.values() for term in topic if term.isalpha())
    several = sorted({term for topic in TOPICS.values() for term in topic if " " in term})
    said = []
    for word in dict.fromkeys(words):
        near = difflib.get_close_matches(word, meant, n=2, cutoff=0.65)
        near = near or [term for term in several if difflib.get_close_matches(word, term.split(), cutoff=0.8)][:3]
        hint = UNKNOWN_HINTS.get(word) or (f"did you mean {' or '.join(near)}?" if near else "nothing near it is known")
        said.append(f"{word!r} ({hint})")
    return (
        f"the prompt has words that no light can be made of: {', '.join(said)}; relamp env --words lists the known ones"
    )


def _phrases(tokens: list[str]) -> Iterator[list[str]]:
    phrase: list[str] = []
    for token in [*tokens, ","]:
        if token in (",", ";", ".", *DIVIDERS):
            if any(word not in FILLER_WORDS for word in phrase):
                yield phrase
            phrase = []
        else:
            phrase.append(token)


def _read(tokens: list[str]) -> Phrase:
    phrase = Phrase(" ".join(tokens))
    strength = 1.0
    i = 0
    while i < len(tokens):
        token = tokens[i]
        if re.fullmatch(r"[+-]?\d+(\.\d+)?", token):
            i += _read_number(phrase, tokens, i)
            continue
        if token in DEGREE_WORDS:
            strength = DEGREE_WORDS[token]
        elif token in NEGATIONS:
            phrase.refused = True
        elif token not in FILLER_WORDS:
            _read_word(phrase, _above_if_under(tokens, i), strength)
            strength = 1.0
        i += 1
    if phrase.backlit and TIMES.get(phrase.said.get("time", ("", ""))[1], (None,))[0] is not None:
        phrase.kind = "sun"  # of that time of day
        stand(phrase, "behind")
    return phrase


def _above_if_under(tokens: list[str], i: int) -> str:
    """The word at `i`, or `above` where it says that the subject is under a light: `under a street lamp`."""
    if SIDE_WORDS.get(tokens[i]) != "below" or (i and tokens[i - 1] in ("from", *LIGHT_WORDS, *GENERIC_WORDS)):
        return tokens[i]
    after = next((token for token in tokens[i + 1 :] if token in LIGHT_WORDS or token not in FILLER_WORDS), "")
    return "above" if after in LIGHT_WORDS else tokens[i]


def _read_word(phrase: Phrase, token: str, much: float) -> None:
    if token in LIGHT_WORDS or token in SKY_WORDS or token in GENERIC_WORDS:
        _name_head(phrase, token)
    elif token in TIME_WORDS:
        say(phrase, "time", token, TIME_WORDS[token])
    elif token in WEATHER_WORDS:
        say(phrase, "weather", token, WEATHER_WORDS[token])
    elif token in GROUND_WORDS:
        say(phrase, "ground", token, GROUND_WORDS[token])
    elif token in ROOM_WORDS:
        say(phrase, "room", token, ROOM_WORDS[token])
    elif token in COLOUR_WORDS:
        say(phrase, "colour", token, COLOUR_WORDS[token])
        phrase.said["saturation"] = (token, much)
    elif token in SIDE_WORDS:
        stand(phrase, token)
    elif token in HEIGHTS:
        say(phrase, "height", token, HEIGHTS[token])
    elif token in STRENGTHS:
        say(phrase, "stops", token, STRENGTHS[token] * much)
    elif token in ("brighter", "darker", "dimmer"):
        say(phrase, "stops", token, BRIGHTER_WORDS[token] * much)
    elif token in SIZES:
        say(phrase, "size", token, SIZES[token] ** much)
    elif token in CONTRASTS:
        say(phrase, "contrast", token, CONTRASTS[token] * much)
    elif token in EVEN_WORDS:
        say(phrase, "even", token, True)
    else:
        raise UsageError(f"in {phrase.text!r}, {token!r} stands where it says nothing of a light")


def _name_head(phrase: Phrase, token: str) -> None:
    if token in GENERIC_WORDS:
        phrase.head = phrase.head or "generic"
        return
    new = "sky" if token in SKY_WORDS else LIGHT_WORDS[token]
    if phrase.head in (None, "generic"):
        phrase.head, phrase.kind = ("sky", None) if new == "sky" else ("light", new)
        phrase.called = token
        phrase.backlit = token in BACK_WORDS
    elif phrase.head == "light" and (token in BACK_WORDS or phrase.backlit) and new != "sky" and new != phrase.kind:
        phrase.kind = new if phrase.backlit else phrase.kind
        phrase.backlit = False
        stand(phrase, "behind")
    elif new == "window" and re.search(r"\bthrough\b|\bfrom (?:a|the) (?:\w+ )?windows?\b", phrase.text):
        # The light through a window gives its colour; the window is the light.
        shines, phrase.kind, phrase.head, phrase.through = phrase.kind, new, "light", True
        if shines is not None:
            phrase.said.setdefault("colour", (shines, FIXTURES[shines].kelvin))
    elif new != phrase.kind:
        raise UsageError(f"{phrase.text!r} names two lights; put a comma between them")


def say(phrase: Phrase, topic: str, word: str, value: Any) -> None:
    earlier = phrase.said.get(topic)
    if earlier is not None and topic == "colour":
        if _states(value, earlier[1]):
            earlier = None
        elif _states(earlier[1], value):
            return
    if earlier is not None and topic == "colour":
        if value in WARMTHS.get(earlier[1], ()):
            earlier = None
        elif earlier[1] in WARMTHS.get(value, ()):
            return
    if earlier is not None and topic in ("size", "contrast") and value != earlier[1]:
        even = 1.0 if topic == "size" else 0.0
        if (value - even) * (earlier[1] - even) > 0:  # of `big soft`, the one that changes more
            if abs(value - even) < abs(earlier[1] - even):
                return
            earlier = None
    if earlier is not None and earlier[1] != value:
        raise UsageError(f"in {phrase.text!r}, {earlier[0]!r} and {word!r} contradict each other")
    phrase.said[topic] = (word, value)


def _states(kelvin: Any, warmth: Any) -> bool:
    """Whether a colour temperature states what `warm` or `cool` beside it means."""
    if not isinstance(kelvin, float):
        return False
    return (warmth == "warm" and kelvin < 5000) or (warmth in ("cool", "cold") and kelvin > 5000)


def stand(phrase: Phrase, word: str) -> None:
    side = SIDE_WORDS[word]
    for axis in (("left", "right"), ("front", "behind"), ("above", "below")):
        if side in axis:
            other = axis[1 - axis.index(side)]
            if other in phrase.sides:
                raise UsageError(
                    f"in {phrase.text!r}, {phrase.sides[other]!r} and {word!r} contradict each other; "
                    "give each side a light of its own"
                )
    phrase.sides[side] = word


def _read_number(phrase: Phrase, tokens: list[str], i: int) -> int:
    """Read a number and its unit; returns the number of tokens read."""
    value = float(tokens[i])
    unit = UNITS.get(tokens[i + 1]) if i + 1 < len(tokens) else None
    after = tokens[i + 2] if i + 2 < len(tokens) else ""
    if unit == "kelvin":
        if not 1000 <= value <= 40000:
            raise UsageError(f"a colour temperature is 1000 to 40000 K; got {value:g} K")
        say(phrase, "colour", f"{value:g} K", value)
        return 2
    if unit == "stops":
        if not -10 <= value <= 10:
            raise UsageError(f"a light is made up to 10 stops brighter or darker; got {value:g}")
        say(phrase, "stops", f"{value:g} stops", value * BRIGHTER_WORDS.get(after, 1.0))
        return 3 if after in BRIGHTER_WORDS else 2
    if unit == "degrees" and after in (*UPWARD_WORDS, "down", "below"):
        if not 0 <= value <= 90:
            raise UsageError(f"a light stands 0 to 90 degrees up or down; got {value:g}")
        say(phrase, "height", f"{value:g} degrees {after}", value if after in UPWARD_WORDS else -value)
        return 3
    if unit == "degrees" and after in ("left", "right", "camera left", "camera right"):
        if not 0 <= value <= 180:
            raise UsageError(f"a light stands 0 to 180 degrees left or right of the camera; got {value:g}")
        say(phrase, "azimuth", f"{value:g} degrees {after}", -value if after.endswith("left") else value)
        return 3
    raise UsageError(
        f"in {phrase.text!r}, {value:g} needs its unit: 3200 K, 30 degrees left, 20 degrees up, or 2 stops darker"
    )
