"""Examples as batches of tokens, in an order that depends on the seed and not on the rung."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from mobench.chat import ChatFormat
from mobench.errors import MobenchError, listed
from mobench.records.conversation import as_text
from mobench.registry.control_tokens import special_tokens
from mobench.registry.definitions import Example
from mobench.train.example_faults import example_faults

FAULTS = 3
"""Examples named in a message."""
IGNORED = -100
"""Label of a position that is not in the loss; torch's own convention."""


@dataclass(frozen=True)
class Encoded:
    """One example as token ids, of which only ``response`` is in the loss."""

    prompt: tuple[int, ...]
    response: tuple[int, ...]


def encode(examples: Sequence[Example], chat: ChatFormat, max_length: int) -> list[Encoded]:
    """Tokenizes examples; an answer is cut where the example would exceed ``max_length`` tokens.

    Raises:
        MobenchError: A prompt or an answer is blank or holds control tokens, or a prompt cannot be
            rendered or leaves no room for an answer.
    """
    special = special_tokens(chat.tokenizer)
    faults = example_faults(examples, special, marks=chat.marking_tokens)
    if faults:
        raise MobenchError(
            listed(faults, most=FAULTS),
            "mend the task: a control token ends a turn where the example does not",
        )
    encoded = []
    for number, example in enumerate(examples, start=1):
        prompt = chat.prompt_ids(example.prompt)
        answer = chat.answer_ids(example.prompt, example.response, ended=example.ended)
        room = max_length - len(prompt)
        if room < 1:
            raise MobenchError(
                f"training example {number} has a prompt of {len(prompt)} tokens, "
                f"and max_length is {max_length}: {as_text(example.prompt)[:60]!r}",
                "raise [ladder] max_length, or shorten the prompt",
            )
        encoded.append(Encoded(tuple(prompt), tuple(answer[:room])))
    return encoded


def order(seed: int, count: int, batch_size: int) -> Iterator[list[int]]:
    """Yields batches of example numbers without end; each epoch is shuffled again.

    The order depends on the seed alone, so all rungs of a seed see the same examples in the same
    order.
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

    Padding comes after all tokens that are in the loss, so a causal model needs no mask for it.

    Returns:
        Token ids [rows, tokens]; labels [rows, tokens], :data:`IGNORED` outside the responses; and
        the length of the shortest prompt, before which no position is in any loss.
    """
    longest = max(len(e.prompt) + len(e.response) for e in examples)
    ids, labels = [], []
    for prompt, response in ((e.prompt, e.response) for e in examples):
        padding = longest - len(prompt) - len(response)
        ids.append((*prompt, *response, *[pad] * padding))
        labels.append((*[IGNORED] * len(prompt), *response, *[IGNORED] * padding))
    # One tensor from nested lists: making one for each row took 5 % of a small model's step.
    return torch.tensor(ids), torch.tensor(labels), min(len(e.prompt) for e in examples)
