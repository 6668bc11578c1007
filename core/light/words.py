"""Light in words: a small vocabulary, read phrase by phrase into lights, a sky, a room and a ground.

Commas, semicolons, `and`, `with`, `but` and `plus` divide a prompt into phrases. A phrase names at most one light; its other
words say where that light stands, its colour, strength and size. A phrase without a light of its own goes on about the light
before it, or at the beginning about the one that comes. A word that is not known is refused by name, and so are words that
contradict each other: nothing is left out in silence.

Sides are the camera's: `left` is the left of the picture, `front` is where the camera stands, `behind` is behind the subject.
Standard library only.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from ..errors import UsageError


@dataclass(frozen=True)
class Fixture:
    """How a light of one kind stands when nothing else is said.

    `elevation` and `radius` are in degrees (`shape` says what the radius is of), `kelvin` the colour, `stops` the strength
    against a key light, `azimuth` from the front toward the camera's right, None for wherever there is room.
    """

    shape: str
    elevation: float
    radius: float
    kelvin: float
    stops: float = 0.0
    azimuth: float | None = None


# Shapes: disk, panel (as high as wide), window (with bars), strip (upright), flames. Sun and moon are half a degree wide.
FIXTURES = {
    "sun": Fixture("sun", 40, 0.2665, 5400),
    "moon": Fixture("disk", 40, 0.26, 7500, -0.0),
    "window": Fixture("window", 8, 18, 6500),
    "softbox": Fixture("panel", 30, 16, 5600),
    "panel": Fixture("panel", 25, 12, 5600),
    "screen": Fixture("panel", -5, 14, 8500),
    "lamp": Fixture("disk", 20, 6, 4500),
    "bulb": Fixture("disk", 20, 2, 2800),
    "spotlight": Fixture("disk", 45, 1.5, 4200),
    "street lamp": Fixture("disk", 60, 1, 2100),
    "ring light": Fixture("disk", 0, 9, 5600, 0.0, 0.0),
    "neon": Fixture("strip", 12, 11, 6500),
    "strip": Fixture("strip", 15, 16, 5600),
    "candle": Fixture("disk", -8, 1.5, 1850),
    "fire": Fixture("flames", -12, 10, 1950),
    "key": Fixture("panel", 30, 10, 5600),
    "fill": Fixture("panel", 5, 32, 5600, -2.5),
    "rim": Fixture("strip", 30, 14, 5600, 0.5, 145.0),
}

_LIGHTS = {
    **{name: name for name in FIXTURES},
    "sunlight": "sun", "sunshine": "sun", "sunbeam": "sun", "moonlight": "moon", "moonlit": "moon", "windows": "window",
    "octabox": "softbox", "soft box": "softbox", "tv": "screen", "television": "screen", "monitor": "screen",
    "lantern": "bulb", "table lamp": "bulb", "light bulb": "bulb", "spot": "spotlight", "streetlight": "street lamp",
    "street light": "street lamp", "streetlamp": "street lamp", "tube": "strip", "neon sign": "neon", "neons": "neon",
    "candles": "candle", "candlelight": "candle", "candlelit": "candle", "campfire": "fire", "fireplace": "fire",
    "flames": "fire", "firelight": "fire", "bonfire": "fire", "fill light": "fill", "key light": "key",
    "rim light": "rim", "backlight": "rim", "back light": "rim", "hair light": "rim", "kicker": "rim",
}  # fmt: skip
_GENERIC = ("light", "lights", "lighting", "glow", "lit", "illumination")
_SKY = ("sky", "skylight", "heaven", "daylight")

# Elevation of the sun in degrees, None when it is not to be seen, and the turbidity of its sky.
TIMES: dict[str, tuple[float | None, float]] = {
    "sunrise": (3, 3.0),
    "morning": (22, 2.8),
    "noon": (68, 2.5),
    "afternoon": (40, 2.8),
    "evening": (12, 3.2),
    "golden hour": (7, 3.2),
    "sunset": (2.5, 4.0),
    "dusk": (None, 4.0),
    "blue hour": (None, 2.5),
    "night": (None, 2.5),
}
_TIMES = {
    **{name: name for name in TIMES},
    "dawn": "dusk", "twilight": "dusk", "midday": "noon", "day": "afternoon", "daytime": "afternoon", "nighttime": "night",
}  # fmt: skip
_WEATHERS = {
    "clear": "clear", "cloudless": "clear", "cloudy": "cloudy", "clouds": "cloudy", "overcast": "overcast",
    "grey sky": "overcast", "hazy": "hazy", "haze": "hazy", "foggy": "foggy", "fog": "foggy", "misty": "foggy",
    "mist": "foggy", "stormy": "stormy", "storm": "stormy", "rainy": "overcast", "rain": "overcast",
}  # fmt: skip
GROUNDS = {
    "earth": (0.20, 0.17, 0.13), "snow": (0.82, 0.84, 0.88), "sand": (0.42, 0.34, 0.23), "grass": (0.08, 0.12, 0.04),
    "asphalt": (0.09, 0.09, 0.1), "water": (0.06, 0.07, 0.08),
}  # fmt: skip
_GROUNDS = {
    **{name: name for name in GROUNDS},
    "snowy": "snow", "beach": "sand", "desert": "sand", "meadow": "grass", "street": "asphalt",
    "road": "asphalt", "sea": "water", "lake": "water", "ground": "earth",
}  # fmt: skip
_ROOMS = {"room": "room", "interior": "room", "indoors": "room", "indoor": "room", "studio": "studio", "stage": "studio",
          "outdoors": "outdoors", "outdoor": "outdoors", "outside": "outdoors"}  # fmt: skip

KELVIN = {"warm": 3200.0, "cool": 9000.0, "cold": 12000.0, "neutral": 6500.0, "white": 6500.0, "tungsten": 3000.0,
          "amber": 2200.0, "golden": 2700.0}  # fmt: skip
HUES = {
    "red": (1.0, 0.06, 0.03), "orange": (1.0, 0.34, 0.05), "yellow": (1.0, 0.78, 0.1), "green": (0.1, 1.0, 0.15),
    "teal": (0.05, 0.8, 0.65), "cyan": (0.08, 0.85, 1.0), "blue": (0.08, 0.25, 1.0), "purple": (0.4, 0.08, 1.0),
    "violet": (0.4, 0.08, 1.0), "magenta": (1.0, 0.08, 0.75), "pink": (1.0, 0.28, 0.5),
}  # fmt: skip
_COLOURS = {**{name: name for name in (*KELVIN, *HUES)}, "warmer": "warm", "cooler": "cool", "gold": "golden",
            "bluish": "blue", "reddish": "red", "greenish": "green", "pinkish": "pink", "orangey": "orange"}  # fmt: skip
_SIDES = {
    "left": "left", "right": "right", "front": "front", "camera": "front", "frontal": "front", "behind": "behind",
    "back": "behind", "rear": "behind", "above": "above", "overhead": "above", "top": "above", "below": "below",
    "under": "below", "underneath": "below", "beneath": "below", "side": "side", "camera left": "left",
    "camera right": "right",
}  # fmt: skip
_HEIGHTS = {"low": 8.0, "high": 62.0}
_STRENGTHS = {"bright": 1.0, "strong": 1.0, "intense": 2.0, "blazing": 2.0, "dim": -1.5, "weak": -1.5, "faint": -2.5,
              "gentle": -0.7, "subtle": -2.0}  # fmt: skip
_SIZES = {"soft": 2.5, "diffuse": 3.5, "diffused": 3.5, "hard": 0.3, "harsh": 0.3, "crisp": 0.3, "big": 2.0, "large": 2.0,
          "huge": 3.0, "wide": 2.0, "small": 0.5, "tiny": 0.25, "narrow": 0.5}  # fmt: skip
_CONTRASTS = {"high contrast": -2.0, "contrasty": -2.0, "dramatic": -2.0, "dark": -2.0, "moody": -2.5,
              "low contrast": 1.5, "flat": 2.0, "no fill": -4.0}  # fmt: skip
_EVEN = ("even", "uniform", "shadowless", "no shadows")
_HINTS = {
    **dict.fromkeys(("two", "three", "four", "both", "several", "many", "pair"), "name each light with a place of its own"),
    **dict.fromkeys(
        ("flickering", "moving", "turning", "flashing", "pulsing", "fading", "swinging", "animated"),
        "words are one moment; --env-exposure and --env-rotate take a value a frame",
    ),
}  # fmt: skip
_DEGREES = {"very": 1.6, "extremely": 2.2, "slightly": 0.5, "softly": 0.5, "somewhat": 0.6, "quite": 1.2, "extra": 1.6}
_NOT = ("no", "without")
_FILLER = frozenset(
    ("a", "an", "the", "of", "in", "on", "at", "to", "by", "from", "is", "it", "its", "this", "that", "coming", "comes",
     "shining", "shines", "falling", "falls", "through", "into", "over", "across", "onto", "scene", "shot", "picture",
     "toned", "colored", "coloured", "colour", "color", "off")
)  # fmt: skip
_PHRASES = ("and", "with", "but", "plus")
_UNITS = {"k": "kelvin", "kelvin": "kelvin", "degree": "degrees", "degrees": "degrees", "deg": "degrees", "°": "degrees",
          "stop": "stops", "stops": "stops"}  # fmt: skip
_UP = ("up", "high", "above")
_BRIGHTER = {"brighter": 1.0, "over": 1.0, "more": 1.0, "darker": -1.0, "less": -1.0, "dimmer": -1.0}

TOPICS: dict[str, tuple[str, ...]] = {
    "lights": (*_LIGHTS, *_GENERIC),
    "sky": (*_SKY, *_WEATHERS),
    "time of day": tuple(_TIMES),
    "place": (*_ROOMS, *_GROUNDS),
    "where a light stands": (*_SIDES, *_HEIGHTS),
    "colour": tuple(_COLOURS),
    "strength": tuple(_STRENGTHS),
    "size": tuple(_SIZES),
    "contrast": (*_CONTRASTS, *_EVEN),
    "how much": tuple(_DEGREES),
    "leaving out": _NOT,
}
"""The vocabulary, by what it is about."""
NUMBERS = ("3200 K", "30 degrees left", "20 degrees up", "+1 stop", "2 stops darker")
"""How numbers are said."""


@dataclass(frozen=True)
class Light:
    """One light: its kind (a key of `FIXTURES`), degrees from the front toward the right and up, and what was said of it."""

    kind: str
    azimuth: float
    elevation: float
    colour: str | float | None = None
    """A name of `KELVIN` or `HUES`, kelvin, or None for the kind's own."""
    saturation: float = 1.0
    stops: float = 0.0
    size: float = 1.0


@dataclass(frozen=True)
class Described:
    """What a prompt says.

    `sky` is None where none is to be seen; `contrast` is in stops on everything that is no lamp; `even` is a light without
    any direction.
    """

    lights: tuple[Light, ...] = ()
    time: str | None = None
    weather: str = "clear"
    sky: bool = False
    sky_colour: str | float | None = None
    sky_saturation: float = 1.0
    sky_stops: float = 0.0
    ground: str = "earth"
    room: str | None = None
    contrast: float = 0.0
    even: bool = False
    colour: str | float | None = None
    stops: float = 0.0


def describe(prompt: str) -> Described:
    """What `prompt` says of the light.

    Raises:
        UsageError: it is empty, or has words that are not known or contradict each other; the sentence names them.
    """
    phrases = [_read(tokens) for tokens in _phrases(_tokens(prompt))]
    if not phrases:
        raise UsageError(f"the prompt {prompt!r} says nothing of a light; as in: low warm sun from the left, cool sky")
    return _put_together(_attach(phrases), prompt)


# ------------------------------------------------------------------------------------------------------------- reading


@dataclass
class _Phrase:
    """What one phrase says, not yet placed. `head` is what its adjectives are about: a light, sky, time, room or None."""

    text: str
    head: str | None = None
    kind: str | None = None
    said: dict[str, tuple[str, Any]] = field(default_factory=dict)
    """By topic: the word and its value, so that a contradiction can name both."""
    sides: dict[str, str] = field(default_factory=dict)
    refused: bool = False
    """Said with a no."""


def _tokens(prompt: str) -> list[str]:
    """Terms, numbers with their units, and dividers; every word is known or refused."""
    words = re.findall(r"[+-]?\d+(?:\.\d+)?|[a-z]+|°|[,;.]", prompt.lower().replace("’", "'"))
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
    return frozenset({*terms, *_NOT, *_FILLER, *_PHRASES, *_UNITS, *_UP, "down", *_BRIGHTER})


def _unknown(words: list[str]) -> str:
    meant = sorted(term for topic in TOPICS.values() for term in topic if term.isalpha())
    said = []
    for word in dict.fromkeys(words):
        near = difflib.get_close_matches(word, meant, n=2, cutoff=0.65)
        hint = _HINTS.get(word) or (f"did you mean {' or '.join(near)}?" if near else "nothing near it is known")
        said.append(f"{word!r} ({hint})")
    return (
        f"the prompt has words that no light can be made of: {', '.join(said)}; relamp env --words lists the known ones"
    )


def _phrases(tokens: list[str]) -> Iterator[list[str]]:
    phrase: list[str] = []
    for token in [*tokens, ","]:
        if token in (",", ";", ".", *_PHRASES):
            if any(word not in _FILLER for word in phrase):
                yield phrase
            phrase = []
        else:
            phrase.append(token)


def _read(tokens: list[str]) -> _Phrase:
    phrase = _Phrase(" ".join(tokens))
    strength = 1.0
    i = 0
    while i < len(tokens):
        token = tokens[i]
        if re.fullmatch(r"[+-]?\d+(\.\d+)?", token):
            i += _read_number(phrase, tokens, i)
            continue
        if token in _DEGREES:
            strength = _DEGREES[token]
        elif token in _NOT:
            phrase.refused = True
        elif token not in _FILLER:
            _read_word(phrase, token, strength)
            strength = 1.0
        i += 1
    return phrase


def _read_word(phrase: _Phrase, token: str, much: float) -> None:
    if token in _LIGHTS or token in _SKY or token in _GENERIC:
        _name_head(phrase, token)
    elif token in _TIMES:
        _say(phrase, "time", token, _TIMES[token])
    elif token in _WEATHERS:
        _say(phrase, "weather", token, _WEATHERS[token])
    elif token in _GROUNDS:
        _say(phrase, "ground", token, _GROUNDS[token])
    elif token in _ROOMS:
        _say(phrase, "room", token, _ROOMS[token])
    elif token in _COLOURS:
        _say(phrase, "colour", token, _COLOURS[token])
        phrase.said["saturation"] = (token, much)
    elif token in _SIDES:
        _face(phrase, token)
    elif token in _HEIGHTS:
        _say(phrase, "height", token, _HEIGHTS[token])
    elif token in _STRENGTHS:
        _say(phrase, "stops", token, _STRENGTHS[token] * much)
    elif token in _SIZES:
        _say(phrase, "size", token, _SIZES[token] ** much)
    elif token in _CONTRASTS:
        _say(phrase, "contrast", token, _CONTRASTS[token] * much)
    elif token in _EVEN:
        _say(phrase, "even", token, True)
    else:
        raise UsageError(f"in {phrase.text!r}, {token!r} stands where it says nothing of a light")


def _name_head(phrase: _Phrase, token: str) -> None:
    if token in _GENERIC:
        phrase.head = phrase.head or "generic"
        return
    new = "sky" if token in _SKY else _LIGHTS[token]
    if phrase.head in (None, "generic"):
        phrase.head, phrase.kind = ("sky", None) if new == "sky" else ("light", new)
    elif " through " in f" {phrase.text} " and new == "window":
        # What shines through a window colours it: the window is the light.
        shines, phrase.kind, phrase.head = phrase.kind, new, "light"
        if shines is not None:
            phrase.said.setdefault("colour", (shines, FIXTURES[shines].kelvin))
    elif new != phrase.kind:
        raise UsageError(f"{phrase.text!r} names two lights; put a comma between them")


def _say(phrase: _Phrase, topic: str, word: str, value: Any) -> None:
    earlier = phrase.said.get(topic)
    if earlier is not None and earlier[1] != value:
        raise UsageError(f"in {phrase.text!r}, {earlier[0]!r} and {word!r} contradict each other")
    phrase.said[topic] = (word, value)


def _face(phrase: _Phrase, word: str) -> None:
    side = _SIDES[word]
    for axis in (("left", "right"), ("front", "behind"), ("above", "below")):
        if side in axis:
            other = axis[1 - axis.index(side)]
            if other in phrase.sides:
                raise UsageError(
                    f"in {phrase.text!r}, {phrase.sides[other]!r} and {word!r} contradict each other; "
                    "give each side a light of its own"
                )
    phrase.sides[side] = word


def _read_number(phrase: _Phrase, tokens: list[str], i: int) -> int:
    """Read a number and what belongs to it; how many tokens that was."""
    value = float(tokens[i])
    unit = _UNITS.get(tokens[i + 1]) if i + 1 < len(tokens) else None
    after = tokens[i + 2] if i + 2 < len(tokens) else ""
    if unit == "kelvin":
        if not 1000 <= value <= 40000:
            raise UsageError(f"a colour temperature is 1000 to 40000 K; got {value:g} K")
        _say(phrase, "colour", f"{value:g} K", value)
        return 2
    if unit == "stops":
        if not -10 <= value <= 10:
            raise UsageError(f"a light is made up to 10 stops brighter or darker; got {value:g}")
        _say(phrase, "stops", f"{value:g} stops", value * _BRIGHTER.get(after, 1.0))
        return 3 if after in _BRIGHTER else 2
    if unit == "degrees" and after in (*_UP, "down", "below"):
        if not 0 <= value <= 90:
            raise UsageError(f"a light stands 0 to 90 degrees up or down; got {value:g}")
        _say(phrase, "height", f"{value:g} degrees {after}", value if after in _UP else -value)
        return 3
    if unit == "degrees" and after in ("left", "right", "camera left", "camera right"):
        if not 0 <= value <= 180:
            raise UsageError(f"a light stands 0 to 180 degrees left or right of the camera; got {value:g}")
        _say(phrase, "azimuth", f"{value:g} degrees {after}", -value if after.endswith("left") else value)
        return 3
    raise UsageError(
        f"in {phrase.text!r}, {value:g} needs its unit: 3200 K, 30 degrees left, 20 degrees up, or 2 stops darker"
    )


# ---------------------------------------------------------------------------------------------------- putting together


def _attach(phrases: list[_Phrase]) -> list[_Phrase]:
    """Let phrases that name nothing go on about the light before them, or at the beginning about the one that comes."""
    whole: list[_Phrase] = []
    waiting: list[_Phrase] = []
    for phrase in phrases:
        names = phrase.head is not None or any(t in phrase.said for t in ("time", "weather", "ground", "room", "even"))
        lights = [p for p in whole if p.head is not None or "time" in p.said]
        only_contrast = set(phrase.said) == {"contrast"} and not phrase.sides
        if names or only_contrast:
            whole.append(phrase)
            if phrase.head is not None:
                for before in waiting:
                    _merge(phrase, before)
                waiting = []
        elif lights:
            _merge(lights[-1], phrase)
        else:
            waiting.append(phrase)
    for phrase in waiting:  # nothing but adjectives: they are about a light
        if whole and whole[-1].head == "generic":
            _merge(whole[-1], phrase)
        else:
            whole.append(replace(phrase, head="generic"))
    return whole


def _merge(into: _Phrase, more: _Phrase) -> None:
    into.text = f"{into.text}, {more.text}"
    for topic, (word, value) in more.said.items():
        _say(into, topic, word, value)
    for word in more.sides.values():
        _face(into, word)


def _put_together(phrases: list[_Phrase], prompt: str) -> Described:
    d = Described()
    refused = [p for p in phrases if p.refused]
    for phrase in (p for p in phrases if not p.refused):
        d = _add(d, phrase)
    d = _with_sun(d, phrases)
    for phrase in refused:
        d = _without(d, phrase)
    if d.even and d.lights:
        names = ", ".join(light.kind for light in d.lights)
        raise UsageError(f"in {prompt!r}, an even light has no direction, and {names} has; leave one of them out")
    if not (d.lights or d.sky or d.even or d.room):
        raise UsageError(f"the prompt {prompt!r} leaves no light at all; name one, as in: softbox from the left")
    if d.room and d.room != "outdoors" and not (d.lights or d.sky):
        d = replace(d, lights=(Light("lamp", *_placed(_Phrase(""), "lamp", 0), size=2.0),))
    return d


def _add(d: Described, p: _Phrase) -> Described:
    def said(topic: str, default: Any = None) -> Any:
        return p.said.get(topic, ("", default))[1]

    values: dict[str, Any] = {name: said(name) for name in ("time", "weather", "ground", "room") if name in p.said}
    for name in values:
        earlier = getattr(d, name)
        if earlier not in (None, "clear", "earth") and earlier != values[name]:
            raise UsageError(f"the prompt says both {earlier} and {values[name]}; leave one of them out")
    if "time" in p.said or ("weather" in p.said and p.head is None) or "ground" in p.said or said("room") == "outdoors":
        values["sky"] = True
    values["contrast"] = d.contrast + said("contrast", 0.0)
    if "even" in p.said:
        values |= {"even": True, "colour": said("colour"), "stops": said("stops", 0.0)}
    elif p.head == "sky":
        colour = said("colour", d.sky_colour)
        # A sky is blue by itself; the hue of that name is a lamp's, and would drown the sun.
        values |= {"sky": True, "sky_colour": None if colour == "blue" else colour}
        values["sky_saturation"] = said("saturation", d.sky_saturation)
        values["sky_stops"] = d.sky_stops + said("stops", 0.0)
        if p.sides or "height" in p.said or "size" in p.said:
            raise UsageError(
                f"{p.text!r}: a sky is all around; only lights stand somewhere, as in: soft sun from the left"
            )
    elif p.head in ("light", "generic"):
        # What a phrase without a light of its own says beside a time or a sky is about the sun.
        kind = p.kind or ("sun" if "time" in p.said and TIMES[str(said("time"))][0] is not None else "lamp")
        values["lights"] = (*d.lights, _light(p, kind, len(d.lights), values.get("time") or d.time))
    elif "colour" in p.said or "stops" in p.said or p.sides or "height" in p.said or "size" in p.said:
        values |= _of_the_scene(d, p, said)
    return replace(d, **values)


def _of_the_scene(d: Described, p: _Phrase, said: Callable[..., Any]) -> dict[str, Any]:
    """Adjectives of a phrase that names a time, a place or the weather and no light: `pink sunset from the left`."""
    time = said("time")
    values: dict[str, Any] = {}
    if time is not None and TIMES[str(time)][0] is not None:
        values["lights"] = (*d.lights, _light(p, "sun", len(d.lights), time))
        # The colour is the sky's too, but a warm evening still has a sky of its own.
        if said("colour") in HUES:
            values |= {"sky_colour": said("colour"), "sky_saturation": said("saturation")}
        return values
    if p.sides or "height" in p.said or "size" in p.said:
        raise UsageError(f"{p.text!r} names no light that could stand somewhere; name one, as in: moon from the left")
    if "colour" in p.said:
        values |= {"sky_colour": said("colour"), "sky_saturation": said("saturation")}
    values["sky_stops"] = d.sky_stops + said("stops", 0.0)
    return values


def _light(p: _Phrase, kind: str, index: int, time: object) -> Light:
    azimuth, elevation = _placed(p, kind, index)
    if kind == "sun" and "height" not in p.said and not {"above", "below"} & set(p.sides) and time is not None:
        elevation = TIMES[str(time)][0] or elevation
    colour = p.said.get("colour", ("", None))[1]
    return Light(
        kind,
        azimuth,
        elevation,
        colour,
        p.said.get("saturation", ("", 1.0))[1],
        p.said.get("stops", ("", 0.0))[1],
        p.said.get("size", ("", 1.0))[1],
    )


_BEARINGS = {
    frozenset(): None, frozenset({"front"}): 0.0, frozenset({"behind"}): 180.0,
    frozenset({"left"}): -90.0, frozenset({"right"}): 90.0, frozenset({"side"}): 90.0,
    frozenset({"front", "left"}): -45.0, frozenset({"front", "right"}): 45.0,
    frozenset({"behind", "left"}): -135.0, frozenset({"behind", "right"}): 135.0,
}  # fmt: skip


def _placed(p: _Phrase, kind: str, index: int) -> tuple[float, float]:
    """Azimuth from the front toward the right, and elevation, in degrees."""
    fixture = FIXTURES[kind]
    level = frozenset(p.sides) - {"above", "below"}
    if "side" in level and level - {"side"}:
        level -= {"side"}
    azimuth = _BEARINGS[level]
    if "azimuth" in p.said:
        if level:
            raise UsageError(f"in {p.text!r}, {next(iter(p.sides.values()))!r} stands beside an angle; leave one out")
        azimuth = p.said["azimuth"][1]
    tall = fixture.elevation
    if "above" in p.sides:
        tall = 82.0 if azimuth is None else 50.0
    elif "below" in p.sides:
        tall = -70.0 if azimuth is None else -40.0
    if "height" in p.said:
        tall = p.said["height"][1]
    if azimuth is None:
        azimuth = fixture.azimuth if fixture.azimuth is not None else (-45.0, 45.0, 135.0, -135.0)[index % 4]
    return azimuth, tall


def _with_sun(d: Described, phrases: list[_Phrase]) -> Described:
    """The sun of a time of day or of a clear sky, where the prompt did not place it itself."""
    kinds = {light.kind for light in d.lights}
    if "sun" in kinds and d.time is not None and TIMES[d.time][0] is None:
        raise UsageError(f"there is no sun to be seen at {d.time}; say golden hour, sunrise or sunset, or leave it out")
    # Under a lamp, a moon or a grey sky nobody expects the sun; a time of day brings it.
    shown = d.time is not None and TIMES[d.time][0] is not None and d.weather not in ("overcast", "foggy", "stormy")
    if shown and "sun" not in kinds and d.time is not None:
        d = replace(d, lights=(*d.lights, Light("sun", -45.0, float(TIMES[d.time][0] or 0.0))))
    outside = {"sun", "moon", "street lamp"} & {light.kind for light in d.lights}
    inside = d.room in ("room", "studio")
    if outside and not inside and not d.even:
        d = replace(d, sky=True)
    return d


def _without(d: Described, p: _Phrase) -> Described:
    """Take out what was said with a no."""
    if p.kind is not None:
        if p.kind == "fill" and not any(light.kind == "fill" for light in d.lights):
            return replace(d, contrast=d.contrast - 4.0)
        left = tuple(light for light in d.lights if light.kind != p.kind)
        if len(left) == len(d.lights):
            raise UsageError(f"{p.text!r}: there is no {p.kind} that could be left out")
        return replace(d, lights=left)
    if p.head == "sky":
        return replace(d, sky=False)
    raise UsageError(f"{p.text!r}: only lights and the sky can be left out, as in: no sun, without sky")
