"""The words of a change to lights as terms of brightness, colour, size, place and number.

Every word is a term, grammar, or named as not understood, so that nothing said is left out. Standard library only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .vocabulary import COLOUR_WORDS

_PERSON = "her|him|them|subject|actor|actress|man|woman|person|talent|face|cheek|head|shoulders?|hands?"
SUBJECT = rf"(?:(?:the|her|his|their|my) )?(?:{_PERSON})\b"
"""The person that a place is said of, as in `behind her head`."""
STEPS = {
    "a little bit": 0.5, "a little": 0.5, "a bit": 0.5, "a touch": 0.5, "a tad": 0.5, "a hair": 0.5, "slightly": 0.5,
    "somewhat": 0.5, "bit": 0.5, "touch": 0.5, "little": 0.5, "tad": 0.5, "much": 2.0, "far": 2.0, "a lot": 2.0, "way": 2.0,
    "very": 1.5,
}  # fmt: skip
"""How much of a change, where no number says it."""
SIDES = "left|right|front|behind|back|above|overhead|top|below|underneath|under"
_PLACE = (
    rf"(?:(?:directly|straight|right) )?(?:(?:to|from|on|onto|at|over|in) )?(?:the )?"
    rf"(?:camera|screen|frame|picture|her|his|their)?[ -]?(?:{SIDES})"
    rf"(?: side)?(?: of(?: the)?)?(?: (?:{SUBJECT}|the camera|camera|frame|picture))*"
)
_NUMBER = r"[+-]?\d+(?:\.\d+)?"
_BY = r"(?:(to|at|by|about) )?(?:about )?"
_GRAMMAR = (
    r"please|the|lights?|lamps?|source|of|it|its|them|to|by|is|are|be|an?|and|so|that|this|should|make|set|turn|switch|bring|push|"
    r"pull|put|have|get|let|change|give|colour|color|tint|gel|with|at|for|look|in|from|even|another|one|go|also|add|again|some|her|round|around|over|where|as|side"
)
"""Words that say nothing by themselves."""
_TERMS: tuple[tuple[str, str, float], ...] = (
    ("kelvin", rf"{_BY}({_NUMBER}) ?(?:k|kelvin)", 0),
    ("stops", rf"{_BY}({_NUMBER}) ?stops?", 0),
    ("percent", rf"{_BY}({_NUMBER}) ?(?:%|percent|per cent)", 0),
    ("degrees", rf"{_BY}({_NUMBER}) ?(?:degrees?|deg|°)", 0),
    ("shadows", r"(?:no|without(?: any)?) shadows?|shadowless|shadows? off", -1),
    ("shadows", r"(?:with )?shadows?(?: on)?", 1),
    ("across", r"(?:(?:to|on|onto) )?(?:the )?(?:other|opposite) side|flip|swap", 1),
    ("bright", r"double|twice as (?:bright|strong)", 1),
    ("bright", r"halve|half as (?:bright|strong)", -1),
    ("more", r"more|extra|(?:further|farther)(?= (?:to|left|right|up|down|over)\b)", 1),
    ("more", r"less|too|not (?:so|as|too|that)", -1),
    ("much", "|".join(sorted(STEPS, key=len, reverse=True)), 1),
    ("bright", r"stronger|brighter|hotter|punchier|brighten|boost|bump|bright|strong|hot|intense", 1),
    ("bright", r"weaker|dimmer|darker|fainter|subtler|dim|dark|weak|faint|subtle", -1),
    ("warm", r"warmer|warmth|warm", 1),
    ("warm", r"cooler|colder|cool|cold", -1),
    ("soft", r"softer|soften|bigger|larger|wider|widen|soft|big|large|wide|diffused?", 1),
    ("soft", r"harder|harsher|harden|smaller|narrower|narrow|crisper|sharper|hard|harsh|crisp|small", -1),
    ("near", rf"(?:closer|nearer|close|near|in)(?: (?:to|in))?(?: {SUBJECT})+|closer(?: (?:to|in))?|nearer|close", 1),
    ("near", rf"(?:farther|further)(?: (?:away|back|from|off|out))*(?: {SUBJECT})*|away(?: from {SUBJECT})?", -1),
    ("place", _PLACE, 0),
    ("rise", r"up|higher|high|raise|lift|increase", 1),
    ("rise", r"down|lower|low|reduce", -1),
    ("level", r"(?:the )?(?:intensity|level|brightness|strength|exposure|output|light level)", 1),
    ("off", r"off(?: of)?|out of", 1),
    ("on", r"(?:back )?on(?: again)?", 1),
    ("falls", r"drop|lose|knock|cut|take", 1),
    ("moves", r"move|swing|slide|shift|tilt|pan", 1),
    ("pale", r"pale|light(?= (?:red|orange|yellow|green|teal|cyan|blue|purple|violet|magenta|pink))|pastel", 1),
    ("deep", r"deep|rich|saturated|vivid|full", 1),
    ("colour", "|".join(sorted(COLOUR_WORDS, key=len, reverse=True)), 0),
    ("", _GRAMMAR, 0),
)  # fmt: skip
_LEXER = [(kind, re.compile(rf"(?:{pattern})(?![\w%])"), sign) for kind, pattern, sign in _TERMS]


@dataclass
class Term:
    """One term: what it is of, its sign or its number, the preposition before a number, and the words of it."""

    kind: str
    value: float
    text: str
    before: str = ""


def terms_of(text: str) -> tuple[list[Term], list[str]]:
    """The terms of a text, in order, and the words that are none.

    >>> [(term.kind, term.value) for term in terms_of("20 degrees to the left and a bit warmer")[0]]
    [('degrees', 20.0), ('place', 0), ('much', 0.5), ('warm', 1)]
    """
    found, odd, at = [], [], 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        for kind, pattern, sign in _LEXER:
            if match := pattern.match(text, at):
                found.append(_term(kind, match, sign))
                at = match.end()
                break
        else:
            word = re.compile(r"\S+").match(text, at)
            assert word is not None
            odd.append(word[0])
            at = word.end()
    return [term for term in found if term.kind], odd


def _term(kind: str, match: re.Match[str], sign: float) -> Term:
    if kind in ("kelvin", "stops", "percent", "degrees"):
        return Term(kind, float(match[2]), match[0], match[1] or "")
    return Term(kind, STEPS[match[0]] if kind == "much" else sign, match[0])
