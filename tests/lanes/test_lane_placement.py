"""A pack whose model lies on two devices trains and answers as it does on one."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from support.second_device import register
from support.textbook_loop import ALPHA, EXAMPLES, PAD, RANK, apart
from support.tiny_models import gemma2, gpt2, llama, qwen3
from transformers import PreTrainedModel

from mobench.assemble.loading import load_model
from mobench.decode.decoding import decode
from mobench.lanes import FullLanes, Lanes, LoraLanes
from mobench.lanes.placement import block_places, device_map, spread
from mobench.train.optimizer import LaneAdamW
from mobench.train.pack import PackState, Recipe, Run, train_pack

DEVICES = (str(register()), "cpu")
"""Embedding and head are on the second device, and so is the first part of the blocks."""
RUNS = (Run(1e-3, 0), Run(1e-2, 1), Run(3e-3, 2))
MODELS = pytest.mark.parametrize("make", [llama, qwen3, gemma2, gpt2])


def lora(model: PreTrainedModel, runs: tuple[Run, ...] = RUNS) -> LoraLanes:
    return LoraLanes(model, [run.seed for run in runs], rank=RANK, alpha=ALPHA)


def train(lanes: Lanes, runs: tuple[Run, ...] = RUNS, **how: Any) -> PackState:
    return train_pack(lanes, runs, EXAMPLES, Recipe(8, 4, **how), pad=PAD)


def test_every_device_has_its_part_of_the_blocks_and_the_first_all_else() -> None:
    model = spread(llama(num_hidden_layers=4), DEVICES)
    where = {name: p.device.type for name, p in model.named_parameters()}
    first = torch.device(DEVICES[0]).type
    assert {where[name] for name in where if ".layers." not in name} == {first}
    assert {where[name] for name in where if ".layers.0." in name} == {first}
    assert {where[name] for name in where if ".layers.3." in name} == {"cpu"}
    assert model.device.type == first


def test_each_gets_about_the_same_bytes_with_embedding_and_head_counted() -> None:
    model = llama(num_hidden_layers=24, vocab_size=1000)
    devices = ("a", "b", "c", "d")
    places = block_places(model, devices)
    assert list(places.values()) == sorted(places.values())
    block = sum(p.numel() for p in model.model.layers[0].parameters())
    whole = sum(p.numel() for p in model.parameters())
    held = dict.fromkeys(devices, 0) | {"a": whole - 24 * block}
    for device in places.values():
        held[device] += block
    assert max(held.values()) - min(held.values()) <= 2 * block


@MODELS
def test_where_it_is_loaded_to_names_every_weight_once(make: Callable[..., Any]) -> None:
    model = make()
    told = device_map(model, ("a", "b"))
    for name in model.state_dict():
        assert sum(name.startswith(f"{part}.") for part in told) == 1, name


@MODELS
@pytest.mark.parametrize("how", [{}, {"micro_batch": 3}, {"recompute": True}])
def test_lanes_on_two_devices_end_where_they_end_on_one(make: Callable[..., Any], how: Any) -> None:
    alone, apart_ = lora(make()), lora(spread(make(), DEVICES))
    one, two = train(alone, **how), train(apart_, **how)
    for lane in range(len(RUNS)):
        assert apart(apart_.state(lane), alone.state(lane)) < 1e-10
        assert two.losses[lane] == pytest.approx(one.losses[lane], abs=2e-6)
    assert len({p.device for p in apart_.trainable().values()}) == 2


def test_whole_weights_on_two_devices_end_where_they_end_on_one() -> None:
    alone, apart_ = FullLanes(llama(), 3), FullLanes(spread(llama(), DEVICES), 3)
    train(alone), train(apart_)
    for lane in range(3):
        assert apart(apart_.state(lane), alone.state(lane)) < 1e-10


def test_a_run_that_diverges_on_two_devices_leaves_the_others_alone() -> None:
    wild = (RUNS[0], Run(math.inf, 1), RUNS[2])
    alone, apart_ = lora(llama(), wild), lora(spread(llama(), DEVICES), wild)
    one, two = train(alone, wild), train(apart_, wild)
    assert two.diverged == one.diverged == [None, 2, None]
    for lane in (0, 2):
        assert apart(apart_.state(lane), alone.state(lane)) < 1e-10


def test_the_norm_is_that_of_all_devices_together() -> None:
    lanes = lora(spread(llama(), DEVICES))
    optimizer = LaneAdamW(lanes.trainable(), [run.lr for run in RUNS])
    for number, p in enumerate(optimizer.parameters.values()):
        p.grad = torch.full_like(p, 1.0 + number)
    parts = [p.grad.to("cpu").flatten(1).pow(2).sum(1) for p in optimizer.parameters.values()]
    assert len({p.device for p in optimizer.parameters.values()}) == 2
    assert torch.allclose(optimizer.norms().to("cpu"), torch.stack(parts).sum(0).sqrt())


@MODELS
def test_answers_are_those_of_one_device(make: Callable[..., Any]) -> None:
    prompts = [list(example.prompt) for example in EXAMPLES[:6]]
    alone, apart_ = lora(make()), lora(spread(copy.deepcopy(make()), DEVICES))
    train(alone), train(apart_)
    answers = [
        decode(lanes.model, prompts, pad=PAD, ends=(1, 7, 9), max_new_tokens=12, scope=lanes.scope)
        for lanes in (alone, apart_)
    ]
    assert answers[0] == answers[1]
    assert len({len(answer) for of_lane in answers[0] for answer in of_lane}) > 1


@pytest.mark.parametrize("second", ["cpu", DEVICES[0]])
def test_a_model_is_loaded_to_its_devices_and_its_layers_are_plain(
    second: str, tmp_path: Path
) -> None:
    """As it is put together in host memory, and as each weight is read to where it belongs."""
    llama(torch.float32).save_pretrained(tmp_path)
    model = load_model(tmp_path, dtype="float32", device=f"{DEVICES[0]},{second}")
    kinds = {torch.device(DEVICES[0]).type, torch.device(second).type}
    assert {p.device.type for p in model.parameters()} == kinds
    assert not any(hasattr(module, "_hf_hook") for module in model.modules())
    ids = torch.tensor([[5, 6, 7, 5]])
    right = llama(torch.float32)(ids).logits
    with torch.no_grad():
        found = model(ids.to(model.device)).logits
    assert torch.allclose(found.to("cpu"), right, atol=1e-6)
