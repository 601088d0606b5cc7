"""lm-eval's tasks scored on final answers: what a model reasons before it answers is left out.

lm-eval's own ``think_end_token`` does that for answers whose reasoning ends. Of an answer that was
cut before, it scores the reasoning; and its two classes of models differ: one stops a model at the
task's stop strings inside of the reasoning, the other does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from mobench.chat import ChatFormat


def score_final_answers(asked: Any, chat: ChatFormat, *, by_template: bool) -> None:
    """Makes a model of lm-eval give its final answers, the same ones in any engine.

    Args:
        asked: An ``lm_eval.api.model.LM``; changed.
        chat: Tells reasoning from final answers.
        by_template: Whether questions are rendered by the chat template. A model that is asked
            through one does not reason about a text that it is to go on with.
    """
    from lm_eval.models.utils import postprocess_generated_text

    generate = asked.generate_until
    may_reason = chat.may_reason and (by_template or chat.template == "plain")

    def generate_until(requests: Sequence[Any], **more: Any) -> list[str]:
        given = [request.args for request in requests]
        beginnings = [chat.reasoning.beginning(text) for text, _ in given]
        wanted = []
        for (text, how), begins in zip(given, beginnings, strict=True):
            # Stop strings, such as an empty line, are for the final answer: applied to it below.
            reasons = begins.opened is not None or (may_reason and not begins.closed)
            args = (text, {**how, "until": []}) if reasons else (text, how)
            wanted.append(SimpleNamespace(args=args))
        answers = []
        told = generate(wanted, **more)
        for text, (_, how), begins in zip(told, given, beginnings, strict=True):
            said = chat.reasoning.split(text, begins)
            final = said.final if said.reasoned else text
            answers.append(postprocess_generated_text(final, how.get("until"), None))
        return answers

    asked.generate_until = generate_until
