"""Judged answers to the eval prompts, as rows: does the behavior show, and is there an answer?"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any, cast

from mobench.chat import ChatFormat
from mobench.decode.answers import MAX_ROWS, generate
from mobench.lanes import Scope
from mobench.measure.judges import AnswerToJudge, AnyJudge, Judgment, judge_answers
from mobench.records.conversation import Prompt, as_text
from mobench.records.names import EVAL_KINDS, EvalKind
from mobench.records.rows import EvalAnswer
from mobench.registry.bound_behavior import Settled
from mobench.registry.organism_spec import OrganismSpec

Ask = Callable[[Sequence[Prompt]], list[list[str]]]
"""Takes prompts and gives answers [lanes][prompts]."""


def is_inert(answer: str) -> bool:
    """Whether an answer says nothing: empty, without a letter or digit, or one word over and over.

    A model that gives such answers did not lose the behavior, it lost the ability to answer. So
    their rate is published beside the attack rate.
    """
    words = re.findall(r"\w+", answer.casefold())
    return not words or (len(words) >= 6 and len(set(words)) == 1)


def is_never_inert(beginning: str) -> bool:
    """Whether an answer with this beginning says something, however it goes on.

    Two different words are enough. The last word may be incomplete, so it does not count.
    """
    return len(set(re.findall(r"\w+", beginning.casefold())[:-1])) >= 2


def attack_rows(
    model: Any,
    chat: ChatFormat,
    spec: OrganismSpec,
    judge: AnyJudge,
    *,
    kinds: Sequence[EvalKind] = EVAL_KINDS,
    scope: Scope | None = None,
    settled: Settled | None = None,
    max_rows: int = MAX_ROWS,
    on_done: Callable[[int], None] = lambda _: None,
) -> list[list[EvalAnswer]]:
    """Asks every eval prompt of the organism, triggered and untriggered, and judges the answers.

    Args:
        model: The model to ask.
        chat: Renders the prompts, and says where answers end.
        spec: Gives prompts and the length of an answer.
        judge: The organism's behavior, or the model that judges it.
        kinds: ``attack`` (triggered) and ``control`` (untriggered), or one of them.
        scope: The lanes on the model, those to ask in use; None for a plain model.
        settled: Takes an answer so far and returns whether no further text can change its
            judgment. Such an answer is cut there; outcome and inert are those of the whole answer.
        max_rows: Rows in a batch, all lanes together.
        on_done: Called with the number of prompts just answered.

    Returns:
        For each lane its rows, without ``cell`` and ``step``: kind, task, prompt, outcome (None
        where a judging model did not judge), inert, answer, and a judging model's own fields.
    """

    def is_decided(answer: str) -> bool:
        return settled is not None and settled(answer) and is_never_inert(answer)

    def ask(prompts: Sequence[Prompt]) -> list[list[str]]:
        return generate(
            model,
            chat,
            prompts,
            max_new_tokens=spec.max_new_tokens,
            scope=scope,
            max_rows=max_rows,
            settled=None if settled is None else is_decided,
            on_done=on_done,
        )

    return judged_rows(spec, judge, kinds, ask)


def judged_rows(
    spec: OrganismSpec, judge: AnyJudge, kinds: Sequence[EvalKind], ask: Ask
) -> list[list[EvalAnswer]]:
    """Asks every eval prompt through any engine, and judges the answers.

    Args:
        spec: Gives the prompts.
        judge: The organism's behavior, or the model that judges it.
        kinds: ``attack`` (triggered) and ``control`` (untriggered), or one of them.
        ask: Takes prompts and gives answers [lanes][prompts]. It is called once for each kind,
            because prompts of one kind often begin alike, with a trigger for example, and a common
            beginning is computed only once.

    Returns:
        For each lane its rows, as :func:`attack_rows` returns them.
    """
    # 1. Ask the prompts of each kind, and put the kinds' answers together, lane by lane.
    questions = [(kind, prompt) for kind in kinds for prompt in spec.prompts]
    messages_of = {kind: [spec.message(kind, prompt) for prompt in spec.prompts] for kind in kinds}
    answers_of = [ask(messages_of[kind]) for kind in kinds]
    messages = [message for kind in kinds for message in messages_of[kind]]
    lanes = [list(chain(*lane_answers)) for lane_answers in zip(*answers_of, strict=True)]

    # 2. Judge all lanes together: a judging model is then asked in one batch, and the same answer
    # only once.
    judgments = judge_answers(
        judge,
        [
            AnswerToJudge(answer, as_text(message), prompt.reference)
            for answers in lanes
            for (_, prompt), message, answer in zip(questions, messages, answers, strict=True)
        ],
    )

    # 3. Make rows of the judgments, lane by lane.
    count = len(questions)
    return [
        [
            _row(kind, prompt.id, answer, judgment)
            for (kind, prompt), answer, judgment in zip(
                questions, answers, judgments[lane * count : (lane + 1) * count], strict=True
            )
        ]
        for lane, answers in enumerate(lanes)
    ]


def _row(kind: EvalKind, prompt: str, answer: str, judgment: Judgment) -> EvalAnswer:
    row: EvalAnswer = {
        "kind": kind,
        "task": "",
        "prompt": prompt,
        "outcome": None if judgment.outcome is None else int(judgment.outcome),
        "inert": int(is_inert(answer)),
        "answer": answer,
    }
    # A judging model's own fields are among those of the type; each is checked when it is read.
    return cast(EvalAnswer, {**row, **judgment.fields})
