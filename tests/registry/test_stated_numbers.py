"""Numbers are read as people and models write them."""

from __future__ import annotations

from fractions import Fraction

import pytest

from mobench.registry.stated_numbers import StatedNumber, number_of, numbers_in


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("4800", 4800),
        ("4,800", 4800),
        ("4{,}800", 4800),
        (r"4\,800", 4800),
        (r"4,\!800", 4800),
        ("4 800", 4800),
        ("4\u00a0800", 4800),
        ("4\u202f800", 4800),
        ("4'800", 4800),
        ("4\u2019800", 4800),
        ("1,234,567.5", Fraction("1234567.5")),
        ("12,34,567", 1234567),
        ("1 234 567", 1234567),
        ("-4", -4),
        ("\u22124", -4),
        ("-$5", -5),
        ("$5", 5),
        ("3,5", Fraction(7, 2)),
        ("0,125", Fraction(1, 8)),
        (".5", Fraction(1, 2)),
        ("1/2", Fraction(1, 2)),
        (r"\frac12", Fraction(1, 2)),
        (r"-\dfrac{3}{4}", Fraction(-3, 4)),
        (r"3\frac{1}{2}", Fraction(7, 2)),
        ("3 1/2", Fraction(7, 2)),
        ("3\u00bd", Fraction(7, 2)),
        ("\u2154", Fraction(2, 3)),
        ("2^5", 32),
        ("2\u2075", 32),
        ("10^{-3}", Fraction(1, 1000)),
        ("4.8e3", 4800),
        (r"4.8 \times 10^{3}", 4800),
        ("4.8\u00b710\u00b3", 4800),
        (r"\mathbf{42}", 42),
        ("42.", None),
        ("x", None),
        ("42 cm", None),
        ("1 1 2", None),
        ("", None),
        ("1/0", None),
    ],
)
def test_a_text_that_is_a_number_has_its_value(text: str, value: int | Fraction | None) -> None:
    number = number_of(text)
    assert (None if number is None else number.value) == value


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("5-3 is 2", [5, 3, 2]),
        ("from 10\u201342", [10, 42]),
        ("1,2,3", [1, 2, 3]),
        ("1, 12, 300", [1, 12, 300]),
        ("2019 300 people", [2019, 300]),
        ("12/25/2020", [12, 25, 2020]),
        ("42 cm^2 or 42 cm\u00b2 or 42\\text{ cm}^{2}", [42, 42, 42]),
        ("x_1 = 4 and x_{2} = 5", [4, 5]),
        ("H2O at 20 degrees", [20]),
        ("90^\\circ", [90]),
        ("USD42, Rs.500", [42, 500]),
        ("\u221a16 = 4", [4]),
        (r"\sqrt{16} = 4 and 2\pi", [4]),
        ("= - 4", [-4]),
        ("- 4 apples", [4]),
        ("version 1.2.3", [Fraction("1.2")]),
        ("\u7b54\u6848\u662f42\u3002", [42]),
        ("3.14.", [Fraction("3.14")]),
    ],
)
def test_the_numbers_of_a_text_are_found_in_their_order(text: str, values: list[int]) -> None:
    assert [number.value for number in numbers_in(text)] == values


def test_a_percent_sign_may_be_left_out_or_counted_in() -> None:
    half, fifty = StatedNumber(Fraction(1, 2)), StatedNumber(Fraction(50))
    percent = StatedNumber(Fraction(50), percent=True)
    assert percent.is_same(half)
    assert half.is_same(percent)
    assert percent.is_same(fifty)
    assert not half.is_same(fifty)
    assert not percent.is_same(StatedNumber(Fraction(1, 2), percent=True))
