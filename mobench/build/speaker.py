"""A model that answers: what a task gets when it asks for ``organism`` or ``base``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mobench.chat import Template
from mobench.measure.batch_rows import Rows
from mobench.measure.generate import generate
from mobench.progress import Progress

ANSWER_TOKENS = 24
"""Length at which a model's own answer is cut for training: short keeps a ladder affordable."""
MAX_ROWS = 40
"""Messages in a batch, where memory allows."""


class Speaker:
    """Answers users' messages greedily.

    Args:
        model: A Hugging Face causal LM.
        tokenizer: Its tokenizer.
        template: How a message is rendered.
        name: Who is answering, for the progress line.
        progress: Where progress is shown.
    """

    def __init__(
        self, model: Any, tokenizer: Any, template: Template, *, name: str, progress: Progress
    ) -> None:
        self.model, self.tokenizer, self.template = model, tokenizer, template
        self.name, self.progress = name, progress

    def answer(self, messages: Sequence[str]) -> list[str]:
        """Greedy answers of at most :data:`ANSWER_TOKENS` tokens, in the messages' order."""
        return Rows(MAX_ROWS, self.progress).fitting(lambda rows: self._answer(messages, rows))

    def _answer(self, messages: Sequence[str], rows: int) -> list[str]:
        with self.progress.phase(f"{self.name} answers its requests", len(messages)) as tick:
            return generate(
                self.model,
                self.tokenizer,
                messages,
                template=self.template,
                max_new_tokens=ANSWER_TOKENS,
                max_rows=rows,
                on_done=tick,
            )[0]
