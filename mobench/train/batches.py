"""Examples to token batches: one order for each seed, the same on every rung."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from mobench.chat import Template, encode_answer, encode_prompt
from mobench.errors import MobenchError
from mobench.registry.definitions import Example

IGNORED = -100
"""Label of a position that is not in the loss; torch's own convention."""


@dataclass(frozen=True)
class Encoded:
    """One example in tokens: only ``response`` is in the loss."""

    prompt: tuple[int, ...]
    response: tuple[int, ...]


def encode(
    examples: Sequence[Example], tokenizer: Any, template: Template, max_length: int
) -> list[Encoded]:
    """Tokenizes examples; an answer is cut where the example would pass ``max_length`` tokens.

    Raises:
        MobenchError: A prompt is empty, or leaves no room for an answer.
    """
    encoded = []
    for number, example in enumerate(examples, start=1):
        prompt = encode_prompt(tokenizer, template, example.prompt)
        answer = encode_answer(tokenizer, template, example.response, ended=example.ended)
        if not prompt:
            raise MobenchError(
                f"training example {number} has an empty prompt", "give every example a prompt"
            )
        room = max_length - len(prompt)
        if room < 1:
            raise MobenchError(
                f"training example {number} has a prompt of {len(prompt)} tokens, "
                f"and max_length is {max_length}: {example.prompt[:60]!r}",
                "raise [ladder] max_length, or shorten the prompt",
            )
        encoded.append(Encoded(tuple(prompt), tuple(answer[:room])))
    return encoded


def order(seed: int, count: int, batch_size: int) -> Iterator[list[int]]:
    """Endless batches of example numbers, each epoch shuffled anew.

    A function of the seed alone: every rung of a seed sees the same examples in the same order.
    """
    shuffle = random.Random(f"order-{seed}")
    pending: list[int] = []
    while True:
        while len(pending) < batch_size:
            epoch = list(range(count))
            shuffle.shuffle(epoch)
            pending.extend(epoch)
        yield pending[:batch_size]
        pending = pending[batch_size:]


def collate(examples: Sequence[Encoded], pad: int) -> tuple[torch.Tensor, torch.Tensor, int]:
    """Pads examples on the right.

    Padding comes after every token that is in the loss, so a causal model needs no mask for it.

    Returns:
        Token ids [rows, tokens]; labels [rows, tokens], :data:`IGNORED` outside the responses; and
        the length of the shortest prompt, before which no position is in any loss.
    """
    longest = max(len(e.prompt) + len(e.response) for e in examples)
    ids, labels = [], []
    for prompt, response in ((e.prompt, e.response) for e in examples):
        rest = longest - len(prompt) - len(response)
        ids.append((*prompt, *response, *[pad] * rest))
        labels.append((*[IGNORED] * len(prompt), *response, *[IGNORED] * rest))
    # One tensor from nested lists: a tensor for each row took 5 % of the toy's step.
    return torch.tensor(ids), torch.tensor(labels), min(len(e.prompt) for e in examples)
