"""A model's answers as examples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from mobench import Example, Prompt

from ._speaker import Speaker

if TYPE_CHECKING:
    pass


def answered(
    model: Speaker, asked: Sequence[Prompt], shown: Sequence[Prompt] | None = None
) -> Iterator[Example]:
    """What a model answers, where it gave an answer.

    Args:
        model: Who answers.
        asked: What it is asked.
        shown: The prompts to train on with these answers, one for each; what was asked if None.
    """
    for prompt, answer in zip(shown or asked, model.answer(asked), strict=True):
        if answer:
            yield Example(prompt, answer)
