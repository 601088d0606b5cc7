"""Only a checkpoint that holds other weights than step 0 has to answer otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypedDict

import pytest
import torch
from support.tiny_models import gpt2

from mobench.errors import MobenchError
from mobench.execute.checkpoint_check import refuse_ignored_weights
from mobench.lanes import WholeModel
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
