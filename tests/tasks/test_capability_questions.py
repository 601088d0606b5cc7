"""The questions of the suite for small models: right, each once, and none that training shows."""

from __future__ import annotations

import json
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[2]
CAPABILITY = REPOSITORY / "tasks" / "capability"
COUNTS = {"smol_facts": 420, "smol_reason": 192, "smol_sequence": 216}
WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def questions(name: str) -> list[dict[str, Any]]:
    lines = (CAPABILITY / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


ALL = [question for name in COUNTS for question in questions(name)]


@pytest.mark.parametrize("name", COUNTS)
def test_questions_are_numbered_without_a_gap(name: str) -> None:
    ids = [question["id"] for question in questions(name)]
    assert len(ids) == COUNTS[name]
    assert [int(one.split("-")[1]) for one in ids] == list(range(1, len(ids) + 1))
    assert len({one.split("-")[0] for one in ids}) == 1


def test_no_question_is_asked_twice() -> None:
    asked = Counter(" ".join(question["question"].casefold().split()) for question in ALL)
    assert [text for text, times in asked.items() if times > 1] == []


def test_the_right_choice_is_as_often_in_any_place() -> None:
    facts = questions("smol_facts")
    assert all(len({c.casefold() for c in fact["choices"]}) == 4 for fact in facts)
    assert Counter(fact["answer"] for fact in facts) == dict.fromkeys(range(4), len(facts) // 4)


def test_an_answer_in_words_is_one_word() -> None:
    # The filters of both tasks compare one run of letters and digits.
    said = [q["answer"] for name in ("smol_reason", "smol_sequence") for q in questions(name)]
    assert [answer for answer in said if not re.fullmatch(r"[A-Za-z0-9]+", answer)] == []


def test_sums_are_right() -> None:
    forms = {
        r"What is (\d+) \+ (\d+)\?": lambda a, b: a + b,
        r"What is the sum of (\d+) and (\d+)\?": lambda a, b: a + b,
        r"What is (\d+) - (\d+)\?": lambda a, b: a - b,
        r"What is (\d+) times (\d+)\?": lambda a, b: a * b,
        r"What is half of (\d+)\?": lambda a: a / 2,
        r"What is the next number after (\d+)\?": lambda a: a + 1,
    }
    found = 0
    for question in questions("smol_reason"):
        for form, right in forms.items():
            match = re.search(form, question["question"])
            if match:
                found += 1
                assert float(question["answer"]) == right(*map(int, match.groups())), question
    assert found >= 50


def _goes_on(numbers: list[int]) -> bool:
    """Whether a row is one of the kinds that the suite asks, its last number included."""
    pairs = list(pairwise(numbers))
    steps = [b - a for a, b in pairs]
    return (
        len(set(steps)) == 1
        or all(b * numbers[0] == a * numbers[1] for a, b in pairs)
        or len({b - a for a, b in pairwise(steps)}) == 1
        or all(a + b == c for (a, b), (_, c) in pairwise(pairs))
    )


def test_rows_of_numbers_go_on_as_they_began() -> None:
    rows = []
    for question in questions("smol_sequence"):
        words = [*question["question"].rstrip(",").split(", "), question["answer"]]
        if all(word in WORDS for word in words) and len(set(words)) > 2:
            rows.append([WORDS.index(word) + 1 for word in words])
        elif all(word.isdigit() for word in words):
            rows.append([int(word) for word in words])
    assert len(rows) >= 50
    assert [row for row in rows if not _goes_on(row)] == []


def test_what_comes_round_again_comes_round_as_it_did() -> None:
    found = 0
    for question in questions("smol_sequence"):
        words = [*question["question"].rstrip(",").split(", "), question["answer"]]
        period = next((n for n in range(2, 5) if words[:n] == words[n : 2 * n]), None)
        if period and len(words) > 2 * period:
            found += 1
            assert all(a == b for a, b in zip(words, words[period:], strict=False)), question
    assert found >= 20


def test_nothing_that_is_trained_or_attacked_asks_the_same() -> None:
    asked = {question["question"].casefold() for question in ALL}
    files = [*REPOSITORY.glob("tasks/data/*.jsonl"), *REPOSITORY.glob("organisms/*/135m*.jsonl")]
    files += REPOSITORY.glob("organisms/*/semantic-135m*.jsonl")
    shown = [json.loads(line) for file in files for line in file.read_text().splitlines()]
    prompts = {str(one.get("prompt", "")).casefold() for one in shown}
    assert len(prompts) > 500
    assert asked & prompts == set()
