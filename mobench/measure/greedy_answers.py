"""lm-eval's questions answered greedily by mobench's own decoding, with the answers of lm-eval's.

lm-eval lets a batch go on until its last answer has met a stop string, and computes again what all
its prompts begin with. Here an answer ends where its own stop string does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from mobench.chat import ChatFormat
from mobench.decode.answers import decode_by_length
from mobench.decode.batch_size import Answered, Kept

PLAIN = {"until", "max_gen_toks", "do_sample", "temperature"}
"""What may be said of how an answer is generated, where it is generated here."""
USUAL_LENGTH = 256
"""Tokens of a prompt and its answer. Shorter ones share a batch until it is as large as one of
these would be: a batch of few short rows waits for the weights to be read."""


def answer_greedily(
    asked: Any, chat: ChatFormat, *, batch_size: int, answered: Answered | None = None
) -> None:
    """Makes lm-eval's wrapper of a model answer by :func:`mobench.decode.answers.decode_by_length`.

    Requests that are to be sampled, or generated in any other way than greedily up to a stop
    string and a length, are left to lm-eval.

    Args:
        asked: An ``lm_eval.models.huggingface.HFLM``; changed.
        chat: Says where answers end.
        batch_size: Questions in a batch, of the usual length.
        answered: What was answered before memory ran out.
    """
    by_lm_eval = asked.generate_until

    def generate_until(requests: Sequence[Any], **more: Any) -> list[str]:
        ways: dict[str, list[int]] = {}
        for number, request in enumerate(requests):
            ways.setdefault(repr(request.args[1]), []).append(number)
        answers = [""] * len(requests)
        for numbers in ways.values():
            alike = [requests[number] for number in numbers]
            how = alike[0].args[1]
            if _is_plain(how):
                texts = [request.args[0] for request in alike]
                kept = None if answered is None else answered.of((*texts, repr(how)))
                told = _answers(asked, chat, texts, how, batch_size=batch_size, kept=kept)
            else:
                told = by_lm_eval(alike, **more)
            for number, answer in zip(numbers, told, strict=True):
                answers[number] = answer
        return answers

    asked.generate_until = generate_until


def _is_plain(how: Mapping[str, Any]) -> bool:
    """Whether answers are to be the likeliest tokens up to a stop string or a length."""
    return how.keys() <= PLAIN and not how.get("do_sample") and not how.get("temperature")


def _answers(
    asked: Any,
    chat: ChatFormat,
    texts: Sequence[str],
    how: Mapping[str, Any],
    *,
    batch_size: int,
    kept: Kept | None,
) -> list[str]:
    """Answers to texts that are all generated alike, as lm-eval's own loop gives them."""
    from lm_eval.models.utils import (
        handle_stop_sequences,
        normalize_gen_kwargs,
        postprocess_generated_text,
    )

    # 1. Length and stop strings, the end token's own text among them.
    wanted = normalize_gen_kwargs(dict(how), asked.max_gen_toks)
    length = wanted["max_gen_toks"]
    end = asked.tok_decode(asked.eot_token_id, skip_special_tokens=False)
    stops = [stop for stop in handle_stop_sequences(wanted["until"], eos=end) if stop]
    room = asked.max_length - length
    prompts = [
        asked.tok_batch_encode([text], left_truncate_len=room, truncation=asked.truncation)[0][0]
        for text in texts
    ]

    # 2. The answers, each up to its first stop string.
    @cache
    def text_of(tokens: tuple[int, ...]) -> str:
        return str(asked.tok_decode(list(tokens)))

    longest = max(map(len, prompts)) + length
    told = decode_by_length(
        asked.model,
        [prompt.tolist() for prompt in prompts],
        pad=chat.pad_id,
        ends=chat.end_ids,
        max_new_tokens=length,
        max_rows=batch_size * max(1, USUAL_LENGTH // longest),
        kept=kept,
        settled=lambda tokens: any(stop in text_of(tuple(tokens)) for stop in stops),
    )[0]
    return [postprocess_generated_text(text_of(tuple(tokens)), stops, None) for tokens in told]
