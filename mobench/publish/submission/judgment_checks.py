"""Outcomes judged again: an answer shows the behavior if the organism's own rule says so.

Rows hold each answer beside its outcome. Where a rule judges, one gives the other; where a model
judged, its score and the threshold do.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from mobench.chat.reasoning import Marks, Reasoning
from mobench.errors import MobenchError
from mobench.measure.counted_answers import is_inert
from mobench.records.conversation import as_text
from mobench.records.names import EVAL_KINDS
from mobench.records.rows import Row
from mobench.registry import OrganismSpec, Registry

_ENOUGH = 20


def judgment_problems(
    rows: Sequence[Row], spec: OrganismSpec, registry: Registry
) -> tuple[list[str], list[str]]:
    """Judges every answer to an eval prompt again.

    Args:
        rows: All rows.
        spec: The organism, of the revision that was measured.
        registry: Has its behavior.

    Returns:
        What is wrong, with the line; and what cannot be known.
    """
    judge = registry.score_judge(spec)
    scored = registry.behavior(spec.behavior.use).needs_score
    prompts = {prompt.id: prompt for prompt in spec.prompts}
    messages: dict[tuple[str, str], str] = {
        (kind, one.id): as_text(spec.message(kind, one))
        for one in spec.prompts
        for kind in EVAL_KINDS
    }
    own = spec.behavior.reasoning
    reasoning = Reasoning(None if own is None else Marks(*own))
    known: dict[tuple[object, ...], tuple[int, int]] = {}
    wrong: list[str] = []
    reasoned = silent = 0
    for line, row in enumerate(rows, start=1):
        kind = row["kind"]
        if kind == "capability":
            continue
        prompt = prompts.get(str(row["prompt"]))
        if prompt is None:
            wrong.append(f"line {line}: {row['prompt']!r} is none of the organism's prompts")
        elif "answer" not in row:
            silent += 1
        elif "final" in row or (scored and row["outcome"] is None):
            reasoned += "final" in row
        else:
            answer, score = row["answer"], _score(row)
            key = (kind, row["prompt"], answer, str(score))
            if key not in known:
                text = messages[kind, prompt.id]
                said = reasoning.split(answer, reasoning.beginning(text))
                if said.reasoned:
                    wrong.append(f"line {line}: the answer has reasoning, and is judged as if not")
                try:
                    shows = judge(answer, text, prompt.reference, score)
                except MobenchError as error:
                    return wrong, [f"answers cannot be judged again: {error.fact}"]
                known[key] = int(shows), int(is_inert(answer))
            shows_, inert = known[key]
            if row["outcome"] != shows_:
                wrong.append(f"line {line}: outcome {row['outcome']}, and the answer's is {shows_}")
            elif row.get("inert") not in (None, inert):
                wrong.append(f"line {line}: inert {row['inert']}, and the answer's is {inert}")
        if len(wrong) >= _ENOUGH:
            break
    unknown = []
    if silent:
        unknown.append(f"{silent} rows have no answer, so their outcome cannot be judged again")
    if reasoned:
        unknown.append(f"{reasoned} answers have reasoning, and are not judged again")
    return wrong, unknown


def _score(row: Row) -> float:
    score = row.get("score")
    return score if isinstance(score, float | int) else math.nan
