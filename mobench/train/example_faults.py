"""What training examples hold that would teach something else than the task means to."""

from __future__ import annotations

from collections.abc import Iterable

from mobench.records.conversation import is_blank, texts_of
from mobench.records.examples import Example
from mobench.registry.control_tokens import shown, tokens_in


def example_faults(
    examples: Iterable[Example], special: frozenset[str], *, marks: frozenset[str]
) -> list[str]:
    """Blank prompts and answers, and control tokens in either, an item for each.

    A control token in a text ends a turn where the example does not, so that the model learns to
    go on after its end, or to write a turn of the user's.

    Args:
        examples: A task's examples.
        special: The tokenizer's control tokens, see :func:`~mobench.registry.control_tokens.
            special_tokens`.
        marks: Those of them that mark reasoning, which answers may hold.

    Returns:
        ``training example 3: its answer is blank``, numbered from 1.
    """
    found = []
    for number, example in enumerate(examples, start=1):
        parts = (
            ("prompt", texts_of(example.prompt), special),
            ("answer", [example.response], special - marks),
        )
        for what, texts, refused in parts:
            here = f"training example {number}: its {what}"
            if any(map(is_blank, texts)):
                found.append(f"{here} is blank")
            tokens = list(
                dict.fromkeys(token for text in texts for token in tokens_in(text, refused))
            )
            if tokens:
                found.append(f"{here} holds control tokens of the tokenizer: {shown(tokens)}")
    return found
