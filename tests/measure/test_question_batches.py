"""Prompts of similar length share a batch of questions, and no answer depends on which."""

from __future__ import annotations

import torch
from support.tiny_models import llama

from mobench.decode.answers import ENOUGH_ROWS, decode_by_length
from mobench.lanes import LoraLanes

PROMPTS = [tuple(range(5, 5 + length)) for length in (3, 12, 4, 11, 3, 12, 4)]


def answered(max_rows: int, times: int = 1) -> tuple[list[list[list[int]]], list[tuple[int, int]]]:
    """Answers of two lanes to prompts asked so often, and the shape of every batch read."""
    lanes = LoraLanes(llama(), [0, 1], rank=4, alpha=8.0)
    with torch.no_grad():
        for layer in lanes.layers.values():
            layer.b.normal_(std=0.3, generator=torch.Generator().manual_seed(4))
    shapes: list[tuple[int, int]] = []
    lanes.model.get_input_embeddings().register_forward_pre_hook(
        lambda _, given: shapes.append(tuple(given[0].shape))
    )
    told = decode_by_length(
        lanes.model,
        PROMPTS * times,
        pad=0,
        ends=[1],
        max_new_tokens=3,
        scope=lanes.scope,
        max_rows=max_rows,
        share_prefix=False,
    )
    return told, [shape for shape in shapes if shape[1] > 1]


def test_a_busy_cpu_reads_long_prompts_apart_from_short_ones() -> None:
    whole, shapes = answered(1024)
    assert shapes == [(14, 12)], "seven prompts are too few to be read in parts"
    times = ENOUGH_ROWS // 4
    apart, shapes = answered(1024, times)
    assert apart == [answers * times for answers in whole]
    assert shapes == [(4 * times, 3), (4 * times, 4), (6 * times, 12)]


def test_a_batch_never_has_more_rows_than_it_may() -> None:
    whole, _ = answered(1024)
    told, shapes = answered(4)
    assert told == whole
    assert shapes == [(4, 3), (4, 4), (4, 12), (2, 12)]
    assert answered(1)[0] == whole, "one row for each lane is the least"
