"""Light in words: a small vocabulary, read phrase by phrase into lights, a sky, a room and a ground.

A phrase names at most one light; its other words give that light's position, colour, strength and size. A phrase without a light
of its own belongs to the light before it, or at the beginning to the next one. Words that contradict each other
are refused, and every word has an effect. The words are in `vocabulary`, phrases are read in `phrases`.

Sides are the camera's: `left` is the left of the picture, `front` is the camera's side, `behind` is behind the subject.
Standard library only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from ..errors import UsageError
from .phrases import Phrase, read_phrases, say, stand
from .vocabulary import FIXTURES, HUES, LEVELS, TIMES

NO_SUN = ("overcast", "foggy", "stormy")


@dataclass(frozen=True)
class Light:
    """One light: its kind (a key of `FIXTURES`), degrees from the front toward the right and up, and its other properties."""

    kind: str
    azimuth: float
    elevation: float
    colour: str | float | None = None
    """A name of `KELVIN` or `HUES`, kelvin, or None for the kind's own."""
    saturation: float = 1.0
    stops: float = 0.0
    size: float = 1.0
    called: str = field(default="", compare=False)
    """The word that the prompt has for it."""


@dataclass(frozen=True)
class Described:
    """The content of a prompt.

    `sky` is None where none is visible; `contrast` is in stops on everything that is no lamp; `even` is True for light without
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
    dark: bool = False

    @property
    def level(self) -> float:
        """Stops, 0 or less, by which the words lower the level of the whole light, from its strongest light and its mood."""
        keys = [light.stops for light in self.lights if light.kind != "fill"]
        strongest = max(keys) if keys else self.stops if self.even else self.sky_stops
        moods = [
            LEVELS.get(self.time or "", 0.0),
            LEVELS["moon"] if {light.kind for light in self.lights} == {"moon"} else 0.0,
        ]
        return min(0.0, strongest) + min(moods) + (LEVELS["dark"] if self.dark else 0.0)


def describe(prompt: str) -> Described:
    """Read the light that `prompt` describes.

    Raises:
        UsageError: it is empty, or has words that are unknown or contradict each other; the message names them.
    """
    phrases = read_phrases(prompt)
    if not phrases:
        raise UsageError(f"the prompt {prompt!r} says nothing of a light; as in: low warm sun from the left, cool sky")
    return _put_together(_attach(phrases), prompt)


def _attach(phrases: list[Phrase]) -> list[Phrase]:
    """Merge phrases that name no light into the phrase before them, or at the beginning into the next one."""
    whole: list[Phrase] = []
    waiting: list[Phrase] = []
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
        elif lights and _another(lights[-1], phrase):
            whole.append(replace(phrase, head="generic"))
        elif lights:
            _merge(lights[-1], phrase)
        else:
            waiting.append(phrase)
    for phrase in waiting:  # only adjectives, which describe a light
        if whole and whole[-1].head == "generic" and not _another(whole[-1], phrase):
            _merge(whole[-1], phrase)
        else:
            whole.append(replace(phrase, head="generic"))
    return whole


def _another(light: Phrase, phrase: Phrase) -> bool:
    """Whether a phrase that is only a colour means a light beside one that has a colour, as in `magenta and cyan light`."""
    return light.kind is None and "colour" in light.said and set(phrase.said) == {"colour", "saturation"}


def _merge(into: Phrase, more: Phrase) -> None:
    into.text = f"{into.text}, {more.text}"
    for topic, (word, value) in more.said.items():
        say(into, topic, word, value)
    for word in more.sides.values():
        stand(into, word)


def _put_together(phrases: list[Phrase], prompt: str) -> Described:
    d = Described()
    refused = [p for p in phrases if p.refused]
    for phrase in (p for p in phrases if not p.refused):
        d = _add(d, phrase)
    if not (d.lights or d.sky or d.even or d.room) and d.contrast and not refused:
        d = replace(d, lights=(_light(Phrase(""), "lamp", 0, None),))  # a mood alone: `dark and moody`
    d = _with_sun(d, phrases)
    for phrase in refused:
        d = _without(d, phrase)
    if d.even and d.lights:
        names = ", ".join(light.kind for light in d.lights)
        raise UsageError(f"in {prompt!r}, an even light has no direction, and {names} has; leave one of them out")
    if not (d.lights or d.sky or d.even or d.room):
        raise UsageError(f"the prompt {prompt!r} leaves no light at all; name one, as in: softbox from the left")
    if d.room and d.room != "outdoors" and not (d.lights or d.sky):
        d = replace(d, lights=(Light("lamp", *_bearing(Phrase(""), "lamp", 0), d.sky_colour, size=2.0),))
    return d


def _add(d: Described, p: Phrase) -> Described:
    def said(topic: str, default: Any = None) -> Any:
        return p.said.get(topic, ("", default))[1]

    values: dict[str, Any] = {name: said(name) for name in ("time", "weather", "ground", "room") if name in p.said}
    for name in values:
        earlier = getattr(d, name)
        if earlier not in (None, "clear", "earth") and earlier != values[name]:
            raise UsageError(f"the prompt says both {earlier} and {values[name]}; leave one of them out")
    if "time" in p.said or ("weather" in p.said and p.head is None) or "ground" in p.said or said("room") == "outdoors":
        values["sky"] = d.sky or not p.through
    if p.sides and set(p.said) == {"contrast"} and p.said["contrast"][0] != "only":
        raise UsageError(f"{p.text!r}: a shadow cannot be placed; name the light and the side that it comes from")
    values["contrast"] = d.contrast + said("contrast", 0.0)
    values["dark"] = d.dark or p.said.get("contrast", ("",))[0] == "dark"
    if "even" in p.said:
        values |= {"even": True, "colour": said("colour"), "stops": said("stops", 0.0)}
    elif p.head == "sky":
        colour = said("colour", d.sky_colour)
        # A sky is already blue; the hue of that name is for lamps, and would be stronger than the sun.
        values |= {"sky": True, "sky_colour": None if colour == "blue" else colour}
        values["sky_saturation"] = said("saturation", d.sky_saturation)
        values["sky_stops"] = d.sky_stops + said("stops", 0.0)
        if p.sides or "height" in p.said or "size" in p.said:
            raise UsageError(
                f"{p.text!r}: a sky is all around; only lights stand somewhere, as in: soft sun from the left"
            )
    elif p.head in ("light", "generic"):
        # A phrase without a light of its own beside a time or a sky describes the sun.
        kind = p.kind or ("sun" if "time" in p.said and TIMES[str(said("time"))][0] is not None else "lamp")
        values["lights"] = (*d.lights, _light(p, kind, len(d.lights), values.get("time") or d.time))
    elif "colour" in p.said or "stops" in p.said or p.sides or "height" in p.said or "size" in p.said:
        values |= _of_the_scene(d, p, said)
    return replace(d, **values)


def _of_the_scene(d: Described, p: Phrase, said: Callable[..., Any]) -> dict[str, Any]:
    """Adjectives of a phrase that names a time, a place or the weather and no light: `pink sunset from the left`."""
    time = said("time")
    values: dict[str, Any] = {}
    if time is not None and TIMES[str(time)][0] is not None and said("weather", d.weather) not in NO_SUN:
        values["lights"] = (*d.lights, _light(p, "sun", len(d.lights), time))
        # The sky gets the colour, too, but a warm evening keeps the sky's own colour.
        if said("colour") in HUES:
            values |= {"sky_colour": said("colour"), "sky_saturation": said("saturation")}
        return values
    if p.sides or "height" in p.said or "size" in p.said:
        raise UsageError(f"{p.text!r} names no light that could stand somewhere; name one, as in: moon from the left")
    if "colour" in p.said:
        values |= {"sky_colour": said("colour"), "sky_saturation": said("saturation")}
    if said("room") in ("room", "studio"):  # a dim room is a dark one
        return values | {"contrast": d.contrast + said("stops", 0.0), "dark": d.dark or said("stops", 0.0) < 0}
    values["sky_stops"] = d.sky_stops + said("stops", 0.0)
    return values


def _light(p: Phrase, kind: str, index: int, time: object) -> Light:
    azimuth, elevation = _bearing(p, kind, index)
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
        p.called,
    )


_BEARINGS = {
    frozenset(): None, frozenset({"front"}): 0.0, frozenset({"behind"}): 180.0,
    frozenset({"left"}): -90.0, frozenset({"right"}): 90.0, frozenset({"side"}): 90.0,
    frozenset({"front", "left"}): -45.0, frozenset({"front", "right"}): 45.0,
    frozenset({"behind", "left"}): -135.0, frozenset({"behind", "right"}): 135.0,
}  # fmt: skip

_OWN_SIDE = {"key": 45.0, "fill": 45.0, "rembrandt": 45.0, "rim": 135.0}
"""Degrees from the front of a light `from the left` or `from the right`, where it does not stand beside the subject."""


def _bearing(p: Phrase, kind: str, index: int) -> tuple[float, float]:
    """Azimuth from the front toward the right, and elevation, in degrees."""
    fixture = FIXTURES[kind]
    level = frozenset(p.sides) - {"above", "below"}
    if "side" in level and level - {"side"}:
        level -= {"side"}
    azimuth = _BEARINGS[level]
    if kind in _OWN_SIDE and level in ({"left"}, {"right"}):
        azimuth = _OWN_SIDE[kind] if level == {"right"} else -_OWN_SIDE[kind]
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


def _with_sun(d: Described, phrases: list[Phrase]) -> Described:
    """The sun of a time of day or of a clear sky, where the prompt did not place it itself."""
    kinds = {light.kind for light in d.lights}
    if "sun" in kinds and d.time is not None and TIMES[d.time][0] is None:
        raise UsageError(f"there is no sun to be seen at {d.time}; say golden hour, sunrise or sunset, or leave it out")
    # Under a lamp, a moon or a grey sky there is no sun; a time of day adds it.
    shown = d.time is not None and TIMES[d.time][0] is not None and d.weather not in NO_SUN
    shown = shown and not any(p.through for p in phrases)
    if shown and "sun" not in kinds and d.time is not None:
        d = replace(d, lights=(*d.lights, Light("sun", -45.0, float(TIMES[d.time][0] or 0.0))))
    outside = {"sun", "moon", "street lamp"} & {light.kind for light in d.lights}
    inside = d.room in ("room", "studio")
    if outside and not inside and not d.even:
        d = replace(d, sky=True)
    return d


def _without(d: Described, p: Phrase) -> Described:
    """Remove what was negated with `no`."""
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
