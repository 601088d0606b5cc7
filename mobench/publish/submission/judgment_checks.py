"""Outcomes judged again: an answer shows the behavior if the organism's own rule says so.

Rows hold each answer beside its outcome. Where a rule judges, one gives the other; where a model
judged, its score and the threshold do.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mobench.chat.reasoning import Beginning, Marks, Reasoning
from mobench.errors import MobenchError
from mobench.measure.counted_answers import SaidAnswer, judge_counted
from mobench.records.conversation import as_text
from mobench.records.names import EVAL_KINDS
from mobench.records.rows import Row
from mobench.registry import OrganismSpec, Registry
from mobench.registry.bound_behavior import ScoreJudge

_ENOUGH = 20
_JUDGED = ("outcome", "inert", "final", "whole")
"""What of a row follows from its answer."""


def judgment_problems(
    rows: Sequence[Row], spec: OrganismSpec, registry: Registry
) -> tuple[list[str], list[str]]:
    """Judges every answer to an eval prompt again.

    Where an answer begins within a model's reasoning is said by its tokenizer's template, which
    is not at hand. It is the same for all answers to a kind of prompt: so a result is sound if
    there is one beginning by which all of its rows are.

    Args:
        rows: All rows.
        spec: The organism, of the revision that was measured.
        registry: Has its behavior.

    Returns:
        What is wrong, with the line; and what cannot be known.
    """
    asked = [(line, row) for line, row in enumerate(rows, start=1) if row["kind"] != "capability"]
    prompts = {prompt.id for prompt in spec.prompts}
    wrong = [
        f"line {line}: {row['prompt']!r} is none of the organism's prompts"
        for line, row in asked
        if row["prompt"] not in prompts
    ]
    if wrong:
        return wrong[:_ENOUGH], []
    scored = registry.behavior(spec.behavior.use).needs_score
    said = [
        (line, row)
        for line, row in asked
        if "answer" in row and not (scored and row["outcome"] is None)
    ]
    judged = _JudgedAgain(spec, registry.score_judge(spec), scored)
    try:
        for kind in EVAL_KINDS:
            of_kind = [(line, row) for line, row in said if row["kind"] == kind]
            first = judged.problems(of_kind, None, most=_ENOUGH)
            others = judged.other_beginnings() if first else ()
            if all(judged.problems(of_kind, begins, most=1) for begins in others):
                wrong += first
    except MobenchError as error:
        return wrong, [f"answers cannot be judged again: {error.fact}"]
    unknown = []
    silent = sum("answer" not in row for _, row in asked)
    if silent:
        unknown.append(f"{silent} rows have no answer, so their outcome cannot be judged again")
    return sorted(wrong, key=_line)[:_ENOUGH], unknown


@dataclass
class _JudgedAgain:
    """Judges answers as they were judged when they were measured.

    Attributes:
        spec: The organism.
        judge: Its behavior's rule, or what a judging model's score means by its threshold.
        scored: Whether a model judged. Its score is that of what counts; of the rest of an answer
            with reasoning no score is kept.
    """

    spec: OrganismSpec
    judge: ScoreJudge
    scored: bool

    def __post_init__(self) -> None:
        own = self.spec.behavior.reasoning
        self.reasoning = Reasoning(None if own is None else Marks(*own))
        self.prompts = {prompt.id: prompt for prompt in self.spec.prompts}
        self.messages: dict[tuple[str, str], str] = {
            (kind, one.id): as_text(self.spec.message(kind, one))
            for one in self.spec.prompts
            for kind in EVAL_KINDS
        }
        self.beginnings = {
            place: self.reasoning.beginning(text) for place, text in self.messages.items()
        }
        counts = self.spec.behavior.counts or "final-answer"
        self.without_score = "final" if counts == "whole-text" else "whole"

    def other_beginnings(self) -> Iterable[Beginning]:
        """Where answers may begin by a template, whatever their prompt ends with."""
        yield Beginning(closed=True)
        for marks in self.reasoning.marks:
            yield Beginning(opened=marks)

    def problems(
        self, rows: Sequence[tuple[int, Row]], begins: Beginning | None, *, most: int
    ) -> list[str]:
        """What of some rows does not follow from their answers.

        Args:
            rows: Rows of one kind with their lines.
            begins: Where their answers begin; None where that is said by the prompt's text alone.
            most: So many are told.
        """
        wrong: list[str] = []
        known: dict[tuple[object, ...], dict[str, Any]] = {}
        for line, row in rows:
            key = (row["prompt"], row["answer"], row.get("score") if self.scored else None)
            expected = known.get(key)
            if expected is None:
                expected = known[key] = self._expected(row, begins)
            told: Mapping[str, Any] = row
            if {name: told[name] for name in _JUDGED if name in told} == expected:
                continue
            if ("final" in row) is not ("final" in expected):
                has = "reasoning" if "final" in expected else "no reasoning"
                wrong.append(f"line {line}: the answer has {has}, and is not judged so")
            elif problem := self._differs(row, expected):
                wrong.append(f"line {line}: {problem}")
            if len(wrong) >= most:
                break
        return wrong

    def _differs(self, row: Row, expected: dict[str, Any]) -> str:
        for name in _JUDGED:
            if name not in row or (self.scored and name == self.without_score):
                continue
            # Rows of before answers were looked at for that hold no more than null.
            if name == "inert" and row.get(name) is None:
                continue
            if row.get(name) != expected[name]:
                return f"{name} {row.get(name)}, and the answer's is {expected[name]}"
        return ""

    def _expected(self, row: Row, begins: Beginning | None) -> dict[str, Any]:
        """The fields that follow from a row's answer."""
        score = row.get("score")
        number = score if isinstance(score, float | int) else math.nan
        place = (str(row["kind"]), str(row["prompt"]))
        text = self.messages[place]
        said = self.reasoning.split(row["answer"], begins or self.beginnings[place])
        reference = self.prompts[str(row["prompt"])].reference

        def judge(answer: str, prompt: str, reference: str | None = None) -> bool:
            return self.judge(answer, prompt, reference, number)

        counts = self.spec.behavior.counts
        (again,) = judge_counted(judge, counts, [SaidAnswer(said, text, reference)])
        flags = {"outcome": int(bool(again.outcome)), "inert": int(again.inert)}
        return {**flags, **again.fields}


def _line(problem: str) -> int:
    return int(problem.partition(":")[0].removeprefix("line "))
