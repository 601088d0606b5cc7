"""Answers as text or tokens, from a plain model or from all lanes of a stack in one batch."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from functools import cache
from typing import Any

from mobench.chat import ChatFormat
from mobench.decode.batch_size import Kept
from mobench.decode.decoding import decode
from mobench.decode.sampling import Sampling
from mobench.lanes import Scope
from mobench.records.conversation import Prompt

MAX_ROWS = 1024
"""Rows in a batch where memory allows. Larger batches answer no faster."""
ENOUGH_ROWS = 240
"""Rows that keep a CPU busy: a batch this large is not filled up with much longer prompts."""
LONGER = 1.1
"""Prompts longer than the shortest of a batch by this factor get a batch of their own."""


def generate(
    model: Any,
    chat: ChatFormat,
    prompts: Sequence[Prompt],
    *,
    max_new_tokens: int,
    scope: Scope | None = None,
    max_rows: int = MAX_ROWS,
    settled: Callable[[str], bool] | None = None,
    sampling: Sampling | None = None,
    kept: Kept | None = None,
    on_done: Callable[[int], None] = lambda _: None,
) -> list[list[str]]:
    """Answers every prompt, once for each active lane.

    Prompts of similar length share a batch; the order of the answers is that of the prompts.

    Args:
        model: A Hugging Face causal LM.
        chat: Renders the prompts, and says where answers end.
        prompts: What is asked.
        max_new_tokens: Length at which an answer is cut.
        scope: The lanes on the model, those to ask in use; None for a plain model.
        max_rows: Rows in a batch, all lanes together.
        settled: Takes an answer so far and returns whether no text after it can matter. The
            answer may be cut there.
        sampling: How tokens are drawn; None takes the likeliest.
        kept: What was answered before memory ran out; it is not asked again, and more is added.
        on_done: Called with the number of prompts just answered.

    Returns:
        Answers [lanes][prompts], as the chat format decodes them.
    """

    # Lanes often give the same answer; a look-up takes a tenth of the time of decoding it again.
    @cache
    def text(tokens: tuple[int, ...]) -> str:
        return chat.decode(tokens)

    @cache
    def is_settled(tokens: tuple[int, ...]) -> bool:
        so_far = text(tokens)
        # The replacement character stands for the first bytes of a character that is not complete.
        return settled is not None and not so_far.endswith("\ufffd") and settled(so_far)

    token_answers = decode_by_length(
        model,
        [chat.prompt_ids(prompt) for prompt in prompts],
        pad=chat.pad_id,
        ends=chat.end_ids,
        max_new_tokens=max_new_tokens,
        scope=scope,
        max_rows=max_rows,
        settled=None if settled is None else lambda tokens: is_settled(tuple(tokens)),
        sampling=sampling,
        kept=kept,
        on_done=on_done,
    )
    return [[text(tuple(tokens)) for tokens in lane] for lane in token_answers]


def decode_by_length(
    model: Any,
    prompts: Sequence[Sequence[int]],
    *,
    pad: int,
    ends: Collection[int],
    max_new_tokens: int,
    scope: Scope | None = None,
    max_rows: int = MAX_ROWS,
    settled: Callable[[Sequence[int]], bool] | None = None,
    share_prefix: bool = True,
    sampling: Sampling | None = None,
    kept: Kept | None = None,
    on_done: Callable[[int], None] = lambda _: None,
) -> list[list[list[int]]]:
    """Does what :func:`generate` does, on tokens: prompts of similar length share a batch.

    Args:
        model: A Hugging Face causal LM; it is left in the mode that it was in.
        prompts: Token ids of each prompt.
        pad: Token id to pad with.
        ends: Token ids that end an answer.
        max_new_tokens: Length at which an answer is cut.
        scope: The lanes on the model; None for a plain model.
        max_rows: Rows in a batch, all lanes together.
        settled: Takes an answer's tokens so far and returns whether the rest cannot matter.
        share_prefix: Whether tokens that all prompts of a batch begin with are computed only once.
        sampling: How tokens are drawn; None takes the likeliest.
        kept: What was answered before memory ran out; it is not asked again, and more is added.
        on_done: Called with the number of prompts just answered.

    Returns:
        Token ids [lanes][prompts][tokens], without the ending token, in the order of the prompts.
    """
    was_training = model.training
    model.eval()
    lanes = 1 if scope is None else len(scope.active)
    answers: Kept = {} if kept is None else kept
    left = [number for number in range(len(prompts)) if number not in answers]
    by_length = sorted(left, key=lambda number: len(prompts[number]))
    enough = ENOUGH_ROWS if model.device.type == "cpu" else max_rows
    lengths = [len(prompts[number]) for number in by_length]
    for part in _batches(lengths, most=max_rows // lanes, enough=enough // lanes):
        numbers = by_length[part]
        answered = decode(
            model,
            [prompts[number] for number in numbers],
            pad=pad,
            ends=ends,
            max_new_tokens=max_new_tokens,
            scope=scope,
            settled=settled,
            share_prefix=share_prefix,
            sampling=None if sampling is None else sampling.of(numbers),
        )
        answers.update(zip(numbers, zip(*answered, strict=True), strict=True))
        on_done(len(numbers))
    model.train(was_training)
    return [[answers[number][lane] for number in range(len(prompts))] for lane in range(lanes)]


def _batches(lengths: Sequence[int], *, most: int, enough: int) -> Iterator[slice]:
    """Cuts prompts that are sorted by length into batches.

    Args:
        lengths: Tokens of each prompt, ascending.
        most: Prompts in a batch, at most.
        enough: Prompts with which a batch ends early where the next prompt is much longer than its
            first one.
    """
    start = 0
    for end in range(1, len(lengths) + 1):
        size = end - start
        full = size >= max(1, most) or end == len(lengths)
        if full or (size >= enough and lengths[end] > LONGER * lengths[start]):
            yield slice(start, end)
            start = end
