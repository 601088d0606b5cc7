"""A version is that of the code that a task runs: nothing else changes it, nothing escapes it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from mobench.registry import collect
from mobench.registry.syntax import canonical, free_names

WORDS = '''\
"""Words that tasks share."""

import re
from functools import lru_cache

LETTERS = ("a", "b")
COUNT = 2
UNUSED = "no task has it"


class Word:
    """A word."""

    size: int = 3

    def longer(self) -> int:
        """Twice as long."""
        return self.size * COUNT


@lru_cache(maxsize=4)
def spelled(word: str) -> str:
    """The word, spelled."""
    return deep(word)


def deep(word: str) -> str:
    return re.sub("(.)", lambda found: found[1] + SEPARATOR, word)


SEPARATOR = "-"


def unused() -> str:
    return UNUSED
'''

TASK = '''\
"""Tasks under test."""

from pathlib import Path

from mobench import Example, task

from . import _words
from ._words import LETTERS, Word, spelled

DATA = "data/lines.txt"
OTHERS = "only of the neighbor"


@task(
    "spelling",
    policy="off-policy",
    compatible=False,
    data=(DATA,),
    license="Apache-2.0",
)
def spelling(rng, times=1):
    """Spells letters."""

    def inner(COUNT):
        return [spelled(letter) * COUNT for letter in LETTERS]

    for line in (Path(__file__).parent / DATA).read_text().splitlines():
        yield Example(line, str(inner(times)) + str(Word().longer()) + _words.LETTERS[0])


@task("neighbor", policy="off-policy", compatible=False)
def neighbor():
    """Has nothing of the other."""
    yield Example("q", OTHERS)
'''


@pytest.fixture
def files(tree: Path) -> Path:
    """The tree's tasks folder with two more files and a file of data."""
    tasks = tree / "tasks"
    (tasks / "data").mkdir(exist_ok=True)
    (tasks / "data" / "lines.txt").write_text("one\ntwo\n")
    (tasks / "_words.py").write_text(WORDS)
    (tasks / "words.py").write_text(TASK)
    return tasks


def version(files: Path, name: str = "spelling") -> str:
    return collect(files.parent).task(name).version


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert text.count(old) >= 1, old
    path.write_text(text.replace(old, new))


SAME = {
    "a comment": ("words.py", "def neighbor", "# Says why.\ndef neighbor"),
    "a comment inside": ("_words.py", "    return deep", "    # Deeper.\n    return deep"),
    "a docstring": ("words.py", '"""Spells letters."""', '"""Spells the letters of a line."""'),
    "a docstring of what it uses": ("_words.py", '"""The word, spelled."""', '"""Spelled."""'),
    "a docstring that goes": ("_words.py", '    """A word."""\n\n', ""),
    "a neighbor": ("words.py", 'Example("q", OTHERS)', 'Example("q2", OTHERS + "!")'),
    "a constant of the neighbor": ("words.py", "only of the neighbor", "changed"),
    "code of another file that it does not use": ("_words.py", "no task has it", "changed"),
    "an import that nothing uses": ("words.py", "from pathlib", "import json\nfrom pathlib"),
    "formatting": ("_words.py", '("a", "b")', '(\n    "a",\n    "b",\n)'),
    "an annotation": ("_words.py", "def deep(word: str)", "def deep(word: object)"),
    "what the decorator says": ("words.py", '"Apache-2.0"', '"MIT"'),
    "a constant that a parameter hides": ("_words.py", "UNUSED = ", "OTHER = 5\nUNUSED = "),
}

OTHER = {
    "its own code": ("words.py", "str(inner(times))", "repr(inner(times))"),
    "a default": ("words.py", "times=1", "times=2"),
    "a function that it uses": ("_words.py", "return deep(word)", "return deep(word).upper()"),
    "a function two steps away": ("_words.py", "found[1] + SEPARATOR", "found[0] + SEPARATOR"),
    "a constant in a lambda two steps away": ("_words.py", 'SEPARATOR = "-"', 'SEPARATOR = "+"'),
    "a constant in a comprehension": ("_words.py", '("a", "b")', '("a", "c")'),
    "a constant in a method": ("_words.py", "COUNT = 2", "COUNT = 3"),
    "a method": ("_words.py", "self.size * COUNT", "self.size + COUNT"),
    "a field": ("_words.py", "size: int = 3", "size: int = 4"),
    "a decorator of what it uses": ("_words.py", "maxsize=4", "maxsize=5"),
    "data": ("data/lines.txt", "two", "three"),
    "where a name is from": ("_words.py", "import re\n", "import regex as re\n"),
}


@pytest.mark.parametrize("change", SAME.values(), ids=SAME)
def test_what_does_not_run_leaves_the_version(files: Path, change: tuple[str, str, str]) -> None:
    before = version(files)
    edit(files / change[0], *change[1:])
    assert version(files) == before


@pytest.mark.parametrize("change", OTHER.values(), ids=OTHER)
def test_what_runs_or_is_read_changes_the_version(
    files: Path, change: tuple[str, str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # A module of that name for one of the changes to import.
    monkeypatch.syspath_prepend(files)
    (files / "regex.py").write_text("from re import sub\n")
    before = version(files), version(files, "neighbor")
    edit(files / change[0], *change[1:])
    assert version(files) != before[0]
    assert version(files, "neighbor") == before[1], "who does not use it keeps its version"


def test_what_is_taken_as_an_attribute_of_a_file_counts(files: Path) -> None:
    """`_words.LETTERS` is the same as `LETTERS` by import."""
    edit(files / "words.py", "import LETTERS, Word", "import Word")
    edit(files / "words.py", "for letter in LETTERS", "for letter in _words.LETTERS")
    before = version(files)
    edit(files / "_words.py", '("a", "b")', '("a", "c")')
    assert version(files) != before


def test_a_function_that_moves_to_another_file_keeps_its_version(files: Path) -> None:
    """So does a task whose whole file gets another name."""
    before = version(files)
    edit(files / "_words.py", 'SEPARATOR = "-"\n', "from ._apart import SEPARATOR\n")
    (files / "_apart.py").write_text('"""Apart."""\n\nSEPARATOR = "-"\n')
    assert version(files) == before
    (files / "words.py").rename(files / "spelling.py")
    assert version(files) == before


def test_definitions_in_another_order_are_the_same(files: Path) -> None:
    before = version(files)
    text = (files / "_words.py").read_text()
    head, tail = text.split("@lru_cache")
    first, rest = tail.split("\n\n\ndef deep")
    (files / "_words.py").write_text(f"{head}def deep{rest}\n\n@lru_cache{first}\n")
    assert version(files) == before


@pytest.mark.parametrize(
    ("code", "free"),
    [
        ("def f(a, b=B): return a + c", {"B", "c"}),
        ("def f():\n    x = 1\n    return lambda y: x + y + z", {"z"}),
        ("def f():\n    global x\n    x = 1\n    return x", {"x"}),
        ("[n for n in numbers if n > least]", {"numbers", "least"}),
        ("def f():\n    return [(last := n) for n in numbers], last", {"numbers"}),
        ("class C(Base):\n    size = 1\n    def m(self): return size", {"Base", "size"}),
        ("def f(x: Kind) -> Other: pass", set()),
        ("def f():\n    try: pass\n    except Wrong as error: print(error)", {"Wrong", "print"}),
        ("def f():\n    import json\n    return json.dumps(x)", {"x"}),
        ("def f():\n    def g(): return h()\n    return g()", {"h"}),
    ],
)
def test_free_names_are_those_that_come_from_the_module(code: str, free: set[str]) -> None:
    (statement,) = ast.parse(code).body
    found = free_names(statement)
    # `size` in a method is the module's, not the class's; in the class body it is the class's own.
    assert found - {"size"} == free - {"size"}


def test_the_canonical_text_is_the_same_in_every_version_of_python() -> None:
    """Pinned: this text decides published versions, whatever Python writes it."""
    code = 'def f(a: int, *, b=1) -> str:\n    """Doc."""\n    return f"{a!r} {b:>{a}}"'
    (statement,) = ast.parse(code).body
    assert canonical(statement) == (
        "FunctionDef(name='f',args=arguments(args=[arg(arg='a')],kwonlyargs=[arg(arg='b')],"
        "kw_defaults=[Constant(value=1)]),body=[Return(value=JoinedStr(values=["
        "FormattedValue(value=Name(id='a'),conversion=114),Constant(value=' '),"
        "FormattedValue(value=Name(id='b'),conversion=-1,format_spec=JoinedStr(values=["
        "Constant(value='>'),FormattedValue(value=Name(id='a'),conversion=-1)]))]))])"
    )
