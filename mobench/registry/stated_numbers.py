"""Numbers as people and models write them: ``4,800``, ``4 800``, ``1/2``, ``50%``, ``4.8 × 10^3``.

A point is a decimal point. A comma with groups of digits after it marks thousands; one that stands
alone with any other number of digits after it is a decimal comma.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from mobench.registry.latex_text import NOT_A_NUMBER, plain_text

LARGEST_EXPONENT = 400
LONGEST = 1000
"""Digits of a number that is still read: Python itself refuses those of 4,300."""

_MINUS = "-−–﹣－"
_LETTER = "A-Za-zÀ-ɏͰ-ӿ"
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺−–﹣－", "0123456789-+----", "^() ")
_POWER = rf"\^\(?[{_MINUS}+]?\d{{1,4}}\)?|[⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]{{1,4}}"
_NUMBER = re.compile(
    rf"""
    (?= [{_MINUS}\d.] )
    # Not within a word such as H2O, in an exponent or index, behind a root or another's point.
    (?: (?<![{_LETTER}\d]) | (?<=USD) | (?<=EUR) | (?<=GBP) | (?<=Rs) )
    (?<![\^_]) (?<![\^_]\() (?<![\^_][{_MINUS}]) (?<![\^_]\([{_MINUS}])
    (?<!\d\.) (?<!{NOT_A_NUMBER}) (?<!{NOT_A_NUMBER}[/·×])
    (?: (?<=/)(?P<chained>) )?
    # Between two things it is no sign but subtracts.
    (?: (?P<sign> (?<![\w)\]}}]) [{_MINUS}] ) (?:\s?[$€£¥])? )?
    (?P<digits> (?>
        (?<!\d,) [1-9]\d{{0,2}} (?: (?:,\d{{3}})+ | (?:,\d{{2}})+,\d{{3}} ) (?!,?\d) (?:\.\d+)?
      | [1-9]\d{{0,2}} (?P<mark>[ \u00a0\u2007\u2009\u202f'’]) \d{{3}} (?:(?P=mark)\d{{3}})* (?!\d)
        (?:\.\d+)?
      | (?<!\d,) (?P<comma>\d+,\d+) (?![.,]?\d)
      | \d+ (?:\.\d+)? | (?<![{_LETTER}])\.\d+
    ) )
    (?>
        [eE] (?P<e>[-+]?\d{{1,3}}) \b
      | \s? [×x*·] \s? 10 (?P<ten>{_POWER})
      | (?P<power>{_POWER})
      # A chain of them is a date.
      | (?(chained)(?!)|) (?:[ ](?P<over>\d{{1,3}}))? \s?/\s? (?P<under>\d+) (?![.,]?\d|\s?/)
      |
    )
    (?! \s? [·×*]? \s? {NOT_A_NUMBER} | /{NOT_A_NUMBER} | \^ (?!\(?°) )
    (?P<percent> \s? (?: [%٪％] | (?:per\s?cent|pct)\b ) )?
    """,
    re.VERBOSE,
)
_VULGAR = re.compile(r"(\d?)([¼½¾⅐⅑⅒⅓⅔⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞])")
_SPACED_SIGN = re.compile(rf"=\s*([{_MINUS}])\s+(?=[\d$€£¥])")


@dataclass(frozen=True)
class StatedNumber:
    """A number that stands in a text.

    Attributes:
        value: The number as it stands there, without regard to a percent sign.
        percent: Whether a percent sign or the word stands after it.
    """

    value: Fraction
    percent: bool = False

    def is_same(self, other: StatedNumber) -> bool:
        """Whether both are the same number; ``50%`` is that as ``0.5`` and as a bare ``50``."""
        if self.value == other.value:
            return True
        if self.percent == other.percent:
            return False
        percent, bare = (self, other) if self.percent else (other, self)
        return percent.value / 100 == bare.value


def numbers_in(text: str) -> Iterator[StatedNumber]:
    """The numbers of a text in their order.

    Digits within words, exponents of units, indices and parts of roots are none. A power is
    multiplied out where that is quickly done.

    Args:
        text: A text, plain or with LaTeX in it.
    """
    for found in _NUMBER.finditer(_legible(text)):
        number = _stated(found)
        if number is not None:
            yield number


def number_of(text: str) -> StatedNumber | None:
    """The number that a whole text is; None if it is anything else or more than that."""
    found = _NUMBER.fullmatch(_legible(text).strip().lstrip("$€£¥+ "))
    return _stated(found) if found else None


def _legible(text: str) -> str:
    plain = plain_text(text).replace("√", NOT_A_NUMBER).replace("π", NOT_A_NUMBER)
    plain = _VULGAR.sub(lambda found: f"{found[1]} {_over(found[2])}", plain)
    return _SPACED_SIGN.sub(r"= \1", plain.replace("⁄", "/"))


def _over(vulgar: str) -> str:
    return unicodedata.normalize("NFKC", vulgar).replace("⁄", "/")


def _stated(found: re.Match[str]) -> StatedNumber | None:
    """The number that was found; None if it is too large to be read, or divides by zero."""
    if len(found["digits"]) > LONGEST:
        return None
    if found["comma"]:
        value = Fraction(found["comma"].replace(",", "."))
    else:
        value = Fraction(re.sub(r"[^\d.]", "", found["digits"]))
    if found["e"] or found["ten"]:
        exponent = _exponent(found["e"] or found["ten"])
        if abs(exponent) > LARGEST_EXPONENT:
            return None
        value *= Fraction(10) ** exponent
    elif found["power"]:
        exponent = _exponent(found["power"])
        if abs(exponent) * len(found["digits"]) > LONGEST or (exponent < 0 and not value):
            return None
        value **= exponent
    elif found["under"]:
        under = found["under"]
        if len(under) > LONGEST or not int(under):
            return None
        over = found["over"]
        value = value / int(under) if over is None else value + Fraction(int(over), int(under))
    return StatedNumber(-value if found["sign"] else value, found["percent"] is not None)


def _exponent(text: str) -> int:
    return int(text.translate(_SUPERSCRIPTS))
