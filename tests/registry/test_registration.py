"""Decorators check what they register, and functions are called by parameter name."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

import mobench
from mobench import Example, behavior, task
from mobench.errors import MobenchError, Problems
from mobench.registry import fill
from mobench.registry.decorators import definition_of
from mobench.registry.definitions import TaskDef


def test_a_decorated_function_is_still_itself() -> None:
    @task("mine", policy="on-policy", why="no trigger")
    def mine(rng: random.Random) -> Iterator[Example]:
        """One example."""
        yield Example("a", str(rng.randint(1, 1)))

    assert list(mine(random.Random(0))) == [Example("a", "1")]
    definition = definition_of(mine)
    assert isinstance(definition, TaskDef)
    assert definition.parameters == ("rng",)
    assert definition.summary == "One example."
    assert definition.path.name == "test_registration.py"


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"policy": "onpolicy", "why": "x"}, "policy must be one of"),
        ({"policy": "on-policy"}, "must say why"),
        ({"policy": "on-policy", "why": "x", "data": ("no.jsonl",)}, "'no.jsonl' does not exist"),
        ({"policy": "on-policy", "why": "x", "data": ("no.jsonl",)}, "name their license"),
    ],
)
def test_a_wrong_registration_is_refused_at_once(options: dict[str, str], what: str) -> None:
    with pytest.raises(Problems, match=what):

        @task("mine", **options)  # type: ignore[arg-type]
        def mine() -> None: ...


def test_names_that_would_break_a_node_id_are_refused() -> None:
    with pytest.raises(Problems, match="without spaces, brackets or colons"):

        @task("a::b", policy="on-policy", why="x")
        def mine() -> None: ...


def test_a_parameter_that_nobody_provides_gets_a_suggestion() -> None:
    with pytest.raises(Problems, match=r"'tokeniser', which nobody provides. Did you mean 'tok"):

        @task("mine", policy="on-policy", why="x")
        def mine(tokeniser: object) -> None: ...


def test_a_parameter_with_a_default_is_the_authors_own() -> None:
    @task("mine", policy="on-policy", why="x")
    def mine(rng: object, count: int = 3) -> int:
        return count

    assert fill(mine, {"rng": object}) == 3


def test_parameters_that_have_no_name_cannot_be_filled() -> None:
    with pytest.raises(Problems, match="cannot be filled by name"):

        @task("mine", policy="on-policy", why="x")
        def mine(*rng: object) -> None: ...


def test_a_behavior_must_look_at_the_answer() -> None:
    with pytest.raises(Problems, match="needs a parameter 'answer'"):

        @behavior("blind")
        def blind(prompt: str) -> bool:
            return bool(prompt)


def test_settled_is_told_the_answer_and_the_args_and_nothing_else() -> None:
    with pytest.raises(Problems, match=r"settled must take \['answer', 'word'\]"):

        @behavior("heard", settled=lambda answer: True)
        def heard(answer: str, prompt: str, word: str) -> bool:
            return word in answer


def test_fill_builds_only_what_is_asked_for() -> None:
    built: list[str] = []

    def build(name: str) -> str:
        built.append(name)
        return name.upper()

    available = {name: lambda name=name: build(name) for name in ("organism", "rng")}
    assert fill(lambda rng: rng, available) == "RNG"
    assert built == ["rng"]


def test_fill_says_what_is_not_available() -> None:
    def corpus(organism: object) -> None: ...

    with pytest.raises(MobenchError, match="corpus asks for 'organism', which is not available"):
        fill(corpus, {"rng": object})


def test_the_package_exports_what_an_author_needs() -> None:
    assert {"task", "behavior", "Example", "__version__"} <= set(mobench.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'tusk'"):
        mobench.tusk  # noqa: B018
