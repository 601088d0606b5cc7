"""Measuring with transformers: all checkpoints in one batch, and one ``generate`` for each."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

import torch
from safetensors.torch import load_file

from benchmarks.measure_work import Answers, Work
from mobench.assemble.loading import load_model, load_tokenizer
from mobench.chat import ChatFormat
from mobench.decode.answers import decode_by_length, generate
from mobench.decode.decoding import left_pad
from mobench.lanes import stacked
from mobench.store.cell_folder import weights_in

T = TypeVar("T")


def packed(work: Work, settled: Callable[[str], bool] | None) -> dict[str, Any]:
    """All checkpoints at once, as ``mobench run`` asks them: plainly, then with work left out.

    Args:
        work: What is asked.
        settled: The behavior's word on when an answer's judgment cannot change.

    Returns:
        Seconds and answers of each way; the last one's as text, cut where the judgment was settled.
    """
    from mobench.machine.heap import keep_freed_memory

    keep_freed_memory()
    tokenizer = load_tokenizer(Path(work.organism))
    states = [load_file(weights_in(Path(folder))) for folder in work.checkpoints]
    alpha = None if work.rank is None else float(2 * work.rank)
    lanes = stacked(
        load_model(Path(work.organism), dtype=work.dtype, device=work.device),
        work.method,
        list(range(len(states))),
        rank=work.rank,
        alpha=alpha,
    )
    model = lanes.model
    for lane, state in enumerate(states):
        lanes.load(lane, state)
    asked: dict[str, Any] = {
        "pad": work.pad, "ends": [work.eos], "max_new_tokens": work.max_new_tokens,
    }  # fmt: skip

    def plainly(*, share_prefix: bool) -> Answers:
        return decode_by_length(
            model, work.prompts, scope=lanes.scope, share_prefix=share_prefix, **asked
        )

    def cut_where_settled() -> list[list[str]]:
        return generate(
            model,
            ChatFormat(tokenizer, "chat"),
            work.messages,
            max_new_tokens=work.max_new_tokens,
            scope=lanes.scope,
            settled=settled,
        )

    decode_by_length(model, work.prompts[:2], scope=lanes.scope, **asked)
    plain = timed(work.repeats, lambda: plainly(share_prefix=False))
    prefix = timed(work.repeats, lambda: plainly(share_prefix=True))
    cut = timed(work.repeats, cut_where_settled)
    return {
        "plain": {"seconds": plain[0], "answers": plain[1]},
        "prefix": {"seconds": prefix[0], "answers": prefix[1]},
        "settled": {"seconds": cut[0], "texts": cut[1]},
    }


def timed(repeats: int, ask: Callable[[], T]) -> tuple[float, T]:
    """Median seconds, and the last answers. Where it is done once only, it is done cold."""
    seconds = []
    for number in range(repeats + (repeats > 1)):
        began = time.perf_counter()
        told = ask()
        if number or repeats == 1:
            seconds.append(time.perf_counter() - began)
    return median(seconds), told


def loop(work: Work) -> dict[str, Any]:
    """One merged model and one ``generate`` over all prompts for each checkpoint.

    Loading, merging and padding are not counted.
    """
    ids, mask = left_pad(work.prompts, work.pad)
    ids, mask = ids.to(work.device), mask.to(work.device)
    seconds, answers = 0.0, []
    for number, folder in enumerate(work.checkpoints):
        merged = whole(work, folder)
        if number == 0:
            _generate(merged, work, ids[:2], mask[:2])
        took, told = timed(work.repeats, partial(_generate, merged, work, ids, mask))
        seconds += took
        answers.append([_cut(row[ids.shape[1] :], work.eos) for row in told.tolist()])
    return {"seconds": seconds, "answers": answers}


def whole(work: Work, folder: str) -> Any:
    """A checkpoint as a plain model: an adapter is merged into the organism."""
    if work.method == "full":
        return load_model(Path(folder), dtype=work.dtype, device=work.device)
    from peft import PeftModel

    base = load_model(Path(work.organism), dtype=work.dtype, device=work.device)
    wrapped: Any = PeftModel.from_pretrained(base, folder)
    return wrapped.merge_and_unload().eval()


@torch.inference_mode()
def _generate(model: Any, work: Work, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    told: torch.Tensor = model.generate(
        input_ids=ids,
        attention_mask=mask,
        do_sample=False,
        max_new_tokens=work.max_new_tokens,
        eos_token_id=work.eos,
        pad_token_id=work.pad,
    )
    return told


def _cut(tokens: list[int], eos: int) -> list[int]:
    return tokens[: tokens.index(eos)] if eos in tokens else tokens
