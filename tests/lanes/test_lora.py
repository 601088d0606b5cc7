"""A LoRA lane is the adapter that PEFT would have, whatever rides beside it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model, set_peft_model_state_dict
from support.tiny_models import gpt2, llama, qwen2, relative, token_ids
from transformers import PreTrainedModel

from mobench.errors import MobenchError
from mobench.lanes import LoraLanes, saved_config
from mobench.lanes.lora import LoraLinear

RANK, ALPHA = 4, 12.0
Make = Callable[[], PreTrainedModel]
MODELS = pytest.mark.parametrize("make", [llama, gpt2, qwen2])


def in_peft(make: Make) -> PeftModel:
    config = LoraConfig(
        r=RANK, lora_alpha=ALPHA, target_modules="all-linear", task_type="CAUSAL_LM"
    )
    return get_peft_model(make(), config).double().eval()


def random_lanes(make: Make, seeds: tuple[int, ...] = (0, 1, 2)) -> LoraLanes:
    """Lanes whose B is no longer zero, so that they differ from the base."""
    lanes = LoraLanes(make(), seeds, rank=RANK, alpha=ALPHA)
    generator = torch.Generator().manual_seed(9)
    with torch.no_grad():
        for layer in lanes.layers.values():
            layer.b.copy_(torch.randn(layer.b.shape, generator=generator) * 0.1)
    return lanes


def logits(model: torch.nn.Module, ids: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return model(input_ids=ids).logits


@MODELS
def test_the_layers_are_those_of_peft_all_linear(make: Make) -> None:
    lanes = LoraLanes(make(), [0], rank=RANK, alpha=ALPHA)
    assert set(lanes.layers) == set(in_peft(make).base_model.targeted_module_names)


def test_named_targets_are_adapted_alone_and_the_saved_adapter_says_so() -> None:
    lanes = LoraLanes(llama(), [0], rank=2, alpha=4.0, targets=["q_proj", "layers.1.mlp.up_proj"])
    assert set(lanes.layers) == {
        "model.layers.0.self_attn.q_proj",
        "model.layers.1.self_attn.q_proj",
        "model.layers.1.mlp.up_proj",
    }
    assert saved_config(lanes)["target_modules"] == ["layers.1.mlp.up_proj", "q_proj"]


@pytest.mark.parametrize("target", ["qproj", "lm_head", "proj"])
def test_a_target_that_is_none_is_refused_with_those_that_are(target: str) -> None:
    with pytest.raises(MobenchError, match=f"has no linear layer '{target}'") as refused:
        LoraLanes(llama(), [0], rank=2, alpha=4.0, targets=["q_proj", target])
    assert "down_proj, gate_proj, k_proj, o_proj, q_proj, up_proj, v_proj" in refused.value.remedy


@MODELS
def test_a_saved_lane_answers_in_peft_as_it_does_in_the_pack(make: Make) -> None:
    lanes = random_lanes(make)
    ids = token_ids(6, 7)
    packed = logits(lanes.model, ids)
    plain = logits(make(), ids)
    for lane in range(3):
        peft = in_peft(make)
        answer = set_peft_model_state_dict(peft, lanes.state(lane))
        assert not answer.unexpected_keys
        assert not [key for key in answer.missing_keys if "lora_" in key]
        rows = slice(2 * lane, 2 * lane + 2)
        assert relative(packed[rows], logits(peft, ids[rows])) < 1e-10
        assert relative(packed[rows], plain[rows]) > 1e-3


@MODELS
def test_merging_a_lane_gives_the_plain_model_that_the_lane_was(make: Make) -> None:
    lanes = random_lanes(make)
    ids = token_ids(2, 7)
    with lanes.scope.using([1]):
        laned = logits(lanes.model, ids)
    merged = lanes.merge(1)
    assert not any(isinstance(module, LoraLinear) for module in merged.modules())
    assert merged.state_dict().keys() == make().state_dict().keys()
    assert relative(logits(merged, ids), laned) < 1e-10


def test_one_lane_in_use_answers_as_it_does_in_the_full_pack() -> None:
    lanes = random_lanes(llama)
    ids = token_ids(2, 7)
    packed = logits(lanes.model, ids.repeat(3, 1)).view(3, 2, 7, -1)
    for lane in range(3):
        with lanes.scope.using([lane]):
            assert relative(logits(lanes.model, ids), packed[lane]) < 1e-12
    with lanes.scope.using([2, 0]):
        two = logits(lanes.model, ids.repeat(2, 1)).view(2, 2, 7, -1)
    assert relative(two[0], packed[2]) < 1e-12
    assert relative(two[1], packed[0]) < 1e-12
    assert lanes.scope.active == (0, 1, 2)


@pytest.mark.parametrize("wrong", [[], [0, 0], [3], [-1]])
def test_lanes_that_are_not_there_or_come_twice_are_refused(wrong: list[int]) -> None:
    lanes = random_lanes(llama)
    with pytest.raises(ValueError, match="lanes"), lanes.scope.using(wrong):
        pass


def test_a_fresh_lane_is_the_base_and_its_start_depends_on_its_seed_alone() -> None:
    torch.manual_seed(1)
    pack = LoraLanes(llama(), [1, 5, 9], rank=RANK, alpha=ALPHA)
    torch.manual_seed(2)
    alone = LoraLanes(llama(), [5], rank=RANK, alpha=ALPHA)
    ids = token_ids(3, 5)
    assert torch.equal(logits(pack.model, ids), logits(llama(), ids))
    for name, value in alone.state(0).items():
        assert torch.equal(pack.state(1)[name], value)
        if "lora_A" in name:
            assert not torch.equal(pack.state(0)[name], value)


def test_the_start_is_spread_as_peft_spreads_it() -> None:
    lanes = LoraLanes(llama(), range(200), rank=RANK, alpha=ALPHA)
    torch.manual_seed(0)
    draws = [
        p for _ in range(40) for n, p in in_peft(llama).named_parameters() if "q_proj.lora_A" in n
    ]
    theirs = torch.stack(draws).detach().abs()
    ours = lanes.layers["model.layers.0.self_attn.q_proj"].a.detach().abs()
    assert float(ours.max()) == pytest.approx(float(theirs.max()), rel=0.01)
    assert float(ours.mean()) == pytest.approx(float(theirs.mean()), rel=0.05)


def test_an_adapter_that_fits_only_in_part_is_refused_and_nothing_is_loaded() -> None:
    lanes = random_lanes(llama)
    before, other = lanes.state(0), lanes.state(1)
    part = dict(list(other.items())[1:])
    for wrong in (part, {**other, "base_model.model.extra.lora_A.weight": torch.zeros(1)}):
        with pytest.raises(ValueError, match="differ in 1 tensors"):
            lanes.load(0, wrong)
    assert all(torch.equal(lanes.state(0)[name], value) for name, value in before.items())
    lanes.load(0, other)
    assert all(torch.equal(lanes.state(0)[name], value) for name, value in other.items())


def test_a_float32_adapter_over_a_bfloat16_base_answers_as_in_peft() -> None:
    """The update is added before the sum is rounded back to the base's precision."""
    lanes = LoraLanes(llama(torch.bfloat16), [0], rank=RANK, alpha=ALPHA)
    with torch.no_grad():
        for layer in lanes.layers.values():
            layer.b.normal_(std=0.1, generator=torch.Generator().manual_seed(3))
    config = LoraConfig(
        r=RANK, lora_alpha=ALPHA, target_modules="all-linear", task_type="CAUSAL_LM"
    )
    peft = get_peft_model(llama(torch.bfloat16), config).eval()
    set_peft_model_state_dict(peft, lanes.state(0))
    ids = token_ids(2, 7)
    assert torch.equal(logits(lanes.model, ids), logits(peft, ids))
