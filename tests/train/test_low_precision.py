"""Whole weights in bfloat16 learn from updates that are smaller than their own precision."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from support.textbook_loop import EXAMPLES, PAD, train_alone
from support.tiny_models import gpt2, llama
from transformers import PreTrainedModel

from mobench.lanes import FullLanes, Lanes, WholeModel
from mobench.train.optimizer import LaneAdamW, lanes_of
from mobench.train.pack import PackState, Recipe, Run, train_pack

RUN = Run(1e-5, 0)
RECIPE = Recipe(steps=150, batch_size=6)
Make = Callable[..., PreTrainedModel]


def one(model: PreTrainedModel) -> Lanes:
    return FullLanes(model, 1)


def three(model: PreTrainedModel) -> Lanes:
    return FullLanes(model, 3)


@pytest.mark.parametrize(
    ("make", "stack", "runs"),
    [
        (llama, one, [RUN]),
        (llama, three, [Run(1e-4, 1), RUN, Run(0.0, 0)]),
        (gpt2, WholeModel, [RUN]),
    ],
    ids=["stacked alone", "stacked", "whole"],
)
def test_a_small_rate_does_what_it_does_in_float32(
    make: Make, stack: Callable[[PreTrainedModel], Lanes], runs: list[Run]
) -> None:
    """Here 150 steps of 1e-5 take a twentieth off the loss; a weight's bfloat16 step is 1e-3."""
    exact = make(torch.bfloat16).float()
    told = train_alone(exact, RUN, RECIPE)
    lanes = stack(make(torch.bfloat16))
    lane = runs.index(RUN)
    before = lanes.state(lane)
    losses = train_pack(lanes, runs, EXAMPLES, RECIPE, pad=PAD).losses[lane]
    # The same examples come back every three steps: the loss of an epoch is compared.
    fall, fallen = (sum(of[:3]) - sum(of[-3:]) for of in (told, losses))
    assert fall > 0.1
    assert fallen == pytest.approx(fall, rel=0.1)
    after = lanes.state(lane)
    assert {value.dtype for value in after.values()} == {torch.bfloat16}, "as an engine loads it"
    assert any(not torch.equal(after[name], before[name]) for name in after)
    if len(runs) > 1:
        still = lanes.state(runs.index(Run(0.0, 0)))
        assert all(torch.equal(still[name], before[name]) for name in before)


def test_which_lanes_moved_is_told_in_the_precision_of_the_weights() -> None:
    lanes = FullLanes(llama(torch.bfloat16), 3)
    runs = [Run(1e-44, 0), Run(1e-3, 0), Run(0.0, 0)]
    optimizer = LaneAdamW(lanes.trainable(), [run.lr for run in runs])
    train_pack(lanes, runs, EXAMPLES, Recipe(3, 4), pad=PAD, optimizer=optimizer)
    assert optimizer.changed.tolist() == [False, True, False]


def test_going_on_keeps_what_was_smaller_than_the_precision() -> None:
    """A resumed pack, or one lane of it in another pack, ends where it would have ended."""
    runs = [RUN, Run(3e-5, 1)]
    recipe = Recipe(steps=30, batch_size=4, checkpoints=(11,))
    lanes, kept = FullLanes(llama(torch.bfloat16), 2), {}

    def keep(optimizer: LaneAdamW, state: PackState) -> None:
        kept.update(
            moments=optimizer.state(), weights=[lanes.state(0), lanes.state(1)], step=state.step
        )

    train_pack(lanes, runs, EXAMPLES, recipe, pad=PAD, keep=keep)
    again = FullLanes(llama(torch.bfloat16), 1)
    optimizer = LaneAdamW(again.trainable(), [runs[1].lr])
    optimizer.load(lanes_of(kept["moments"], [1]))
    again.load(0, kept["weights"][1])
    state = PackState.fresh(1)
    state.step = kept["step"]
    train_pack(again, runs[1:], EXAMPLES, recipe, pad=PAD, optimizer=optimizer, state=state)
    assert all(torch.equal(again.state(0)[name], end) for name, end in lanes.state(1).items())


def test_moments_of_another_precision_are_refused_and_change_nothing() -> None:
    kept = LaneAdamW(FullLanes(llama(torch.float32), 1).trainable(), [1e-3]).state()
    rounded = LaneAdamW(FullLanes(llama(torch.bfloat16), 1).trainable(), [1e-3])
    before = rounded.state()
    with pytest.raises(KeyError):
        rounded.load(kept)
    assert all(torch.equal(value, before[name]) for name, value in rounded.state().items())
