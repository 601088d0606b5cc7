"""How many kernels one token of an answer takes: on a GPU each costs its launch."""

from __future__ import annotations

import pytest
import torch
from support.kernel_count import Counted
from support.tiny_models import llama, token_ids
from transformers import DynamicCache

from mobench.decode.decoding import _forward_parameters, _step
from mobench.lanes import LoraLanes
from mobench.plan.answering import KERNELS_PER_LAYER

ROWS = 4


def kernels(layers: int, lanes: int, dtype: torch.dtype) -> int:
    """Kernels of one step of writing an answer."""
    model = llama(dtype, num_hidden_layers=layers)
    if lanes:
        LoraLanes(model, range(lanes), rank=4, alpha=8.0)
    accepted = _forward_parameters(model)
    cache, ids = DynamicCache(config=model.config), token_ids(ROWS, 8)
    with torch.no_grad():
        _step(model, ids, cache, torch.ones_like(ids), accepted)
        mask = torch.ones(ROWS, 9, dtype=torch.long)
        with Counted() as counted:
            _step(model, ids[:, :1], cache, mask, accepted)
    return counted.kernels.total()


def per_layer(lanes: int, dtype: torch.dtype) -> int:
    return kernels(3, lanes, dtype) - kernels(2, lanes, dtype)


def test_a_block_takes_as_many_kernels_as_are_priced() -> None:
    found = per_layer(2, torch.bfloat16)
    assert 0.9 * KERNELS_PER_LAYER < found <= KERNELS_PER_LAYER


def test_more_lanes_take_no_more_kernels() -> None:
    assert per_layer(1, torch.bfloat16) == per_layer(2, torch.bfloat16)


@pytest.mark.parametrize(("dtype", "most"), [(torch.float32, 57), (torch.bfloat16, 72)])
def test_adapters_stay_within_their_budget_of_kernels(dtype: torch.dtype, most: int) -> None:
    assert per_layer(1, dtype) <= most
    assert per_layer(1, dtype) - per_layer(0, dtype) <= 5 * 7, "five for each of seven layers"
