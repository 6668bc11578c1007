"""The text of Nuke scripts taken apart into words, as Tcl does it: bare, `{raw}` and `"escaped"`."""

from __future__ import annotations

ESCAPES = {"n": "\n", "t": "\t"}


def words(text: str, *, lines: bool = False) -> list[list[str]]:
    """The words of each line; with `lines` False all in one. Raises `ValueError` where braces do not balance.

    A word in braces keeps them off and is raw; use `is_group` on what `raw` says to know which it was.
    """
    rows: list[list[str]] = [[]]
    i = 0
    while i < len(text):
        letter = text[i]
        if letter == "\n" and lines:
            rows.append([])
            i += 1
        elif letter.isspace():
            i += 1
        elif letter == "{":
            word, i = _braced(text, i)
            rows[-1].append(word)
        elif letter == '"':
            word, i = _quoted(text, i)
            rows[-1].append(word)
        elif letter in "}":
            raise ValueError(f"a brace too many before {text[i : i + 40]!r}")
        else:
            word, i = _bare(text, i)
            rows[-1].append(word)
    return [row for row in rows if row]


def quote(text: str) -> str:
    """One word, however it looks."""
    escaped = text.replace("\\", "\\\\")
    for letter in '"[]{}$':
        escaped = escaped.replace(letter, "\\" + letter)
    return '"' + escaped.replace("\n", "\\n") + '"'


def _braced(text: str, start: int) -> tuple[str, int]:
    depth, i = 0, start
    while i < len(text):
        if text[i] == "\\":
            i += 1
        elif text[i] == "{":
            depth += 1
        elif text[i] == "}":
            depth -= 1
            if depth == 0:
                return text[start + 1 : i], i + 1
        i += 1
    raise ValueError(f"no brace closes {text[start : start + 60]!r}")


def _quoted(text: str, start: int) -> tuple[str, int]:
    found, i = [], start + 1
    while i < len(text):
        if text[i] == "\\":
            found.append(ESCAPES.get(text[i + 1], text[i + 1]))
            i += 2
        elif text[i] == '"':
            return "".join(found), i + 1
        elif text[i] in "[$":
            raise ValueError(f"Tcl would evaluate {text[i : i + 20]!r} in {text[start : start + 60]!r}")
        else:
            found.append(text[i])
            i += 1
    raise ValueError(f"no quote closes {text[start : start + 60]!r}")


def _bare(text: str, start: int) -> tuple[str, int]:
    i = start
    if text[i] == "[":
        i = text.index("]", i)
    while i < len(text) and not text[i].isspace() and text[i] not in "{}":
        i += 1
    return text[start:i], i
