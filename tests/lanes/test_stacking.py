"""A method and a model make lanes, or say that runs have to go one after the other."""

from __future__ import annotations

import pytest
import torch
from support.tiny_models import gpt2, llama, relative, token_ids

from mobench.lanes import CannotStack, FullLanes, LoraLanes, WholeModel, stacked

FULL = {"rank": None, "alpha": None}


def test_lora_rides_on_any_model_and_full_weights_are_stacked_where_they_can_be() -> None:
    assert isinstance(stacked(gpt2(), "lora", [0, 1], rank=2, alpha=4.0), LoraLanes)
    assert isinstance(stacked(llama(), "full", [0, 1], **FULL), FullLanes)


def test_a_model_that_cannot_be_stacked_takes_one_run_at_a_time() -> None:
    assert isinstance(stacked(gpt2(), "full", [0], **FULL), WholeModel)
    with pytest.raises(CannotStack, match="GPT2LMHeadModel"):
        stacked(gpt2(), "full", [0, 1], **FULL)


def test_a_whole_model_takes_and_gives_its_weights_by_hugging_face_names() -> None:
    lanes, ids = WholeModel(gpt2()), token_ids(2, 5)
    state = {name: value * 1.1 for name, value in lanes.state(0).items()}
    assert state.keys() == dict(gpt2().named_parameters()).keys()
    lanes.load(0, state)
    plain = gpt2()
    with torch.no_grad():
        for name, value in plain.named_parameters():
            value.copy_(state[name])
        assert relative(lanes.model(ids).logits, plain(ids).logits) < 1e-12
    with pytest.raises(ValueError, match="differ in 1 tensors"):
        lanes.load(0, dict(list(state.items())[1:]))
