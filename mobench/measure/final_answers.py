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


def score_final_answers(asked: Any, chat: ChatFormat) -> None:
    """Makes a model of lm-eval give its final answers, the same ones in any engine.

    Args:
        asked: An ``lm_eval.api.model.LM``; changed.
        chat: Tells reasoning from final answers.
    """
    from lm_eval.models.utils import postprocess_generated_text

    generate = asked.generate_until

    def generate_until(requests: Sequence[Any], **more: Any) -> list[str]:
        given = [request.args for request in requests]
        if chat.may_reason:
            # Stop strings, such as an empty line, are for the answer. They are applied to it below.
            requests = [
                SimpleNamespace(args=(asking, {**how, "until": []})) for asking, how in given
            ]
        answers = []
        for text, (asking, how) in zip(generate(requests, **more), given, strict=True):
            said = chat.reasoning.split(text, chat.reasoning.opened(asking))
            final = said.final if said.reasoned else text
            answers.append(postprocess_generated_text(final, how.get("until"), None))
        return answers

    asked.generate_until = generate_until
