"""Puts lanes for a training method on a model."""

from __future__ import annotations

from collections.abc import Sequence

from transformers import PreTrainedModel

from mobench.lanes.full import FullLanes, can_stack
from mobench.lanes.lora import LoraLanes
from mobench.lanes.whole import WholeModel
from mobench.records.cells import ALL_LINEAR

Stack = LoraLanes | FullLanes | WholeModel
"""Lanes of any kind."""


class CannotStack(Exception):
    """The runs cannot share a model and have to be trained one after the other."""


def stacked(
    model: PreTrainedModel,
    method: str,
    seeds: Sequence[int],
    *,
    rank: int | None,
    alpha: float | None,
    targets: str | Sequence[str] = ALL_LINEAR,
) -> Stack:
    """Puts one lane for each seed on a model.

    Args:
        model: The model, which is changed.
        method: ``lora`` or ``full``.
        seeds: One for each lane.
        rank: LoRA's rank; None for ``full``.
        alpha: LoRA's alpha; None for ``full``.
        targets: The modules that LoRA adapts.

    Raises:
        CannotStack: There are several lanes for full fine-tuning, and the model has layers that
            cannot be stacked.
        MobenchError: The model has no such module.
    """
    if method == "lora":
        assert rank is not None
        assert alpha is not None
        return LoraLanes(model, seeds, rank=rank, alpha=alpha, targets=targets)
    if can_stack(model):
        return FullLanes(model, len(seeds))
    if len(seeds) == 1:
        return WholeModel(model)
    raise CannotStack(f"{type(model).__name__} has layers that cannot be stacked")
