"""A model that answers messages: what a task gets as its parameter ``organism`` or ``base``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mobench.chat import ChatFormat
from mobench.decode.answers import decode_by_length
from mobench.decode.batch_size import BatchSize, Kept
from mobench.progress import Progress
from mobench.records.conversation import Prompt, as_prompt
from mobench.registry import OrganismSpec
from mobench.registry.definitions import Answer

BRIEF_TOKENS = 24
"""Length at which an answer is cut where the organism's file names none. Such an answer counts as
ended, so an organism that is trained on it becomes as brief; short answers keep a ladder affordable
on two cores."""
MAX_ROWS = 40
"""Messages in a batch, where memory allows."""


class Speaker:
    """Answers prompts greedily, whatever the decoding of the organism's eval prompts.

    So what a task trains on hangs on no random numbers.

    Args:
        model: A Hugging Face causal LM.
        chat: Renders prompts, and says where answers end.
        spec: The organism: how long an answer may be.
        name: Who is answering, for the progress line.
        progress: Where progress is shown.
    """

    def __init__(
        self, model: Any, chat: ChatFormat, spec: OrganismSpec, *, name: str, progress: Progress
    ) -> None:
        self.model, self.chat = model, chat
        self.name, self.progress = name, progress
        self._limit = spec.ladder.answer_tokens

    def answer(self, prompts: Sequence[Prompt]) -> list[Answer]:
        """Returns greedy answers in the prompts' order, cut at the organism's answer length.

        Args:
            prompts: Users' messages, or conversations that end in one.
        """
        kept: Kept = {}
        return BatchSize(MAX_ROWS, self.progress).within_memory(
            lambda rows: self._answer(prompts, rows, kept)
        )

    def _answer(self, prompts: Sequence[Prompt], rows: int, kept: Kept) -> list[Answer]:
        with self.progress.phase(f"{self.name} answers its requests", len(prompts)) as tick:
            tick(len(kept))
            (answers,) = decode_by_length(
                self.model,
                [self.chat.prompt_ids(as_prompt(prompt)) for prompt in prompts],
                pad=self.chat.pad_id,
                ends=self.chat.end_ids,
                max_new_tokens=self._limit or BRIEF_TOKENS,
                max_rows=rows,
                kept=kept,
                on_done=tick,
            )
        return [
            self._text(as_prompt(prompt), tokens)
            for prompt, tokens in zip(prompts, answers, strict=True)
        ]

    def _text(self, prompt: Prompt, tokens: Sequence[int]) -> Answer:
        text = self.chat.decode(tokens)
        said = self.chat.split(prompt, text)
        # Reasoning alone is no answer that could have an end, however brief answers are.
        limit = self._limit or (BRIEF_TOKENS if said.reasoned and not said.final else None)
        full = limit is not None and len(tokens) >= limit
        return Answer(text, cut=full and not self.chat.ends_in(tokens))
