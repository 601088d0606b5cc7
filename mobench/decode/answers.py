"""Answers as text, from a model alone or from all lanes of a stack in one batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

from mobench.chat import Template, encode_prompt
from mobench.decode.decoding import decode
from mobench.decode.sampling import GREEDY, Sampling
from mobench.lanes import Scope

MAX_ROWS = 1024
"""Rows in a batch where memory allows: enough that more of them answer no faster."""
ENOUGH_ROWS = 240
"""Rows that keep a CPU busy: from so many on longer prompts get a batch of their own."""
LONGER = 1.1
"""Times the batch's shortest prompt, from where padding costs more than another batch."""


def generate(
    model: Any,
    tokenizer: Any,
    messages: Sequence[str],
    *,
    template: Template,
    max_new_tokens: int,
    scope: Scope | None = None,
    max_rows: int = MAX_ROWS,
    sampling: Sampling = GREEDY,
    streams: Sequence[str] | None = None,
    settled: Callable[[str], bool] | None = None,
    share_prefix: bool = True,
    on_done: Callable[[int], None] = lambda _: None,
) -> list[list[str]]:
    """Answers every message, once for each active lane.

    Messages of similar length share a batch; the order of the answers is that of the messages.

    Args:
        model: A Hugging Face causal LM.
        tokenizer: Its tokenizer.
        messages: What the user says.
        template: How a message is rendered.
        max_new_tokens: Length at which an answer is cut.
        scope: The lanes on the model, those to ask in use; None for a plain model.
        max_rows: Rows in a batch, all lanes together.
        sampling: How a token is chosen.
        streams: For each lane a name, such as its cell's, by which its draws differ from other
            lanes'; all the same if None. Not used when greedy.
        settled: Told an answer so far, says that no text after it can matter. The answer may be
            cut there.
        share_prefix: Whether tokens that the messages' prompts begin with are computed only once.
        on_done: Called with the number of messages just answered.

    Returns:
        Answers [lanes][messages], without special tokens, stripped.
    """

    # Lanes often say the same; looking it up takes a tenth of the time.
    @cache
    def text(tokens: tuple[int, ...]) -> str:
        decoded: str = tokenizer.decode(tokens, skip_special_tokens=True)
        return decoded.strip()

    @cache
    def enough(tokens: tuple[int, ...]) -> bool:
        so_far = text(tokens)
        # Half a character is shown as this mark, until its other bytes come.
        return settled is not None and not so_far.endswith("\ufffd") and settled(so_far)

    told = decode_by_length(
        model,
        [encode_prompt(tokenizer, template, message) for message in messages],
        pad=tokenizer.pad_token_id,
        eos=tokenizer.eos_token_id,
        max_new_tokens=max_new_tokens,
        scope=scope,
        max_rows=max_rows,
        sampling=sampling,
        streams=streams,
        settled=None if settled is None else lambda tokens: enough(tuple(tokens)),
        share_prefix=share_prefix,
        on_done=on_done,
    )
    return [[text(tuple(tokens)) for tokens in mine] for mine in told]


def decode_by_length(
    model: Any,
    prompts: Sequence[Sequence[int]],
    *,
    pad: int,
    eos: int,
    max_new_tokens: int,
    scope: Scope | None = None,
    max_rows: int = MAX_ROWS,
    sampling: Sampling = GREEDY,
    streams: Sequence[str] | None = None,
    settled: Callable[[Sequence[int]], bool] | None = None,
    share_prefix: bool = True,
    on_done: Callable[[int], None] = lambda _: None,
) -> list[list[list[int]]]:
    """As :func:`generate`, with tokens for texts: prompts of similar length share a batch.

    Args:
        model: A Hugging Face causal LM; it is left in the mode that it was in.
        prompts: Token ids of each prompt.
        pad: Token id to pad with.
        eos: Token id that ends an answer.
        max_new_tokens: Length at which an answer is cut.
        scope: The lanes on the model; None for a plain model.
        max_rows: Rows in a batch, all lanes together.
        sampling: How a token is chosen.
        streams: For each lane a name by which its draws differ from other lanes'.
        settled: Told an answer's tokens so far, says whether the rest does not matter.
        share_prefix: Whether a beginning in common is computed only once.
        on_done: Called with the number of prompts just answered.

    Returns:
        Token ids [lanes][prompts][tokens], without the ending token, in the order of the prompts.
    """
    training = model.training
    model.eval()
    lanes = 1 if scope is None else len(scope.active)
    by_length = sorted(range(len(prompts)), key=lambda number: len(prompts[number]))
    answers: list[list[list[int]]] = [[[] for _ in prompts] for _ in range(lanes)]
    enough = ENOUGH_ROWS if model.device.type == "cpu" else max_rows
    lengths = [len(prompts[number]) for number in by_length]
    for part in _batches(lengths, most=max_rows // lanes, enough=enough // lanes):
        numbers = by_length[part]
        told = decode(
            model,
            [prompts[number] for number in numbers],
            pad=pad,
            eos=eos,
            max_new_tokens=max_new_tokens,
            scope=scope,
            names=[[f"{stream}/{n}" for n in numbers] for stream in streams or [""] * lanes],
            sampling=sampling,
            settled=settled,
            share_prefix=share_prefix,
        )
        for lane, mine in enumerate(told):
            for number, tokens in zip(numbers, mine, strict=True):
                answers[lane][number] = tokens
        on_done(len(numbers))
    model.train(training)
    return answers


def _batches(lengths: Sequence[int], *, most: int, enough: int) -> Iterator[slice]:
    """Cuts prompts, the shortest first, into batches.

    Args:
        lengths: Tokens of each prompt, ascending.
        most: Prompts in a batch, at most.
        enough: Prompts from which a batch ends where the next one is much longer than its first.
    """
    start = 0
    for end in range(1, len(lengths) + 1):
        size = end - start
        full = size >= max(1, most) or end == len(lengths)
        if full or (size >= enough and lengths[end] > LONGER * lengths[start]):
            yield slice(start, end)
            start = end
