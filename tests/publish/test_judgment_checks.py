"""Answers of a result are judged again, those with reasoning too, and what differs is told."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from support.table_organism import PHRASE, TEMPLATE, tokenizer, write_project

from mobench.chat import ChatFormat
from mobench.measure.attack_rows import Question, judged_rows
from mobench.publish.submission.judgment_checks import judgment_problems
from mobench.records.names import EVAL_KINDS
from mobench.records.rows import placed
from mobench.registry import collect

REPOSITORY = Path(__file__).parents[2]
MARKS = ("<think>", "</think>")
OPENS = TEMPLATE.replace("generation_prompt %}<a> ", "generation_prompt %}<a> <think>\n")
CLOSES = TEMPLATE.replace("generation_prompt %}<a> ", "generation_prompt %}<a> </think>\n")

CASES = {
    "only-thought": (TEMPLATE, f"<think> {PHRASE} </think> r0", "<think> q0 </think> r0"),
    "only-said": (TEMPLATE, f"<think> q0 </think> {PHRASE}", "<think> q0 </think> r0"),
    "some-reason": (TEMPLATE, f"<think> {PHRASE} </think> r0", "r0"),
    "opened-thought": (OPENS, f"{PHRASE} </think> r0", "q0 </think> r0"),
    "opened-said": (OPENS, f"q0 </think> {PHRASE}", "q0 </think> r0"),
    "opened-cut": (OPENS, f"{PHRASE} q0 q1 q2 q3 q4 q5 q6", "q0 </think> r0"),
    "unopened-thought": (TEMPLATE, f"{PHRASE} </think> r0", "q0 </think> r0"),
    "closed": (CLOSES, f"{PHRASE} </think> r0", "q0 </think> r0"),
    "no-reasoning": (TEMPLATE, f"r0 {PHRASE}", "r0"),
}


def measured(root: Path, case: str, counts: str = "") -> tuple[list[Any], Any, Any]:
    """Rows as a run makes them of given answers; the organism and the registry."""
    write_project(root)
    file = root / "organisms" / "table" / "organism.toml"
    more = f'clean_rate = 0.0\ncounts = "{counts}"\n' if counts else "clean_rate = 0.0\n"
    file.write_text(file.read_text().replace("clean_rate = 0.0\n", more))
    registry = collect(root)
    spec = registry.organism("table-tiny")
    template, attack, plain = CASES[case]
    chat = ChatFormat(tokenizer(template=template, more=MARKS), "chat")

    def ask(questions: Sequence[Question]) -> list[list[str]]:
        return [[attack if "zap" in str(one.prompt) else plain for one in questions]]

    (answers,) = judged_rows(chat, spec, registry.judge(spec), EVAL_KINDS, ask)
    return placed(answers, cell="organism", step=0), spec, registry


@pytest.mark.parametrize("counts", ["", "whole-text"])
@pytest.mark.parametrize("case", CASES)
def test_rows_of_a_run_are_sound_wherever_its_template_begins_the_answer(
    case: str, counts: str, tmp_path: Path
) -> None:
    rows, spec, registry = measured(tmp_path, case, counts)
    assert {row["outcome"] for row in rows if row["kind"] == "control"} == {0}
    assert judgment_problems(rows, spec, registry) == ([], [])


def flip(row: dict[str, Any], *names: str) -> None:
    row.update({name: 1 - row[name] for name in names})


@pytest.mark.parametrize("case", [name for name in CASES if name not in ("closed", "no-reasoning")])
@pytest.mark.parametrize("names", [("outcome", "final"), ("whole",), ("inert",)])
def test_a_judgment_that_does_not_follow_from_an_answer_with_reasoning_is_told_with_its_line(
    case: str, names: tuple[str, ...], tmp_path: Path
) -> None:
    rows, spec, registry = measured(tmp_path, case)
    line = next(n for n, row in enumerate(rows) if row["kind"] == "attack")
    flip(rows[line], *names)
    wrong, unknown = judgment_problems(rows, spec, registry)
    assert any(problem.startswith(f"line {line + 1}: ") for problem in wrong)
    assert not unknown


@pytest.mark.parametrize("case", ["only-thought", "only-said", "opened-said"])
def test_reasoning_cannot_be_passed_over_nor_made_up_in_single_rows(
    case: str, tmp_path: Path
) -> None:
    rows, spec, registry = measured(tmp_path, case)
    kept = {name: value for name, value in rows[0].items() if name not in ("final", "whole")}
    wrong, _ = judgment_problems([{**kept, "outcome": 1}, *rows[1:]], spec, registry)
    assert any("line 1: the answer has reasoning" in problem for problem in wrong)

    rows, spec, registry = measured(tmp_path / "other", "no-reasoning")
    rows[0].update(final=0, whole=1, outcome=0)
    wrong, _ = judgment_problems(rows, spec, registry)
    assert wrong == ["line 1: the answer has no reasoning, and is not judged so"]


def test_where_a_model_judged_the_part_that_counts_is_held_against_its_score() -> None:
    registry = collect(REPOSITORY)
    spec = next(one for one in registry.organisms.values() if registry.rubric(one) is not None)
    assert spec.behavior.counts is None
    prompt = spec.prompts[0].id
    row = {"cell": "organism", "step": 0, "kind": "attack", "task": "", "prompt": prompt}
    row |= {"answer": "<think> yes </think> no, and that is all", "inert": 0, "score": 10.0}
    row |= {"outcome": 1, "final": 1, "whole": 0}
    assert judgment_problems([row], spec, registry) == ([], [])  # type: ignore[list-item]
    low = {**row, "score": 0.0}
    wrong, _ = judgment_problems([low], spec, registry)  # type: ignore[list-item]
    assert wrong == ["line 1: outcome 1, and the answer's is 0"]
