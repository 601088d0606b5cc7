"""Each run of a pack is the run that PEFT and torch would have made of it alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pytest
import torch
from peft import get_peft_model_state_dict
from support.textbook_loop import (
    ALPHA,
    EXAMPLES,
    PAD,
    RANK,
    Weights,
    apart,
    in_peft,
    train_alone,
    typically_apart,
)
from support.tiny_models import gemma2, gemma3, gpt2, llama, mistral, qwen2, qwen3
from transformers import PreTrainedModel, get_scheduler

from mobench.lanes import FullLanes, Lanes, LoraLanes, WholeModel
from mobench.train.optimizer import LaneAdamW
from mobench.train.pack import Recipe, Run, train_pack
from mobench.train.schedule import rate_factor

RUNS = (Run(1e-3, 0), Run(1e-2, 1), Run(3e-3, 2))
RECIPE = Recipe(steps=20, batch_size=4)
TIED = {"tie_word_embeddings": True}
UNTIED = {"tie_word_embeddings": False}
Make = Callable[..., PreTrainedModel]
ARCHITECTURES = {
    "llama": llama,
    "llama, tied": partial(llama, **TIED),
    "qwen2": qwen2,
    "qwen3": qwen3,
    "mistral": mistral,
    "gemma2": gemma2,
    "gemma2, untied": partial(gemma2, **UNTIED),
    "gemma3": gemma3,
    "gpt2": gpt2,
}
EVERY_ARCHITECTURE = pytest.mark.parametrize(
    "make", ARCHITECTURES.values(), ids=ARCHITECTURES.keys()
)


def packed(
    make: Make, dtype: torch.dtype
) -> tuple[list[Weights], list[Weights], list[list[float]]]:
    """Trains the pack; returns each lane's start, its end and its losses."""
    seeds = [run.seed for run in RUNS]
    lanes = LoraLanes(make(dtype), seeds, rank=RANK, alpha=ALPHA)
    starts = [lanes.state(lane) for lane in range(len(RUNS))]
    state = train_pack(lanes, RUNS, EXAMPLES, RECIPE, pad=PAD)
    assert state.diverged == [None] * len(RUNS)
    return starts, [lanes.state(lane) for lane in range(len(RUNS))], state.losses


@EVERY_ARCHITECTURE
def test_in_float64_weights_and_losses_are_those_of_the_run_alone(make: Make) -> None:
    starts, ends, losses = packed(make, torch.float64)
    for lane, run in enumerate(RUNS):
        peft = in_peft(make(), starts[lane], torch.float64)
        told = train_alone(peft, run, RECIPE)
        assert apart(ends[lane], get_peft_model_state_dict(peft)) < 1e-8
        assert apart(ends[lane], starts[lane]) > 0.01, "something was learned"
        assert losses[lane] == pytest.approx(told, abs=1e-6)


SCHEDULES: dict[str, tuple[dict[str, Any], str, dict[str, Any] | None]] = {
    "linear": ({"warmup_steps": 3}, "linear", None),
    "cosine": ({}, "cosine", None),
    "wsd": (
        {"warmup_steps": 2, "decay_steps": 6},
        "warmup_stable_decay",
        {"num_decay_steps": 6, "decay_type": "linear"},
    ),
    "constant": ({"warmup_steps": 5}, "constant_with_warmup", None),
}
SETTINGS = {"betas": (0.8, 0.95), "weight_decay": 0.3}


@pytest.mark.parametrize("method", ["lora", "full", "whole"])
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_schedule_and_the_optimizer_s_settings_are_those_of_the_run_alone(
    schedule: Any, method: str
) -> None:
    """Weights, moments and rate are torch's, with transformers' scheduler, for each lane."""
    own, name, specific = SCHEDULES[schedule]
    recipe = Recipe(steps=20, batch_size=4, max_norm=0.05)
    runs = RUNS[:1] if method == "whole" else RUNS
    lanes: Lanes = WholeModel(gpt2()) if method == "whole" else FullLanes(llama(), len(runs))
    if method == "lora":
        lanes = LoraLanes(llama(), [run.seed for run in runs], rank=RANK, alpha=ALPHA)
    starts = [lanes.state(lane) for lane in range(len(runs))]
    optimizer = LaneAdamW(lanes.trainable(), [run.lr for run in runs], **SETTINGS)
    factor = rate_factor(schedule, steps=20, **own)
    train_pack(lanes, runs, EXAMPLES, recipe, pad=PAD, optimizer=optimizer, factor=factor)

    def scheduler(theirs: torch.optim.Optimizer) -> Any:
        return get_scheduler(name, theirs, own.get("warmup_steps", 0), 20, specific)

    for lane, run in enumerate(runs):
        alone: Any = gpt2() if method == "whole" else llama()
        if method == "lora":
            alone = in_peft(alone, starts[lane], torch.float64)
        train_alone(alone, run, recipe, scheduler=scheduler, **SETTINGS)
        end = (
            get_peft_model_state_dict(alone) if method == "lora" else dict(alone.named_parameters())
        )
        assert apart(lanes.state(lane), end) < 1e-8
        assert apart(lanes.state(lane), starts[lane]) > 0.01, "something was learned"


@pytest.mark.parametrize("make", [llama, gpt2])
def test_rank_alpha_and_targets_are_peft_s(make: Make) -> None:
    names = ["q_proj", "layers.1.mlp.up_proj"] if make is llama else ["c_proj"]
    chosen: dict[str, Any] = {"rank": 2, "alpha": 6.0, "targets": names}
    lanes = LoraLanes(make(), [run.seed for run in RUNS], **chosen)
    starts = [lanes.state(lane) for lane in range(len(RUNS))]
    train_pack(lanes, RUNS, EXAMPLES, RECIPE, pad=PAD)
    for lane, run in enumerate(RUNS):
        peft = in_peft(make(), starts[lane], torch.float64, **chosen)
        assert {f"base_model.model.{name}" for name in lanes.layers} == {
            f"base_model.model.{name}" for name in peft.base_model.targeted_module_names
        }
        train_alone(peft, run, RECIPE)
        assert apart(lanes.state(lane), get_peft_model_state_dict(peft)) < 1e-8


REORDERED = 4
"""In float32 a pack's tensors may typically be this many times as far from the run alone as the run
alone is from itself with the rows of every batch in another order. Measured: 0.8 to 1.5 times.
None may be farther than FARTHEST: where a gradient is all but 0, Adam makes a whole step of its
rounding, in a pack as in a reordered batch, so single tensors can be hundreds of times as far as
the others."""
FARTHEST = 1e-3
ROUNDED, LOSSES_ROUNDED = 2.5, 5
"""In bfloat16 a row's numbers do not depend on its neighbors, so that distance is mostly nothing;
what counts is rounding. A pack may be this many times as far from the same run in float64 as the
run alone is, in its weights and in its losses."""


def losses_apart(mine: Sequence[float], theirs: Sequence[float]) -> float:
    return max(abs(a - b) for a, b in zip(mine, theirs, strict=True))


@EVERY_ARCHITECTURE
def test_in_float32_a_pack_is_as_near_as_a_run_alone_with_its_rows_reordered(make: Make) -> None:
    starts, ends, losses = packed(make, torch.float32)
    for lane, run in enumerate(RUNS):
        alone, reordered = (in_peft(make(torch.float32), starts[lane]) for _ in range(2))
        told = train_alone(alone, run, RECIPE)
        train_alone(reordered, run, RECIPE, rows=lambda batch: batch[::-1])
        reference = get_peft_model_state_dict(alone)
        noise = typically_apart(get_peft_model_state_dict(reordered), reference)
        assert 0 < noise < 1e-5
        assert typically_apart(ends[lane], reference) < REORDERED * noise
        assert apart(ends[lane], reference) < FARTHEST
        assert losses_apart(losses[lane], told) < 5e-6


@EVERY_ARCHITECTURE
def test_in_bfloat16_a_pack_is_as_near_to_the_exact_run_as_the_run_alone_is(make: Make) -> None:
    starts, ends, losses = packed(make, torch.bfloat16)
    for lane, run in enumerate(RUNS):
        alone = in_peft(make(torch.bfloat16), starts[lane])
        exact = in_peft(make(torch.bfloat16).double(), starts[lane], torch.float64)
        told, truth = (train_alone(model, run, RECIPE) for model in (alone, exact))
        right = get_peft_model_state_dict(exact)
        theirs = apart(get_peft_model_state_dict(alone), right)
        assert 0 < theirs < 0.3
        assert apart(ends[lane], right) < ROUNDED * theirs
        assert losses_apart(losses[lane], truth) < LOSSES_ROUNDED * losses_apart(told, truth)


@EVERY_ARCHITECTURE
def test_a_full_run_on_the_plain_model_is_the_textbook_s(make: Make) -> None:
    """Models that cannot be stacked, among them all whose head is their embedding."""
    lanes, plain = WholeModel(make()), make()
    start = lanes.state(0)
    state = train_pack(lanes, RUNS[:1], EXAMPLES, RECIPE, pad=PAD)
    told = train_alone(plain, RUNS[0], RECIPE)
    assert apart(lanes.state(0), dict(plain.named_parameters())) < 1e-8
    assert apart(lanes.state(0), start) > 0.01, "something was learned"
    assert state.losses[0] == pytest.approx(told, abs=1e-6)
