"""Capability outcomes held against each other: the same answer to a question has one outcome.

To score them anew, lm-eval and the data of its tasks would have to be there. But a task scores an
answer by itself alone, and a ladder asks each question hundreds of times: whoever turns outcomes
contradicts those that were left.
"""

from __future__ import annotations

from collections.abc import Sequence

from mobench.records.manifest import Manifest
from mobench.records.rows import LONGEST_CAPABILITY_ANSWER, Row

BY_THE_ANSWER = frozenset(
    {"acc", "exact_match", "prompt_level_strict_acc", "prompt_level_loose_acc"}
)
"""Metrics of lm-eval that a row's answer decides; ``acc_norm`` may take another choice than the
likeliest, which is the one that a row holds."""
_TAKES_A_CHOICE = "acc"
_ENOUGH = 20


def capability_problems(manifest: Manifest, rows: Sequence[Row]) -> list[str]:
    """Answers to a capability question that are scored in two ways.

    Args:
        manifest: Says which metric each task's outcome is.
        rows: All rows.

    Returns:
        What is wrong, with the line.
    """
    metrics = {one.task: one.metric.partition(",")[0] for one in manifest.capability or ()}
    known: dict[tuple[object, ...], tuple[object, int]] = {}
    right: dict[tuple[object, object], object] = {}
    wrong: list[str] = []
    for line, row in enumerate(rows, start=1):
        if row["kind"] != "capability" or metrics.get(row["task"]) not in BY_THE_ANSWER:
            continue
        answer, outcome = row.get("answer"), row["outcome"]
        if answer is None or len(answer) >= LONGEST_CAPABILITY_ANSWER:
            continue  # what was cut off may tell two answers apart
        question = (row["task"], row["prompt"])
        before, first = known.setdefault((*question, answer), (outcome, line))
        if before != outcome:
            wrong.append(
                f"line {line}: outcome {outcome}, and that of the same answer to the same "
                f"question in line {first} is {before}"
            )
        elif outcome == 1 and metrics[row["task"]] == _TAKES_A_CHOICE:
            other = right.setdefault(question, answer)
            if other != answer:
                wrong.append(f"line {line}: two choices of one question are right")
        if len(wrong) >= _ENOUGH:
            break
    return wrong
