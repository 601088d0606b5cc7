"""What makes a step fit into less memory does not change what the step does."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest
import torch
from support.textbook_loop import ALPHA, EXAMPLES, PAD, RANK, apart
from support.tiny_models import gemma2, gpt2, llama, qwen3
from transformers import PreTrainedModel

from mobench.lanes import FullLanes, Lanes, LoraLanes, WholeModel
from mobench.train.batches import collate
from mobench.train.losses import lane_losses
from mobench.train.pack import PackState, Recipe, Run, train_pack
from mobench.train.recompute import recomputing

RUNS = (Run(1e-3, 0), Run(1e-2, 1), Run(3e-3, 2))
RECIPE = Recipe(steps=8, batch_size=5)


def lora(make) -> LoraLanes:
    return LoraLanes(make(), [run.seed for run in RUNS], rank=RANK, alpha=ALPHA)


def full(_) -> FullLanes:
    return FullLanes(llama(), len(RUNS))


STACKS = pytest.mark.parametrize(
    "stack",
    [
        partial(lora, llama),
        partial(lora, qwen3),
        partial(lora, gemma2),
        partial(lora, gpt2),
        partial(full, None),
    ],
    ids=["llama", "qwen3", "gemma2", "gpt2 with dropout", "full"],
)


def trained(stack, recipe: Recipe) -> tuple[Lanes, PackState]:
    lanes = stack()
    return lanes, train_pack(lanes, RUNS, EXAMPLES, recipe, pad=PAD)


@STACKS
@pytest.mark.parametrize(
    "change",
    [
        {"micro_batch": 1},
        {"micro_batch": 2},
        {"recompute": True},
        {"micro_batch": 3, "recompute": True},
    ],
    ids=str,
)
def test_a_step_in_parts_or_computed_twice_is_the_same_step(stack, change) -> None:
    """The batch of 5 is not a multiple of the parts, and answers differ in length."""
    whole, told = trained(stack, RECIPE)
    parts, retold = trained(stack, replace(RECIPE, **change))
    for lane in range(len(RUNS)):
        assert apart(parts.state(lane), whole.state(lane)) < 1e-9
        assert retold.losses[lane] == pytest.approx(told.losses[lane], abs=2e-6)


@pytest.mark.parametrize("change", [{"micro_batch": 2}, {"recompute": True}], ids=str)
def test_it_is_the_same_step_on_a_plain_model_too(change) -> None:
    ends = []
    for recipe in (RECIPE, replace(RECIPE, **change)):
        lanes = WholeModel(gpt2())
        train_pack(lanes, RUNS[:1], EXAMPLES, recipe, pad=PAD)
        ends.append(lanes.state(0))
    assert apart(*ends) < 1e-9


def kept_bytes(model: PreTrainedModel, lanes: Lanes, *, recompute: bool) -> int:
    """Bytes that autograd keeps for the backward pass of one step."""
    kept: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    ids, labels, shortest = collate(EXAMPLES[:6], PAD)
    with (
        recomputing(model, on=recompute),
        torch.autograd.graph.saved_tensors_hooks(keep, lambda t: t),
    ):
        losses = lane_losses(lanes, ids, labels, shortest)
    losses.sum().backward()
    weights = {p.untyped_storage().data_ptr() for p in model.parameters()}
    return sum(size for at, size in kept.items() if at not in weights)


def test_recomputing_keeps_a_fraction_and_leaves_the_model_as_it_was() -> None:
    lanes = LoraLanes(llama(num_hidden_layers=6), [0, 1, 2], rank=RANK, alpha=ALPHA)
    every = kept_bytes(lanes.model, lanes, recompute=False)
    assert kept_bytes(lanes.model, lanes, recompute=True) < every / 4
    assert kept_bytes(lanes.model, lanes, recompute=False) == every
