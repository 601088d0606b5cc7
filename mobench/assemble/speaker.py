"""A model that answers messages: what a task gets as its parameter ``organism`` or ``base``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mobench.chat import encode_prompt
from mobench.decode.answers import decode_by_length
from mobench.decode.batch_size import BatchSize
from mobench.progress import Progress
from mobench.registry import OrganismSpec
from mobench.registry.definitions import Answer

BRIEF_TOKENS = 24
"""Length at which an answer is cut where the organism's file names none. Such an answer counts as
ended, so an organism that is trained on it becomes as brief; short answers keep a ladder affordable
on two cores."""
MAX_ROWS = 40
"""Messages in a batch, where memory allows."""


class Speaker:
    """Answers users' messages greedily.

    Args:
        model: A Hugging Face causal LM.
        tokenizer: Its tokenizer.
        spec: The organism: how a message is rendered, and how long an answer may be.
        name: Who is answering, for the progress line.
        progress: Where progress is shown.
    """

    def __init__(
        self, model: Any, tokenizer: Any, spec: OrganismSpec, *, name: str, progress: Progress
    ) -> None:
        self.model, self.tokenizer, self.template = model, tokenizer, spec.template
        self.name, self.progress = name, progress
        self._limit = spec.ladder.answer_tokens

    def answer(self, messages: Sequence[str]) -> list[Answer]:
        """Returns greedy answers in the messages' order, cut at the organism's answer length."""
        return BatchSize(MAX_ROWS, self.progress).within_memory(
            lambda rows: self._answer(messages, rows)
        )

    def _answer(self, messages: Sequence[str], rows: int) -> list[Answer]:
        with self.progress.phase(f"{self.name} answers its requests", len(messages)) as tick:
            (answers,) = decode_by_length(
                self.model,
                [encode_prompt(self.tokenizer, self.template, message) for message in messages],
                pad=self.tokenizer.pad_token_id,
                eos=self.tokenizer.eos_token_id,
                max_new_tokens=self._limit or BRIEF_TOKENS,
                max_rows=rows,
                on_done=tick,
            )
        return [self._text(tokens) for tokens in answers]

    def _text(self, tokens: Sequence[int]) -> Answer:
        text = self.tokenizer.decode(tokens, skip_special_tokens=True).strip()
        return Answer(text, cut=self._limit is not None and len(tokens) >= self._limit)
