"""What a run leaves of a lane opens in PEFT and in transformers, with nothing of mobench's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from peft import PeftModel
from support.tiny_models import gemma2, llama, relative, token_ids
from test_lora import MODELS, logits, random_lanes
from transformers import AutoModelForCausalLM, PreTrainedModel

from mobench.lanes import saved_config, stacked
from mobench.store import CellFolder

Make = Callable[[], PreTrainedModel]


@MODELS
def test_a_kept_adapter_opens_in_peft_and_answers_as_in_the_pack(
    make: Make, tmp_path: Path
) -> None:
    lanes = random_lanes(make)
    ids = token_ids(3, 7)
    packed = logits(lanes.model, ids)
    cell = CellFolder(tmp_path)
    for lane in range(3):
        cell.keep_adapter(lane, lanes.state(lane), saved_config(lanes))
        peft = PeftModel.from_pretrained(make(), cell.adapter(lane)).double().eval()
        assert relative(logits(peft, ids[[lane]]), packed[[lane]]) < 1e-10


@pytest.mark.parametrize("make", [llama, gemma2])
def test_kept_whole_weights_open_in_transformers(make: Make, tmp_path: Path) -> None:
    lanes = stacked(make(), "full", [0], rank=None, alpha=None)
    with torch.no_grad():
        for value in lanes.trainable().values():
            value.mul_(1.25)
    ids = token_ids(2, 7)
    cell = CellFolder(tmp_path)
    cell.keep_adapter(4, lanes.state(0), saved_config(lanes))
    again = AutoModelForCausalLM.from_pretrained(cell.adapter(4), dtype=torch.float64)
    assert relative(logits(again, ids), logits(lanes.model, ids)) < 1e-6


def test_a_configuration_names_no_path(tmp_path: Path) -> None:
    llama().save_pretrained(tmp_path)
    for method, rank, alpha in (("full", None, None), ("lora", 4, 8.0)):
        model = AutoModelForCausalLM.from_pretrained(tmp_path)
        lanes = stacked(model, method, [0], rank=rank, alpha=alpha)
        assert str(tmp_path) not in str(saved_config(lanes))
