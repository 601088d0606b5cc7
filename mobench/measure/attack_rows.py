"""Judged answers to the eval prompts, as rows: does the behavior show, and is there an answer?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, cast

from mobench.chat import Beginning, ChatFormat
from mobench.decode.answers import MAX_ROWS, generate
from mobench.decode.batch_size import Answered
from mobench.decode.sampling import sampling_of
from mobench.lanes import Scope
from mobench.measure.counted_answers import (
    CountedJudgment,
    SaidAnswer,
    is_never_inert,
    judge_counted,
)
from mobench.measure.judges import AnyJudge
from mobench.records.conversation import Prompt, as_text
from mobench.records.names import EVAL_KINDS, EvalKind
from mobench.records.rows import EvalAnswer
from mobench.registry.bound_behavior import Settled
from mobench.registry.organism_spec import OrganismSpec


@dataclass(frozen=True)
class Question:
    """A prompt to be answered once.

    Attributes:
        prompt: The prompt, as it is asked.
        draw: Which of the answers to this prompt it is, from 0.
    """

    prompt: Prompt
    draw: int


Ask = Callable[[Sequence[Question]], list[list[str]]]
"""Takes questions and gives answers [lanes][questions]."""


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
    answered: Answered | None = None,
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
        answered: What was answered before memory ran out.
        on_done: Called with the number of prompts just answered.

    Returns:
        For each lane its rows, without ``cell`` and ``step``: kind, task, prompt, outcome (None
        where a judging model did not judge), inert, answer; draw where answers are drawn; final and
        whole where the answer has reasoning; and a judging model's own fields.
    """

    def ask(questions: Sequence[Question]) -> list[list[str]]:
        prompts = [question.prompt for question in questions]
        ids = [chat.prompt_ids(prompt) for prompt in prompts]
        draws = [question.draw for question in questions]
        known = None if answered is None else answered.of((str(ids), *draws))
        return generate(
            model,
            chat,
            prompts,
            max_new_tokens=spec.max_new_tokens,
            scope=scope,
            max_rows=max_rows,
            settled=None if settled is None else _decided(chat, prompts, settled),
            sampling=sampling_of(spec.decoding, ids, draws),
            kept=known,
            on_done=on_done,
        )

    return judged_rows(chat, spec, judge, kinds, ask)


def _decided(chat: ChatFormat, prompts: Sequence[Prompt], settled: Settled) -> Settled | None:
    """A function that says whether no further text can change the row of an answer.

    Reasoning may become none, and an answer so far may become reasoning: where the end of it is
    yet to come, nothing is decided.

    Args:
        chat: Tells reasoning from final answers.
        prompts: What is asked.
        settled: Whether no further text can change the judgment of a text.

    Returns:
        The function; None where prompts differ in whether they open or close reasoning.
    """
    asked = [chat.text(prompt) for prompt in prompts]
    beginnings = {chat.reasoning.beginning(text) for text in asked}
    if len(beginnings) > 1:
        return None
    begins = beginnings.pop() if beginnings else Beginning()
    named = chat.may_reason or any(map(chat.reasoning.named_in, asked))
    may_have_reasoned = named and not begins.closed

    def is_decided(answer: str) -> bool:
        said = chat.reasoning.split(answer, begins)
        if said.goes_on or (may_have_reasoned and not said.reasoned):
            return False
        return settled(said.final) and settled(said.whole) and is_never_inert(said.final)

    return is_decided


def judged_rows(
    chat: ChatFormat, spec: OrganismSpec, judge: AnyJudge, kinds: Sequence[EvalKind], ask: Ask
) -> list[list[EvalAnswer]]:
    """Asks every eval prompt through any engine, and judges the answers.

    Args:
        chat: Renders the prompts, and tells reasoning from final answers.
        spec: Gives the prompts, and how often each is asked.
        judge: The organism's behavior, or the model that judges it.
        kinds: ``attack`` (triggered) and ``control`` (untriggered), or one of them.
        ask: Takes questions and gives answers [lanes][questions]. It is called once for each kind,
            because prompts of one kind often begin alike, with a trigger for example, and a common
            beginning is computed only once.

    Returns:
        For each lane its rows, as :func:`attack_rows` returns them.
    """
    # 1. Ask the prompts of each kind, and put the kinds' answers together, lane by lane.
    drawn = [(prompt, draw) for prompt in spec.prompts for draw in range(spec.draws)]
    questions_of = {
        kind: [Question(spec.message(kind, prompt), draw) for prompt, draw in drawn]
        for kind in kinds
    }
    answers_of = [ask(questions_of[kind]) for kind in kinds]
    places = [(kind, prompt, draw) for kind in kinds for prompt, draw in drawn]
    messages = [question.prompt for kind in kinds for question in questions_of[kind]]
    lanes = [list(chain(*lane_answers)) for lane_answers in zip(*answers_of, strict=True)]

    # 2. Judge all lanes together: a judging model is then asked in one batch, and the same answer
    # only once.
    beginnings = [chat.reasoning.beginning(chat.text(message)) for message in messages]
    judgments = judge_counted(
        judge,
        spec.behavior.counts,
        [
            SaidAnswer(chat.reasoning.split(answer, begins), as_text(message), prompt.reference)
            for answers in lanes
            for (_, prompt, _), message, begins, answer in zip(
                places, messages, beginnings, answers, strict=True
            )
        ],
    )

    # 3. Make rows of the judgments, lane by lane.
    count = len(places)
    return [
        [
            _row(kind, prompt.id, None if spec.decoding is None else draw, answer, judgment)
            for (kind, prompt, draw), answer, judgment in zip(
                places, answers, judgments[lane * count : (lane + 1) * count], strict=True
            )
        ]
        for lane, answers in enumerate(lanes)
    ]


def _row(
    kind: EvalKind, prompt: str, draw: int | None, answer: str, judgment: CountedJudgment
) -> EvalAnswer:
    row: EvalAnswer = {
        "kind": kind,
        "task": "",
        "prompt": prompt,
        "outcome": None if judgment.outcome is None else int(judgment.outcome),
        "inert": int(judgment.inert),
        "answer": answer,
    }
    if draw is not None:
        row["draw"] = draw
    # A judging model's own fields are among those of the type; each is checked when it is read.
    return cast(EvalAnswer, {**row, **judgment.fields})
