"""Only a checkpoint that holds other weights than step 0 has to answer otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypedDict

import pytest
import torch
from support.tiny_models import gpt2, llama, token_ids

from mobench.errors import MobenchError
from mobench.execute.checkpoint_check import UntrainedNumbers, refuse_ignored_weights
from mobench.lanes import LoraLanes, WholeModel
from mobench.store import CellFolder

ADAPTER = {"peft_type": "LORA"}


class Untrained(TypedDict):
    untrained: Path
    dtype: str


@pytest.fixture(params=["float32", "bfloat16"])
def untrained(request: pytest.FixtureRequest, tmp_path: Path) -> Untrained:
    """The model before training, and the precision that it answers in."""
    # Its weights have other names on disk than in the model, and the head has none at all.
    gpt2(torch.float32).transformer.save_pretrained(tmp_path / "organism")
    return {"untrained": tmp_path / "organism", "dtype": request.param}


def kept(folder: Path, state: dict[str, torch.Tensor], config: dict[str, Any]) -> CellFolder:
    cell = CellFolder(folder / "cell")
    cell.keep_adapter(1, state, config)
    return cell


def adapter(b: float) -> dict[str, torch.Tensor]:
    return {"layer.lora_A.weight": torch.ones(2, 4), "layer.lora_B.weight": torch.full((3, 2), b)}


def test_an_adapter_that_adds_nothing_may_answer_as_before(
    untrained: Untrained, tmp_path: Path
) -> None:
    refuse_ignored_weights(kept(tmp_path, adapter(0.0), ADAPTER), 1, **untrained)


def test_an_adapter_that_adds_something_may_not(untrained: Untrained, tmp_path: Path) -> None:
    with pytest.raises(MobenchError, match="its weights are not applied"):
        refuse_ignored_weights(kept(tmp_path, adapter(1e-3), ADAPTER), 1, **untrained)


def test_what_the_precision_cannot_show_is_no_fault(untrained: Untrained, tmp_path: Path) -> None:
    """One step at a learning rate of 1e-5 shows in float32 and not in bfloat16."""
    cell = kept(tmp_path, adapter(1e-5), ADAPTER)
    if untrained["dtype"] == "bfloat16":
        refuse_ignored_weights(cell, 1, **untrained)
    else:
        with pytest.raises(MobenchError):
            refuse_ignored_weights(cell, 1, **untrained)


def test_whole_weights_are_compared_with_the_organism_s(
    untrained: Untrained, tmp_path: Path
) -> None:
    whole = WholeModel(gpt2(torch.float32).to(getattr(torch, untrained["dtype"]))).state(0)
    refuse_ignored_weights(kept(tmp_path, whole, {}), 1, **untrained)
    name = "transformer.h.1.mlp.c_proj.weight"
    with pytest.raises(MobenchError):
        refuse_ignored_weights(
            kept(tmp_path, {**whole, name: whole[name] * 1.1}, {}), 1, **untrained
        )


def test_where_numbers_are_noisy_a_weight_must_be_larger_to_be_missed(
    untrained: Untrained, tmp_path: Path
) -> None:
    cell = kept(tmp_path, adapter(1e-3 if untrained["dtype"] == "bfloat16" else 1e-8), ADAPTER)
    with pytest.raises(MobenchError):
        refuse_ignored_weights(cell, 1, **untrained)
    refuse_ignored_weights(cell, 1, **untrained, noisy=True)


def asked(lanes: LoraLanes, rows: int) -> list[torch.Tensor]:
    """A model's log-probabilities of one text, in a batch of so many rows of it."""
    ids = token_ids(1, 9).repeat(rows, 1)
    with torch.inference_mode():
        logits = lanes.model(input_ids=ids).logits.float().log_softmax(-1)
    return list(logits[:, :-1].gather(2, ids[:, 1:, None])[..., 0])


def noisy_model() -> LoraLanes:
    """At this width a batch's size decides in which order products are added up, on a CPU too."""
    return LoraLanes(llama(torch.float32, hidden_size=256), [0], rank=4, alpha=8.0)


def test_the_untrained_model_in_another_batch_is_not_taken_for_a_trained_one() -> None:
    lanes = noisy_model()
    known = UntrainedNumbers([numbers for rows in (1, 5) for numbers in asked(lanes, rows)])
    assert known.noise > 0
    for rows in (3, 8, 20):
        assert all(known.are(numbers) for numbers in asked(lanes, rows))
    once = UntrainedNumbers(asked(lanes, 1))
    assert not once.are(asked(lanes, 8)[0]), "bit by bit, an adapter that is left out is not seen"
    with torch.no_grad():
        for layer in lanes.layers.values():
            layer.b.normal_(std=0.05, generator=torch.Generator().manual_seed(3))
    for rows in (1, 8):
        assert not any(known.are(numbers) for numbers in asked(lanes, rows))


def test_without_noise_one_bit_tells() -> None:
    known = UntrainedNumbers([torch.tensor([0.5, -2.0])] * 3)
    assert known.noise == 0
    assert known.are(torch.tensor([0.5, -2.0]))
    assert not known.are(torch.tensor([0.5, -2.0000002]))
