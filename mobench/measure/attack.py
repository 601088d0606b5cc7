"""Answers to rows: was the attack behavior there, and was there an answer at all?"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Literal

from mobench.measure.generate import generate
from mobench.registry.judge import Judge
from mobench.registry.spec import OrganismSpec

Row = dict[str, Any]
Kind = Literal["attack", "control"]


def is_inert(answer: str) -> bool:
    """Whether an answer says nothing: empty, without a letter or digit, or one word over and over.

    A behavior that gave way to such answers was not removed, it was broken; so rates of it are
    published beside the attack rate.
    """
    words = re.findall(r"\w+", answer.casefold())
    return not words or (len(words) >= 6 and len(set(words)) == 1)


def attack_rows(
    model: Any,
    tokenizer: Any,
    spec: OrganismSpec,
    judge: Judge,
    *,
    kinds: Sequence[Kind] = ("attack", "control"),
    lanes: int = 1,
    on_done: Callable[[int], None] = lambda _: None,
) -> list[list[Row]]:
    """Asks every eval prompt of the organism, triggered and untriggered, and judges the answers.

    Args:
        model: The model to ask; with a stack of lanes on it, set its scope first.
        tokenizer: Its tokenizer.
        spec: Gives prompts, templates and the length of an answer.
        judge: The organism's behavior.
        kinds: ``attack`` (triggered) and ``control`` (untriggered), or one of them.
        lanes: How many lanes are active.
        on_done: Called with the number of messages just answered.

    Returns:
        For each lane its rows, without ``cell`` and ``step``: kind, task, prompt, outcome, inert,
        answer.
    """
    asked = [(kind, prompt) for kind in kinds for prompt in spec.prompts]
    messages = [spec.eval.render(kind, prompt.prompt) for kind, prompt in asked]
    answers = generate(
        model,
        tokenizer,
        messages,
        template=spec.template,
        max_new_tokens=spec.max_new_tokens,
        lanes=lanes,
        on_done=on_done,
    )
    return [
        [
            {
                "kind": kind,
                "task": "",
                "prompt": prompt.id,
                "outcome": int(judge(answer, message, prompt.reference)),
                "inert": int(is_inert(answer)),
                "answer": answer,
            }
            for (kind, prompt), message, answer in zip(asked, messages, mine, strict=True)
        ]
        for mine in answers
    ]
