"""Answers to rows: was the attack behavior there, and was there an answer at all?"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any, Literal

from mobench.decode.answers import MAX_ROWS, generate
from mobench.decode.sampling import GREEDY, Sampling
from mobench.lanes import Scope
from mobench.measure.judges import AnswerToJudge, AnyJudge, judge_answers
from mobench.registry.bound_behavior import Settled
from mobench.registry.organism_spec import OrganismSpec

Row = dict[str, Any]
Kind = Literal["attack", "control"]
Ask = Callable[[Kind, Sequence[str]], list[list[str]]]


def is_inert(answer: str) -> bool:
    """Whether an answer says nothing: empty, without a letter or digit, or one word over and over.

    A behavior that gave way to such answers was not removed, it was broken; so rates of it are
    published beside the attack rate.
    """
    words = re.findall(r"\w+", answer.casefold())
    return not words or (len(words) >= 6 and len(set(words)) == 1)


def is_never_inert(beginning: str) -> bool:
    """Whether an answer that begins like this says something, however it goes on.

    Two different words suffice. The last one may still grow, so it does not count.
    """
    return len(set(re.findall(r"\w+", beginning.casefold())[:-1])) >= 2


def attack_rows(
    model: Any,
    tokenizer: Any,
    spec: OrganismSpec,
    judge: AnyJudge,
    *,
    kinds: Sequence[Kind] = ("attack", "control"),
    scope: Scope | None = None,
    streams: Sequence[str] | None = None,
    sampling: Sampling = GREEDY,
    settled: Settled | None = None,
    max_rows: int = MAX_ROWS,
    on_done: Callable[[int], None] = lambda _: None,
) -> list[list[Row]]:
    """Asks every eval prompt of the organism, triggered and untriggered, and judges the answers.

    Args:
        model: The model to ask.
        tokenizer: Its tokenizer.
        spec: Gives prompts, templates and the length of an answer.
        judge: The organism's behavior, or the model that judges it.
        kinds: ``attack`` (triggered) and ``control`` (untriggered), or one of them.
        scope: The lanes on the model, those to ask in use; None for a plain model.
        streams: For each lane a name by which its draws differ from other lanes'.
        sampling: How a token is chosen.
        settled: Says that no further text can change the judge's word on an answer. Such an answer
            is cut there; outcome and inert are those of the whole answer.
        max_rows: Rows in a batch, all lanes together.
        on_done: Called with the number of messages just answered.

    Returns:
        For each lane its rows, without ``cell`` and ``step``: kind, task, prompt, outcome (None
        where a judging model did not judge), inert, answer, and what a judging model said.
    """
    lanes = 1 if scope is None else len(scope.active)

    def enough(answer: str) -> bool:
        return settled is not None and settled(answer) and is_never_inert(answer)

    def ask(kind: Kind, messages: Sequence[str]) -> list[list[str]]:
        return generate(
            model,
            tokenizer,
            messages,
            template=spec.template,
            max_new_tokens=spec.max_new_tokens,
            scope=scope,
            max_rows=max_rows,
            streams=[f"{stream}/{kind}" for stream in streams or [""] * lanes],
            sampling=sampling,
            settled=None if settled is None else enough,
            on_done=on_done,
        )

    return judged_rows(spec, judge, kinds, ask)


def judged_rows(
    spec: OrganismSpec, judge: AnyJudge, kinds: Sequence[Kind], ask: Ask
) -> list[list[Row]]:
    """Asks every eval prompt through any engine, and judges the answers.

    Args:
        spec: Gives the prompts.
        judge: The organism's behavior, or the model that judges it.
        kinds: ``attack`` (triggered) and ``control`` (untriggered), or one of them.
        ask: Takes a kind and its messages, gives answers [lanes][messages]. Each kind is asked on
            its own: what stands before its prompts, a trigger perhaps, can then be shared.

    Returns:
        Rows as of :func:`attack_rows`, for each of the lanes that answered.
    """
    asked = [(kind, prompt) for kind in kinds for prompt in spec.prompts]
    messages = [spec.message(kind, prompt) for kind, prompt in asked]
    by_kind = [
        ask(kind, [said for (its, _), said in zip(asked, messages, strict=True) if its == kind])
        for kind in kinds
    ]
    lanes = [list(chain(*mine)) for mine in zip(*by_kind, strict=True)]
    # All lanes together: a judging model is then asked in one batch, and the same only once.
    judgments = judge_answers(
        judge,
        [
            AnswerToJudge(answer, message, prompt.reference)
            for mine in lanes
            for (_, prompt), message, answer in zip(asked, messages, mine, strict=True)
        ],
    )
    each = len(asked)
    return [
        [
            {
                "kind": kind,
                "task": "",
                "prompt": prompt.id,
                "outcome": None if judgment.outcome is None else int(judgment.outcome),
                "inert": int(is_inert(answer)),
                "answer": answer,
                **judgment.fields,
            }
            for (kind, prompt), answer, judgment in zip(
                asked, mine, judgments[lane * each : (lane + 1) * each], strict=True
            )
        ]
        for lane, mine in enumerate(lanes)
    ]
