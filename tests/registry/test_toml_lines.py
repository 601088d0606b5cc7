"""Lines of keys in a TOML file."""

from __future__ import annotations

import pytest

from mobench.registry.toml_lines import Locator

TEXT = '''\
top = 1
[a]  # a comment
x = { y = 2 }
"quoted key" = 3
text = """
fake = 4
[fake]
"""
d.e = 5
[[a.list]]
k = 6
[[a.list]]
k = 7
[a.list.inner]
z = 8
[b."c.d"]
w = 9
'''


@pytest.mark.parametrize(
    ("location", "line"),
    [
        ((), 1),
        (("top",), 1),
        (("a",), 2),
        (("a", "x"), 3),
        (("a", "x", "y"), 3),
        (("a", "quoted key"), 4),
        (("a", "text"), 5),
        (("a", "d", "e"), 9),
        (("a", "list", 0, "k"), 11),
        (("a", "list", 1), 12),
        (("a", "list", 1, "k"), 13),
        (("a", "list", 1, "missing"), 12),
        (("a", "tag-of-a-union", "x"), 3),
        (("b", "c.d", "w"), 17),
        (("nowhere",), 1),
    ],
)
def test_keys_are_found(location: tuple[str | int, ...], line: int) -> None:
    assert Locator(TEXT).line(location) == line


def test_a_table_inside_the_last_of_an_array_is_found_there() -> None:
    assert Locator(TEXT).line(("a", "list", 1, "inner", "z")) == 15


def test_what_stands_inside_a_string_is_no_key() -> None:
    locator = Locator(TEXT)
    assert locator.line(("a", "fake")) == locator.line(("a",)), "the line of what is around it"
    assert locator.line(("fake",)) == locator.line(())
