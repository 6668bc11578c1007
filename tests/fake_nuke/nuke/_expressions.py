"""Nuke's expressions, as far as the Relamp node uses them: arithmetic, comparison, `?:`, a few functions, `$gui`.

Values are floats or arrays; a name is looked up by the caller.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any

Look = Callable[[str], Any]
_TOKEN = re.compile(r"\s*(\d+\.?\d*(?:[eE][-+]?\d+)?|\$?[A-Za-z_][\w.]*|&&|\|\||[=!<>]=|[-+*/<>?:(),!])")
_LEVELS = (("||",), ("&&",), ("==", "!="), ("<", ">", "<=", ">="), ("+", "-"), ("*", "/"))


def evaluate(text: str, look: Look) -> Any:
    """The value of an expression. Raises `ValueError` for what is none."""
    parser = _Parser(list(_tokens(text)), look)
    value = parser.choice()
    if parser.tokens:
        raise ValueError(f"{' '.join(parser.tokens)!r} is left over in the expression {text!r}")
    return value


@cache
def _tokens(text: str) -> tuple[str, ...]:
    tokens, place = [], 0
    while place < len(text.rstrip()):
        match = _TOKEN.match(text, place)
        if match is None:
            raise ValueError(f"cannot read {text[place:]!r} in the expression {text!r}")
        tokens.append(match[1])
        place = match.end()
    return tuple(tokens)


class _Parser:
    def __init__(self, tokens: list[str], look: Look) -> None:
        self.tokens, self._look = tokens, look

    def choice(self) -> Any:
        condition = self._level(0)
        if not self._took("?"):
            return condition
        yes = self.choice()
        self._need(":")
        no = self.choice()
        if isinstance(condition, (int, float, bool)):
            return yes if condition else no
        import numpy as np

        return np.where(condition != 0, yes, no)

    def _level(self, level: int) -> Any:
        if level == len(_LEVELS):
            return self._unary()
        value = self._level(level + 1)
        while self.tokens and self.tokens[0] in _LEVELS[level]:
            operator = self.tokens.pop(0)
            value = _apply(operator, value, self._level(level + 1))
        return value

    def _unary(self) -> Any:
        if self._took("-"):
            return -self._unary()
        if self._took("!"):
            return 1.0 * (self._unary() == 0)
        if self._took("("):
            value = self.choice()
            self._need(")")
            return value
        if not self.tokens:
            raise ValueError("the expression ends too early")
        token = self.tokens.pop(0)
        if token[0].isdigit():
            return float(token)
        return self._call(token) if self._took("(") else self._look(token)

    def _call(self, name: str) -> Any:
        arguments = [self.choice()]
        while self._took(","):
            arguments.append(self.choice())
        self._need(")")
        import numpy as np

        functions: dict[tuple[str, int], Callable[..., Any]] = {
            ("pow", 2): np.power, ("max", 2): np.maximum, ("min", 2): np.minimum, ("clamp", 3): np.clip,
        }  # fmt: skip
        if (name, len(arguments)) not in functions:
            raise ValueError(f"Nuke has no function {name} of {len(arguments)} arguments")
        return functions[name, len(arguments)](*arguments)

    def _took(self, token: str) -> bool:
        if self.tokens and self.tokens[0] == token:
            self.tokens.pop(0)
            return True
        return False

    def _need(self, token: str) -> None:
        if not self._took(token):
            raise ValueError(f"expected {token!r} before {' '.join(self.tokens)!r}")


def _apply(operator: str, a: Any, b: Any) -> Any:
    if operator == "||":
        return 1.0 * ((a != 0) | (b != 0))
    if operator == "&&":
        return 1.0 * ((a != 0) & (b != 0))
    compared = {"==": lambda: a == b, "!=": lambda: a != b, "<": lambda: a < b, ">": lambda: a > b,
                "<=": lambda: a <= b, ">=": lambda: a >= b}  # fmt: skip
    if operator in compared:
        return 1.0 * compared[operator]()
    return {"+": lambda: a + b, "-": lambda: a - b, "*": lambda: a * b, "/": lambda: a / b}[operator]()
