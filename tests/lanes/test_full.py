"""A stack of whole models is each of those models, lane by lane."""

from __future__ import annotations

import pytest
import torch
from support.tiny_models import gpt2, llama, qwen2, relative, token_ids
from transformers import PreTrainedModel

from mobench.lanes import FullLanes, can_stack

MODELS = pytest.mark.parametrize("make", [llama, qwen2])


def logits(model: torch.nn.Module, ids: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return model(input_ids=ids).logits


def another(model: PreTrainedModel, seed: int) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {
        name: value + 0.05 * torch.randn(value.shape, generator=generator, dtype=value.dtype)
        for name, value in model.state_dict().items()
    }


@MODELS
def test_each_lane_answers_as_the_plain_model_with_its_weights(make) -> None:
    lanes = FullLanes(make(), 3)
    ids = token_ids(6, 7)
    assert relative(logits(lanes.model, ids), logits(make(), ids)) < 1e-10
    weights = [another(make(), seed) for seed in range(3)]
    for lane, state in enumerate(weights):
        lanes.load(lane, state)
    packed = logits(lanes.model, ids)
    for lane, state in enumerate(weights):
        plain = make()
        plain.load_state_dict(state)
        rows = slice(2 * lane, 2 * lane + 2)
        assert relative(packed[rows], logits(plain, ids[rows])) < 1e-10
        with lanes.scope.using([lane]):
            assert relative(logits(lanes.model, ids[rows]), packed[rows]) < 1e-12


@MODELS
def test_a_lane_gives_back_what_was_loaded_under_hugging_face_names(make) -> None:
    lanes = FullLanes(make(), 2)
    state = another(make(), 4)
    lanes.load(1, state)
    assert lanes.state(1).keys() == make().state_dict().keys()
    assert all(torch.equal(lanes.state(1)[name], value) for name, value in state.items())
    untouched = make().state_dict()
    assert all(torch.equal(lanes.state(0)[name], value) for name, value in untouched.items())


def test_every_weight_of_the_model_trains() -> None:
    plain = llama()
    lanes = FullLanes(llama(), 2)
    assert lanes.trainable().keys() == dict(plain.named_parameters()).keys()
    answer = lanes.model(input_ids=token_ids(4, 6)).logits
    answer.pow(2).sum().backward()
    assert all(p.grad is not None for p in lanes.trainable().values())


def test_weights_of_other_names_are_refused_and_nothing_is_loaded() -> None:
    lanes = FullLanes(llama(), 1)
    state = another(llama(), 1)
    before = lanes.state(0)
    missing = dict(list(state.items())[1:])
    for wrong in (missing, {**state, "model.extra.weight": torch.zeros(1)}):
        with pytest.raises(ValueError, match="differ in 1 tensors"):
            lanes.load(0, wrong)
    assert all(torch.equal(lanes.state(0)[name], value) for name, value in before.items())


@pytest.mark.parametrize(
    ("model", "stacks"),
    [
        (llama(), True),
        (qwen2(), True),
        (llama(tie_word_embeddings=True), False),
        (gpt2(), False),
        (gpt2(tie_word_embeddings=False), False),
    ],
    ids=["llama", "qwen2", "tied llama", "gpt2", "untied gpt2"],
)
def test_models_with_a_shared_weight_or_an_unknown_layer_do_not_stack(model, stacks) -> None:
    assert can_stack(model) is stacks
    if not stacks:
        with pytest.raises(ValueError, match="cannot be stacked"):
            FullLanes(model, 2)
