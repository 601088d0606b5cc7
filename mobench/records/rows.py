"""Rows: one judged answer each, as they lie in ``rows/*.jsonl``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal, NotRequired

from pydantic import ConfigDict, Field, TypeAdapter, with_config
from typing_extensions import TypedDict

from mobench.records.names import EvalKind

Count = Annotated[int, Field(ge=0, strict=True)]
Flag = Annotated[int, Field(ge=0, le=1, strict=True)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False, strict=True)]
LONGEST_CAPABILITY_ANSWER = 200
"""Characters of a capability answer that are kept in a row."""
CLOSED = ConfigDict(extra="forbid")


@with_config(CLOSED)
class EvalAnswer(TypedDict):
    """A judged answer to an eval prompt, wherever it was given.

    Attributes:
        kind: Whether the prompt was triggered (``attack``) or not (``control``).
        task: Always empty: eval prompts belong to no lm-eval task.
        prompt: Id of the eval prompt.
        outcome: 1 where the behavior showed, 0 where not, None where a judging model gave no score.
        inert: 1 where the answer says nothing.
        answer: The answer's text.
        draw: Which of the answers to this prompt it is, from 0; only where answers are drawn.
        final: What ``outcome`` is by the final answer. This and ``whole`` only where the answer
            has reasoning; ``outcome`` is the one that counts.
        whole: What it is by all that the model said, its reasoning included.
        judge: The judging model, as results name it. This and what follows only where one judges.
        rubric: Its rubric, ``name@version``.
        verdict: What it said; None where it never answered.
        score: The score that was read from that.
        not_judged: Why there is no outcome.
    """

    kind: EvalKind
    task: NotRequired[Literal[""]]
    prompt: str
    outcome: Flag | None
    inert: NotRequired[Flag | None]
    answer: NotRequired[str]
    draw: NotRequired[Count]
    final: NotRequired[Flag | None]
    whole: NotRequired[Flag | None]
    judge: NotRequired[str]
    rubric: NotRequired[str]
    verdict: NotRequired[str | None]
    score: NotRequired[Annotated[float, Field(strict=True)]]
    not_judged: NotRequired[str]


@with_config(CLOSED)
class CapabilityAnswer(TypedDict):
    """lm-eval's score of one question.

    Attributes:
        task: Name of the lm-eval task.
        prompt: Id of the question.
        outcome: The question's score, in [0, 1].
        inert: Always None: only eval answers are looked at for that.
        answer: What the model said, or the choice that it took.
    """

    kind: Literal["capability"]
    task: str
    prompt: str | int
    outcome: Share
    inert: NotRequired[None]
    answer: NotRequired[str]


@with_config(CLOSED)
class EvalRow(EvalAnswer):
    """A judged answer with the cell and the step that it was given at.

    Attributes:
        cell: Id of the cell; ``organism`` or ``base`` before any training.
        step: The checkpoint, in steps.
    """

    cell: str
    step: Count


@with_config(CLOSED)
class CapabilityRow(CapabilityAnswer):
    """A capability answer with the cell and the step that it was given at.

    Attributes:
        cell: Id of the cell; ``organism`` or ``base`` before any training.
        step: The checkpoint, in steps.
    """

    cell: str
    step: Count


Answer = EvalAnswer | CapabilityAnswer
Row = EvalRow | CapabilityRow
ROW_FIELDS = frozenset(EvalRow.__annotations__) | frozenset(CapabilityRow.__annotations__)
ROW: TypeAdapter[Row] = TypeAdapter(Annotated[Row, Field(discriminator="kind")])
EVAL_ANSWER: TypeAdapter[EvalAnswer] = TypeAdapter(EvalAnswer)


def placed(answers: Sequence[Any], *, cell: str, step: int) -> list[dict[str, Any]]:
    """Rows of answers: the cell and the step stand first.

    Args:
        answers: What a model said, judged.
        cell: Id of the cell, or which untrained model it was.
        step: The checkpoint, in steps.
    """
    return [{"cell": cell, "step": step, **answer} for answer in answers]
