"""Runs in a pack do not touch each other, diverge alone, and go on where they were stopped."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from support.textbook_loop import ALPHA, EXAMPLES, PAD, RANK, apart, train_alone
from support.tiny_models import gpt2, llama
from transformers import PreTrainedModel

from mobench.lanes import FullLanes, Lanes, LoraLanes
from mobench.train.batches import collate
from mobench.train.losses import lane_losses
from mobench.train.optimizer import LaneAdamW
from mobench.train.pack import PackState, Recipe, Run, train_pack

RUNS = (Run(1e-3, 0), Run(1e-2, 1), Run(3e-3, 2))
RECIPE = Recipe(steps=20, batch_size=4)


def lora(runs: Sequence[Run], make: Callable[..., PreTrainedModel] = llama) -> LoraLanes:
    seeds = [run.seed for run in runs]
    return LoraLanes(make(), seeds, rank=RANK, alpha=ALPHA)


def full(runs: Sequence[Run]) -> FullLanes:
    return FullLanes(llama(), len(runs))


STACKS = pytest.mark.parametrize("stack", [lora, full])


def train(lanes: Lanes, runs: Sequence[Run], recipe: Recipe = RECIPE, **others: Any) -> PackState:
    return train_pack(lanes, runs, EXAMPLES, recipe, pad=PAD, **others)


def test_each_full_run_ends_where_the_plain_model_and_torch_end_with_it_alone() -> None:
    lanes = full(RUNS)
    state = train(lanes, RUNS)
    for lane, run in enumerate(RUNS):
        plain = llama()
        losses = train_alone(plain, run, RECIPE)
        assert apart(lanes.state(lane), plain.state_dict()) < 1e-8
        assert state.losses[lane] == pytest.approx(losses, abs=1e-6)


@STACKS
def test_the_loss_is_the_mean_over_each_run_s_own_answer_tokens(stack) -> None:
    lanes = stack(RUNS[:2])
    rows = EXAMPLES[:6]
    ids, labels, shortest = collate(rows, PAD)
    losses = lane_losses(lanes, ids, labels, shortest)
    plain = llama()
    for lane in range(2):
        told = []
        for example in rows[3 * lane : 3 * lane + 3]:
            tokens = example.prompt + example.response
            with torch.no_grad():
                scores = plain(input_ids=torch.tensor([tokens])).logits[0].log_softmax(-1)
            start = len(example.prompt)
            told += [-float(scores[i - 1, tokens[i]]) for i in range(start, len(tokens))]
        assert losses[lane].item() == pytest.approx(sum(told) / len(told), rel=1e-10)


@STACKS
def test_another_learning_rate_in_one_run_changes_no_other_run(stack) -> None:
    changed = (RUNS[0], Run(0.1, 1), RUNS[2])
    first, second = stack(RUNS), stack(changed)
    one, two = train(first, RUNS), train(second, changed)
    for lane in (0, 2):
        assert apart(second.state(lane), first.state(lane)) < 1e-10
        assert two.losses[lane] == one.losses[lane]
    assert apart(second.state(1), first.state(1)) > 1e-3


@STACKS
def test_another_seed_in_one_run_changes_no_other_run(stack) -> None:
    changed = (RUNS[0], Run(1e-2, 7), RUNS[2])
    first, second = stack(RUNS), stack(changed)
    one, two = train(first, RUNS), train(second, changed)
    for lane in (0, 2):
        assert apart(second.state(lane), first.state(lane)) < 1e-10
        assert two.losses[lane] == pytest.approx(one.losses[lane], abs=2e-6)
    assert apart(second.state(1), first.state(1)) > 1e-3


@STACKS
def test_a_diverging_run_is_reported_and_the_others_go_on_as_if_it_had_never_been(stack) -> None:
    wild = (RUNS[0], Run(math.inf, 1), RUNS[2])
    lanes, seen = stack(wild), {}

    def keep(_: LaneAdamW, state: PackState) -> None:
        seen[state.step] = lanes.state(1)

    state = train(lanes, wild, Recipe(20, 4, tuple(range(21))), keep=keep)
    assert state.diverged == [None, 2, None]
    assert state.step == 20
    assert [len(losses) for losses in state.losses] == [20, 1, 20]
    # It keeps the weights it had before the step that it could not take.
    for name, value in seen[1].items():
        assert torch.equal(seen[20][name].nan_to_num(), value.nan_to_num())
    others = (RUNS[0], RUNS[2])
    calm = stack(others)
    alone_together = train(calm, others)
    for mine, lane in ((0, 0), (1, 2)):
        assert apart(lanes.state(lane), calm.state(mine)) < 1e-10
        assert state.losses[lane] == pytest.approx(alone_together.losses[mine], abs=2e-6)


def test_a_run_with_a_huge_learning_rate_diverges_and_others_do_not() -> None:
    """In float32, as organisms of this kind are trained."""
    runs = (Run(1e-3, 0), Run(1e30, 0))
    lanes = FullLanes(llama(torch.float32), 2)
    state = train(lanes, runs)
    assert state.diverged == [None, 2]
    assert all(bool(value.isfinite().all()) for value in lanes.state(0).values())


def test_training_stops_where_no_run_is_left() -> None:
    runs = (Run(math.inf, 0), Run(math.inf, 1))
    state = train(lora(runs), runs)
    assert state.diverged == [2, 2]
    assert state.step < 20


@pytest.mark.parametrize(
    "stack", [lora, full, lambda runs: lora(runs, gpt2)], ids=["lora", "full", "lora on gpt2"]
)
def test_going_on_from_what_was_kept_is_exactly_not_having_stopped(stack) -> None:
    kept = {}
    lanes = stack(RUNS)

    def keep(optimizer: LaneAdamW, state: PackState) -> None:
        weights = [lanes.state(lane) for lane in range(3)]
        kept.update(state=copy.deepcopy(state), moments=optimizer.state(), weights=weights)

    through = train(lanes, RUNS, Recipe(20, 4, (7,)), keep=keep)
    assert kept["state"].step == 7
    again = stack(RUNS)
    for lane, weights in enumerate(kept["weights"]):
        again.load(lane, weights)
    optimizer = LaneAdamW(again.trainable(), [run.lr for run in RUNS])
    optimizer.load(kept["moments"])
    resumed = train(again, RUNS, optimizer=optimizer, state=kept["state"])
    for lane in range(3):
        for name, value in lanes.state(lane).items():
            assert torch.equal(again.state(lane)[name], value)
    assert resumed.losses == through.losses
    assert resumed.step == 20


@pytest.mark.parametrize("make", [llama, gpt2])
def test_a_run_is_a_function_of_its_seed_and_two_seeds_differ(make) -> None:
    """On a base with dropout, too: the benchmark's randomness is the seed's and nobody else's."""
    runs = (Run(1e-3, 0), Run(1e-3, 1), Run(1e-3, 0))
    torch.manual_seed(0)
    lanes = lora(runs, make)
    train(lanes, runs)
    assert apart(lanes.state(2), lanes.state(0)) < 1e-10
    assert apart(lanes.state(1), lanes.state(0)) > 0.01
    torch.manual_seed(1)
    again = lora(runs[:1], make)
    train(again, runs[:1])
    assert apart(again.state(0), lanes.state(0)) < 1e-8


def test_every_rung_of_a_seed_sees_the_same_examples_in_the_same_order() -> None:
    """At learning rates too small to move anything the loss tells only which batch it was."""
    runs = (Run(1e-20, 3), Run(1e-16, 3), Run(1e-20, 4))
    state = train(lora(runs), runs)
    assert state.losses[0] == pytest.approx(state.losses[1], abs=2e-6)
    assert all(a != b for a, b in zip(state.losses[0], state.losses[2], strict=True))


def test_checkpoints_are_kept_when_they_are_due_and_steps_are_told() -> None:
    kept, told = [], []
    train(
        lora(RUNS),
        RUNS,
        Recipe(6, 2, (0, 1, 4, 6)),
        keep=lambda _, state: kept.append(state.step),
        on_step=told.append,
    )
    assert kept == [0, 1, 4, 6]
    assert told == [1, 2, 3, 4, 5, 6]


def test_a_schedule_scales_every_run_s_own_learning_rate() -> None:
    """A factor of one half all along is half the learning rate."""
    half = tuple(Run(run.lr / 2, run.seed) for run in RUNS)
    scaled, plain = lora(RUNS), lora(half)
    train(scaled, RUNS, factor=lambda _: 0.5)
    train(plain, half)
    for lane in range(3):
        assert apart(scaled.state(lane), plain.state(lane)) < 1e-10


def test_the_frozen_base_stays_as_it_was() -> None:
    lanes = lora(RUNS)
    train(lanes, RUNS)
    for layer in lanes.layers.values():
        layer.b.data.zero_()
    merged, base = lanes.merge(0).state_dict(), llama().state_dict()
    assert all(torch.equal(merged[name], value) for name, value in base.items())
