"""The expressions of ``-k`` and ``-m``: words joined by ``and``, ``or``, ``not`` and parentheses.

The grammar is pytest's::

    expression: or_ | nothing
    or_:        and_ ("or" and_)*
    and_:       not_ ("and" not_)*
    not_:       "not" not_ | "(" or_ ")" | WORD

Nothing selects everything.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from mobench.errors import MobenchError

Matcher = Callable[[str], bool]
Expression = Callable[[Matcher], bool]

_TOKEN = re.compile(r"\s*([()]|[^\s()]+)")


@dataclass(frozen=True)
class Parsed:
    """A parsed expression.

    Attributes:
        words: The words in it, in order.
        matches: Given what a word means, whether the expression holds.
    """

    words: tuple[str, ...]
    matches: Expression


def parse(text: str) -> Parsed:
    """Parses an expression.

    Args:
        text: Such as ``tiny and not (lora or seed=2)``.

    Raises:
        MobenchError: The expression is malformed; the message gives the column.
    """
    if not text.strip():
        return Parsed((), lambda _: True)
    parser = _Parser(text)
    expression = parser.either()
    parser.expect_end()
    return Parsed(tuple(parser.words), expression)


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = [(m[1], m.start(1) + 1) for m in _TOKEN.finditer(text)]
        self.words: list[str] = []

    def either(self) -> Expression:
        parts = [self.both()]
        while self.take("or"):
            parts.append(self.both())
        return lambda matcher: any(part(matcher) for part in parts)

    def both(self) -> Expression:
        parts = [self.one()]
        while self.take("and"):
            parts.append(self.one())
        return lambda matcher: all(part(matcher) for part in parts)

    def one(self) -> Expression:
        if self.take("not"):
            negated = self.one()
            return lambda matcher: not negated(matcher)
        if self.take("("):
            inner = self.either()
            if not self.take(")"):
                self.fail("a closing parenthesis")
            return inner
        if not self.tokens or self.tokens[0][0] in ("and", "or", ")"):
            self.fail("a word, 'not' or '('")
        word = self.tokens.pop(0)[0]
        self.words.append(word)
        return lambda matcher: matcher(word)

    def take(self, token: str) -> bool:
        if self.tokens and self.tokens[0][0] == token:
            self.tokens.pop(0)
            return True
        return False

    def expect_end(self) -> None:
        if self.tokens:
            self.fail("'and', 'or' or the end")

    def fail(self, expected: str) -> None:
        got, column = self.tokens[0] if self.tokens else ("the end", len(self.text) + 1)
        raise MobenchError(
            f"wrong expression {self.text!r}: at column {column}, expected {expected}, got {got}",
            "use words with and, or, not and parentheses, such as: tiny and not lora",
        )
